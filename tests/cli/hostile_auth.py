"""hostile_auth.py - AUTH against servers that challenge wrongly, lie about themselves, or refuse, and the secrets in it."""
import base64
import hashlib
import hmac
import os
import time

import hostile_tls as tls
from scripted import Scripted, case, check, expect, run, table

USER, PASSWORD, TOKEN = "ann@example.org", "s3cret-Pa55", "ya29.t0ken-Abc"
SECRETS = [PASSWORD, base64.b64encode(PASSWORD.encode()).decode().rstrip("="),
           base64.b64encode(("\0%s\0%s" % (USER, PASSWORD)).encode()).decode(), TOKEN]
CONTEXT = tls.context()


def b64(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


def unb64(octets):
    return base64.b64decode(octets, validate=True).decode()


def login(s, *more, mech=None, token=False, env=None, timeout="10", **kw):
    """Runs tern-send with the credentials."""
    full = {} if token else {"TERN_PASSWORD": PASSWORD}
    full.update(env or {})
    file = ()
    if token:
        file = ("--token-file", tls.fresh(TOKEN.encode() + b"\n"))
    return run(tls.to(s, "--user", USER, *(("--auth", mech) if mech else ()), *file, *more, scheme="smtps", timeout=timeout),
               env=full, secrets=SECRETS, **kw)


def server(words, auth, rest=True):
    """A TLS server that offers words; auth plays AUTH; then a mail where that returns true."""
    def script(peer):
        peer.start_tls(CONTEXT)
        peer.hello("PIPELINING", *(["AUTH " + words] if words is not None else []))
        if auth(peer) and rest:
            peer.take()
            peer.quit()
        else:
            peer.drain(2)
    return script


def no_mail(s, r):
    check(b"MAIL FROM" not in s.raw, "no MAIL without AUTH", (r, s.raw))


# ---- mechanisms as they should be ---------------------------------------------------------------------
def plain(peer):
    line = peer.want("AUTH PLAIN ")
    ok = unb64(line[11:]) == "\0%s\0%s" % (USER, PASSWORD)
    peer.say("235 2.7.0 ok" if ok else "535 5.7.8 wrong")
    return ok


def auth_login(peer, prompts=("Username:", "Password:")):
    peer.want("AUTH LOGIN")
    peer.say(b"334 " + b64(prompts[0]))
    user = unb64(peer.line())
    peer.say(b"334 " + b64(prompts[1]))
    ok = (user, unb64(peer.line())) == (USER, PASSWORD)
    peer.say("235 ok" if ok else "535 wrong")
    return ok


def cram(peer):
    challenge = b"<1896.697170952@postoffice.example.net>"
    peer.want("AUTH CRAM-MD5")
    peer.say(b"334 " + b64(challenge))
    answer = unb64(peer.line())
    ok = answer == "%s %s" % (USER, hmac.new(PASSWORD.encode(), challenge, hashlib.md5).hexdigest())
    peer.say("235 ok" if ok else "535 wrong")
    return ok


def xoauth2(peer):
    line = peer.want("AUTH XOAUTH2 ")
    ok = unb64(line[13:]) == "user=%s\x01auth=Bearer %s\x01\x01" % (USER, TOKEN)
    peer.say("235 ok" if ok else "535 wrong")
    return ok


def oauthbearer(peer):
    line = peer.want("AUTH OAUTHBEARER ")
    text = unb64(line[17:])
    ok = text.startswith("n,a=%s,\x01" % USER) and "\x01auth=Bearer %s\x01\x01" % TOKEN in text
    peer.say("235 ok" if ok else "535 wrong")
    return ok


class Scram:
    """The server's side of RFC 5802, with faults by name."""

    def __init__(self, name="SCRAM-SHA-256", fault="", iterations="4096", salt=b"salty-salt-0123"):
        self.name, self.fault, self.iterations, self.salt = name, fault, iterations, salt
        self.hash = "sha1" if name.endswith("SHA-1") else "sha256"

    def __call__(self, peer):
        line = peer.want("AUTH " + self.name)
        first = unb64(line[len("AUTH " + self.name) + 1:])
        bare = first[first.index("n="):]
        nonce = bare.split(",r=")[1]
        header = first[:first.index("n=")]
        # "y": over TLS the client could bind to the channel, which is not offered here
        assert header in ("n,,", "y,,"), first
        server_first = "r=%s,s=%s,i=%s" % (nonce + "srv", b64(self.salt).decode(), self.iterations)
        changed = {
            "nonce": "r=%s,s=%s,i=4096" % ("xxxx" + nonce, b64(self.salt).decode()),
            "nonce alone": "r=%s,s=%s,i=4096" % (nonce, b64(self.salt).decode()),
            "no nonce": "s=%s,i=4096" % b64(self.salt).decode(),
            "no salt": "r=%ssrv,i=4096" % nonce,
            "empty salt": "r=%ssrv,s=,i=4096" % nonce,
            "salt no base64": "r=%ssrv,s=!!!,i=4096" % nonce,
            "no iterations": "r=%ssrv,s=%s" % (nonce, b64(self.salt).decode()),
            "extension m=": "m=x,r=%ssrv,s=%s,i=4096" % (nonce, b64(self.salt).decode()),
            "empty": "",
            "rubbish": "hello",
            "NUL": server_first.replace("srv", "s\0v"),
            "order": "i=4096,s=%s,r=%ssrv" % (b64(self.salt).decode(), nonce),
            "error first": "e=unknown-user",
        }.get(self.fault, server_first)
        peer.say(b"334 " + b64(changed))
        final = peer.line()
        if final == b"*":
            peer.say("501 5.7.0 cancelled")
            return False
        if not final:
            peer.say("535 no")
            return False
        final = unb64(final)
        without, proof = final.rsplit(",p=", 1)
        assert without.startswith("c=%s," % b64(header).decode()), without
        salted = hashlib.pbkdf2_hmac(self.hash, PASSWORD.encode(), self.salt, int(self.iterations))
        key = hmac.new(salted, b"Client Key", self.hash).digest()
        message = ",".join((bare, server_first, without)).encode()
        stored = hashlib.new(self.hash, key).digest()
        signature = hmac.new(stored, message, self.hash).digest()
        if bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature)) != key:
            peer.say("535 5.7.8 wrong proof")
            return False
        mine = hmac.new(hmac.new(salted, b"Server Key", self.hash).digest(), message, self.hash).digest()
        if self.fault == "no signature":
            peer.say("235 ok")
            return False
        text = {"signature": b"v=" + b64(bytes(len(mine))), "signature cut": b"v=" + b64(mine[:-1]), "signature empty": b"v=",
                "final error": b"e=other-error", "final rubbish": b"hello"}.get(self.fault, b"v=" + b64(mine))
        if self.fault == "in 235":
            peer.say(b"235 " + b64(text))
            return True
        peer.say(b"334 " + b64(text))
        answer = peer.line()
        if answer == b"*":
            peer.say("501 cancelled")
            return False
        peer.say("235 ok")
        return True


