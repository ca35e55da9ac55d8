"""Real MTAs as the MX hosts of example.test: Postfix at mx1 (127.0.0.2), Exim at mx2, OpenSMTPD at mx3.

What is delivered is read back from their Maildirs, octet for octet behind the trace fields. Hosts are absent,
stopped (SIGSTOP), break at a given point of the dialogue (trouble.py), refuse, defer, and greylist.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SERVERS = HERE.parent / "servers"
MX = {"postfix": "127.0.0.2", "exim": "127.0.0.3", "opensmtpd": "127.0.0.4"}
HIDDEN = 2600  # where Postfix listens when trouble.py stands before it
LIMIT = 20     # recipients that Postfix takes in one mail


def message(tag):
    return ("From: s@example.org\r\nTo: alice@example.test\r\nSubject: %s\r\nMessage-ID: <%s@example.org>\r\n"
            "Date: Mon, 23 Nov 2026 20:00:00 +0000\r\n\r\n.\r\n..leading\r\nblanks  \t\r\n%s\r\n\r\nlast\r\n" % (tag, tag, "x" * 990)).encode()


class Mta:
    def __init__(self, world, name):
        self.world, self.name, self.facts, self.dir = world, name, {}, world.dir / "mta"
        self.dir.mkdir(exist_ok=True)
        os.chmod(self.dir, 0o755)

    def command(self, act, **more):
        env = dict(os.environ, TERN_BIND=MX[self.name], TERN_SMTP_PORT="2525", TERN_HOSTNAME="mx.example.test",
                   TERN_CERTS=str(self.world.dir / "certs"), TERN_RCPT_LIMIT=str(LIMIT if self.name == "postfix" else 1000))
        env.update(more)
        return subprocess.run([str(SERVERS / (self.name + ".sh")), act, str(self.dir)], env=env, capture_output=True, text=True, timeout=120)

    def start(self, **more):
        r = self.command("start", **more)
        if r.returncode:
            raise SystemExit("%s does not start: %s%s" % (self.name, r.stdout, r.stderr))
        self.facts = dict(l.split("=", 1) for l in r.stdout.splitlines() if "=" in l)

    def stop(self):
        if self.facts:
            self.command("stop")
        self.facts = {}

    def signal(self, number):
        """To Postfix's master and its children."""
        master = (self.dir / self.name / "queue/pid/master.pid").read_text().strip()
        children = subprocess.run(["pgrep", "-P", master], capture_output=True, text=True).stdout.split()
        for pid in [master, *children]:
            os.kill(int(pid), number)

    def found(self, tag, wait=8):
        """The messages with that tag, waited for until there is one; sorted by name."""
        until = time.time() + wait
        while True:
            out = []
            for sub in ("new", "cur"):
                for f in sorted(pathlib.Path(self.facts["maildir"], sub).glob("*")):
                    data = f.read_bytes()
                    if tag.encode() in data:
                        out.append(data)
            if out or time.time() > until:
                return out
            time.sleep(0.1)


def same(got, sent):
    """Whether got is sent behind trace fields, with either line end."""
    return (got if b"\r\n" in got else got.replace(b"\n", b"\r\n")).endswith(sent)


class Run:
    count = 0

    def __init__(self, world, build, to, *options, state=None):
        Run.count += 1
        self.tag = "tern-mta-%d-%d" % (os.getpid(), Run.count)
        self.sent = message(self.tag)
        more = ["-s", str(state)] if state else []
        r = subprocess.run([str(build / "examples/mx"), "-r", world.resolver, "-p", "2525", "-c", str(world.ca), "-e", "out.example.org",
                            "-t", "3", *more, *options, "s@example.org", *to.split()], input=self.sent, capture_output=True, timeout=120)
        self.status, self.said = r.returncode, r.stdout.decode("utf-8", "replace") + r.stderr.decode("utf-8", "replace")


def each_alone(world, build, mtas, check):
    for name in MX:
        mtas[name].start()
        # mx3 has no TLSA records, and the domain's MTA-STS policy does not name it
        secure, options = ("policy=dane", ()) if name != "opensmtpd" else ("policy=may", ("-P", "may"))
        try:
            r = Run(world, build, "alice@example.test", *options)
            got = mtas[name].found(r.tag)
            check("%s alone: delivered as it was sent" % name, r.status == 0 and len(got) == 1 and same(got[0], r.sent), r.said + str(got)[:900])
            check("%s alone: %s over TLS" % (name, secure), re.search(r"\[%s\] %s tls=TLSv1\.[23]" % (MX[name], secure), r.said), r.said)
            r = Run(world, build, "reject@example.test", *options)
            check("%s refuses" % name, r.status == 67 and "rejected" in r.said and "again in 0 s" in r.said, r.said)
            r = Run(world, build, "defer@example.test alice@example.test", *options)
            check("%s defers one of two" % name, r.status == 1 and re.search(r"defer@\S+: deferred", r.said) and
                  re.search(r"alice@\S+: accepted", r.said) and len(mtas[name].found(r.tag)) == 1, r.said)
        finally:
            mtas[name].stop()


