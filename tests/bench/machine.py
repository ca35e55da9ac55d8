"""machine.py - what the runs stand on: contestants, inputs, certificates, the sink, the long wire, and one run with its checks."""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
FAR, NEAR = "10.99.0.2", "10.99.0.1"
TERN = ("tern", "tern-single", "tern-eager")
BIG, MEDIUM = 64 << 20, 8 << 20
CACHE = pathlib.Path(os.environ.get("TERN_BENCH_CACHE") or
                     pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tern/bench")


# ---- inputs ------------------------------------------------------------------------------------------------------
def write_inputs(folder):
    """1k.eml: 1,024 octets. 64m.eml, 8m.eml: so many MiB, a third of the lines opened by a dot, some of them nothing else."""
    head = (b"From: a@example.com\r\nTo: b@example.net\r\nSubject: bench\r\nDate: Mon, 23 Nov 2026 20:00:00 +0000\r\n"
            b"Message-ID: <bench@example.com>\r\n\r\n")
    text = b" the quick brown fox jumps over the lazy dog and runs away from it all, again"
    body, i = b"", 0
    while len(head + body) < 1024 - 80:
        body += (b"%04d" % i + text)[:76] + b"\r\n"
        i += 1
    body += b"x" * (1024 - len(head + body) - 2) + b"\r\n"
    (folder / "1k.eml").write_bytes(head + body)
    for name, most in (("8m.eml", MEDIUM), ("64m.eml", BIG)):
        lines, size, i = [head], len(head), 0
        while size < most - 160:
            line = b".\r\n" if i % 3 and i % 17 == 0 else (b"%s%08d" % (b"" if i % 3 else b".", i) + text)[:76] + b"\r\n"
            lines.append(line)
            size += len(line)
            i += 1
        lines.append(b"z" * (most - size - 2) + b"\r\n")
        (folder / name).write_bytes(b"".join(lines))


def write_certificates(folder):
    """An authority, the server's certificate by it, and another authority, which must not do."""
    def openssl(*args):
        subprocess.run(("openssl",) + args, cwd=folder, check=True, capture_output=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "other"):
        openssl("req", "-x509", *key, "-keyout", name + ".key", "-out", name + ".pem", "-days", "3650", "-subj", "/CN=bench " + name)
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:%s\n" % FAR)
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650",
            "-extfile", "san", "-out", "server.pem")


# ---- who runs ----------------------------------------------------------------------------------------------------
class Contestant:
    """A command with the contract of peers/peer.h. `modes` renames the modes it is asked for; what it cannot do it answers with 3."""

    def __init__(self, name, command, modes=None, counts=True):
        self.name, self.command, self.modes, self.counts = name, [str(c) for c in command], modes, counts
        self.floor = name.startswith("floor-")
        self.needs_chunking = name in ("floor-group", "floor-gen")
        self.tern = name.startswith("tern")

    def argv(self, mode, host, port, tls, auth, count, file):
        if self.modes is not None and mode not in self.modes:
            return None
        if self.floor:
            if tls != "none" or auth:
                return None
            if file.stat().st_size >= 1 << 20:
                return None if self.name == "floor-gen" else [self.command[0], "data" if self.name == "floor-lock" else "bdat", host,
                                                              str(port), "1", str(file)]
            return self.command + [host, str(port), str(count), str(file)]
        return self.command + [self.modes[mode] if self.modes else mode, host, str(port), tls, str(int(auth)), str(count), str(file)]


def contestants(build, added=()):
    """Every program there is, tern first. A further one joins by --add NAME=COMMAND."""
    c = [Contestant("tern", [build / "peer-tern"], {"reuse": "reuse", "conn": "conn", "resume": "resume"}),
         Contestant("tern-single", [build / "peer-tern"], {"reuse": "single"}),
         Contestant("tern-eager", [build / "peer-tern"], {"reuse": "eager"})]
    for spec in added:
        name, command = spec.split("=", 1)
        c.append(Contestant(name, shlex.split(command)))
    peers = build / "peers"
    c += [Contestant(name, [peers / name]) for name in ("curl", "esmtp", "etpan", "vmime") if (peers / name).exists()]
    c.append(Contestant("smtplib", ["/usr/bin/python3", HERE / "peers/smtplib.py"]))
    if shutil.which("node") and (CACHE / "npm/.done").exists():
        c.append(Contestant("nodemailer", ["node", HERE / "peers/nodemailer.js"], counts=False))  # valgrind does not run node
    if os.path.exists("/usr/sbin/smtp-source"):
        c.append(Contestant("smtp-source", [HERE / "peers/smtp-source.sh"]))
    if shutil.which("msmtp"):
        c.append(Contestant("msmtp", [HERE / "peers/msmtp.sh"], counts=False))  # many processes
    return c + [Contestant("floor-" + k, [build / "bench-floor", k], {"reuse": k}) for k in ("lock", "group", "gen")]


