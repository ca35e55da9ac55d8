#!/usr/bin/env python3
"""tern-send --probe against scripted servers: what it tells as JSON and to people, what it exits with, and
that it never sends mail or a secret where it must not. Usage: probe.py TERN_SEND PROBE_STEPS; ends with "N passed, N failed"."""
import datetime
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile

from server import Server, make_certificate

passed = failed = 0
SEND, STEPS = sys.argv[1:3]
SECRET = "s3cr3t-pass"


def check(what, good, *facts):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("FAIL", what, *facts)


def run(url, *args, password=None, words=False):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TERN_")}
    if password:
        env["TERN_PASSWORD"] = password
    argv = [SEND, "--server", url, "--probe", "--ehlo", "client.example.org", "--timeout", "20", *args]
    done = subprocess.run(argv + ([] if words else ["--json"]), capture_output=True, timeout=100, env=env,
                          stdin=subprocess.DEVNULL)
    check("no secret is told", SECRET.encode() not in done.stdout + done.stderr, done)
    if words:
        return done.returncode, done.stdout.decode()
    return done.returncode, json.loads(done.stdout)


def statuses(told):
    return {(f["level"], f["status"]) for f in told["probe"]["findings"]}


def plain():
    with Server(ehlo=["PIPELINING", "SIZE 1000", "8BITMIME", "ENHANCEDSTATUSCODES", "LIMITS RCPTMAX=5 MAILMAX=3"]) as s:
        code, told = run(f"smtp://127.0.0.1:{s.port}?tls=none")
        p = told["probe"]
        check("plain", code == 0 and told["ok"] and told["error"] is None and told["recipients"] == [], code, told)
        check("addresses", p["addresses"] == [{"address": f"127.0.0.1 port {s.port}", "result": "connected", "reason": None}], p)
        check("greeting", p["greeting"] == "test ESMTP" and p["peer"] == f"127.0.0.1 port {s.port}", p)
        check("lines", p["ehlo"] == ["test", "PIPELINING", "SIZE 1000", "8BITMIME", "ENHANCEDSTATUSCODES",
                                     "LIMITS RCPTMAX=5 MAILMAX=3"] and p["ehlo_tls"] == [], p)
        check("numbers", (p["size_limit"], p["rcpt_max"], p["mail_max"]) == (1000, 5, 3), p)
        check("no TLS", p["tls_version"] is None and p["certificate"] is None and ("warning", "TERN_E_TLS_NOT_OFFERED") in statuses(told), p)
        s.wait()
        check("no mail", [x.split()[0] for x in s.lines] == ["EHLO", "QUIT"], s.lines)
    with Server(ehlo=[]) as s:
        code, told = run(f"smtp://127.0.0.1:{s.port}?tls=none")
        texts = " ".join(f["text"] for f in told["probe"]["findings"])
        check("what is missing", code == 0 and all(w in texts for w in ("PIPELINING", "SIZE", "8BITMIME", "AUTH")), told)
    with Server(ehlo=["SIZE", "8bitmime", "X\x1b[31m\x07"]) as s:
        code, told = run(f"smtp://127.0.0.1:{s.port}?tls=none")
        check("no control octets", told["probe"]["ehlo"][3] == "X?[31m?", told["probe"]["ehlo"])


def openssl(*args, **more):
    return subprocess.run(["openssl", *args], capture_output=True, check=True, **more).stdout


def facts(path):
    """What openssl says of the first certificate in a file."""
    said = openssl("x509", "-noout", "-dates", "-in", path).decode().splitlines()
    dates = [datetime.datetime.strptime(x.split("=")[1], "%b %d %H:%M:%S %Y GMT").strftime("%Y-%m-%dT%H:%M:%SZ") for x in said]
    key = openssl("pkey", "-pubin", "-outform", "DER", input=openssl("x509", "-noout", "-pubkey", "-in", path))
    return dates + [hashlib.sha256(key).hexdigest()]


def self_signed(cert, told):
    chain = told["probe"]["certificate"]["chain"]
    check("one certificate", len(chain) == 1 and [chain[0][k] for k in ("begins", "ends", "pin")] == facts(cert[0]), chain)
    check("whose", chain[0]["subject"] == chain[0]["issuer"] == "CN=tern test" and chain[0]["names"] == ["localhost", "127.0.0.1"], chain)


