"""The signed zones and the policy host themselves, before anything of ours: each name has the answer that the
cases count on, by dig, by libresolv (tests/servers/nquery.c) and by curl.

ROWS: name, type, rcode ("-": silence), AD bit, and what is in the answer: a number of records, or the text of
one ("_" for a blank). _MXP stands for the port of the MX hosts.
"""
import re
import subprocess

ROWS = """
example.test                      MX    NOERROR  ad 4
example.test                      A     NOERROR  ad 1
example.test                      TXT   NOERROR  ad 1
mx6.example.test                  AAAA  NOERROR  ad ::1
mxdual.example.test               A     NOERROR  ad 127.0.0.2
mxdual.example.test               AAAA  NOERROR  ad ::1
mx4.example.test                  A     NOERROR  ad 127.0.0.5
mta-sts.example.test              A     NOERROR  ad 127.0.0.1
_mta-sts.example.test             TXT   NOERROR  ad "v=STSv1;_id=20261123T200000;"
_smtp._tls.example.test           TXT   NOERROR  ad 1
_submission._tcp.example.test     SRV   NOERROR  ad 1
_submissions._tcp.example.test    SRV   NOERROR  ad 2
equal.example.test                MX    NOERROR  ad 4
null.example.test                 MX    NOERROR  ad 0_.
nullplus.example.test             MX    NOERROR  ad 2
cname.example.test                MX    NOERROR  ad 1
alias.example.test                A     NOERROR  ad 127.0.0.2
domalias.example.test             MX    NOERROR  ad 4
chain1.example.test               MX    NOERROR  ad 1
loop1.example.test                MX    SERVFAIL -  0
loop1.example.test                A     SERVFAIL -  0
mxloop.example.test               MX    NOERROR  ad 1
nx.example.test                   MX    NOERROR  ad 1
nosuchhost.example.test           A     NXDOMAIN ad 0
nosuch.example.test               MX    NXDOMAIN ad 0
nxplus.example.test               MX    NOERROR  ad 2
mxnoaddr.example.test             MX    NOERROR  ad 1
onlytxt.example.test              A     NOERROR  ad 0
onlya.example.test                MX    NOERROR  ad 0
onlya.example.test                A     NOERROR  ad 127.0.0.2
onlyaaaa.example.test             MX    NOERROR  ad 0
onlyaaaa.example.test             AAAA  NOERROR  ad ::1
mxself.example.test               MX    NOERROR  ad 1
mxip.example.test                 MX    NOERROR  ad 10_127.0.0.2.
refused.example.test              MX    NOERROR  ad 2
mxdead.example.test               A     NOERROR  ad 127.0.0.200
six.example.test                  MX    NOERROR  ad 1
dual.example.test                 MX    NOERROR  ad 1
many.example.test                 A     NOERROR  ad 3
manyaddr.example.test             MX    NOERROR  ad 1
any.wild.example.test             MX    NOERROR  ad 1
_submission._tcp.nosrv.example.test SRV NOERROR  ad 0_0_0_.
sts.example.test                  MX    NOERROR  ad 1
_mta-sts.stsmulti.example.test    TXT   NOERROR  ad 2
mta-sts.stsnone.example.test      A     NOERROR  ad 127.0.0.1
tls-good.example.test             MX    NOERROR  ad 1
tls-wrong.example.test            MX    NOERROR  ad 1
_MXP._tcp.mx1.example.test        TLSA  NOERROR  ad 1
_25._tcp.mx2.example.test         TLSA  NOERROR  ad 1
_MXP._tcp.mxwrong.example.test    TLSA  NOERROR  ad 1
_MXP._tcp.mxboth.example.test     TLSA  NOERROR  ad 2
_MXP._tcp.mxta.example.test       TLSA  NOERROR  ad 1
_MXP._tcp.mxunus.example.test     TLSA  NOERROR  ad 1
_MXP._tcp.mxtc.example.test       TLSA  NOERROR  ad 1
_MXP._tcp.mxnotlsa.example.test   TLSA  NXDOMAIN ad 0
xn--mnchen-3ya.example.test       MX    NOERROR  ad 1
big.example.test                  MX    NOERROR  ad 120
bigtxt.example.test               TXT   NOERROR  ad 60
unsigned.test                     MX    NOERROR  -  1
mx1.unsigned.test                 A     NOERROR  -  127.0.0.2
_MXP._tcp.mx1.unsigned.test       TLSA  NOERROR  -  1
mixed.unsigned.test               MX    NOERROR  -  1
bogus.test                        MX    NOERROR  ad 1
mx1.bogus.test                    A     SERVFAIL -  0
_MXP._tcp.mx1.bogus.test          TLSA  NOERROR  ad 1
expired.test                      MX    SERVFAIL -  0
mx1.expired.test                  A     SERVFAIL -  0
partner.test                      MX    NOERROR  ad 2
bogusmx.partner.test              MX    NOERROR  ad 1
slowmx.partner.test               MX    NOERROR  ad 2
_MXP._tcp.mxbt.partner.test       TLSA  SERVFAIL -  0
servfail.test                     MX    SERVFAIL -  0
lame.test                         MX    SERVFAIL -  0
nosuchtld                         MX    NXDOMAIN ad 0
timeout.test                      MX    -        -  0
aliasout.example.test             CNAME NOERROR  ad mx1.unsigned.test.
aliasout.example.test             A     NOERROR  -  127.0.0.2
_MXP._tcp.mxtcu.example.test      TLSA  NOERROR  -  1
_MXP._tcp.mxtf.example.test       TLSA  SERVFAIL -  0
"""

