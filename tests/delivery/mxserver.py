#!/usr/bin/env python3
"""An SMTP server that behaves as it is told, for the delivery suite.

Usage: mxserver.py ADDR PORT LOG [NAME=VALUE ...]
  cert=FILE key=FILE   offers STARTTLS with them        tls=10|broken  a handshake that fails
  greeting=TEXT        instead of 220 (as "554 no")     drop=greeting|ehlo|mail|rcpt|data|dot|tls  closes there
  hang=...             the same phases: says nothing    rcpt=CODE TEXT  the reply to every RCPT
  mail=CODE TEXT       the reply to MAIL                dot=CODE TEXT   the reply to the content
  starttls=CODE TEXT   instead of 220                   grey=N          the first N tries of a recipient are refused
  max=N                RCPTs beyond N get 452 4.5.3     caps=A,B        further EHLO keywords
The local part of a recipient decides too: reject@ 550, defer@ 450, grey@ 451 once. LOG gets one line a
transaction: "ADDR tls=yes|no from=<...> to=<...>,<...> accepted=N connection=N".
"""
import os
import socket
import ssl
import sys
import threading
import time

ADDR, PORT, LOG = sys.argv[1], int(sys.argv[2]), sys.argv[3]
OPT = dict(a.split("=", 1) for a in sys.argv[4:])
seen = {}
lock = threading.Lock()
connections = 0


def note(text):
    with lock, open(LOG, "a") as f:
        f.write(text + "\n")


class Over(Exception):
    pass


class Session:
    def __init__(self, sock, number):
        self.sock, self.number, self.buf, self.tls = sock, number, b"", False

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def line(self):
        while b"\n" not in self.buf:
            data = self.sock.recv(65536)
            if not data:
                raise Over
            self.buf += data
        line, self.buf = self.buf.split(b"\n", 1)
        return line.rstrip(b"\r")

    def trouble(self, phase):
        if OPT.get("drop") == phase:
            raise Over
        if OPT.get("hang") == phase:
            time.sleep(60)
            raise Over

    def start_tls(self):
        if "starttls" in OPT:
            self.say(OPT["starttls"])
            return
        self.say("220 go")
        self.trouble("tls")
        if OPT.get("tls") == "broken":
            self.sock.recv(1)  # the ClientHello is there: this is no injection
            self.sock.sendall(b"this is no handshake\r\n")
            raise Over
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(OPT["cert"], OPT.get("key", OPT["cert"]))
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.tls, self.buf = True, b""

    def rcpt(self, address):
        self.trouble("rcpt")
        local = address.split("@")[0]
        if not OPT.get("mail", "250").startswith("2"):
            return "503 5.5.1 MAIL first"
        if "rcpt" in OPT:
            return OPT["rcpt"]
        if local.startswith("reject"):
            return "550 5.1.1 no such user"
        if local.startswith("defer"):
            return "450 4.2.1 not now"
        if local.startswith("grey") or "grey" in OPT:
            with lock:
                seen[address] = seen.get(address, 0) + 1
                if seen[address] <= int(OPT.get("grey", "1")):
                    return "451 4.7.1 Greylisting in action, please come back in 00:04:59"
        if self.accepted >= int(OPT.get("max", "1000")):
            return "452 4.5.3 too many recipients"
        self.accepted += 1
        self.to.append(address)
        return "250 2.1.5 ok"

    def content(self):
        while self.line() != b".":
            pass
        self.trouble("dot")
        reply = OPT.get("dot", "250 2.0.0 ok: queued as M%s-%d" % (ADDR.split(".")[-1], self.number))
        if reply.startswith("2"):
            note("%s tls=%s from=<%s> to=%s accepted=%d connection=%d" % (
                ADDR, "yes" if self.tls else "no", self.sender, ",".join("<%s>" % t for t in self.to), self.accepted,
                self.number))
        self.say(reply)

    def ehlo(self):
        self.trouble("ehlo")
        caps = ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 1000000"] + [c for c in OPT.get("caps", "").split(",") if c]
        if not self.tls and ("cert" in OPT or "starttls" in OPT or "tls" in OPT):
            caps.append("STARTTLS")
        lines = ["mx.test"] + caps
        for i, text in enumerate(lines):
            self.say("250%s%s" % (" " if i == len(lines) - 1 else "-", text))

    def command(self, line):
        word = line.upper()
        if word.startswith("EHLO"):
            self.ehlo()
        elif word.startswith("STARTTLS"):
            self.start_tls()
        elif word.startswith("MAIL"):
            self.trouble("mail")
            self.sender, self.to, self.accepted = line.split("<", 1)[1].split(">")[0], [], 0
            self.say(OPT.get("mail", "250 2.1.0 ok"))
        elif word.startswith("RCPT"):
            self.say(self.rcpt(line.split("<", 1)[1].split(">")[0]))
        elif word.startswith("DATA"):
            self.trouble("data")
            if not self.accepted:
                self.say("554 5.5.1 no valid recipients")
                return
            self.say("354 go")
            self.content()
        elif word.startswith("QUIT"):
            self.say("221 bye")
            raise Over
        else:
            self.say("250 ok")

    def run(self):
        try:
            self.trouble("greeting")
            greeting = OPT.get("greeting", "220 mx.test ESMTP")
            self.say(greeting)
            if not greeting.startswith("220"):
                self.line()
                raise Over
            while True:
                self.command(self.line().decode("utf-8", "replace"))
        except (Over, OSError, ssl.SSLError):
            pass
        finally:
            try:
                self.sock.close()
            except OSError:
                pass


def main():
    global connections
    family = socket.AF_INET6 if ":" in ADDR else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((ADDR, PORT))
    server.listen(512)
    print("ready", flush=True)
    while True:
        sock, _ = server.accept()
        connections += 1
        threading.Thread(target=Session(sock, connections).run, daemon=True).start()


if __name__ == "__main__":
    main()
