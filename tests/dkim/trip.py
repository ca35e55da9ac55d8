#!/usr/bin/env python3
"""trip.py DIR SIGN TERN_SEND [SERVER...] - signed messages through the real servers started under DIR (those named that are
among Postfix and Exim; default: both): what is stored verifies by python3-dkim and opendkim, plain, 8bit and BDAT; with an octet
changed it does not. Run as root: it reads mailboxes of other users. Closes with `N passed, N failed`."""
import glob
import os
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from verifiers import Keys, sign  # noqa: E402

TOP, SIGN, SEND = sys.argv[1:4]
passed = failed = 0


def say(ok, what, why=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL %s: %s" % (what, why), flush=True)


HEAD = ("From: Ann <ann@example.org>\nTo: alice@example.test,\n\tbob@example.test\nSubject: a  subject\n folded \t twice\nDate: Mon, 23 Nov 2026 20:00:00 +0000\n"
        "Message-ID: <%s@example.org>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n")
BODIES = {"plain": ".\n..\n.x\ntrailing blanks \t \n\nFrom here\n" + "x" * 998 + "\n\n\n", "8bit": "na\u00efve \u2603\n.\n\u6f22\u5b57 \n"}
# name, options of tern-send, what its trace must show
WAYS = (("DATA", ["--no-chunking"], "C: DATA"), ("BDAT", [], "C: BDAT"))


def stored(maildir, tag):
    """The message with the tag in it, CRLF at line ends as the servers received them; None if none came in 15 seconds."""
    end = time.monotonic() + 15
    while time.monotonic() < end:
        for path in glob.glob(os.path.join(maildir, "new", "*")):
            with open(path, "rb") as f:
                octets = f.read()
            if tag.encode() in octets:
                return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        time.sleep(0.1)
    return None


def trip(what, keys, env, tag, message, args, shows):
    command = [SEND, "--server", "smtp://%s:%s?tls=none" % (env["host"], env["smtp_port"]), "--from", "ann@example.org", "alice@example.test", "--trace"]
    run = subprocess.run(command + args, input=message, capture_output=True, timeout=60)
    err = run.stderr.decode("utf-8", "replace")
    say(run.returncode == 0 and all(x in err for x in shows), what + ", sent", (run.returncode, err[-600:]))
    octets = stored(env["maildir"], tag)
    if octets is None:
        return say(False, what + ", stored", "not delivered")
    for name, verify in (("python", keys.python), ("opendkim", keys.opendkim)):
        say(verify(octets), "%s, %s" % (what, name), octets)
        for place in (b"Subject: ", b"\r\n\r\n"):
            i = octets.index(place, octets.index(b"DKIM-Signature:")) + len(place)
            other = octets[:i] + bytes([octets[i] ^ 2]) + octets[i + 1:]
            say(not verify(other), "%s, %s, changed behind %r" % (what, name, place), other)


def server(name, keys):
    with open(os.path.join(TOP, name, "env")) as f:
        env = dict(line.rstrip("\n").split("=", 1) for line in f)
    signing = ["--dkim-key", keys.rsa, "--dkim-domain", "example.org", "--dkim-selector", "r"]
    for way, options, shown in WAYS:
        for kind, body in BODIES.items():
            shows = [shown] + (["BODY=8BITMIME"] if kind == "8bit" else [])
            for how in ("relaxed", "simple"):
                tag = "dkim-%d-%d" % (os.getpid(), time.time_ns())
                message = ((HEAD % tag) + body).encode()
                # tern-send signs relaxed; simple is signed before, so that every octet counts
                content, args = (message, signing) if how == "relaxed" else (sign(SIGN, keys, message, 0, ("r", 1, 1)), [])
                trip("%s %s %s %s" % (name, way, kind, how), keys, env, tag, content, options + args, shows)
        tag = "dkim-%d-%d" % (os.getpid(), time.time_ns())
        composed = ["--subject", "Gr\u00fc\u00dfe", "--text", "-", "--header", "Message-ID: <%s@example.org>" % tag]
        trip("%s %s composed" % (name, way), keys, env, tag, BODIES["8bit"].encode(), options + signing + composed, [shown])


with tempfile.TemporaryDirectory() as tmp:
    os.chmod(tmp, 0o755)
    made = Keys(tmp)
    for each in ("postfix", "exim"):
        if not sys.argv[4:] or each in sys.argv[4:]:
            server(each, made)
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed != 0)
