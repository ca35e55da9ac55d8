"""hostile_reply.py - replies that are wrong, late, early, cut, endless or contradictory, in each phase of a session,
and what tern-send must make of them."""
import time

from scripted import MESSAGE, WIRE, Scripted, case, check, clear, expect, run, table

GREETING, EHLO, MAIL, RCPT, DATA, FINAL = "greeting", "ehlo", "mail", "rcpt", "data", "end-of-data"
PHASES = [GREETING, EHLO, MAIL, RCPT, DATA, FINAL]
USUAL = {GREETING: "220 hi", EHLO: "250 me", MAIL: "250 ok", RCPT: "250 ok", DATA: "354 go", FINAL: "250 2.0.0 queued as 4F2A"}


def until(peer, phase, pipelining=False):
    """Plays the usual part up to the reply of phase, which is due then."""
    for at in PHASES:
        if at == EHLO:
            peer.want("EHLO")
        elif at == MAIL:
            peer.want("MAIL")
        elif at == RCPT:
            peer.want("RCPT")
        elif at == DATA:
            peer.want("DATA")
        elif at == FINAL:
            peer.content()
        if at == phase:
            return
        peer.say(USUAL[at])


def onward(peer, phase):
    """The usual rest behind the reply of phase."""
    for at in PHASES[PHASES.index(phase) + 1:]:
        peer.want({EHLO: "EHLO", MAIL: "MAIL", RCPT: "RCPT", DATA: "DATA"}[at]) if at != FINAL else peer.content()
        peer.say(USUAL[at])
    peer.quit()


def code_of(phase):
    return USUAL[phase][:3].encode()


def endless_lines(peer, pause):
    while True:
        peer.put(b"250-x\r\n")
        time.sleep(pause)