@table("mechanism", [("PLAIN", "PLAIN", plain, False), ("LOGIN", "LOGIN", auth_login, False), ("CRAM-MD5", "CRAM-MD5", cram, False),
                     ("SCRAM-SHA-1", "SCRAM-SHA-1", Scram("SCRAM-SHA-1"), False), ("SCRAM-SHA-256", "SCRAM-SHA-256", Scram(), False),
                     ("XOAUTH2", "XOAUTH2", xoauth2, True), ("OAUTHBEARER", "OAUTHBEARER", oauthbearer, True),
                     ("SCRAM in 235", "SCRAM-SHA-256", Scram(fault="in 235"), False),
                     ("one iteration", "SCRAM-SHA-256", Scram(iterations="4097"), False)])
def mechanism(words, auth, token):
    for named in (None, words, words.lower()):
        with Scripted(server(words, auth)) as s:
            r = login(s, mech=named, token=token)
        if auth.__class__ is Scram and auth.fault == "in 235":
            check(r.status in (0, 77), "a proof in the 235", r)
            continue
        expect(r, 0, None, ["accepted"])
        check(not s.odd, "odd", s.odd)


@table("wrong password", [("PLAIN", "PLAIN", plain), ("LOGIN", "LOGIN", auth_login), ("CRAM-MD5", "CRAM-MD5", cram),
                          ("SCRAM-SHA-1", "SCRAM-SHA-1", Scram("SCRAM-SHA-1")), ("SCRAM-SHA-256", "SCRAM-SHA-256", Scram())])
