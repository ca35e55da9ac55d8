"""contract.py TERN_SEND EXAMPLES - the promises of tern-send to scripts, against raw servers that say what a row says.

Each row: the server's script (what it sends, one item a client flight: octets, or None to close), options, and
what must come out: exit status, error, outcome of each recipient. Every run uses --json and --trace; no run may
print a secret. EXAMPLES is the folder of the other example programs: each sends a message too. Closes with `N passed, N failed`."""
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import server  # noqa: E402

SEND = sys.argv[1]
MESSAGE = b"From: a@example.org\nTo: b@example.net\nSubject: x\n\n.dot\nlast"
passed = failed = 0


def say(ok, what, why=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL %s: %s" % (what, why), flush=True)


class Raw:
    """Sends the script's items one after the other, each once the client has fallen silent after speaking."""

    def __init__(self, script):
        self.script, self.got = script, b""
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(4)
        self.port = self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            conn, _ = self.sock.accept()
            conn.settimeout(5)
            for i, item in enumerate(self.script):
                if i:
                    self.listen(conn)
                if item is None:
                    break
                conn.sendall(item)
            else:
                self.listen(conn)
                time.sleep(0.05)
                self.listen(conn, 0.3)
            conn.close()
        except OSError:
            pass

    def listen(self, conn, first=5):
        conn.settimeout(first)
        try:
            while True:
                octets = conn.recv(65536)
                if not octets:
                    return
                self.got += octets
                conn.settimeout(0.05)
        except socket.timeout:
            pass


def send(args, message=MESSAGE, env=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TERN_")}
    run = subprocess.run([SEND, "--json", "--trace"] + args, input=message, capture_output=True, timeout=60,
                         env={**clean, **(env or {})})
    try:
        out = json.loads(run.stdout.decode("utf-8"))
    except ValueError:
        out = None
    return run.returncode, out, run.stdout + run.stderr


GO = [b"220 hi\r\n", b"250-me\r\n250 PIPELINING\r\n"]
ENVELOPE = b"250 ok\r\n250 ok\r\n354 go\r\n"
LOCK = [b"220 hi\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"]
# name, script, exit, error, outcomes of b@ (and c@ where there are two)
ROWS = [
    ("accepted", GO + [ENVELOPE, b"250 2.0.0 queued as 1\r\n", b"221 bye\r\n"], 0, None, ["accepted"]),
    ("quit unanswered", GO + [ENVELOPE, b"250 ok\r\n"], 0, None, ["accepted"]),
    ("quit answered by garbage", GO + [ENVELOPE, b"250 ok\r\n", b"\xff\xff\xff\r\n"], 0, None, ["accepted"]),
    ("greeting 554", [b"554 no\r\n"], 69, "TERN_E_NO_MAIL_HERE", ["unsent"]),
    ("greeting 421", [b"421 later\r\n"], 75, "TERN_E_SERVICE_UNAVAILABLE", ["unsent"]),
    ("greeting garbage", [b"HTTP/1.1 400 Bad\r\n"], 76, "TERN_E_REPLY_SYNTAX", ["unsent"]),
    ("greeting of TLS", [b"\x15\x03\x01\x00\x02\x02\x46"], 76, "TERN_E_TLS_UNEXPECTED", ["unsent"]),
    ("closed at once", [b"220 hi\r\n", None], 75, "TERN_E_CLOSED", ["unsent"]),
    ("EHLO refused, HELO taken", [b"220 hi\r\n", b"502 no\r\n", b"250 me\r\n", b"250 ok\r\n", b"250 ok\r\n",
                                  b"354 go\r\n", b"250 ok\r\n"], 0, None, ["accepted"]),
    ("mail 530", GO + [b"530 auth\r\n530 auth\r\n530 auth\r\n"], 77, "TERN_E_AUTH_REQUIRED", ["rejected"]),
    ("mail 452", GO + [b"452 full\r\n503 no\r\n503 no\r\n"], 75, "TERN_E_STORAGE", ["deferred"]),
    ("rcpt 550", GO + [b"250 ok\r\n550 5.1.1 no\r\n554 none\r\n"], 67, "TERN_E_NO_SUCH_MAILBOX", ["rejected"]),
    ("rcpt relay", GO + [b"250 ok\r\n550 relaying denied\r\n554 none\r\n"], 67, "TERN_E_RELAY_DENIED", ["rejected"]),
    ("rcpt 552 is 452", GO + [b"250 ok\r\n552 many\r\n554 none\r\n"], 75, "TERN_E_TOO_MANY_RECIPIENTS", ["deferred"]),
    ("rcpt 450", GO + [b"250 ok\r\n450 busy\r\n554 none\r\n"], 75, "TERN_E_MAILBOX_BUSY", ["deferred"]),
    ("all refused, 354 all the same", GO + [b"250 ok\r\n550 no\r\n354 go\r\n", b"554 empty\r\n"], 67,
     "TERN_E_NO_SUCH_MAILBOX", ["rejected"]),
    ("data 451", GO + [b"250 ok\r\n250 ok\r\n451 no\r\n"], 75, "TERN_E_LOCAL_ERROR", ["deferred"]),
    ("data 250", GO + [b"250 ok\r\n250 ok\r\n250 done\r\n"], 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"]),
    ("final 554", GO + [ENVELOPE, b"554 spam\r\n"], 69, "TERN_E_CONTENT_REFUSED", ["rejected"]),
    ("final 421", GO + [ENVELOPE, b"421 later\r\n"], 75, "TERN_E_SERVICE_UNAVAILABLE", ["deferred"]),
    ("final lost", GO + [ENVELOPE, None], 75, "TERN_E_IN_DOUBT", ["unknown"]),
    ("final cut", GO + [ENVELOPE + b"", b"250 o"], 75, "TERN_E_IN_DOUBT", ["unknown"]),
    ("final garbage", GO + [ENVELOPE, b"ok!\r\n"], 76, "TERN_E_IN_DOUBT", ["unknown"]),
    ("final 354", GO + [ENVELOPE, b"354 more\r\n"], 76, "TERN_E_IN_DOUBT", ["unknown"]),
    ("final changes its code", GO + [ENVELOPE, b"250-ok\r\n550 no\r\n"], 76, "TERN_E_IN_DOUBT", ["unknown"]),
    ("final with 354", GO + [ENVELOPE + b"250 early\r\n"], 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"]),
    ("final silent", GO + [ENVELOPE, b""], 75, "TERN_E_IN_DOUBT", ["unknown"]),
    ("replies before they were asked for", [b"220 hi\r\n250 me\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n"], 76,
     "TERN_E_REPLY_UNEXPECTED", ["unsent"]),
    ("line of 2,100 octets", GO + [b"250 " + b"x" * 2100 + b"\r\n"], 76, "TERN_E_REPLY_LENGTH", ["unsent"]),
    ("129 lines", GO + [b"250-x\r\n" * 129 + b"250 x\r\n"], 76, "TERN_E_REPLY_LENGTH", ["unsent"]),
    ("128 lines, bare LF, NUL, 8 bits", GO + [b"250-\x00\xff\n" * 127 + b"250\n250 ok\r\n354 go\r\n", b"250 ok\r\n"], 0, None,
     ["accepted"]),
    ("endless line", [b"220 " + b"x" * 300000], 76, "TERN_E_REPLY_LENGTH", ["unsent"]),
    ("one of two", GO + [b"250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n", b"250 ok\r\n"], 67, "TERN_E_NO_SUCH_MAILBOX",
     ["accepted", "rejected"]),
    ("421 at the second of two", GO + [b"250 ok\r\n250 ok\r\n421 bye\r\n"], 75, "TERN_E_SERVICE_UNAVAILABLE",
     ["unsent", "deferred"]),
    ("lock-step", LOCK + [b"250 ok\r\n"], 0, None, ["accepted"]),
]


def rows():
    for name, script, code, error, outcomes in ROWS:
        raw = Raw(script)
        to = ["b@example.net", "c@example.net"][:len(outcomes)]
        began = time.time()
        status, out, _ = send(["--server", "smtp://127.0.0.1:%d?tls=none" % raw.port, "--from", "a@example.org", "--timeout", "2"] + to)
        got = [r["status"] for r in out["recipients"]] if out else None
        say((status, out and out["error"], got) == (code, error, outcomes), name, (status, out))
        say(out and out["ok"] == (code == 0) and out["retryable"] == (code == 75), name + ", ok and retryable", out)
        resend = "unknown" if "unknown" in outcomes else "unsafe" if "accepted" in outcomes else "safe"
        say(out and out["resend"] == resend, name + ", resend", out)
        say(time.time() - began < 20, name + ", bounded", time.time() - began)
        if outcomes == ["accepted"] and code == 0:
            say(b"\r\n\r\n..dot\r\nlast\r\n.\r\n" in raw.got, name + ", content", raw.got)
        if "accepted" not in outcomes and "unknown" not in outcomes and name.startswith(("rcpt", "mail", "greeting", "all")):
            say(b"Subject" not in raw.got, name + ", no content", raw.got)


USAGE = [
    ("no recipient", ["--server", "smtp://127.0.0.1:9", "--from", "a@b.c"], 64),
    ("unknown option", ["--nonsense"], 64),
    ("scheme", ["--server", "gopher://x", "--from", "a@b.c", "d@e.f"], 64),
    ("port 0", ["--server", "smtp://x:0", "--from", "a@b.c", "d@e.f"], 64),
    ("port 65536", ["--server", "smtp://x:65536", "--from", "a@b.c", "d@e.f"], 64),
    ("bad tls", ["--server", "smtp://x?tls=maybe", "--from", "a@b.c", "d@e.f"], 64),
    ("no server", ["--from", "a@b.c", "d@e.f"], 64),
    ("recipient with CR LF", ["--server", "smtp://127.0.0.1:9", "--from", "a@b.c", "d@e.f>\r\nDATA"], 65),
    ("sender with a blank", ["--server", "smtp://127.0.0.1:9", "--from", "a b@c.d", "d@e.f"], 65),
    ("display name", ["--server", "smtp://127.0.0.1:9", "--from", "a@b.c", "Bob <d@e.f>"], 65),
    ("no such CA", ["--server", "smtp://127.0.0.1:9", "--ca", "/nonexistent", "--from", "a@b.c", "d@e.f"], 78),
    ("no such password file", ["--server", "smtp://127.0.0.1:9", "--user", "u", "--password-file", "/nonexistent", "--from", "a@b.c", "d@e.f"], 78),
    ("unknown mechanism", ["--server", "smtp://127.0.0.1:9", "--user", "u", "--auth", "NOSUCH", "--from", "a@b.c", "d@e.f"], 64),
    ("EHLO name", ["--server", "smtp://127.0.0.1:9", "--ehlo", "a b", "--from", "a@b.c", "d@e.f"], 64),
    ("timeout of nothing", ["--server", "smtp://127.0.0.1:9", "--timeout", "x", "--from", "a@b.c", "d@e.f"], 64),
    ("dsn", ["--server", "smtp://127.0.0.1:9", "--dsn", "perhaps", "--from", "a@b.c", "d@e.f"], 64),
    ("an option of --mx alone", ["--server", "smtp://127.0.0.1:9", "--mx-port", "2525", "--from", "a@b.c", "d@e.f"], 64),
    ("connection refused", ["--server", "smtp://127.0.0.1:1", "--from", "a@b.c", "d@e.f"], 75),
    ("no such host", ["--server", "smtp://nosuch.invalid:25", "--from", "a@b.c", "d@e.f"], (68, 75)),
]


def usage():
    for name, args, code in USAGE:
        status, out, _ = send(args)
        say(status in (code if isinstance(code, tuple) else (code,)) and out is not None and out["ok"] is False and out["error"],
            name, (status, out))
    for option, text in (("--help", b"--server"), ("--version", b"0.1.0")):
        run = subprocess.run([SEND, option], capture_output=True)
        say(run.returncode == 0 and text in run.stdout, option, run)


def secrets(folder):
    cert = server.make_certificate(folder)
    password = os.path.join(folder, "password")
    with open(password, "w") as f:
        f.write("s3cret-Pa55\n")
    plain = base64.b64encode(b"\0ann\0s3cret-Pa55").decode()
    echo = "535 5.7.8 not %s, nor s3cret-Pa55" % plain
    with server.Server(cert=cert, ehlo_tls=["AUTH PLAIN LOGIN", "PIPELINING"], auth={"ann": "s3cret-Pa55"}) as s:
        args = ["--ca", cert[0], "--server", "smtp://localhost:%d" % s.port, "--user", "ann", "--from", "a@b.c", "d@e.f"]
        status, out, text = send(args + ["--password-file", password])
        say(status == 0 and out["tls"]["verified"], "password file over STARTTLS", (status, out))
        say(b"s3cret" not in text and plain.encode() not in text, "nothing secret said", text)
        status, out, text = send(args, env={"TERN_PASSWORD": "s3cret-Pa55"})
        say(status == 0, "TERN_PASSWORD", (status, out))
        status, out, text = send(args, env={"TERN_PASSWORD": "wrong-Pa55"})
        say(status == 77 and out["error"] == "TERN_E_AUTH_REFUSED" and b"wrong-Pa55" not in text, "wrong password", text)
        status, out, _ = send(["--server", "smtp://127.0.0.1:%d" % s.port, "--from", "a@b.c", "d@e.f"])
        say(status == 77 and out["error"] == "TERN_E_TLS_UNKNOWN_CA", "unknown CA", (status, out))
        status, out, _ = send(["--ca", cert[0], "--server", "smtp://127.0.0.2:%d" % s.port, "--from", "a@b.c", "d@e.f"])
        say(status in (75, 77), "another address", (status, out))
        say(all(not any(l.startswith(("MAIL", "AUTH")) for l in x.lines) for x in s.sessions if not x.tls), "nothing in clear",
            [x.lines for x in s.sessions])
    # the server says back what it was told
    raw_auth = server.Server(cert=cert, implicit=True, ehlo=["AUTH PLAIN"], auth={})
    raw_auth.rules["auth"] = {}
    with raw_auth as s:
        original = server.Talk.do_auth

        def echoing(talk, argument):
            talk.say(echo)
        server.Talk.do_auth = echoing
        try:
            status, out, text = send(["--ca", cert[0], "--server", "smtps://localhost:%d" % s.port, "--user", "ann",
                                      "--password-file", password, "--from", "a@b.c", "d@e.f"])
        finally:
            server.Talk.do_auth = original
        say(status == 77 and b"s3cret" not in text and b"czNjcmV0" not in text and plain.encode()[8:] not in text,
            "an echoed secret is not passed on", text)
    with server.Server(ehlo=["AUTH PLAIN"], auth={"ann": "s3cret-Pa55"}) as s:
        for mode in ("none", "opportunistic", "required"):
            status, out, text = send(["--server", "smtp://127.0.0.1:%d?tls=%s" % (s.port, mode), "--user", "ann",
                                      "--password-file", password, "--from", "a@b.c", "d@e.f"])
            say(status == 77 and not any(l.startswith(("AUTH", "MAIL")) for l in s.lines), "credentials in clear, tls=" + mode, (status, out, s.lines))


def more(folder):
    with server.Server() as s:
        status, out, _ = send(["--server", "smtp://127.0.0.1:%d?tls=none" % s.port, "--from", "", "--repeat", "5", "d@e.f"])
        say(status == 0 and out["sent"] == 5 and len(s.sessions) == 1, "repeat", (status, out))
        say("MAIL FROM:<>" in [l[:12] for l in s.lines], "null reverse-path", s.lines)
        mail = b"From: x@y.z\nTo: Bob <bob@example.net>, \"A, B\" <ab@example.net>\nCc: group: c@example.net;\nBcc: hidden@example.net\n\nhi\n"
        status, out, _ = send(["--server", "smtp://127.0.0.1:%d?tls=none" % s.port, "-t"], mail)
        got = sorted(r["address"] for r in out["recipients"]) if out else None
        say(status == 0 and got == ["ab@example.net", "bob@example.net", "c@example.net", "hidden@example.net"], "-t", (status, out))
        say(b"hidden" not in s.messages[-1][0], "Bcc is dropped", s.messages[-1])
        got = s.messages[-1][0]
        say(got.startswith(mail.replace(b"\n", b"\r\n")[:got.index(b"Date:")]) and b"\r\nMessage-ID: <" in got and got.endswith(b">\r\n\r\nhi\r\n"),
            "Date and Message-ID are added, nothing else", got)
        for text, words in ((b"From: x@y.z\nTo: Bob b@c.d\n\n", "line 2, to"), (b"From: x@y.z\nFrom: x@y.z\nTo: b@c.d\n\n", "a second"),
                            (b"From: x@y.z\nTo: b@c.d\nhello\n\n", "no header field")):
            status, out, _ = send(["--server", "smtp://127.0.0.1:%d?tls=none" % s.port, "-t"], text)
            say(status == 65 and words in out["hint"], "-t refuses %r" % text, (status, out))
        status, out, _ = send(["--server", "smtp://127.0.0.1:%d?tls=none" % s.port, "-t"], b"To: b@c.d\n\n")
        say(status == 64, "no sender", (status, out))
        status, out, _ = send(["--server", "smtp://127.0.0.1:%d?tls=none" % s.port, "-t", "--from", "cron@c.d"], b"To: b@c.d\n\n")
        say(status == 0 and b"From: <cron@c.d>\r\n" in s.messages[-1][0], "From is made of --from", (status, s.messages[-1]))
        status, out, _ = send(["d@e.f"], env={"TERN_SERVER": "smtp://127.0.0.1:%d?tls=none" % s.port, "TERN_FROM": "e@f.g"})
        say(status == 0 and s.lines[-1] == "QUIT" and any("<e@f.g>" in l for l in s.lines), "environment", (status, out))
        for octets, want in ((b"a\rb\n.\n", b"a\r\nb\r\n.\r\n"), (b"\n.\r\n", b"\r\n.\r\n"), (b"x\r.\r\ny", b"x\r\n.\r\ny\r\n")):
            status, out, _ = send(["--server", "smtp://127.0.0.1:%d?tls=none" % s.port, "--from", "a@b.c", "d@e.f"], b"S: x\n\n" + octets)
            say(status == 0 and s.messages[-1][0] == b"S: x\r\n\r\n" + want, "repair of %r" % octets, s.messages[-1])
        status, out, _ = send(["--server", "smtp://127.0.0.1:%d?tls=none" % s.port, "--from", "a@b.c", "j\u00f6rg@e.f"])
        say(status == 65 and out["error"] == "TERN_E_NEEDS_SMTPUTF8", "no SMTPUTF8", (status, out))
    with server.Server(ehlo=["SIZE 100"]) as s:
        status, out, _ = send(["--server", "smtp://127.0.0.1:%d?tls=none" % s.port, "--from", "a@b.c", "d@e.f"], b"S: x\n\n" + b"y" * 200)
        say(status == 65 and out["error"] == "TERN_E_TOO_BIG" and not any(l.startswith("MAIL") for l in s.lines), "over SIZE", (status, out))
    # SIGINT in the body: no final dot, nothing accepted
    raw = Raw(GO + [ENVELOPE, b""])
    big = os.path.join(folder, "big")
    with open(big, "wb") as f:
        f.write(b"S: x\n\n" + b"0123456789\n" * 4000000)
    with open(big, "rb") as f:
        p = subprocess.Popen([SEND, "--json", "--server", "smtp://127.0.0.1:%d?tls=none" % raw.port, "--from", "a@b.c", "d@e.f"],
                             stdin=f, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        raw.listen_original = raw.listen

        def stop(conn, first=5):
            if b"DATA" not in raw.got:
                return Raw.listen(raw, conn, first)
            p.send_signal(signal.SIGINT)
            time.sleep(0.3)
            return Raw.listen(raw, conn, 2)
        raw.listen = stop
        out, _ = p.communicate(timeout=30)
    say(p.returncode != 0 and json.loads(out)["recipients"][0]["status"] == "unsent", "SIGINT", (p.returncode, out))
    raw.thread.join(10)
    say(not raw.got.endswith(b"\r\n.\r\n"), "no dot after SIGINT", raw.got[-20:])


def examples(folder):
    cert = server.make_certificate(folder, "examples")
    env = {**os.environ, "TERN_PASSWORD": "s3cret-Pa55"}

    def run(name, args, **more):
        return subprocess.run([os.path.join(sys.argv[2], name)] + args, capture_output=True, timeout=60, env=env, **more)
    with server.Server(cert=cert, ehlo_tls=["AUTH PLAIN", "PIPELINING"], auth={"a@example.org": "s3cret-Pa55"}) as s:
        url = "smtp://localhost:%d" % s.port
        r = run("submit", [url, "a@example.org", "b@example.net", cert[0]])
        say(r.returncode == 0 and len(s.messages) == 1, "submit", r)
        r = run("loop", [url, "a@example.org", "b@example.net", "20", cert[0]])
        say(r.returncode == 0 and len(s.messages) == 21 and len(s.sessions) == 21, "loop", (r, len(s.messages)))
    with server.Server(cert=cert, ehlo_tls=["PIPELINING"]) as s:
        r = run("pool", ["smtp://localhost:%d" % s.port, "a@example.org", "b@example.net", "40", "3", cert[0]])
        say(r.returncode == 0 and len(s.messages) == 40 and 1 <= len(s.sessions) <= 3 and all(x.tls for x in s.sessions),
            "pool over TLS", (r, len(s.messages), len(s.sessions)))
    with server.Server() as s:
        r = run("pump", ["127.0.0.1", str(s.port), "a@example.org", "b@example.net"])
        say(r.returncode == 0 and len(s.messages) == 1, "pump", r)
        r = run("pool", ["smtp://localhost:%d?tls=none" % s.port, "a@example.org", "b@example.net", "200", "5"])
        say(r.returncode == 0 and len(s.messages) == 201 and len(s.sessions) <= 6, "pool", (r, len(s.messages), len(s.sessions)))
        modem = socket.create_connection(("127.0.0.1", s.port))
        r = subprocess.run([os.path.join(sys.argv[2], "firmware")], stdin=modem, stdout=modem, stderr=subprocess.PIPE, timeout=60)
        say(r.returncode == 0 and len(s.messages) == 202, "firmware", r)
        modem.close()


with tempfile.TemporaryDirectory() as tmp:
    examples(tmp)
    rows()
    usage()
    secrets(tmp)
    more(tmp)
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed != 0)
