"""DANE, case by case: our verdict beside that of Postfix's posttls-finger, over the same signed zones.

rows(certs) is what the zone of example.test must hold for it, compare(world, build, check) runs the cases. A host
is reached over DANE ("dane"), refused by it ("refused"), reached without it ("no dane"), or not to be used at all
("unusable": a look-up failed). What differs without a reason in the table is a failure; so is a reason that is
not needed.
"""
import hashlib
import os
import re
import subprocess

# Certificates as mxserver.py presents them; the intermediate is sent behind the leaf, the root is not.
GOOD, EXPIRED, WRONG, SELF, OTHER = "server-ecdsa", "expired", "wronghost", "selfsigned", "otherca"


def der(certs, name, what):
    """The octets of a certificate ("cert") or of its public key ("spki")."""
    cert = subprocess.run(["openssl", "x509", "-in", str(certs / (name + ".crt")), "-outform", "DER"], capture_output=True, check=True).stdout
    if what == "cert":
        return cert
    pem = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-pubkey"], input=cert, capture_output=True, check=True).stdout
    return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout


def record(certs, usage, selector, matching, of):
    """One TLSA record as text; of: a certificate's name, "no" for octets of no certificate, or =HEX."""
    if of[0] == "=":
        return "%d %d %d %s" % (usage, selector, matching, of[1:])
    octets = b"no such key" if of == "no" else der(certs, of, "spki" if selector == 1 else "cert")
    data = octets if matching == 0 else hashlib.new("sha512" if matching == 2 else "sha256", octets).digest()
    return "%d %d %d %s" % (usage, selector, matching, data.hex())


