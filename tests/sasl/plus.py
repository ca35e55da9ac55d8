#!/usr/bin/env python3
"""SCRAM bound to the channel, held against implementations that are not ours: tern-send against GNU SASL and Cyrus
SASL behind OpenSSL (plus_server.c), over a table, with somebody in between who has a trusted certificate, and in
TLS sessions taken up again.
Usage: plus.py TERN_SEND PLUS_SERVER TLS (the newest version of the build, 1.2 or 1.3); ends with "N passed, N failed"."""
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import listener
from server import make_certificate

SEND, SERVER, NEWEST = sys.argv[1:4]
passed = failed = 0


def check(what, good, *facts):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAIL", what, *facts)


class Foreign:
    """plus_server with its settings; what it told is in .told once it has ended."""

    def __init__(self, **settings):
        self.process = subprocess.Popen([SERVER] + ["%s=%s" % item for item in settings.items()], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.told = self.process.stdout.read().splitlines()
        self.process.wait()


class Between:
    """Takes TLS with a certificate of its own, and passes on to the server what comes through."""

    def __init__(self, port, cert):
        self.server, self.cert, self.conns, self.carriers = port, cert, [], []
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        listener.stop(self.sock, self.thread)
        for thread in self.carriers:
            thread.join(30)
        for conn in self.conns:  # not before: another thread's descriptor could have its number then
            conn.close()

    def accept(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.cert)
        while True:
            try:
                near = self.sock.accept()[0]
            except OSError:
                return
            far = ssl._create_unverified_context().wrap_socket(socket.create_connection(("127.0.0.1", self.server)))
            near = context.wrap_socket(near, server_side=True)
            self.conns += [near, far]
            for a, b in ((near, far), (far, near)):
                self.carriers.append(threading.Thread(target=self.carry, args=(a, b), daemon=True))
                self.carriers[-1].start()

    @staticmethod
    def carry(a, b):
        try:
            while octets := a.recv(4096):
                b.sendall(octets)
        except OSError:
            pass
        for conn in (a, b):
            try:
                socket.socket.shutdown(conn, socket.SHUT_RDWR)
            except OSError:
                pass


def send(url, ca, *more, password="pencil"):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TERN_")}
    env["TERN_PASSWORD"] = password
    done = subprocess.run([SEND, "--server", url, "--ca", ca, "--user", "ann", "--from", "a@example.org", "--timeout", "20",
                           "--json", *more, "b@example.net"], input=b"hello\n", capture_output=True, env=env, timeout=60)
    return done.returncode, json.loads(done.stdout)


BOTH = "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"
TAKEN, REFUSED = (0, None), (77, "TERN_E_AUTH_REFUSED")
# what, libraries, TLS and binding of the server, offer, further settings, options, password, result, AUTHs that came
ROWS = [("%s over TLS %s" % (name, tls), libraries, tls, binding, "%s %s" % (name, name[:-5]), {}, [], "pencil", TAKEN,
         ["%s p=%s" % (name, binding)])
        for name in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS")
        for tls, binding, libraries in (("1.3", "tls-exporter", "gnu cyrus"), ("1.2", "tls-server-end-point", "cyrus"))]
for tls, binding, libraries in (("1.3", "tls-exporter", "gnu cyrus"), ("1.2", "tls-server-end-point", "cyrus")):
    ROWS += [
        ("the strongest first", libraries, tls, binding, BOTH, {}, [], "pencil", TAKEN, ["SCRAM-SHA-256-PLUS p=" + binding]),
        ("implicit TLS", libraries, tls, binding, BOTH, {"mode": "implicit"}, [], "pencil", TAKEN, ["SCRAM-SHA-256-PLUS p=" + binding]),
        # refused bound to the channel: the other one that binds is tried, and none that does not
        ("wrong password", libraries, tls, binding, BOTH, {}, [], "pencils", REFUSED,
         ["SCRAM-SHA-256-PLUS p=" + binding, "SCRAM-SHA-1-PLUS p=" + binding]),
        ("another channel", libraries, tls, binding, BOTH, {"twist": "yes"}, [], "pencil", REFUSED,
         ["SCRAM-SHA-256-PLUS p=" + binding, "SCRAM-SHA-1-PLUS p=" + binding]),
        ("the offer was taken out on its way", libraries, tls, binding, "SCRAM-SHA-256", {}, [], "pencil", REFUSED, ["SCRAM-SHA-256 y"]),
        ("not bound by the caller's word", libraries, tls, binding, BOTH, {}, ["--auth", "SCRAM-SHA-256"], "pencil", TAKEN,
         ["SCRAM-SHA-256 n"]),
        ("a server that does not bind", "gnu cyrus", tls, "none", "SCRAM-SHA-256", {}, [], "pencil", TAKEN, ["SCRAM-SHA-256 y"]),
    ]
# GNU SASL has tls-unique and tls-exporter, which TLS 1.2 does not give us: no agreement, and nothing weaker
ROWS.append(("a type of binding that the server lacks", "gnu", "1.2", "tls-exporter", BOTH, {}, [], "pencil", REFUSED,
             ["SCRAM-SHA-256-PLUS p=tls-server-end-point", "SCRAM-SHA-1-PLUS p=tls-server-end-point"]))


def rows(folder, cert, other):
    both = os.path.join(folder, "both.crt")
    with open(both, "w") as out:
        for name in (cert[0], other[0]):
            with open(name) as f:
                out.write(f.read())
    for what, libraries, tls, binding, offer, settings, options, password, result, auths in ROWS:
        if tls > NEWEST:
            continue
        for library in libraries.split():
            name = "%s, %s, TLS %s" % (library, what, tls)
            scheme = "smtps" if settings.get("mode") == "implicit" else "smtp"
            settings = {"mode": "starttls", "cert": cert[0], "key": cert[1], "folder": folder, **settings}
            with Foreign(library=library, tls=tls, binding=binding, offer=offer, **settings) as server:
                code, told = send("%s://localhost:%d" % (scheme, server.port), cert[0], *options, password=password)
            check(name, (code, told["error"]) == result and told["tls"]["version"] == "TLSv" + tls, code, told)
            check(name + ": AUTH", [x[5:] for x in server.told if x.startswith("auth ")] == auths, server.told)
            check(name + ": mail", ("mail" in server.told) == (code == 0), server.told)
    for tls, binding, libraries in (("1.3", "tls-exporter", "gnu cyrus"), ("1.2", "tls-server-end-point", "cyrus")):
        for library in libraries.split():
            if tls > NEWEST:
                continue
            name = "%s, somebody in between, TLS %s" % (library, tls)
            with Foreign(library=library, tls=tls, binding=binding, offer=BOTH, mode="implicit", cert=cert[0], key=cert[1],
                         folder=folder) as server, Between(server.port, other) as between:
                code, told = send("smtps://localhost:%d" % between.port, both)
            check(name, (code, told["error"]) == REFUSED and told["tls"]["verified"] and told["phase"] == "auth", code, told)
            methods = [x.split()[1] for x in server.told if x.startswith("auth ")]
            check(name + ": AUTH", methods == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"], server.told)
            check(name + ": no mail", "mail" not in server.told and "good" not in server.told, server.told)


def resumed(folder, cert):
    """A TLS session taken up again binds as the first one did, though no certificate comes with it."""
    for tls, binding, libraries in (("1.3", "tls-exporter", "gnu cyrus"), ("1.2", "tls-server-end-point", "cyrus")):
        for library in libraries.split() if tls <= NEWEST else ():
            name = "%s, resumed, TLS %s" % (library, tls)
            kept = ["--memory", os.path.join(folder, "%s.%s" % (library, tls))]
            with Foreign(library=library, tls=tls, binding=binding, offer=BOTH, mode="starttls", cert=cert[0], key=cert[1],
                         folder=folder) as server:
                told = [send("smtp://localhost:%d" % server.port, cert[0], *kept)[1] for _ in range(3)]
            check(name, [t["ok"] and t["tls"]["resumed"] for t in told] == [False, True, True], told)
            check(name + ": AUTH", [x for x in server.told if x != "mail"] == ["auth SCRAM-SHA-256-PLUS p=" + binding, "good"] * 3, server.told)


with tempfile.TemporaryDirectory() as directory:
    certificate = make_certificate(directory)
    rows(directory, certificate, make_certificate(directory, "other"))
    resumed(directory, certificate)
print("%d passed, %d failed" % (passed, failed))
sys.exit(1 if failed or not passed else 0)
