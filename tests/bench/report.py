#!/usr/bin/env python3
"""report.py - the tables of a run as text; and with --publish the page (README.md, between its marks) and the chart (chart.svg).

Usage: report.py RESULTS.json [--publish]"""
import json
import pathlib
import re
import sys

import chart

HERE = pathlib.Path(__file__).resolve().parent
TITLES = {"tern": "**tern**", "tern-single": "**tern**, one at a time", "tern-eager": "**tern**, eager", "curl": "libcurl", "esmtp": "libESMTP",
          "etpan": "libetpan", "vmime": "VMime", "smtplib": "Python smtplib", "floor-lock": "*floor: four waits*", "floor-group": "*floor: one wait*",
          "floor-gen": "*floor: no wait*", "tern-static": "**tern**, static"}


def number(value, digits=0):
    return "-" if value is None else "{:,.{}f}".format(value + 0.0, digits)


def clock(value, digits=0):
    """Median and range."""
    return "-" if not value else "%s (%s-%s)" % tuple(number(v, digits) for v in value)


def table(head, rows):
    """Rows and columns that are all dashes are left out."""
    keep = [i for i in range(len(head)) if i == 0 or any(row[i] != "-" for row in rows)]
    if len(keep) < 2:
        return ""
    head, rows = [head[i] for i in keep], [[row[i] for i in keep] for row in rows]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows if any(cell != "-" for cell in row[1:])]) + "\n"


class Results:
    """Reading that answers None for what was not measured, and for what a clock measured while others had the processors."""

    def __init__(self, r):
        self.r = r
        self.loud = {section for section, load in r.get("load", {}).items() if load[1] > r["about"]["cpus"]}
        self.quiet = "clock" not in self.loud
        self.names = list(dict.fromkeys([n for n in r.get("counts", {}) if n != "tern-static"] +
                                        [n for rows in r.get("clock", {}).values() if isinstance(rows, dict) for n in rows]))

    def get(self, *keys):
        at = self.r
        for key in keys:
            at = at.get(key) if isinstance(at, dict) else at[key] if isinstance(at, (list, tuple)) and key < len(at) else None
            if at is None:
                return None
        return at

    def clock(self, what, name, field):
        return self.get("clock", what, name, field) if self.quiet or field in ("same", "by") else None

    def count(self, name, field):
        return self.get("counts", name, field)

    def trips(self, name, what):
        """To the end of the session; tern: to the last result too."""
        end, result = self.get("trips", name, what, 0), self.get("trips", name, what, 1)
        return "-" if end is None else number(end, 1) if result is None else "%s (%s)" % (number(end, 1), number(result, 1))


def same_octets(x, name):
    seen = [x.clock(what, name, "same") for what in ("reuse", "plain", "big")]
    seen = [s for s in seen if s is not None]
    return "-" if not seen else "right" if all(seen) else "own" if name == "smtp-source" else "altered"


def reused(x):
    return table(["client", "instructions", "system calls", "turns", "round trips", "messages/s", "octets"],
                 [[TITLES.get(n, n), number(x.count(n, "instructions_message")), number(x.count(n, "syscalls_message"), 2), number(x.count(n, "turns"), 2),
                   number(x.get("trips", n, "further"), 2), clock(x.clock("reuse", n, "per_s")), same_octets(x, n)] for n in x.names])


def sessions(x):
    a = table(["client", "trips plain", "trips STARTTLS + AUTH", "trips implicit TLS + AUTH", "system calls plain", "instructions plain", "instructions STARTTLS + AUTH",
               "the same, resumed"],
              [[TITLES.get(n, n)] + [x.trips(n, what) for what in ("plain", "starttls_auth", "implicit_auth")] + [number(x.count(n, "syscalls_plain"), 1)] +
               [number(x.count(n, "instructions_" + what)) for what in ("plain", "starttls", "resumed")] for n in x.names])
    b = table(["client", "plain /s", "STARTTLS + AUTH /s", "implicit TLS + AUTH /s", "resumed /s", "CPU ms STARTTLS", "CPU ms resumed"],
              [[TITLES.get(n, n)] + [clock(x.clock(what, n, "per_s")) for what in ("plain", "starttls", "smtps", "resumed")] +
               [clock(x.clock(what, n, "cpu_ms"), 2) for what in ("starttls", "resumed")] for n in x.names])
    return a + "\n" + b


