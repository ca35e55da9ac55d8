"""smtplib.py - Python's smtplib; see peer.h for the arguments."""
import os
import ssl
import sys

sys.path.pop(0)  # this file bears the module's name
import smtplib

mode, host, port, tls, auth, count, file = sys.argv[1:8]
if mode == "resume":
    sys.exit(3)
with open(file, "rb") as f:
    message = f.read()
context = ssl.create_default_context(cafile=os.environ["PERF_CA"]) if tls != "none" else None


def up():
    if tls == "smtps":
        s = smtplib.SMTP_SSL(host, int(port), local_hostname="client.example", context=context)
    else:
        s = smtplib.SMTP(host, int(port), local_hostname="client.example")
    if tls == "starttls":
        s.starttls(context=context)
    if auth == "1":
        s.login("user", "pass")
    return s


s = None
for _ in range(int(count)):
    s = s or up()
    s.sendmail("a@example.com", ["b@example.net"], message)
    if mode == "conn":
        s.quit()
        s = None
if s:
    s.quit()
