"""MTA-STS against a policy host that is right, wrong, expired or redirects (RFC 8461).

One domain, wild.example.test, whose MX host plain.wild.example.test has no TLSA records; the policy host at
127.0.0.7 and the host's certificate change from case to case.
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROWS = """wild MX 10 plain.wild
plain.wild A 127.0.0.2
_mta-sts.wild TXT "v=STSv1; id=1;"
mta-sts.wild A 127.0.0.7
"""
GOOD, EXPIRED, ALIEN, CLEAR = "server-ecdsa", "expired", "otherca", None
HTML, PLAIN = "text/html", "text/plain"


def policy(mode="enforce", mx="plain.wild.example.test", age="604800", version="STSv1"):
    lines = [("version", version), ("mode", mode), ("mx", mx), ("max_age", age)]
    return "".join("%s: %s\r\n" % (k, v) for k, v in lines if v is not None).encode()


# name, policy, certificate of the policy host, status, type, how, certificate of the MX host, exit status, what is said
CASES = [
    ("enforce, right", policy(), GOOD, 200, PLAIN, "length", GOOD, 0, ["policy=sts tls=TLSv1.[23] verified", "accepted"]),
    ("enforce, chunked", policy(), GOOD, 200, PLAIN, "chunked", GOOD, 0, ["policy=sts tls=TLSv1.[23] verified", "accepted"]),
    ("enforce, up to the end of the connection", policy(), GOOD, 200, PLAIN, "close", GOOD, 0, ["policy=sts tls=TLSv1.[23] verified", "accepted"]),
    ("enforce, type with a charset", policy(), GOOD, 200, "text/plain; charset=utf-8", "length", GOOD, 0, ["policy=sts", "accepted"]),
    ("enforce, wildcard", policy(mx="*.wild.example.test"), GOOD, 200, PLAIN, "length", GOOD, 0, ["policy=sts", "accepted"]),
    ("enforce, a wildcard is one label", policy(mx="*.example.test"), GOOD, 200, PLAIN, "length", GOOD, 77, ["policy=sts.*validation-failure.*does not name it"]),
    ("enforce, another host", policy(mx="other.example.test"), GOOD, 200, PLAIN, "length", GOOD, 77, ["policy=sts.*validation-failure.*does not name it"]),
    ("enforce, MX of an unknown authority", policy(), GOOD, 200, PLAIN, "length", ALIEN, 77, ["policy=sts.*certificate-not-trusted"]),
    ("enforce, MX expired", policy(), GOOD, 200, PLAIN, "length", EXPIRED, 77, ["policy=sts.*certificate-expired"]),
    ("enforce, MX without TLS", policy(), GOOD, 200, PLAIN, "length", CLEAR, 77, ["policy=sts.*starttls-not-supported"]),
    ("testing, right", policy("testing"), GOOD, 200, PLAIN, "length", GOOD, 0, ["policy=may tls=TLSv1.[23] verified : accepted"]),
    ("testing, MX of an unknown authority: sent and said", policy("testing"), GOOD, 200, PLAIN, "length", ALIEN, 0, ["certificate-not-trusted: accepted"]),
    ("testing, MX expired: sent and said", policy("testing"), GOOD, 200, PLAIN, "length", EXPIRED, 0, ["certificate-expired: accepted"]),
    ("testing, MX without TLS: sent and said", policy("testing"), GOOD, 200, PLAIN, "length", CLEAR, 0, ["starttls-not-supported: accepted"]),
    ("testing, another host: sent and said", policy("testing", "other.example.test"), GOOD, 200, PLAIN, "length", GOOD, 0, ["validation-failure: accepted"]),
    ("none", policy("none"), GOOD, 200, PLAIN, "length", ALIEN, 0, ["policy=may tls=TLSv1.[23] : accepted"]),
    ("policy host expired", policy(), EXPIRED, 200, PLAIN, "length", ALIEN, 0, ["sts-webpki-invalid", "policy=may", "accepted"]),
    ("policy host of an unknown authority", policy(), ALIEN, 200, PLAIN, "length", ALIEN, 0, ["sts-webpki-invalid", "policy=may", "accepted"]),
    ("policy host of another name", policy(), "wronghost", 200, PLAIN, "length", ALIEN, 0, ["sts-webpki-invalid", "policy=may", "accepted"]),
    ("policy host self-signed", policy(), "selfsigned", 200, PLAIN, "length", ALIEN, 0, ["sts-webpki-invalid", "policy=may", "accepted"]),
    ("no policy host", None, GOOD, 200, PLAIN, "length", ALIEN, 0, ["sts-policy-fetch-error", "policy=may", "accepted"]),
    ("301", policy(), GOOD, 301, PLAIN, "length", ALIEN, 0, ["sts-policy-fetch-error", "policy=may", "accepted"]),
    ("302", policy(), GOOD, 302, PLAIN, "length", ALIEN, 0, ["sts-policy-fetch-error", "policy=may", "accepted"]),
    ("308", policy(), GOOD, 308, PLAIN, "length", ALIEN, 0, ["sts-policy-fetch-error", "policy=may", "accepted"]),
    ("404", policy(), GOOD, 404, PLAIN, "length", ALIEN, 0, ["sts-policy-fetch-error", "policy=may", "accepted"]),
    ("500", policy(), GOOD, 500, PLAIN, "length", ALIEN, 0, ["sts-policy-fetch-error", "policy=may", "accepted"]),
    ("HTML", policy(), GOOD, 200, HTML, "length", ALIEN, 0, ["sts-policy-fetch-error", "policy=may", "accepted"]),
    ("too long", policy(), GOOD, 200, PLAIN, "big", ALIEN, 0, ["sts-policy-fetch-error", "policy=may", "accepted"]),
    ("no version", policy(version=None), GOOD, 200, PLAIN, "length", ALIEN, 0, ["sts-policy-invalid", "policy=may", "accepted"]),
    ("no mode", policy(mode=None), GOOD, 200, PLAIN, "length", ALIEN, 0, ["sts-policy-invalid", "policy=may", "accepted"]),
    ("unknown mode", policy("strict"), GOOD, 200, PLAIN, "length", ALIEN, 0, ["sts-policy-invalid", "policy=may", "accepted"]),
    ("no max_age", policy(age=None), GOOD, 200, PLAIN, "length", ALIEN, 0, ["sts-policy-invalid", "policy=may", "accepted"]),
    ("no mx", policy(mx=None), GOOD, 200, PLAIN, "length", ALIEN, 0, ["sts-policy-invalid", "policy=may", "accepted"]),
    ("empty", b"", GOOD, 200, PLAIN, "length", ALIEN, 0, ["sts-policy-", "policy=may", "accepted"]),
]


class PolicyHost:
    def __init__(self, world, text, cert, status, kind, how):
        self.process = None
        if text is None:
            return
        self.process = subprocess.Popen([sys.executable, str(HERE / "policyhost.py"), "127.0.0.7", str(world.cert(cert, "crt")),
                                         str(world.cert(cert, "key")), str(status), kind, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(text)
        self.process.stdin.close()
        assert self.process.stdout.readline() == b"ready\n"

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


def mx_options(world, cert):
    return {2: ["cert=%s" % world.cert(cert, "crt"), "key=%s" % world.cert(cert, "key")] if cert else []}


def kept(world, case):
    """A policy in a file holds when its host is gone, and what it says of the MX host with it."""
    cache = world.dir / "policies"
    cache.unlink(missing_ok=True)
    options = ("-k", str(cache))
    host = PolicyHost(world, policy(), GOOD, 200, PLAIN, "length")
    case("MTA-STS kept: fetched", "a@wild.example.test", 0, mx_options(world, GOOD), options, ["policy=sts", "accepted"]).run(world)
    host.stop()
    case("MTA-STS kept: enforced by another process, without the policy host", "a@wild.example.test", 77, mx_options(world, ALIEN), options,
         ["policy=sts.*certificate-not-trusted"], ["sts-policy"], took={}).run(world)
    octets = cache.read_bytes()  # not as text: the policy's line ends count
    cache.write_bytes(octets.replace(b" 1 ", b" 0 ", 1))  # the record has another id now
    case("MTA-STS kept: a new id that cannot be fetched", "a@wild.example.test", 77, mx_options(world, ALIEN), options,
         ["policy=sts.*certificate-not-trusted"], took={}).run(world)
    host = PolicyHost(world, policy("none"), GOOD, 200, PLAIN, "length")
    case("MTA-STS kept: a new id, fetched", "a@wild.example.test", 0, mx_options(world, ALIEN), options, ["policy=may", "accepted"]).run(world)
    host.stop()


def compare(world, case):
    for name, text, cert, status, kind, how, mx, code, says in CASES:
        host = PolicyHost(world, text, cert, status, kind, how)
        try:
            case("MTA-STS " + name, "a@wild.example.test", code, mx_options(world, mx), (), says).run(world)
        finally:
            host.stop()
    kept(world, case)