# name -> (what the server does instead of its reply, exit, error)
WRONG = {
    "closed": (lambda p, c: p.close(), 75, "TERN_E_CLOSED"),
    "reset": (lambda p, c: (p.hold(0.3), p.reset()), 75, ("TERN_E_CLOSED", "TERN_E_IO")),
    "silent": (lambda p, c: p.drain(4), 75, "TERN_E_TIMEOUT"),
    "cut, closed": (lambda p, c: (p.put(c + b" o"), p.close()), 75, "TERN_E_CLOSED"),
    "cut before LF, closed": (lambda p, c: (p.put(c + b" ok\r"), p.close()), 75, "TERN_E_CLOSED"),
    "continued, closed": (lambda p, c: (p.put(c + b"-ok\r\n"), p.close()), 75, "TERN_E_CLOSED"),
    "cut, silent": (lambda p, c: (p.put(c + b" o"), p.drain(4)), 75, "TERN_E_TIMEOUT"),
    "continued, silent": (lambda p, c: (p.put(c + b"-ok\r\n"), p.drain(4)), 75, "TERN_E_TIMEOUT"),
    "octets drip for ever": (lambda p, c: p.drip(c + b"-" + b"x" * 500, 0.05), 75, "TERN_E_TIMEOUT"),
    "lines drip for ever": (lambda p, c: [p.drip(c + b"-x\r\n", 0.03) for _ in range(100)], 75, "TERN_E_TIMEOUT"),
    "garbage": (lambda p, c: p.say(b"\xff\xfe\xfd hello"), 76, "TERN_E_REPLY_SYNTAX"),
    "HTTP": (lambda p, c: p.say("HTTP/1.1 400 Bad Request"), 76, "TERN_E_REPLY_SYNTAX"),
    "1yz": (lambda p, c: p.say("150 preliminary"), 76, "TERN_E_REPLY_SYNTAX"),
    "6yz": (lambda p, c: p.say("650 beyond"), 76, "TERN_E_REPLY_SYNTAX"),
    "0yz": (lambda p, c: p.say("050 below"), 76, "TERN_E_REPLY_SYNTAX"),
    "two digits": (lambda p, c: p.say(c[:2]), 76, "TERN_E_REPLY_SYNTAX"),
    "four digits": (lambda p, c: p.say(c + b"0 ok"), 76, "TERN_E_REPLY_SYNTAX"),
    "leading blank": (lambda p, c: p.say(b" " + c + b" ok"), 76, "TERN_E_REPLY_SYNTAX"),
    "empty line": (lambda p, c: p.say(""), 76, "TERN_E_REPLY_SYNTAX"),
    "a NUL in the code": (lambda p, c: p.say(c[:1] + b"\0" + c[2:] + b" ok"), 76, "TERN_E_REPLY_SYNTAX"),
    "a lone LF": (lambda p, c: p.put(b"\n"), 76, "TERN_E_REPLY_SYNTAX"),
    "bare CR for line ends": (lambda p, c: (p.put(c + b" ok\r" + c + b" ok\r"), p.drain(4)), 75, "TERN_E_TIMEOUT"),
    "the code changes": (lambda p, c: p.say(c + b"-ok", b"550 no"), 76, "TERN_E_REPLY_CODES"),
    "the code changes in its last digit": (lambda p, c: p.say(c + b"-ok", c[:2] + b"9 ok"), 76, "TERN_E_REPLY_CODES"),
    "failure becomes success": (lambda p, c: p.say(b"550-no", c + b" ok"), 76, "TERN_E_REPLY_CODES"),
    "a second line that is none": (lambda p, c: p.say(c + b"-ok", "and more"), 76, "TERN_E_REPLY_SYNTAX"),
    "a line of 2,049": (lambda p, c: p.say(c + b" " + b"x" * 2045), 76, "TERN_E_REPLY_LENGTH"),
    "a line of 1 MiB": (lambda p, c: p.say(c + b" " + b"x" * 1048576), 76, "TERN_E_REPLY_LENGTH"),
    "129 lines": (lambda p, c: p.put((c + b"-x\r\n") * 128 + c + b" x\r\n"), 76, "TERN_E_REPLY_LENGTH"),
    "10,000 lines": (lambda p, c: p.put((c + b"-x\r\n") * 10000 + c + b" x\r\n"), 76, "TERN_E_REPLY_LENGTH"),
    "421": (lambda p, c: p.say("421 4.3.2 later"), 75, "TERN_E_SERVICE_UNAVAILABLE"),
    "421, then closed": (lambda p, c: (p.say("421 later"), p.close()), 75, "TERN_E_SERVICE_UNAVAILABLE"),
}


def wrong(phase, do, status, errors):
    def script(peer):
        until(peer, phase)
        do(peer, code_of(phase))
        peer.drain(1)
    with Scripted(script) as s:
        r = run(clear(s, timeout="1" if errors == "TERN_E_TIMEOUT" else "20"))
    given = errors if isinstance(errors, tuple) else (errors,)
    spoken = "TERN_E_SERVICE_UNAVAILABLE" in given
    if phase == FINAL and not spoken:
        expect(r, status, "TERN_E_IN_DOUBT", ["unknown"], FINAL)
    elif spoken and phase in (MAIL, RCPT, DATA, FINAL):
        expect(r, status, False, ["deferred"], phase)
    else:
        expect(r, status, False, ["unsent"], phase)
    if phase != FINAL or spoken:
        check(r.error in given, "error", r)
    check(r.seconds < 15, "bounded", r)
    check(not s.odd, "the client", s.odd)
    if phase != FINAL:
        check(b"Subject" not in s.raw, "no content", s.raw)
    check((r.reply is not None) == spoken, "a reply only where there was a whole one", r)


for _name, (_do, _status, _errors) in WRONG.items():
    table("reply of %s" % _name, [(ph, ph, _do, _status, _errors) for ph in PHASES])(wrong)

