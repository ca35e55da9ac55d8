#!/usr/bin/env python3
"""Runs the images of examples/firmware under qemu against a server on loopback (the UART is a TCP connection), and looks at exit
status, stack, arenas and what the server got: qemu.py DIR MBEDTLS-SOURCE [sizes]   DIR: where images and certificates are built;
sizes: builds the images with TLS and prints what they take, no more. Ends with "N passed, N failed"."""
import pathlib
import re
import ssl
import subprocess
import sys

from server import Server

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FIRMWARE = ROOT / "examples/firmware"
passed = failed = 0


def sh(*command, **how):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **how)
    if done.returncode:
        sys.exit(f"{' '.join(str(c) for c in command)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def check(what, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"FAIL {what}: {detail}")


# ---- certificates ----
def certificates(out, kind):
    """An authority and a server's chain: "ecdsa" P-256 throughout, "public" RSA as the public's servers have it. -> contexts by name"""
    out.mkdir(parents=True, exist_ok=True)
    key = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] if kind == "ecdsa" else ["rsa:2048"]
    root = key if kind == "ecdsa" else ["rsa:4096"]

    def request(name, subject, newkey, *more):
        sh("openssl", "req", "-newkey", *newkey, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.{'pem' if more else 'csr'}",
           "-subj", f"/CN={subject}", "-days", "3650" if more else "1", *more, cwd=out)

    def sign(name, ca, extensions):
        (out / f"{name}.ext").write_text(extensions)
        sh("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "3650",
           "-extfile", f"{name}.ext", "-out", f"{name}.pem", cwd=out)
    names = "".join(f",DNS:mx{i}.example.org" for i in range(30 if kind == "public" else 0))
    for ca, leaf, host in (("ca", "server", "mail.example.org"), ("ca", "other-name", "elsewhere.example.org"), ("stranger", "strange", "mail.example.org")):
        if not (out / f"{ca}.pem").exists():
            request(ca, "proof of tern", root, "-x509")
        signer = ca
        if kind == "public":  # the chain that many have: an intermediate between
            signer = f"{ca}-between"
            if not (out / f"{signer}.pem").exists():
                request(signer, "between", key)
                sign(signer, ca, "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
        request(leaf, host, key)
        sign(leaf, signer, f"subjectAltName=DNS:{host}{names}\n")
        chain = [leaf, signer, ca] if kind == "public" else [leaf]
        (out / f"{leaf}.chain").write_text("".join((out / f"{n}.pem").read_text() for n in chain))
    der = ssl.PEM_cert_to_DER_cert((out / "ca.pem").read_text())
    (out / "ca.h").write_text("static const unsigned char ca_der[] = {" + ",".join(str(b) for b in der) + "};\n")
    contexts = {}
    for leaf in ("server", "other-name", "strange"):
        contexts[leaf] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[leaf].load_cert_chain(out / f"{leaf}.chain", out / f"{leaf}.key")
    return contexts


# ---- images ----
def image(out, board, tls="none", mbedtls=None, ca=None, **variables):
    more = [f"{k}={v}" for k, v in variables.items()] + ([f"MBEDTLS={mbedtls}", f"CA={ca}"] if tls != "none" else [])
    sh("make", "-s", "-j2", "-C", FIRMWARE, f"BOARD={board}", f"TLS={tls}", f"OUT={out}", f"TERN={ROOT}", *more)
    return out / f"{tls}.elf"


def size(elf):
    """All of its flash and all of its RAM, stack included."""
    text, data, bss = (int(n) for n in sh("arm-none-eabi-size", elf).split("\n")[1].split()[:3])
    return text + data, data + bss


def stack_given(elf):
    found = dict(reversed(line.split()[::2]) for line in sh("arm-none-eabi-nm", elf).split("\n") if line.endswith(("_estack", "_stack_bottom")))
    return int(found["_estack"], 16) - int(found["_stack_bottom"], 16)


def run(elf, board, options, server, seconds=240):
    """-> (exit status, {name: value})"""
    command = ["timeout", str(seconds), "qemu-system-arm", "-M", board, "-display", "none", "-monitor", "none", "-kernel", str(elf),
               "-semihosting-config", "enable=on,target=native,arg=device," + ",".join(f"arg={o}" for o in options.split()),
               "-serial", f"tcp:127.0.0.1:{server.port},nodelay=on"]
    values = {}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True) as qemu:
        for line in qemu.stderr:
            found = re.fullmatch(r"(\w+)=(-?\d+)\n", line)
            if found:
                values[found.group(1)] = int(found.group(2))
                if found.group(1) == "ready":
                    server.ready.set()
        code = qemu.wait()
    server.close()
    return code, values


def case(what, elf, board, options, want, mails=0, **server):
    """want: (exit status, tern_status or None)"""
    s = Server(**server)
    code, values = run(elf, board, options, s)
    detail = f"exit {code}, {values}, server: {s.mails} mails, {s.wrong[:3]}, AUTH {s.mechanism}"
    check(f"{what}: exit status {want[0]}, status {want[1]}", (code, values.get("status")) == want, detail)
    check(f"{what}: what the server got", s.mails == mails and not s.wrong, detail)
    check(f"{what}: arena and stack", values.get("arena_back") == 1 and values.get("stack", 1 << 30) < stack_given(elf), detail)
    return values, s


