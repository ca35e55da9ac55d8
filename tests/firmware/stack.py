#!/usr/bin/env python3
"""The worst stack of any public function: stack.py TERN.CI  (gcc -fcallgraph-info=su of the amalgamation)

Adds up the frames along the calls. A call through a pointer goes to whatever may stand behind it: from the engine to the functions
of the mechanisms, from a mechanism to the functions that name the pieces of a response; what the caller of the library gave (its
source, its marks) is the caller's own. Frames of memcpy and its like are not known to the compiler and count nothing. Prints
OCTETS and the chain; a recursion or a frame of unknown size is an error."""
import re
import sys

frames, calls = {}, {}
for line in open(sys.argv[1]):
    found = re.match(r'node: \{ title: "([^"]+)" label: "([^"]+)"', line)
    if found:
        size = re.search(r"\\n(\d+) bytes \((\w+)", found.group(2))
        if size:
            if size.group(2) != "static":
                sys.exit(f"{found.group(1)}: a {size.group(2)} frame")
            frames[found.group(1)] = int(size.group(1))
    found = re.match(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', line)
    if found:
        calls.setdefault(found.group(1), set()).add(found.group(2))


def plain(name):
    return name.split(":")[-1].split(".")[0]


MECHANISM = re.compile(r"sasl_\w+__(begin\w*|challenge|prompt|work|success)$|tern__sasl_(once|response|success)$")
FILL = re.compile(r"sasl_\w+__fill$")


def behind(name):
    """What may stand behind a pointer that this function calls."""
    own = plain(name)
    wanted = FILL if own.startswith(("sasl_", "tern__sasl", "tern__pieces")) else MECHANISM
    if own.startswith(("base_", "message_", "protocol_transaction_", "protocol_output_", "tern__mail_", "tern__data_", "tern__trace",
                       "tern__wipe")):
        return []
    return [n for n in frames if wanted.match(plain(n))]


def worst(name, path=()):
    if name in path:
        sys.exit("recursion: " + " > ".join(plain(n) for n in path + (name,)))
    if name not in frames:
        return 0, ()
    best = (0, ())
    for callee in calls.get(name, ()):
        for n in behind(name) if callee == "__indirect_call" else [callee]:
            best = max(best, worst(n, path + (name,)))
    return frames[name] + best[0], (name,) + best[1]


total, chain = max(worst(n) for n in frames if plain(n).startswith("tern_") and not plain(n).startswith("tern__"))
print(total, " > ".join(f"{plain(n)} {frames[n]}" for n in chain))