# name, records, certificate presented, verdict, why posttls-finger says otherwise (its verdict first) or None.
# The host is NAME.wild.example.test, which the good certificate names; "@" in front: one that it does not name.
RECORDS = [
    ("ee-311", [(3, 1, 1, GOOD)], GOOD, "dane", None),
    ("ee-301", [(3, 0, 1, GOOD)], GOOD, "dane", None),
    ("ee-312", [(3, 1, 2, GOOD)], GOOD, "dane", None),
    ("ee-302", [(3, 0, 2, GOOD)], GOOD, "dane", None),
    ("ee-310", [(3, 1, 0, GOOD)], GOOD, "dane", None),
    ("ee-300", [(3, 0, 0, GOOD)], GOOD, "dane", None),
    ("ee-wrong", [(3, 1, 1, "no")], GOOD, "refused", None),
    ("ee-wrong-512", [(3, 1, 2, "no")], GOOD, "refused", None),
    ("ee-other-cert", [(3, 0, 1, OTHER)], GOOD, "refused", None),
    ("ee-wrong-and-right", [(3, 1, 1, "no"), (3, 1, 1, GOOD)], GOOD, "dane", None),
    ("ee-right-256-wrong-512", [(3, 1, 1, GOOD), (3, 1, 2, "no")], GOOD, "refused", None),
    ("ee-right-512-wrong-256", [(3, 1, 2, GOOD), (3, 1, 1, "no")], GOOD, "dane", None),
    ("ee-right-256-wrong-full-512", [(3, 1, 1, GOOD), (3, 0, 2, "no")], GOOD, "dane", None),
    ("@ee-no-name", [(3, 1, 1, GOOD)], GOOD, "dane", None),
    ("ee-expired", [(3, 1, 1, EXPIRED)], EXPIRED, "dane", None),
    ("ee-wrong-host", [(3, 1, 1, WRONG)], WRONG, "dane", None),
    ("ee-self-signed", [(3, 1, 1, SELF)], SELF, "dane", None),
    ("ee-unknown-authority", [(3, 0, 1, OTHER)], OTHER, "dane", None),
    ("ee-of-the-intermediate", [(3, 1, 1, "inter")], GOOD, "refused", None),
    ("ta-211", [(2, 1, 1, "inter")], GOOD, "dane", None),
    ("ta-201", [(2, 0, 1, "inter")], GOOD, "dane", None),
    ("ta-212", [(2, 1, 2, "inter")], GOOD, "dane", None),
    ("ta-202", [(2, 0, 2, "inter")], GOOD, "dane", None),
    ("ta-200", [(2, 0, 0, "inter")], GOOD, "dane", None),
    ("ta-210", [(2, 1, 0, "inter")], GOOD, "dane", None),
    ("ta-root-not-sent", [(2, 1, 1, "ca")], GOOD, "refused", None),
    ("ta-root-whole", [(2, 0, 0, "ca")], GOOD, "dane", None),
    ("ta-other", [(2, 0, 1, "other-ca")], GOOD, "refused", None),
    ("ta-other-whole", [(2, 0, 0, "other-ca")], GOOD, "refused", None),
    ("@ta-no-name", [(2, 1, 1, "inter")], GOOD, "refused", None),
    ("ta-expired", [(2, 1, 1, "inter")], EXPIRED, "refused", None),
    ("@ta-wrong-host", [(2, 1, 1, "inter")], WRONG, "refused", None),
    ("ta-wrong-ee-right", [(2, 1, 1, "no"), (3, 1, 1, GOOD)], GOOD, "dane", None),
    ("ta-of-the-leaf", [(2, 1, 1, GOOD)], GOOD, "refused", None),
    ("pkix-ta", [(0, 1, 1, "inter")], GOOD, "no dane", None),
    ("pkix-ee", [(1, 1, 1, GOOD)], GOOD, "no dane", None),
    ("usage-4", [(4, 1, 1, GOOD)], GOOD, "no dane", None),
    ("selector-2", [(3, 2, 1, GOOD)], GOOD, "no dane", None),
    ("matching-3", [(3, 1, 3, GOOD)], GOOD, "no dane", None),
    ("digest-short", [(3, 1, 1, "=abcd")], GOOD, "no dane", None),
    ("no-certificate", [(2, 0, 0, "=3003020101")], GOOD, "refused",
     "no dane: what is no certificate makes the record unusable there; here, where nothing else can be used, it is held to"),
    ("unusable-and-right", [(1, 1, 1, GOOD), (3, 1, 1, GOOD)], GOOD, "dane", None),
    ("unusable-and-wrong", [(1, 1, 1, GOOD), (3, 1, 1, "no")], GOOD, "refused", None),
]
# Domains of the zones as they are (tests/servers/dns.sh).
DOMAINS = [
    ("example.test", GOOD, "dane", None),
    ("tls-good.example.test", GOOD, "dane", None),
    ("tls-wrong.example.test", GOOD, "refused", None),
    ("tls-both.example.test", GOOD, "dane", None),
    ("tls-ta.example.test", GOOD, "refused", None),
    ("tls-unusable.example.test", GOOD, "no dane", None),
    ("tls-cname.example.test", GOOD, "dane", None),
    ("tls-none.example.test", GOOD, "no dane", None),
    ("cname.example.test", GOOD, "dane", None),
    ("onlya.example.test", GOOD, "no dane", None),
    ("domalias.example.test", GOOD, "dane", None),
    ("unsigned.test", GOOD, "no dane", None),
    ("mixed.unsigned.test", GOOD, "dane", None),
    ("bogus.test", GOOD, "unusable", None),
    ("bogusmx.partner.test", GOOD, "unusable", None),
    ("bogustlsa.partner.test", GOOD, "unusable", None),
    ("expired.test", GOOD, "unusable", None),
    ("dane-aliastlsa.example.test", GOOD, "dane", None),
    ("dane-aliasout.example.test", GOOD, "dane", None),
    ("dane-aliasoutbare.example.test", GOOD, "no dane", None),
    ("dane-mxtcu.example.test", GOOD, "no dane", None),
    ("dane-mxtf.example.test", GOOD, "unusable", None),
]


