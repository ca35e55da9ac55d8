#!/usr/bin/env python3
"""The structure of lib/, as a test: who may include whom, how long a function may be, and what the
rooms that build freestanding may not call. Usage: rooms.py LIB-DIRECTORY; ends with "N passed, N
failed"."""
import pathlib
import re
import sys

# The floors, highest first: a room includes only what is named here (and itself).
MAY = {
    "delivery": {"client", "protocol", "resolve", "transport", "sasl", "base"},
    "pool": {"client", "transport", "base"},
    "client": {"message", "protocol", "resolve", "transport", "sasl", "base"},
    "protocol": {"sasl", "base"},
    "message": {"base"},
    "resolve": {"base"},
    "transport": {"base"},
    "sasl": {"base"},
    "base": set(),
}
FREESTANDING = ("base", "sasl", "message", "protocol")
# mem.c has the default allocator (absent without a heap); files marked so are not in firmware.
HOST_ONLY = "host builds only"
FORBIDDEN = re.compile(
    r"\b(malloc|calloc|realloc|free|v?s?n?f?printf|puts|time|clock|getenv|exit|abort|strdup|rand"
    r"|isdigit|isalpha|isalnum|isspace|isprint|iscntrl|isupper|islower|tolower|toupper"
    r"|strcasecmp|strncasecmp|atoi|atol|strtol|strtoul|strtoull|setlocale)\s*\(")
LONGEST = 80


def bare(text):
    """The source with comments and the insides of literals blanked; lines stay where they are."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def functions(text):
    """(name, first line, lines) of each function: a body opens with a brace in column 0."""
    lines = bare(text).split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            head = " ".join(lines[max(0, start - 6):start - 1])
            names = re.findall(r"(\w+)\s*\(", head.split("}")[-1].split(";")[-1])
            if names:
                yield names[0], start, number - start + 1
            start = None


def includes(path, room, rooms):
    """Complaints about the include lines of one file."""
    for number, line in enumerate(path.read_text().split("\n"), 1):
        found = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not found:
            continue
        where = f"{path}:{number}"
        name = found.group(2)
        if found.group(1) == "<":
            if name.split("/")[0] in rooms:
                yield f'{where}: own header in <>: "{name}"'
            continue
        other = name.split("/")[0]
        if "/" not in name:
            yield f'{where}: without its room: "{name}"'
        elif other not in rooms:
            yield f'{where}: no room: "{name}"'
        elif other != room and other not in MAY[room]:
            yield f'{where}: {room} may not include {other}: "{name}"'
        elif not (path.parent.parent / name).exists():
            yield f'{where}: no such header: "{name}"'


def calls(path):
    """Calls that a freestanding build cannot have."""
    text = path.read_text()
    if path.name == "mem.c" or HOST_ONLY in "\n".join(text.split("\n")[:3]):
        return
    for number, line in enumerate(bare(text).split("\n"), 1):
        found = FORBIDDEN.search(line)
        # a member of the caller's table of that name is not the C library's
        if found and not re.search(r"(->|\.|\(\*)\s*$", line[:found.start()]):
            yield f"{path}:{number}: {found.group(1)}() in a freestanding room"


def statics(path):
    """Writable data at file level: no static state (design decision 16)."""
    for number, line in enumerate(bare(path.read_text()).split("\n"), 1):
        if re.match(r"static\s+(?!.*\bconst\b)[^()]*(=|;)", line):
            yield f"{path}:{number}: static state: {line.strip()}"


TYPE = re.compile(r"^typedef struct (tern__\w+) \{|^struct (tern__\w+) \{|^\} (tern__\w+);", re.M)


def twice(root):
    """Types with one name and two meanings: the amalgamation has them all in one file."""
    where = {}
    for path in sorted(p for p in root.glob("*/*.[ch]") if not p.stem.endswith("_none")): # those stand instead of others
        for name in {a or b or c for a, b, c in TYPE.findall(bare(path.read_text()))}:
            where.setdefault(name, []).append(path)
    for name, paths in sorted(where.items()):
        if len(paths) > 1:
            yield f"{name} is defined in {' and '.join(map(str, paths))}"


def main():
    root = pathlib.Path(sys.argv[1])
    passed = failed = 0
    for complaint in twice(root):
        print("FAIL", complaint)
        failed += 1
    rooms = {p.name for p in root.iterdir() if p.is_dir()}
    for room in sorted(rooms):
        if room not in MAY:
            print(f"FAIL {root / room}: a room that is in no floor")
            failed += 1
            continue
        for path in sorted(list((root / room).glob("*.c")) + list((root / room).glob("*.h"))):
            wrong = list(includes(path, room, rooms)) + list(statics(path))
            if room in FREESTANDING:
                wrong += list(calls(path))
            for name, line, length in functions(path.read_text()):
                if length > LONGEST:
                    wrong.append(f"{path}:{line}: {name} has {length} lines")
            for complaint in wrong:
                print("FAIL", complaint)
            if wrong:
                failed += 1
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
