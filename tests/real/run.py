#!/usr/bin/env python3
# run.py DIR TERN_SEND [SERVER...] - sends through the servers that tests/servers/all.sh has started under DIR (default: all of them) with
# the program TERN_SEND, as the command line's contract says, and looks at exit status, JSON, trace, and the message as it was stored,
# octet by octet after the server's trace headers. Servers with other certificates and limits are started and stopped here (aiosmtpd).
# Run as root: it reads mailboxes of other users. Prints what failed (with TERN_VERBOSE=1 each check), a table of servers and what went
# through them, and ends with `N passed, N failed`.
import base64, concurrent.futures, glob, json, os, re, shutil, ssl, subprocess, sys, tempfile, threading, time

here = os.path.dirname(os.path.abspath(__file__))
servers = os.path.join(here, '..', 'servers')
sys.path.insert(0, servers)
sys.dont_write_bytecode = True
from wire import Raw

top, program = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
verbose = os.environ.get('TERN_VERBOSE')
work = tempfile.mkdtemp(prefix='tern-run.', dir='/tmp')
os.chmod(work, 0o755)
lock = threading.Lock()
passed = failed = count = 0
checks = []  # (what, whether it held), for the table

MECHANISMS = ('PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'XOAUTH2', 'OAUTHBEARER')
STATUSES = ('accepted', 'rejected', 'deferred', 'unsent', 'unknown')
PHASES = (None, 'resolve', 'connect', 'tls', 'greeting', 'ehlo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'end-of-data', 'rset', 'quit')
ALICE = 'alice@example.test'


def say(ok, what, extra=''):
    global passed, failed
    with lock:
        passed += bool(ok)
        failed += not ok
        checks.append((what, bool(ok)))
        if not ok or verbose:
            print('%-4s %s%s' % ('ok' if ok else 'FAIL', what, ': ' + extra if extra else ''), flush=True)
    return ok


def tag():
    global count
    with lock:
        count += 1
        return 'tern-%d-%d-%d' % (os.getpid(), time.time_ns(), count)


def message(name, to=ALICE, header='', utf8=False):
    subject = 'h\u00e9llo \u2603' if utf8 else 'real servers'
    return ('From: tern@example.test\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s@example.test>\r\nDate: Mon, 23 Nov 2026 20:00:00 +0000\r\n'
            '%sMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
            '.\r\n..\r\n.leading dot\r\ntrailing blanks  \t \r\nna\u00efve \u2603\r\n%s\r\n\r\n\r\nlast line\r\n'
            % (to, subject, name, header, 'x' * 998)).encode()


def big(name):
    lines = ['.', '..', '...', '.leading dot', '.' * 900, 'plain', '', '.' + 'y' * 600, 'z' * 70]
    head = message(name).partition(b'\r\n\r\n')[0] + b'\r\n\r\n'
    block = '\r\n'.join(lines).encode() + b'\r\n'
    return head + block * ((20 << 20) // len(block) + 1)


class Box:
    """A Maildir: finds messages by something in their first 64 KiB, which are read once."""

    def __init__(self, *paths):
        self.paths, self.heads = [p for p in paths if p], {}

    def all(self, *wanted):
        for path in self.paths:
            for file in glob.glob(os.path.join(path, 'new', '*')) + glob.glob(os.path.join(path, 'cur', '*')):
                if file not in self.heads:
                    try:
                        with open(file, 'rb') as f:
                            self.heads[file] = f.read(65536)
                    except OSError:
                        continue
        return [f for f, head in self.heads.items() if any(w.encode() in head for w in wanted)]

    def wait(self, *wanted, number=1, seconds=15):
        end = time.monotonic() + seconds
        while True:
            found = self.all(*wanted)
            if len(found) >= number or time.monotonic() > end:
                return found
            time.sleep(0.05)


def same(what, box, name, sent, seconds=15):
    """The message with name in it is in the box, and after the trace headers it is what was sent."""
    found = box.wait(name, seconds=seconds)
    if not found:
        return say(False, what, 'not delivered')
    with open(found[0], 'rb') as f:
        got = f.read()
    if b'\r\n' not in got:
        got = got.replace(b'\n', b'\r\n')
    if got.endswith(sent):
        return say(True, what)
    i = next((i for i, (a, b) in enumerate(zip(reversed(sent), reversed(got))) if a != b), min(len(sent), len(got)))
    return say(False, what, 'stored otherwise than sent: %d octets, sent %d; the last %d are the same; before them %r instead of %r'
               % (len(got), len(sent), i, got[-i - 60:len(got) - i], sent[-i - 60:len(sent) - i]))


def shape(j):
    """What is wrong with the JSON object by the contract, or None."""
    def null_or(x, kind):
        return x is None or isinstance(x, kind)
    try:
        assert isinstance(j['ok'], bool), 'ok'
        assert null_or(j['error'], str) and (j['error'] is None) == j['ok'], 'error'
        assert j['error'] is None or j['error'].startswith('TERN_'), 'error name'
        assert j['phase'] in PHASES, 'phase'
        assert isinstance(j['retryable'], bool), 'retryable'
        assert j['resend'] in ('safe', 'unsafe', 'unknown'), 'resend'
        assert j['who'] in (None, 'sender', 'recipient', 'server', 'operator'), 'who'
        assert null_or(j['hint'], str), 'hint'
        for r in [j['reply']] if j['reply'] else []:
            assert isinstance(r['code'], int) and null_or(r['enhanced'], str) and isinstance(r['text'], str), 'reply'
        for t in [j['tls']] if j['tls'] else []:
            assert t['version'].startswith('TLSv1.') and isinstance(t['cipher'], str) and isinstance(t['verified'], bool), 'tls'
        for r in j['recipients']:
            assert isinstance(r['address'], str) and r['status'] in STATUSES, 'recipient'
            assert null_or(r['code'], int) and null_or(r['enhanced'], str) and null_or(r['text'], str), 'recipient reply'
        statuses = [r['status'] for r in j['recipients']]
        if 'unknown' in statuses:
            assert j['resend'] == 'unknown', 'resend where an outcome is unknown'
        elif 'accepted' in statuses and not j['ok']:
            assert j['resend'] == 'unsafe', 'resend where a part was delivered'
    except (KeyError, TypeError, AttributeError) as x:
        return repr(x)
    except AssertionError as x:
        return str(x)


class Sent:
    """One run of the program: exit status, JSON object, standard error."""

    def __init__(self, what, url, to, content, *options, prefix=(), timeout=120):
        command = [*prefix, program, '--server', url, '--from', 'tern@example.test', '--json', *options, *to]
        environment = {k: v for k, v in os.environ.items() if not k.startswith('TERN_')}
        self.what = what
        try:
            p = subprocess.run(command, input=content, capture_output=True, env=environment, timeout=timeout)
            self.status, self.out, self.err = p.returncode, p.stdout, p.stderr.decode('utf-8', 'replace')
        except subprocess.TimeoutExpired:
            self.status, self.out, self.err = 'none in %d s' % timeout, b'', ''
        try:
            self.json = json.loads(self.out)
            wrong = shape(self.json)
            if wrong is None and self.json['retryable'] != (self.status == 75):
                wrong = 'retryable is not as the exit status'
            if wrong is None and self.json['ok'] != (self.status == 0):
                wrong = 'ok is not as the exit status'
        except ValueError:
            self.json, wrong = {}, 'no JSON object'
        if wrong:
            say(False, what + ', JSON', '%s; exit %s; %r %r' % (wrong, self.status, self.out[:400], self.err[-300:]))

    def __getitem__(self, key):
        return self.json.get(key)

    def statuses(self):
        return {r['address']: r['status'] for r in self['recipients'] or ()}

    def ends(self, *expected, error=None, phase=None):
        """The exit status is one of those expected, the error's name begins as said, the phase is as said."""
        ok = self.status in expected and (error is None or str(self['error']).startswith(error)) and (phase is None or self['phase'] == phase)
        return say(ok, self.what, 'exit %s %s in %s%s%s' % (self.status, self['error'], self['phase'], ', ' + repr(self['reply']) if self['reply'] else '',
                   '' if ok else '; expected %s %s %s; %r' % ('/'.join(map(str, expected)), error or '', phase or '', self.err[-300:])))

    def commands(self, verb):
        return re.findall(r'(?m)^C: (%s\b.*?)\r?$' % verb, self.err)


def file(name, text):
    path = os.path.join(work, name)
    with open(path, 'w') as f:
        f.write(text + '\n')
    return path


def env(name, base=top):
    with open(os.path.join(base, name, 'env')) as f:
        return dict(line.rstrip('\n').split('=', 1) for line in f)


def start(script, label, **settings):
    """A further server of its own, with other settings."""
    base = os.path.join(work, label)
    os.makedirs(base, exist_ok=True)
    environment = dict(os.environ, TERN_CERTS=os.path.join(top, 'certs'), **settings)
    subprocess.run([os.path.join(servers, script + '.sh'), 'start', base], env=environment, stdout=subprocess.DEVNULL, check=True)
    started.append((script, base))
    return env(script, base)


started = []


RUNS = 6  # connections of each way, of which all but the first take up a TLS session
RESUMED = {'postfix': r'Reusing old session \(RFC 5077 session ticket\)', 'exim': r'(?m)<= .* X=TLS[^ ]*\*'}


class Server:
    def __init__(self, name):
        self.name, self.e = name, env(name)
        e = self.e
        self.host, self.box = e['host'], Box(e.get('maildir'), e.get('relay_maildir'))
        self.ca = ['--ca', e['ca']]
        self.login = ['--user', e['user'], '--password-file', file(name + '.password', e['password'])]
        self.context = ssl.create_default_context(cafile=e['ca'])
        self.plain = 'smtp://%s:%s?tls=none' % (self.host, e['smtp_port']) if 'smtp_port' in e else None
        self.starttls = 'smtp://%s:%s' % (self.host, e['smtp_port']) if 'smtp_port' in e else None
        self.submission = 'smtp://%s:%s' % (self.host, e['submission_port'])
        self.smtps = 'smtps://%s:%s' % (self.host, e['smtps_port'])
        raw = Raw(self.host, e['submission_port'], self.context, 'starttls')
        self.mechanisms = [m for m in raw.ext.get('AUTH', []) if m in MECHANISMS]
        raw.close()
        raw = Raw(self.host, e['smtp_port'], self.context, 'starttls') if self.plain else raw
        self.offered = raw.ext
        raw.close()
        # where the rest is tried: port 25's twin where there is one, else submission
        self.usual = (self.starttls, self.ca) if self.plain else (self.submission, self.ca + self.login)

    def send(self, what, content, *options, to=(ALICE,), url=None, access=None, **more):
        usual_url, usual_access = self.usual
        access = usual_access if access is None else access
        return Sent('%s %s' % (self.name, what), url or usual_url, list(to), content, *access, *options, **more)

    def good(self, what, *options, expected=None, content=None, name=None, **more):
        """A message that must arrive, as it was sent."""
        name = name or tag()
        content = content or message(name)
        s = self.send(what, content, *options, **more)
        if s.ends(0):
            ok = all(r['status'] == 'accepted' for r in s['recipients'])
            say(ok, s.what + ', recipients', repr(s['recipients']) if not ok else '')
            same(s.what + ', stored', self.box, name, expected or content)
        return s

    def run(self):
        for part in (self.ways, self.authentication, self.recipients, self.contents, self.extensions, self.resumption, self.trust, self.own):
            try:
                part()
            except Exception as x:
                say(False, '%s %s' % (self.name, part.__name__), repr(x)[:400])

    # plain, STARTTLS, implicit TLS, LMTP
    def ways(self):
        e = self.e
        if self.plain:
            s = self.good('plain', url=self.plain, access=[])
            say(s['tls'] is None, s.what + ', no tls in the JSON')
            s = self.good('STARTTLS', '--trace', url=self.starttls, access=self.ca)
            say(bool(s['tls']) and s['tls']['verified'], s.what + ', verified', repr(s['tls']))
            say(bool(s.commands('STARTTLS')) and len(s.commands('EHLO')) == 2, s.what + ', EHLO again', repr(s.err[:200]))
            self.send('implicit TLS to a plain port', message(tag()), '--timeout', '5', url='smtps://%s:%s' % (self.host, e['smtp_port']),
                      access=self.ca).ends(77, error='TERN_E_TLS')
            self.good('by name, localhost', url='smtp://localhost:%s' % e['smtp_port'], access=self.ca)
        s = self.good('implicit TLS', url=self.smtps, access=self.ca + self.login)
        say(bool(s['tls']) and s['tls']['verified'], s.what + ', verified', repr(s['tls']))
        lmtp = ([('LMTP tcp', 'lmtp://%s:%s' % (self.host, e['lmtp_port']))] if 'lmtp_port' in e else []) + (
            [('LMTP unix', 'lmtp+unix:' + e['lmtp_socket'])] if 'lmtp_socket' in e else [])
        for what, url in lmtp:
            self.good(what, url=url, access=[])
            name, to = tag(), ['alice@example.test', 'reject@example.test', 'bob@example.test']
            s = self.send(what + ', one of three refused', message(name), url=url, access=[], to=to)
            s.ends(67)
            say(s.statuses() == dict(zip(to, ('accepted', 'rejected', 'accepted'))), s.what + ', outcomes', repr(s['recipients']))
            same(s.what + ', stored', self.box, name, message(name))
            # some offer STARTTLS on LMTP, some do not: inside TLS or not at all
            s = self.send(what + ', TLS required', message(tag()), url=url + '?tls=required', access=self.ca)
            if s['tls']:
                s.ends(0)
                say(s['tls']['verified'], s.what + ', verified', repr(s['tls']))
            else:
                s.ends(77, error='TERN_E_TLS')

    # every mechanism that both know, right and wrong
    def authentication(self):
        password, token = self.e['password'], self.e.get('token')
        secrets = [password, base64.b64encode(password.encode()).decode().rstrip('=')]
        for user in (self.e['user'], ''):
            secrets.append(base64.b64encode(('%s\0%s\0%s' % (user, self.e['user'], password)).encode()).decode())
        say(bool(self.mechanisms), self.name + ' offers a mechanism')
        for m in self.mechanisms:
            bearer = m in ('XOAUTH2', 'OAUTHBEARER')
            option, right = ('--token-file', token) if bearer else ('--password-file', password)
            if right is None:
                say(False, '%s offers %s, but tells no token' % (self.name, m))
                continue
            secret = file('%s.%s.right' % (self.name, m), right)
            wrong = file('%s.%s.wrong' % (self.name, m), 'wrong')
            for what, url in (('STARTTLS', self.submission), ('implicit TLS', self.smtps)):
                s = self.good('AUTH %s over %s' % (m, what), '--auth', m, '--user', self.e['user'], option, secret, '--trace', url=url, access=self.ca)
                say(any(c.upper().startswith('AUTH ' + m) for c in s.commands('AUTH')), s.what + ', named in the trace', repr(s.commands('AUTH')))
                told = [x for x in secrets + [right] if x in s.err or x.encode() in s.out]
                say(not told, s.what + ', nothing secret in trace and JSON', repr(told))
                if what == 'STARTTLS':
                    before = s.err.partition('STARTTLS')[0]
                    say('C: AUTH' not in before and 'C: MAIL' not in before, s.what + ', nothing but EHLO in clear')
            s = self.send('AUTH %s, wrong secret' % m, message(name := tag()), '--auth', m, '--user', self.e['user'], option, wrong, url=self.submission, access=self.ca)
            s.ends(77, error='TERN_E_AUTH', phase='auth')
            say(set(s.statuses().values()) == {'unsent'}, s.what + ', unsent', repr(s['recipients']))
        self.good('AUTH, mechanism chosen by the library', url=self.submission, access=self.ca + self.login)
        s = self.send('AUTH by a mechanism that is not offered', message(tag()), '--auth', 'EXTERNAL', url=self.submission, access=self.ca + self.login)
        s.ends(77, 64, 78)
        if self.plain:
            s = self.send('credentials, no TLS', message(tag()), '--trace', url=self.submission + '?tls=none', access=self.ca + self.login)
            say(s.status not in (0, 75) and not s.commands('AUTH'), s.what, 'exit %s %s' % (s.status, s['error']))

    # one and 200 recipients, some refused
    def recipients(self):
        reject, defer = 'reject@example.test', 'defer@example.test'
        for to, status, outcome in ((reject, 67, 'rejected'), (defer, 75, 'deferred')):
            s = self.send('%s alone' % to, message(name := tag(), to), '--trace', to=[to])
            s.ends(status, phase='rcpt')
            r = (s['recipients'] or [{}])[0]
            say(r.get('status') == outcome and (r.get('code') or 0) // 100 == (5 if to == reject else 4) and s['resend'] == 'safe', s.what + ', outcome', repr(r))
            say(not self.box.all(name), s.what + ', not delivered')
        for number in (2, 200):
            to = ['u%d@example.test' % i for i in range(number)]
            self.good('%d recipients' % number, to=to)
            to[number // 2], to[number // 3:number // 3] = reject, [defer]
            s = self.send('%d recipients, one rejected, one deferred' % (number + 1), message(name := tag()), to=to)
            s.ends(67)
            want = {a: {reject: 'rejected', defer: 'deferred'}.get(a, 'accepted') for a in to}
            wrong = {a: st for a, st in s.statuses().items() if want.get(a) != st}
            say(not wrong and list(s.statuses()) == to, s.what + ', outcomes in order', repr(wrong))
            same(s.what + ', stored', self.box, name, message(name))
        # those two take any domain, Sendmail takes it from this host
        if self.plain and self.name not in ('aiosmtpd', 'smtp-server', 'sendmail'):
            s = self.send('a domain that is not the server\'s', message(tag()), to=['bob@elsewhere.example'])
            s.ends(67, phase='rcpt')
        s = self.send('an address with CR LF', message(tag()), '--trace', to=['bob@example.test>\r\nRCPT TO:<eve@example.test'])
        s.ends(64, 65)
        say('C: ' not in s.err, s.what + ', nothing sent', repr(s.err[:200]))

    # bare LF, dots, 20 MiB, 20 messages on one connection
    def contents(self):
        name = tag()
        self.good('bare LF', name=name, content=message(name).replace(b'\r\n', b'\n'), expected=message(name))
        name = tag()
        self.good('no line end at the end', name=name, content=message(name)[:-2], expected=message(name))
        name = tag()
        self.good('20 MiB of dots', name=name, content=big(name), timeout=300)
        if 'CHUNKING' in self.offered:
            s = self.good('CHUNKING', '--trace')
            say(bool(s.commands('BDAT')) and not s.commands('DATA'), s.what + ', by BDAT')
            name = tag()
            self.good('20 MiB of dots by DATA', '--no-chunking', name=name, content=big(name), timeout=300)
        s = self.good('--no-chunking', '--no-chunking', '--trace')
        say(not s.commands('BDAT') and bool(s.commands('DATA')), s.what + ', by DATA')
        self.good('--no-pipelining', '--no-pipelining', '--no-chunking', to=['u%d@example.test' % i for i in range(5)])
        name = tag()
        s = self.send('--repeat 20', message(name), '--repeat', '20', '--trace')
        s.ends(0)
        say(s['sent'] == 20, s.what + ', sent', repr(s['sent']))
        say(len(s.commands('QUIT')) <= 1 and len(s.commands('STARTTLS')) == 1, s.what + ', one connection')
        found = self.box.wait(name, number=20)
        time.sleep(0.3)
        found = self.box.all(name)
        say(len(found) == 20, s.what + ', 20 stored', str(len(found)))
        same(s.what + ', stored', self.box, name, message(name))
        s = self.send('--repeat 3, refused', message(tag()), '--repeat', '3', to=['reject@example.test'])
        s.ends(67)
        say(s['sent'] == 0, s.what + ', none sent', repr(s['sent']))
        self.send('no recipient at all', message(tag()), to=[]).ends(64, 65)

    # SMTPUTF8, DSN
    def extensions(self):
        to, name = 'j\u00f6rg@example.test', tag()
        content = message(name, to, utf8=True)
        if 'SMTPUTF8' in self.offered:
            s = self.good('SMTPUTF8', '--trace', to=[to], name=name, content=content)
            say(any('SMTPUTF8' in c for c in s.commands('MAIL')), s.what + ', parameter', repr(s.commands('MAIL')))
            s = self.good('SMTPUTF8 offered, not needed', '--trace')
            say(not any('SMTPUTF8' in c for c in s.commands('MAIL')), s.what + ', no parameter', repr(s.commands('MAIL')))
        else:
            s = self.send('SMTPUTF8 needed, not offered', content, '--trace', to=[to])
            s.ends(65, 69, error='TERN_E_NEEDS_SMTPUTF8')
            say(not s.commands('MAIL') and 'accepted' not in s.statuses().values(), s.what + ', not sent')
        if 'DSN' in self.offered:
            name, envid = tag(), 'envid+%d=%s' % (time.time_ns(), self.name)
            s = self.send('DSN', message(name), '--dsn', 'success,failure,delay', '--ret', 'hdrs', '--envid', envid, '--trace')
            s.ends(0)
            wire = envid.replace('+', '+2B').replace('=', '+3D')
            mail, rcpt = ' '.join(s.commands('MAIL')), ' '.join(s.commands('RCPT'))
            say('RET=HDRS' in mail.upper() and 'ENVID=' + wire in mail and 'NOTIFY=SUCCESS,FAILURE,DELAY' in rcpt.upper(), s.what + ', parameters', mail + ' / ' + rcpt)
            if self.name != 'smtp-server':   # takes the parameters, sends no report
                def report():
                    return [f for f in self.box.all(name, envid) if b'message/delivery-status' in open(f, 'rb').read()]
                end = time.monotonic() + 15
                while not report() and time.monotonic() < end:
                    time.sleep(0.1)
                say(bool(report()), s.what + ', the report came')

        if 'PRDR' in self.offered:   # prdrno is taken by RCPT and refused for the content
            name, other = tag(), ALICE.replace('alice', 'prdrno', 1)
            s = self.send('PRDR', message(name), '--prdr', '--trace', to=[ALICE, other])
            s.ends(67)
            say(s.statuses() == {ALICE: 'accepted', other: 'rejected'} and 'PRDR' in ' '.join(s.commands('MAIL')), s.what + ', one by one', repr(s['recipients']))
            same(s.what + ', stored', self.box, name, message(name))
            s = self.send('no PRDR', message(tag()), to=[ALICE, other])
            say(set(s.statuses().values()) == {'accepted'}, s.what + ', all or none', repr(s['recipients']))

    # TLS sessions taken up again, counted by tern-send and, where its log says so, by the server
    def resumption(self):
        ways = [('STARTTLS', *self.usual), ('implicit TLS', self.smtps, self.ca + self.login)]
        if self.name == 'postfix':
            ways.append(('TLS 1.2', 'smtp://%s:%s' % (self.host, self.e['grey_port']), self.ca))
        for what, url, access in ways:
            kept, before, resumed = os.path.join(work, '%s.%s.memory' % (self.name, what)), self.told_resumed(), []
            for _ in range(RUNS):
                s = self.send('resumption, ' + what, message(tag()), '--memory', kept, url=url, access=access)
                resumed.append(bool(s['tls'] and s['tls'].get('resumed')))
                if not s['tls'] or s['tls']['version'] == 'TLSv1.3' and what == 'TLS 1.2':
                    say(False, s.what + ', TLS', repr(s['tls']))
            if any(resumed) or self.name in RESUMED:
                say(resumed == [False] + [True] * (RUNS - 1), s.what + ', every time but the first', repr(resumed))
            if self.name in RESUMED:
                end = time.monotonic() + 10
                while self.told_resumed() - before < RUNS - 1 and time.monotonic() < end:
                    time.sleep(0.1)
                time.sleep(0.3)
                told = self.told_resumed() - before
                say(told == RUNS - 1, s.what + ', counted by the server', '%d of %d' % (told, RUNS))

    def told_resumed(self):
        if self.name not in RESUMED:
            return 0
        with open(self.e['log'], errors='replace') as f:
            return len(re.findall(RESUMED[self.name], f.read()))

    # whose certificate is trusted
    def trust(self):
        certs = os.path.dirname(self.e['ca'])
        url, access = self.usual
        rest = access[2:]
        s = self.send('another CA', message(name := tag()), '--trace', url=url, access=['--ca', os.path.join(certs, 'other-ca.crt'), *rest])
        s.ends(77, error='TERN_E_TLS')
        say(not s.commands('MAIL') and not s.commands('AUTH'), s.what + ', nothing more was said')
        self.send('the system\'s store', message(tag()), url=url, access=rest).ends(77, error='TERN_E_TLS')
        self.send('a CA file that is not there', message(tag()), url=url, access=['--ca', os.path.join(work, 'none'), *rest]).ends(77, 78, 64)
        s = self.good('--insecure', '--insecure', url=url, access=['--ca', os.path.join(certs, 'other-ca.crt'), *rest])
        say(s['tls'] and s['tls']['verified'] is False, s.what + ', not verified', repr(s['tls']))
        if self.plain:
            self.good('opportunistic, another CA', url=self.starttls + '?tls=opportunistic', access=['--ca', os.path.join(certs, 'other-ca.crt')])
            s = self.send('opportunistic with credentials, another CA', message(tag()), '--trace', url=self.submission + '?tls=opportunistic',
                          access=['--ca', os.path.join(certs, 'other-ca.crt'), *self.login])
            s.ends(77, error='TERN_E_TLS')
            say(not s.commands('AUTH'), s.what + ', no AUTH')

    # what only one of them has
    def own(self):
        e, certs = self.e, os.path.dirname(self.e['ca'])
        if self.name in ('exim', 'aiosmtpd', 'smtp-server', 'haraka'):
            s = self.send('content refused', message(name := tag(), header='X-Tern: reject\r\n'), '--no-chunking')
            s.ends(69, phase='end-of-data')
            say(set(s.statuses().values()) == {'rejected'} and not self.box.all(name), s.what + ', outcome', repr(s['recipients']))
        if self.name in ('aiosmtpd', 'smtp-server'):
            self.send('no credentials where they are demanded', message(tag()), url=self.submission, access=self.ca).ends(77)
        if self.name == 'postfix':
            for who, good in (('client', True), ('client-otherca', False)):
                s = self.send('certificate ' + who, message(name := tag()), '--cert', os.path.join(certs, who + '.crt'), '--key', os.path.join(certs, who + '.key'),
                              url=self.submission, access=self.ca + self.login)
                s.ends(0)
                found = self.box.wait(name)
                noted = open(found[0], 'rb').read(4096) if found else b''
                say(b'Client CN' in noted and (b'verified OK' in noted) == good, s.what + ', noted', repr(noted[:300]))
            url, to = 'smtp://%s:%s' % (self.host, e['grey_port']), ['g%d@example.test' % time.time_ns()]
            s = self.send('greylisted', message(tag()), url=url, access=self.ca, to=to)
            s.ends(75, phase='rcpt')
            say(set(s.statuses().values()) == {'deferred'}, s.what + ', outcome')
            time.sleep(1.3)
            self.good('greylisted, again', url=url, access=self.ca, to=to)


# name of the certificate (certs.sh), host in the URL, whether it is accepted
CERTIFICATES = [
    ('server-ecdsa', '127.0.0.1', 1), ('server-ecdsa', 'mx.example.test', 1), ('server-ecdsa', 'MX.Example.Test', 1), ('server-ecdsa', 'other.example.test', 0),
    ('server-ecdsa', '127.0.0.20', 0), ('server-ecdsa', 'a.wild.example.test', 1), ('server-ecdsa', 'a.b.wild.example.test', 0), ('server-ecdsa', 'wild.example.test', 0),
    ('server-rsa', 'mx.example.test', 1), ('direct', '127.0.0.1', 1), ('expired', '127.0.0.1', 0), ('notyet', '127.0.0.1', 0),
    ('wronghost', 'mx.example.test', 0), ('wronghost', '127.0.0.1', 0), ('cnonly', 'mx.example.test', 0), ('wildcard', 'mx.example.test', 1),
    ('wildcard', 'a.b.example.test', 0), ('wildcard', 'example.test', 0), ('wildcard', '127.0.0.1', 0), ('otherca', 'mx.example.test', 0),
    ('selfsigned', 'mx.example.test', 0), ('nochain', 'mx.example.test', 0), ('weak', 'mx.example.test', 0)]
# what can be said more exactly than TERN_E_TLS
ERRORS = {'expired': 'TERN_E_TLS_EXPIRED', 'notyet': 'TERN_E_TLS_NOT_YET_VALID', 'wronghost': 'TERN_E_TLS_WRONG_HOST', 'cnonly': 'TERN_E_TLS_WRONG_HOST',
          'otherca': 'TERN_E_TLS_UNKNOWN_CA', 'selfsigned': 'TERN_E_TLS_UNKNOWN_CA', 'nochain': 'TERN_E_TLS_UNKNOWN_CA',
          'server-ecdsa': 'TERN_E_TLS_WRONG_HOST', 'wildcard': 'TERN_E_TLS_WRONG_HOST', 'weak': 'TERN_E_TLS'}


def certificates():
    # the names lead to loopback by a hosts file that only the program sees
    hosts = file('hosts', '127.0.0.1 localhost ' + ' '.join(sorted({h for _, h, _ in CERTIFICATES if not h[0].isdigit()})))
    prefix = ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts]
    for certificate in dict.fromkeys(c for c, _, _ in CERTIFICATES):
        e = start('aiosmtpd', certificate, TERN_CERT=certificate, TERN_BIND='0.0.0.0')
        box = Box(e['maildir'])
        for _, host, good in (c for c in CERTIFICATES if c[0] == certificate):
            for scheme, port in (('smtp', e['smtp_port']), ('smtps', e['smtps_port'])):
                name = tag()
                login = ['--user', e['user'], '--password-file', file('password', e['password'])] if scheme == 'smtps' else []
                s = Sent('certificate %s, %s://%s' % (certificate, scheme, host), '%s://%s:%s' % (scheme, host, port), [ALICE], message(name), '--trace',
                         '--ca', e['ca'], *login, prefix=prefix)
                if good:
                    s.ends(0) and same(s.what + ', stored', box, name, message(name))
                else:
                    s.ends(77, error=ERRORS[certificate])
                    say(not s.commands('(AUTH|MAIL)') and not box.all(name), s.what + ', nothing more was said')
        stop('aiosmtpd', os.path.join(work, certificate))


def limits():
    login = lambda e: ['--ca', e['ca']]
    # recipients beyond the server's limit go in a further transaction
    e = start('aiosmtpd', 'rcpts', TERN_RCPT_LIMIT='50')
    box, name = Box(e['maildir']), tag()
    s = Sent('200 recipients, 50 a message', 'smtp://%s:%s' % (e['host'], e['smtp_port']), ['u%d@example.test' % i for i in range(200)], message(name), *login(e))
    s.ends(0)
    say(len(s.statuses()) == 200 and set(s.statuses().values()) == {'accepted'}, s.what + ', outcomes')
    found = box.wait(name, number=4)
    to = [r for f in found for r in json.load(open(f.replace('/new/', '/env/') + '.json'))['to']]
    say(len(found) == 4 and sorted(to) == sorted('u%d@example.test' % i for i in range(200)), s.what + ', each once', '%d messages, %d recipients' % (len(found), len(to)))
    # a message that cannot fit is not begun
    e = start('aiosmtpd', 'size', TERN_SIZE_LIMIT='100000')
    s = Sent('larger than SIZE', 'smtp://%s:%s' % (e['host'], e['smtp_port']), [ALICE], message(tag()) + (b'y' * 70 + b'\r\n') * 2000, '--trace', *login(e))
    s.ends(65, 69, error='TERN_E_TOO_BIG')
    say(not s.commands('MAIL') and set(s.statuses().values()) == {'unsent'}, s.what + ', not begun', repr(s.commands('MAIL')))
    # nobody there
    stop('aiosmtpd', os.path.join(work, 'size'))
    Sent('connection refused', 'smtp://%s:%s' % (e['host'], e['smtp_port']), [ALICE], message(tag()), *login(e)).ends(75, phase='connect')
    Sent('no such host', 'smtp://nosuch.invalid', [ALICE], message(tag()), *login(e), '--connect-timeout', '20').ends(68, 75, phase='resolve')


def stop(script, base):
    subprocess.run([os.path.join(servers, script + '.sh'), 'stop', base], stdout=subprocess.DEVNULL)
    if (script, base) in started:
        started.remove((script, base))


def one(job):
    begin = time.monotonic()
    name, f = job
    try:
        f()
    except Exception as x:
        say(False, name, repr(x)[:400])
    with lock:
        print('     %s: %.0f s' % (name, time.monotonic() - begin), flush=True)


# heading of a column, what the names of its checks begin with
COLUMNS = [('plain', 'plain'), ('STARTTLS', 'STARTTLS|AUTH [^ ]+ over STARTTLS'), ('implicit TLS', 'implicit TLS(?! to)|AUTH [^ ]+ over implicit'),
           ('LMTP', 'LMTP'), ('AUTH', 'AUTH '), ('recipients', '[0-9]+ recipients'), ('20 MiB of dots', '20 MiB'), ('BDAT', 'CHUNKING'),
           ('SMTPUTF8', 'SMTPUTF8,'), ('DSN', 'DSN'), ('resumption', 'resum')]


def cell(name, heading, pattern):
    """What the checks of one server say under one heading; a dash: it does not offer that."""
    own = [(what[len(name) + 1:], ok) for what, ok in checks if what.startswith(name + ' ')]
    mine = [(what, ok) for what, ok in own if re.match(pattern, what) or (heading == 'SMTPUTF8' and what == 'SMTPUTF8')]
    if not mine:
        return '-'
    bad = sum(not ok for _, ok in mine)
    text = '%d of %d failed' % (bad, len(mine)) if bad else 'good'
    if heading == 'AUTH':
        tried = [m for m in MECHANISMS if any(what.startswith('AUTH %s ' % m) for what, _ in mine)]
        text = ' '.join(tried) + (': ' + text if bad else '')
    return text


def table(names):
    rows = [['server'] + [heading for heading, _ in COLUMNS]]
    rows += [[name] + [cell(name, heading, pattern) for heading, pattern in COLUMNS] for name in names]
    rows.insert(1, ['---'] * len(rows[0]))
    for row in rows:
        print('| ' + ' | '.join(row) + ' |')


names = sys.argv[3:] or [os.path.basename(os.path.dirname(f)) for f in sorted(glob.glob(os.path.join(top, '*', 'env')))]
# certificates and limits can be left out: name servers, and these two where they are wanted
own = {'certificates': certificates, 'limits': limits}
jobs = [(n, own[n] if n in own else lambda n=n: Server(n).run()) for n in names + ([] if sys.argv[3:] else list(own))]
try:
    if not os.access(program, os.X_OK):
        say(False, 'the program', program + ' is not there')
    else:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(one, jobs))
finally:
    for script, base in list(started):
        stop(script, base)
    shutil.rmtree(work, ignore_errors=True)
table([n for n in names if n not in own])
print('%d passed, %d failed' % (passed, failed))
sys.exit(failed > 0)
