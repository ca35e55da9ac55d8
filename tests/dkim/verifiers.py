"""Two DKIM verifiers that are not tern's, python3-dkim and opendkim in its test mode, with keys made for the occasion (domain
example.org, selectors r for RSA and e for Ed25519); and the program that signs (sign.c)."""
import base64
import os
import subprocess

import dkim

OPENDKIM = "/usr/sbin/opendkim"


class Keys:
    def __init__(self, folder):
        self.rsa, self.ed = os.path.join(folder, "rsa.pem"), os.path.join(folder, "ed.pem")
        run = lambda *args: subprocess.run(args, check=True, capture_output=True).stdout  # noqa: E731
        run("openssl", "genrsa", "-out", self.rsa, "2048")
        run("openssl", "genpkey", "-algorithm", "ed25519", "-out", self.ed)
        rsa = base64.b64encode(run("openssl", "pkey", "-in", self.rsa, "-pubout", "-outform", "DER")).decode()
        ed = base64.b64encode(run("openssl", "pkey", "-in", self.ed, "-pubout", "-outform", "DER")[-32:]).decode()
        self.txt = {"r._domainkey.example.org": "v=DKIM1; k=rsa; p=" + rsa, "e._domainkey.example.org": "v=DKIM1; k=ed25519; p=" + ed}
        self.conf = os.path.join(folder, "opendkim.conf")
        with open(os.path.join(folder, "keys"), "w") as f:
            f.write("r._domainkey.example.org %s\n" % self.txt["r._domainkey.example.org"])
        with open(self.conf, "w") as f:
            f.write("Mode v\nTestPublicKeys %s\nSyslog no\n" % f.name.replace("opendkim.conf", "keys"))
        self.mail = os.path.join(folder, "mail")

    def python(self, octets, index=0):
        def txt(name, timeout=5):
            return self.txt.get((name.decode() if isinstance(name, bytes) else name).rstrip("."), "").encode()
        try:
            return dkim.DKIM(octets).verify(idx=index, dnsfunc=txt)
        except Exception as e:  # of whatever kind: it does not verify
            return repr(e) == ""

    def opendkim(self, octets):
        with open(self.mail, "wb") as f:
            f.write(octets)
        run = subprocess.run([OPENDKIM, "-x", self.conf, "-t", self.mail], capture_output=True)
        return b") succeeded" in run.stdout + run.stderr


def sign(program, keys, message, step, *signatures):
    names = {"r": keys.rsa, "e": "ed:" + keys.ed}
    words = ["%s,example.org,%s,%d,%d" % (names[s], s, h, b) for s, h, b in signatures]
    run = subprocess.run([program, str(step)] + words, input=message, capture_output=True)
    return run.stdout if run.returncode == 0 else b""