LIBRESOLV = [
    ("example.test", 15, "rcode=0 ad=1"),
    ("big.example.test", 15, "rcode=0 ad=1 tc=0 answers=121"),
    ("unsigned.test", 15, "rcode=0 ad=0"),
    ("mx1.bogus.test", 1, "res_nquery=-1 h_errno=2"),
    ("nosuch.example.test", 15, "res_nquery=-1 h_errno=1"),
    ("_MXP._tcp.mx1.example.test", 52, "rcode=0 ad=1"),
]

# host below example.test, what curl gets: code and mode, or its own error
POLICIES = [("mta-sts", "200 enforce"), ("mta-sts.sts", "200 testing"), ("mta-sts.stsnone", "200 none"), ("mta-sts.stsredirect", "301"),
            ("mta-sts.stsbig", "200 enforce"), ("mta-sts.sts404", "404"), ("mta-sts.stsslow", "curl 28"), ("mta-sts.stsbadcert", "curl 60")]


def dig(resolver, name, kind, *options):
    address, port = resolver.split(":")
    out = subprocess.run(["dig", "@" + address, "-p", port, "+time=4", "+tries=1", *options, name, kind], capture_output=True, text=True).stdout
    status, flags = re.search(r"status: (\w+)", out), re.search(r"flags: ([^;]*);", out)
    answers = re.findall(r"(?m)^[^;\s]\S*\s+\d+\s+IN\s+%s\s+(.*)$" % kind, out.partition("ANSWER SECTION")[2].partition(";; Query")[0])
    return status.group(1) if status else "-", flags.group(1).split() if flags else [], answers


def names(world, check):
    for row in ROWS.strip().splitlines():
        name, kind, rcode, ad, want = row.replace("_MXP.", "_2525.").split()
        status, flags, answers = dig(world.resolver, name, kind)
        good = status == rcode and ("ad" in flags) == (ad == "ad")
        good = good and (len(answers) == int(want) if want.isdigit() else want.replace("_", " ") in answers or want in answers)
        check("dns %s %s" % (name, kind), good, "%s %s %s instead of %s" % (status, flags, answers[:4], row))
    check("dns big.example.test MX by UDP is cut", "tc" in dig(world.resolver, "big.example.test", "MX", "+ignore")[1], "no TC")


def libresolv(world, source, check):
    program, (address, port) = world.dir / "nquery", world.resolver.split(":")
    subprocess.run(["cc", "-o", program, source, "-lresolv"], check=True)
    for name, kind, want in LIBRESOLV:
        out = subprocess.run([program, address, port, name.replace("_MXP.", "_2525."), str(kind)], capture_output=True, text=True).stdout
        check("libresolv %s %d" % (name, kind), want in out, out)


def policies(world, check):
    for host, want in POLICIES:
        host += ".example.test"
        r = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "2", "--cacert", world.ca, "--connect-to", "%s:443:127.0.0.1:443" % host,
                            "-w", "\n%{http_code}", "https://%s/.well-known/mta-sts.txt" % host], capture_output=True, text=True)
        body, _, code = r.stdout.rpartition("\n")
        mode = re.search(r"mode: (\w+)", body)
        got = "curl %d" % r.returncode if r.returncode else code + (" " + mode.group(1) if mode and code == "200" else "")
        check("policy of %s" % host, got == want, "%s instead of %s" % (got, want))


def compare(world, source, check):
    names(world, check)
    libresolv(world, source, check)
    policies(world, check)
