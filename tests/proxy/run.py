#!/usr/bin/env python3
"""tern-send through real proxies of Debian's: microsocks, Dante, tinyproxy and Squid, to a scripted server.

Usage: run.py TERN_SEND [without-dante]; as root, in network and mount namespaces of its own (run.sh, step proxy). The name
mail.behind.test is in the hosts file that the proxies see, and not in the one that tern-send sees: only the
proxy can have resolved it. Ends with "N passed, N failed"."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cli"))
from server import Server, make_certificate  # noqa: E402

NAME = "mail.behind.test"
SECRET = "s3cr3t-pass"
MESSAGE = b"Subject: through\r\n\r\nhello\r\n"

DANTE = """logoutput: {dir}/danted.log
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
socks block {{ from: 0.0.0.0/0 to: 0.0.0.0/0 port = 1 }}
socks pass {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}
"""
TINYPROXY = """User nobody
Group nogroup
Port {port}
Listen 127.0.0.1
Timeout 30
LogFile "{dir}/tinyproxy-{port}.log"
PidFile "{dir}/tinyproxy-{port}.pid"
MaxClients 20
{more}
"""
SQUID = """http_port 127.0.0.1:{port}
acl forbidden port 1
http_access deny forbidden
http_access allow all
cache deny all
access_log none
cache_log {dir}/squid.log
pid_filename {dir}/squid.pid
cache_effective_user proxy
hosts_file /etc/hosts
shutdown_lifetime 1 seconds
coredump_dir {dir}
visible_hostname proxy.test
dns_nameservers 127.0.0.1
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        sys.exit(f"FAIL {name} is not installed\n0 passed, 1 failed")
    return found


class Proxies:
    def __init__(self, folder, dante):
        self.dir, self.dante, self.running = folder, dante, []

    def start(self, argv, port, config=None):
        if config:
            path = os.path.join(self.dir, f"{os.path.basename(argv[0])}-{port}.conf")
            pathlib.Path(path).write_text(config)
            argv = [path if a == "CONFIG" else a for a in argv]
        log = open(os.path.join(self.dir, f"out-{port}"), "wb")
        child = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.running.append(child)
        for _ in range(300):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return port
            if child.poll() is not None:
                break
            time.sleep(0.1)
        print(pathlib.Path(log.name).read_text(errors="replace"))
        sys.exit(f"FAIL {argv[0]} does not start\n0 passed, 1 failed")

    def start_all(self):
        p, d = self, self.dir
        socks, login, dante = free_port(), free_port(), free_port()
        tiny, tiny_login, squid = free_port(), free_port(), free_port()
        micro, tinyproxy = program("microsocks"), program("tinyproxy")
        p.start([micro, "-i", "127.0.0.1", "-p", str(socks)], socks)
        p.start([micro, "-i", "127.0.0.1", "-p", str(login), "-u", "ann", "-P", SECRET], login)
        if self.dante:
            p.start([program("danted"), "-f", "CONFIG"], dante, DANTE.format(dir=d, port=dante))
        p.start([tinyproxy, "-d", "-c", "CONFIG"], tiny, TINYPROXY.format(dir=d, port=tiny, more=""))
        p.start([tinyproxy, "-d", "-c", "CONFIG"], tiny_login,
                TINYPROXY.format(dir=d, port=tiny_login, more=f"BasicAuth ann {SECRET}\nConnectPort 587"))
        p.start([program("squid"), "-N", "-f", "CONFIG"], squid, SQUID.format(dir=d, port=squid))
        places = {"socks": f"127.0.0.1:{socks}", "login": f"127.0.0.1:{login}", "dante": f"127.0.0.1:{dante}",
                "tiny": f"127.0.0.1:{tiny}", "tiny login": f"127.0.0.1:{tiny_login}", "squid": f"127.0.0.1:{squid}"}
        if not self.dante:
            del places["dante"]
        return places

    def stop(self):
        for child in self.running:
            child.terminate()
        for child in self.running:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


class Run:
    def __init__(self, send, hosts, env=None):
        self.send, self.hosts, self.env = send, hosts, env or {}

    def __call__(self, server, *args, env=None):
        inside = f'mount --bind "{self.hosts}" /etc/hosts && exec "$@"'
        argv = ["unshare", "-m", "sh", "-c", inside, "sh", self.send, "--server", server, "--json", "--trace",
                "--from", "a@example.org", "--to", "b@example.org", "--ehlo", "client.example.org", *args]
        done = subprocess.run(argv, input=MESSAGE, capture_output=True, timeout=60,
                              env={"PATH": os.environ["PATH"], **(env or {})})
        return done.returncode, json.loads(done.stdout), done.stdout + done.stderr


passed = failed = 0


def check(what, good, *facts):
    global passed, failed
    if good:
        passed += 1
        return
    failed += 1
    print("FAIL", what, *facts)