def wrong_password(words, auth):
    with Scripted(server(words, auth)) as s:
        r = run(tls.to(s, "--user", USER, scheme="smtps"), env={"TERN_PASSWORD": "wr0ng-one"}, secrets=["wr0ng-one"])
    expect(r, 77, "TERN_E_AUTH_REFUSED", ["unsent"], "auth")
    no_mail(s, r)


SCRAM_FAULTS = ["nonce", "nonce alone", "no nonce", "no salt", "empty salt", "salt no base64", "no iterations", "extension m=", "empty",
                "rubbish", "NUL", "order", "error first"]


@table("SCRAM challenge", [(f, f) for f in SCRAM_FAULTS])
def scram_challenge(fault):
    for name in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
        with Scripted(server(name, Scram(name, fault))) as s:
            r = login(s)
        check(r.status in (76, 77) and r.outcomes == ["unsent"] and r.phase == "auth", "refused", r)
        no_mail(s, r)


@table("SCRAM proof", [(f, f) for f in ("signature", "signature cut", "signature empty", "final error", "final rubbish", "no signature")])
def scram_proof(fault):
    for name in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
        # PLAIN is offered too: a server that cannot prove itself must not get the password by it
        with Scripted(server(name + " PLAIN LOGIN", Scram(name, fault))) as s:
            r = login(s)
        check(r.status in (76, 77) and r.error in ("TERN_E_AUTH_PROOF", "TERN_E_AUTH_CHALLENGE") and r.outcomes == ["unsent"], "refused", r)
        no_mail(s, r)
        check(b"AUTH PLAIN" not in s.raw and b"AUTH LOGIN" not in s.raw, "no weaker mechanism", s.raw)


@table("SCRAM iterations", [(i[:12], i) for i in ("0", "-1", "1000000000", "99999999999999999999", "4096x", "", " 4096", "0x10", "1e9")])
def scram_iterations(count):
    began = time.time()
    with Scripted(server("SCRAM-SHA-256", Scram(iterations=count))) as s:
        r = login(s)
    check(r.status in (76, 77) and r.outcomes == ["unsent"] and r.phase == "auth", "refused", r)
    check(time.time() - began < 15, "bounded", r)
    no_mail(s, r)


# ---- challenges -----------------------------------------------------------------------------------------
CHALLENGES = {
    "no base64": b"334 !!!!", "odd length": b"334 abcde", "a NUL": b"334 AA\0A", "8-bit": b"334 \xff\xfe", "empty": b"334", "a blank": b"334 ",
    "huge": b"334 " + b"A" * 2040, "two lines": b"334-AAAA\r\n334 AAAA", "decodes to controls": b"334 " + b64(b"\0\r\n\x01"),
    "padding in between": b"334 QQ==QQ==", "words": b"334 go on please",
}


@table("challenge", [("%s %s" % (m, k), m, v) for k, v in CHALLENGES.items() for m in ("CRAM-MD5", "SCRAM-SHA-256", "LOGIN", "PLAIN", "XOAUTH2")])
def challenge(name, octets):
    def auth(peer):
        peer.want("AUTH " + name)
        peer.say(octets)
        for _ in range(40):
            if peer.line() == b"*":
                peer.say("501 5.5.2 cancelled")
                break
            peer.say(octets)
        return False
    with Scripted(server(name, auth)) as s:
        r = login(s, token=name == "XOAUTH2")
    check(r.status in (76, 77) and r.outcomes == ["unsent"] and r.phase == "auth", "refused", r)
    check(not s.odd and len(s.raw) < 20000, "bounded", (s.odd, len(s.raw)))
    no_mail(s, r)


