"""A scripted SMTP and LMTP server on loopback, for the tests of tern-send and of the examples.

Server(...) listens on a free port (or a Unix socket) and serves each connection in a thread by the rules it
was given; what came in is kept in .sessions. It knows no more of SMTP than the tests need."""
import base64
import os
import socket
import ssl
import subprocess
import threading

import listener


def make_certificate(folder, name="localhost", days=2):
    """A self-signed certificate for localhost and 127.0.0.1: its own CA file."""
    cert, key = os.path.join(folder, name + ".crt"), os.path.join(folder, name + ".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days),
         "-subj", "/CN=tern test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", key, "-out", cert],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key


class Hangup(Exception):
    """Close the connection now."""


class Session:
    def __init__(self):
        self.lines = []     # commands, without line ends
        self.messages = []  # (octets as they came, how, complete)
        self.tls = False
        self.secrets = []   # decoded AUTH responses
        self.closed = "open"


class Server:
    """rules: what to answer instead of the usual.
    greeting, ehlo (list of keywords), ehlo_tls (after TLS), starttls (reply), auth ({user: password} or None),
    mail, data, end, rset, quit: a reply line, or a function(session, argument) -> reply; None: silence.
    rcpt: {address: reply}; end may be a list of replies, one for each message.
    hangup: a set of command words after which (before any reply) the connection is closed."""

    def __init__(self, cert=None, implicit=False, lmtp=False, unix=None, **rules):
        self.rules, self.cert, self.implicit, self.lmtp = rules, cert, implicit, lmtp
        self.sessions = []
        if unix:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(unix)
            self.port = 0
        else:
            self.sock = socket.socket()
            self.sock.bind(("127.0.0.1", 0))
            self.port = self.sock.getsockname()[1]
        self.sock.listen(16)
        self.threads = []
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        listener.stop(self.sock, self.thread)
        for thread in self.threads:
            thread.join(10)

    def wait(self):
        for thread in list(self.threads):
            thread.join(10)

    @property
    def messages(self):
        return [m for s in self.sessions for m in s.messages]

    @property
    def lines(self):
        return [line for s in self.sessions for line in s.lines]

    def accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            session = Session()
            self.sessions.append(session)
            thread = threading.Thread(target=self.serve, args=(conn, session), daemon=True)
            self.threads.append(thread)
            thread.start()

    def wrap(self, conn, session):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.cert)
        conn = context.wrap_socket(conn, server_side=True)
        session.tls = True
        return conn

    def serve(self, conn, session):
        conn.settimeout(20)
        try:
            if self.implicit:
                conn = self.wrap(conn, session)
            Talk(self, conn, session).run()
            session.closed = "orderly"
        except Hangup:
            session.closed = "hangup"
        except (OSError, EOFError) as error:
            session.closed = repr(error)
        try:
            conn.close()
        except OSError:
            pass