def together(world, build, mtas, check):
    r = Run(world, build, "alice@example.test")
    got = mtas["postfix"].found(r.tag)
    check("all three: the first by preference", r.status == 0 and len(got) == 1 and same(got[0], r.sent), r.said)
    r = Run(world, build, " ".join("u%d@example.test" % i for i in range(45)))
    until = time.time() + 15
    while len(mtas["postfix"].found(r.tag)) < 45 and time.time() < until:
        time.sleep(0.2)
    got = mtas["postfix"].found(r.tag)
    check("45 recipients where 20 are the limit: one copy each", r.status == 0 and len(got) == 45 and
          len({re.search(rb"(?m)^Delivered-To: (\S+)", g).group(1) for g in got}) == 45, "%d copies\n%s" % (len(got), r.said[-600:]))
    r = Run(world, build, "alice@example.test bob@null.example.test carol@nx.example.test")
    check("one domain of three can be reached", r.status == 1 and len(mtas["postfix"].found(r.tag)) == 1, r.said)


def elsewhere(mtas, tag):
    return mtas["exim"].found(tag, 6) + mtas["opensmtpd"].found(tag, 1)


def stopped(world, build, mtas, check):
    """Postfix's processes are stopped: the kernel still accepts connections."""
    mtas["postfix"].signal(signal.SIGSTOP)
    try:
        r = Run(world, build, "alice@example.test")
        got = elsewhere(mtas, r.tag)
        check("a host that hangs: the next one", r.status == 0 and len(got) == 1 and same(got[0], r.sent) and
              re.search(r"mx1\S* \[127\.0\.0\.2\].*TERN_E_TIMEOUT", r.said), r.said)
    finally:
        mtas["postfix"].signal(signal.SIGCONT)


def broken(world, build, mtas, check):
    """Postfix behind a wire that breaks."""
    for what in ("cut", "hang"):
        for when in ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "."):
            wire = subprocess.Popen([sys.executable, str(HERE / "trouble.py"), MX["postfix"], "2525", MX["postfix"], str(HIDDEN), what, when],
                                    stdout=subprocess.PIPE)
            wire.stdout.readline()
            try:
                r = Run(world, build, "alice@example.test", "-P", "none")
            finally:
                wire.kill()
                wire.wait()
                wire.stdout.close()
            first, others = mtas["postfix"].found(r.tag, 6 if when == "." else 0), elsewhere(mtas, r.tag) if when != "." else []
            if when == ".":
                good = r.status == 75 and "unknown TERN_E_IN_DOUBT" in r.said and len(first) == 1 and not elsewhere(mtas, r.tag)
                check("%s behind the content: unknown, one copy, nobody else asked" % what, good, "%d %s" % (len(first), r.said))
            else:
                good = r.status == 0 and not first and len(others) == 1 and same(others[0], r.sent)
                check("%s at %s: the next host" % (what, when), good, "%d %d %s" % (len(first), len(others), r.said))


def greylisted(world, build, mtas, check):
    """Postfix alone, with a policy service: two processes, a report between them."""
    state = world.dir / "state"
    state.unlink(missing_ok=True)
    first = Run(world, build, "grey@example.test alice@example.test", state=state)
    wait = re.search(r"grey@\S+: deferred .*again in (\d+) s", first.said)
    check("greylisted: deferred, the other accepted", first.status == 1 and wait and int(wait.group(1)) < 1800, first.said)
    time.sleep(1.5)
    second = Run(world, build, "grey@example.test alice@example.test", state=state)
    check("greylisted: taken the second time, by another process", second.status == 0, second.said)
    check("greylisted: who had it is not sent it again", len(mtas["postfix"].found(first.tag)) == 1 and
          len(mtas["postfix"].found(second.tag)) == 1 and b"grey@example.test" in mtas["postfix"].found(second.tag)[0], second.said)


def compare(world, build, check):
    mtas = {name: Mta(world, name) for name in MX}
    try:
        each_alone(world, build, mtas, check)
        mtas["postfix"].start()
        greylisted(world, build, mtas, check)
        mtas["exim"].start()
        mtas["opensmtpd"].start()
        together(world, build, mtas, check)
        stopped(world, build, mtas, check)
        mtas["postfix"].stop()
        r = Run(world, build, "alice@example.test")
        got = elsewhere(mtas, r.tag)
        check("a host that is gone: the next one", r.status == 0 and len(got) == 1 and same(got[0], r.sent), r.said)
        mtas["postfix"].start(TERN_SMTP_PORT=str(HIDDEN))
        broken(world, build, mtas, check)
    finally:
        for mta in mtas.values():
            mta.stop()
