"""hostile_tls.py - certificates, handshakes and what is slipped in around STARTTLS."""
import atexit
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

from scripted import MESSAGE, WIRE, Scripted, case, check, expect, run, table

FOLDER = tempfile.mkdtemp(prefix="tern-hostile.")
atexit.register(shutil.rmtree, FOLDER, True)
CONFIG = """[ca]
default_ca=d
[d]
database={0}/index
new_certs_dir={0}
default_md=sha256
policy=p
unique_subject=no
rand_serial=yes
[p]
commonName=supplied
[req]
distinguished_name=dn
[dn]
"""


def path(name):
    return os.path.join(FOLDER, name)


def openssl(*args):
    subprocess.run(("openssl",) + args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certify(name, san, ca="ca", cn="mail.example.test", begin="20240101000000Z", end="20491231235959Z", usage="serverAuth",
            key="ec", isca=False):
    if key == "ec":
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path(name + ".key"))
    else:
        openssl("genrsa", "-out", path(name + ".key"), key)
    with open(path(name + ".ext"), "w") as f:
        f.write("basicConstraints=critical,CA:%s\n" % ("TRUE" if isca else "FALSE"))
        if not isca and usage:
            f.write("extendedKeyUsage=%s\n" % usage)
        if san:
            f.write("subjectAltName=%s\n" % san)
    openssl("req", "-new", "-config", path("cnf"), "-key", path(name + ".key"), "-subj", "/CN=" + cn, "-out", path(name + ".csr"))
    signer = ("-selfsign", "-keyfile", path(name + ".key")) if ca == "self" else ("-cert", path(ca + ".crt"), "-keyfile", path(ca + ".key"))
    openssl("ca", "-batch", "-notext", "-config", path("cnf"), *signer, "-in", path(name + ".csr"), "-out", path(name + ".crt"),
            "-startdate", begin, "-enddate", end, "-extfile", path(name + ".ext"))


with open(path("cnf"), "w") as _f:
    _f.write(CONFIG.format(FOLDER))
open(path("index"), "w").close()
certify("ca", "", ca="self", cn="tern hostile CA", isca=True)
certify("other", "", ca="self", cn="tern other CA", isca=True)
GOOD = "DNS:localhost,IP:127.0.0.1,IP:::1"
certify("good", GOOD)
certify("rsa", GOOD, key="2048")
certify("client", "email:c@example.test", usage="clientAuth")
certify("client2", "email:c@example.test", ca="other", usage="clientAuth")


