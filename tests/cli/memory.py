#!/usr/bin/env python3
"""tern-send --memory: that the second run takes up the TLS session of the first, as the server sees it, and that no
file, whatever is in it and whoever it belongs to, does harm. Usage: memory.py TERN_SEND; ends with "N passed, N failed"."""
import json
import os
import ssl
import stat
import subprocess
import sys
import tempfile

from server import Server, make_certificate

passed = failed = 0
SEND = sys.argv[1]


def check(what, good, *facts):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAIL", what, *facts)


class Keeping(Server):
    """Knows its own tickets from connection to connection; .reused says of each handshake whether it took one up."""

    def __init__(self, cert, newest=None, **rules):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*cert)
        if newest:
            self.context.maximum_version = newest
        self.reused = []
        super().__init__(cert=cert, **rules)

    def wrap(self, conn, session):
        conn = self.context.wrap_socket(conn, server_side=True)
        self.reused.append(conn.session_reused)
        session.tls = True
        return conn


def run(server, ca, path, *more, host="localhost", scheme="smtp"):
    """(exit status, JSON, standard error)"""
    env = {k: v for k, v in os.environ.items() if not k.startswith("TERN_")}
    done = subprocess.run([SEND, "--server", f"{scheme}://{host}:{server.port}", "--ca", ca, "--from", "a@example.org", "--timeout", "20",
                           "--memory", path, "--json", *more, "b@example.net"], input=b"hello\n", capture_output=True, env=env, timeout=60)
    return done.returncode, json.loads(done.stdout), done.stderr.decode()


def good(what, server, ca, path, resumed, warned=False, *more, **kw):
    code, told, err = run(server, ca, path, *more, **kw)
    check(what, code == 0 and told["ok"] and told["tls"]["resumed"] is resumed, code, told, err)
    check(what + ": the server", server.reused[-1] is resumed, server.reused)
    check(what + ": warning", ("warning: --memory" in err) == warned, err)
    return err


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, octets, mode=0o600):
    with open(path, "wb") as f:
        f.write(octets)
    os.chmod(path, mode)


def resumes(folder, cert, other):
    os.umask(0)
    for newest in (None, ssl.TLSVersion.TLSv1_2):
        for implicit in (False, True):
            path = os.path.join(tempfile.mkdtemp(dir=folder), "kept")
            scheme = "smtps" if implicit else "smtp"
            with Keeping(cert, newest, implicit=implicit) as s:
                good("first", s, cert[0], path, False, scheme=scheme)
                for n in range(3):
                    good("again", s, cert[0], path, True, scheme=scheme)
                    check("mode", stat.S_IMODE(os.stat(path).st_mode) == 0o600 and os.listdir(os.path.dirname(path)) == ["kept"])
                # what the ticket vouches for is what was verified
                code, told, err = run(s, other[0], path, scheme=scheme)
                check("another authority", code == 77 and told["error"] == "TERN_E_TLS_UNKNOWN_CA", code, told, err)
                good("after it", s, cert[0], path, True, scheme=scheme)
                good("--insecure", s, cert[0], path, False, False, "--insecure", scheme=scheme)
    with Keeping(cert) as s:  # without the option nothing is said of it
        done = subprocess.run([SEND, "--server", f"smtp://localhost:{s.port}", "--ca", cert[0], "--from", "a@example.org", "--json",
                               "b@example.net"], input=b"x\n", capture_output=True)
        check("without --memory", list(json.loads(done.stdout)["tls"]) == ["version", "cipher", "verified"], done)


def damaged(folder, cert):
    path = os.path.join(folder, "damaged")
    with Keeping(cert) as s, Keeping(cert) as another:
        good("first", s, cert[0], path, False)
        whole = read(path)
        at = [0, 7, 8, 20, 40, 44, 45, len(whole) // 2, len(whole) - 33, len(whole) - 1]
        rows = [("octet %d" % i, whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1:]) for i in at if i > 6]
        rows += [("%d octets" % n, whole[:n]) for n in (7, 8, 40, 60, len(whole) - 1)]
        rows += [("longer", whole + b"x"), ("zeros behind the head", whole[:8] + bytes(len(whole) - 8)),
                 ("ones behind the head", whole[:8] + b"\xff" * 24000), ("30,000 octets", whole[:8] + bytes(29992))]
        for what, octets in rows:
            write(path, octets)
            good(what, s, cert[0], path, False, True)
            good(what + ", after it", s, cert[0], path, True)
        write(path, b"")
        good("empty", s, cert[0], path, False)
        good("empty, after it", s, cert[0], path, True)
        good("of another server", another, cert[0], path, False, True)
        good("that one's now", another, cert[0], path, True)


def foreign(folder, cert):
    path = os.path.join(folder, "foreign")
    with Keeping(cert) as s:
        for what, octets in (("a mail", b"Subject: mine\n\nhello\n"), ("five octets", b"terns"), ("zeros", bytes(5_000_000)),
                             ("one octet", b"\n"), ("nearly", b"Ternmem\1" + bytes(200))):
            write(path, octets)
            good(what, s, cert[0], path, False, True)
            check(what + ": left as it is", read(path) == octets)
        os.remove(path)
        good("first", s, cert[0], path, False)
        for mode in (0o644, 0o620, 0o602):
            os.chmod(path, mode)
            good("mode %o" % mode, s, cert[0], path, False, True)
            good("made private", s, cert[0], path, True)
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534)
            good("of another user", s, cert[0], path, False, True)
            good("of ours again", s, cert[0], path, True)
        target, link = os.path.join(folder, "mine.txt"), os.path.join(folder, "link")
        write(target, b"mine\n")
        os.symlink(target, link)
        good("a link to something else", s, cert[0], link, False, True)
        check("a link: left as it is", os.readlink(link) == target and read(target) == b"mine\n")
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        good("a named pipe", s, cert[0], fifo, False, True)
        check("a named pipe: still one", stat.S_ISFIFO(os.stat(fifo).st_mode))
        good("a folder", s, cert[0], folder, False, True)
        good("/dev/null", s, cert[0], "/dev/null", False, True)
        check("/dev/null: still a device", stat.S_ISCHR(os.stat("/dev/null").st_mode))
        good("a folder that is not there", s, cert[0], os.path.join(folder, "none", "kept"), False, True)
        check("nothing left over", not [x for x in os.listdir(folder) if x.startswith(("foreign.", "link.", "fifo."))], os.listdir(folder))
        # what has failed leaves what was known
        before = read(path)
        with Keeping(cert, rcpt={"b@example.net": "550 5.1.1 nobody"}) as refusing:
            code, told, _ = run(refusing, cert[0], os.path.join(folder, "refused"))
            check("a recipient refused", code == 67 and os.path.exists(os.path.join(folder, "refused")), told)
        gone = type("Gone", (), {"port": refusing.port})
        code, told, err = run(gone, cert[0], path)
        check("nobody there", code == 75 and told["tls"] is None and read(path) == before, code, told, err)
    done = subprocess.run([SEND, "--mx", "--memory", path, "--from", "a@example.org", "b@example.net"], input=b"x\n", capture_output=True)
    check("not with --mx", done.returncode == 64 and b"--memory" in done.stderr, done)


with tempfile.TemporaryDirectory() as directory:
    certificate, stranger = make_certificate(directory), make_certificate(directory, "other")
    resumes(directory, certificate, stranger)
    damaged(directory, certificate)
    foreign(directory, certificate)
print("%d passed, %d failed" % (passed, failed))
sys.exit(1 if failed or not passed else 0)
