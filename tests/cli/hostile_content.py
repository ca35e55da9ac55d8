"""hostile_content.py - messages that are hard to carry unchanged, compared octet by octet, by DATA and by BDAT; what
servers refuse of them; and what they must not be sent."""
import os
import random
import socket
import threading

import hostile_tls as tls
from scripted import MESSAGE, WIRE, Scripted, case, check, clear, expect, run, table


def repaired(octets):
    """What must be on the wire, without transparency."""
    out = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    return out if out.endswith(b"\r\n") or not out else out + b"\r\n"


def taker(*keywords, context=None):
    """Takes one mail by whatever comes, and keeps the content and the MAIL line."""
    def script(peer):
        if context:
            peer.start_tls(context)
        peer.hello("PIPELINING", *keywords)
        peer.mail = peer.want("MAIL")
        peer.want("RCPT")
        line = b""
        if "CHUNKING" in keywords:
            peer.say("250 ok", "250 ok")
            line = peer.want("BDAT")
            parts = line.split()
            peer.contents.append(peer.exactly(int(parts[1])))
            if parts[2:] != [b"LAST"]:
                peer.error = "not one last chunk: %r" % line
        else:
            peer.want("DATA")
            peer.say("250 ok", "250 ok", "354 go")
            peer.content()
        peer.say("250 2.0.0 ok")
        peer.quit()
    return script


def carried(message, *more, keywords=(), context=None):
    for words in ((), ("CHUNKING",)):
        with Scripted(taker(*(words + keywords), context=context)) as s:
            r = run(tls.to(s, *more, scheme="smtps") if context else clear(s, *more), message, trace=False)
        expect(r, 0, None, ["accepted"])
        same = s.contents == [repaired(message)]
        check(same and not s.odd, "octet by octet, %s" % (words,), (s.odd, len(s.contents and s.contents[0]), len(repaired(message)),
              [] if same else difference(s.contents, message)))


def difference(contents, message):
    want = repaired(message)
    if not contents:
        return "nothing came"
    got = contents[0]
    i = next((i for i in range(min(len(got), len(want))) if got[i] != want[i]), min(len(got), len(want)))
    return "at %d: %r, wanted %r" % (i, got[max(0, i - 20):i + 20], want[max(0, i - 20):i + 20])


SMALL = [b"", b"\n", b"\r", b"\r\n", b".", b".\n", b".\r\n", b"\n.\n", b"\r\n.\r\n", b"\n.", b"..", b"..\n..\n", b"a", b"a\r", b"a\n",
         b"a\r\n", b"a\r\r\n", b"a\n\r", b"\r\r", b"\n\n", b"S: x\n\n.", b"S: x\n\n.\n", b"S: x\n\n..\n.\n...", b"S: x\n\na\r.\rb\r.\r",
         b"S: x\n\na\n.\nb", b"S: x\n\na\r\n.\rb\r\n.\n", b"S: x\n\n\0\0a\0\n", b"S: x\n\n" + b"." * 2000, b"S: x\n\n" + b".\n" * 2000,
         b"S: x\n\n" + b"\r" * 1000, b"S: x\n\n" + b"y" * 998 + b"\n", b"S: x\n\n" + b"y" * 999 + b"\n", b"S: x\n\n" + b"y" * 100000 + b"\n",
         b"\n\n\nno header\n.\n", b"no header at all\n.\nfrom here\n", b" folded first\n.\n", b"S: x", b"S: x\n", b"S: x\n y\n z", b"S", b":\n.\n"]


@table("small", [("%d %r" % (i, m[:16]), m) for i, m in enumerate(SMALL)])
def small(message):
    carried(message)


TOKENS = [b"\r\n.\r\n", b"\n.\n", b"\r.\r", b"\r\n..\r\n", b"\r\r\n.", b"\n\r.", b"\r\n.", b".\r\n."]


@table("boundary", [("%r %d" % (t, d), t, d) for t in TOKENS for d in range(-4, 2)])
def boundary(token, delta):
    message = bytearray(b"S: x\r\n\r\n")
    for place in (512, 4096, 8192, 16384, 32768, 65536, 131072, 262144, 262144 + 65536, 524288):
        message += b"x" * (place + delta - len(message)) + token
    carried(bytes(message) + b"end")