# ---- the server and the wire ---------------------------------------------------------------------------------------
class Sink:
    def __init__(self, bench, *options, address="127.0.0.1", inside=None):
        self.p = subprocess.Popen([*enter(inside), str(bench.build / "bench-sink"), "--listen", address, "--cert", str(bench.work / "server.pem"),
                                   "--key", str(bench.work / "server.key"), "--tls-port", "0", *options], stdout=subprocess.PIPE, text=True)
        line = self.p.stdout.readline()
        if not line:
            sys.exit("bench: the sink does not start")
        said = json.loads(line)
        self.address, self.port, self.tls_port, self.pid = address, said["port"], said["tls_port"], said["pid"]

    def sums(self):
        """What it took since the last call; a client's last octets may just be on their way."""
        time.sleep(0.01)
        os.kill(self.pid, signal.SIGUSR1)
        line = self.p.stdout.readline()
        if not line:
            sys.exit("bench: the sink has died: %d" % self.p.wait())
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.terminate()
        self.p.wait()
        self.p.stdout.close()


def enter(inside):
    return ("nsenter", "-t", str(inside), "-n") if inside else ()


class Wire:
    """Two network namespaces, `ms` apart each way, as root. here and there are what Sink and Bench.run take as `inside`."""

    def __init__(self, bench, ms):
        self.bench, self.ms = bench, ms

    def __enter__(self):
        tag = "%x" % (os.getpid() % 0xFFFFFF)
        devices = ["bna" + tag, "bnb" + tag]
        self.held = []
        try:
            self.held.append(subprocess.Popen([str(self.bench.build / "bench-delay"), *devices, str(self.ms)], stdout=subprocess.PIPE, text=True))
            if not self.held[0].stdout.readline():
                raise OSError("no long wire")
            for device, mine, other in zip(devices, (NEAR, FAR), (FAR, NEAR)):
                p = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up && echo up && exec sleep 3600"], stdout=subprocess.PIPE, text=True)
                self.held.append(p)
                if not p.stdout.readline():
                    raise OSError("no network namespace")
                subprocess.run(("ip", "link", "set", device, "netns", str(p.pid)), check=True)
                for words in (("addr", "add", mine, "peer", other, "dev", device), ("link", "set", device, "up")):
                    subprocess.run(enter(p.pid) + ("ip",) + words, check=True)
        except BaseException:
            self.__exit__()
            raise
        self.here, self.there = self.held[1].pid, self.held[2].pid
        return self

    def __exit__(self, *_):
        for p in reversed(self.held):
            p.terminate()
            p.wait()
            p.stdout.close()