def good_cases(run, proxies, certificate):
    urls = {"socks": "socks5://{}", "login": "socks5://ann:" + SECRET + "@{}", "dante": "socks5h://{}",
            "tiny": "http://{}", "squid": "http://{}/"}
    for name in [n for n in urls if n in proxies]:
        url = urls[name].format(proxies[name])
        for host in ("127.0.0.1", "localhost", NAME):
            with Server() as server:
                code, told, _ = run(f"smtp://{host}:{server.port}?tls=none", "--proxy", url)
                check(f"{name} to {host}", code == 0 and len(server.messages) == 1, code, told)
        with Server(cert=certificate) as server: # TLS is with the server, through the proxy
            code, told, _ = run(f"smtp://localhost:{server.port}", "--proxy", url, "--ca", certificate[0])
            check(f"{name}, STARTTLS", code == 0 and told["tls"] and told["tls"]["verified"], code, told)
        with Server(cert=certificate, implicit=True) as server:
            code, told, _ = run(f"smtps://localhost:{server.port}", "--proxy", url, "--ca", certificate[0])
            check(f"{name}, implicit TLS", code == 0 and told["tls"], code, told)
    with Server() as server:
        url = "http://" + proxies["tiny"]
        for variable in ("ALL_PROXY", "all_proxy"):
            code, told, _ = run(f"smtp://{NAME}:{server.port}?tls=none", "--proxy-env", env={variable: url})
            check(variable, code == 0, code, told)
        code, told, _ = run(f"smtp://127.0.0.1:{server.port}?tls=none", env={"ALL_PROXY": "socks5://127.0.0.1:1"})
        check("ALL_PROXY unasked for", code == 0, code, told)
        code, told, _ = run(f"smtp://127.0.0.1:{server.port}?tls=none", "--proxy-env")
        check("--proxy-env without it", code == 64, code, told)


def refused_cases(run, proxies, send):
    nobody = free_port()
    with Server() as server:
        here = f"smtp://127.0.0.1:{server.port}?tls=none"
        cases = [
            ("no credentials", here, "socks5://" + proxies["login"], 77, "TERN_E_PROXY_AUTH"),
            ("wrong password", here, "socks5://ann:wrong-" + SECRET + "@" + proxies["login"], 77, "TERN_E_PROXY_AUTH"),
            ("407", here, "http://" + proxies["tiny login"], 77, "TERN_E_PROXY_AUTH"),
            ("407 again", here, "http://ann:wrong-" + SECRET + "@" + proxies["tiny login"], 77, "TERN_E_PROXY_AUTH"),
            ("port not allowed", here, "http://ann:" + SECRET + "@" + proxies["tiny login"], 69, "TERN_E_PROXY_DENIED"),
            ("Squid's rules", "smtp://127.0.0.1:1?tls=none", "http://" + proxies["squid"], 69, "TERN_E_PROXY_DENIED"),
            ("refused, microsocks", f"smtp://127.0.0.1:{nobody}?tls=none", "socks5://" + proxies["socks"], 75, "TERN_E_CONNECT"),
            ("refused, tinyproxy", f"smtp://127.0.0.1:{nobody}?tls=none", "http://" + proxies["tiny"], 75, None),
            ("refused, Squid", f"smtp://127.0.0.1:{nobody}?tls=none", "http://" + proxies["squid"], 75, "TERN_E_CONNECT"),
            ("no such host, microsocks", "smtp://no.such.test:25?tls=none", "socks5://" + proxies["socks"], 75, None),
            ("no such host, Squid", "smtp://no.such.test:25?tls=none", "http://" + proxies["squid"], 75, None),
            ("SOCKS to an HTTP proxy", here, "socks5://" + proxies["tiny"], None, None),
            ("HTTP to a SOCKS proxy", here, "http://" + proxies["socks"], None, None),
            ("no proxy there", here, f"socks5://127.0.0.1:{nobody}", 75, "TERN_E_CONNECT"),
            ("a server as a proxy", here, f"http://127.0.0.1:{server.port}", 76, "TERN_E_PROXY_REPLY"),
        ]
        if "dante" in proxies:
            cases += [
                ("Dante's rules", "smtp://127.0.0.1:1?tls=none", "socks5://" + proxies["dante"], 69, "TERN_E_PROXY_DENIED"),
                ("refused, Dante", f"smtp://127.0.0.1:{nobody}?tls=none", "socks5://" + proxies["dante"], 75, "TERN_E_CONNECT"),
            ]
        for what, url, proxy, status, error in cases:
            direct = len(server.sessions)
            code, told, output = run(url, "--proxy", proxy, "--connect-timeout", "20")
            check(what, (code == status if status else code in (75, 76)) and (error is None or told["error"] == error),
                  code, told)
            check(what + ": phase", told["phase"] == "connect", told["phase"])
            check(what + ": never without the proxy", "a server" in what or len(server.sessions) == direct)
            check(what + ": no secret", SECRET.encode() not in output, output)
    code, told, _ = run(f"smtp://{NAME}:{nobody}?tls=none")
    check("the name without the proxy", code in (68, 75) and told["phase"] == "resolve", code, told)


def main():
    send = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="tern-proxy.") as folder:
        os.chmod(folder, 0o777)
        certificate = make_certificate(folder)
        outside, behind = os.path.join(folder, "hosts"), os.path.join(folder, "hosts.behind")
        pathlib.Path(outside).write_text("127.0.0.1 localhost\n")
        pathlib.Path(behind).write_text(f"127.0.0.1 localhost {NAME}\n")
        subprocess.run(["mount", "--bind", behind, "/etc/hosts"], check=True)
        proxies = Proxies(folder, "without-dante" not in sys.argv[2:])
        try:
            places = proxies.start_all()
            run = Run(send, outside)
            good_cases(run, places, certificate)
            refused_cases(run, places, send)
        finally:
            proxies.stop()
            subprocess.run(["umount", "/etc/hosts"], check=False)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
