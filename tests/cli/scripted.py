"""scripted.py - servers on loopback that do exactly what a test wrote down, and tern-send run against them.

A Scripted server gives each connection to the next of its scripts: functions of a Peer, which says octets, waits
for commands, starts TLS, breaks off. run() starts tern-send with --json and --trace and holds its object against
the contract, field by field, whatever the test itself looks at. Cases are collected by @case and table(), and run
by main() on several threads."""
import concurrent.futures
import json
import os
import random
import socket
import ssl
import struct
import subprocess
import threading
import time
import traceback

import listener

SEND = ""
MESSAGE = b"From: a@example.org\nTo: b@example.net\nSubject: x\n\n.dot\nlast"
WIRE = b"From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\n\r\n.dot\r\nlast\r\n"


class Stop(Exception):
    """The script has ended."""


class Odd(Exception):
    """The client did what it must not."""


class Peer:
    """One connection. What the client said is in .lines (commands), .raw (all octets in clear or out of TLS),
    .contents (after DATA or BDAT)."""

    def __init__(self, conn, server):
        self.conn, self.server = conn, server
        self.pieces, self.buffer, self.lines, self.contents = [], b"", [], []
        self.clear = b""  # of raw, what came before TLS
        self.tls = False
        self.error = ""

    def say(self, *lines):
        for line in lines:
            line = line.encode() if isinstance(line, str) else line
            self.conn.sendall(line + b"\r\n")

    def put(self, octets):
        self.conn.sendall(octets)

    def drip(self, octets, pause=0.02):
        for i in range(len(octets)):
            self.conn.sendall(octets[i:i + 1])
            time.sleep(pause)

    def fill(self):
        octets = self.conn.recv(65536)
        if not octets:
            raise Stop
        self.pieces.append(octets)
        if not self.tls and len(self.clear) < 65536:
            self.clear += octets
        self.buffer += octets

    @property
    def raw(self):
        return b"".join(self.pieces)

    def line(self):
        while b"\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise Odd("a line end that is not CRLF: %r" % line)
        self.lines.append(line[:-1])
        return line[:-1]

    def want(self, verb):
        line = self.line()
        if not line.upper().startswith(verb.upper().encode()):
            raise Odd("%s was due, not %r" % (verb, line))
        return line

    def exactly(self, count):
        got = [self.buffer]
        left = count - len(self.buffer)
        while left > 0:
            self.buffer = b""
            self.fill()
            got.append(self.buffer)
            left -= len(self.buffer)
        octets = b"".join(got)
        self.buffer = octets[count:]
        return octets[:count]

    def content(self):
        """Up to the dot; without transparency."""
        whole = bytearray(b"\r\n" + self.buffer)
        at = 0
        while True:
            at = whole.find(b"\r\n.\r\n", max(0, at - 5))
            if at >= 0:
                break
            at = len(whole)
            self.buffer = b""
            self.fill()
            whole += self.buffer
        self.buffer = bytes(whole[at + 5:])
        text = bytes(whole[:at + 2])
        for bare in (text.replace(b"\r\n", b""),):
            if b"\r" in bare or b"\n" in bare:
                raise Odd("a bare CR or LF in the content")
        self.contents.append(text.replace(b"\r\n.", b"\r\n")[2:])

    def hello(self, *keywords, greeting="220 hi", verb="EHLO"):
        if greeting:
            self.say(greeting)
        self.want(verb)
        self.offer(*keywords)

    def offer(self, *keywords):
        words = ("me",) + keywords
        self.say("\r\n".join("250%s%s" % ("-" if i + 1 < len(words) else " ", w) for i, w in enumerate(words)))

    def envelope(self, *rcpts):
        """MAIL, one RCPT for each reply of rcpts, DATA."""
        self.want("MAIL")
        for _ in rcpts or (1,):
            self.want("RCPT")
        self.want("DATA")
        self.say("250 ok", *(rcpts or ("250 ok",)))
        self.say("354 go")

    def take(self, final="250 2.0.0 queued as 4F2A", *rcpts):
        self.envelope(*rcpts)
        self.content()
        self.say(final)

    def start_tls(self, context):
        self.conn = context.wrap_socket(self.conn, server_side=True, do_handshake_on_connect=False)
        try:
            self.conn.do_handshake()
        except ssl.SSLError:
            linger(self.conn)  # closed at once, the reset would overtake the alert
            raise Stop
        self.tls = True

    def starttls(self, context, *keywords):
        """Greeting, EHLO, STARTTLS, handshake, EHLO."""
        self.hello("PIPELINING", "STARTTLS")
        self.want("STARTTLS")
        self.say("220 go")
        self.start_tls(context)
        self.hello(*(keywords or ("PIPELINING",)), greeting="")

    def quit(self):
        self.want("QUIT")
        self.say("221 bye")

    def drain(self, seconds=3):
        """Reads on until the client closes or is silent for that long."""
        self.conn.settimeout(seconds)
        try:
            while True:
                self.fill()
        except (Stop, OSError):
            pass

    def hold(self, seconds=20):
        """Neither speaks nor listens, until the test is over."""
        self.server.done.wait(seconds)

    def reset(self):
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.conn.close()
        raise Stop

    def close(self):
        raise Stop