# what is sloppy and must be taken, as each reply of a whole session
SLOPPY = {
    "octet by octet": lambda p, c: p.drip(c + b" ok\r\n", 0.002),
    "no text": lambda p, c: p.say(c),
    "a blank and no text": lambda p, c: p.say(c + b" "),
    "bare LF": lambda p, c: p.put(c + b" ok\n"),
    "several lines with bare LF": lambda p, c: p.put(c + b"-x\n" + c + b" ok\n"),
    "continued without text": lambda p, c: p.say(c + b"-", c),
    "NUL and 8-bit text": lambda p, c: p.say(c + b" \0\x80\xff\x1b[31m\x07"),
    "CR in the text": lambda p, c: p.say(c + b" o\rk\r"),
    "128 lines": lambda p, c: p.put((c + b"-x\r\n") * 127 + c + b" x\r\n"),
    "a line of 2,048": lambda p, c: p.say(c + b" " + b"x" * 2044),
    "no enhanced code where one looks like it": lambda p, c: p.say(c + b" 2.0.0.0 9.9.9"),
}


@table("sloppy", [(k, v) for k, v in SLOPPY.items()])
def sloppy(do):
    def script(peer):
        for at in PHASES:
            until_one(peer, at)
            do(peer, code_of(at))
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s))
    expect(r, 0, None, ["accepted"])
    check(s.contents == [WIRE] and not s.odd, "content", (s.contents, s.odd))


def until_one(peer, at):
    if at == FINAL:
        peer.content()
    elif at != GREETING:
        peer.want({EHLO: "EHLO", MAIL: "MAIL", RCPT: "RCPT", DATA: "DATA"}[at])


# replies nobody asked for
def early_script(phase, extra):
    def script(peer):
        until(peer, phase)
        peer.say(USUAL[phase].encode() + b"\r\n" + extra)
        peer.drain(2)
    return script


