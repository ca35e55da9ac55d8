#!/usr/bin/env python3
"""Manual pages from their one source: a page of section 3 for each public header, from its comments, and tern-send(1) from what
`tern-send --help` prints.

Usage: manpages.py VERSION OUT-DIRECTORY HEADER...         writes tern-NAME.3 for each NAME.h (tern.3 for tern.h)
       manpages.py VERSION OUT-DIRECTORY --command PROGRAM   writes tern-send.1
"""
import pathlib
import re
import subprocess
import sys

SECTION = re.compile(r"-{4,} (.+?) -{4,}")


def escape(text):
    """Text as roff takes it: no line of it is a request, no character of it an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text[:1] in (".",) else text


def verbatim(lines, bold=False):
    lead = len(min((re.match(r" *", x).group(0) for x in lines if x.strip()), key=len, default=""))
    out = [".nf"] + ([".ft B"] if bold else [])
    out += [escape(line[lead:].rstrip()) or ".sp" for line in lines]
    return out + ([".ft R"] if bold else []) + [".fi"]


def prose(comment):
    """The inside of a comment as roff: paragraphs; lines set in by two or more blanks are kept as they are; "- " begins an item."""
    out, code = [".PP"], []
    for line in comment:
        if re.match(r" {2,}\S", line) and not open_item(out):
            code.append(line)
            continue
        if code:
            out += [".RS 4"] + verbatim(code) + [".RE", ".PP"]
            code = []
        line = line.strip()
        if not line:
            if out[-1] != ".PP":
                out.append(".PP")
        elif line.startswith("- "):
            out += [".IP \\(bu 2", escape(line[2:])]
        else:
            out.append(escape(line))
    if code:
        out += [".RS 4"] + verbatim(code) + [".RE"]
    while out and out[-1] == ".PP":
        out.pop()
    return out


def open_item(out):
    """Whether the last paragraph is an item of a list."""
    for line in reversed(out):
        if line.startswith((".PP", ".SH", ".SS")):
            return False
        if line.startswith(".IP"):
            return True
    return False


def inside(text):
    """The lines of a comment without its stars."""
    lines = text.strip()[2:-2].split("\n")
    return [lines[0].strip()] + [re.sub(r"^ ?\* ?", "", line).rstrip() for line in lines[1:]]


def blocks(text):
    """("comment" or "code", lines) from a header, in order; code ends at an empty line or a comment in column 0."""
    position = 0
    for found in re.finditer(r"^/\*.*?\*/[^\n]*$", text, re.S | re.M):
        yield from code_blocks(text[position:found.start()])
        yield "comment", inside(found.group(0))
        position = found.end()
    yield from code_blocks(text[position:])


def code_blocks(text):
    text = re.sub(r"^#(ifndef TERN_\w+_H|define TERN_\w+_H|include .*|ifdef __cplusplus\n.*?#endif)\s*$", "", text, flags=re.M | re.S)
    for block in re.split(r"\n\s*\n", text):
        lines = [line.replace("TERN_API ", "") for line in block.split("\n") if line.strip() and line.strip() != "#endif"]
        if lines:
            yield "code", lines


def page_name(header):
    return "tern" if header.stem == "tern" else f"tern-{header.stem}"


def page(header, version):
    text = header.read_text()
    parts = list(blocks(text))
    name = page_name(header).replace("-", "\\-")
    head = next(lines for kind, lines in parts if kind == "comment")
    what = re.sub(r"^\S+\.h - ", "", head[0])
    rest = head[1:]
    while rest and rest[0] and not what.endswith("."):
        what += " " + rest.pop(0).strip()
    what = re.split(r"(?<=[a-z)])\. |\.$", what)[0]
    out = [f'.TH {name.upper()} 3 "" "tern {version}" "tern"', ".SH NAME", f"{name} \\- {escape(what)}", ".SH SYNOPSIS", ".nf",
           f".B #include <tern/{header.name}>", ".fi", ".SH DESCRIPTION"]
    out += prose(rest)
    seen = False
    for kind, lines in parts:
        if kind == "code":
            out += [".PP"] + verbatim(lines, bold=True)
            continue
        if not seen:
            seen = True
            continue
        title = SECTION.search(lines[0])
        if title or lines[0].startswith("----"):
            out.append(".SH " + escape(title.group(1) if title else lines[0].strip("- ")).upper())
            lines = lines[1:]
        if any(line.strip() for line in lines):
            out += prose(lines)
    out += [".SH SEE ALSO", ".BR tern\\-send (1)"]
    return joined(out)


def joined(lines):
    """The page; a paragraph that would follow its heading at once needs no request."""
    return "\n".join(line for i, line in enumerate(lines) if line != ".PP" or not lines[i - 1].startswith(".SH")) + "\n"


def command(program, version):
    said = subprocess.run([program, "--help"], check=True, capture_output=True, text=True, timeout=60).stdout.rstrip().split("\n")
    out = [f'.TH TERN\\-SEND 1 "" "tern {version}" "tern"', ".SH NAME", "tern\\-send \\- send a mail message by SMTP or LMTP", ".SH SYNOPSIS"]
    out += verbatim([said[0]], bold=True)
    out += [".SH DESCRIPTION", "Sends a message and says for each recipient what became of it.",
            "TLS is required and verified unless the command line says otherwise."]
    block = []

    def flush():
        if block:
            out.extend([".PP"] + verbatim(block))
            block.clear()

    for line in said[1:]:
        if re.match(r"\S", line) and ":" not in line and len(line) < 40 and not line.endswith("."):
            flush()
            out.append(".SH " + escape(line.strip()).upper())
        elif line.strip():
            if re.match(r"(Environment|Exit status)\b", line):
                flush()
                out.append(".SH " + re.match(r"Environment|Exit status", line).group(0).upper())
            block.append(line)
    flush()
    out += [".SH SEE ALSO", ".BR tern\\-base (3),", ".BR tern\\-client (3)"]
    return joined(out)


def main():
    version, directory, rest = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    if rest[0] == "--command":
        (directory / "tern-send.1").write_text(command(rest[1], version))
        return
    for path in rest:
        header = pathlib.Path(path)
        (directory / f"{page_name(header)}.3").write_text(page(header, version))


if __name__ == "__main__":
    main()