@case
def at_random():
    pick = random.Random(7)
    for _ in range(6):
        pieces = [pick.choice([b"\r", b"\n", b"\r\n", b".", b"\r\n.", b"a", b"bc", b"x" * pick.randrange(1, 3000)]) for _ in range(600)]
        carried(b"S: x\n\n" + b"".join(pieces))


@case
def under_tls():
    c = tls.context()
    pick = random.Random(8)
    for _ in range(3):
        pieces = [pick.choice([b"\r", b"\n", b"\r\n.", b".\n", b"x" * pick.randrange(1, 20000)]) for _ in range(200)]
        carried(b"S: x\n\n" + b"".join(pieces), context=c)


@case
def huge():
    carried(b"S: x\n\n" + b".\n" * 5000000)
    carried(b"S: x\n\n" + (b"y" * 997 + b"\n") * 20000)


@case
def eight_bit():
    message = b"S: x\n\nn\xc3\xa4mlich \xff\xfe\n"
    for words in ((), ("CHUNKING",)):
        with Scripted(taker("8BITMIME", *words)) as s:
            r = run(clear(s), message)
        expect(r, 0, None, ["accepted"])
        check(s.contents == [repaired(message)] and b" BODY=8BITMIME" in s.peers[0].mail, "8BITMIME", s.raw)
        with Scripted(taker(*words)) as s:
            r = run(clear(s), message)
        expect(r, 65, "TERN_E_NEEDS_8BITMIME", ["unsent"])
        check(b"MAIL" not in s.raw, "before MAIL", s.raw)


@case
def utf8_header():
    message = "Subject: n\u00e4mlich\n\nx\n".encode()
    with Scripted(taker("8BITMIME", "SMTPUTF8")) as s:
        r = run(clear(s), message)
    expect(r, 0, None, ["accepted"])
    check(b" SMTPUTF8" in s.peers[0].mail and b" BODY=8BITMIME" in s.peers[0].mail, "SMTPUTF8", s.raw)
    with Scripted(taker("8BITMIME")) as s:
        r = run(clear(s), message)
    expect(r, 65, "TERN_E_NEEDS_SMTPUTF8", ["unsent"])
    check(b"MAIL" not in s.raw, "before MAIL", s.raw)


@case
def seven_bit_needs_nothing():
    with Scripted(taker("8BITMIME", "SMTPUTF8", "DSN", "SIZE")) as s:
        r = run(clear(s))
    expect(r, 0, None, ["accepted"])
    check(s.peers[0].mail == b"MAIL FROM:<a@example.org> SIZE=%d" % len(WIRE), "no more than needed", s.raw)


@table("SIZE", [("fits exactly", str(len(WIRE)), 0), ("one too many", str(len(WIRE) - 1), 65), ("1", "1", 65), ("0", "0", 0), ("none", "", 0),
                ("rubbish", "big", 0), ("negative", "-1", 0), ("beyond 64 bits", "99999999999999999999999", 0), ("hex", "0x10", 0),
                ("with more", "5000 x", 0)])
def size(value, status):
    with Scripted(taker(("SIZE " + value).strip())) as s:
        r = run(clear(s))
    check(r.status == status, "SIZE", r)
    if r.status:
        check(r.error == "TERN_E_TOO_BIG" and b"MAIL" not in s.raw, "before MAIL", (r, s.raw))
    else:
        check(b" SIZE=%d" % len(WIRE) in s.peers[0].mail, "SIZE=", s.raw)


# servers that offer what they cannot do
BDAT = [("502", "502 no", 0), ("500", "500 what", 0), ("503", "503 sequence", 69), ("554", "554 no", 69), ("501", "501 no", 69),
        ("504", "504 no", 69), ("452", "452 full", 75), ("552", "552 big", 69), ("421", "421 bye", 75), ("closed", None, 75), ("354", "354 go", 76)]


