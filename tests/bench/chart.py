"""chart.py - the counts of a run as an SVG: instructions, system calls and round trips a message, tern beside its peers."""
NAMES = [("tern-eager", "tern, eager"), ("tern", "tern"), ("tern-single", "tern, one at a time"), ("esmtp", "libESMTP"), ("etpan", "libetpan"),
         ("smtp-source", "smtp-source"), ("curl", "libcurl"), ("nodemailer", "nodemailer"), ("smtplib", "Python smtplib"), ("vmime", "VMime")]
LEFT, PANEL, GAP, BAR, STEP, TOP = 150, 230, 20, 14, 22, 56
STYLE = ("text { font: 12px 'Helvetica Neue', Arial, sans-serif; fill: #1f2328 } .head { font-weight: bold } .note { font-size: 11px; fill: #59636e } "
         ".ours { fill: #0b62c4 } .theirs { fill: #b4bcc6 }")


def text(x, y, words, kind="", anchor="start"):
    return '<text x="%g" y="%g" class="%s" text-anchor="%s">%s</text>' % (x, y, kind, anchor, words)


def digits(value):
    return "{:,.0f}".format(value) if value >= 100 else "{:.1f}".format(value) if value >= 10 else "{:.2f}".format(value)


def panel(left, title, values, rows):
    """One column of bars; the longest stands for the greatest value that there is."""
    out = [text(left, TOP - 14, title, "head")]
    top = max(v for v in values if v is not None)
    for i, ((name, _), value) in enumerate(zip(rows, values)):
        y = TOP + i * STEP
        if value is None:
            out.append(text(left, y + BAR - 3, "not measured", "note"))
            continue
        width = max(1.0, (PANEL - 60) * max(value, 0) / top)
        out.append('<rect x="%g" y="%g" width="%.1f" height="%g" rx="2" class="%s"/>' % (left, y, width, BAR, "ours" if name.startswith("tern") else "theirs"))
        out.append(text(left + width + 5, y + BAR - 3, digits(max(value, 0))))
    return out


def draw(results):
    counts, trips = results.get("counts", {}), results.get("trips", {})
    rows = [row for row in NAMES if row[0] in counts or row[0] in trips]
    columns = [("instructions", [counts.get(n, {}).get("instructions_message") for n, _ in rows]),
               ("system calls", [counts.get(n, {}).get("syscalls_message") for n, _ in rows]),
               ("round trips", [trips.get(n, {}).get("further") for n, _ in rows])]
    width, height = LEFT + len(columns) * (PANEL + GAP), TOP + len(rows) * STEP + 30
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">' % (width, height, width, height),
           "<title>What one more message of 1 KiB costs on an open connection</title>", "<style>%s</style>" % STYLE,
           '<rect width="%d" height="%d" rx="6" fill="#ffffff"/>' % (width, height),
           text(12, 22, "What one more message of 1 KiB costs on an open connection", "head")]
    out += [text(LEFT - 10, TOP + i * STEP + BAR - 3, title, "", "end") for i, (_, title) in enumerate(rows)]
    for i, (title, values) in enumerate(columns):
        if any(v is not None for v in values):
            out += panel(LEFT + i * (PANEL + GAP), title, values, rows)
    out += [text(12, height - 10, "Less is better. Counts, not timings; tests/bench/README.md says how they were taken.", "note"), "</svg>"]
    return "\n".join(out) + "\n"