def first(x):
    rows = [n for n in x.names if n not in ("tern-single", "tern-eager", "floor-lock", "floor-group")]
    if "tern" in rows:
        rows.insert(1, "tern-static")
    return table(["client", "instructions before the first message", "peak memory KiB, 1 KiB", "64 MiB", "more"],
                 [[TITLES.get(n, n), number(x.count(n, "startup")), number(x.count(n, "rss_1k")), number(x.count(n, "rss_64m")),
                   number(x.count(n, "rss_64m") - x.count(n, "rss_1k")) if x.count(n, "rss_64m") else "-"] for n in rows])


def bulk(x):
    def cell(what, n):
        by = x.clock(what, n, "by")
        return "-" if by is None or not x.quiet else clock(x.clock(what, n, "mb_s")) + (" " + by if what == "big" else "")
    return table(["client", "instructions/KiB", "the same, STARTTLS", "MB/s", "MB/s, no CHUNKING", "MB/s, STARTTLS"],
                 [[TITLES.get(n, n)] + [number(x.count(n, "instructions_kib_" + k)) for k in ("plain", "tls")] +
                  [cell(what, n) for what in ("big", "big_data", "big_tls")] for n in x.names] +
                 [["*TCP to a thread that only reads*", "-", "-", clock(x.get("clock", "raw_mb_s") if x.quiet else None), "-", "-"]])


def off(x):
    rows = x.get("off") or {}
    return table(["the sink has", "default", "one at a time", "eager"],
                 [["`%s`" % k] + [number(row.get(m), 2) for m in ("default", "single", "eager")] for k, row in rows.items()])


TLS = {"none": "plain", "starttls": "STARTTLS"}


def many(x):
    rows, timed = x.get("many") or [], "many" not in x.loud
    said = "One thread, one `tern_pool`, mails of 1 KiB to one server, each sent again when it has its result."
    return said + "\n\n" + table(["sessions at a time", "connection", "octets a session", "resident octets a session", "messages/s", "messages/s, all sessions open"],
                                 [[number(r["sessions"]), TLS[r["tls"]], number(r["octets"]), number(r["resident"])] +
                                  [clock(r[k] if timed else None) for k in ("per_s", "warm_per_s")] for r in rows]) if rows else ""


def direct(x):
    d, timed = x.get("direct") or {}, "direct" not in x.loud
    if not d:
        return ""
    return ("`tern_delivery` to %s recipients in %s domains, each with an MX host and an address of its own: look-ups, connections and mail on one thread, the name "
            "server and all hosts in another process.\n\n" % (number(d["recipients"][0]), number(d["domains"][0]))) + table(
        ["sent as", "recipients/s", "CPU s", "octets a recipient, at most", "sockets at most", "connections", "questions"],
        [[title, clock(d[k + "_recipients_per_second"] if timed else None), clock(d[k + "_cpu_seconds"] if timed else None, 2)] +
         [number(d[k + "_" + what][0]) for what in ("memory_per_recipient", "sockets_most", "connections", "questions")]
         for k, title in (("one_mail", "one mail"), ("many_mails", "a mail for each"))])