@table("early", [(ph + " " + x.decode(), ph, x) for ph in PHASES[:-1] for x in (b"250 ok", b"550 no", b"354 go", b"221 bye")])
def early(phase, extra):
    with Scripted(early_script(phase, extra)) as s:
        r = run(clear(s, timeout="10"))
    expect(r, 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"])
    check(b"\r\n.\r\n" not in s.raw, "no whole message", s.raw)


@table("early 421", [(ph, ph) for ph in PHASES[:-1]])
def early_421(phase):
    with Scripted(early_script(phase, b"421 4.3.2 shutting down")) as s:
        r = run(clear(s, timeout="10"))
    expect(r, 75, "TERN_E_SERVICE_UNAVAILABLE", ["unsent"])
    check(b"\r\n.\r\n" not in s.raw, "no whole message", s.raw)


@case
def final_reply_lying_ready():
    """354 and 250 in one segment: the 250 was there before it was asked for."""
    def script(peer):
        until(peer, DATA)
        peer.put(b"354 go\r\n250 done\r\n")
        peer.drain(2)
    with Scripted(script) as s:
        r = run(clear(s))
    expect(r, 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"])
    check(b"\r\n.\r\n" not in s.raw, "no whole message", s.raw)


@table("final during a long body", [("250", b"250 ok\r\n", 76), ("550", b"550 no\r\n", 76), ("421", b"421 no\r\n", 75), ("25", b"25", 76)])
def final_in_body(octets, status):
    def script(peer):
        until(peer, DATA)
        peer.say("354 go")
        peer.exactly(100000)
        peer.put(octets)
        peer.drain(4)
    with Scripted(script) as s:
        r = run(clear(s), b"S: x\n\n" + b"0123456789abcde\n" * 2000000)
    expect(r, status, False, ["unsent"])
    check(not s.raw.endswith(b"\r\n.\r\n"), "no whole message", s.raw[-20:])


# states of the final reply
@table("final", [
    ("250", "250 ok", 0, None, "accepted"),
    ("200", "200 ok", 0, None, "accepted"),
    ("251", "251 forwarded", 0, None, "accepted"),
    ("299", "299 whatever", 0, None, "accepted"),
    ("220", "220 odd", 0, None, "accepted"),
    ("221", "221 odd", 0, None, "accepted"),
    ("354", "354 more", 76, "TERN_E_IN_DOUBT", "unknown"),
    ("300", "300 more", 76, "TERN_E_IN_DOUBT", "unknown"),
    ("421", "421 4.3.0 no", 75, "TERN_E_SERVICE_UNAVAILABLE", "deferred"),
    ("450", "450 4.2.1 busy", 75, "TERN_E_MAILBOX_BUSY", "deferred"),
    ("451", "451 error", 75, "TERN_E_LOCAL_ERROR", "deferred"),
    ("452", "452 4.3.1 disk", 75, "TERN_E_STORAGE", "deferred"),
    ("451 greylisted", "451 4.7.1 greylisted", 75, "TERN_E_GREYLISTED", "deferred"),
    ("499", "499 odd", 75, "TERN_E_REFUSED_TRANSIENT", "deferred"),
    ("500", "500 what", 69, "TERN_E_COMMAND_UNKNOWN", "rejected"),
    ("503", "503 sequence", 69, "TERN_E_COMMAND_SEQUENCE", "rejected"),
    ("550 spam", "550 5.7.1 spam", 69, "TERN_E_POLICY", "rejected"),
    ("550 5.1.1", "550 5.1.1 who", 69, "TERN_E_NO_SUCH_MAILBOX", "rejected"),
    ("552", "552 5.3.4 big", 69, "TERN_E_MESSAGE_TOO_BIG", "rejected"),
    ("552 alone", "552 big", 69, "TERN_E_MESSAGE_TOO_BIG", "rejected"),
    ("554", "554 no", 69, "TERN_E_CONTENT_REFUSED", "rejected"),
    ("550 DMARC", "550 5.7.26 dmarc", 69, "TERN_E_UNAUTHENTICATED", "rejected"),
    ("530", "530 5.7.0 auth", 69, False, "rejected"),
    ("571", "571 odd", 69, "TERN_E_REFUSED_PERMANENT", "rejected"),
    ("599", "599 odd", 69, "TERN_E_REFUSED_PERMANENT", "rejected"),
    ("enhanced contradicts", "250 5.1.1 no", 0, None, "accepted"),
])
def final(reply, status, error, outcome):
    def script(peer):
        until(peer, FINAL)
        peer.say(reply)
        peer.drain(1)
    with Scripted(script) as s:
        r = run(clear(s))
    if error is False:
        check(r.status in (69, 77) and r.outcomes == [outcome], "final", r)
    else:
        expect(r, status, error, [outcome])
    if outcome != "unknown":
        check(r.recipients[0]["code"] == int(reply[:3]), "code", r)


# QUIT: never changes nor holds up the result
QUITS = {
    "unanswered": lambda p: p.drain(12),
    "500": lambda p: p.say("500 what"),
    "421": lambda p: p.say("421 no"),
    "garbage": lambda p: p.say(b"\xff\xff"),
    "endless": lambda p: p.put(b"x" * 300000),
    "closed": lambda p: p.close(),
    "reset": lambda p: p.reset(),
    "lines for ever": lambda p: [p.drip(b"221-x\r\n", 0.05) for _ in range(40)],
}


@table("quit", list(QUITS.items()))
def quits(do):
    def script(peer):
        until(peer, FINAL)
        peer.say(USUAL[FINAL])
        peer.want("QUIT")
        do(peer)
    with Scripted(script) as s:
        r = run(clear(s, timeout="60"))
        check(r.seconds < 30, "not held up", r)
    expect(r, 0, None, ["accepted"])


@case
def quit_when_result_was_bad():
    def script(peer):
        until(peer, FINAL)
        peer.say("554 5.6.0 no")
        peer.want("QUIT")
        peer.say("250 2.0.0 queued after all")
    with Scripted(script) as s:
        r = run(clear(s))
    expect(r, 69, "TERN_E_CONTENT_REFUSED", ["rejected"])


@case
def json_before_quit():
    """The object is out while QUIT still waits."""
    import json
    import subprocess
    import scripted

    def script(peer):
        until(peer, FINAL)
        peer.say(USUAL[FINAL])
        peer.want("QUIT")
        peer.drain(20)
    with Scripted(script) as s:
        p = subprocess.Popen([scripted.SEND, "--json"] + clear(s, timeout="60"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        p.stdin.write(MESSAGE)
        p.stdin.close()
        began = time.time()
        line = p.stdout.readline()
        check(json.loads(line)["ok"] and time.time() - began < 15, "the object", line)
        p.kill()
        p.wait()
        p.stdout.close()


# recipients
TWO = ("b@example.net", "c@example.net")


@table("recipients", [
    ("both", ("250 ok", "250 ok"), "250 ok", 0, None, ["accepted", "accepted"]),
    ("550 and 250", ("550 no", "250 ok"), "250 ok", 67, "TERN_E_NO_SUCH_MAILBOX", ["rejected", "accepted"]),
    ("450 and 250", ("450 no", "250 ok"), "250 ok", 75, "TERN_E_MAILBOX_BUSY", ["deferred", "accepted"]),
    ("450 and 550", ("450 no", "550 no"), None, 67, "TERN_E_NO_SUCH_MAILBOX", ["deferred", "rejected"]),
    ("450 and 450", ("450 no", "450 no"), None, 75, "TERN_E_MAILBOX_BUSY", ["deferred", "deferred"]),
    ("250 and 550, content refused", ("250 ok", "550 no"), "554 spam", 67, "TERN_E_NO_SUCH_MAILBOX", ["rejected", "rejected"]),
    ("250 and 450, content refused", ("250 ok", "450 no"), "554 spam", 69, "TERN_E_CONTENT_REFUSED", ["rejected", "deferred"]),
    ("250 and 550, final lost", ("250 ok", "550 no"), "", 67, False, ["unknown", "rejected"]),
    ("251 and 252", ("251 will forward", "252 cannot verify"), "250 ok", 0, None, ["accepted", "accepted"]),
    ("552 and 250", ("552 many", "250 ok"), "250 ok", 75, "TERN_E_TOO_MANY_RECIPIENTS", ["deferred", "accepted"]),
    ("530 and 530", ("530 auth", "530 auth"), None, 67, "TERN_E_AUTH_REQUIRED", ["rejected", "rejected"]),
])
def recipients(replies, final_reply, status, error, outcomes):
    def script(peer):
        peer.hello("PIPELINING")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.want("RCPT")
        peer.want("DATA")
        peer.say("250 ok", *replies)
        if final_reply is None:
            peer.say("554 no valid recipients")
        else:
            peer.say("354 go")
            peer.content()
            if final_reply == "":
                peer.close()
            peer.say(final_reply)
        peer.drain(1)
    with Scripted(script) as s:
        r = run(clear(s, to=TWO))
    if error == "TERN_E_AUTH_REQUIRED":
        check(r.status in (67, 77) and r.outcomes == outcomes, "530 to RCPT", r)
    else:
        expect(r, status, error, outcomes)
    if final_reply is None:
        check(b"Subject" not in s.raw, "no content", s.raw)


@case
def all_refused_with_354():
    def script(peer):
        peer.hello("PIPELINING")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.want("RCPT")
        peer.want("DATA")
        peer.say("250 ok", "550 no", "450 no", "354 go")
        peer.content()
        peer.say("250 took nothing")
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, to=TWO))
    expect(r, 67, "TERN_E_NO_SUCH_MAILBOX", ["rejected", "deferred"])
    check(s.contents == [b""] and not s.odd, "an empty content", (s.contents, s.odd))


@case
def too_many_452_goes_on():
    def script(peer):
        peer.hello("PIPELINING")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.want("RCPT")
        peer.want("DATA")
        peer.say("250 ok", "250 ok", "452 4.5.3 too many", "354 go")
        peer.content()
        peer.say("250 ok")
        peer.want("MAIL")
        peer.want("RCPT TO:<c@")
        peer.want("DATA")
        peer.say("250 ok", "250 ok", "354 go")
        peer.content()
        peer.say("250 ok")
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, to=TWO))
    expect(r, 0, None, ["accepted", "accepted"])
    check(s.contents == [WIRE, WIRE] and not s.odd, "twice", (s.contents, s.odd))


