#!/usr/bin/env python3
"""The exported symbols of libtern.so against symbols.txt, and symbols.txt against the headers.

Usage: symbols.py LIBRARY LIST INCLUDE-DIRECTORY    checks; ends with "N passed, N failed"
       symbols.py --update LIST INCLUDE-DIRECTORY   writes the list from TERN_API in the headers
"""
import pathlib
import re
import subprocess
import sys


def declared(include):
    """The names that follow TERN_API in the headers."""
    names = set()
    for path in sorted(pathlib.Path(include).rglob("*.h")):
        text = re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.S)
        text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
        for found in re.finditer(r"\bTERN_API\b([^;{]*);", text):
            # the name stands before the last parenthesis that opens the arguments
            name = re.search(r"\b(tern_\w+)\s*\(", found.group(1))
            if not name:
                name = re.search(r"\b(tern_\w+)\s*(?:\[[^]]*\])*\s*$", found.group(1))
            names.add(name.group(1))
    return names


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True,
                         text=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines() if line.split()}


def compare(what, have, want):
    good = True
    for name in sorted(want - have):
        print(f"FAIL {what}: {name} is missing")
        good = False
    for name in sorted(have - want):
        print(f"FAIL {what}: {name} is too much")
        good = False
    return good


def main():
    if sys.argv[1] == "--update":
        pathlib.Path(sys.argv[2]).write_text("".join(n + "\n" for n in sorted(declared(sys.argv[3]))))
        return 0
    library, listed, include = sys.argv[1], sys.argv[2], sys.argv[3]
    want = set(pathlib.Path(listed).read_text().split())
    results = [
        compare("headers", declared(include), want),
        compare("library", exported(library), want),
    ]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