@table("334 for ever", [(m, m) for m in ("CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-1", "LOGIN", "PLAIN", "XOAUTH2", "OAUTHBEARER")])
def for_ever(name):
    def auth(peer):
        peer.want("AUTH " + name)
        for _ in range(1000):
            peer.say(b"334 " + b64("Username:"))
            if peer.line() == b"*":
                peer.say("334 AAAA")
        return False
    with Scripted(server(name, auth)) as s:
        r = login(s, token="OAUTH" in name)
    check(r.status in (76, 77) and r.outcomes == ["unsent"], "refused", r)
    check(len(s.lines) < 60, "bounded", len(s.lines))
    no_mail(s, r)


@table("235 too early", [("CRAM-MD5", "CRAM-MD5"), ("LOGIN", "LOGIN"), ("SCRAM-SHA-256", "SCRAM-SHA-256")])
def success_early(name):
    def auth(peer):
        peer.want("AUTH " + name)
        peer.say("235 2.7.0 welcome")
        return False
    with Scripted(server(name, auth)) as s:
        r = login(s)
    check(r.status in (76, 77) and r.outcomes == ["unsent"], "no success without the exchange", r)
    no_mail(s, r)


@table("success doubled", [("235 235", b"235 ok\r\n235 ok\r\n"), ("235 250", b"235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")])
def success_doubled(octets):
    def auth(peer):
        peer.want("AUTH PLAIN")
        peer.put(octets)
        return False
    with Scripted(server("PLAIN", auth)) as s:
        r = login(s)
    expect(r, 76, "TERN_E_REPLY_UNEXPECTED", ["unsent"])
    check(b"Subject" not in s.raw, "no content", s.raw)


REPLIES = [("535", "535 5.7.8 no", 77, "TERN_E_AUTH_REFUSED"), ("534", "534 5.7.9 weak", 77, "TERN_E_AUTH_TOO_WEAK"),
           ("538", "538 5.7.11 encrypt", 77, "TERN_E_ENCRYPTION_NEEDED"), ("504", "504 5.5.4 unknown", 77, False),
           ("500", "500 5.5.6 long", 77, "TERN_E_AUTH_EXCHANGE"), ("501", "501 5.5.2 base64", 77, "TERN_E_AUTH_EXCHANGE"),
           ("502", "502 no", 77, "TERN_E_AUTH_EXCHANGE"), ("503", "503 sequence", 77, "TERN_E_AUTH_EXCHANGE"),
           ("454", "454 4.7.0 later", 75, "TERN_E_AUTH_TRANSIENT"), ("432", "432 4.7.12 transition", 75, "TERN_E_AUTH_TRANSITION"),
           ("421", "421 4.3.2 bye", 75, "TERN_E_SERVICE_UNAVAILABLE"), ("354", "354 what", 76, "TERN_E_REPLY_UNEXPECTED"),
           ("garbage", "what", 76, "TERN_E_REPLY_SYNTAX"), ("554", "554 5.7.0 many", 77, "TERN_E_AUTH_EXCHANGE"),
           ("550", "550 5.7.1 no", 77, "TERN_E_AUTH_EXCHANGE")]


@table("AUTH refused", REPLIES)
def auth_refused(reply, status, error):
    for more in ((), ("--auth", "PLAIN")):
        def auth(peer):
            peer.want("AUTH PLAIN")
            peer.say(reply)
            return False
        with Scripted(server("PLAIN", auth)) as s:
            r = login(s, *more)
        expect(r, status, error, ["unsent"], "auth")
        no_mail(s, r)


