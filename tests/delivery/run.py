#!/usr/bin/env python3
"""Direct to MX against signed zones and scripted MX hosts, each rule a case. Ends with "N passed, N failed".

Usage: run.py BUILD-DIRECTORY [NAME...]     as root, in network and mount namespaces of its own:
       unshare -nm tests/delivery/run.py build/gcc36

Starts tests/servers/dns.sh (resolver on port 53) and sts.sh (port 443); mxserver.py plays the MX hosts on
127.0.0.2 to 127.0.0.5 and ::1, port 2525. Each case runs examples/mx, or tern-send --mx, and looks at its exit
status, at what it says of each attempt, and at what the MX hosts took in.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import dane
import mtas
import sts
import zones

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
BUILD = pathlib.Path(sys.argv[1]).resolve()
ONLY = sys.argv[2:]
MESSAGE = b"From: s@example.org\nSubject: x\n\nhello\n"
passed = failed = 0


def run(*cmd, **kw):
    return subprocess.run([str(c) for c in cmd], capture_output=True, text=True, **kw)


class Hosts:
    """The MX hosts of one case."""

    def __init__(self, directory):
        self.dir, self.log, self.procs = directory, directory / "mx.log", []

    def start(self, hosts):
        self.log.write_text("")
        for last, options in hosts.items():
            address = "::1" if last == 6 else "127.0.0.%d" % last
            p = subprocess.Popen([sys.executable, HERE / "mxserver.py", address, "2525", self.log, *options],
                                 stdout=subprocess.PIPE)
            assert p.stdout.readline() == b"ready\n"
            self.procs.append(p)

    def stop(self):
        for p in self.procs:
            p.kill()
            p.wait()
            p.stdout.close()
        self.procs = []

    def taken(self):
        return self.log.read_text().splitlines()


def check(name, good, what):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print("FAIL %s\n     %s" % (name, what))


class Case:
    def __init__(self, name, to, status, hosts=None, options=(), says=(), never=(), took=None):
        """says: patterns in the output, in this order; never: patterns that are nowhere; took: how many
        transactions each host (last number of its address) took in."""
        self.name, self.to, self.status = name, to if isinstance(to, list) else [to], status
        self.hosts, self.options, self.says, self.never = hosts or {}, options, says, never
        self.took = took

    def run(self, world):
        world.hosts.start(self.hosts)
        try:
            r = run(BUILD / "examples/mx", "-r", world.resolver, "-p", "2525", "-c", world.ca, "-e",
                    "out.example.org", *self.options, "s@example.org", *self.to, input=MESSAGE.decode(), timeout=90)
            taken = world.hosts.taken()
        except subprocess.TimeoutExpired:
            check(self.name, False, "no end within 90 s")
            return
        finally:
            world.hosts.stop()
        at, wrong = 0, []
        for pattern in self.says:
            found = re.compile(pattern).search(r.stdout, at)
            if found:
                at = found.end()
            else:
                wrong.append("not said: %s" % pattern)
        wrong += ["said: %s" % p for p in self.never if re.search(p, r.stdout)]
        if r.returncode != self.status:
            wrong.append("status %d instead of %d" % (r.returncode, self.status))
        if self.took is not None:
            got = {}
            for line in taken:
                key = 6 if line.startswith("::1") else int(line.split()[0].split(".")[-1])
                got[key] = got.get(key, 0) + 1
            if got != self.took:
                wrong.append("took %s instead of %s" % (got, self.took))
        check(self.name, not wrong, "; ".join(wrong) + "\n     " + r.stdout.replace("\n", "\n     ") + r.stderr)


def cases(world):
    tls = ["cert=%s" % world.cert("server-ecdsa", "crt"), "key=%s" % world.cert("server-ecdsa", "key")]
    bad = ["cert=%s" % world.cert("expired", "crt"), "key=%s" % world.cert("expired", "key")]
    alien = ["cert=%s" % world.cert("otherca", "crt"), "key=%s" % world.cert("otherca", "key")]
    clear = []
    may, none = ("-P", "may"), ("-P", "none")
    yield from routing(tls, clear, may, none)
    yield from walking(tls, clear, may, none)
    yield from policy(tls, bad, alien, clear, may, none)


def routing(tls, clear, may, none):
    yield Case("preference order", "a@example.test", 0, {2: tls, 3: tls, 4: tls}, took={2: 1})
    yield Case("implicit MX", "a@onlya.example.test", 0, {2: clear}, none, [r"at onlya\.example\.test \[127\.0\.0\.2\]"], took={2: 1})
    yield Case("implicit MX over IPv6", "a@onlyaaaa.example.test", 0, {6: clear}, none, [r"\[::1\]"], took={6: 1})
    yield Case("both families of a host, IPv6 first", "a@dual.example.test", 0, {2: clear, 6: clear}, none, took={6: 1})
    yield Case("the other family when the first is dead", "a@dual.example.test", 0, {2: clear}, none,
               [r"\[::1\].*TERN_E_CONNECT", r"\[127\.0\.0\.2\].*accepted"], took={2: 1})
    yield Case("null MX", "a@null.example.test", 69, {2: clear}, none, ["TERN_E_NULL_MX", "again in 0 s"], took={})
    yield Case("null MX beside others is none", "a@nullplus.example.test", 0, {2: clear}, none, took={2: 1})
    yield Case("CNAME as MX target, reported as it is", "a@cname.example.test", 0, {2: clear}, none, [r"at alias\.example\.test"], took={2: 1})
    yield Case("CNAME at the domain", "a@domalias.example.test", 0, {2: clear, 3: clear, 4: clear, 5: clear}, none, ["accepted"])
    yield Case("CNAME chain", "a@chain1.example.test", 0, {2: clear}, none, took={2: 1})
    yield Case("CNAME loop", "a@loop1.example.test", 75, {}, none, ["TERN_E_RESOLVE"])
    yield Case("MX host in a CNAME loop", "a@mxloop.example.test", 75, {}, none, ["TERN_E_RESOLVE"])
    yield Case("MX host that does not exist", "a@nx.example.test", 68, {}, none, ["TERN_E_HOST"])
    yield Case("the next host where the first does not exist", "a@nxplus.example.test", 0, {2: clear}, none,
               [r"nosuchhost.*TERN_E_HOST", "accepted"], took={2: 1})
    yield Case("MX host without an address", "a@mxnoaddr.example.test", 68, {}, none, ["TERN_E_HOST"])
    yield Case("MX that is an address", "a@mxip.example.test", 68, {2: clear}, none, ["TERN_E_HOST"], took={})
    yield Case("no such domain", "a@nosuch.example.test", 68, {}, none, ["TERN_E_HOST"])
    yield Case("no such top level", "a@nosuchtld", 68, {}, none, ["TERN_E_HOST"])
    yield Case("servers that fail", "a@servfail.test", 75, {}, none, ["TERN_E_RESOLVE"])
    yield Case("servers that are lame", "a@lame.test", 75, {}, none, ["TERN_E_RESOLVE"])
    yield Case("servers that are silent", "a@timeout.test", 75, {}, none, ["TERN_E_RESOLVE"])
    yield Case("expired signatures", "a@expired.test", 75, {2: clear}, none, ["TERN_E_RESOLVE"], took={})
    yield Case("bogus address", "a@bogus.test", 75, {2: clear, 3: clear}, none, ["TERN_E_RESOLVE"], took={})
    yield Case("a host of a silent zone is passed over", "a@slowmx.partner.test", 0, {2: tls}, (), ["TERN_E_RESOLVE", "accepted"], took={2: 1})
    yield Case("120 MX records, by TCP", "a@big.example.test", 0, {2: clear}, none,
               [r"to-fill-the-answer-1\.example"], took={2: 1})
    yield Case("wildcard MX", "a@any.wild.example.test", 0, {2: clear}, none, took={2: 1})
    yield Case("IDN", "a@münchen.example.test", 0, {2: clear}, none, [r"xn--mnchen-3ya\.example\.test"], took={2: 1})
    yield Case("address literal", "a@[127.0.0.3]", 0, {3: clear}, none, took={3: 1})
    yield Case("IPv6 literal", "a@[IPv6:::1]", 0, {6: clear}, none, took={6: 1})
    yield Case("loop rule: we are the best host", "a@example.test", 69, {2: clear, 3: clear}, (*none, "-e", "mx1.example.test"),
               ["TERN_E_ROUTING"], took={})
    yield Case("loop rule: only better hosts", "a@nxplus.example.test", 68, {2: clear}, (*none, "-e", "mx1.example.test"),
               [r"nosuchhost.*TERN_E_HOST"], took={})
    yield Case("several recipients of a domain, one transaction", ["a@onlya.example.test", "b@ONLYA.example.test", "c@onlya.example.test"],
               0, {2: clear}, none, took={2: 1})
    yield Case("several domains, one transaction each", ["a@onlya.example.test", "b@cname.example.test", "c@[127.0.0.3]"], 0,
               {2: clear, 3: clear}, none, took={2: 2, 3: 1})
    yield Case("one domain fails, the others do not", ["a@onlya.example.test", "b@null.example.test", "c@nx.example.test"], 1, {2: clear},
               none, [r"a@\S+: accepted", r"b@\S+: unsent TERN_E_NULL_MX", r"c@\S+: unsent TERN_E_HOST"], took={2: 1})


def walking(tls, clear, may, none):
    yield Case("connection refused: the next host", "a@refused.example.test", 0, {2: clear}, none,
               [r"mxdead.*TERN_E_CONNECT", "mx1.*accepted"], took={2: 1})
    yield Case("nobody there", "a@refused.example.test", 75, {}, none, ["TERN_E_CONNECT", "again in 1800 s"])
    yield Case("next address of a host", "a@manyaddr.example.test", 0, {3: clear}, none, took={3: 1})
    for phase in ("greeting", "ehlo", "mail", "rcpt", "data"):
        yield Case("connection lost at %s: the next host" % phase, "a@example.test", 0, {2: ["drop=" + phase], 3: clear, 4: clear}, none,
                   [r"mx1.*TERN_E_CLOSED", "accepted"])
    yield Case("lost after the final dot: unknown, and never tried again", "a@example.test", 75, {2: ["drop=dot"], 3: clear, 4: clear}, none,
               [r"a@\S+: unknown TERN_E_IN_DOUBT", "again in 0 s"], took={})
    for phase in ("greeting", "ehlo", "rcpt"):
        yield Case("silence at %s: the next host" % phase, "a@example.test", 0, {2: ["hang=" + phase], 3: clear, 4: clear},
                   (*none, "-t", "1"), [r"mx1.*TERN_E_TIMEOUT", "accepted"])
    yield Case("silence after the final dot", "a@example.test", 75, {2: ["hang=dot"], 3: clear, 4: clear}, (*none, "-t", "1"),
               [r"unknown TERN_E_IN_DOUBT"], took={})
    yield Case("421 greeting: the next host", "a@example.test", 0, {2: ["greeting=421 4.3.2 later"], 3: clear, 4: clear}, none,
               [r"mx1.*TERN_E_SERVICE_UNAVAILABLE", "accepted"])
    yield Case("554 greeting: the next host", "a@example.test", 0, {2: ["greeting=554 5.3.2 no"], 3: clear, 4: clear}, none,
               [r"mx1.*TERN_E_NO_MAIL_HERE", "accepted"])
    yield Case("554 everywhere", "a@onlya.example.test", 69, {2: ["greeting=554 5.3.2 no"]}, none, ["unsent TERN_E_NO_MAIL_HERE", "again in 0 s"])
    yield Case("450 to RCPT: the next host", "a@example.test", 0, {2: ["rcpt=450 4.2.1 busy"], 3: clear, 4: clear}, none,
               [r"mx1.*450|mx1.*MAILBOX_BUSY", "accepted"])
    yield Case("450 everywhere", "a@onlya.example.test", 75, {2: ["rcpt=450 4.2.1 busy"]}, none, ["deferred", " 450 ", "again in 1800 s"])
    yield Case("450 to the content: the next host", "a@example.test", 0, {2: ["dot=451 4.3.0 trouble"], 3: clear, 4: clear}, none,
               ["accepted"])
    yield Case("421 to MAIL: the next host", "a@example.test", 0, {2: ["mail=421 4.3.2 later"], 3: clear, 4: clear}, none, ["accepted"])
    yield Case("550 to RCPT stops", "a@example.test", 67, {2: ["rcpt=550 5.1.1 no such user"], 3: clear, 4: clear}, none,
               [r"a@\S+: rejected TERN_E_NO_SUCH_MAILBOX 550", "again in 0 s"], took={})
    yield Case("550 to MAIL stops", "a@example.test", 69, {2: ["mail=550 5.7.1 not you"], 3: clear, 4: clear}, none, ["rejected"], took={})
    yield Case("554 to the content stops", "a@example.test", 69, {2: ["dot=554 5.6.0 spam"], 3: clear, 4: clear}, none, ["rejected"], took={})
    yield Case("each recipient by itself", ["a@example.test", "reject@example.test", "defer@example.test"], 1,
               {2: clear, 3: clear, 4: clear, 5: clear}, none,
               [r"a@\S+: accepted", r"reject@\S+: rejected", r"defer@\S+: deferred"], took={2: 1})
    yield Case("greylisting: deferred, and sooner again", "grey@onlya.example.test", 75, {2: clear}, none,
               ["deferred", "again in 299 s"], took={})
    yield Case("greylisted at the first host, taken by the second", "a@example.test", 0, {2: ["grey=9"], 3: clear, 4: clear}, none, ["accepted"])
    yield Case("452 too many recipients: the rest at once, at the same host",
               ["r%d@onlya.example.test" % i for i in range(5)], 0, {2: ["max=2"]}, none, took={2: 3})


def policy(tls, bad, alien, clear, may, none):
    ok = r"accepted"
    yield Case("opportunistic, offered", "a@tls-none.example.test", 0, {2: tls}, may, ["policy=may tls=TLSv1", ok])
    yield Case("opportunistic, not offered", "a@tls-none.example.test", 0, {2: clear}, may, ["tls=no starttls-not-supported", ok])
    yield Case("opportunistic, any certificate", "a@tls-none.example.test", 0, {2: bad}, may, ["policy=may tls=TLSv1", ok])
    yield Case("opportunistic, broken handshake: once in clear, and said", "a@tls-none.example.test", 0, {2: [*tls, "tls=broken"]}, may,
               ["tls=no validation-failure", ok], took={2: 1})
    yield Case("opportunistic, STARTTLS refused", "a@tls-none.example.test", 0, {2: [*tls, "starttls=454 4.7.0 no"]}, may, ["tls=no", ok])
    yield Case("none: not even where offered", "a@tls-none.example.test", 0, {2: tls}, none, ["policy=none tls=no", ok])
    yield Case("encrypt, offered", "a@tls-none.example.test", 0, {2: bad}, ("-P", "encrypt"), ["policy=encrypt tls=TLSv1", ok])
    yield Case("encrypt, not offered", "a@tls-none.example.test", 77, {2: clear}, ("-P", "encrypt"), ["TERN_E_TLS_NOT_OFFERED"], took={})
    yield Case("encrypt, broken handshake: nothing in clear", "a@tls-none.example.test", 77, {2: [*tls, "tls=broken"]}, ("-P", "encrypt"),
               ["unsent"], took={})
    yield Case("verify, good", "a@example.test", 0, {2: tls}, ("-P", "verify"), ["policy=verify tls=TLSv1.[23] verified", ok])
    yield Case("verify, another's name", "a@tls-none.example.test", 77, {2: tls}, ("-P", "verify"), ["TERN_E_TLS_WRONG_HOST"], took={})
    yield Case("verify, expired", "a@cname.example.test", 77, {2: bad}, ("-P", "verify"), ["unsent"], took={})
    yield Case("verify, unknown authority", "a@example.test", 77, {2: alien}, ("-P", "verify"), ["unsent"], took={})
    # DANE
    yield Case("DANE, right", "a@tls-good.example.test", 0, {2: tls}, (), ["policy=dane tls=TLSv1.[23] verified", ok], took={2: 1})
    yield Case("DANE, wrong", "a@tls-wrong.example.test", 77, {2: tls}, (), ["validation-failure: TERN_E_TLS_DANE"], took={})
    yield Case("DANE, one of two right", "a@tls-both.example.test", 0, {2: tls}, (), ["policy=dane", ok])
    yield Case("DANE, trust anchor, name not in it", "a@tls-ta.example.test", 77, {2: tls}, (), ["certificate-host-mismatch"], took={})
    yield Case("DANE, unusable records: encrypted, unverified", "a@tls-unusable.example.test", 0, {2: tls}, (), ["policy=encrypt tls=TLSv1", ok])
    yield Case("DANE, unusable records: never in clear", "a@tls-unusable.example.test", 77, {2: clear}, (), ["TERN_E_TLS_NOT_OFFERED"], took={})
    yield Case("DANE, TLSA by CNAME", "a@tls-cname.example.test", 0, {2: tls}, (), ["policy=dane", ok])
    yield Case("DANE, MX host by CNAME: the records at its end", "a@cname.example.test", 0, {2: tls}, (), ["policy=dane", ok])
    yield Case("DANE, expired certificate and usage 3: no matter of dates", "a@tls-good.example.test", 77, {2: bad}, (), ["TERN_E_TLS_DANE"], took={})
    yield Case("DANE, STARTTLS stripped", "a@tls-good.example.test", 77, {2: clear}, (), ["starttls-not-supported"], took={})
    yield Case("DANE, handshake broken: nothing in clear", "a@tls-good.example.test", 77, {2: [*tls, "tls=broken"]}, (), ["unsent"], took={})
    yield Case("no DANE behind an insecure answer", "a@unsigned.test", 0, {2: clear}, (), ["policy=may", ok])
    yield Case("insecure MX to a secure host", "a@mixed.unsigned.test", 0, {2: tls}, (), ["policy=dane", ok])
    yield Case("demanded DANE, insecure MX", "a@mixed.unsigned.test", 77, {2: tls}, ("-P", "dane"), ["dane-required"], took={})
    yield Case("demanded DANE, no records", "a@tls-none.example.test", 77, {2: tls}, ("-P", "dane"), ["dane-required"], took={})
    yield Case("demanded DANE, right", "a@tls-good.example.test", 0, {2: tls}, ("-P", "dane"), ["policy=dane", ok])
    yield Case("bogus zone: the host is not used", "a@bogusmx.partner.test", 75, {2: tls, 3: tls}, (), ["TERN_E_RESOLVE"], took={})
    # REQUIRETLS (RFC 8689): a name from DNSSEC or MTA-STS, a certificate that is good, a host that keeps it further on
    keeps, wants = [*tls, "caps=REQUIRETLS"], ("-m", "REQUIRETLS")
    yield Case("REQUIRETLS, DANE", "a@tls-good.example.test", 0, {2: keeps}, wants, ["policy=dane tls=TLSv1.[23] verified", ok], took={2: 1})
    yield Case("REQUIRETLS, DNSSEC and a good certificate", "a@wild.example.test", 0, {2: keeps}, wants,
               ["policy=verify tls=TLSv1.[23] verified", ok], took={2: 1})
    yield Case("REQUIRETLS, MTA-STS", "a@example.test", 0, {2: keeps}, (*wants, "-P", "sts"), ["policy=sts tls=TLSv1.[23] verified", ok], took={2: 1})
    yield Case("REQUIRETLS, not offered", "a@tls-good.example.test", 69, {2: tls}, wants, ["unsent TERN_E_NEEDS_EXTENSION", "again in 0 s"], took={})
    yield Case("REQUIRETLS, nobody vouches for the host", "a@unsigned.test", 69, {2: keeps}, wants, ["unsent TERN_E_REQUIRETLS", "again in 0 s"], took={})
    yield Case("REQUIRETLS, wrong TLSA", "a@tls-wrong.example.test", 77, {2: keeps}, wants, ["TERN_E_TLS_DANE"], took={})
    yield Case("REQUIRETLS, TLSA that cannot be used", "a@tls-unusable.example.test", 69, {2: keeps}, wants, ["TERN_E_REQUIRETLS"], took={})
    yield Case("REQUIRETLS, another's certificate", "a@tls-none.example.test", 77, {2: keeps}, wants, ["TERN_E_TLS_WRONG_HOST"], took={})
    yield Case("REQUIRETLS, no TLS by the table", "a@tls-good.example.test", 69, {2: keeps}, (*wants, "-P", "none"), ["TERN_E_REQUIRETLS"], took={})
    # MTA-STS
    yield Case("DANE before MTA-STS", "a@example.test", 0, {2: tls}, (), ["policy=dane", ok], ["sts-"])
    yield Case("MTA-STS demanded, enforced, covered", "a@example.test", 0, {2: tls}, ("-P", "sts"), ["policy=sts tls=TLSv1.[23] verified", ok])
    yield Case("MTA-STS enforced, bad certificate", "a@example.test", 77, {2: alien}, ("-P", "sts"), ["policy=sts"], took={})
    yield Case("MTA-STS enforced, no TLS", "a@example.test", 77, {2: clear}, ("-P", "sts"), ["starttls-not-supported"], took={})
    yield Case("MTA-STS enforced, hosts that no pattern names", "a@example.test", 77, {3: tls, 4: tls, 5: tls}, ("-P", "sts"),
               ["does not name it"], took={})
    yield Case("MTA-STS none", "a@stsnone.example.test", 77, {2: tls}, ("-P", "sts"), ["TERN_E_TLS_NO_TRUST"], took={})
    yield Case("MTA-STS two records are none", "a@stsmulti.example.test", 68, {}, ("-P", "sts"), [])
    for name, result in (("stsredirect", "policy-fetch-error"), ("sts404", "policy-fetch-error"), ("stsbig", "policy-fetch-error"),
                         ("stsbadcert", "webpki-invalid")):
        yield Case("MTA-STS %s: no policy, said" % name, "a@%s.example.test" % name, 0, {2: tls}, (), ["sts-" + result, ok])


def commands(world):
    """tern-send --mx: options, exit status, what the JSON must hold."""
    tls = ["cert=%s" % world.cert("server-ecdsa", "crt"), "key=%s" % world.cert("server-ecdsa", "key")]
    rows = [
        ("one host", ["a@onlya.example.test"], {2: []}, 0, {"ok": True, "tls": None}, 1),
        ("over TLS", ["--ca", world.ca, "a@tls-good.example.test"], {2: tls}, 0, {"ok": True}, 1),
        ("null MX", ["a@null.example.test"], {}, 69, {"error": "TERN_E_NULL_MX", "retryable": False}, 0),
        ("no such domain", ["a@nosuch.example.test"], {}, 68, {"error": "TERN_E_HOST"}, 0),
        ("MX host without an address", ["a@mxnoaddr.example.test"], {}, 68, {"error": "TERN_E_HOST"}, 0),
        ("DNS that fails", ["a@servfail.test"], {}, 75, {"error": "TERN_E_RESOLVE", "retryable": True}, 0),
        ("refused", ["reject@onlya.example.test"], {2: []}, 67, {"phase": "rcpt", "resend": "safe"}, 0),
        ("encrypt, not offered", ["--tls-policy", "encrypt", "a@onlya.example.test"], {2: []}, 77, {"error": "TERN_E_TLS_NOT_OFFERED"}, 0),
        ("a policy that is none", ["--tls-policy", "perhaps", "a@onlya.example.test"], {}, 64, {}, 0),
        ("a port that is none", ["--mx-port", "70000", "a@onlya.example.test"], {}, 64, {}, 0),
        ("a server beside it", ["--server", "smtp://x", "a@onlya.example.test"], {}, 64, {}, 0),
        ("credentials beside it", ["--user", "u", "a@onlya.example.test"], {}, 64, {}, 0),
        ("composed", ["--subject", "hello", "a@onlya.example.test"], {2: []}, 0, {"ok": True}, 1),
    ]
    for name, options, hosts, status, holds, took in rows:
        world.hosts.start(hosts)
        bounce, tlsrpt = world.dir / "bounce.eml", world.dir / "tlsrpt.json"
        for f in (bounce, tlsrpt):
            f.unlink(missing_ok=True)
        try:
            r = run(BUILD / "examples/tern-send", "--mx", "--resolver", world.resolver, "--mx-port", "2525", "--ehlo", "out.example.org",
                    "--from", "s@example.org", "--bounce", bounce, "--tlsrpt", tlsrpt, "--json", *options, input=MESSAGE.decode(), timeout=90)
            taken = len(world.hosts.taken())
        finally:
            world.hosts.stop()
        try:
            said = json.loads(r.stdout)
        except ValueError:
            said = {}
        good = r.returncode == status and said and taken == took and all(said.get(k) == v for k, v in holds.items())
        if status != 64:
            good = good and said["recipients"][0]["address"].startswith(options[-1][:6]) and "policies" in json.loads(tlsrpt.read_text())
            good = good and bounce.exists() == (status in (67, 68, 69)) # TLS that is missing may be there tomorrow
            if bounce.exists():
                text = bounce.read_text()
                good = good and "multipart/report" in text and "Action: failed" in text and "Subject: x" in text
        check("tern-send --mx: " + name, good, "%d, took %d, %s %s" % (r.returncode, taken, r.stdout, r.stderr))


class World:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tern-delivery."))
        os.chmod(self.dir, 0o755)
        self.hosts = Hosts(self.dir)
        self.env = dict(os.environ, TERN_DNS_PORT="53", TERN_STS_PORT="443")
        run("ip", "link", "set", "lo", "up")
        self.started = []
        facts = {}
        certs = self.dir / "certs"
        run(TOP / "tests/servers/certs.sh", certs)
        (self.dir / "rows").write_text(dane.rows(certs) + sts.ROWS)
        self.env["TERN_DNS_ROWS"] = str(self.dir / "rows")
        for server in ("dns", "sts"):
            r = run(TOP / "tests/servers" / (server + ".sh"), "start", self.dir, env=self.env)
            if r.returncode:
                print(r.stdout + r.stderr)
                raise SystemExit("%s.sh does not start" % server)
            self.started.append(server)
            facts.update(l.split("=", 1) for l in r.stdout.splitlines() if "=" in l)
        self.resolver, self.ca = facts.get("resolver", "127.0.0.1:53"), facts["ca"]

    def cert(self, name, kind):
        return self.dir / "certs" / ("%s.%s" % (name, kind))

    def stop(self):
        self.hosts.stop()
        for server in self.started:
            run(TOP / "tests/servers" / (server + ".sh"), "stop", self.dir, env=self.env)
        shutil.rmtree(self.dir, ignore_errors=True)


def main():
    world = World()
    try:
        for case in cases(world):
            if not ONLY or any(o in case.name for o in ONLY):
                case.run(world)
        if not ONLY or "commands" in ONLY:
            commands(world)
        if not ONLY or "sts" in ONLY:
            sts.compare(world, Case)
        if not ONLY or "zones" in ONLY:
            zones.compare(world, TOP / "tests/servers/nquery.c", check)
        if not ONLY or "mtas" in ONLY:
            mtas.compare(world, BUILD, check)
        if not ONLY or "dane" in ONLY:
            dane.compare(world, BUILD, check)
    finally:
        world.stop()
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