@table("pipelined replies early", [("in one", b"250 ok\r\n250 ok\r\n354 go\r\n"), ("two of three", b"250 ok\r\n250 ok\r\n")])
def pipelined_early(octets):
    """The server answers the group before it can have read it."""
    def script(peer):
        peer.say("220 hi")
        peer.want("EHLO")
        peer.put(b"250-me\r\n250 PIPELINING\r\n" + octets)
        peer.drain(2)
    with Scripted(script) as s:
        r = run(clear(s, timeout="10"))
    expect(r, 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"])
    check(b"Subject" not in s.raw, "no content", s.raw)


# LMTP
def lmtp(s, *more, to=TWO, timeout="10"):
    return ["--server", "lmtp://127.0.0.1:%d" % s.port, "--from", "a@example.org", "--timeout", timeout] + list(more) + list(to)


@table("lmtp", [
    ("both", ("250 ok", "250 ok"), ("250 one", "250 two"), 0, ["accepted", "accepted"]),
    ("second refused after", ("250 ok", "250 ok"), ("250 one", "550 5.1.1 no"), 67, ["accepted", "rejected"]),
    ("first deferred after", ("250 ok", "250 ok"), ("450 full", "250 two"), 75, ["deferred", "accepted"]),
    ("first refused before", ("550 no", "250 ok"), ("250 two",), 67, ["rejected", "accepted"]),
    ("closed behind the first", ("250 ok", "250 ok"), ("250 one", None), 75, ["accepted", "unknown"]),
    ("closed before both", ("250 ok", "250 ok"), (None,), 75, ["unknown", "unknown"]),
    ("garbage for the second", ("250 ok", "250 ok"), ("250 one", "what"), 76, ["accepted", "unknown"]),
    ("silent at the second", ("250 ok", "250 ok"), ("250 one", "silence"), 75, ["accepted", "unknown"]),
    ("one reply more", ("250 ok", "250 ok"), ("250 one", "250 two", "250 three"), 0, ["accepted", "accepted"]),
    ("both refused after", ("250 ok", "250 ok"), ("554 no", "554 no"), 67, ["rejected", "rejected"]),
    ("421 for the first", ("250 ok", "250 ok"), ("421 one", None), 75, ["deferred", "unknown"]),
])
def lmtp_replies(before, after, status, outcomes):
    def script(peer):
        peer.hello("PIPELINING", verb="LHLO")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.want("RCPT")
        peer.want("DATA")
        peer.say("250 ok", *before)
        peer.say("354 go")
        peer.content()
        for reply in after:
            if reply is None:
                peer.close()
            if reply == "silence":
                peer.drain(4)
            else:
                peer.say(reply)
        peer.drain(1)
    with Scripted(script) as s:
        r = run(lmtp(s, timeout="2" if "silence" in after else "10"))
    expect(r, status, False, outcomes)


@case
def lmtp_with_auth_in_clear():
    def script(peer):
        peer.hello("AUTH PLAIN", verb="LHLO")
        peer.drain(2)
    with Scripted(script) as s:
        r = run(lmtp(s, "--user", "u"), env={"TERN_PASSWORD": "s3cret"}, secrets=["s3cret"])
    check(r.status == 77 and b"AUTH" not in s.raw, "no secret in clear", (r, s.raw))


@case
def helo_fallback():
    def script(peer):
        peer.say("220 hi")
        peer.want("EHLO")
        peer.say("502 no")
        peer.want("HELO client.example")
        peer.say("250 me")
        peer.want("MAIL FROM:<a@example.org>")
        peer.say("250 ok")
        peer.want("RCPT")
        peer.say("250 ok")
        peer.want("DATA")
        peer.say("354 go")
        peer.content()
        peer.say("250 ok")
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s))
    expect(r, 0, None, ["accepted"])
    check(not s.odd, "lock-step", s.odd)