@table("BDAT refused", BDAT)
def bdat_refused(reply, status):
    def script(peer):
        peer.hello("PIPELINING", "CHUNKING")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.say("250 ok", "250 ok")
        line = peer.want("BDAT")
        peer.exactly(int(line.split()[1]))
        if reply is None:
            peer.close()
        peer.say(reply)
        if status == 0:
            if peer.line() == b"RSET":
                peer.say("250 ok")
                peer.want("MAIL")
            peer.say("250 ok")
            peer.want("RCPT")
            peer.say("250 ok")
            peer.want("DATA")
            peer.say("354 go")
            peer.content()
            peer.say("250 ok")
            peer.quit()
        peer.drain(1)
    with Scripted(script) as s:
        r = run(clear(s))
    check(r.status == status, "BDAT", r)
    if status == 0:
        expect(r, 0, None, ["accepted"])
        check(s.contents == [WIRE] and not s.odd, "once more by DATA", (s.contents, s.odd))
    elif reply is None or status == 76:
        expect(r, status, "TERN_E_IN_DOUBT", ["unknown"])


@case
def bdat_not_known_and_octets_taken_for_commands():
    """A server without BDAT takes the chunk for commands: a reply to each line of it."""
    def script(peer):
        peer.hello("PIPELINING", "CHUNKING")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.say("250 ok", "250 ok")
        peer.want("BDAT")
        peer.say("500 what")
        for _ in range(6):
            peer.line()
            peer.say("500 what")
        peer.drain(1)
    with Scripted(script) as s:
        r = run(clear(s))
    check(r.status in (75, 76, 69) and r.outcomes[0] in ("rejected", "unsent", "deferred", "unknown"), "never success", r)


@case
def no_chunking():
    with Scripted(lambda p: (p.hello("CHUNKING", "PIPELINING"), p.take(), p.quit())) as s:
        r = run(clear(s, "--no-chunking"))
    expect(r, 0, None, ["accepted"])
    check(s.contents == [WIRE], "DATA", s.raw)


@case
def no_pipelining():
    def script(peer):
        peer.hello("PIPELINING")
        for verb, reply in (("MAIL", "250 ok"), ("RCPT", "250 ok"), ("DATA", "354 go")):
            peer.want(verb)
            peer.conn.settimeout(0.2)
            try:
                peer.fill()
                peer.error = "more than one command: %r" % peer.buffer
            except socket.timeout:
                pass
            peer.conn.settimeout(10)
            peer.say(reply)
        peer.content()
        peer.say("250 ok")
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, "--no-pipelining"))
    expect(r, 0, None, ["accepted"])
    check(not s.odd, "lock-step", s.odd)


# LIMITS
@case
def rcptmax():
    def script(peer):
        peer.hello("PIPELINING", "LIMITS RCPTMAX=1")
        for who in (b"b@", b"c@"):
            peer.want("MAIL")
            if who not in peer.want("RCPT"):
                peer.error = "another recipient"
            peer.want("DATA")
            peer.say("250 ok", "250 ok", "354 go")
            peer.content()
            peer.say("250 ok")
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, to=("b@example.net", "c@example.net")))
    expect(r, 0, None, ["accepted", "accepted"])
    check(s.contents == [WIRE, WIRE] and not s.odd, "twice", s.odd)


@case
def mailmax():
    def script(peer):
        peer.hello("PIPELINING", "LIMITS MAILMAX=2")
        for _ in range(2):
            peer.take()
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, "--repeat", "4"))
    check(r.status == 0 and r.sent == 4 and len(s.peers) == 2, "MAILMAX", (r, len(s.peers)))


@table("LIMITS", [(v[:20], v) for v in ("RCPTMAX=0", "RCPTMAX=x", "RCPTMAX=99999999999999", "RCPTMAX", "RCPTMAX=-1", "MAILMAX=0", "=", "X=Y RCPTMAX=")])
def limits_rubbish(value):
    with Scripted(taker("LIMITS " + value)) as s:
        r = run(clear(s))
    expect(r, 0, None, ["accepted"])