def ciphers(x):
    c, timed = x.get("ciphers") or {}, "ciphers" not in x.loud
    if not c:
        return ""
    used = [name for key, name in (("aesni", "AES (AES-NI)"), ("clmul", "GCM's multiplication (PCLMULQDQ)")) if c[key]]
    return "Mbed TLS takes the processor's instructions for %s.\n\n" % (" and for ".join(used) or "neither AES nor GCM") + table(
        ["cipher", "CPU s of %s MiB, best of three (clock)" % number(c["mib"])],
        [[title, number(c[k + "_cpu_seconds"] if timed else None, 2)] for k, title in (("aes_256_gcm", "AES-256-GCM"), ("chacha20_poly1305", "ChaCha20-Poly1305"))])


def encode(x):
    speed, memory = x.get("encode", "speed") or [], x.get("encode", "memory") or []
    return (table(["octets in", "GB/s (clock)"], [[name, rate] for name, rate in speed]) + "\n" +
            table(["attachment composed and written away, base64", "peak memory KiB", "arena, octets"], [[name.strip(), number(float(k)), number(float(a))] for name, k, a in memory]))


def ratio(a, b):
    return None if not a or not b else a / b


def goals(x):
    """(what, goal, value as text, met or None)."""
    ins, sys_, speed = (lambda n: x.count(n, "instructions_message")), (lambda n: x.count(n, "syscalls_message")), (lambda n: x.clock("reuse", n, "per_s"))
    med = lambda v: v and v[0]
    rows = []

    def most(what, value, limit, digits=0):
        rows.append((what, "<= %s" % number(limit, digits if limit % 1 else 0), number(value, digits), None if value is None else round(value, digits) <= limit))

    def least(what, value, limit):
        rows.append((what, ">= %g" % limit, number(value, 2), None if value is None else value >= limit))

    most("round trips of a further message", x.get("trips", "tern", "further"), 1.1, 2)
    most("the same, eager", x.get("trips", "tern-eager", "further"), 0.1, 2)
    most("turns of a message without PIPELINING, by BDAT", x.get("off", "--no-pipelining", "default"), 3, 2)
    most("the same by DATA", x.get("off", "--no-pipelining --no-chunking", "default"), 4, 2)
    for what, title, normal, eager in (("plain", "plain", 5.1, 4.1), ("starttls_auth", "STARTTLS + AUTH", 9.1, 8.1), ("implicit_auth", "implicit TLS + AUTH", 7.1, 6.1)):
        most("round trips to the result of one message, " + title, x.get("trips", "tern", what, 1), normal, 1)
        most("the same, eager", x.get("trips", "tern-eager", what, 1), eager, 1)
    most("instructions a message, one at a time", ins("tern-single"), 3500)
    most("the same, eager", ins("tern-eager"), 2000)
    most("system calls a message, eager", sys_("tern-eager"), 0.25, 2)
    most("system calls a message, default", sys_("tern"), 3, 2)
    most("system calls a message, one at a time", sys_("tern-single"), 5, 2)
    most("system calls of a plain session", x.count("tern", "syscalls_plain"), 12, 1)
    least("start-up of libESMTP over tern's", ratio(x.count("esmtp", "startup"), x.count("tern", "startup")), 10)
    most("peak memory of 64 MiB over that of 1 KiB, KiB", (x.count("tern", "rss_64m") or 0) - (x.count("tern", "rss_1k") or 0) if x.count("tern", "rss_64m") else None, 256)
    most("peak memory of the process, plain, KiB", x.count("tern", "rss_1k"), 3072)
    least("instructions of libcurl's session over tern's, STARTTLS + AUTH", ratio(x.count("curl", "instructions_starttls"), x.count("tern", "instructions_starttls")), 1)
    least("the same over tern's resumed one", ratio(x.count("curl", "instructions_starttls"), x.count("tern", "instructions_resumed")), 2)
    for name, other, limit in (("tern-eager", "curl", 20), ("tern-eager", "esmtp", 10), ("tern-eager", "floor-gen", 0.25), ("tern", "floor-group", 0.8), ("tern", "curl", 3), ("tern", "esmtp", 1.5)):
        least("messages/s of %s over %s (clock)" % (name, other), ratio(med(speed(name)), med(speed(other))), limit)
    for what, title, other, limit in (("big", "64 MiB by BDAT", "floor-group", 0.9), ("big_data", "64 MiB by DATA", "floor-lock", 0.9), ("big_data", "64 MiB by DATA", "curl", 1.2), ("big_tls", "64 MiB over TLS", "curl", 0.8)):
        least("%s, MB/s over %s (clock)" % (title, other), ratio(med(x.clock(what, "tern", "mb_s")), med(x.clock(what, other, "mb_s"))), limit)
    least("sessions/s with STARTTLS + AUTH over libcurl (clock)", ratio(med(x.clock("starttls", "tern", "per_s")), med(x.clock("starttls", "curl", "per_s"))), 1)
    few, lots = ([r for r in x.get("many") or [] if r["tls"] == "none" and r["sessions"] == n] for n in (100, 10000))
    if lots:
        most("octets of each of 10,000 plain sessions on one thread", lots[0]["octets"], 4096)
    if few and lots and "many" not in x.loud:
        least("messages/s of 10,000 sessions over those of 100 (clock)", ratio(lots[0]["warm_per_s"][0], few[0]["warm_per_s"][0]), 0.5)
    return table(["", "goal", "now", ""], [[w, g, v, "-" if ok is None else "met" if ok else "**missed**"] for w, g, v, ok in rows if v != "-"])