# ---- one run -------------------------------------------------------------------------------------------------------
class Bench:
    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        self.work = self.build / "run"
        self.good, self.problems = 0, []
        if not (self.work / "8m.eml").exists() or not (self.work / ".done").exists():
            shutil.rmtree(self.work, ignore_errors=True)
            self.work.mkdir(parents=True)
            write_inputs(self.work)
            write_certificates(self.work)
            (self.work / ".done").touch()
        self.small, self.medium, self.big = (self.work / name for name in ("1k.eml", "8m.eml", "64m.eml"))
        self.crc = {f: int(subprocess.check_output([str(self.build / "bench-sink"), "--crc", str(f)])) for f in (self.small, self.medium, self.big)}

    def problem(self, text):
        self.problems.append(text)
        print("FAIL " + text, flush=True)

    def run(self, sink, who, mode="reuse", tls="none", auth=0, count=1, file=None, *, wrap=(), inside=None, limit=20, result=False,
            ca="ca.pem", rejects=0, lenient=False, env=()):
        """One run of one contestant, or None where it cannot do this. `same`: the octets arrived as they were given. tern and
        the floor must deliver them so, and in order, or it is a problem; lenient: it is the caller who judges."""
        file = file or self.small
        argv = who.argv(mode, sink.address, sink.tls_port if tls == "smtps" else sink.port, tls, auth, count, file)
        if argv is None:
            return None
        env = dict(os.environ, **dict(env), PERF_CA=str(self.work / ca), PERF_NODEMAILER=str(CACHE / "npm/node_modules/nodemailer"))
        env.update({"PERF_RESULT": "1"} if result else {})
        stat = self.work / ("stat.%d" % os.getpid())
        sink.sums()
        p = subprocess.run([*enter(inside), str(self.build / "bench-runstat"), str(stat), str(limit), *wrap, *argv], env=env, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, errors="replace")
        j = json.loads(stat.read_text())
        stat.unlink()
        if j["rc"] == 3:
            return None
        s = j["sink"] = sink.sums()
        j["out"], j["err"] = p.stdout, p.stderr
        j["same"] = s["crc_sum"] == s["messages"] * self.crc[file] and s["body_bytes"] == s["messages"] * file.stat().st_size
        j["ordered"] = not (s["pipeline_violations"] or s["unknown"] or s["bad_sequence"] or s["bare_lf"] or s["starttls_injection"])
        j["ok"] = j["rc"] == (2 if rejects else 0) and s["messages"] == count - (count // rejects if rejects else 0)
        if mode == "resume" and j["ok"] and s["tls_resumed"] < count - 1:
            if not who.tern:
                return None  # it can not
            j["ok"] = False
        if (who.tern or who.floor) and not lenient:
            if j["ok"] and j["same"] and j["ordered"]:
                self.good += 1
            else:
                self.problem("%s %s %s: exit %d, %d of %d messages, octets %s, %s %s" % (
                    who.name, mode, tls, j["rc"], s["messages"], count, "right" if j["same"] else "WRONG",
                    {k: s[k] for k in ("pipeline_violations", "unknown", "bad_sequence", "bare_lf", "starttls_injection", "rejected") if s[k]},
                    j["err"].strip()[-200:]))
        return j

    def syscalls(self, sink, who, mode, count, **kw):
        out = self.work / ("strace.%d" % os.getpid())
        j = self.run(sink, who, mode, count=count, wrap=("strace", "-f", "-c", "-o", str(out)), limit=120, **kw)
        if not j or not j["ok"]:
            return None
        total = re.findall(r"^100\.00\s+\S+\s+\S+\s+(\d+)", out.read_text(), re.M)
        out.unlink()
        return int(total[-1]), j

    def instructions(self, sink, who, mode, count, **kw):
        j = self.run(sink, who, mode, count=count, wrap=("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--trace-children=yes"),
                     limit=200, **kw)
        if not j or not j["ok"]:
            return None
        return int(re.findall(r"Collected : (\d+)", j["err"])[-1]), j

    def slope(self, measure, sink, who, mode, few, many, **kw):
        """(each further one, what comes before the first) of syscalls or instructions, or None."""
        a = measure(sink, who, mode, few, **kw)
        b = a and measure(sink, who, mode, many, **kw)
        if not b:
            return None
        each = (b[0] - a[0]) / (many - few)
        return each, a[0] - few * each

    def turns(self, sink, who, mode, few, many):
        """Waits for the server a message, those of the session itself left out."""
        a, b = (self.run(sink, who, mode, count=n) for n in (few, many))
        return (b["sink"]["turns"] - a["sink"]["turns"]) / (many - few) if a and b and a["ok"] and b["ok"] else None

    def verifies(self, sink, who, tls):
        """True: it refuses a server that no authority of its vouches for. None: no TLS of this kind."""
        j = self.run(sink, who, "conn", tls, ca="other.pem", lenient=True)
        return None if j is None else j["rc"] != 0 and j["sink"]["messages"] == 0

    def wait_of(self, sink, inside, who, tries, **kw):
        """The least seconds of several runs: (to the end, to the last result or None)."""
        runs = [self.run(sink, who, inside=inside, limit=60, result=who.tern, **kw) for _ in range(tries)]
        if not all(r and r["ok"] for r in runs):
            return None
        return min(r["wall"] for r in runs), min(float(r["out"].split()[-1]) for r in runs) if who.tern else None

    def trips(self, wire, far, near, who, tries, **kw):
        """Round trips (to the end, to the last result): what the long wire takes more than a short one, over its round trip."""
        a, b = (self.wait_of(sink, wire.here, who, n, **kw) for sink, n in ((far, tries), (near, 2 * tries)))
        if not a or not b:
            return None
        return tuple((x - y) / (2 * wire.ms / 1000) if x is not None else None for x, y in zip(a, b))
