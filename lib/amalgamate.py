#!/usr/bin/env python3
"""Makes the amalgamation, tern.h and tern.c, of the very sources: amalgamate.py ROOT OUT-DIRECTORY

tern.h is the public headers one behind the other. tern.c is every source of lib/, with the internal
headers where they are first asked for. What is internal (tern__...) becomes static, and what is local
to a file gets the file's name in front, as several files have a `begin` or a `fill`. Which parts are
compiled is said on the command line, as lib/base/config.h lists it. Only the parts that need a host
ask for its headers."""
import pathlib
import re
import sys

ROOMS = ["base", "sasl", "protocol", "message", "resolve", "transport", "client", "pool", "delivery"]
# When a file is compiled; a file that is not named is in every build of its room.
WHEN = {
    "sasl/scram.c": "!defined(TERN_NO_SCRAM_SHA_256) || !defined(TERN_NO_SCRAM_SHA_1)",
    "sasl/cram_md5.c": "!defined(TERN_NO_CRAM_MD5)",
    "sasl/oauth.c": "!defined(TERN_NO_OAUTHBEARER) || !defined(TERN_NO_XOAUTH2)",
    "sasl/external.c": "!defined(TERN_NO_EXTERNAL)",
    "sasl/plain.c": "!defined(TERN_NO_PLAIN)",
    "sasl/login.c": "!defined(TERN_NO_LOGIN)",
    "sasl/prep_idn.c": "defined(TERN_HAVE_LIBIDN)",
    "protocol/express.c": "!defined(TERN_NO_SOCKETS)",
    "client/dial*": "!defined(TERN_NO_SOCKETS)",
    "client/findings*": "!defined(TERN_NO_SOCKETS)",
    "client/probe*": "!defined(TERN_NO_SOCKETS)",
    "transport/local*": "!defined(TERN_NO_SOCKETS)",
    "transport/proxy*": "!defined(TERN_NO_SOCKETS)",
    "transport/race*": "!defined(TERN_NO_SOCKETS)",
    "transport/tcp*": "!defined(TERN_NO_SOCKETS)",
    "transport/dane*": "!defined(TERN_NO_TLS)",
    "transport/tls_cache*": "1",  # in every build: its calls are promised
    "transport/tls_cache.c": "1",
    "transport/tls_cache.h": "1",
    "transport/tls_*": "!defined(TERN_NO_TLS)",
    "transport/tls_none.c": "defined(TERN_NO_TLS)",
    "base/idn.c": "defined(TERN_HAVE_LIBIDN2)",
    "base/idn_none.c": "!defined(TERN_HAVE_LIBIDN2)",
    "base/format.c": "!defined(TERN_NO_LOG)",
    "base/queue_id.c": "!defined(TERN_NO_LOG)",
    "base/arena.c": "!defined(TERN_NO_ARENA)",
    "base/seal.c": "!defined(TERN_NO_CLIENT)",
    "base/hash.c": "!defined(TERN_NO_CLIENT) || !defined(TERN_NO_SCRAM_SHA_256) || !defined(TERN_NO_SCRAM_SHA_1) || !defined(TERN_NO_CRAM_MD5)",
    "base/wording.c": "!defined(TERN_NO_SOCKETS)",
    "base/gather*": "!defined(TERN_NO_SOCKETS)",
    "base/host*": "!defined(TERN_NO_SOCKETS)",
    "base/socket*": "!defined(TERN_NO_SOCKETS)",
    "base/notes*": "!defined(TERN_NO_SOCKETS)",
    "message/file.c": "!defined(TERN_NO_SOCKETS)",
    "message/dkim_mbedtls.c": "!defined(TERN_NO_TLS)",
    "message/dkim_none.c": "defined(TERN_NO_TLS)",
    "client/post.c": "!defined(TERN_NO_MESSAGE)",
}
ROOM_WHEN = {
    "message": "!defined(TERN_NO_MESSAGE)",
    "resolve": "!defined(TERN_NO_SOCKETS) && !defined(TERN_NO_RESOLVE)",
    "transport": "!defined(TERN_NO_CLIENT)",
    "client": "!defined(TERN_NO_CLIENT)",
    "pool": "!defined(TERN_NO_CLIENT) && !defined(TERN_NO_SOCKETS)",
    "delivery": "!defined(TERN_NO_CLIENT) && !defined(TERN_NO_SOCKETS) && !defined(TERN_NO_RESOLVE) && !defined(TERN_NO_DELIVERY)",
}


def def_macro(name):
    """The macro that stands for a file of rows."""
    return "TERN__ROWS_" + re.sub(r"\W", "_", name.rsplit(".", 1)[0]).upper()