def main():
    out, mbedtls = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    small, large = "lm3s6965evb", "mps2-an385"
    if sys.argv[3:] == ["sizes"]:
        for kind in ("ecdsa", "public"):
            certificates(out / f"certificates-{kind}", kind)
            as_measured(out, small, kind, mbedtls)
        return 0
    plain = image(out / "plain-small", small)
    values, s = case("1,000 mails in one boot", plain, small, "mails=1000 samples=12", (0, 0), 1000, samples=12)
    check("SCRAM was taken", s.mechanism == "SCRAM-SHA-256", s.mechanism)
    check("all recipients", values.get("accepted") == 2000, values)
    print(f"image_plain_text={size(plain)[0]}\nimage_plain_ram={size(plain)[1]}\nplain_stack_used={values.get('stack')}")
    case("an attachment of 160,000 octets", image(out / "plain-large", large), large, "mails=1 samples=40000 timeout=60000", (0, 0), 1, samples=40000)
    case("LOGIN", plain, small, "mails=2", (0, 0), 2, offers="LOGIN")
    for fault, code, status in (("garbage-greeting", 76, -501), ("garbage-mail", 76, -501), ("long-ehlo", 76, -502), ("long-mail", 76, -502),
                                ("lines-ehlo", 76, -502), ("silent-greeting", 75, -306), ("silent-ehlo", 75, -306),
                                ("silent-mail", 75, -306), ("silent-final", 75, -308), ("garbage-final", 76, -308)):
        case(fault, plain, small, "mails=2 timeout=1500", (code, status), 1 if "final" in fault else 0, fault=fault)
    minimal(out, small)
    with_tls(out, mbedtls, small, large)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def minimal(out, board):
    """The set of tests/firmware/sets.sh of which tests/size.sh prints minimal_text, with the arena that the program takes."""
    parts = sh("bash", "-c", f". {ROOT}/tests/firmware/sets.sh && echo ${{minimal[*]}}").replace("-DTERN_NO_ARENA", "").strip()
    elf = image(out / "minimal", board, PARTS=parts, EXTRA="-DTERN_NO_STARTTLS")
    for offers in "PLAIN", "LOGIN":
        case(f"minimal: {offers}", elf, board, "mails=100 samples=12", (0, 0), 100, samples=12, offers=offers)
    for fault, code, status in (("garbage-mail", 76, -501), ("long-ehlo", 76, -502), ("lines-ehlo", 76, -502), ("silent-mail", 75, -306),
                                ("silent-final", 75, -308), ("garbage-final", 76, -308)):
        case(f"minimal: {fault}", elf, board, "mails=2 timeout=1500", (code, status), 1 if "final" in fault else 0, fault=fault)


def as_measured(out, board, kind, mbedtls):
    elf = image(out / kind, board, kind, mbedtls, out / f"certificates-{kind}", MBED=out / f"mbedtls-{kind}")
    flash, ram = size(elf)
    print(f"image_{kind}_text={flash}\nimage_{kind}_ram={ram}")
    return elf


def with_tls(out, mbedtls, small, large):
    for kind in ("ecdsa", "public"):
        contexts = certificates(out / f"certificates-{kind}", kind)
        how = {"mbedtls": mbedtls, "ca": out / f"certificates-{kind}"}
        elf = as_measured(out, small, kind, mbedtls)
        counted = image(out / f"{kind}-counted", small, kind, EXTRA="-DCFG_DEBUGMEM", MBED=out / f"mbedtls-{kind}-counted", **how)
        values, s = case(f"{kind}: STARTTLS, 20 mails", counted, small, "tls=1 mails=20 samples=12", (0, 0), 20, tls=contexts["server"], samples=12)
        print(f"{kind}_arena_peak={values.get('tls_peak')}\n{kind}_stack_used={values.get('stack')}")
        case(f"{kind}: STARTTLS as measured", elf, small, "tls=1 mails=2", (0, 0), 2, tls=contexts["server"])
        values, s = case(f"{kind}: an unknown authority", elf, small, "tls=1", (77, -408), 0, tls=contexts["strange"])
        check(f"{kind}: an unknown authority: nothing said", not s.said_mail and s.mechanism is None)
        case(f"{kind}: another name", elf, small, "tls=1", (77, -407), 0, tls=contexts["other-name"])
        case(f"{kind}: no STARTTLS", elf, small, "tls=1", (77, -401), 0)
    case("octets behind the reply to STARTTLS", elf, small, "tls=1", (77, -411), 0, tls=contexts["server"], fault="inject-starttls")
    less = image(out / "little", small, "ecdsa", mbedtls, out / "certificates-ecdsa", ARENA=20480, MBED=out / "mbedtls-ecdsa")
    case("an arena too small for the records", less, small, "tls=1", (74, -104), 0, tls=certificates_of(out, "ecdsa"))
    least = image(out / "least", small, "public", mbedtls, out / "certificates-public", ARENA=24576, MBED=out / "mbedtls-public")
    case("an arena too small for the chain", least, small, "tls=1", (74, -104), 0, tls=contexts["server"])
    case("300 mails inside TLS", image(out / "many", large, "ecdsa", mbedtls, out / "certificates-ecdsa", EXTRA="-DCFG_DEBUGMEM",
         MBED=out / "mbedtls-ecdsa-counted"), large,
         "tls=1 mails=300 samples=12", (0, 0), 300, tls=certificates_of(out, "ecdsa"), samples=12)


def certificates_of(out, kind):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(out / f"certificates-{kind}/server.chain", out / f"certificates-{kind}/server.key")
    return context


sys.exit(main())
