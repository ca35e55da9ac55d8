"""hostile_options.py - the command line: every option and value, the environment, URLs, addresses, files, signals and
file descriptors; always one valid object, and nothing sent that should not be."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import time

import hostile_tls as tls
import scripted
from scripted import MESSAGE, WIRE, Result, Scripted, case, check, clear, expect, faults, run, table

NOWHERE = ["--server", "smtp://127.0.0.1:9?tls=none", "--from", "a@b.example"]


def taker(peer):
    peer.hello("PIPELINING", "DSN")
    peer.take()
    peer.quit()


# ---- usage -------------------------------------------------------------------------------------------------
USAGE = [
    ("nothing", [], 64), ("no recipient", NOWHERE, 64), ("no server", ["--from", "a@b.example", "c@d.example"], 64),
    ("unknown option", NOWHERE + ["--frobnicate", "c@d.example"], 64), ("unknown short", NOWHERE + ["-x", "c@d.example"], 64),
    ("short cluster", NOWHERE + ["-tt"], 64), ("option without value", NOWHERE + ["c@d.example", "--envid"], 64),
    ("value for a switch", NOWHERE + ["--trace=yes", "c@d.example"], 64), ("json with a value", NOWHERE + ["--json=1", "c@d.example"], 64),
    ("abbreviation", NOWHERE + ["--insec", "c@d.example"], 64), ("capitals", NOWHERE + ["--INSECURE", "c@d.example"], 64),
    ("empty option", NOWHERE + ["--=x", "c@d.example"], 64), ("--server empty", ["--server", "", "--from", "a@b.example", "c@d.example"], 64),
    ("timeout 0", NOWHERE + ["--timeout", "0", "c@d.example"], 64), ("timeout -1", NOWHERE + ["--timeout", "-1", "c@d.example"], 64),
    ("timeout 1.5", NOWHERE + ["--timeout", "1.5", "c@d.example"], 64), ("timeout empty", NOWHERE + ["--timeout", "", "c@d.example"], 64),
    ("timeout beyond", NOWHERE + ["--timeout", "99999999999", "c@d.example"], 64), ("timeout blank", NOWHERE + ["--timeout", " 5", "c@d.example"], 64),
    ("timeout plus", NOWHERE + ["--timeout", "+5", "c@d.example"], 64), ("timeout hex", NOWHERE + ["--timeout", "0x5", "c@d.example"], 64),
    ("connect-timeout 0", NOWHERE + ["--connect-timeout", "0", "c@d.example"], 64), ("connect-timeout x", NOWHERE + ["--connect-timeout", "x", "c@d.example"], 64),
    ("repeat 0", NOWHERE + ["--repeat", "0", "c@d.example"], 64), ("repeat -1", NOWHERE + ["--repeat", "-1", "c@d.example"], 64),
    ("repeat x", NOWHERE + ["--repeat", "x", "c@d.example"], 64), ("repeat beyond", NOWHERE + ["--repeat", "4294967297", "c@d.example"], 64),
    ("ca empty", NOWHERE + ["--ca", "", "c@d.example"], 64), ("user empty", NOWHERE + ["--user", "", "c@d.example"], 64),
    ("dsn empty", NOWHERE + ["--dsn", "", "c@d.example"], 64), ("dsn rubbish", NOWHERE + ["--dsn", "maybe", "c@d.example"], 64),
    ("dsn never and more", NOWHERE + ["--dsn", "never,success", "c@d.example"], 64), ("dsn trailing comma", NOWHERE + ["--dsn", "success,", "c@d.example"], 64),
    ("deliver-by zero", NOWHERE + ["--deliver-by", "0", "c@d.example"], 64), ("deliver-by words", NOWHERE + ["--deliver-by", "1,later", "c@d.example"], 64),
    ("priority ten", NOWHERE + ["--priority", "10", "c@d.example"], 64),
    ("hold-for below", NOWHERE + ["--hold-for", "-1", "c@d.example"], 64),
    ("dsn blank", NOWHERE + ["--dsn", "success, failure", "c@d.example"], 64), ("dsn injection", NOWHERE + ["--dsn", "success\r\nRSET", "c@d.example"], 64),
    ("ret rubbish", NOWHERE + ["--ret", "all", "c@d.example"], 64), ("ret empty", NOWHERE + ["--ret", "", "c@d.example"], 64),
    ("auth rubbish", NOWHERE + ["--auth", "NTLM", "--user", "u", "c@d.example"], 64), ("auth empty", NOWHERE + ["--auth", "", "--user", "u", "c@d.example"], 64),
    ("auth injection", NOWHERE + ["--auth", "PLAIN\r\nMAIL", "--user", "u", "c@d.example"], 64), ("key without cert", NOWHERE + ["--key", "/x", "c@d.example"], 64),
    ("both secrets", NOWHERE + ["--user", "u", "--password-file", "/x", "--token-file", "/y", "c@d.example"], 64),
]


@table("usage", USAGE)
def usage(args, status):
    r = run(args)
    expect(r, status, False, phase=None)
    check(r.error in ("TERN_E_ARGUMENT", "TERN_E_URL", "TERN_E_NO_RECIPIENTS") and r.reply is None and r.tls is None, "usage", r)


# ---- addresses ---------------------------------------------------------------------------------------------
BAD = ["", " ", "b", "@", "b@", "@d.example", "b@@d.example", "b@d@e.example", "b c@d.example", "b@d e.example", "b@d..example", "b@.d.example",
       "b@d.example.", ".b@d.example", "b.@d.example", "b..c@d.example", "<b@d.example>", "Bob <b@d.example>", "b@d.example,c@d.example", "b@-d.example",
       "b@d-.example", "b@d_e!.example", "b@[300.1.1.1]", "b@[1.2.3]", "b@[IPv6:zz]", "b@[IPv6:::1", "b@[]", "b@[ 1.2.3.4]", "\"b@d.example", "\"b\"c@d.example",
       "b\"c@d.example", "b@\"d\".example", "b\\@d.example", "b(c)@d.example", "b@d.example(c)", "b;c@d.example", "b:c@d.example", "b[c@d.example",
       "b@d.example\r\nRCPT TO:<x@y.example>", "b@d.example\n", "b@d.example\r", "\rb@d.example", "b\n@d.example", "b@d.example>\r\nDATA\r\n", "b@d.example> SIZE=1",
       "b@d.example SIZE=1", "b\t@d.example", "b\x01@d.example", "b\x7f@d.example", "b@d\x7f.example", "\"b\r\n\"@d.example", "\"b\x01\"@d.example", "\"b\\\n\"@d.example",
       "x" * 65 + "@d.example", "b@" + "d" * 64 + ".example", "b@" + ".".join(["d" * 60] * 5), "b@" + "d." * 128 + "example", b"b\xff@d.example", b"\xc3@d.example",
       b"b\xc0\xaf@d.example", b"b\xed\xa0\x80@d.example", "b@[IPv6:1:2:3:4:5:6:7:8:9]", "b@[IPv6:1::2::3]", "b@[tag:]", "b@[IPv4:1.2.3.4]x"]


@case
def bad_mail_auth():
    r = run(NOWHERE + ["--mail-auth", "a@b.c\r\nRSET", "c@d.example"])
    expect(r, 65, False, phase=None)
    check(r.error == "TERN_E_ADDRESS" and r.reply is None, "refused", r)


@table("bad address", [("%d %r" % (i, a[:24]), a) for i, a in enumerate(BAD)])
def bad_address(address):
    with Scripted(taker) as s:
        for args in (clear(s, to=("ok@d.example", address)), clear(s, "--to", address), clear(s, "--from", address)):
            if args[-2] == "--from" or address == "" and "--from" in args[8:]:
                continue
            r = run([os.fsencode(a) if isinstance(a, str) else a for a in args])
            check(r.status == 65 and r.error == "TERN_E_ADDRESS" and r.phase is None, "refused %r" % args[-2:], r)
        if address:
            args = clear(s)
            args[3] = address
            r = run([os.fsencode(a) if isinstance(a, str) else a for a in args])
            check(r.status == 65 and r.error == "TERN_E_ADDRESS" and r.phase is None, "refused as sender", r)
            r = run([os.fsencode(a) if isinstance(a, str) else a for a in args[:2] + args[4:]], env={"TERN_FROM": os.fsdecode(address)})
            check(r.status == 65 and r.error == "TERN_E_ADDRESS", "refused as TERN_FROM", r)
    check(not s.peers, "nothing was sent", s.raw)


GOOD = ["b@d.example", "b+c@d.example", "b.c.d@d.example", "!#$%&'*+-/=?^_`{|}~@d.example", "\"b c\"@d.example", "\"b\\\"c\"@d.example", "\"\"@d.example", "\"b@c\"@d.example",
        "\">\"@d.example", "b@[192.0.2.1]", "b@[IPv6:2001:db8::1]", "b@[IPv6:::1]", "x" * 64 + "@d.example", "b@xn--nxasmq6b.example", "b@d", "b@1.example", "b@3com.example",
        "postmaster", "Postmaster", "b@D.EXAMPLE"]


@table("good address", [("%r" % a[:24], a) for a in GOOD])
def good_address(address):
    with Scripted(taker) as s:
        r = run(clear(s, to=(address,)))
    expect(r, 0, None, ["accepted"])
    check(b"RCPT TO:<%s>\r\n" % address.encode() in s.raw and r.recipients[0]["address"] == address, "as it was given", s.raw)


@case
def null_reverse_path():
    with Scripted(taker) as s:
        args = clear(s)
        args[3] = ""
        r = run(args)
    expect(r, 0, None, ["accepted"])
    check(b"MAIL FROM:<>\r\n" in s.raw, "null", s.raw)


@case
def utf8_address():
    for address in ("j\u00f6rg@d.example", "b@d\u00f6rf.example", "\u4e2d@\u4e2d.example"):
        with Scripted(taker) as s:
            r = run(clear(s, to=(address,)))
        expect(r, 65, "TERN_E_NEEDS_SMTPUTF8", ["unsent"])
        check(b"MAIL" not in s.raw, "before MAIL", s.raw)

        def able(peer):
            peer.hello("SMTPUTF8", "8BITMIME", "PIPELINING")
            if b" SMTPUTF8" not in peer.want("MAIL"):
                peer.error = "no SMTPUTF8"
            peer.want("RCPT")
            peer.want("DATA")
            peer.say("250 ok", "250 ok", "354 go")
            peer.content()
            peer.say("250 ok")
            peer.quit()
        with Scripted(able) as s:
            r = run(clear(s, to=(address,)))
        expect(r, 0, None, ["accepted"])
        check(not s.odd and address.encode() in s.raw, "SMTPUTF8", s.odd)


# ---- injection in every option -------------------------------------------------------------------------------
INJECT = ["x\r\nRSET", "x\nRSET", "x\rRSET", "x RSET", "x\x01", "x\x7f", "x\t", "\u00e4", "x>", ""]


@table("injection", [("%s %r" % (o, v), o, v) for o in ("--ehlo", "--envid") for v in INJECT])
def injection(option, value):
    with Scripted(taker) as s:
        r = run(clear(s, option, value))
    if option == "--envid" and r.status == 0:  # xtext can carry some of them
        check(b"ENVID=" in s.raw and value.encode() not in s.raw or value in ("x>",), "encoded", s.raw)
    elif value == "":
        check(r.status == 64 and not s.peers, "empty", r)
    else:
        check(r.status in ((64,) if option == "--ehlo" else (65,)) and not s.peers, "refused", (r, s.raw))
    check(s.raw.count(b"RSET") == 0 or b"\nRSET" not in s.raw, "no command", s.raw)


@table("EHLO name", [(n, n, ok) for n, ok in [("mail.example.org", 1), ("localhost", 1), ("[192.0.2.1]", 1), ("[IPv6:::1]", 1), ("a", 1), ("x" * 63, 1), ("x" * 64, 0), ("a_b.example", None),
                                              ("a..b", 0), (".a", 0), ("-a", 0), ("[1.2.3]", 0), ("[", 0), ("a:b", 0), ("a@b", 0), ("a/b", 0), ("d." * 127 + "d", 1), ("d." * 128 + "d", 0)]])
def ehlo_name(name, good):
    with Scripted(taker) as s:
        args = clear(s)
        args[args.index("--ehlo") + 1] = name
        r = run(args)
    if good is not None:
        check((r.status == 0) == bool(good) and r.status in (0, 64), "name", r)
    check(bool(s.peers) == (r.status == 0), "before connecting", s.raw)
    if r.status == 0:
        check(s.lines[0] == b"EHLO " + name.encode(), "said", s.lines)


@case
def ehlo_name_of_its_own():
    with Scripted(taker) as s:
        args = clear(s)
        at = args.index("--ehlo")
        del args[at:at + 2]
        r = run(args)
    expect(r, 0, None, ["accepted"])
    name = s.lines[0][5:]
    check(b"." in name or name.startswith(b"["), "qualified or a literal", s.lines[0])


# ---- URLs ------------------------------------------------------------------------------------------------------
URLS = ["x", "smtp", "smtp:", "smtp:/", "smtp://", "smtp:///", "smtp://:25", "smtp://h:", "smtp://h:0", "smtp://h:65536", "smtp://h:99999999999999999999", "smtp://h:2x",
        "smtp://h:-1", "smtp://h:+25", "smtp://h: 25", "smtp://h h", "smtp://h/path", "smtp://h/path?tls=none", "smtp://h?tls", "smtp://h?tls=", "smtp://h?tls=NONE", "smtp://h?tls=yes",
        "smtp://h?tls=none&tls=required", "smtp://h?tls=none&x=y", "smtp://h?x=y", "smtp://h?", "smtp://h?tls=none#f", "smtp://h#f", "smtps://h?tls=none", "smtps://h?tls=required",
        "http://h", "smtpx://h", "://h", "//h", "h:25", "smtp://[::1", "smtp://::1", "smtp://[::1]x", "smtp://[::1]:", "smtp://[::g]", "smtp://[127.0.0.1]", "smtp://[]", "smtp://[::1%eth0]",
        "smtp://u@v@h", "smtp://@h", "smtp://:p@h", "smtp://u%@h", "smtp://u%2@h", "smtp://u%zz@h", "smtp://u%00@h", "smtp://u%0d%0a@h", "smtp://u:p%0a@h", "smtp://u:p%00x@h",
        "smtp://h%41", "smtp://h\r\nx", "smtp://h\n", "smtp://\u00e4..example", "smtp://h..h", "smtp://.h", "smtp://-h", "smtp://h_!", "smtp://" + "x" * 300, "smtp://1.2.3.4.5:x",
        "lmtp://h", "lmtp://h:24/x", "lmtp+unix:", "lmtp+unix:x", "lmtp+unix://h/x", "lmtp+unix:/x%00y", "lmtp+unix:/x%zz", "lmtp+unix:/" + "x" * 200, "lmtps://h:24", "SMTP", "smtp://h:25:25",
        "smtp://h?tls=none ", " smtp://h", "smtp://h\t", "smtp://h?TLS=none"]


@table("bad URL", [("%d %r" % (i, u[:30]), u) for i, u in enumerate(URLS)])
def bad_url(url):
    r = run(["--server", url, "--from", "a@b.example", "--connect-timeout", "1", "c@d.example"])
    check(r.status in (64, 75) and (r.status == 64 or "lmtp+unix:" in url), "refused", r)
    if r.status == 64:
        check(r.error in ("TERN_E_URL", "TERN_E_ARGUMENT") and r.phase is None, "URL", r)
    r = run(["--from", "a@b.example", "--connect-timeout", "1", "c@d.example"], env={"TERN_SERVER": url})
    check(r.status in (64, 75), "refused in the environment too", r)


@case
def good_urls():
    for form in ("smtp://127.0.0.1:%d?tls=none", "SMTP://127.0.0.1:%d?tls=none", "smtp://127.0.0.1:%d/?tls=none", "smtp://localhost:%d?tls=none", "smtp://LOCALHOST:%d?tls=none", "smtp://127.0.0.1:0%d?tls=none"):
        with Scripted(taker) as s:
            args = clear(s)
            args[1] = form % s.port
            r = run(args)
        expect(r, 0, None, ["accepted"])


@case
def ipv6():
    try:
        with Scripted(taker, family="::1") as s:
            args = clear(s)
            args[1] = "smtp://[::1]:%d?tls=none" % s.port
            r = run(args)
    except OSError:
        check(True, "no IPv6 here")
        return
    expect(r, 0, None, ["accepted"])


@case
def every_address_is_tried():
    """localhost has ::1 and 127.0.0.1; only the second listens."""
    with Scripted(taker) as s:
        args = clear(s)
        args[1] = "smtp://localhost:%d?tls=none" % s.port
        r = run(args)
    expect(r, 0, None, ["accepted"])


@table("no connection", [("refused", "smtp://127.0.0.1:1", 75, "TERN_E_CONNECT", "connect"), ("no such host", "smtp://nosuch.invalid:25", (68, 75), ("TERN_E_HOST", "TERN_E_RESOLVE"), "resolve"),
                         ("no such socket", "lmtp+unix:/nonexistent/sock", 75, "TERN_E_CONNECT", "connect")])
def no_connection(url, status, error, phase):
    r = run(["--server", url, "--from", "a@b.example", "--connect-timeout", "1", "c@d.example"])
    check(r.status in (status if isinstance(status, tuple) else (status,)) and r.error in (error if isinstance(error, tuple) else (error,)) and r.phase == phase and r.outcomes == ["unsent"], "connect", r)
    check(r.seconds < 15, "bounded", r)


@contextlib.contextmanager
def full_backlog():
    """A listener that accepts nobody and has its queue full: a SYN to it gets no answer."""
    held = [socket.socket()]
    held[0].bind(("127.0.0.1", 0))
    held[0].listen(0)
    for _ in range(3):
        held.append(socket.socket())
        held[-1].setblocking(False)
        held[-1].connect_ex(held[0].getsockname())
    try:
        yield "smtp://127.0.0.1:%d?tls=none" % held[0].getsockname()[1]
    finally:
        for s in held:
            s.close()


@case
def connect_timeout_with_a_full_backlog():
    with full_backlog() as url:
        r = run(["--server", url, "--from", "a@b.example", "--connect-timeout", "1", "--timeout", "20", "c@d.example"])
    check(r.status == 75 and r.error == "TERN_E_TIMEOUT" and r.phase == "connect" and r.outcomes == ["unsent"], "timeout", r)
    check(r.seconds < 15, "bounded", r)


# ---- environment -------------------------------------------------------------------------------------------------
@case
def environment():
    with Scripted(taker) as s:
        r = run(["b@example.net"], env={"TERN_SERVER": "smtp://127.0.0.1:%d?tls=none" % s.port, "TERN_FROM": "env@example.org"})
        expect(r, 0, None, ["accepted"])
        check(b"<env@example.org>" in s.raw, "TERN_FROM", s.raw)
    with Scripted(taker) as s:  # options win
        r = run(clear(s), env={"TERN_SERVER": "smtp://127.0.0.1:9", "TERN_FROM": "env@example.org"})
        expect(r, 0, None, ["accepted"])
        check(b"<a@example.org>" in s.raw, "--from", s.raw)
    with Scripted(taker) as s:  # what is not ours is not looked at
        r = run(clear(s), env={"TERN_INSECURE": "1", "TERN_CA": "/nonexistent", "LC_ALL": "nonsense", "LANG": "tr_TR.UTF-8"})
        expect(r, 0, None, ["accepted"])


@case
def empty_environment():
    r = run(["b@example.net"], env={"TERN_SERVER": "", "TERN_USER": "", "TERN_PASSWORD": ""})
    check(r.status == 64, "as if not given", r)


# ---- repeat --------------------------------------------------------------------------------------------------------
@table("repeat", [
    ("all accepted", ["250 ok"] * 5, 0, 5, None, True), ("one refused", ["250 ok", "554 no", "250 ok", "250 ok", "250 ok"], 69, 4, None, False),
    ("last refused", ["250 ok"] * 4 + ["554 no"], 69, 4, "TERN_E_CONTENT_REFUSED", False), ("deferred and refused", ["451 a", "554 no", "250 ok", "451 a", "250 ok"], 69, 2, None, False),
    ("deferred", ["250 ok", "451 a", "250 ok", "250 ok", "250 ok"], 75, 4, None, False), ("none", ["554 no"] * 5, 69, 0, "TERN_E_CONTENT_REFUSED", False)])
def repeat(finals, status, sent, error, ok):
    def script(peer):
        peer.hello("PIPELINING")
        for reply in finals:
            line = peer.line()
            while not line.startswith(b"MAIL"):
                if line != b"RSET":
                    raise scripted.Odd("%r" % line)
                peer.say("250 ok")
                line = peer.line()
            peer.want("RCPT")
            peer.want("DATA")
            peer.say("250 ok", "250 ok", "354 go")
            peer.content()
            peer.say(reply)
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, "--repeat", "5"))
    check(r.status == status and r.sent == sent and r.error == error and r.ok is ok, "repeat", r)
    check(len(s.peers) == 1 and len(s.contents) == 5 and not s.odd, "one connection", (len(s.peers), s.odd))


@case
def repeat_rcpt_refused_midway():
    replies = iter(["250 ok", "550 5.1.1 no", "250 ok"])

    def script(peer):
        peer.hello()
        while True:
            line = peer.line()
            if line.startswith(b"RCPT"):
                peer.say(next(replies))
            elif line == b"DATA":
                peer.say("354 go")
                peer.content()
                peer.say("250 ok")
            elif line == b"QUIT":
                peer.say("221 bye")
                return
            else:
                peer.say("250 ok")
    with Scripted(script) as s:
        r = run(clear(s, "--repeat", "3"))
    check(r.status == 67 and r.sent == 2 and r.error is None and len(s.peers) == 1, "goes on", (r, len(s.peers)))


@case
def repeat_connection_lost():
    """After the second mail: lost while idle, the third goes over a new connection."""
    def script(peer):
        peer.hello("PIPELINING")
        peer.take()
        peer.take()
        peer.close()
    with Scripted(script) as s:
        r = run(clear(s, "--repeat", "4"))
    check(r.status == 0 and r.sent == 4 and len(s.peers) == 2, "reopened", (r, len(s.peers)))


@case
def repeat_421_in_between():
    def script(peer):
        peer.hello("PIPELINING")
        peer.take()
        peer.say("421 4.3.2 idle too long")
        peer.close()
    with Scripted(script) as s:
        r = run(clear(s, "--repeat", "2"))
    check(r.status in (0, 75) and r.sent in (1, 2) and len(s.contents) == r.sent, "true", (r, len(s.contents)))


@case
def repeat_lost_in_doubt():
    """The final reply of the second is lost: never sent again, the rest not tried."""
    def script(peer):
        peer.hello("PIPELINING")
        peer.take()
        peer.envelope()
        peer.content()
        peer.close()
    with Scripted(script) as s:
        r = run(clear(s, "--repeat", "4"))
    check(r.status == 75 and r.sent == 1 and r.outcomes == ["unknown"] and r.error == "TERN_E_IN_DOUBT" and len(s.peers) == 1, "in doubt", r)


@case
def many_on_one_connection():
    def script(peer):
        peer.hello("PIPELINING", "CHUNKING")
        for _ in range(300):
            peer.want("MAIL")
            peer.want("RCPT")
            peer.say("250 ok", "250 ok")
            peer.contents.append(peer.exactly(int(peer.want("BDAT").split()[1])))
            peer.say("250 ok")
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s, "--repeat", "300"), trace=False)
    check(r.status == 0 and r.sent == 300 and s.contents == [WIRE] * 300 and not s.odd, "300", (r, s.odd))


# ---- descriptors ------------------------------------------------------------------------------------------------------
def bare(args, message=MESSAGE, shell="", env=None):
    """Runs by a shell that can close descriptors; returns status, stdout, stderr."""
    full = {k: v for k, v in os.environ.items() if not k.startswith("TERN_")}
    full.update(env or {})
    quoted = " ".join("'%s'" % a.replace("'", "'\\''") for a in [scripted.SEND] + args)
    p = subprocess.run(["bash", "-c", "exec %s %s" % (quoted, shell)], input=message, capture_output=True, env=full, timeout=60)
    return p.returncode, p.stdout, p.stderr


@table("closed", [("stdout", ">&-", True), ("stderr", "2>&-", False), ("stdout and stderr", ">&- 2>&-", True), ("all but stdin", ">&- 2>&- 3>&-", True)])
def closed(shell, mute):
    """A descriptor that is closed must not become that of the connection or of the spool."""
    big = b"S: x\n\n" + b"0123456789\n" * 60000
    for message in (MESSAGE, big):
        with Scripted(taker) as s:
            status, out, err = bare(["--json", "--trace"] + clear(s), message, shell)
        check(status == (74 if mute else 0), "status", (status, out, err))
        check(len(s.contents) == 1 and b'{"ok"' not in s.raw and b"C: " not in s.raw and not s.odd, "nothing of ours on the wire", (s.raw[:300], s.odd))
        check(s.contents and s.contents[0].count(b"\r\n") == message.count(b"\n") + (message == MESSAGE), "content", len(s.contents and s.contents[0]))


@case
def closed_stdin():
    with Scripted(taker) as s:
        status, out, _ = bare(["--json"] + clear(s), b"", "<&-")
    check(status == 74 and json.loads(out)["error"] == "TERN_E_SOURCE" and not s.peers, "no message", (status, out))


@case
def stdin_is_a_folder():
    with Scripted(taker) as s:
        status, out, _ = bare(["--json"] + clear(s), b"", "</tmp")
    check(status == 74 and json.loads(out)["error"] == "TERN_E_SOURCE" and not s.peers, "no message", (status, out))


@case
def full_stdout():
    with Scripted(taker) as s:
        status, _, _ = bare(["--json"] + clear(s), MESSAGE, ">/dev/full")
    check(status == 74, "I/O error", status)
    status, _, _ = bare(["--json", "--nonsense"], MESSAGE, ">/dev/full")
    check(status == 64, "the first failure stays", status)


@case
def full_stderr():
    with Scripted(taker) as s:
        status, out, _ = bare(["--json", "--trace"] + clear(s), MESSAGE, "2>/dev/full")
    check(status == 0 and json.loads(out)["ok"], "no matter", (status, out))


@case
def closed_pipe_stdout():
    with Scripted(taker) as s:
        p = subprocess.Popen([scripted.SEND, "--json"] + clear(s), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdout.close()
        p.stdin.write(MESSAGE)
        p.stdin.close()
        status = p.wait(30)
        p.stderr.close()
    check(status == 74 and len(s.contents) == 1, "no SIGPIPE", status)


@case
def no_room_for_the_spool():
    with Scripted(taker) as s:
        status, out, err = bare(["--json"] + clear(s), b"S: x\n\n" + b"y\n" * 400000, "", env={"TMPDIR": "/nonexistent"})
    check(status in (0, 74), "spool", (status, out, err))


@case
def file_size_limit():
    """The spool cannot grow: 74, nothing was sent, one object."""
    with Scripted(taker) as s:
        p = subprocess.run(["bash", "-c", "ulimit -f 500; trap '' XFSZ; exec \"$@\"", "x", scripted.SEND, "--json"] + clear(s), input=b"S: x\n\n" + b"y" * 60 + b"\n" + b"z\n" * 1000000,
                           capture_output=True, timeout=60)
    r = Result(p.returncode, p.stdout, p.stderr, 0)
    check(r.status == 74 and r.error == "TERN_E_SOURCE" and not faults(r, False), "full", r)
    check(not s.peers, "nothing was sent", s.raw)


@case
def few_descriptors():
    with Scripted(taker) as s:
        p = subprocess.run(["bash", "-c", "ulimit -n 4; exec \"$@\"", "x", scripted.SEND, "--json"] + clear(s), input=MESSAGE, capture_output=True, timeout=60)
    r = Result(p.returncode, p.stdout, p.stderr, 0)
    check(r.status in (0, 74, 75, 78) and not faults(r, False), "no descriptor left", r)


# ---- signals ---------------------------------------------------------------------------------------------------------
def signalled(number, script, ready, message=MESSAGE, hold=False, more=()):
    with Scripted(script) as s:
        p = subprocess.Popen([scripted.SEND, "--json"] + clear(s, *more, timeout="20"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            p.stdin.write(message)
            p.stdin.flush()
            if not hold:
                p.stdin.close()
        except BrokenPipeError:
            pass
        end = time.time() + 10
        while not ready(s) and time.time() < end:
            time.sleep(0.02)
        began = time.time()
        p.send_signal(number)
        out = p.stdout.read()
        status = p.wait(20)
        seconds = time.time() - began
        if hold:
            p.stdin.close()
        err = p.stderr.read()
        p.stdout.close()
        p.stderr.close()
    r = Result(status, out, err, seconds)
    check(not faults(r, "--repeat" in more), "the contract: %s" % faults(r, "--repeat" in more), r)
    check(seconds < 15, "at once", r)
    return r, s


def silent_at(phase):
    import hostile_reply

    def script(peer):
        hostile_reply.until(peer, phase)
        peer.at = phase
        peer.drain(25)
    return script


@table("signal", [("%s %s" % (n, ph), getattr(signal, n), ph) for n in ("SIGINT", "SIGTERM") for ph in ("greeting", "ehlo", "mail", "rcpt", "data", "end-of-data")])
def signals(number, phase):
    r, s = signalled(number, silent_at(phase), lambda s: s.peers and hasattr(s.peers[0], "at"))
    expect(r, 75, "TERN_E_IN_DOUBT" if phase == "end-of-data" else "TERN_E_CANCELLED", ["unknown" if phase == "end-of-data" else "unsent"])


@table("signal while reading", [("SIGINT", signal.SIGINT), ("SIGTERM", signal.SIGTERM)])
def signal_while_reading(number):
    began = time.time()
    r, s = signalled(number, taker, lambda s: time.time() - began > 0.5, hold=True)
    expect(r, 75, "TERN_E_CANCELLED")
    check(not s.peers, "nothing was sent", s.raw)


@case
def signal_in_the_body():
    def script(peer):
        peer.hello("PIPELINING")
        peer.envelope()
        peer.at = 1
        time.sleep(2)
        peer.drain(5)
    r, s = signalled(signal.SIGINT, script, lambda s: s.peers and hasattr(s.peers[0], "at"), b"S: x\n\n" + b"0123456789abcde\n" * 3000000)
    expect(r, 75, "TERN_E_CANCELLED", ["unsent"])
    check(not s.raw.endswith(b"\r\n.\r\n"), "no dot", s.raw[-10:])


@case
def signal_between_repeats():
    def script(peer):
        peer.hello("PIPELINING")
        peer.take()
        peer.want("MAIL")
        peer.at = 1
        peer.drain(20)
    r, s = signalled(signal.SIGINT, script, lambda s: s.peers and hasattr(s.peers[0], "at"), more=("--repeat", "3"))
    check(r.status == 75 and r.sent == 1 and r.outcomes == ["unsent"], "one was sent", r)


@case
def signal_while_connecting():
    with full_backlog() as url:
        p = subprocess.Popen([scripted.SEND, "--json", "--server", url, "--connect-timeout", "20"] + ["--from", "a@b.example", "c@d.example"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdin.write(MESSAGE)
        p.stdin.close()
        time.sleep(0.7)
        p.send_signal(signal.SIGINT)
        out = p.stdout.read()
        r = Result(p.wait(20), out, p.stderr.read(), 0)
        p.stdout.close()
        p.stderr.close()
    check(not faults(r, False) and r.status == 75 and r.error == "TERN_E_CANCELLED" and r.outcomes == ["unsent"], "cancelled", r)


# ---- the rest -----------------------------------------------------------------------------------------------------------
@case
def help_and_version():
    for option in ("--help", "--version"):
        p = subprocess.run([scripted.SEND, option], input=b"", capture_output=True)
        check(p.returncode == 0 and p.stdout and not p.stderr, option, p)
    with open(__file__.replace("hostile_options.py", "../../examples/tern-send/options.c")) as f:
        text = subprocess.run([scripted.SEND, "--help"], capture_output=True).stdout.decode()
        names = [line.split('"')[1] for line in f if line.startswith('    {"-') and "COMPOSING" not in line and "DIRECT" not in line]
    check(len(names) > 20, "options", names)
    for name in names:
        check(name in text, "help names " + name, text)


@case
def equals_form():
    with Scripted(taker) as s:
        r = run(["--server=smtp://127.0.0.1:%d?tls=none" % s.port, "--from=a=b@example.org", "--to=c=d@example.net", "--timeout=5", "--dsn=success", "--ehlo=h.example"])
    expect(r, 0, None, ["accepted"])
    check(b"<a=b@example.org>" in s.raw and b"<c=d@example.net>" in s.raw, "values", s.raw)


@case
def end_of_options():
    with Scripted(taker) as s:
        r = run(clear(s, to=("--", "-odd@example.net")))
    expect(r, 0, None, ["accepted"])
    check(b"<-odd@example.net>" in s.raw, "a recipient", s.raw)


@case
def options_behind_recipients():
    with Scripted(taker) as s:
        args = clear(s)
        r = run(["b@example.net"] + args[:-1])
    expect(r, 0, None, ["accepted"])


@case
def last_one_wins():
    with Scripted(taker) as s:
        r = run(["--server", "smtp://127.0.0.1:9", "--from", "x@y.example"] + clear(s))
    expect(r, 0, None, ["accepted"])
    check(b"<a@example.org>" in s.raw, "the last", s.raw)


@case
def without_json_and_trace():
    with Scripted(taker) as s:
        status, out, err = bare(clear(s))
    check((status, out, err) == (0, b"", b""), "silent", (status, out, err))
    status, out, err = bare(NOWHERE + ["c@d.example"])
    check(status == 75 and not out and b"tern-send: " in err, "words", (status, out, err))


@case
def trace_lines():
    with Scripted(taker) as s:
        status, out, err = bare(["--trace"] + clear(s))
    lines = err.decode().splitlines()
    check(status == 0 and all(line.startswith(("C: ", "S: ")) for line in lines), "only the dialogue", lines)
    check("C: EHLO client.example" in lines and "S: 220 hi" in lines and "C: QUIT" in lines and not any("Subject" in line for line in lines), "the dialogue", lines)


@case
def terminal_escapes_of_the_server():
    def script(peer):
        peer.hello("PIPELINING")
        peer.take(b"250 \x1b]0;owned\x07\x1b[2J ok")
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s))
    expect(r, 0, None, ["accepted"])
    check("\x1b" not in r.reply["text"], "harmless", r)


@case
def text_that_is_no_utf8():
    def script(peer):
        peer.hello("PIPELINING")
        peer.take(b"554 5.6.0 n\xe4mlich \xed\xa0\x80 \xc3\xa4 \xff\"\\ end")
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s))
    expect(r, 69, "TERN_E_CONTENT_REFUSED", ["rejected"])
    check("n\ufffdmlich" in r.reply["text"] and "\u00e4" in r.reply["text"] and '"\\ end' in r.reply["text"], "U+FFFD", r.reply)


@case
def many_lines_in_the_reply():
    def script(peer):
        peer.hello("PIPELINING")
        peer.take("\r\n".join(["554-5.6.0 line %d" % i for i in range(100)] + ["554 5.6.0 last"]))
        peer.quit()
    with Scripted(script) as s:
        r = run(clear(s))
    expect(r, 69, "TERN_E_CONTENT_REFUSED", ["rejected"])
    check("line 0\nline 1" in r.reply["text"] and "5.6.0" not in r.reply["text"] and r.reply["enhanced"] == "5.6.0", "text", r.reply)


@case
def same_recipient_twice():
    with Scripted(lambda p: (p.hello(), [(p.line(), p.say("250 ok")) for _ in range(3)], p.want("DATA"), p.say("354 go"), p.content(), p.say("250 ok"), p.quit())) as s:
        r = run(clear(s, to=("b@example.net", "b@example.net")))
    check(r.status == 0 and len(r.outcomes) in (1, 2), "as given", r)


@case
def no_such_composing():
    """What is not built in says so as a usage error, or is."""
    for args in (["--mx", "--resolver", "127.0.0.1:9", "--connect-timeout", "1"], ["--subject", "x"]):
        r = run(NOWHERE[2:] + args + ["c@d.example"], env={"TERN_SERVER": ""})
        check(r.status in (64, 68, 69, 75), "refused or done", r)
