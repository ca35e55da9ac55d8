#!/usr/bin/env python3
"""Makes the first corpora of fuzz_session, fuzz_reply and fuzz_ehlo from the dialogue files, one
directory each. tests/fuzz/corpus has what libFuzzer's -merge=1 kept of them.

Usage: corpus.py SCRIPT-DIRECTORY OUTPUT-DIRECTORY
"""
import hashlib
import pathlib
import re
import sys

HELLO = ["250-mx.example greets you"]


def unescape(text):
    """The octets of a line of a dialogue file: its escapes and {text*N}."""
    def repeat(match):
        return match.group(1) * int(match.group(2))
    text = re.sub(r"\{([^{}]*)\*(\d+)\}", repeat, text)
    out = bytearray()
    i = 0
    while i < len(text):
        c = text[i]
        if c == "\\" and i + 1 < len(text):
            i += 1
            c = text[i]
            if c == "x":
                out.append(int(text[i + 1:i + 3], 16))
                i += 3
                continue
            out += {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0"}.get(c, c.encode())
        else:
            out += c.encode()
        i += 1
    return bytes(out)


def server_lines(text):
    """What the server sends, in order: (early, octets)."""
    for line in text.split("\n"):
        key, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if key in ("S", "S<"):
            yield key == "S<", unescape(value) + b"\r\n"
        elif key == "S!":
            yield False, unescape(value)
        elif key.startswith("S*"):
            for _ in range(min(int(key[2:] or 140), 140)):
                yield False, unescape(value) + b"\r\n"
        elif key in ("HELLO", "AGAIN"):
            if key == "HELLO":
                yield False, b"220 mx.example ready\r\n"
            words = [w.strip() for w in value.split(",") if w.strip()]
            lines = HELLO + ["250-" + w for w in words] + ["250 HELP"]
            yield False, "".join(x + "\r\n" for x in lines).encode()
        elif key in ("BYE", "BYE?"):
            yield False, b"221 bye\r\n"


def choices(head):
    """The six octets of settings that come nearest to the file's head."""
    tls = {"required": 1, "default": 1, "opportunistic": 2, "implicit": 3}
    found = re.search(r"^tls: (\S+)", head, re.M)
    first = tls.get(found.group(1), 0) if found else 0
    first |= 4 if re.search(r"^lmtp", head, re.M) else 0
    first |= 8 if re.search(r"^channel-safe", head, re.M) else 0
    first |= 0x20 if re.search(r"^window", head, re.M) else 0
    first |= 0x40 if re.search(r"^auth:", head, re.M) else 0
    first |= 0x80 if "token=" in head else 0
    second = min(max(len(re.findall(r"^to:", head, re.M)), 1), 4) - 1
    second |= 4 if "all-or-none" in head else 0
    second |= 32 if "source:" in head else 0
    second |= 16 if "prdr" in head else 0
    third = (32 if "binary" in head else 0) | (64 if "requiretls" in head else 0) | (128 if "\nterms:" in head else 0)
    sixth = 0x20 if re.search(r"^eager", head, re.M) else 0
    return bytes([first, second, third, 3, 0, sixth])


def quiet(octets):
    """The same without a trace, with clean content and a large buffer, where short cuts are taken."""
    return octets[:2] + bytes([octets[2] | 8 | 16, octets[3] | 0x20]) + octets[4:]


def keep(directory, octets):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / hashlib.sha1(octets).hexdigest()[:16]).write_bytes(octets)


def main():
    script, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    count = 0
    for path in sorted(script.rglob("*.dialogue")):
        head, _, rest = path.read_text().partition("\n---\n")
        session = bytearray(choices(head))
        replies = bytearray()
        for early, octets in server_lines(rest.split("\n---\n")[0]):
            replies += octets
            for at in range(0, len(octets), 255):
                piece = octets[at:at + 255]
                session += bytes([3 | 31 << 3 if early else 0, len(piece)]) + piece
        keep(output / "session", bytes(session[:8192]))
        keep(output / "session", quiet(bytes(session[:8192])))
        keep(output / "reply", b"\x01" + bytes(replies[:4096]))
        lines = re.findall(rb"250[- ]([^\r\n]*)", bytes(replies))
        keep(output / "ehlo", b"\n".join(lines)[:4096])
        count += 1
    print(f"{count} dialogue files")


if __name__ == "__main__":
    main()
