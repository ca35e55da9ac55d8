#!/usr/bin/env python3
"""tern-send --proxy-env: which servers NO_PROXY has. A proxy that refuses all tells whether it was asked; nobody else
is: what goes around it fails before it leaves, as it is bound to loopback and its name server is not there.
Usage: no_proxy.py TERN_SEND; ends with "N passed, N failed"."""
import concurrent.futures
import json
import os
import socket
import subprocess
import sys
import threading

import listener

passed = failed = 0
SEND = sys.argv[1]


def check(what, good, *facts):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAIL", what, *facts)


class Proxy:
    """HTTP, forbids everything, and notes what it was asked for."""

    def __init__(self):
        self.asked = []
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            with conn:
                octets = b""
                while b"\r\n\r\n" not in octets and (more := conn.recv(4096)):
                    octets += more
                self.asked.append(octets.split()[1].decode())
                conn.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


def run(url, proxy, *options, **env):
    env = {"PATH": os.environ["PATH"], **env}
    done = subprocess.run([SEND, "--server", url, "--from", "a@example.org", "--json", "--local", "127.0.0.1", "--resolver", "127.0.0.1:1",
                           "--connect-timeout", "5", *options, "b@example.net"], input=b"x\n", capture_output=True, env=env, timeout=60)
    return done.returncode, json.loads(done.stdout)


# NO_PROXY, servers that it has, servers that it has not; each also with a port of its own where that matters
MAIL, SUB = "smtp://mail.example", "smtp://a.mail.example"
ROWS = [
    ("", [], [MAIL, "smtp://127.0.0.1"]),
    (" , ,", [], [MAIL]),
    ("*", [MAIL, "smtp://192.0.2.1", "smtps://[2001:db8::1]"], []),
    ("x.example, *", [MAIL], []),
    ("mail.example", [MAIL, SUB, "smtp://MAIL.Example:25", "smtp://mail.example.", "smtp://ann@mail.example"],
     ["smtp://xmail.example", "smtp://mail.example.org", "smtp://example", "smtp://mail"]),
    (".mail.example", [MAIL, SUB], ["smtp://xmail.example"]),
    ("*.mail.example", [MAIL, SUB], ["smtp://xmail.example"]),
    ("MAIL.EXAMPLE.", [MAIL, SUB], []),
    ("a.example,b.example mail.example", [MAIL, "smtp://b.example"], ["smtp://c.example"]),
    ("example", [MAIL, SUB], ["smtp://mail.test"]),
    ("mail.example:2525", ["smtp://mail.example:2525", "smtp://a.mail.example:2525"], [MAIL, "smtp://mail.example:25"]),
    ("mail.example:587", [MAIL, "smtp://mail.example?tls=opportunistic"], ["smtps://mail.example", "smtp://mail.example?tls=none"]),
    ("mail.example:465", ["smtps://mail.example"], [MAIL]),
    ("mail.example:25", ["smtp://mail.example?tls=none"], [MAIL]),
    ("mail.example:0 mail.example: mail.example:x mail.example:65536", [], [MAIL]),
    ("192.0.2.1", ["smtp://192.0.2.1", "smtp://192.0.2.1:25"], ["smtp://192.0.2.10", "smtp://92.0.2.1", "smtp://a.192.0.2.1.example"]),
    ("192.0.2.1:25", ["smtp://192.0.2.1:25"], ["smtp://192.0.2.1"]),
    ("2.1", [], ["smtp://192.0.2.1"]),
    ("2001:DB8::1", ["smtp://[2001:db8::1]", "smtp://[2001:db8:0:0::1]:25"], ["smtp://[2001:db8::2]"]),
    ("[2001:db8::1]", ["smtp://[2001:db8::1]"], []),
    ("[2001:db8::1]:25", ["smtp://[2001:db8::1]:25"], ["smtp://[2001:db8::1]"]),
    ("[2001:db8::1 [2001:db8::1]x", [], ["smtp://[2001:db8::1]"]),
    ("192.0.2.0/24", ["smtp://192.0.2.1", "smtp://192.0.2.255"], ["smtp://192.0.3.1", "smtp://[2001:db8::1]", MAIL]),
    ("192.0.2.8/29", ["smtp://192.0.2.15"], ["smtp://192.0.2.16", "smtp://192.0.2.7"]),
    ("192.0.2.1/32", ["smtp://192.0.2.1"], ["smtp://192.0.2.2"]),
    ("0.0.0.0/0", ["smtp://192.0.2.1"], ["smtp://[2001:db8::1]", MAIL]),
    ("192.0.2.0/33 192.0.2.0/ 192.0.2.0/x mail.example/8 192.0.2.0:25/24", [], ["smtp://192.0.2.1", MAIL]),
    ("2001:db8::/33", ["smtp://[2001:db8:7fff::1]"], ["smtp://[2001:db8:8000::1]", "smtp://192.0.2.1"]),
    ("x" * 300 + "," + "." * 300 + ",:,[],/," + "mail.example", [MAIL], ["smtp://x.example"]),
]

proxy = Proxy()
jobs = [(no, url, around) for no, has, has_not in ROWS for urls, around in ((has, True), (has_not, False)) for url in urls]
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    results = pool.map(lambda job: run(job[1], proxy, "--proxy-env", ALL_PROXY=f"http://127.0.0.1:{proxy.port}", NO_PROXY=job[0]), jobs)
    for (no, url, around), (code, told) in zip(jobs, results):
        check(f"NO_PROXY={no!r} {url}", (told["error"] != "TERN_E_PROXY_DENIED") == around and code and told["error"], told)
check("as often as it should", len(proxy.asked) == sum(not around for _, _, around in jobs), proxy.asked)

ALL = f"http://127.0.0.1:{proxy.port}"
for what, denied, options, env in (
        ("no_proxy", False, ["--proxy-env"], {"all_proxy": ALL, "no_proxy": "example"}),
        ("NO_PROXY before no_proxy", True, ["--proxy-env"], {"ALL_PROXY": ALL, "NO_PROXY": "test", "no_proxy": "example"}),
        ("an empty NO_PROXY", False, ["--proxy-env"], {"ALL_PROXY": ALL, "NO_PROXY": "", "no_proxy": "example"}),
        ("--proxy is not the environment's", True, ["--proxy", ALL], {"NO_PROXY": "*"})):
    code, told = run(MAIL, proxy, *options, **env)
    check(what, (told["error"] == "TERN_E_PROXY_DENIED") == denied and code, told)
for what, options, env in (("--proxy", ["--proxy", "https://ann:s3cret@proxy.example:443"], {}),
                           ("ALL_PROXY", ["--proxy-env"], {"ALL_PROXY": "https://ann:s3cret@proxy.example:443"})):
    before = len(proxy.asked)
    code, told = run(MAIL, proxy, *options, **env)
    check("https://, " + what, told["error"] == "TERN_E_UNSUPPORTED" and told["phase"] is None and what in told["hint"] and "https" in told["hint"] and
          "s3cret" not in json.dumps(told) and code == 78, code, told)
listener.stop(proxy.sock, proxy.thread)
print("%d passed, %d failed" % (passed, failed))
sys.exit(1 if failed or not passed else 0)