class Talk:
    def __init__(self, server, conn, session):
        self.server, self.conn, self.session, self.rules = server, conn, session, server.rules
        self.buffer = b""
        self.rcpts = []

    def fill(self):
        octets = self.conn.recv(65536)
        if not octets:
            raise EOFError("closed by the client")
        self.buffer += octets

    def line(self):
        while b"\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def exactly(self, count):
        while len(self.buffer) < count:
            self.fill()
        octets, self.buffer = self.buffer[:count], self.buffer[count:]
        return octets

    def say(self, reply):
        if reply is None:
            return
        if isinstance(reply, str):
            reply = reply.encode()
        self.conn.sendall(reply + b"\r\n")

    def rule(self, name, usual, argument=""):
        reply = self.rules.get(name, usual)
        if callable(reply):
            reply = reply(self.session, argument)
        if isinstance(reply, str) and reply.startswith("421"):
            self.say(reply)
            raise Hangup
        return reply

    def run(self):
        self.say(self.rule("greeting", "220 test ESMTP"))
        while True:
            line = self.line().decode("utf-8", "surrogateescape")
            self.session.lines.append(line)
            word, _, argument = line.partition(" ")
            word = word.upper()
            if word in self.rules.get("hangup", ()):
                raise Hangup
            if word == "QUIT":
                self.say(self.rule("quit", "221 bye"))
                return
            getattr(self, "do_" + word.lower(), self.unknown)(argument)

    def unknown(self, _):
        self.say("500 5.5.1 unknown")

    def do_ehlo(self, _):
        words = list(self.rules.get("ehlo", ["PIPELINING", "8BITMIME", "SIZE 50000000", "ENHANCEDSTATUSCODES"]))
        if self.session.tls and "ehlo_tls" in self.rules:
            words = list(self.rules["ehlo_tls"])
        if self.server.cert and not self.session.tls:
            words.append("STARTTLS")
        lines = ["test"] + words
        self.say("\r\n".join("250%s%s" % ("-" if i + 1 < len(lines) else " ", w) for i, w in enumerate(lines)))

    do_lhlo = do_ehlo

    def do_helo(self, _):
        self.say("250 test")

    def do_starttls(self, _):
        reply = self.rule("starttls", "220 go ahead")
        self.say(reply)
        if reply.startswith("220"):
            self.conn = self.server.wrap(self.conn, self.session)

    def do_auth(self, argument):
        mechanism, _, initial = argument.partition(" ")
        accounts = self.rules.get("auth") or {}
        if mechanism == "PLAIN":
            if not initial:
                self.say("334 ")
                initial = self.line().decode()
            _, user, password = base64.b64decode(initial).decode().split("\0")
        elif mechanism == "LOGIN":
            self.say("334 VXNlcm5hbWU6")
            user = base64.b64decode(self.line()).decode()
            self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.line()).decode()
        elif mechanism in ("XOAUTH2", "OAUTHBEARER"):
            text = base64.b64decode(initial).decode()
            self.session.secrets.append(text)
            token = text.split("auth=Bearer ")[1].split("\x01")[0]
            user, password = "token", token
        else:
            self.say("504 5.5.4 unknown mechanism")
            return
        self.session.secrets.append((user, password))
        ok = accounts.get(user) == password
        self.say("235 2.7.0 welcome" if ok else "535 5.7.8 wrong")

    def do_mail(self, argument):
        self.rcpts = []
        self.say(self.rule("mail", "250 2.1.0 ok", argument))

    def do_rcpt(self, argument):
        address = argument[argument.index("<") + 1:argument.index(">")]
        rules = self.rules.get("rcpt", {})
        reply = rules(self.session, address) if callable(rules) else rules.get(address, "250 2.1.5 ok")
        if reply.startswith("250"):
            self.rcpts.append(address)
        self.say(reply)
        if reply.startswith("421"):
            raise Hangup

    def do_rset(self, _):
        self.say(self.rule("rset", "250 2.0.0 ok"))

    def do_noop(self, _):
        self.say("250 2.0.0 ok")

    def do_data(self, _):
        if not self.rcpts and "data" not in self.rules:
            self.say("554 5.5.1 no recipients")
            return
        reply = self.rule("data", "354 go on")
        self.say(reply)
        if reply is None or not reply.startswith("354"):
            return
        lines = []
        while True:
            try:
                line = self.line_raw()
            except EOFError:
                self.session.messages.append((b"".join(lines) + self.buffer, "DATA", False))
                raise
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        self.finish(b"".join(lines), "DATA")

    def line_raw(self):
        while b"\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def do_bdat(self, argument):
        size, _, last = argument.partition(" ")
        octets = self.exactly(int(size))
        self.finish(octets, "BDAT " + last)

    def finish(self, octets, how):
        self.session.messages.append((octets, how, True))
        replies = self.rules.get("end", "250 2.0.0 queued as 4F2A")
        if callable(replies):
            replies = replies(self.session, octets)
        if isinstance(replies, list):
            replies = replies[min(len(self.server.messages) - 1, len(replies) - 1)]
        if replies == "hangup":
            raise Hangup
        if self.server.lmtp:
            for address in self.rcpts:
                lmtp = self.rules.get("lmtp_end", {})
                self.say(lmtp.get(address, replies))
        else:
            self.say(replies)
        self.rcpts = []