@table("envelope refused", [
    ("mail 550", ["550 5.7.1 sender", "503 no", "503 no"], 69, "TERN_E_SENDER_REFUSED", ["rejected"]),
    ("mail 530", ["530 5.7.0 auth", "503 no", "503 no"], 77, "TERN_E_AUTH_REQUIRED", ["rejected"]),
    ("mail 552", ["552 5.3.4 big", "503 no", "503 no"], 69, "TERN_E_MESSAGE_TOO_BIG", ["rejected"]),
    ("mail 451", ["451 later", "503 no", "503 no"], 75, "TERN_E_LOCAL_ERROR", ["deferred"]),
    ("mail 250 rcpt 554 relay", ["250 ok", "554 5.7.1 Relay access denied", "554 none"], 67, "TERN_E_RELAY_DENIED", ["rejected"]),
    ("rcpt 5.7.27", ["250 ok", "550 5.7.27 null MX", "554 none"], 67, "TERN_E_SENDER_REFUSED", ["rejected"]),
    ("rcpt 556", ["250 ok", "556 5.1.10 no mail", "554 none"], 67, "TERN_E_NO_MAIL_HERE", ["rejected"]),
    ("data 354 not, 554", ["250 ok", "250 ok", "554 5.7.1 no"], 69, False, ["rejected"]),
    ("data 451", ["250 ok", "250 ok", "451 no"], 75, "TERN_E_LOCAL_ERROR", ["deferred"]),
    ("data 250", ["250 ok", "250 ok", "250 what"], 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"]),
    ("data 355", ["250 ok", "250 ok", "355 what"], 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"]),
    ("mail 354", ["354 what"], 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"]),
    ("rcpt 354", ["250 ok", "354 what"], 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"]),
])
def envelope(replies, status, error, outcomes):
    def script(peer):
        peer.hello("PIPELINING")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.want("DATA")
        peer.say(*replies)
        peer.drain(1)
    with Scripted(script) as s:
        r = run(clear(s))
    expect(r, status, error, outcomes)
    check(b"Subject" not in s.raw, "no content", s.raw)


@table("lost at", [("rcpt, first answered", 2), ("mail", 0), ("data", 3)])
def lost_in_group(answered):
    replies = ["250 ok", "250 ok", "550 no", "354 go"]

    def script(peer):
        peer.hello("PIPELINING")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.want("RCPT")
        peer.want("DATA")
        if answered:
            peer.say(*replies[:answered])
        peer.close()
    with Scripted(script) as s:
        r = run(clear(s, to=TWO))
    expect(r, 75 if answered < 3 else 67, False, ["unsent", "rejected" if answered >= 3 else "unsent"])


@table("greeting", [("554", "554 5.3.2 no mail", 69, "TERN_E_NO_MAIL_HERE"), ("521", "521 no", 69, "TERN_E_NO_MAIL_HERE"),
                    ("421", "421 busy", 75, "TERN_E_SERVICE_UNAVAILABLE"), ("450", "450 odd", 75, False),
                    ("354", "354 odd", 76, "TERN_E_REPLY_UNEXPECTED"), ("250", "250 odd but 2yz", 0, None)])
def greetings(line, status, error):
    def script(peer):
        peer.hello("PIPELINING", greeting=line)
        peer.take()
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s))
    expect(r, status, error, ["accepted"] if not status else ["unsent"])


@case
def slow_greeting_drip():
    def script(peer):
        peer.drip(b"220 " + b"x" * 300, 0.1)
    with Scripted(script) as s:
        r = run(clear(s, timeout="1"))
    expect(r, 75, "TERN_E_TIMEOUT", ["unsent"], "greeting")
    check(r.seconds < 15, "bounded", r)


@table("stalled", [("DATA", ()), ("BDAT", ("CHUNKING",))])
def stalled_write(words):
    """The server stops reading in mid-content: the write has a deadline."""
    def script(peer):
        peer.hello("PIPELINING", *words)
        if words:
            peer.want("MAIL")
            peer.want("RCPT")
            peer.say("250 ok", "250 ok")
        else:
            peer.envelope()
        peer.hold()
    with Scripted(script) as s:
        r = run(clear(s, timeout="1"), b"S: x\n\n" + b"0123456789abcde\n" * 4000000)
    expect(r, 75, "TERN_E_TIMEOUT", ["unsent"], "data")
    check(r.seconds < 15, "bounded", r)
