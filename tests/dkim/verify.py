#!/usr/bin/env python3
"""verify.py SIGN TERN_SEND - what tern signs, by two verifiers that are not tern's: python3-dkim (RSA and Ed25519) and
opendkim in its test mode (RSA). Every canonicalization over awkward messages and splits, and through tern-send by DATA, BDAT and
8BITMIME; a changed octet must fail. Closes with `N passed, N failed`."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import server  # noqa: E402
from verifiers import Keys, sign  # noqa: E402

SIGN, SEND = sys.argv[1], sys.argv[2]
passed = failed = 0


def say(ok, what, why=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL %s: %s" % (what, why), flush=True)


HEAD = b"From: Ann <ann@example.org>\nTo: bob@example.net\nSubject: a  subject \n\tfolded\t twice\n  \n"
MESSAGES = {
    "plain": b"From: ann@example.org\nTo: bob@example.net\nSubject: x\nDate: y\nMessage-ID: <z@example.org>\n\nhello\nbody\n",
    "empty body": b"From: ann@example.org\n\n",
    "no body": b"From: ann@example.org\nTo: x@example.net\n",
    "trailing blank lines": HEAD[:-3] + b"\nbody\n\n\n\n",
    "blank lines alone": b"From: ann@example.org\n\n\n\n\n",
    "no final newline": b"From: ann@example.org\n\nbody",
    "white space": b"From: ann@example.org\nTo:\tb@example.net  \n\n  a \t b \n\t\n c\t\n \n",
    "folded": b"From:\n ann@example.org\nTo: a@example.net,\n\tb@example.net,\n  c@example.net\nSubject: =?utf-8?q?a?=\n =?utf-8?q?b?=\n\nx\n",
    "8 bit": "From: Jörg <ann@example.org>\nSubject: Grüße 🐳\n\nß ü\n 漢字 \n".encode(),
    "dots": b"From: ann@example.org\n\n.\n..\n.x\n.\n",
    "bare CR and LF": b"From: ann@example.org\rTo: x\n\ra\rb\n\r\nc\n\r",
    "several of a name": b"Cc: 1\nFrom: ann@example.org\nCc: 2\nReferences: 3\nCc: 4\n\nx\n",
    "long": b"From: ann@example.org\nReferences:" + b" <0123456789@example.org>\n" * 60 + b"\n" + b"x" * 5000 + b"\n" * 300 + b"y\n",
    "Received and others": b"Received: 1\nReceived: 2\nFrom: ann@example.org\nX-Y: z\n\nx\n",
}


# opendkim's test mode takes the white space behind a colon away, which the simple header canonicalization does not forgive
LEADING_SPACE = ("white space", "folded")


def matrix(keys):
    for name, message in MESSAGES.items():
        for header in (0, 1):
            for body in (0, 1):
                what = "%s, %d/%d" % (name, header, body)
                octets = sign(SIGN, keys, message, 0, ("r", header, body))
                say(keys.python(octets), what + ", python", octets)
                if not (header and name in LEADING_SPACE):
                    say(keys.opendkim(octets), what + ", opendkim", octets)
                for step in (1, 2, 3, 7):
                    if len(message) < 3000 or step == 7:
                        say(sign(SIGN, keys, message, step, ("r", header, body)) == octets, what + ", step %d" % step)
        say(keys.python(sign(SIGN, keys, octets, 0, ("r", 0, 0)), 0) and keys.python(sign(SIGN, keys, octets, 0, ("r", 0, 0)), 1), name + ", signed twice")
        octets = sign(SIGN, keys, message, 0, ("r", 0, 0), ("e", 0, 1))
        say(keys.python(octets, 0) and keys.python(octets, 1), name + ", both algorithms", octets)


def changed(keys):
    """Each octet of the message, one at a time: what the canonicalization may forgive is white space alone."""
    message = MESSAGES["plain"]
    for header, body in ((0, 0), (1, 1)):
        octets = sign(SIGN, keys, message, 0, ("r", header, body))
        start = octets.index(b"\r\nFrom:") + 2
        for i in range(start, len(octets)):
            if octets[i:i + 1] in b"\r\n \t":
                continue
            other = octets[:i] + (b"#" if octets[i] != 35 else b"%") + octets[i + 1:]
            say(not keys.python(other), "changed octet %d" % i, other)
        for name in (b"From: eve@example.org\r\n", b"Subject: other\r\n", b"To: eve@example.net\r\n", b"Reply-To: eve@example.net\r\n"):
            other = octets[:start] + name + octets[start:]
            say(not keys.python(other) and not keys.opendkim(other), "added %r" % name, other)


def through(keys):
    """By tern-send: what arrives verifies."""
    for what, words in (("DATA", []), ("BDAT", ["CHUNKING", "SIZE"]), ("8BITMIME", ["8BITMIME", "SMTPUTF8", "PIPELINING"]),
                        ("all", ["8BITMIME", "SMTPUTF8", "PIPELINING", "CHUNKING", "SIZE"])):
        with server.Server(ehlo=words) as s:
            args = [SEND, "--server", "smtp://127.0.0.1:%d?tls=none" % s.port, "--from", "ann@example.org", "bob@example.net", "--repeat", "2",
                    "--dkim-key", keys.rsa, "--dkim-domain", "example.org", "--dkim-selector", "r"]
            for name, message in MESSAGES.items():
                if name == "8 bit" and "SMTPUTF8" not in words:
                    continue
                count = len(s.messages)
                run = subprocess.run(args, input=message, capture_output=True)
                say(run.returncode == 0 and len(s.messages) == count + 2, "%s by %s" % (name, what), run)
                octets = s.messages[-1][0] if s.messages else b""
                say(keys.python(octets) and keys.opendkim(octets), "%s by %s verifies" % (name, what), octets)
            run = subprocess.run(args + ["--subject", "Grüße", "--text", "-"], input="Zeile ß\n.\n".encode(), capture_output=True)
            octets = s.messages[-1][0]
            say(run.returncode == 0 and b"DKIM-Signature" in octets and keys.python(octets) and keys.opendkim(octets), "composed by " + what, (run, octets))
            run = subprocess.run(args, input=b"Subject: x\n\nno From\n", capture_output=True)
            say(run.returncode == 65 and b"no From" in run.stderr, "no From by " + what, run)


def refused(folder):
    short, encrypted, other = (os.path.join(folder, x) for x in ("short.pem", "encrypted.pem", "ec.pem"))
    subprocess.run(["openssl", "genrsa", "-out", short, "512"], check=True, capture_output=True)
    subprocess.run(["openssl", "genrsa", "-aes128", "-passout", "pass:x", "-out", encrypted, "1024"], check=True, capture_output=True)
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", other], check=True, capture_output=True)
    for key, words in ((short, b"1024"), (encrypted, b"passphrase"), (other, b"no RSA"), ("/nonexistent", b"read"), (__file__, b"no private key")):
        run = subprocess.run([SEND, "--server", "smtp://127.0.0.1:9?tls=none", "--from", "a@b.c", "d@e.f", "--dkim-key", key,
                              "--dkim-domain", "example.org", "--dkim-selector", "r"], input=b"From: a@b.c\n\n", capture_output=True)
        say(run.returncode == 78 and words in run.stderr, "key %s" % key, run)
    run = subprocess.run([SEND, "--server", "smtp://127.0.0.1:9", "--from", "a@b.c", "d@e.f", "--dkim-key", short], capture_output=True)
    say(run.returncode == 64, "a key without domain", run)


with tempfile.TemporaryDirectory() as tmp:
    os.chmod(tmp, 0o755)
    made = Keys(tmp)
    matrix(made)
    changed(made)
    through(made)
    refused(tmp)
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed != 0)