# ---- choice -----------------------------------------------------------------------------------------------
@case
def strongest_first_and_the_next():
    tried = []

    def auth(peer):
        for _ in range(5):
            line = peer.want("AUTH")
            name = line.split()[1].decode()
            tried.append(name)
            if name == "PLAIN":
                peer.say("235 ok")
                return True
            peer.say("504 5.5.4 not really")
    with Scripted(server("LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 GSSAPI NTLM DIGEST-MD5", auth)) as s:
        r = login(s)
    expect(r, 0, None, ["accepted"])
    check(tried == ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN"], "order", tried)


@case
def named_is_obeyed():
    def auth(peer):
        if not peer.want("AUTH").startswith(b"AUTH CRAM-MD5"):
            peer.error = "another mechanism"
        peer.say("535 no")
        return False
    with Scripted(server("PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", auth)) as s:
        r = login(s, mech="CRAM-MD5")
    expect(r, 77, "TERN_E_AUTH_REFUSED", ["unsent"])
    check(not s.odd and s.raw.count(b"AUTH ") == 1, "no other", s.raw)


@table("not usable", [("no AUTH", None, False, None), ("AUTH without mechanisms", "", False, None), ("unknown ones", "GSSAPI NTLM", False, None),
                      ("token, passwords offered", "PLAIN LOGIN SCRAM-SHA-256", True, None),
                      ("password, tokens offered", "XOAUTH2 OAUTHBEARER", False, None), ("named, not offered", "LOGIN", False, "PLAIN"),
                      ("EXTERNAL alone", "EXTERNAL", False, None), ("like PLAIN", "PLAINX XPLAIN PLAIN2", False, None)])
def not_usable(words, token, mech):
    with Scripted(server(words, lambda peer: False)) as s:
        r = login(s, token=token, mech=mech)
    expect(r, 77, "TERN_E_AUTH_NO_MECHANISM", ["unsent"], "auth")
    check(b"AUTH" not in s.raw, "nothing tried", s.raw)
    no_mail(s, r)


@case
def mechanism_in_old_form_and_case():
    with Scripted(server(None, plain)) as s:
        s.scripts[0] = lambda peer: (peer.start_tls(CONTEXT), peer.hello("auth=login plain"), plain(peer), peer.want("MAIL"), peer.close())
        r = login(s)
    check(b"AUTH PLAIN" in s.raw, "understood", r)


@table("OAuth error", [("json", b'{"status":"401","schemes":"Bearer","scope":"https://mail.example/"}'), ("empty", b""),
                       ("the token in it", b'{"status":"400","token":"' + TOKEN.encode() + b'"}'), ("controls", b"\x1b[31m\x07\0{}"),
                       ("huge", b'{"x":"' + b"y" * 1400 + b'"}'), ("quotes", b'{"a":"\\"","b":"\\u0000"}')])
def oauth_error(text):
    for name in ("XOAUTH2", "OAUTHBEARER"):
        def auth(peer):
            peer.want("AUTH " + name)
            peer.say(b"334 " + b64(text))
            check_line = peer.line()
            if name == "OAUTHBEARER" and check_line not in (b"AQ==", b"*") or name == "XOAUTH2" and check_line not in (b"", b"AQ==", b"*"):
                peer.error = "answered %r" % check_line
            peer.say("535 5.7.8 no")
            return False
        with Scripted(server(name, auth)) as s:
            r = login(s, token=True)
        check(r.status in (76, 77) and r.outcomes == ["unsent"] and not s.odd, "refused", (r, s.odd))
        if text.startswith(b'{"status":"401"'):
            expect(r, 77, "TERN_E_AUTH_REFUSED", ["unsent"])
            check(b"mail.example" in r.out + r.err, "the reason reaches the caller", r)
        no_mail(s, r)


@case
def secrets_said_back():
    """A server that repeats what it was told, decoded and not."""
    def auth(peer):
        line = peer.want("AUTH PLAIN ")
        raw = line[11:]
        peer.say(b"535-5.7.8 " + line, b"535-" + base64.b64decode(raw).replace(b"\0", b" "), b"535-" + raw, b"535 pass=" + PASSWORD.encode())
        return False
    with Scripted(server("PLAIN", auth)) as s:
        r = login(s)
    expect(r, 77, "TERN_E_AUTH_REFUSED", ["unsent"])


@case
def secrets_said_back_later():
    """In the replies to MAIL and after the content."""
    def auth(peer):
        line = peer.want("AUTH PLAIN ")
        peer.say("235 ok")
        peer.want("MAIL")
        peer.want("RCPT")
        peer.want("DATA")
        peer.say(b"250 " + line, "250 ok", "354 go")
        peer.content()
        peer.say(b"550-5.7.1 " + line[11:], b"550 5.7.1 " + PASSWORD.encode())
        return False
    with Scripted(server("PLAIN", auth)) as s:
        r = login(s)
    expect(r, 69, "TERN_E_POLICY", ["rejected"])


@case
def long_token_is_streamed():
    token = "t" * 9000

    def auth(peer):
        peer.want("AUTH XOAUTH2")
        peer.say("334 ")
        line = peer.line()
        ok = unb64(line) == "user=%s\x01auth=Bearer %s\x01\x01" % (USER, token)
        peer.say("235 ok" if ok else "535 no")
        return ok
    with Scripted(server("XOAUTH2", auth)) as s:
        r = run(tls.to(s, "--user", USER, "--token-file", tls.fresh(token.encode()), scheme="smtps"), secrets=[token])
    expect(r, 0, None, ["accepted"])


@case
def token_too_long():
    with Scripted(server("XOAUTH2", lambda peer: False)) as s:
        r = run(tls.to(s, "--user", USER, "--token-file", tls.fresh(b"t" * 20000), scheme="smtps"))
    check(r.status in (77, 78) and r.outcomes == ["unsent"], "refused", r)
    no_mail(s, r)


@table("user", [("with a blank", "a b"), ("UTF-8", "j\u00f6rg"), ("SOH", "a\x01b")])
def odd_user(user):
    def auth(peer):
        peer.want("AUTH PLAIN")
        peer.say("235 ok")
        return True
    with Scripted(server("PLAIN", auth)) as s:
        r = run(tls.to(s, "--user", user, scheme="smtps"), env={"TERN_PASSWORD": PASSWORD})
    check(r.status in (0, 77, 78), "answered", r)


@table("SOH in OAuth user", [("XOAUTH2", "XOAUTH2"), ("OAUTHBEARER", "OAUTHBEARER")])
def soh_in_user(name):
    with Scripted(server(name, lambda peer: False)) as s:
        r = run(tls.to(s, "--user", "a\x01auth=Bearer x", "--token-file", tls.fresh(b"tok"), scheme="smtps"))
    check(r.status in (77, 78) and b"AUTH" not in s.raw, "refused", (r, s.raw))
    no_mail(s, r)


@case
def non_ascii_password_is_prepared():
    """SASLprep: U+2168 becomes IX, a soft hyphen vanishes (RFC 4013 3)."""
    def auth(peer):
        line = peer.want("AUTH PLAIN ")
        ok = unb64(line[11:]) == "\0user\0IX"
        peer.say("235 ok" if ok else "535 no")
        return ok
    with Scripted(server("PLAIN", auth)) as s:
        r = run(tls.to(s, "--user", "user", scheme="smtps"), env={"TERN_PASSWORD": "I\u00adX"})
    expect(r, 0, None, ["accepted"])


@case
def password_that_cannot_be_prepared():
    with Scripted(server("PLAIN", lambda peer: False)) as s:
        r = run(tls.to(s, "--user", "user", scheme="smtps"), env={"TERN_PASSWORD": "a\u0007\u00e4"})
    check(r.status in (77, 78), "refused", r)
    no_mail(s, r)


# ---- secrets in files and elsewhere -----------------------------------------------------------------------
def file_case(octets):
    where = tls.fresh(octets)

    def auth(peer):
        line = peer.want("AUTH PLAIN")[11:]
        if not line:
            peer.say("334 ")
            line = peer.line()
        peer.got = unb64(line).split("\0")[2]
        peer.say("235 ok")
        return True
    with Scripted(server("PLAIN", auth)) as s:
        r = run(tls.to(s, "--user", USER, "--password-file", where, scheme="smtps"))
    return r, s


@table("password file", [("LF", b"pass word\n", "pass word"), ("CRLF", b"pass word\r\n", "pass word"), ("no line end", b"pass word", "pass word"),
                         ("blanks kept", b"  pass \t\n", "  pass \t"), ("long", b"x" * 5000 + b"\n", "x" * 5000)])
def password_file(octets, want):
    r, s = file_case(octets)
    expect(r, 0, None, ["accepted"])
    check(s.peers[0].got == want, "password", s.peers[0].got)


@table("bad password file", [("empty", b""), ("LF alone", b"\n"), ("CRLF alone", b"\r\n"), ("two lines", b"a\nb\n"), ("NUL", b"a\0b\n"),
                             ("NUL at the end", b"a\0"), ("NUL first", b"\0a"), ("huge", b"x" * 200000), ("empty line behind", b"a\n\n"), ("CR inside", b"a\rb\n")])
def bad_password_file(octets):
    r, s = file_case(octets)
    check(r.status == 78, "refused", r)
    check(not s.peers, "nothing was sent", s.peers)


@table("no password file", [("missing", "/nonexistent/x"), ("a folder", "/tmp"), ("endless", "/dev/zero"), ("empty name", "")])
def no_password_file(where):
    for option in ("--password-file", "--token-file"):
        with Scripted(server("PLAIN", lambda peer: False)) as s:
            r = run(tls.to(s, "--user", USER, option, where, scheme="smtps"))
        check(r.status in (78,) if where else r.status in (64, 78), "refused", r)
        check(not s.peers, "nothing was sent", s.peers)


@case
def unreadable_password_file():
    where = tls.fresh(b"x\n")
    os.chmod(where, 0)
    if os.access(where, os.R_OK):  # root reads everything
        check(True, "")
        return
    r = run(["--server", "smtps://127.0.0.1:9", "--user", "u", "--password-file", where, "--from", "a@b.c", "d@e.f"])
    check(r.status == 78, "refused", r)


@table("URL", [("user and password", "ann%40example.org:s3cret-Pa55@", {}, 0), ("percent in the password", "u:p%25%3A%40%2F@", {}, 0),
               ("user, password elsewhere", "ann@", {"TERN_PASSWORD": "s3cret-Pa55"}, 0), ("user alone", "ann@", {}, 78)])
def url_login(userinfo, env, status):
    def auth(peer):
        line = peer.want("AUTH PLAIN ")
        peer.got = unb64(line[11:]).split("\0")
        peer.say("235 ok")
        return True
    with Scripted(server("PLAIN", auth)) as s:
        args = tls.to(s, scheme="smtps")
        args[1] = args[1].replace("://", "://" + userinfo)
        r = run(args, env=env, secrets=["s3cret-Pa55", "p%25%3A"])
    check(r.status == status, "login by URL", r)
    if status:
        check(not s.peers, "nothing was sent", s.peers)
    elif "s3cret" in userinfo or env:
        check(s.peers[0].got[2] == "s3cret-Pa55", "password", s.peers[0].got)
        check(s.peers[0].got[1] == ("ann@example.org" if "%40example" in userinfo else "ann"), "user", s.peers[0].got)
    else:
        check(s.peers[0].got == ["", "u", "p%:@/"], "decoded", s.peers[0].got)
    if ":" in userinfo:
        check(b"warning" in r.err, "a warning", r)


@table("incomplete", [("user alone", ("--user", "u"), {}), ("TERN_USER alone", (), {"TERN_USER": "u"}),
                      ("password alone", (), {"TERN_PASSWORD": "x1234567"}), ("token alone", ("--token-file", None), {}),
                      ("--auth alone", ("--auth", "PLAIN"), {})])
def incomplete(more, env):
    more = tuple(tls.fresh(b"tok\n") if m is None else m for m in more)
    with Scripted(server("PLAIN XOAUTH2", lambda peer: False)) as s:
        r = run(tls.to(s, *more, scheme="smtps"), env=env)
    check(r.status == 78, "credentials that were given but cannot be used", r)
    no_mail(s, r)


@case
def external():
    c = tls.context(client_ca="ca.crt")

    def script(peer):
        peer.start_tls(c)
        peer.hello("AUTH EXTERNAL PLAIN", "PIPELINING")
        if peer.want("AUTH EXTERNAL") != b"AUTH EXTERNAL =":
            peer.error = "an initial response of %r" % peer.lines[-1]
        peer.say("235 ok")
        peer.take()
        peer.quit()
    with Scripted(script) as s:
        r = run(tls.to(s, "--auth", "EXTERNAL", "--cert", tls.path("client.crt"), "--key", tls.path("client.key"), scheme="smtps"))
    expect(r, 0, None, ["accepted"])
    check(not s.odd, "odd", s.odd)