def chains(folder):
    """A certificate below an authority, and pins."""
    ca, leaf = os.path.join(folder, "ca"), os.path.join(folder, "leaf")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new, "-subj", "/O=Tern/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE", "-days", "9",
            "-keyout", ca + ".key", "-out", ca + ".crt")
    openssl("req", *new, "-subj", "/CN=a\x1bb", "-keyout", leaf + ".key", "-out", leaf + ".csr")
    names = ["localhost", "*.example.org", "127.0.0.1", "2001:db8:0:0:0:0:0:1", "xn--mnchen-3ya.example"]
    with open(leaf + ".ext", "w") as f:
        f.write("subjectAltName=" + ",".join(("IP:" if n[0].isdigit() else "DNS:") + n for n in names))
    openssl("x509", "-req", "-in", leaf + ".csr", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-CAcreateserial", "-days", "8",
            "-extfile", leaf + ".ext", "-out", leaf + ".crt")
    mine, theirs = facts(leaf + ".crt"), facts(ca + ".crt")
    with open(leaf + ".crt", "a") as f, open(ca + ".crt") as authority:
        f.write(authority.read())
    cert = (leaf + ".crt", leaf + ".key")
    for what, ca_file, error in (("verified", ca + ".crt", None), ("by a second look", None, "TERN_E_TLS_UNKNOWN_CA")):
        for implicit in (False, True):
            with Server(cert=cert, implicit=implicit) as s:
                url = f"{'smtps' if implicit else 'smtp'}://localhost:{s.port}"
                code, told = run(url, *(["--ca", ca_file] if ca_file else ["--ca", make_certificate(folder, "third")[0]]))
                chain = told["probe"]["certificate"]["chain"]
                check("chain " + what, told["error"] == error and len(chain) == 2, code, told)
                check("names " + what, chain[0]["names"] == names and chain[1]["names"] == [], chain)
                check("facts " + what, [[c[k] for k in ("begins", "ends", "pin")] for c in chain] == [mine, theirs], chain, mine, theirs)
                check("issuers " + what, chain[0]["issuer"] == chain[1]["subject"] == chain[1]["issuer"] == "O=Tern, CN=authority" and
                      "\x1b" not in chain[0]["subject"], chain)
    with Server(cert=cert) as s:
        _, text = run(f"smtp://localhost:{s.port}", "--ca", ca + ".crt", words=True)
        check("chain in words", all(x in text for x in ("issued by O=Tern, CN=authority", "for localhost, *.example.org, 127.0.0.1, 2001:db8:0:0:0:0:0:1",
                                                        f"from {mine[0]} until {mine[1]}", "pin " + mine[2])), text)
        for what, pins, wanted in (("right", [mine[2]], 0), ("one of two", [theirs[2], mine[2].upper()], 0),
                                   ("the authority's", [theirs[2]], 77), ("other", ["00" * 32], 77)):
            code, told = run(f"smtp://localhost:{s.port}", "--ca", ca + ".crt", *(x for p in pins for x in ("--pin", p)))
            check("pin " + what, code == wanted and told["error"] == (None if not wanted else "TERN_E_TLS_PIN"), code, told)
            check("the pin that would be right", told["probe"]["certificate"]["chain"][0]["pin"] == mine[2], told)
        for wrong in ("00" * 31, "00" * 33, "0" * 63 + "g", "sha256//x"):
            code, told = run(f"smtp://localhost:{s.port}", "--pin", wrong)
            check("no pin", code == 64, code, told)


def tls(folder):
    good = make_certificate(folder, days=90)
    soon = make_certificate(folder, "soon", days=3)
    with Server(cert=good, ehlo=["AUTH PLAIN", "SIZE 5"], ehlo_tls=["AUTH PLAIN LOGIN", "SIZE 7"], auth={"ann": SECRET}) as s:
        url = f"smtp://localhost:{s.port}"
        code, told = run(url, "--ca", good[0], "--user", "ann", password=SECRET)
        p = told["probe"]
        check("STARTTLS", code == 0 and p["tls_verified"] and p["tls_version"].startswith("TLSv1."), code, told)
        check("both lists", p["ehlo"][:2] == ["test", "AUTH PLAIN"] and p["ehlo_tls"] == ["test", "AUTH PLAIN LOGIN", "SIZE 7"], p)
        check("AUTH", p["mechanisms"] == "PLAIN LOGIN" and p["mechanism"] == "PLAIN" and p["size_limit"] == 7, p)
        check("certificate", p["certificate"]["verdict"] == "good" and p["certificate"]["name_fits"], p)
        ends = datetime.datetime.strptime(p["certificate"]["ends"], "%Y-%m-%dT%H:%M:%SZ")
        real = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in", good[0]], capture_output=True, text=True).stdout
        check("its end", ends == datetime.datetime.strptime(real.strip()[9:], "%b %d %H:%M:%S %Y GMT"), ends, real)
        self_signed(good, told)
        check("AUTH in clear", ("warning", "TERN_E_CLEARTEXT") in statuses(told), statuses(told))
        s.wait()
        check("once", len(s.sessions) == 1 and s.sessions[0].messages == [], s.sessions)
        code, told = run(url, "--ca", good[0], "--user", "ann", password="wrong")
        check("AUTH refused", code == 77 and told["error"] == "TERN_E_AUTH_REFUSED" and told["reply"]["code"] == 535 and
              told["probe"]["findings"][0]["level"] == "error", code, told)
    for what, certificate, host, ca, error in (
            ("unknown authority", good, "localhost", soon, "TERN_E_TLS_UNKNOWN_CA"),
            ("another name", good, "127.0.0.2", good, "TERN_E_TLS_WRONG_HOST")):
        for implicit in (False, True):
            with Server(cert=certificate, implicit=implicit, auth={"ann": SECRET}, ehlo=["AUTH PLAIN"]) as s:
                at = "127.0.0.1" if host == "127.0.0.2" else host
                url = f"{'smtps' if implicit else 'smtp'}://{at}:{s.port}"
                if host == "127.0.0.2": # the server listens at 127.0.0.1, the certificate has that: another CA file's name
                    other = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                                            "-nodes", "-days", "9", "-subj", "/CN=other", "-addext", "subjectAltName=DNS:other.test",
                                            "-keyout", folder + "/other.key", "-out", folder + "/other.crt"], capture_output=True)
                    check("openssl", other.returncode == 0, other)
                    s.cert = (folder + "/other.crt", folder + "/other.key")
                    ca = s.cert
                code, told = run(url, "--ca", ca[0], "--user", "ann", password=SECRET)
                p = told["probe"]
                check(what, code == 77 and told["error"] == error and not p["tls_verified"], code, told)
                check(what + ": a look behind", "AUTH PLAIN" in p["ehlo" if implicit and not p["ehlo_tls"] else "ehlo_tls"] and
                      p["certificate"]["verdict"] == error and p["certificate"]["ends"], p)
                check(what + ": the name", p["certificate"]["name_fits"] == (host == "localhost"), p)
                s.wait()
                check(what + ": no secret", not any(x.secrets for x in s.sessions), [x.lines for x in s.sessions])
                check(what + ": no mail", not s.messages and not any(x.startswith("MAIL") for x in s.lines), s.lines)
    with Server(cert=soon) as s:
        code, told = run(f"smtp://localhost:{s.port}", "--ca", soon[0])
        check("ends soon", code == 0 and ("warning", "TERN_E_TLS_EXPIRED") in statuses(told), told)
    with Server() as s:
        code, told = run(f"smtp://localhost:{s.port}")
        check("TLS required", code == 77 and told["error"] == "TERN_E_TLS_NOT_OFFERED" and told["probe"]["ehlo"][0] == "test", told)