EHLO = ["", "X" * 500, "SIZE 5000 x", "AUTH=", "AUTH", "8BITMIME 8BITMIME", "=", "PIPELINING=", "\x00\x01", "XFOO \xff", "SIZE" + " " * 1000 + "5000",
        "STARTTLS now", "-", " ", "DSN DSN DSN", "size 100000", "Pipelining", "250-250 250"]


@table("EHLO", [("%d %r" % (i, w[:12]), w) for i, w in enumerate(EHLO)])
def ehlo(word):
    def script(peer):
        peer.hello(*([word] * 20 + ["ENHANCEDSTATUSCODES", "X-LAST"]))
        peer.want("MAIL")
        peer.say("250 ok")
        peer.want("RCPT")
        peer.say("250 ok")
        peer.want("DATA")
        peer.say("354 go")
        peer.content()
        peer.say("250 ok")
        peer.quit()

    def pipelined(peer):
        peer.hello(*([word] * 20 + ["X-LAST"]))
        peer.take()
        peer.quit()
    with Scripted(pipelined if word == "Pipelining" else script) as s:
        r = run(clear(s))
    expect(r, 0, None, ["accepted"])


# DSN
@table("DSN", [("never", "never", b"NOTIFY=NEVER"), ("success", "success", b"NOTIFY=SUCCESS"), ("all", "success,failure,delay", b"NOTIFY=SUCCESS,FAILURE,DELAY"),
               ("other order", "delay,success", b"NOTIFY=SUCCESS,DELAY")])
def dsn(value, want):
    for ret, said in (("full", b"RET=FULL"), ("hdrs", b"RET=HDRS")):
        with Scripted(taker("DSN")) as s:
            r = run(clear(s, "--dsn", value, "--ret", ret, "--envid", "a+b=c d" if value == "never" else "QQ314159"))
        if value == "never":  # a blank is xtext-encoded or refused, never sent as it is
            check(r.status in (0, 65) and b"c d" not in s.raw, "ENVID", (r, s.raw))
            continue
        expect(r, 0, None, ["accepted"])
        check(said in s.raw and b"ENVID=QQ314159" in s.raw and want in s.raw.replace(b"SUCCESS,DELAY", b"SUCCESS,DELAY"), "DSN", s.raw)
    with Scripted(taker()) as s:
        r = run(clear(s, "--dsn", value))
    expect(r, 0, None, ["accepted"])
    check(b"NOTIFY" not in s.raw, "not offered, not sent", s.raw)


# what a mail asks beyond being taken
@table("terms", [("hold", ["--hold-for", "60"], "FUTURERELEASE 90 2040-01-01T00:00:00Z", b" HOLDFOR=60"),
                 ("by", ["--deliver-by", "120"], "DELIVERBY", b" BY=120;N"), ("by, return, trace", ["--deliver-by=9,return,trace"], "DELIVERBY", b" BY=9;RT"),
                 ("priority", ["--priority", "-9"], "MT-PRIORITY", b" MT-PRIORITY=-9"), ("AUTH=", ["--mail-auth", "a+b@c.example"], "AUTH PLAIN", b" AUTH=a+2Bb@c.example"),
                 ("AUTH=<>", ["--mail-auth", ""], "AUTH PLAIN", b" AUTH=<>"), ("PRDR", ["--prdr"], "PRDR", b" PRDR")])
def terms(options, offer, want):
    with Scripted(taker(offer)) as s:
        r = run(clear(s, *options))
    expect(r, 0, None, ["accepted"])
    check(want + b"\r\n" in s.raw, "MAIL's parameter", s.raw)
    with Scripted(taker()) as s:
        r = run(clear(s, *options))
    if "--hold-for" in options or "return" in options[0]:
        expect(r, 69, "TERN_E_NEEDS_EXTENSION", ["unsent"])
        check(b"MAIL" not in s.raw, "nothing is sent", s.raw)
    else:
        expect(r, 0, None, ["accepted"])
        check(want not in s.raw, "not offered, not sent", s.raw)