def linger(conn):
    """Until the client has gone, or two seconds."""
    try:
        conn.settimeout(2)
        raw = socket.socket(fileno=os.dup(conn.fileno()))
        with raw:
            raw.settimeout(2)
            while raw.recv(4096):
                pass
    except OSError:
        pass


class Scripted:
    def __init__(self, *scripts, family="127.0.0.1", unix=None):
        self.scripts, self.peers, self.threads, self.done = list(scripts), [], [], threading.Event()
        if unix:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.bind(unix)
            self.port = 0
        else:
            self.sock = socket.socket(socket.AF_INET6 if ":" in family else socket.AF_INET)
            self.sock.bind((family, 0))
            self.port = self.sock.getsockname()[1]
        self.sock.listen(16)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            script = self.scripts[min(len(self.peers), len(self.scripts) - 1)]
            peer = Peer(conn, self)
            self.peers.append(peer)
            thread = threading.Thread(target=self.serve, args=(peer, script), daemon=True)
            thread.start()
            self.threads.append(thread)

    def serve(self, peer, script):
        peer.conn.settimeout(30)
        try:
            script(peer)
        except Stop:
            pass
        except Odd as odd:
            peer.error = str(odd)
        except OSError:
            pass
        except Exception:
            peer.error = traceback.format_exc()
        try:
            peer.conn.close()
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done.set()
        listener.stop(self.sock, self.thread)
        for thread in self.threads:
            thread.join(15)

    @property
    def raw(self):
        return b"".join(p.raw for p in self.peers)

    @property
    def clear(self):
        return b"".join(p.clear for p in self.peers)

    @property
    def lines(self):
        return [line for p in self.peers for line in p.lines]

    @property
    def contents(self):
        return [c for p in self.peers for c in p.contents]

    @property
    def odd(self):
        return [p.error for p in self.peers if p.error]


# ---- tern-send -----------------------------------------------------------------------------------------------------
KEYS = ["ok", "error", "phase", "retryable", "resend", "who", "hint", "reply", "tls", "recipients"]
PHASES = {None, "resolve", "connect", "tls", "greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "end-of-data",
          "rset", "quit"}
EXITS = {0, 64, 65, 67, 68, 69, 74, 75, 76, 77, 78}


class Result:
    def __init__(self, status, out, err, seconds):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds
        try:
            self.json = json.loads(out.decode("utf-8"), object_pairs_hook=pairs)
        except ValueError as error:
            self.json, self.bad = None, str(error)

    def __getattr__(self, name):  # r.error, r.phase, ...
        return (self.json or {}).get(name)

    @property
    def outcomes(self):
        return [r["status"] for r in self.recipients or []]

    def __repr__(self):
        return "exit %s in %.1f s, %s\n%s" % (self.status, self.seconds, self.out.decode("utf-8", "replace"),
                                              self.err.decode("utf-8", "replace")[-1500:])


def pairs(items):
    if len({k for k, _ in items}) != len(items):
        raise ValueError("a key twice")
    return dict(items)


def optional(value, kind):
    return value is None or (isinstance(value, kind) and not isinstance(value, bool))


def code_or_none(value):
    return value is None or (type(value) is int and 200 <= value <= 599)


