"""sendmail.py TERN_SEND - tern-send in sendmail's place: its options, configuration files, local names, and the programs that call
sendmail: s-nail, git send-email, cron's command line, Python. Against a server of this process that takes everything and remembers
it. Closes with `N passed, N failed`."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

SEND = os.path.abspath(sys.argv[1])
passed = failed = 0


def say(ok, what, why=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print("FAIL %s: %s" % (what, why), flush=True)


class Taker(threading.Thread):
    """An SMTP server without extensions; `mails` holds (reverse-path, forward-paths, content)."""

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.mails, self.users = [], []
        self.start()

    def run(self):
        while True:
            conn, _ = self.sock.accept()
            with conn, conn.makefile("rwb") as f:
                self.serve(f)

    def serve(self, f):
        def answer(text):
            f.write(text + b"\r\n")
            f.flush()
        sender, to = b"", []
        answer(b"220 taker")
        for line in f:
            word = line.strip().upper()
            if word.startswith(b"EHLO"):
                answer(b"250-taker\r\n250 AUTH PLAIN")
            elif word.startswith(b"AUTH"):
                self.users.append(line.strip().split()[-1])
                answer(b"235 ok")
            elif word.startswith(b"MAIL"):
                sender, to = line.split(b"<")[1].split(b">")[0], []
                answer(b"250 ok")
            elif word.startswith(b"RCPT"):
                to.append(line.split(b"<")[1].split(b">")[0])
                answer(b"250 ok")
            elif word == b"DATA":
                answer(b"354 go")
                content = []
                for part in f:
                    if part == b".\r\n":
                        break
                    content.append(part[1:] if part.startswith(b".") else part)
                self.mails.append((sender.decode(), [t.decode() for t in to], b"".join(content)))
                answer(b"250 ok")
            elif word == b"QUIT":
                answer(b"221 bye")
                return
            else:
                answer(b"250 ok")


MAIL = b"From: a@example.org\nTo: b@example.net\nBcc: c@example.net\nSubject: x\n\nbody\n.\nmore\n"
BODY = b"body\r\n.\r\nmore\r\n"
# arguments of sendmail, exit status, reverse-path, forward-paths (None: nothing is sent)
SENDMAIL = [
    (["-i", "root"], 0, "a@example.org", ["root@local.example"]),
    (["-oi", "-t"], 0, "a@example.org", ["b@example.net", "c@example.net"]),
    (["-ti"], 0, "a@example.org", ["b@example.net", "c@example.net"]),
    (["-t", "-f", "bounce@example.org"], 0, "bounce@example.org", ["b@example.net", "c@example.net"]),
    (["-fbounce@example.org", "d@example.net"], 0, "bounce@example.org", ["d@example.net"]),
    (["-r", "bounce", "d@example.net"], 0, "bounce@local.example", ["d@example.net"]),
    (["-f", "<>", "d@example.net"], 0, "", ["d@example.net"]),
    (["-f", "", "d@example.net"], 0, "", ["d@example.net"]),
    (["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"], 0, "a@example.org", ["root@local.example"]),
    (["-F", "A Name", "-odi", "-oee", "-bm", "--", "d@example.net"], 0, "a@example.org", ["d@example.net"]),
    (["-i", "ops"], 0, "a@example.org", ["x@example.net", "y@local.example"]),
    (["-i", "nobody"], 0, "a@example.org", ["nobody@local.example"]),
    (["-N", "failure", "-R", "hdrs", "-V", "id1", "d@example.net"], 0, "a@example.org", ["d@example.net"]),
    (["-bs"], 64, None, None),
    (["-bd"], 64, None, None),
    (["-Z", "d@example.net"], 64, None, None),
    (["-f"], 64, None, None),
    (["-q"], 0, None, None),
    (["-q15m"], 0, None, None),
    (["-bp"], 0, None, None),
    (["-bi"], 0, None, None),
    (["-i"], 64, None, None),
]
# a configuration file's text, mode, arguments, exit status, what the words must hold
CONFIG = [
    ("# nothing but a comment\n\n  server = {url}\n", 0o644, ["d@example.net"], 0, ""),
    ("server={url}\nfrom = z@example.org\ntimeout = 9\nno-chunking = yes\n", 0o644, ["d@example.net"], 0, ""),
    ("color = red\n", 0o644, ["d@example.net"], 78, "line 1"),
    ("server = {url}\nserver\n", 0o644, ["d@example.net"], 78, "line 2"),
    ("server =\n", 0o644, ["d@example.net"], 78, "empty"),
    ("insecure = perhaps\n", 0o644, ["d@example.net"], 78, "yes or no"),
    ("timeout = soon\n", 0o644, ["d@example.net"], 78, "line 1"),
    ("server = {url}\npassword = secret\n", 0o644, ["d@example.net"], 78, "chmod 600"),
    ("server = smtp://u:secret@127.0.0.1:1?tls=none\n", 0o644, ["d@example.net"], 78, "chmod 600"),
    ("server = {url}\nuser = u\npassword = secret\n", 0o600, ["d@example.net"], 77, ""),  # never in clear
    ("server = {url}\nuser = u\npassword-command = exit 3\n", 0o644, ["d@example.net"], 78, "password-command"),
    ("server = {url}\nuser = u\npassword-command = printf 'a\\nb'\n", 0o644, ["d@example.net"], 78, "more than one"),
    ("server = {url}\naliases = /nonexistent\n", 0o644, ["d@example.net"], 78, "no such file"),
]


def main():
    taker = Taker()
    url = "smtp://127.0.0.1:%d?tls=none" % taker.port
    with tempfile.TemporaryDirectory() as home:
        env = {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8"}
        for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        sendmail = os.path.join(home, "sendmail")
        os.symlink(SEND, sendmail)
        os.symlink(SEND, os.path.join(home, "newaliases"))
        aliases = os.path.join(home, "aliases")
        with open(aliases, "w") as f:
            f.write("# local names\nops: x@example.net, y\nopsx: z\n")
        os.mkdir(os.path.join(home, ".config"))
        config = os.path.join(home, ".config", "tern-send.conf")
        settled = "server = %s\ndomain = local.example\naliases = %s\n" % (url, aliases)

        def write(text, mode=0o644):
            with open(config, "w") as f:
                f.write(text)
            os.chmod(config, mode)

        def run(args, data=MAIL):
            before = len(taker.mails)
            p = subprocess.run(args, input=data, capture_output=True, env=env, timeout=60, cwd=home)
            return p, taker.mails[before:]
        write(settled)
        for args, status, sender, to in SENDMAIL:
            p, mails = run([sendmail] + args)
            what = "sendmail " + " ".join(args)
            say(p.returncode == status, what, (p.returncode, p.stderr))
            if to is None:
                say(not mails, what, mails)
                continue
            say([m[:2] for m in mails] == [(sender, to)], what, mails)
            say(mails and mails[0][2].endswith(BODY) and (b"Bcc" in mails[0][2]) == (not {"-t", "-ti"} & set(args)), what + ": content", mails)
        p, mails = run([os.path.join(home, "newaliases")])
        say(p.returncode == 0 and not mails, "newaliases", p)
        for text, mode, args, status, words in CONFIG:
            write(text.replace("{url}", url), mode)
            p, mails = run([SEND] + args)
            say(p.returncode == status and words in p.stderr.decode() and b"= secret" not in p.stderr and b":secret" not in p.stderr and len(mails) == (status == 0),
                "configuration %r" % text, (p.returncode, p.stderr, mails))
        write("server = smtp://127.0.0.1:1?tls=none\n")
        p, mails = run([SEND, "--server", url, "d@example.net"])
        say(p.returncode == 0 and len(mails) == 1, "an option is stronger than the file", p)
        p, mails = run([SEND, "--config", aliases, "d@example.net"])
        say(p.returncode == 78 and not mails, "--config F instead", p)
        p, mails = run([SEND, "--config", "/nonexistent", "d@example.net"])
        say(p.returncode == 78 and not mails, "--config of nothing", p)

        write(settled)
        mailx = shutil.which("s-nail")
        say(mailx, "s-nail is there")
        if mailx:
            p, mails = run([mailx, "-n", "-S", "v15-compat", "-S", "mta=" + sendmail, "-S", "mta-arguments=-C " + config, "-r", "a@example.org", "-s", "hello", "d@example.net"], b"from mail\n")
            say(p.returncode == 0 and mails and mails[0][1] == ["d@example.net"] and b"Subject: hello" in mails[0][2], "s-nail", (p, mails))
        patch = os.path.join(home, "0001-x.patch")
        with open(patch, "w") as f:
            f.write("From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\n"
                    "Date: Wed, 25 Nov 2026 00:00:00 +0000\nSubject: [PATCH] x\n\nwhy\n---\n x | 1 +\n")
        p, mails = run(["git", "send-email", "--quiet", "--confirm=never", "--suppress-cc=all", "--from=a@example.org", "--to=d@example.net",
                        "--sendmail-cmd=" + sendmail, patch], b"")
        say(p.returncode == 0 and mails and mails[0][1] == ["d@example.net"] and b"[PATCH] x" in mails[0][2], "git send-email", (p, mails))
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed != 0)


main()