@table("terms in clear", [("offered", "REQUIRETLS", "TERN_E_REQUIRETLS"), ("not offered", "8BITMIME", "TERN_E_NEEDS_EXTENSION")])
def terms_in_clear(offer, name):
    with Scripted(taker(offer)) as s:
        r = run(clear(s, "--requiretls"))
    expect(r, 69, name, ["unsent"])
    check(b"MAIL" not in s.raw, "nothing is sent", s.raw)


# -t
T = [
    ("plain", b"To: x@e.example\nCc: y@e.example\nBcc: z@e.example\n\nhi\n", ["x@e.example", "y@e.example", "z@e.example"]),
    ("names", b"To: Bob <x@e.example>, \"A, B\" <y@e.example> (c <q@q.example>)\n\nhi\n", ["x@e.example", "y@e.example"]),
    ("folded", b"To: x@e.example,\n  y@e.example,\n\tz@e.example\n\nhi\n", ["x@e.example", "y@e.example", "z@e.example"]),
    ("group", b"To: friends: x@e.example, y@e.example;, z@e.example\n\nhi\n", ["x@e.example", "y@e.example", "z@e.example"]),
    ("empty group", b"To: undisclosed-recipients:;\nBcc: z@e.example\n\nhi\n", ["z@e.example"]),
    ("case of names", b"TO: x@e.example\ncC: y@e.example\nbCC : z@e.example\n\nhi\n", ["x@e.example", "y@e.example", "z@e.example"]),
    ("twice the same", b"To: x@e.example\nCc: x@e.example\n\nhi\n", ["x@e.example"]),
    ("in the body no more", b"To: x@e.example\n\nBcc: z@e.example\n", ["x@e.example"]),
    ("several Bcc", b"To: x@e.example\nBcc: y@e.example\nBcc: z@e.example\n\nhi\n", ["x@e.example", "y@e.example", "z@e.example"]),
    ("quoted local part", b"To: \"x y\"@e.example\n\nhi\n", ["\"x y\"@e.example"]),
    ("CRLF", b"To: x@e.example\r\nBcc: z@e.example,\r\n y@e.example\r\nSubject: s\r\n\r\nhi\r\n", ["x@e.example", "z@e.example", "y@e.example"]),
    ("bare CR", b"To: x@e.example\rBcc: z@e.example\r\rhi\r", ["x@e.example", "z@e.example"]),
    ("last line Bcc", b"To: x@e.example\nBcc: z@e.example", ["x@e.example", "z@e.example"]),
    ("Bcc first", b"Bcc: z@e.example\nTo: x@e.example\n\nhi\n", ["z@e.example", "x@e.example"]),
    ("empty Bcc", b"To: x@e.example\nBcc:\n\nhi\n", ["x@e.example"]),
]


@table("-t", T)
def from_header(message, wanted):
    got = []

    def script(peer):
        peer.hello()
        while True:
            line = peer.line()
            if line.startswith(b"RCPT"):
                got.append(line[9:-1].decode())
            peer.say("354 go" if line == b"DATA" else "250 ok")
            if line == b"DATA":
                peer.content()
                peer.say("250 ok")
                break
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, "-t", to=()), message)
    check(r.status == 0 and sorted(got) == sorted(wanted), "recipients", (r, got))
    head = s.contents[0].split(b"\r\n\r\n")[0].lower() if s.contents else b""
    check(s.contents and b"\r\nbcc" not in b"\r\n" + head and (b"bcc" not in message.lower() or b"z@e" not in head), "Bcc is dropped", s.contents)


@table("-t refused", [("To twice", b"To: x@e.example\nTo: y@e.example\n\nhi\n", (65,)), ("no address", b"Subject: x\n\nhi\n", (64,)), ("name without brackets", b"To: Bob x@e.example\n\nhi\n", (65,)),
                      ("open quote", b"To: \"x@e.example\n\nhi\n", (65,)), ("open angle", b"To: <x@e.example\n\nhi\n", (65,)),
                      ("injection", b"To: <x@e.example>\r\n\tRCPT TO:<q@e.example>\n\nhi\n", (65,)), ("no at", b"To: bob\n\nhi\n", (65,)),
                      ("NUL", b"To: x@e.example\0\n\nhi\n", (65,)), ("empty angle", b"To: <>\n\nhi\n", (65,))])
