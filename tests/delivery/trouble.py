#!/usr/bin/env python3
"""A wire to a real MTA that breaks where it is told.

Usage: trouble.py ADDR PORT TO-ADDR TO-PORT WHAT WHEN
  WHAT: cut (both ends are closed) or hang (nothing passes any more)
  WHEN: greeting, or what the client's line begins with (MAIL, RCPT, DATA), which does not reach the server, or
        "." : the content reaches the server, its reply never comes back
CHUNKING is not let through: with BDAT there would be no dot to wait for.
Prints "ready" when it listens.
"""
import socket
import sys
import threading
import time

ADDR, PORT, TO, TO_PORT, WHAT, WHEN = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5], sys.argv[6].encode()


def end(client, server):
    if WHAT == "hang":
        time.sleep(120)
    for s in (client, server):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()


def back(server, client, state):
    while True:
        data = server.recv(65536).replace(b"CHUNKING", b"XCHUNK")
        if not data:
            client.shutdown(socket.SHUT_WR)
            return
        if state["broken"]:
            state["replied"] = True  # it is there, and stays here
            continue
        client.sendall(data)


def serve(client):
    state = {"broken": WHEN == b"greeting", "replied": False}
    server = socket.create_connection((TO, TO_PORT), 20)
    threading.Thread(target=guarded, args=(back, server, client, state), daemon=True).start()
    if state["broken"]:
        return end(client, server)
    pending = b""
    while True:
        data = client.recv(65536)
        if not data:
            server.shutdown(socket.SHUT_WR)
            return
        pending += data
        while b"\n" in pending:
            line, pending = pending.split(b"\n", 1)
            if WHEN == b"." and line == b".\r":
                state["broken"] = True
                server.sendall(line + b"\n")
                while not state["replied"]:
                    time.sleep(0.05)
                return end(client, server)
            if WHEN != b"." and line.upper().startswith(WHEN):
                state["broken"] = True
                return end(client, server)
            server.sendall(line + b"\n")


def guarded(what, *args):
    try:
        what(*args)
    except OSError:
        pass


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((ADDR, PORT))
listener.listen(64)
print("ready", flush=True)
while True:
    threading.Thread(target=guarded, args=(serve, listener.accept()[0]), daemon=True).start()