def stepped(folder):
    """Given up after any number of steps, nothing is sent on what was not verified, and no secret."""
    cert, other = make_certificate(folder), make_certificate(folder, "fourth")
    for ca, result in ((cert, "TERN_OK"), (other, "TERN_E_TLS_UNKNOWN_CA")):
        for implicit in (False, True):
            with Server(cert=cert, implicit=implicit, auth={"ann": SECRET}, ehlo_tls=["AUTH PLAIN"]) as s:
                done = subprocess.run([STEPS, f"{'smtps' if implicit else 'smtp'}://localhost:{s.port}", ca[0]], capture_output=True, timeout=100)
                lines = done.stdout.decode().splitlines()
                check("stepped", done.returncode == 0 and lines[-1:] == [f"ended {result} 1"], done)
                check("given up at each step", set(lines[:-1]) == {"given up TERN_E_CANCELLED"}, done)
                s.wait()
                check("stepped: no mail", not s.messages and not any(x.startswith("MAIL") for x in s.lines), s.lines)
                check("stepped: secrets", any(x.secrets for x in s.sessions) == (ca is cert), [x.lines for x in s.sessions])


def network():
    with socket.socket() as s:  # bound, so that nobody else gets the port, and deaf
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        code, told = run(f"smtp://127.0.0.1:{port}")
    p = told["probe"]
    check("refused", code == 75 and told["error"] == "TERN_E_CONNECT" and told["phase"] == "connect", told)
    check("its reason", p["addresses"] == [{"address": f"127.0.0.1 port {port}", "result": "failed", "reason": "Connection refused"}], p)
    code, told = run("smtp://mail.invalid")
    check("no such host", code in (68, 75) and told["phase"] == "resolve" and told["probe"]["addresses"] == [], told)
    code, told = run("http://mail.example")
    check("no URL", code == 64 and told["error"] == "TERN_E_URL", told)
    with Server(greeting="554 5.7.1 go away") as s:
        code, told = run(f"smtp://127.0.0.1:{s.port}?tls=none")
        check("greeted with 554", code == 69 and told["reply"]["code"] == 554 and told["phase"] == "greeting" and
              told["probe"]["findings"][0]["who"], told)
    code, _ = run("smtp://127.0.0.1", "--mx", words=True)
    check("not with --mx", code == 64, code)


def people():
    with Server(ehlo=["SIZE 1000"]) as s:
        code, text = run(f"smtp://127.0.0.1:{s.port}?tls=none", words=True)
        check("words", code == 0 and all(w in text for w in ("Addresses 127.0.0.1 port", "connected", "Greeting  test", "EHLO      test",
              "SIZE 1000", "TLS       none", "warning: the server does not offer TLS [TERN_E_TLS_NOT_OFFERED]", "server must act")), text)


with tempfile.TemporaryDirectory() as folder:
    plain()
    tls(folder)
    chains(folder)
    stepped(folder)
    network()
    people()
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
