#!/usr/bin/env python3
"""A policy host for MTA-STS that behaves as it is told.

Usage: policyhost.py ADDR CERT KEY STATUS TYPE HOW < POLICY      HOW: length, chunked, close or big
Prints "ready" when it listens on port 443.
"""
import http.server
import ssl
import sys

ADDR, CERT, KEY, STATUS, TYPE, HOW = sys.argv[1:7]
POLICY = sys.stdin.buffer.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        good = self.path == "/.well-known/mta-sts.txt" and self.headers.get("Host") == "mta-sts.wild.example.test"
        self.send_response(int(STATUS) if good else 421)
        body = POLICY + b"mx: filler.example.test\r\n" * 6000 if HOW == "big" else POLICY
        self.send_header("Content-Type", TYPE)
        if STATUS[0] == "3":
            self.send_header("Location", "https://mta-sts.example.test/.well-known/mta-sts.txt")
        if HOW == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif HOW != "close":
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if HOW == "chunked":
            for i in range(0, len(body), 20):
                self.wfile.write(b"%x;x=y\r\n%s\r\n" % (len(body[i:i + 20]), body[i:i + 20]))
            self.wfile.write(b"0\r\nTrailer: x\r\n\r\n")
        else:
            self.wfile.write(body)
        self.close_connection = True


server = http.server.ThreadingHTTPServer((ADDR, 443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERT, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready", flush=True)
server.serve_forever()