def when(name):
    """The condition of a source or header, or None: its room's, with its own or that of the names it is like."""
    own = WHEN.get(name) or next((w for n, w in WHEN.items() if n.endswith("*") and name.startswith(n[:-1])), None)
    return " && ".join(f"({w})" for w in (ROOM_WHEN.get(name.split("/")[0]), own) if w) or None


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|[A-Za-z_]\w*|\s+|.', re.S)
WORD = re.compile(r"[A-Za-z_]\w*$")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"].*\n', re.M)
SOURCE_MACRO = re.compile(r"^#define (_\w+_SOURCE)\b[^\n]*\n", re.M)


def tokens(text):
    return TOKEN.findall(text)


def blank(token):
    return token.isspace() or token.startswith(("/*", "//"))


def directives(text):
    """The text with each preprocessor line blanked out, for the look at declarations."""
    return re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.M)


def local_names(text):
    """What the file declares for itself at file level: static functions and data, types, tags, enumerators."""
    names = set()
    part, depth, paren = [], 0, 0
    for t in tokens(directives(text)):
        if blank(t):
            continue
        if depth == 0 and t in ";" or (depth == 0 and t == "{" and ")" in part and "=" not in part):
            names |= declared(part)
            if t == "{":
                depth += 1
                part = ["function"]
                continue
            part = []
            continue
        depth += (t == "{") - (t == "}")
        if part[:1] == ["function"]:
            if depth == 0:
                part = []
            continue
        part.append(t)
    return names


def declared(part):
    """The names of one declaration at file level, given as tokens (the insides of braces among them)."""
    names = set()
    flat, depth, enum = [], 0, False
    for i, t in enumerate(part):
        if t == "{":
            if depth == 0:
                flat.append("{}")
                head = [x for x in part[max(0, i - 2):i]]
                enum = "enum" in head
                if len(head) == 2 and head[0] in ("struct", "union", "enum"):
                    names.add(head[1])
            depth += 1
        elif t == "}":
            depth -= 1
            enum = enum and depth > 0
        elif depth == 0:
            flat.append(t)
        elif enum and depth == 1 and WORD.match(t) and part[i - 1] in "{,":
            names.add(t)
    if not flat or flat[0] not in ("static", "typedef"):
        if flat[:1] in (["struct"], ["union"]) and len(flat) == 3 and flat[2] == "{}":
            names.add(flat[1])
        return {n for n in names if not n.startswith("tern_")}
    before = flat[:flat.index("=")] if "=" in flat else flat
    if before[0] == "typedef":
        cut = before.index("[") if "[" in before else len(before)
        names.add([x for x in before[:cut] if WORD.match(x)][-1])
    else:
        cut = min([before.index(x) for x in "([" if x in before] or [len(before)])
        found = [x for x in before[:cut] if WORD.match(x)]
        if found:
            names.add(found[-1])
    return {n for n in names if not n.startswith("tern_")}


def rename(text, names, prefix):
    """Puts prefix before each use of the names; not where they are members: behind . or ->, or declared in a struct."""
    out, previous, depth = [], ["", ""], []
    ts = tokens(text)
    for i, t in enumerate(ts):
        if not blank(t):
            if t == "{":
                depth.append(any(x in ("struct", "union") for x in previous[-2:]))
            elif t == "}" and depth:
                depth.pop()
        if t in names and previous[-1] != "." and previous[-2:] != ["-", ">"]:
            following = next((x for x in ts[i + 1:] if not blank(x)), "")
            member = bool(depth and depth[-1]) and (following in (";", ",", "[", ":") or previous[-1] == "*" and following == ")")
            out.append(t if member else prefix + t)
        else:
            out.append(t)
        if not blank(t):
            previous = (previous + [t])[-3:]
    return "".join(out)