def rows(certs):
    out = []
    for name, records, *_ in RECORDS:
        host = name[1:] + ".hosts" if name[0] == "@" else name + ".wild"
        out += ["dane-%s MX 10 %s" % (name.lstrip("@"), host), "%s A 127.0.0.2" % host]
        out += ["_2525._tcp.%s TLSA %s" % (host, record(certs, *r)) for r in records]
    return "\n".join(out) + "\n"


def cases():
    for name, _, cert, verdict, why in RECORDS:
        yield "dane-%s.example.test" % name.lstrip("@"), cert, verdict, why
    yield from DOMAINS


def ours(world, build, domain):
    r = subprocess.run([str(build / "examples/mx"), "-r", world.resolver, "-p", "2525", "-c", str(world.ca), "-e", "out.example.org",
                        "s@example.org", "a@" + domain], input=b"Subject: x\n\nhello\n", capture_output=True, timeout=90)
    said = r.stdout.decode("utf-8", "replace")
    tried = [l for l in said.splitlines() if l.startswith("tried ")]
    last = tried[-1] if tried else ""
    if "TERN_E_RESOLVE" in last:
        return "unusable", said
    if "policy=dane" in last:
        return ("dane" if ": accepted" in last else "refused" if "TERN_E_TLS_" in last else "?"), said
    return ("no dane" if ": accepted" in last and "tls=TLSv1" in last else "?"), said


def theirs(world, domain):
    """Without a CA file, so that what it falls back to without DANE never verifies."""
    env = dict(os.environ, MAIL_CONFIG=str(world.postfix))
    r = subprocess.run(["posttls-finger", "-c", "-l", "dane", "-L", "routine,verbose", "-a", "ipv4", "-t", "10", domain + ":2525"],
                       env=env, capture_output=True, timeout=90)
    said = (r.stdout + r.stderr).decode("utf-8", "replace")
    found = re.search("(Verified|Trusted|Untrusted) TLS connection established", said)
    in_force = "DNSSEC-signed TLSA record:" in said and "all TLSA records unusable" not in said
    if not found:
        return ("unusable" if re.search("lookup (error|failed)|Name service error", said) else "?"), said
    # "Trusted": below an MX record that is not signed; or, as Debian 13's says, by its chain, but not for this name
    if found.group(1) == "Verified" or (found.group(1) == "Trusted" and "certificate verification failed" not in said):
        return ("dane" if in_force else "?"), said
    return ("refused" if in_force else "no dane"), said


def prepare(world):
    """posttls-finger asks the host's resolver: ours, within this mount namespace; and it wants a main.cf."""
    world.postfix = world.dir / "postfix"
    world.postfix.mkdir()
    (world.postfix / "main.cf").write_text("compatibility_level = 3.6\nsmtp_dns_support_level = dnssec\nmyhostname = out.example.org\n"
                                           "tls_dane_digests = sha512 sha256\n")
    conf = world.dir / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\n")
    os.chmod(conf, 0o644)
    subprocess.run(["mount", "--bind", str(conf), os.path.realpath("/etc/resolv.conf")], check=True)


def compare(world, build, check):
    prepare(world)
    todo = list(cases())
    for cert in dict.fromkeys(c[1] for c in todo):
        world.hosts.start({2: ["cert=%s" % world.cert(cert, "crt"), "key=%s" % world.cert(cert, "key")]})
        try:
            for domain, own, verdict, why in todo:
                if own != cert:
                    continue
                mine, said = ours(world, build, domain)
                other, said_too = theirs(world, domain)
                check("DANE %s: %s" % (domain, verdict), mine == verdict, "we say %s\n     %s" % (mine, said))
                same = mine == other
                check("DANE %s beside posttls-finger" % domain, same != bool(why) and (same or why.startswith(other + ":")),
                      "we say %s, posttls-finger %s, the reason is %s\n%s\n%s" % (mine, other, why, said, said_too))
        finally:
            world.hosts.stop()