def faults(r, repeat):
    """What of the contract the run broke, whatever it was about."""
    j, found = r.json, []
    if j is None:
        return ["not one valid object: %s" % r.bad]

    def must(what, text):
        if not what:
            found.append(text)
    keys = list(j)
    must(keys == KEYS if not repeat else sorted(keys) == sorted(KEYS + ["sent"]), "keys %s" % keys)
    must(r.status in EXITS, "exit %s" % r.status)
    must(j.get("ok") is (r.status == 0), "ok")
    must(j.get("retryable") is (r.status == 75), "retryable")
    must(optional(j.get("error"), str) and (j["error"] is None or j["error"].startswith("TERN_E_")), "error")
    must(j.get("error") != "TERN_E_UNKNOWN", "error without a name")
    must(j.get("phase") in PHASES, "phase %s" % j.get("phase"))
    must(j.get("resend") in ("safe", "unsafe", "unknown"), "resend")
    must(j.get("who") in (None, "sender", "recipient", "server", "operator"), "who")
    must(optional(j.get("hint"), str) and j.get("hint") != "", "hint")
    if r.status and not repeat:
        must(j["error"] and j["who"] and j["hint"], "a failure without error, who or hint")
    if r.status == 0:
        must(j["error"] is None and j["phase"] is None and j["who"] is None and j["hint"] is None, "success with an error")
    reply = j.get("reply")
    if reply is not None:
        must(list(reply) == ["code", "enhanced", "text"] and type(reply["code"]) is int and code_or_none(reply["code"]) and
             optional(reply["enhanced"], str) and isinstance(reply["text"], str), "reply %s" % reply)
        must(reply["enhanced"] != "", "enhanced is empty")
    tls = j.get("tls")
    if tls is not None:
        must(list(tls) == ["version", "cipher", "verified"] and tls["version"] in ("TLSv1.2", "TLSv1.3") and tls["cipher"] and
             type(tls["verified"]) is bool, "tls %s" % tls)
    for one in j.get("recipients", [None]):
        must(list(one) == ["address", "status", "code", "enhanced", "text"], "recipient %s" % one)
        must(one["status"] in ("accepted", "rejected", "deferred", "unsent", "unknown"), "status %s" % one)
        must(code_or_none(one["code"]) and optional(one["enhanced"], str) and optional(one["text"], str), "recipient %s" % one)
    outcomes = r.outcomes
    must(j["resend"] == ("unknown" if "unknown" in outcomes else "unsafe" if "accepted" in outcomes else "safe"), "resend")
    if r.status == 0 and not repeat:
        must(outcomes and set(outcomes) == {"accepted"}, "success, but %s" % outcomes)
    must(r.out.count(b"\n") == 1 and r.out.endswith(b"\n"), "more than one line")
    must(b"\x1b" not in r.err and b"\x00" not in r.err, "controls on stderr")
    return found


def run(args, message=MESSAGE, env=None, secrets=(), limit=60, trace=True, **more):
    full = {k: v for k, v in os.environ.items() if not k.startswith("TERN_")}
    full.update(env or {})
    began = time.time()
    p = subprocess.run([SEND, "--json"] + (["--trace"] if trace else []) + args, input=message, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, env=full, timeout=limit, **more)
    r = Result(p.returncode, p.stdout, p.stderr, time.time() - began)
    check(not faults(r, "--repeat" in args), "the contract: %s" % faults(r, "--repeat" in args), r)
    for secret in secrets:
        secret = secret.encode() if isinstance(secret, str) else secret
        check(secret not in r.out and secret not in r.err, "a secret was said", r)
    return r


def clear(server, *more, to=("b@example.net",), timeout="5"):
    """The usual arguments for a server without TLS."""
    return ["--server", "smtp://127.0.0.1:%d?tls=none" % server.port, "--from", "a@example.org", "--timeout", timeout,
            "--ehlo", "client.example"] + list(more) + list(to)


# ---- cases ---------------------------------------------------------------------------------------------------------
CASES = []
here = threading.local()


def check(ok, what, why=""):
    here.checks += 1
    if not ok:
        here.failures.append("%s: %s" % (what, why))


def case(function):
    CASES.append((function.__name__, function, function.__module__))
    return function


def table(name, rows):
    """rows: (name, ...) ; the function gets a row's rest."""
    def give(function):
        for row in rows:
            CASES.append(("%s: %s" % (name, row[0]), lambda row=row: function(*row[1:]), function.__module__))
        return function
    return give


def expect(r, status, error=None, outcomes=None, phase=""):
    check(r.status == status and (error is False or r.error == error) and (outcomes is None or r.outcomes == outcomes) and
          (phase == "" or r.phase == phase), "wanted %s %s %s %s" % (status, error, outcomes, phase), r)


def one(item):
    name, function = item
    here.checks, here.failures = 0, []
    try:
        function()
    except Exception:
        here.failures.append(traceback.format_exc())
    if not here.checks:
        here.failures.append("nothing was checked")
    return name, here.checks, here.failures


def main(module, word, workers=8):
    """Runs the cases of a module whose names hold word."""
    cases = [c[:2] for c in CASES if c[2] == module and word in c[0]]
    random.Random(1).shuffle(cases)
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for name, _, failures in pool.map(one, cases):
            passed, failed = passed + (not failures), failed + bool(failures)
            for text in failures:
                print("FAIL %s: %s" % (name, text), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0
