"""compose.py TERN_SEND - the options of tern-send that compose a message: what the server gets, read by Python's email,
and the exit status of what cannot be. Closes with `N passed, N failed`."""
import email
import email.policy
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import server  # noqa: E402

SEND = sys.argv[1]
FROM, TO = ["--from", "a@example.org"], ["b@example.net"]
passed = failed = 0


def say(ok, what, why=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL %s: %s" % (what, str(why)[:2000]), flush=True)


def send(port, args, data=b"", env=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TERN_")}
    run = subprocess.run([SEND, "--json", "--server", "smtp://127.0.0.1:%d?tls=none" % port] + args, input=data,
                         capture_output=True, timeout=60, env={**clean, **(env or {})})
    try:
        out = json.loads(run.stdout)
    except ValueError:
        out = None
    return run.returncode, out, run.stderr


class Sent:
    """A message sent with these options, as the server got it."""

    def __init__(self, what, args, data=b"", want=0, **rules):
        with server.Server(**rules) as s:
            self.status, self.out, self.err = send(s.port, args, data)
            say(self.status == want and self.out is not None, what, (self.status, self.out, self.err))
            self.raw = s.messages[-1][0] if s.messages else b""
            self.lines = [line for session in s.sessions for line in session.lines]
            self.count = len(s.messages)
        self.message = email.message_from_bytes(self.raw, policy=email.policy.default)
        self.rcpts = [line.split("<")[1].split(">")[0] for line in self.lines if line.upper().startswith("RCPT")]


def files(folder):
    names = {"text": "t.txt", "html": "t.html", "png": "logo.png", "odd": "Ünï, quo\"te.pdf", "none": "noextension", "empty": "empty.csv",
             "bad": "bad.txt", "nul": "nul.txt", "ics": "i.ics", "eml": "m.eml", "big": "big.bin", "upper": "PHOTO.JPG"}
    contents = {"text": b"Hello\n.\nW\xc3\xb6rld\n", "html": b"<p>W\xc3\xb6rld <img src='cid:logo.png'></p>\n", "png": bytes(range(256)),
                "odd": b"%PDF\r\n\0\n", "none": b"x", "empty": b"", "bad": b"caf\xe9\n", "nul": b"a\0b\n", "big": os.urandom(300000), "upper": b"jpg",
                "ics": b"BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nEND:VCALENDAR\r\n", "eml": b"From: x@y.z\nSubject: \xff\n\nbare LF\n"}
    paths = {}
    for key, name in names.items():
        paths[key] = os.path.join(folder, name)
        with open(paths[key], "wb") as f:
            f.write(contents[key])
    return paths, contents


def attachments(message):
    return [(p.get_filename(), p.get_content_type(), p.get_payload(decode=True)) for p in message.iter_attachments()]


def everything(p, c):
    s = Sent("everything", FROM + ["--from-name", "Zoë Müller", "--subject", "Grüße 🎉", "--text", p["text"], "--html", p["html"], "--inline", p["png"],
                                   "--attach", p["odd"].replace(",", "\\,"), "--attach", p["empty"], "--attach", p["big"], "--cc", "c@example.net",
                                   "--bcc", "secret@example.com", "--reply-to", "r@example.org", "--header", "X-Color: grün",
                                   "--to", "b@example.net", "d@example.net"])
    m = s.message
    say(m["From"].addresses[0].display_name == "Zoë Müller" and m["From"].addresses[0].addr_spec == "a@example.org", "From", m["From"])
    say(m["Subject"] == "Grüße 🎉" and m["X-Color"] == "grün", "Subject, header", (m["Subject"], m["X-Color"]))
    say([a.addr_spec for a in m["To"].addresses] == ["b@example.net", "d@example.net"], "To", m["To"])
    say(str(m["Cc"]) == "c@example.net" and str(m["Reply-To"]) == "r@example.org" and m["Bcc"] is None and b"secret@" not in s.raw, "Cc, Reply-To, no Bcc", s.raw[:900])
    say(s.rcpts == ["b@example.net", "d@example.net", "c@example.net", "secret@example.com"], "envelope", s.rcpts)
    say(m["Date"] is not None and m["Message-ID"] is not None and m["Date"].datetime is not None, "Date, Message-ID", s.raw[:500])
    say(m.get_content_type() == "multipart/mixed", "mixed", m.get_content_type())
    body = next(iter(m.iter_parts()))
    say(body.get_content_type() == "multipart/alternative" and [x.get_content_type() for x in body.iter_parts()] == ["text/plain", "multipart/related"], "alternatives", s.raw[:2000])
    plain, related = list(body.iter_parts())
    say(plain.get_content().replace("\r\n", "\n") == c["text"].decode(), "text", plain.get_content())
    html, image = list(related.iter_parts())
    say(html.get_content().replace("\r\n", "\n") == c["html"].decode() and image["Content-ID"] == "<logo.png>" and image.get_payload(decode=True) == c["png"] and
        image.get_content_type() == "image/png", "inline", related)
    got = attachments(m)
    say([g[0] for g in got] == ["Ünï, quo\"te.pdf", "empty.csv", "big.bin"], "file names", [g[0] for g in got])
    say([g[2] for g in got] == [c["odd"], c["empty"], c["big"]], "file octets")
    say([g[1] for g in got[:2]] == ["application/pdf", "text/csv"], "file types", [g[1] for g in got])


def rows(p, c):
    s = Sent("text of standard input", FROM + ["--subject", "s", "--text", "-"] + TO, b"from stdin\n.\n")
    say(s.message.get_content().replace("\r\n", "\n") == "from stdin\n.\n" and s.message["Content-Transfer-Encoding"] == "7bit", "stdin", s.raw)
    s = Sent("subject alone reads nothing", FROM + ["--subject", "s"] + TO, b"not read")
    say(b"not read" not in s.raw and s.message.get_payload() == "", "empty body", s.raw)
    s = Sent("file of standard input", FROM + ["--attach", "-,name=données.bin,type=application/x-any"] + TO, c["big"])
    say(s.message.get_filename() == "données.bin" and s.message.get_payload(decode=True) == c["big"] and s.message.get_content_type() == "application/x-any", "stdin file", s.raw[:500])
    s = Sent("repeat", FROM + ["--attach", "-,name=x", "--repeat", "3"] + TO, c["big"])
    say(s.count == 3 and s.message.get_payload(decode=True) == c["big"], "three times", s.count)
    s = Sent("types by name", FROM + ["--attach", p["none"], "--attach", p["upper"], "--attach", p["eml"], "--attach", p["text"] + ",type=text/x-y,name=o\\,k"] + TO)
    say([(a[0], a[1]) for a in attachments(s.message)] == [("noextension", "application/octet-stream"), ("PHOTO.JPG", "image/jpeg"),
                                                           ("m.eml", "application/octet-stream"), ("o,k", "text/x-y")], "types", attachments(s.message))
    say(attachments(s.message)[2][2] == c["eml"], "a message as file is not touched", s.raw)
    s = Sent("invitation", FROM + ["--text", p["text"], "--ics", p["ics"]] + TO)
    kinds = [x.get_content_type() for x in s.message.walk()]
    say(kinds == ["multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", "application/ics"], "kinds", kinds)
    say([x.get_param("method") for x in s.message.walk() if x.get_content_type() == "text/calendar"] == ["CANCEL"], "method", s.raw)
    s = Sent("inline with a cid", FROM + ["--html", p["html"], "--inline", p["png"] + ",my@cid"] + TO)
    say(b"Content-ID: <my@cid>" in s.raw, "cid", s.raw)
    s = Sent("header From", ["--header", "From: Zoë <z@example.org>", "--subject", "s"] + TO)
    say("MAIL FROM:<z@example.org>" in " ".join(s.lines) and s.message["From"].addresses[0].display_name == "Zoë", "From of --header", s.lines)
    s = Sent("header over --subject", FROM + ["--subject", "one", "--header", "Subject: two", "--header", "X-A: 1", "--header", "X-A: 2"] + TO)
    say(s.message.get_all("Subject") == ["two"] and s.message.get_all("X-A") == ["1", "2"], "replaced, added", s.raw)
    s = Sent("null reverse-path", ["--from", "", "--header", "From: a@example.org", "--subject", "s"] + TO)
    say("MAIL FROM:<>" in " ".join(s.lines), "null", s.lines)
    s = Sent("recipients of --header", FROM + ["--subject", "s", "-t", "--header", "To: Bob <b@example.net>, Team: c@example.net;"])
    say(s.rcpts == ["b@example.net", "c@example.net"], "-t", s.rcpts)
    s = Sent("bcc alone", FROM + ["--subject", "s", "--bcc", "b@example.net"])
    say(s.rcpts == ["b@example.net"] and b"b@example.net" not in s.raw, "bcc", s.raw)
    s = Sent("one recipient in many places", FROM + ["--subject", "s", "--cc", "b@example.net", "--bcc", "b@example.net"] + TO)
    say(s.rcpts == ["b@example.net"], "once", s.rcpts)
    s = Sent("8BITMIME", FROM + ["--text", p["text"]] + TO, ehlo=["8BITMIME"])
    say(s.message["Content-Transfer-Encoding"] == "8bit" and "BODY=8BITMIME" in " ".join(s.lines), "8bit", (s.lines, s.raw))
    s = Sent("SIZE and BDAT", FROM + ["--text", p["text"], "--attach", p["big"]] + TO, ehlo=["SIZE 10000000", "CHUNKING", "PIPELINING"])
    say("SIZE=%d" % len(s.raw) in " ".join(s.lines) and any(line.startswith("BDAT %d" % len(s.raw)) for line in s.lines), "exact length", (s.lines, len(s.raw)))
    s = Sent("IDN", FROM + ["--subject", "s", "b@bücher.example"])
    say(s.rcpts == ["b@xn--bcher-kva.example"] and b"To: b@xn--bcher-kva.example" in s.raw, "A-labels", (s.rcpts, s.raw))
    for encoding in ("base64", "quoted-printable", "8bit"):
        s = Sent("encoding " + encoding, FROM + ["--text", p["text"], "--encoding", encoding] + TO, ehlo=["8BITMIME"])
        say(s.message["Content-Transfer-Encoding"] == encoding and s.message.get_content().replace("\r\n", "\n") == c["text"].decode(), encoding, s.raw)


def refused(p):
    table = [
        ("not UTF-8", ["--text", p["bad"]], 65), ("NUL", ["--html", p["nul"]], 65), ("7bit", ["--text", p["text"], "--encoding", "7bit"], 65),
        ("8bit not offered", ["--text", p["text"], "--encoding", "8bit"], 65), ("subject with CR LF", ["--subject", "a\r\nBcc: x@y.z"], 65),
        ("subject with LF", ["--subject", "a\nb"], 65), ("header with CR", ["--header", "X: a\rb"], 65), ("header with LF", ["--header", "X: a\nY: b"], 65),
        ("content type", ["--header", "Content-Type: text/plain"], 64), ("content any", ["--header", "content-x: y"], 64),
        ("MIME-Version", ["--header", "MIME-Version: 1.0"], 64), ("no colon", ["--header", "X"], 64), ("blank in a name", ["--header", "X Y: z"], 64),
        ("Bcc", ["--header", "Bcc: x@y.z"], 64), ("bad From", ["--header", "From: Zoë z@y.z"], 65), ("bad cc", ["--cc", "Bob <x@y.z>"], 65),
        ("bad reply-to", ["--reply-to", "x"], 65), ("name with LF", ["--from-name", "a\nb", "--subject", "s"], 65),
        ("file name with LF", ["--attach", p["text"] + ",name=a\nb"], 65), ("bad type", ["--attach", p["text"] + ",type=x"], 65),
        ("unknown key", ["--attach", p["text"] + ",size=3"], 64), ("bad encoding", ["--encoding", "uuencode"], 64),
        ("two on standard input", ["--text", "-", "--html", "-"], 64), ("no such file", ["--attach", "/nonexistent"], 74),
        ("no such text", ["--text", "/nonexistent"], 74), ("a folder", ["--attach", "/"], 74), ("bad cid", ["--html", p["html"], "--inline", p["png"] + ",a b"], 65),
        ("name that is no cid", ["--html", p["html"], "--inline", p["odd"].replace(",", "\\,")], 65),
    ]
    for what, args, want in table:
        with server.Server(ehlo=["PIPELINING"]) as s:
            status, out, err = send(s.port, FROM + args + TO)
            say(status == want and out and out["ok"] is False and out["error"], what, (status, out, err))
            say(not s.messages, what + ", nothing sent", s.messages)
    with server.Server() as s:
        status, out, _ = send(s.port, ["--subject", "s"] + TO)
        say(status == 64, "no sender", (status, out))
        status, out, _ = send(s.port, FROM + ["--subject", "s"])
        say(status == 64, "no recipient", (status, out))
        status, out, _ = send(s.port, FROM + ["--subject", "s", "--reply-to", "jörg@example.org"] + TO)
        say(status == 65 and out["error"] == "TERN_E_NEEDS_SMTPUTF8" and not s.messages, "local part of UTF-8", (status, out))


with tempfile.TemporaryDirectory() as tmp:
    PATHS, CONTENTS = files(tmp)
    everything(PATHS, CONTENTS)
    rows(PATHS, CONTENTS)
    refused(PATHS)
print("%d passed, %d failed" % (passed, failed))
sys.exit(failed != 0 or not passed)