class Amalgamation:
    def __init__(self, root):
        self.root = root
        self.seen = set()
        self.sources = set()  # _POSIX_C_SOURCE and its like

    def internal(self, text):
        """Internal declarations and definitions become static."""
        text = re.sub(r"^extern (const [^;]*tern__)", r"TERN__STATIC \1", text, flags=re.M)
        text = re.sub(r"^(const \w+ tern__\w+ =)", r"TERN__STATIC \1", text, flags=re.M)
        return re.sub(r"^((?!static|typedef|return|struct \w+ \{|union|#|TERN__STATIC|else|case)[a-z_][\w \t]*[ \t*]+tern__\w+\()",
                      r"TERN__STATIC \1", text, flags=re.M)

    def expand(self, text, where):
        """Own headers once, in place; tern/ is in tern.h; a .def is a macro; others as they are."""
        def replace(m):
            name = m.group(2)
            if m.group(1) == "<":
                return "" if name.startswith("tern/") else m.group(0)
            if name.endswith(".def"):
                return def_macro(name) + "\n"
            if name in self.seen:
                return ""
            self.seen.add(name)
            text = (self.root / "lib" / name).read_text()
            # what it asks for stands before it, as that may be there under another condition
            first = "".join(replace(n) for n in INCLUDE.finditer(text) if n.group(1) == '"')
            body = self.internal(INCLUDE.sub(lambda n: n.group(0) if n.group(1) == "<" and not n.group(2).startswith("tern/") else "", text))
            if when(name):
                body = f"#if {when(name)}\n{body}#endif\n"
            return f"{first}/* ---- lib/{name} ---- */\n{body}\n"
        return INCLUDE.sub(replace, text)

    def source(self, name):
        text = (self.root / "lib" / name).read_text()
        self.sources |= set(SOURCE_MACRO.findall(text))
        text = SOURCE_MACRO.sub("", text)
        headers, body = [], []
        for line in text.splitlines(keepends=True):
            (headers if INCLUDE.match(line) and not line.rstrip().endswith('.def"') and not self.conditional(text, line) else body).append(line)
        body = "".join(body)
        names = local_names(body)
        macros = sorted(set(re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", body, re.M)))
        prefix = name[:-2].replace("/", "_") + "__"
        body = rename(body, names, prefix)
        body = self.expand(self.internal(body), name)
        own = [h for h in headers if not re.match(r"#include <(?!string\.h|std(def|int)\.h)", h)]
        return ("".join(self.expand(h, name) for h in own), "".join(h for h in headers if h not in own and "<tern/" not in h),
                body + "".join(f"#undef {m}\n" for m in macros))

    @staticmethod
    def conditional(text, line):
        """Whether the include stands between #if and #endif: then it stays where it is."""
        before = text[:text.index(line)]
        return len(re.findall(r"^#[ \t]*if", before, re.M)) > len(re.findall(r"^#[ \t]*endif", before, re.M))


def header(root):
    names = sorted(p.name for p in (root / "include/tern").glob("*.h"))
    done, order = set(), []

    def visit(name):
        if name in done:
            return
        done.add(name)
        for m in INCLUDE.finditer((root / "include/tern" / name).read_text()):
            if m.group(2).startswith("tern/"):
                visit(m.group(2)[5:])
        order.append(name)
    for name in names:
        visit(name)
    out = []
    for name in order:
        text = (root / "include/tern" / name).read_text()
        out.append(INCLUDE.sub(lambda m: "" if m.group(2).startswith("tern/") else m.group(0), text))
    return "\n".join(out)


def main():
    root, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    version = re.search(r'TERN_VERSION "([^"]+)"', (root / "include/tern/base.h").read_text()).group(1)
    about = (f"/* tern {version}, an SMTP client library, as two files. Made by lib/amalgamate.py of the sources, which are the\n"
             " * place to read and to change. %s */\n")
    parts = []
    a = Amalgamation(root)
    for room in ROOMS:
        for path in sorted((root / "lib" / room).glob("*.c")):
            name = f"{room}/{path.name}"
            own, system, body = a.source(name)
            asked = when(name)
            parts.append(f"{own}\n/* ==== lib/{name} ==== */\n" + (f"#if {asked}\n" if asked else "") + system + body +
                         (f"#endif /* {name} */\n" if asked else ""))
    rows = ""
    for path in sorted((root / "lib").glob("*/*.def")):
        lines = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S).splitlines()
        name = str(path.relative_to(root / "lib"))
        rows += f"/* ---- lib/{name} ---- */\n#define {def_macro(name)} \\\n" + " \\\n".join(line for line in lines if line.strip()) + "\n\n"
    text = about % "Compile it with the\n * macros of lib/base/config.h for what is to be left out; that comment is below."
    text += "".join(f"#ifndef {m}\n#define {m}{' 200809L' if m == '_POSIX_C_SOURCE' else ''}\n#endif\n" for m in sorted(a.sources))
    text += '#include "tern.h"\n#include <string.h>\n\n#ifdef __GNUC__\n#define TERN__STATIC static __attribute__((unused))\n'
    text += '#pragma GCC diagnostic ignored "-Wunused-function" /* of parts that are left out */\n'
    text += "#else\n#define TERN__STATIC static\n#endif\n\n"
    text += rows + "\n".join(parts)
    out.mkdir(parents=True, exist_ok=True)
    (out / "tern.c").write_text(re.sub(r"\n{3,}", "\n\n", text))
    (out / "tern.h").write_text(about % "Include this one alone." + header(root))


main()