def context(name="good", low=None, high=None, ciphers=None, client_ca=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(path(name + ".crt"), path(name + ".key"))
    if low:
        c.minimum_version = low
    if high:
        c.maximum_version = high
    if ciphers:
        c.set_ciphers(ciphers)
    if client_ca:
        c.verify_mode = ssl.CERT_REQUIRED
        c.load_verify_locations(path(client_ca))
    return c


def to(s, *more, host="localhost", scheme="smtp", query="", timeout="10"):
    return ["--server", "%s://%s:%d%s" % (scheme, host, s.port, query), "--ca", path("ca.crt"), "--from", "a@example.org",
            "--ehlo", "client.example", "--timeout", timeout] + list(more) + ["b@example.net"]


def whole(c):
    def script(peer):
        peer.starttls(c)
        peer.take()
        peer.quit()
    return script


def implicit(c, *keywords):
    def script(peer):
        peer.start_tls(c)
        peer.hello(*(keywords or ("PIPELINING",)))
        peer.take()
        peer.quit()
    return script


def nothing_in_clear(s):
    for peer in s.peers:
        for line in peer.clear.split(b"\r\n"):
            if not peer.tls and line.upper().startswith((b"AUTH", b"MAIL", b"RCPT", b"DATA", b"BDAT", b"RSET", b"NOOP")):
                return False
    return True


# names: SAN, host asked for, error
certify("noname", "", cn="localhost")
NAMES = [
    ("DNS", "DNS:localhost", "localhost", None),
    ("DNS in capitals", "DNS:LocalHost", "localhost", None),
    ("host in capitals", "DNS:localhost", "LOCALHOST", None),
    ("second of three", "DNS:a.example,DNS:localhost,DNS:b.example", "localhost", None),
    ("another DNS", "DNS:example.org", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("common name alone", "", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("common name beside another SAN", "DNS:example.org", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("e-mail SAN and common name", "email:localhost@example.org", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("URI SAN", "URI:smtp://localhost", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("IP as IP", "IP:127.0.0.1", "127.0.0.1", None),
    ("IP as DNS", "DNS:127.0.0.1", "127.0.0.1", "TERN_E_TLS_WRONG_HOST"),
    ("another IP", "IP:127.0.0.2", "127.0.0.1", "TERN_E_TLS_WRONG_HOST"),
    ("IPv4 mapped", "IP:::ffff:127.0.0.1", "127.0.0.1", "TERN_E_TLS_WRONG_HOST"),
    ("DNS for an IP", "DNS:localhost", "127.0.0.1", "TERN_E_TLS_WRONG_HOST"),
    ("IP for a name", "IP:127.0.0.1", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("wildcard alone", "DNS:*", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("partial wildcard", "DNS:local*", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("wildcard of a suffix", "DNS:*host", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("wildcard and dot", "DNS:*.localhost", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("prefix", "DNS:localhos", "localhost", "TERN_E_TLS_WRONG_HOST"),
    ("longer", "DNS:localhost.example.org", "localhost", "TERN_E_TLS_WRONG_HOST"),
]


@table("name", NAMES)
def name(san, host, error):
    label = os.path.basename(tempfile.mkdtemp(dir=FOLDER))
    certify_apart(label, san)
    for script, scheme in ((whole, "smtp"), (implicit, "smtps")):
        with Scripted(script(context(label + "/x"))) as s:
            r = run(to(s, host=host, scheme=scheme))
        if error is None:
            expect(r, 0, None, ["accepted"])
            check(r.tls and r.tls["verified"] is True, "verified", r)
        else:
            expect(r, 77, error, ["unsent"], "tls")
            check(b"MAIL" not in s.raw and b"AUTH" not in s.raw, "nothing behind it", s.raw)
    if error:
        with Scripted(whole(context(label + "/x"))) as s:
            r = run(to(s, "--insecure", host=host))
        expect(r, 0, None, ["accepted"])
        check(r.tls["verified"] is False, "not called verified", r)


def certify_apart(label, san):
    """With a database of its own, as cases run side by side."""
    folder = path(label)
    with open(os.path.join(folder, "cnf"), "w") as f:
        f.write(CONFIG.format(folder))
    open(os.path.join(folder, "index"), "w").close()
    with open(os.path.join(folder, "ext"), "w") as f:
        f.write("basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n" + ("subjectAltName=%s\n" % san if san else ""))
    base = os.path.join(folder, "x")
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", base + ".key")
    openssl("req", "-new", "-config", os.path.join(folder, "cnf"), "-key", base + ".key", "-subj", "/CN=localhost", "-out", base + ".csr")
    openssl("ca", "-batch", "-notext", "-config", os.path.join(folder, "cnf"), "-cert", path("ca.crt"), "-keyfile", path("ca.key"),
            "-in", base + ".csr", "-out", base + ".crt", "-startdate", "20240101000000Z", "-enddate", "20491231235959Z",
            "-extfile", os.path.join(folder, "ext"))


# chains
certify("expired", GOOD, begin="20200101000000Z", end="20210101000000Z")
certify("notyet", GOOD, begin="20480101000000Z")
certify("self", GOOD, ca="self")
certify("otherca", GOOD, ca="other")
certify("clienteku", GOOD, usage="clientAuth")
certify("codeeku", GOOD, usage="codeSigning")
certify("noeku", GOOD, usage="")
certify("weak", GOOD, key="1024")
certify("both", "DNS:example.org", begin="20200101000000Z", end="20210101000000Z", ca="other")
CHAINS = [
    ("good", "good", 0, None), ("RSA", "rsa", 0, None), ("no EKU", "noeku", 0, None),
    ("expired", "expired", 77, "TERN_E_TLS_EXPIRED"), ("not yet valid", "notyet", 77, "TERN_E_TLS_NOT_YET_VALID"),
    ("self-signed", "self", 77, "TERN_E_TLS_UNKNOWN_CA"), ("other CA", "otherca", 77, "TERN_E_TLS_UNKNOWN_CA"),
    ("client EKU", "clienteku", 77, "TERN_E_TLS_CERTIFICATE"), ("code signing EKU", "codeeku", 77, "TERN_E_TLS_CERTIFICATE"),
    ("everything wrong", "both", 77, False),
]


@table("chain", CHAINS)
def chain(label, status, error):
    for script, scheme in ((whole, "smtp"), (implicit, "smtps")):
        for query in ("", "?tls=opportunistic") if scheme == "smtp" else ("",):
            user = ("--user", "u", "--auth", "PLAIN") if query else ()
            with Scripted(script(context(label))) as s:
                r = run(to(s, *user, scheme=scheme, query=query), env={"TERN_PASSWORD": "s3cret"} if query else None, secrets=["s3cret"])
            if query and not status:
                check(r.status == 77 and r.error == "TERN_E_AUTH_NO_MECHANISM", "credentials that cannot be used", r)
            else:
                expect(r, status, error, ["unsent"] if status else ["accepted"])
            check(nothing_in_clear(s) and (not status or b"AUTH" not in s.raw), "nothing in clear", s.raw)
            if status and error:
                check(r.phase == "tls", "phase", r)


@case
def client_certificate():
    with Scripted(whole(context(client_ca="ca.crt"))) as s:
        r = run(to(s, "--cert", path("client.crt"), "--key", path("client.key")))
    expect(r, 0, None, ["accepted"])
    for more in ((), ("--cert", path("client2.crt"), "--key", path("client2.key"))):
        for high in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with Scripted(whole(context(client_ca="ca.crt", high=high))) as s:
                r = run(to(s, *more))
            expect(r, 77, "TERN_E_TLS_CLIENT_CERT", ["unsent"])
    

@table("version", [("1.0", ssl.TLSVersion.TLSv1), ("1.1", ssl.TLSVersion.TLSv1_1)])
def old_version(version):
    c = context("rsa", low=ssl.TLSVersion.TLSv1, high=version, ciphers="ALL:@SECLEVEL=0")
    for script, scheme in ((whole, "smtp"), (implicit, "smtps")):
        with Scripted(script(c)) as s:
            r = run(to(s, scheme=scheme))
        expect(r, 77, "TERN_E_TLS_VERSION", ["unsent"], "tls")
        with Scripted(script(c)) as s:
            r = run(to(s, "--insecure", scheme=scheme))
        expect(r, 77, "TERN_E_TLS_VERSION", ["unsent"], "tls")


@case
def version_1_2():
    with Scripted(whole(context(high=ssl.TLSVersion.TLSv1_2))) as s:
        r = run(to(s))
    expect(r, 0, None, ["accepted"])
    check(r.tls["version"] == "TLSv1.2", "version", r)


# around STARTTLS
def injected(octets, when):
    """when: "reply" in the segment of the 220, "before" in that of the EHLO reply, "late" 100 ms after the 220."""
    def script(peer):
        peer.say("220 hi")
        peer.want("EHLO")
        ehlo = b"250-me\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
        peer.put(ehlo + (octets if when == "before" else b""))
        peer.want("STARTTLS")
        if when == "late":
            peer.put(b"220 go\r\n")
            peer.put(octets)
        else:
            peer.put(b"220 go\r\n" + octets)
        try:
            peer.start_tls(context())
        except (OSError, ssl.SSLError):
            return
        peer.hello("PIPELINING", greeting="")
        peer.take()
        peer.quit()
    return script


@table("injected", [("%s %r" % (w, o), o, w) for w in ("reply", "before", "late") for o in
                    (b"250 ok\r\n", b"250-me\r\n250 AUTH PLAIN\r\n", b"x", b"\r\n", b"220 again\r\n", b"250-me\r\n")])
def injection(octets, when):
    with Scripted(injected(octets, when)) as s:
        r = run(to(s, "--user", "u"), env={"TERN_PASSWORD": "s3cret"}, secrets=["s3cret"])
    check(r.status in (76, 77) and r.outcomes == ["unsent"], "refused", r)
    if when == "reply":
        check(r.error == "TERN_E_TLS_INJECTION", "named", r)
    check(b"MAIL" not in s.raw and b"AUTH" not in s.raw and nothing_in_clear(s), "nothing behind it", s.raw)


@case
def capabilities_are_forgotten():
    """Before TLS the server offers everything, after it nothing."""
    def script(peer):
        peer.hello("PIPELINING", "SIZE 10", "CHUNKING", "SMTPUTF8", "8BITMIME", "DSN", "AUTH PLAIN", "STARTTLS")
        peer.want("STARTTLS")
        peer.say("220 go")
        peer.start_tls(context())
        peer.hello(greeting="")
        if peer.want("MAIL") != b"MAIL FROM:<a@example.org>":
            peer.error = "parameters that are not offered"
        peer.say("250 ok")
        peer.want("RCPT TO:<b@example.net>")
        peer.say("250 ok")
        peer.want("DATA")
        peer.say("354 go")
        peer.content()
        peer.say("250 ok")
        peer.quit()
    with Scripted(script) as s:
        r = run(to(s, "--dsn", "success"))
    expect(r, 0, None, ["accepted"])
    check(not s.odd, "nothing kept", s.odd)


@case
def auth_before_tls_only():
    def script(peer):
        peer.hello("AUTH PLAIN LOGIN", "STARTTLS")
        peer.want("STARTTLS")
        peer.say("220 go")
        peer.start_tls(context())
        peer.hello("PIPELINING", greeting="")
        peer.drain(1)
    with Scripted(script) as s:
        r = run(to(s, "--user", "u"), env={"TERN_PASSWORD": "s3cret"}, secrets=["s3cret"])
    expect(r, 77, "TERN_E_AUTH_NO_MECHANISM", ["unsent"], "auth")
    check(b"AUTH" not in s.raw and b"MAIL" not in s.raw, "no AUTH, no MAIL", s.raw)


STARTTLS = [("not offered", None, 77, "TERN_E_TLS_NOT_OFFERED"), ("454", "454 4.7.0 not now", 75, "TERN_E_TLS_TRANSIENT"),
            ("501", "501 syntax", 77, "TERN_E_TLS_REFUSED"), ("502", "502 no", 77, "TERN_E_TLS_REFUSED"),
            ("554", "554 no", 77, "TERN_E_TLS_REFUSED"), ("421", "421 bye", 75, "TERN_E_SERVICE_UNAVAILABLE"),
            ("354", "354 what", 76, "TERN_E_REPLY_UNEXPECTED"), ("garbage", "hello", 76, "TERN_E_REPLY_SYNTAX"),
            ("code changes", "220-go\r\n454 no", 76, "TERN_E_REPLY_CODES")]


def refusing(reply):
    def script(peer):
        peer.hello("PIPELINING", "AUTH PLAIN", *(() if reply is None else ("STARTTLS",)))
        if reply is not None:
            peer.want("STARTTLS")
            peer.say(reply)
        peer.take()
        peer.quit()
    return script


@table("STARTTLS", STARTTLS)
def starttls(reply, status, error):
    for query, user in (("", ()), ("", ("--user", "u")), ("?tls=opportunistic", ("--user", "u")), ("?tls=required", ("--insecure",))):
        with Scripted(refusing(reply)) as s:
            r = run(to(s, *user, query=query), env={"TERN_PASSWORD": "s3cret"} if "--user" in user else None, secrets=["s3cret"])
        expect(r, status, error, ["unsent"], "starttls")
        check(nothing_in_clear(s) and b"MAIL" not in s.raw, "nothing in clear", s.raw)


@table("opportunistic", [("not offered", None, 0), ("454", "454 no", 0), ("502", "502 no", 0), ("354", "354 what", 76)])
def opportunistic(reply, status):
    with Scripted(refusing(reply)) as s:
        r = run(to(s, query="?tls=opportunistic"))
    check(r.status == status and (status or (r.tls is None and s.contents == [WIRE])), "in clear", r)


@case
def opportunistic_is_not_verified():
    for label in ("self", "expired", "otherca", "noname"):
        with Scripted(whole(context(label))) as s:
            r = run(to(s, query="?tls=opportunistic"))
        expect(r, 0, None, ["accepted"])
        check(r.tls and r.tls["verified"] is False, "TLS all the same", r)
        with Scripted(whole(context(label))) as s:
            r = run(to(s, "--user", "u", query="?tls=opportunistic"), env={"TERN_PASSWORD": "s3cret"})
        check(r.status == 77 and b"AUTH" not in s.raw, "but never with credentials", r)


@case
def insecure_lifts_the_verification_alone():
    """--insecure with credentials and opportunistic: TLS is still required."""
    with Scripted(refusing(None)) as s:
        r = run(to(s, "--insecure", "--user", "u", query="?tls=opportunistic"), env={"TERN_PASSWORD": "s3cret"}, secrets=["s3cret"])
    expect(r, 77, "TERN_E_TLS_NOT_OFFERED", ["unsent"])
    check(b"AUTH" not in s.raw and b"MAIL" not in s.raw, "nothing in clear", s.raw)


@table("wrong layer", [("alert", b"\x15\x03\x01\x00\x02\x02\x46"), ("handshake", b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"),
                       ("slowly", None)])
def tls_where_greeting(octets):
    def script(peer):
        if octets is None:
            peer.drip(b"\x15\x03\x01\x00\x02\x02\x46", 0.05)
        else:
            peer.put(octets)
        peer.drain(2)
    with Scripted(script) as s:
        r = run(to(s))
    expect(r, 76, "TERN_E_TLS_UNEXPECTED", ["unsent"], "greeting")


@table("SMTP where TLS is due", [("220", b"220 mail.example.org ESMTP\r\n"), ("multi-line", b"220-hi\r\n220 there\r\n"),
                                  ("554", b"554 no\r\n"), ("HTTP", b"HTTP/1.1 400 Bad\r\n\r\n")])
def smtp_where_tls(octets):
    def script(peer):
        peer.put(octets)
        peer.drain(2)
    with Scripted(script) as s:
        r = run(to(s, scheme="smtps"))
    expect(r, 77, "TERN_E_TLS_PLAIN", ["unsent"], "tls")


def server_hello(then):
    """A handshake that stops after the client's hello."""
    def script(peer):
        peer.conn.recv(4096)
        then(peer)
    return script


HANDSHAKES = {
    "silent": (lambda p: p.hold(), 75, "TERN_E_TIMEOUT"),
    "closed": (lambda p: p.close(), False, False),
    "reset": (lambda p: p.reset(), False, False),
    "half a record": (lambda p: (p.put(b"\x16\x03\x03\x10\x00\x02"), p.hold()), 75, "TERN_E_TIMEOUT"),
    "drip": (lambda p: p.drip(b"\x16\x03\x03\x10\x00\x02\x00\x0f\xfc" + b"\x03" * 300, 0.1), 75, "TERN_E_TIMEOUT"),
    "zeros": (lambda p: p.put(b"\0" * 4096), 77, "TERN_E_TLS_HANDSHAKE"),
    "random": (lambda p: p.put(bytes(range(128, 256)) * 64), 77, False),
    "fatal alert": (lambda p: p.put(b"\x15\x03\x03\x00\x02\x02\x28"), 77, "TERN_E_TLS_VERSION"),
    "internal error alert": (lambda p: p.put(b"\x15\x03\x03\x00\x02\x02\x50"), 77, "TERN_E_TLS_HANDSHAKE"),
    "warnings for ever": (lambda p: [p.put(b"\x15\x03\x03\x00\x02\x01\x5a" * 1000) for _ in range(300)], False, False),
    "empty records for ever": (lambda p: [p.put(b"\x16\x03\x03\x00\x00" * 1000) for _ in range(1000)], False, False),
    "hello request for ever": (lambda p: [p.put(b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 1000) for _ in range(1000)], False, False),
}


@table("handshake", [(k,) + v for k, v in HANDSHAKES.items()])
def handshake(then, status, error):
    for scheme in ("smtps", "smtp"):
        def script(peer):
            if scheme == "smtp":
                peer.hello("STARTTLS")
                peer.want("STARTTLS")
                peer.say("220 go")
            server_hello(then)(peer)
            peer.drain(1)
        with Scripted(script) as s:
            r = run(to(s, scheme=scheme, timeout="2"))
        check(r.seconds < 15, "bounded", r)
        check(r.status in (75, 77) and r.outcomes == ["unsent"] and r.phase == "tls", "handshake", r)
        if status:
            expect(r, status, error, ["unsent"])


@case
def ticket_storm():
    """TLS 1.3 tickets between the replies."""
    c = context()
    try:
        c.num_tickets = 200
    except (AttributeError, ValueError):
        pass
    with Scripted(whole(c)) as s:
        r = run(to(s))
    expect(r, 0, None, ["accepted"])


@case
def close_without_notify_at_the_end():
    """The final reply is cut off by a plain FIN: unknown."""
    def script(peer):
        peer.starttls(context())
        peer.envelope()
        peer.content()
        peer.put(b"250 o")
        socket.socket.shutdown(peer.conn, socket.SHUT_RDWR)
    with Scripted(script) as s:
        r = run(to(s))
    expect(r, 75, "TERN_E_IN_DOUBT", ["unknown"], "end-of-data")


@case
def greeting_again_after_tls():
    def script(peer):
        peer.hello("STARTTLS")
        peer.want("STARTTLS")
        peer.say("220 go")
        peer.start_tls(context())
        peer.say("220 hi again")
        peer.drain(1)
    with Scripted(script) as s:
        r = run(to(s))
    check(r.status == 76 and r.outcomes == ["unsent"], "unasked", r)


@case
def starttls_offered_again():
    def script(peer):
        peer.starttls(context(), "STARTTLS", "PIPELINING")
        peer.take()
        peer.quit()
    with Scripted(script) as s:
        r = run(to(s))
    expect(r, 0, None, ["accepted"])
    check(s.lines.count(b"STARTTLS") == 1 and not s.odd, "once", s.lines)


@case
def final_reply_early_under_tls():
    def script(peer):
        peer.starttls(context())
        peer.want("MAIL")
        peer.want("RCPT")
        peer.want("DATA")
        peer.put(b"250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n")
        peer.drain(2)
    with Scripted(script) as s:
        r = run(to(s))
    expect(r, 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"])
    check(b"\r\n.\r\n" not in s.raw, "no whole message", s.raw)


@case
def final_reply_early_in_a_record_of_its_own():
    def script(peer):
        peer.starttls(context())
        peer.want("MAIL")
        peer.want("RCPT")
        peer.want("DATA")
        peer.put(b"250 ok\r\n250 ok\r\n354 go\r\n")
        peer.put(b"250 done\r\n")
        peer.drain(2)
    with Scripted(script) as s:
        r = run(to(s), MESSAGE + b"\n" + b"0123456789abcde\n" * 500000)
    check(r.status in (75, 76) and r.outcomes in (["unsent"], ["unknown"]), "never success", r)


@case
def lmtp_with_starttls():
    def script(peer):
        peer.hello("STARTTLS", verb="LHLO")
        peer.want("STARTTLS")
        peer.say("220 go")
        peer.start_tls(context())
        peer.hello("PIPELINING", "AUTH PLAIN", greeting="", verb="LHLO")
        peer.want("AUTH PLAIN")
        peer.say("235 ok")
        peer.take()
        peer.quit()
    with Scripted(script) as s:
        r = run(to(s, "--user", "u", scheme="lmtp", query="?tls=required"), env={"TERN_PASSWORD": "s3cret"}, secrets=["s3cret"])
    expect(r, 0, None, ["accepted"])


@case
def unix_socket_with_auth():
    """A Unix socket is safe for a secret without TLS."""
    where = path("sock")

    def script(peer):
        peer.hello("PIPELINING", "AUTH PLAIN", verb="LHLO")
        peer.want("AUTH PLAIN")
        peer.say("235 ok")
        peer.take()
        peer.quit()
    with Scripted(script, unix=where) as s:
        r = run(["--server", "lmtp+unix:" + where, "--from", "a@example.org", "--user", "u", "b@example.net"],
                env={"TERN_PASSWORD": "s3cret"}, secrets=["s3cret"])
    expect(r, 0, None, ["accepted"])
    check(not s.odd, "odd", s.odd)


# files
def write(label, octets):
    with open(path(label), "wb") as f:
        f.write(octets)
    return path(label)


def fresh(octets):
    handle, name = tempfile.mkstemp(dir=FOLDER)
    os.write(handle, octets)
    os.close(handle)
    return name


@table("CA file", [("missing", lambda: path("nosuch")), ("empty", lambda: write("empty.pem", b"")),
                   ("rubbish", lambda: write("rubbish.pem", b"hello\n")), ("a key", lambda: path("ca.key")),
                   ("an empty folder", lambda: (os.makedirs(path("emptydir"), exist_ok=True), path("emptydir"))[1]),
                   ("an endless one", lambda: "/dev/zero"), ("broken PEM", lambda: write("b.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n"))])
def ca_file(make):
    with Scripted(whole(context())) as s:
        args = to(s)
        args[args.index("--ca") + 1] = make()
        r = run(args)
    expect(r, 78, "TERN_E_CONFIG", ["unsent"])
    check(not s.peers, "nothing was sent", s.peers)


@table("client certificate", [
    ("missing", lambda: (path("nosuch"), path("client.key"))), ("missing key", lambda: (path("client.crt"), path("nosuch"))),
    ("another key", lambda: (path("client.crt"), path("good.key"))), ("a key as certificate", lambda: (path("client.key"), path("client.key"))),
    ("a certificate as key", lambda: (path("client.crt"), path("client.crt"))), ("no key in the file", lambda: (path("client.crt"), None)),
    ("key alone", lambda: (None, path("client.key")))])
def client_files(make):
    cert, key = make()
    with Scripted(whole(context())) as s:
        r = run(to(s, *(("--cert", cert) if cert else ()), *(("--key", key) if key else ())))
    check(r.status in (64, 78) and (cert is None) == (r.status == 64), "refused", r)
    check(not s.peers, "nothing was sent", s.peers)


@case
def ca_folder():
    os.makedirs(path("cadir"), exist_ok=True)
    shutil.copy(path("ca.crt"), path("cadir/a.pem"))
    with Scripted(whole(context())) as s:
        args = to(s)
        args[args.index("--ca") + 1] = path("cadir")
        r = run(args)
    expect(r, 0, None, ["accepted"])


@case
def ca_bundle_with_rubbish_around():
    with open(path("other.crt"), "rb") as f, open(path("ca.crt"), "rb") as g:
        bundle = write("bundle.pem", b"# comment\n" + f.read() + b"\nbetween\n" + g.read())
    with Scripted(whole(context())) as s:
        args = to(s)
        args[args.index("--ca") + 1] = bundle
        r = run(args)
    expect(r, 0, None, ["accepted"])