def about(x):
    a, load, date = x.get("about"), x.get("load") or {}, x.get("date") or {}
    first_day, last_day = min(date.values()), max(date.values())
    text = "%s, %d CPUs (%s), Linux %s; tern %s (meson's %s), %s; %s.\n" % (
        a["system"], a["cpus"], a["cpu"], a["kernel"], a["commit"], a["buildtype"], a["mbedtls"],
        ", ".join("%s %s" % (k, v) for k, v in a["versions"].items()))
    text += "Measured %s, medians of %d interleaved rounds with the range in brackets where a clock was used. Load average while it ran: %s.\n" % (
        first_day if first_day == last_day else first_day + " to " + last_day, a["rounds"], ", ".join("%s %s to %s" % (k, *v) for k, v in load.items()))
    if not x.quiet:
        text += ("**The machine was not idle**, so nothing that a clock measured is shown but the encoders; counts are not touched by it, round trips by a "
                 "few tenths.\n")
    if x.get("unverified"):
        text += "Left out of the rows with TLS, since they took a server that nobody vouches for: %s.\n" % ", ".join(x.get("unverified"))
    return text


def page(results):
    x = Results(results)
    parts = [about(x), "### Messages of 1 KiB over one connection, each\n", reused(x), "### Sessions of one message, each\n", sessions(x),
             "### Start-up and memory\n", first(x), "### One message of 64 MiB, a third of its lines with a leading dot\n", bulk(x),
             "### Extensions switched off: turns of a message of tern\n", off(x), "### Many sessions\n", many(x), "### Direct to MX in bulk\n", direct(x),
             "### Ciphers of TLS records\n", ciphers(x), "### Composing: encoders beside a plain copy of memory, best of three\n", encode(x), "### Goals\n", goals(x)]
    return "\n".join(parts)


def main():
    results = json.loads(pathlib.Path(sys.argv[1]).read_text())
    if "--publish" not in sys.argv[2:]:
        print(page(results))
        return
    readme = HERE / "README.md"
    text = readme.read_text()
    begin, end = "<!-- the last run: made by report.py -->\n", "<!-- its end -->\n"
    assert begin in text and end in text
    text = re.sub(re.escape(begin) + ".*" + re.escape(end), lambda _: begin + "\n" + page(results) + "\n" + end, text, flags=re.S)
    readme.write_text(text)
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "chart.svg").write_text(chart.draw(results))


if __name__ == "__main__":
    main()
