#!/usr/bin/env python3
"""bench.py - tern beside its peers and the floor, interleaved: every client runs once a round, in turn, against one server.

Usage: bench.py --build BUILD/tests/bench [--only NAME,...] [--add NAME=COMMAND ...] [--sections clock,counts,trips,off,many,direct,ciphers,encode]
                [--rounds 5] [--seconds 0.7] [--out FILE]

Builds the peers that are installed (install.sh), measures, writes FILE (BUILD/tests/bench/results.json; sections that are not measured
keep what it had), and prints the tables; report.py makes the page and the chart of it. A further client joins by --add, its
command has the contract of peers/peer.h. The round trips need root. Exit 1: tern or the floor delivered something wrong."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import statistics
import subprocess
import sys

import counts
import machine
import report

MESSAGES, SESSIONS = 20000, 200
# name, sink, mode, TLS, AUTH, at most
CLOCK = [("reuse", "all", "reuse", "none", 0, MESSAGES), ("plain", "all", "conn", "none", 0, SESSIONS),
         ("starttls", "all", "conn", "starttls", 1, SESSIONS), ("smtps", "all", "conn", "smtps", 1, SESSIONS),
         ("resumed", "all", "resume", "starttls", 1, SESSIONS), ("big", "all", "reuse", "none", 0, 1), ("big_data", "data", "reuse", "none", 0, 1),
         ("big_tls", "all", "reuse", "starttls", 0, 1)]
# sessions at a time, TLS, messages: each session has had its first long before the end
MANY = [(100, "none", 20000), (10000, "none", 40000), (100, "starttls", 3000), (1000, "starttls", 4000)]
TRIPS = [("plain", "none", 0), ("starttls_auth", "starttls", 1), ("implicit_auth", "smtps", 1)]
WIRE_MS = 50  # each way


def log(*words):
    print("#", *words, file=sys.stderr, flush=True)


def spread(values):
    return [statistics.median(values), min(values), max(values)]


class Run:
    """The sections; each returns what goes into the results under its name."""

    def __init__(self, options):
        self.options = options
        self.bench = machine.Bench(options.build)
        subprocess.run([machine.HERE / "peers.sh", self.bench.build / "peers"], check=True)
        only = options.only.split(",") if options.only else None
        self.all = [c for c in machine.contestants(self.bench.build, options.add) if not only or c.name in only]
        self.unverified = {}

    def may(self, who, tls):
        """Not without TLS alike for all: who takes any certificate is left out of the rows with TLS."""
        if tls == "none" or who.floor:
            return True
        if (who.name, tls) not in self.unverified:
            with machine.Sink(self.bench) as sink:
                good = self.bench.verifies(sink, who, tls)
            self.unverified[who.name, tls] = good
            if good is False and who.tern:
                self.bench.problem("%s takes a server that nobody vouches for" % who.name)
        return self.unverified[who.name, tls] is not False

    # ---- clock --------------------------------------------------------------------------------------------------
    def how_many(self, sink, where, who, mode, tls, auth, most):
        """As many as fit the seconds of a run, 20 at least; None: this client cannot."""
        if not self.may(who, tls) or (where == "data" and who.needs_chunking):
            return None
        if most == 1:
            return 1
        few = 41 if mode == "reuse" else 6
        a, b = (self.bench.run(sink, who, mode, tls, auth, n) for n in (1, few))
        if not a or not b or not a["ok"] or not b["ok"]:
            if b and not b["ok"] or a and not a["ok"]:
                log(who.name, mode, tls, "failed:", ((b or a)["err"]).strip()[-100:])
            return None
        each = max((b["wall"] - a["wall"]) / (few - 1), 1e-6)
        return int(max(20, min(most, self.options.seconds / each)))

    def clock(self):
        raw, number, reads = {}, {}, []
        with machine.Sink(self.bench) as everything, machine.Sink(self.bench, "--no-chunking") as by_data:
            sinks = {"all": everything, "data": by_data}
            for round_ in range(self.options.rounds):
                reads.append(float(subprocess.check_output([self.bench.build / "bench-floor", "raw", self.bench.big])))
                for what, where, mode, tls, auth, most in CLOCK:
                    turn = round_ % len(self.all)
                    for who in self.all[turn:] + self.all[:turn]:
                        key, sink = (what, who.name), sinks[where]
                        if key not in number:
                            number[key] = self.how_many(sink, where, who, mode, tls, auth, most)
                        if number[key] is None:
                            continue
                        j = self.bench.run(sink, who, mode, tls, auth, number[key], self.bench.big if most == 1 else None, limit=60)
                        if not j or not j["ok"]:
                            number[key] = None
                            raw.get(what, {}).pop(who.name, None)
                            if j:
                                log(who.name, what, "exit", j["rc"], j["err"].strip()[-100:])
                            continue
                        raw.setdefault(what, {}).setdefault(who.name, []).append(j)
                log("round", round_ + 1, "of", self.options.rounds, "load", os.getloadavg()[0])
        out = {what: {name: self.clock_row(what, number[what, name], runs) for name, runs in rows.items()} for what, rows in raw.items()}
        out["raw_mb_s"] = spread(reads)
        return out

    @staticmethod
    def clock_row(what, count, runs):
        row = {"count": count, "same": all(j["same"] for j in runs), "rss_kib": statistics.median(j["rss_kib"] for j in runs),
               "resumed": statistics.median(j["sink"]["tls_resumed"] for j in runs)}
        if what.startswith("big"):
            row["mb_s"] = spread([machine.BIG / 1e6 / j["wall"] for j in runs])
            row["by"] = "BDAT" if runs[0]["sink"]["bdat_messages"] else "DATA"
        else:
            row["per_s"] = spread([count / j["wall"] for j in runs])
        row["cpu_ms"] = spread([j["cpu"] * 1000 / count for j in runs])
        return row

    # ---- counts -------------------------------------------------------------------------------------------------
    def counts(self):
        out = {}
        static = machine.Contestant("tern-static", [self.bench.build / "peer-tern-static"], {"reuse": "reuse"})
        with machine.Sink(self.bench) as sink:
            for who in self.all + ([static] if any(c.tern for c in self.all) else []):
                row = out[who.name] = {}
                self.count_into(row, sink, who)
                log(who.name, row)
        return out

    def count_into(self, row, sink, who):
        b = self.bench
        row["turns"] = b.turns(sink, who, "reuse", 40, 120)
        kinds = [("message", "reuse", 40, 120, {}), ("plain", "conn", 4, 12, {}), ("starttls", "conn", 4, 12, {"tls": "starttls", "auth": 1}),
                 ("resumed", "resume", 4, 12, {"tls": "starttls", "auth": 1})]
        for name, mode, few, many, more in kinds:
            if more and (who.floor or not self.may(who, "starttls")):
                continue
            s = b.slope(b.syscalls, sink, who, mode, few, many, **more)
            i = b.slope(b.instructions, sink, who, mode, few, many, **more) if who.counts else None
            row["syscalls_" + name] = s and s[0]
            row["instructions_" + name] = i and i[0]
            if name == "message":
                row["startup"] = i and i[1]
        for name, tls in (("plain", "none"), ("tls", "starttls")):
            if who.counts and self.may(who, tls):
                row["instructions_kib_" + name] = self.per_kib(sink, who, tls)
        small, big = ([b.run(sink, who, file=f, lenient=True) for _ in range(5)] for f in (b.small, b.big))
        if all(small) and all(big):
            row["rss_1k"], row["rss_64m"] = (statistics.median(j["rss_kib"] for j in runs) for runs in (small, big))

    def per_kib(self, sink, who, tls):
        """Instructions for each KiB of a large message; handshake and start-up taken off."""
        a, b = (self.bench.instructions(sink, who, "reuse", 1, tls=tls, file=f, lenient=True) for f in (self.bench.small, self.bench.medium))
        return a and b and (b[0] - a[0]) / (machine.MEDIUM / 1024)

    # ---- round trips --------------------------------------------------------------------------------------------
    def trips(self):
        out = {}
        if os.geteuid() != 0:
            log("round trips are left out: they need root")
            return None
        with machine.Wire(self.bench, WIRE_MS) as wire, machine.Sink(self.bench, address=machine.FAR, inside=wire.there) as far, \
                machine.Sink(self.bench, inside=wire.here) as near:
            for who in self.all:
                row = out[who.name] = {}
                for what, tls, auth in TRIPS:
                    if self.may(who, tls):
                        row[what] = self.bench.trips(wire, far, near, who, 4, tls=tls, auth=auth)
                a, b = (self.bench.trips(wire, far, near, who, 2, count=n) for n in (10, 30))
                row["further"] = a and b and (b[0] - a[0]) / 20
                log(who.name, row)
        return out

    # ---- tern alone ---------------------------------------------------------------------------------------------
    def off(self):
        return counts.switched_off(self.bench, {c.name: c for c in machine.contestants(self.bench.build) if c.tern})

    def many(self):
        """A pool on one thread: what a session holds, and the pace of many beside that of few."""
        pool = machine.Contestant("tern-pool", [self.bench.build / "peer-pool"], {"pool": "pool"})
        said = {}
        with machine.Sink(self.bench) as sink:
            for _ in range(self.options.rounds):
                for sessions, tls, messages in MANY:
                    j = self.bench.run(sink, pool, "pool", tls, count=messages, limit=120, env={"PERF_SESSIONS": str(sessions)})
                    if j["ok"]:
                        said.setdefault((sessions, tls), []).append({k: float(v) for k, v in re.findall(r"(\w+)=(-?\d+)", j["out"])})
        return [{"sessions": min(r["sessions"] for r in runs), "tls": tls, "per_s": spread([r["rate"] for r in runs]), "warm_per_s": spread([r["warm"] for r in runs]),
                 "octets": statistics.median(r["octets"] for r in runs), "resident": statistics.median(r["resident"] for r in runs)}
                for (_, tls), runs in said.items()]

    def direct(self):
        program = self.bench.build / "delivery-bench"
        if not program.exists():
            return None
        runs = []
        for _ in range(self.options.rounds):
            p = subprocess.run([program], capture_output=True, text=True)
            if p.returncode != 0:
                self.bench.problem("delivery-bench: exit %d, %s" % (p.returncode, p.stderr.strip()[-200:] or "not all accepted"))
                continue
            self.bench.good += 1
            runs.append({k: float(v) for k, v in re.findall(r"^(\w+)=([\d.]+)$", p.stdout, re.M)})
        return {k: spread([r[k] for r in runs]) for k in runs[0]} if runs else None

    def ciphers(self):
        return counts.ciphers(self.bench)

    def encode(self):
        said = subprocess.run([self.bench.build / "message-bench"], capture_output=True, text=True, check=True).stdout
        return {"speed": re.findall(r"^(.+?)  +([\d.]+) GB/s$", said, re.M),
                "memory": re.findall(r"^(.+?) attachment: peak resident (\d+) KiB, arena (\d+) octets$", said, re.M)}

    # ---- the frame ----------------------------------------------------------------------------------------------
    def about(self):
        packages = ["libcurl4", "libesmtp6", "libetpan20", "libvmime1", "python3", "postfix", "msmtp", "libssl3"]
        listed = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n"] + packages, capture_output=True, text=True).stdout
        versions = dict(line.split() for line in listed.split("\n") if len(line.split()) == 2)
        nodemailer = machine.CACHE / "npm/node_modules/nodemailer/package.json"
        if nodemailer.exists():
            versions["nodemailer"] = json.loads(nodemailer.read_text())["version"]
        linked = subprocess.run(["ldd", self.bench.build / "peer-tern"], capture_output=True, text=True).stdout
        tls = re.search(r"libmbedtls\S* => (\S+)", linked)
        options = json.loads(subprocess.check_output(["meson", "introspect", "--buildoptions", self.bench.build.parent.parent]))
        cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
        commit = subprocess.run(["git", "-C", machine.HERE, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        return {"cpu": cpu.group(1) if cpu else platform.machine(), "cpus": os.cpu_count(), "kernel": platform.release().split("-")[0],
                "system": re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text()).group(1), "versions": versions,
                "mbedtls": os.path.basename(os.path.realpath(tls.group(1))) if tls else "none", "commit": commit,
                "buildtype": next(o["value"] for o in options if o["name"] == "buildtype"), "rounds": self.options.rounds}


def main():
    parser = argparse.ArgumentParser(description="tern beside its peers")
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--add", action="append", default=[])
    parser.add_argument("--sections", default="clock,counts,trips,off,many,direct,ciphers,encode")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.7)
    parser.add_argument("--out")
    options = parser.parse_args()
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))  # the sink's sessions
    out = pathlib.Path(options.out or pathlib.Path(options.build) / "results.json")
    results = json.loads(out.read_text()) if out.exists() else {}
    run = Run(options)
    results["about"] = run.about()
    results["wire_ms"] = WIRE_MS
    for section in options.sections.split(","):
        before = os.getloadavg()[0]
        value = getattr(run, section)()
        if value is not None:
            results[section] = value
            results.setdefault("load", {})[section] = [round(x, 1) for x in sorted((before, os.getloadavg()[0]))]
            results.setdefault("date", {})[section] = datetime.date.today().isoformat()
        results["unverified"] = sorted({name for (name, _), good in run.unverified.items() if good is False} | set(results.get("unverified", [])))
        out.write_text(json.dumps(results, indent=1) + "\n")
    print(report.page(results))
    print("%d passed, %d failed" % (run.bench.good, len(run.bench.problems)))
    return 1 if run.bench.problems else 0


if __name__ == "__main__":
    sys.exit(main())
