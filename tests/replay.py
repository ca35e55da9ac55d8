#!/usr/bin/env python3
"""Feeds a transcript that `tern-send --trace` wrote to the engine again, with the server's lines as they are in it, and prints
what becomes of each recipient.

Usage: replay.py DIALOGUE-TEST TRACE [SAVE]     the trace is the whole of tern-send's stderr; SAVE gets a dialogue file, with the
                                                results as expectations: a user's report as a test (script/README.md)
       replay.py DIALOGUE-TEST --all DIRECTORY  each dialogue below it is traced and replayed, and must end alike

What a trace does not have is made up: content (of the same length), secrets, the handshake's result. Exchanges of SCRAM and CRAM-MD5
depend on nonces that are not in it: they become PLAIN with the same last reply. Refused with a reason (exit 2): two connections in
one trace, content that was cut, recipients that a limit put off.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

STATIC = {"PLAIN": "user=user password=secret", "LOGIN": "user=user password=secret", "XOAUTH2": "user=user token=secret",
          "OAUTHBEARER": "user=user token=secret", "EXTERNAL": "external"}
NONCES = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5")
# Dialogues of script/ whose end comes from what no line says: the moment of a reply, a limit on octets, a setting. One that is got
# right must leave the list.
UNTOLD = {"auth/plain-long", "auth/xoauth2-refresh", "bdat/502", "data/421-in-content", "eager/452", "eager/cap", "eager/rcptmax",
"in-doubt/before-dot", "limits/452-all-or-none", "mail/refused-next", "pipelining/cap",
          "pipelining/early-refusal", "rcpt/all-or-none", "reply-grammar/long-text", "window/chunk-unknown"}
BROKEN = ("REPLY_SYNTAX", "REPLY_LENGTH", "REPLY_CODES", "REPLY_UNEXPECTED", "TLS_UNEXPECTED", "TLS_INJECTION", "AUTH_CHALLENGE", "CANCELLED")
UNSAID = ("CLEARTEXT", "CREDENTIALS", "AUTH_NO_MECHANISM", "AUTH_PROOF", "RANDOM", "BUFFER", "ARGUMENT")


class Cannot(Exception):
    pass


def escape(text):
    return text.replace("\\", "\\\\").replace("{", "\\{")


def path_and_rest(text):
    """The path between angle brackets, a quoted local part minded, and what follows."""
    quoted, i = False, 0
    while i < len(text):
        if text[i] == "\\" and quoted:
            i += 1
        elif text[i] == '"':
            quoted = not quoted
        elif text[i] == ">" and not quoted:
            return text[:i], text[i + 1:].strip()
        i += 1
    raise Cannot("a path without its end")


class Mail:
    def __init__(self, path, params):
        self.path, self.params = path, params
        self.rcpts, self.length, self.names = [], None, {}
        self.known = self.by_data = self.refused_chunk = self.apart = False  # apart: DATA left after the replies to RCPT


class Replay:
    """One session: the lines of the trace become settings, mails and items."""

    def __init__(self, trace):
        self.settings, self.items, self.mails = {}, [], []
        self.owed = []          # what was asked and not answered
        self.offered, self.code = "", None
        self.starting = self.auth = self.collapsed = self.waits_for_content = False
        self.quit = False
        self.status = None
        self.answers = {}       # the reply to each recipient's RCPT
        self.used = set()
        for line in trace.split("\n"):
            if line.startswith("C: "):
                self.client(line[3:])
            elif line.startswith("S: "):
                self.server(line[3:])
            elif line.startswith("tern-send: TERN_E_") and self.status is None:
                self.status = re.match(r"\w+", line[11:]).group()
        self.end()

    def item(self, line):
        self.items.append(line)

    # ---- the client's lines
    def client(self, line):
        verb = line.split(" ", 1)[0].upper()
        if self.starting:
            self.item("TLS")
            self.starting = False
            self.settings["tls"] = "required"
        content = re.match(r"\[content, (\d+) octets\]$", line)
        if content:
            self.content(int(content.group(1)))
        elif line.startswith("***") or self.auth and self.owed == [] and verb not in ("AUTH", "QUIT", "MAIL"):
            self.response(line)
        elif verb in ("EHLO", "LHLO", "HELO"):
            self.hello(verb, line)
        elif verb == "AUTH":
            self.authenticate(line)
        elif line.upper().startswith("MAIL FROM:<"):
            self.mail(line)
        elif line.upper().startswith("RCPT TO:<"):
            self.rcpt(line)
        elif verb == "BDAT":
            self.bdat = line
            self.ahead()
        elif line == ".":
            if not self.waits_for_content:
                self.item("C: .")
                self.owed.append("END")
            self.waits_for_content = False
        else:
            if verb in ("NOOP", "VRFY"):
                self.item("> " + line[:4].lower() + escape(line[4:]))
                self.settings["quit"] = "no"
            if verb == "QUIT":
                self.quit = True
                if self.owed and self.settings.get("quit") != "no":
                    self.settings["quit"] = "early"
                if self.settings.get("quit") == "no":
                    self.item("> quit")
            if verb == "DATA":
                self.current.by_data = True
                self.current.apart = "RCPT" not in self.owed
            self.item("C: " + escape(line))
            self.owed.append(verb)

    def ahead(self):
        if {"MAIL", "RCPT"} & set(self.owed):
            self.settings["eager"] = ""

    def hello(self, verb, line):
        name = line.split(" ", 1)[1]
        self.settings["ehlo"] = escape(name)
        if verb == "LHLO":
            self.settings["lmtp"] = ""
        self.offered = ""
        self.item("C: " + escape(line))
        self.owed.append("EHLO")

    def authenticate(self, line):
        mechanism = line.split(" ")[1]
        if self.settings.get("auth") and self.mechanism != mechanism:
            raise Cannot("two mechanisms were tried")
        self.mechanism = mechanism
        self.collapsed = mechanism in NONCES
        name = "PLAIN" if self.collapsed else mechanism
        if name not in STATIC:
            raise Cannot("mechanism " + mechanism)
        self.settings["auth"] = "mechanism=%s %s" % (name, STATIC[name])
        self.settings["channel-safe"] = ""
        if self.collapsed:
            self.items = [i.replace("AUTH ", "AUTH PLAIN ", 1) if re.match(r"S: 250[ -]AUTH ", i) else i for i in self.items]
        self.item("C?: AUTH " + name)
        self.owed.append("AUTH")
        self.auth = True

    def response(self, line):
        if not self.collapsed:
            self.item("C?: ")
        self.owed.append("AUTH")

    def mail(self, line):
        path, params = path_and_rest(line[11:])
        if self.owed and self.owed[-1] in ("END", "RSET"):
            self.settings["window"] = "8"
        self.next_mail = Mail(path, params)
        self.mail_at = len(self.items)
        self.line = line
        self.item(None)         # once it is known whether it is a further round of the mail before
        self.owed.append("MAIL")

    def begin_mail(self, path):
        """The first recipient tells whether the transaction is a further round of the mail before."""
        new, self.next_mail = self.next_mail, None
        before = self.mails[-1] if self.mails else None
        again = before and path in before.names and before.path == new.path
        if again and (self.answers.get(before.names[path], "").startswith(("452", "552")) or before.refused_chunk):
            mail = before
        else:
            mail = new
            self.mails.append(mail)
        self.items[self.mail_at] = "C~: " + escape(self.line)
        return mail

    def rcpt(self, line):
        path, params = path_and_rest(line[9:])
        if self.next_mail is not None:
            self.current = self.begin_mail(path)
        mail = self.current
        if path not in mail.names:
            name = path
            while name in self.used:   # addresses of the mails of one file must differ
                name = "r-" + name
            mail.names[path] = name
            mail.rcpts.append((name, params))
            self.used.add(name)
        self.item("C: RCPT TO:<%s>%s" % (escape(mail.names[path]), " " + escape(params) if params else ""))
        self.owed.append("RCPT")
        self.asked = getattr(self, "asked", [])
        self.asked.append(mail.names[path])

    def content(self, length):
        mail = self.current
        chunk = getattr(self, "bdat", None)
        size = re.search(r"\bSIZE=(\d+)", mail.params)
        mail.length = length if chunk else int(size.group(1)) if size else length
        mail.known = bool(chunk or size)
        self.item(("CHUNK %d" if chunk else "CONTENT %d") % (self.mails.index(mail) + 1))
        self.bdat = None
        self.waits_for_content = not chunk
        self.owed.append("END")

    # ---- the server's
    def server(self, line):
        if self.collapsed and self.owed == ["AUTH"] and line.startswith("334"):
            self.owed.pop()
            return
        self.item("S: " + escape(line))
        code = line[:3]
        if line[3:4] == "-":
            self.keep_offer(line)
            return
        self.keep_offer(line)
        what = self.owed.pop(0) if self.owed else None
        if what is None and self.items != ["S: " + escape(line)] and code == "220" and any(i.startswith("C") for i in self.items if i):
            raise Cannot("two connections")
        if what == "STARTTLS" and code[0] == "2":
            self.starting = True
        if what == "RCPT":
            self.answers[self.asked.pop(0)] = line
        if what == "STARTTLS" and code[0] != "2":
            self.settings["tls"] = "opportunistic"
        if what == "END":
            self.current.refused_chunk = not self.current.by_data and code in ("500", "502")
        if what == "AUTH" and code[0] != "3":
            self.auth = False
        if what == "END" and code == "353":
            n = sum(self.answers.get(name, "").startswith("2") for name, _ in self.current.rcpts)
            self.owed[:0] = ["END"] * (n + 1)
        if what == "END" and "lmtp" in self.settings and not getattr(self, "of_lmtp", 0):
            self.of_lmtp = sum(self.answers.get(name, "").startswith("2") for name, _ in self.current.rcpts)
            self.owed[:0] = ["END"] * (self.of_lmtp - 1)
        if what == "END" and "lmtp" in self.settings:
            self.of_lmtp -= 1

    def keep_offer(self, line):
        if self.owed[:1] == ["EHLO"]:
            self.offered += line[4:].upper() + "\n"

    # ---- the end
    def end(self):
        if getattr(self, "next_mail", None) is not None:
            raise Cannot("a mail whose recipients are not in it")
        name = (self.status or "")[7:]
        if name in BROKEN:
            raise Cannot("what broke the protocol is not in it")
        if name in UNSAID:
            raise Cannot("it failed before anything was sent")
        if not self.items:
            raise Cannot("nothing was said")
        if name == "TLS_NOT_OFFERED":
            self.settings["tls"] = "required"
            self.settings["mask"] = "STARTTLS"
        if self.rset_alone():
            raise Cannot("a mail that was never begun")
        if getattr(self, "bdat", None):
            raise Cannot("content that was cut")
        last = [i for i in self.items if i and i[0] in "CS"][-1:] or [""]
        if last[0] == "S: 354" or last[0].startswith("S: 354 ") and not self.owed:
            raise Cannot("content that was cut")
        if self.starting:
            self.item("TLS: " + (self.status or "TERN_E_TLS_HANDSHAKE"))
            self.settings["tls"] = "required"
        elif self.owed or self.status and not self.quit:
            self.item("MAY-END")
            self.item("TIMEOUT" if self.status == "TERN_E_TIMEOUT" else "CLOSE" + (": TERN_E_IO" if self.status == "TERN_E_IO" else ""))
        if not self.quit:
            self.settings["quit"] = "no"
        if "PIPELINING" in self.offered and self.lock_step():
            self.settings["mask"] = "PIPELINING"
        if self.settings.get("tls") == "opportunistic" and not self.mails:
            self.settings["tls"] = "required"
        if "CHUNKING" in self.offered and any(m.by_data and m.known and not m.refused_chunk for m in self.mails) and not any(
                i and i.startswith("CHUNK") for i in self.items):
            self.settings["mask"] = (self.settings.get("mask", "") + " CHUNKING").strip()
        for m in self.mails:
            groups = "PIPELINING" in self.offered and "PIPELINING" not in self.settings.get("mask", "")
            chunks = "CHUNKING" in self.offered and "CHUNKING" not in self.settings.get("mask", "")
            if chunks and not m.by_data:
                m.known = True
            m.all_or_none = groups and (m.apart or not m.by_data and not chunks)
        if any("REQUIRETLS" in m.params.split() for m in self.mails) and self.settings.get("tls") != "required":
            self.settings["tls"] = "implicit"
            self.items.insert(0, "TLS")

    def rset_alone(self):
        """RSET that no MAIL follows."""
        commands = [i for i in self.items if i and i.startswith("C")]
        return any(a == "C: RSET" and "MAIL FROM" not in b for a, b in zip(commands, commands[1:] + [""]))

    def lock_step(self):
        """Whether no two commands of an envelope stand behind one another."""
        kinds = [i[0] for i in self.items if i]
        return any(i and "MAIL FROM" in i for i in self.items) and not any(
            a and b and "MAIL FROM" in a and "RCPT TO" in b for a, b in zip(self.items, self.items[1:])) and "C" in kinds

    def head(self):
        out = ["%s:%s" % (k, " " + v if v else "") for k, v in self.settings.items()]
        if "tls" not in self.settings:
            out.insert(0, "tls: none")
        if any("REQUIRETLS" in m.params.split() for m in self.mails):
            out.append("verified:")
        for m in self.mails:
            words, flags, raw = m.params.split(), ["all-or-none"] * m.all_or_none, []
            for w in words:
                if w in ("REQUIRETLS", "PRDR"):
                    flags.append(w.lower())
                elif w == "BODY=BINARYMIME":
                    flags.append("binary")
                elif not w.startswith(("SIZE=", "BODY=")) and w != "SMTPUTF8":
                    raw.append(w)
            out += ["mail:", "from: " + escape(m.path)]
            out += ["to: " + escape(name) + (" params=" + escape(p) if p else "") for name, p in m.rcpts]
            out += ["params: " + escape(" ".join(raw))] * bool(raw) + ["flags: " + " ".join(flags)] * bool(flags)
            ascii_paths = all(ord(c) < 128 for c in m.path + "".join(n for n, _ in m.rcpts))
            marks = " 8bit" * ("BODY=8BITMIME" in words) + " utf8-header" * ("SMTPUTF8" in words and ascii_paths)
            if m.length is not None:
                if m.length == 1:
                    raise Cannot("content of one octet")
                out += ["content: " + ("{x*%d}\\r\\n" % (m.length - 2) if m.length > 2 else "\\r\\n" * (m.length == 2))]
                out += ["source: pull chunk=65536" + " length=exact" * m.known + marks]
            else:
                out += ["source: pull" + (" length=exact" if "SIZE=" in m.params or m.known else "") + marks]
                size = re.search(r"\bSIZE=(\d+)", m.params)
                if size and int(size.group(1)) > 2:
                    out += ["content: {x*%d}\\r\\n" % (int(size.group(1)) - 2)]
        return out

    def dialogue(self):
        return "\n".join(self.head() + ["---"] + [i for i in self.items if i is not None]) + "\n"


def run(program, path):
    r = subprocess.run([program, "-r", str(path)], capture_output=True, timeout=60)
    return r.returncode, r.stdout.decode("latin-1")


def results(output):
    return [line[2:] for line in output.split("\n") if line.startswith("= ")]


def expectations(lines, mails):
    """The results as lines of a dialogue file's third part."""
    place = {name: (m, i) for m, mail in enumerate(mails, 1) for i, (name, _) in enumerate(mail.rcpts, 1)}
    out = []
    for line in lines:
        if line.startswith("session "):
            out.append("session: " + line.split()[1])
            continue
        name, outcome, status, code = re.match(r"<(.*)> (\w+) (\w+) (\d+)", line).groups()
        out.append("rcpt %d.%d: %s %s%s" % (*place[name], outcome, status, " code=" + code if code != "0" else ""))
    return "---\n" + "\n".join(out) + "\n"


