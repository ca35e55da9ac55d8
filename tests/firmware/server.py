"""A mail server on loopback for one firmware image under qemu, that checks what it gets and can misbehave. Used by qemu.py.

Server(fault, tls) listens at once; `run` serves one connection in a thread. What it saw: mails, wrong (complaints), said_mail (MAIL
was asked for), mechanism."""
import base64
import email
import hashlib
import hmac
import re
import socket
import ssl
import struct
import threading

USER, PASSWORD = b"plant7", b"not a secret: for tests"


def sample(number, i):
    return (number * 2654435761 & 0xffffffff) ^ (i * 40503 & 0xffffffff)


class Gone(Exception):
    pass


class Server:
    def __init__(self, fault=None, tls=None, samples=48, offers="PLAIN LOGIN SCRAM-SHA-256"):
        self.fault, self.tls, self.samples, self.offers = fault, tls, samples, offers
        self.mails, self.wrong, self.mechanism, self.said_mail, self.secure = 0, [], None, False, False
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(1)
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.ready = threading.Event()  # the device listens on its UART: what comes before is lost, as on a wire
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def close(self):
        self.over.set()
        self.ready.set()
        self.listener.close()
        self.thread.join(10)

    # ---- the line ----
    def say(self, text):
        self.socket.sendall(text.encode("latin-1") + b"\r\n")

    def line(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise Gone
        return line

    def open(self, sock):
        self.socket = sock
        self.file = sock.makefile("rb")

    def at(self, where):
        """The fault of this place: "silent-...", "garbage-...", "lines-...", "long-..."."""
        kind, _, place = (self.fault or "").partition("-")
        if place != where:
            return False
        if kind == "silent":
            self.over.wait(60)
            raise Gone
        if kind == "garbage":
            self.socket.sendall(bytes(range(1, 256)) * 4 + b"\r\n")
        elif kind == "long":
            self.socket.sendall(b"250-" + b"x" * 65536 + b"\r\n250 ok\r\n")
        elif kind == "lines":
            self.socket.sendall(b"250-x\r\n" * 500 + b"250 ok\r\n")
        else:
            return False
        return True

    # ---- the dialogue ----
    def run(self):
        try:
            sock, _ = self.listener.accept()
            sock.settimeout(120)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.ready.wait(60)
            self.open(sock)
            if not self.at("greeting"):
                self.say("220 gate.example ESMTP")
            while self.command(self.line().rstrip(b"\r\n")):
                pass
            self.over.wait(20)
        except (Gone, OSError, ssl.SSLError):
            pass

    def command(self, line):
        verb, _, rest = line.partition(b" ")
        verb = verb.upper()
        if verb == b"EHLO":
            if not self.at("ehlo"):
                more = "STARTTLS" if self.tls and not self.secure else "AUTH " + self.offers
                self.say(f"250-gate.example\r\n250-PIPELINING\r\n250-{more}\r\n250-8BITMIME\r\n250 SIZE 50000000")
        elif verb == b"STARTTLS":
            inject = b"250 injected\r\n" if self.fault == "inject-starttls" else b""
            self.socket.sendall(b"220 go\r\n" + inject)
            self.file.close()
            self.open(self.tls.wrap_socket(self.socket, server_side=True))
            self.secure = True
        elif verb == b"AUTH":
            self.say("235 2.7.0 welcome" if self.auth(rest) else "535 5.7.8 no")
        elif verb == b"MAIL":
            self.said_mail = True
            if not self.at("mail"):
                self.say("250 2.1.0 ok")
        elif verb == b"DATA":
            self.say("354 go on")
            self.content()
            if not self.at("final"):
                self.say(f"250 2.0.0 ok: queued as M{self.mails}")
        elif verb == b"QUIT":
            self.say("221 bye")
            return False
        else:
            self.say("250 2.1.5 ok")
        return True

    def content(self):
        lines = []
        while (line := self.line()) != b".\r\n":
            if not line.endswith(b"\r\n"):
                self.wrong.append(f"a line without CRLF: {line!r}")
            lines.append(line[1:] if line.startswith(b".") else line)
        parts = [p for p in email.message_from_bytes(b"".join(lines)).walk() if not p.is_multipart()]
        if len(parts) != 2:
            self.wrong.append(f"{len(parts)} parts")
        elif parts[0].get_payload() not in ("The samples of this hour are attached.\r\n.\r\n..and one more.",
                                            "The samples of this hour are attached.\n.\n..and one more."):
            self.wrong.append(f"the text is {parts[0].get_payload()!r}")
        elif parts[1].get_payload(decode=True) != b"".join(struct.pack(">I", sample(self.mails, i)) for i in range(self.samples)):
            self.wrong.append(f"the attachment of mail {self.mails} is not the samples")
        self.mails += 1

    # ---- AUTH ----
    def ask(self, text=b""):
        self.socket.sendall(b"334 " + base64.b64encode(text) + b"\r\n")
        return base64.b64decode(self.line())

    def auth(self, rest):
        name, _, first = rest.partition(b" ")
        self.mechanism = name.decode()
        response = base64.b64decode(first) if first else None
        if name == b"PLAIN":
            return response == b"\0" + USER + b"\0" + PASSWORD
        if name == b"LOGIN":
            return self.ask(b"Username:") == USER and self.ask(b"Password:") == PASSWORD
        if name != b"SCRAM-SHA-256":
            return False
        bare = response[3:]
        nonce = re.search(rb"r=([^,]+)", bare).group(1) + b"server"
        salt, count = b"salt of the test", 4096
        server_first = b"r=" + nonce + b",s=" + base64.b64encode(salt) + b",i=%d" % count
        final = self.ask(server_first)
        without, _, proof = final.rpartition(b",p=")
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD, salt, count)
        message = bare + b"," + server_first + b"," + without
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        if bytes(a ^ b for a, b in zip(key, signature)) != base64.b64decode(proof) or not without.endswith(b"r=" + nonce):
            return False
        self.ask(b"v=" + base64.b64encode(hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")))
        return True
