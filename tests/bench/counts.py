#!/usr/bin/env python3
"""counts.py - what does not swing, of tern alone: instructions (callgrind), system calls (strace), waits for the server, round trips on a
long wire, peak memory; beside the values of the file `recorded`. As root (the long wire). Ends with "N passed, N failed": a run
failed that did not deliver what it was given, octet for octet and in order; no number fails anything.

Usage: counts.py BUILD/tests/bench [--record]
       counts.py BUILD/tests/bench --prepare     makes certificates and messages, as the user whose checkout it is"""
import pathlib
import re
import statistics
import subprocess
import sys

import machine

RECORDED = machine.HERE / "recorded"
MODES = (("default", "tern"), ("single", "tern-single"), ("eager", "tern-eager"))
WIRE_MS = 50  # each way
# Extensions switched off: what the sink is told, and what tern is asked for then.
SWITCHED_OFF = [("--no-pipelining",), ("--no-chunking",), ("--no-pipelining", "--no-chunking"), ("--no-size",), ("--no-8bitmime",), ("--no-enhanced",),
                ("--no-smtputf8",), ("--no-dsn",), ("--no-auth",), ("--no-starttls",), ("--no-tickets",), ("--tls-max", "1.2"), ("--reject-rcpt", "3")]


def name_of(options):
    return " ".join(options)


def switched_off(bench, tern):
    """Every extension off once: turns a message by mode. The checks are those of each run."""
    out = {}
    for options in SWITCHED_OFF:
        row = out[name_of(options)] = {}
        rejects = int(options[1]) if options[0] == "--reject-rcpt" else 0
        with machine.Sink(bench, *options) as sink:
            for mode, name in MODES:
                if rejects and mode == "eager":  # a refused chunk ends the connection: nothing that has to go well
                    continue
                a, b = (bench.run(sink, tern[name], count=n, rejects=rejects) for n in (30, 120))
                row[mode] = (b["sink"]["turns"] - a["sink"]["turns"]) / 90
            if not rejects:
                bench.run(sink, tern["tern"], "conn", "smtps" if options[0] == "--no-starttls" else "starttls", int(options[0] != "--no-auth"), count=4)
                bench.run(sink, tern["tern"], file=bench.big, count=1)
    return out


def ciphers(bench):
    """What ciphers-bench says of the Mbed TLS that is linked, or None: built without."""
    program = bench.build / "ciphers-bench"
    if not program.exists():
        return None
    return {k: float(v) for k, v in re.findall(r"^(\w+)=([\d.]+)$", subprocess.run([program], capture_output=True, text=True, check=True).stdout, re.M)}


def on_this_machine(bench, tern, sink):
    """(name, value) pairs."""
    startup = {}
    for mode, name in MODES:
        each, start = bench.slope(bench.instructions, sink, tern[name], "reuse", 40, 120)
        startup[name] = start
        yield "instructions.message." + mode, round(each)
        yield "syscalls.message." + mode, round(bench.slope(bench.syscalls, sink, tern[name], "reuse", 40, 120)[0], 2)
        yield "turns.message." + mode, round(bench.turns(sink, tern[name], "reuse", 40, 120), 2)
    session = tern["tern"]
    yield "instructions.session.plain", round(bench.slope(bench.instructions, sink, session, "conn", 4, 12)[0])
    for mode, what in (("conn", "starttls_auth"), ("resume", "starttls_auth_resumed")):
        yield "instructions.session." + what, round(bench.slope(bench.instructions, sink, session, mode, 4, 12, tls="starttls", auth=1)[0])
    yield "syscalls.session.plain", round(bench.slope(bench.syscalls, sink, session, "conn", 4, 12)[0], 1)
    yield "instructions.startup.shared", round(startup["tern"])
    static = machine.Contestant("tern-static", [bench.build / "peer-tern-static"], {"reuse": "reuse"})
    yield "instructions.startup.static_libtern", round(bench.slope(bench.instructions, sink, static, "reuse", 40, 120)[1])
    said = ciphers(bench) or {}
    for name in ("aesni", "clmul"):
        if name in said:
            yield "mbedtls." + name, round(said[name])
    memory = {f: statistics.median(bench.run(sink, session, file=f)["rss_kib"] for _ in range(7)) for f in (bench.small, bench.big)}
    yield "rss_kib.1k", round(memory[bench.small])
    yield "rss_kib.64m_more", round(memory[bench.big] - memory[bench.small])


def over_the_wire(bench, tern):
    with machine.Wire(bench, WIRE_MS) as wire, machine.Sink(bench, address=machine.FAR, inside=wire.there) as far, \
            machine.Sink(bench, inside=wire.here) as near:
        for mode, name in (MODES[0], MODES[2]):
            who = tern[name]
            for what, tls, auth in (("plain", "none", 0), ("starttls_auth", "starttls", 1), ("implicit_auth", "smtps", 1)):
                yield "trips.%s.%s" % (what, mode), round(bench.trips(wire, far, near, who, 4, tls=tls, auth=auth)[1], 1)
            a, b = (bench.trips(wire, far, near, who, 2, count=n)[1] for n in (10, 30))
            yield "trips.further.%s" % mode, round((b - a) / 20, 2)


def of_switches(rows):
    for options, title in (("--no-pipelining", "no_pipelining"), ("--no-chunking", "no_chunking"), ("--no-pipelining --no-chunking", "neither")):
        yield "turns.message.%s" % title, round(rows[options]["default"], 2)


def measure(bench, tern):
    with machine.Sink(bench) as sink:
        yield from on_this_machine(bench, tern, sink)
    yield from over_the_wire(bench, tern)
    yield from of_switches(switched_off(bench, tern))


def recorded():
    lines = [line.partition("=") for line in RECORDED.read_text().split("\n") if line and line[0] != "#"] if RECORDED.exists() else []
    return {name: float(value) for name, _, value in lines}


def main():
    bench = machine.Bench(pathlib.Path(sys.argv[1]))
    if "--prepare" in sys.argv[2:]:
        return 0
    tern = {c.name: c for c in machine.contestants(bench.build) if c.tern}
    before, now = recorded(), {}
    print("%-44s %12s %12s" % ("", "now", "recorded"))
    for name, value in measure(bench, tern):
        now[name] = value
        was = before.get(name)
        more = "%+6.1f %%" % (100 * (value - was) / was) if was else ""
        print("%-44s %12s %12s %s" % (name, "{:,}".format(value), "-" if was is None else "{:,g}".format(was) if was % 1 else "{:,.0f}".format(was), more), flush=True)
    if "--record" in sys.argv[2:]:
        head = "# What counts.py measured last, kept to be compared with; written by counts.py --record.\n"
        RECORDED.write_text(head + "".join("%s=%s\n" % pair for pair in now.items()))
    print("%d passed, %d failed" % (bench.good, len(bench.problems)))
    return 1 if bench.problems or not bench.good else 0


if __name__ == "__main__":
    sys.exit(main())