def replay(program, trace):
    """The dialogue made of the trace, and what became of it; Cannot."""
    r = Replay(trace)
    with tempfile.NamedTemporaryFile("w", suffix=".dialogue", encoding="latin-1") as f:
        f.write(r.dialogue())
        f.flush()
        code, output = run(program, f.name)
    return r, code, output


def every(program, directory):
    passed = failed = left = 0
    reasons = {}
    for path in sorted(pathlib.Path(directory).rglob("*.dialogue")):
        code, first = run(program, path)
        if code != 0:
            print("FAIL", path, first)
            failed += 1
            continue
        trace = "\n".join(line for line in first.split("\n") if not line.startswith("= "))
        try:
            r, code, again = replay(program, trace)
            names = {new: old for m in r.mails for old, new in m.names.items()}
        except Cannot as reason:
            left += 1
            reasons[str(reason)] = reasons.get(str(reason), 0) + 1
            continue
        want, got = results(first), results(again)
        got = [re.sub(r"^<(.*?)>", lambda m: "<%s>" % names.get(m.group(1), m.group(1)), line) for line in got]
        # recipients that were never asked for are not in a trace
        missing = [line for line in got if line not in want]
        untold = str(path.relative_to(directory))[:-9] in UNTOLD
        if (code != 0 or missing) and untold:
            left += 1
        elif code != 0 or missing or untold:
            print("FAIL %s\n  was %s\n  is  %s\n%s" % (path, want, got, r.dialogue() + again if "-v" in sys.argv else ""))
            failed += 1
        else:
            passed += 1
    print("left out: %d %s" % (left, reasons))
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0 or passed == 0


def main():
    if len(sys.argv) >= 4 and sys.argv[2] == "--all":
        return every(sys.argv[1], sys.argv[3])
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    try:
        r, code, output = replay(sys.argv[1], pathlib.Path(sys.argv[2]).read_text(encoding="latin-1"))
    except Cannot as reason:
        print("cannot be replayed:", reason)
        return 2
    if len(sys.argv) > 3:
        pathlib.Path(sys.argv[3]).write_text(r.dialogue() + expectations(results(output), r.mails), encoding="latin-1")
    print("\n".join(results(output)) if code == 0 else output)
    return code


if __name__ == "__main__":
    sys.exit(main())