def from_header_refused(message, status):
    with Scripted(taker()) as s:
        r = run(clear(s, "-t", to=()), message)
    check(r.status in status, "refused", r)
    check(not s.peers, "nothing was sent", s.raw)


@case
def without_t_bcc_stays():
    message = b"To: x@e.example\nBcc: z@e.example\n\nhi\n"
    carried(message)


# the reverse-path without --from
@table("sender", [("From", b"From: Ann <ann@e.example>\n\nhi\n", {}, b"<ann@e.example>"), ("Sender over From", b"From: a@e.example, b@e.example\nSender: s@e.example\n\nhi\n", {}, b"<s@e.example>"),
                  ("TERN_FROM over both", b"From: a@e.example\n\nhi\n", {"TERN_FROM": "env@e.example"}, b"<env@e.example>"), ("none", b"Subject: x\n\nhi\n", {}, None),
                  ("empty TERN_FROM", b"From: a@e.example\n\nhi\n", {"TERN_FROM": ""}, b"<"), ("rubbish", b"From: Ann ann@e.example\n\nhi\n", {}, 65)])
def sender(message, env, want):
    with Scripted(taker()) as s:
        args = clear(s)
        at = args.index("--from")
        del args[at:at + 2]
        r = run(args, message, env=env)
    if want is None or want == 65:
        check(r.status == (want or 64) and not s.peers, "refused", r)
    else:
        check(r.status == 0 and b"MAIL FROM:" + want in s.raw, "reverse-path", (r, s.raw))


@case
def both_ways_at_once():
    """The server speaks much while much is written to it: neither may wait for the other."""
    def script(peer):
        peer.hello("PIPELINING")
        n = 2000
        peer.want("MAIL")
        peer.say("250 ok")
        for _ in range(n):
            peer.want("RCPT")
            peer.put(b"".join(b"250-" + b"x" * 1500 + b"\r\n" for _ in range(2)) + b"250 ok\r\n")
        peer.want("DATA")
        peer.say("354 go")
        peer.content()
        peer.say("250 ok")
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, timeout="20", to=tuple("r%d@example.net" % i for i in range(2000))), trace=False)
    check(r.status == 0 and r.outcomes == ["accepted"] * 2000, "2,000 recipients", r.status)


@case
def octet_by_octet_reader():
    """A server with a window of a few octets."""
    def script(peer):
        peer.conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        peer.hello("PIPELINING")
        peer.take()
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, timeout="20"), b"S: x\n\n" + b".line\n" * 8000)
    expect(r, 0, None, ["accepted"])
    check(s.contents == [repaired(b"S: x\n\n" + b".line\n" * 8000)], "content", len(s.contents))


@case
def memory_is_bounded():
    """256 MiB through a pipe in 40 MiB of memory."""
    import resource
    import subprocess
    import scripted

    def script(peer):
        peer.hello("PIPELINING", "CHUNKING")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.say("250 ok", "250 ok")
        left = int(peer.want("BDAT").split()[1]) - len(peer.buffer)
        peer.buffer = b""
        while left > 0:
            left -= len(peer.conn.recv(262144))
        peer.say("250 ok")
        peer.quit()

    sanitized = b"__asan_init" in open(scripted.SEND, "rb").read()

    def limit():
        if not sanitized:  # whose shadow memory is address space without end
            resource.setrlimit(resource.RLIMIT_AS, (160 << 20, 160 << 20))
    with Scripted(script) as s:
        p = subprocess.Popen([scripted.SEND, "--json"] + clear(s, timeout="60"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=limit)

        def feed():
            piece = (b"x" * 99 + b"\n") * 10000
            p.stdin.write(b"S: x\n\n")
            for _ in range(256):
                p.stdin.write(piece)
            p.stdin.close()
        thread = threading.Thread(target=feed)
        thread.start()
        out = p.stdout.read()
        thread.join()
        status = p.wait()
        _, _, usage = 0, 0, resource.getrusage(resource.RUSAGE_CHILDREN)
        p.stdout.close()
    check(status == 0, "memory", (status, out, usage.ru_maxrss))
