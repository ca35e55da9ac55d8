#!/usr/bin/python3
# verify.py [-v] DIR [SERVER...] - checks started servers (default: all of DIR) with Python's smtplib and a raw socket client.
# Every SMTP server: plain, STARTTLS, every AUTH mechanism offered, a wrong password, implicit TLS, LMTP; the message (leading dots, 8-bit,
# trailing blanks, a 998-octet line) must come back byte for byte after the server's trace headers. Then, where the EHLO offers it, SMTPUTF8,
# BDAT, DSN, PRDR, OAUTHBEARER/XOAUTH2; reject@, defer@, SIZE, recipient limit, client certificate, greylisting where the server has them.
# -v prints the EHLO lines. Closes with 'N passed, N failed'; exit status 1 if any failed.
import base64, glob, hashlib, hmac, os, re, smtplib, socket, ssl, sys, time
from wire import Raw
argv = sys.argv[1:]
verbose = argv[:1] == ['-v']; argv = argv[verbose:]
top = argv[0]; names = argv[1:] or [os.path.basename(os.path.dirname(f)) for f in sorted(glob.glob(os.path.join(top, '*', 'env')))]
bad = good = 0
def say(ok, what, extra=''):
    global good, bad
    good += bool(ok); bad += not ok
    print('%-4s %s: %s' % ('ok' if ok else 'FAIL', what, extra), flush=True)
def b64(x): return base64.b64encode(x if isinstance(x, bytes) else x.encode()).decode()
def message(tag, utf8=False):
    return ('From: tern@example.test\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s@example.test>\r\nDate: Mon, 23 Nov 2026 20:00:00 +0000\r\n'
      'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
      '.\r\n..\r\n.leading dot\r\ntrailing blanks  \t \r\nna\u00efve \u2603\r\n%s\r\n\r\n\r\nlast line\r\n' % ('j\u00f6rg@example.test' if utf8 else 'alice@example.test', tag, tag, 'x' * 998)).encode()
def find(boxes, want, wait=8):
    end = time.time() + wait
    while True:
        for box in boxes:
            for sub in ('new', 'cur'):
                d = os.path.join(box, sub)
                for f in os.listdir(d) if os.path.isdir(d) else ():
                    try: data = open(os.path.join(d, f), 'rb').read()
                    except OSError: continue
                    if want(data): return data
        if time.time() > end: return None
        time.sleep(0.05)
def check(what, boxes, tag, sent):
    got = find(boxes, lambda d: tag.encode() in d)
    if got is None: return say(False, what, 'not delivered')
    crlf = got if b'\r\n' in got else got.replace(b'\n', b'\r\n')
    if crlf == sent: return say(True, what, 'identical, nothing added')
    if crlf.endswith(sent): return say(True, what, 'identical after %d octets of trace headers' % (len(crlf) - len(sent)))
    b1, b2 = sent.partition(b'\r\n\r\n')[2], crlf.partition(b'\r\n\r\n')[2]
    say(False, what, 'body %s, headers changed: %r' % ('same' if b1 == b2 else 'DIFFERS', crlf[:700] if b1 == b2 else b2[:200]))
def scram(c, mech, user, pw):
    alg = 'sha1' if mech.endswith('-1') else 'sha256'; H = lambda k, m: hmac.new(k, m, alg).digest()
    first = 'n=%s,r=%s' % (user.replace('=', '=3D').replace(',', '=2C'), b64(os.urandom(12)))
    r = c.cmd('AUTH %s %s' % (mech, b64('n,,' + first)))
    if r[0] != 334: return r
    sf = base64.b64decode(r[1][0]).decode(); a = dict(x.split('=', 1) for x in sf.split(','))
    final = 'c=biws,r=' + a['r']; salted = hashlib.pbkdf2_hmac(alg, pw.encode(), base64.b64decode(a['s']), int(a['i']))
    ck = H(salted, b'Client Key'); am = ','.join((first, sf, final)).encode(); sig = H(hashlib.new(alg, ck).digest(), am)
    r = c.cmd(b64(final + ',p=' + b64(bytes(x ^ y for x, y in zip(ck, sig)))))
    proof = 'v=' + b64(H(H(salted, b'Server Key'), am))
    if r[0] == 334:   # the server's proof comes as a challenge; one empty line ends it
        assert base64.b64decode(r[1][0]).decode() == proof, 'wrong server signature'
        r = c.cmd(''); r[1][0] += ' (server signature right)'
    return r
def auth(c, mech, user, pw, token):
    if mech == 'PLAIN': return c.cmd('AUTH PLAIN ' + b64('\0%s\0%s' % (user, pw)))
    if mech == 'LOGIN':
        r = c.cmd('AUTH LOGIN')
        for x in (user, pw):
            if r[0] == 334: r = c.cmd(b64(x))
        return r
    if mech == 'CRAM-MD5':
        r = c.cmd('AUTH CRAM-MD5')
        return c.cmd(b64(user + ' ' + hmac.new(pw.encode(), base64.b64decode(r[1][0]), 'md5').hexdigest())) if r[0] == 334 else r
    if mech in ('XOAUTH2', 'OAUTHBEARER'):
        x = 'user=%s\1auth=Bearer %s\1\1' % (user, token) if mech == 'XOAUTH2' else 'n,a=%s,\1host=x\1port=1\1auth=Bearer %s\1\1' % (user, token)
        r = c.cmd('AUTH %s %s' % (mech, b64(x)))
        if r[0] == 334:   # the error challenge
            e = base64.b64decode(r[1][0] + '==').decode(); r = c.cmd('' if mech == 'XOAUTH2' else 'AQ=='); r[1][0] += '  (after the challenge %s)' % e
        return r
    if mech.startswith('SCRAM-'): return scram(c, mech, user, pw)
def smtp(name, e):
    host, user, pw, ca = e['host'], e['user'], e['password'], e['ca']; own = os.path.dirname(ca)
    ctx = ssl.create_default_context(cafile=ca); boxes = [e.get('relay_maildir', e['maildir'])]; lmtp = [e['maildir']]
    make = {}
    if 'smtp_port' in e: make['plain'] = lambda c=ctx: Raw(host, e['smtp_port'], c); make['starttls'] = lambda c=ctx: Raw(host, e['smtp_port'], c, 'starttls')
    make['submission'] = lambda c=ctx: Raw(host, e['submission_port'], c, 'starttls')
    make['smtps'] = lambda c=ctx: Raw(host, e['smtps_port'], c, 'implicit')
    if 'lmtp_port' in e: make['lmtp'] = lambda c=ctx: Raw(host, e['lmtp_port'], c, None, True)
    def login(c): r = auth(c, 'PLAIN', user, pw, None); assert r[0] == 235, r
    def tagged(what): return 'tern-%s-%d-%f' % (re.sub(r'\W+', '-', what), os.getpid(), time.time())
    def attempt(what, f):
        try: return f()
        except Exception as x: say(False, name + ' ' + what, repr(x)[:300])
    # 1. smtplib, message back byte for byte
    def one(what, mk, log=False, box=boxes):
        def f():
            c = mk(); c.ehlo_or_helo_if_needed()
            if log: c.login(user, pw)
            m = message(tag := tagged(what)); c.sendmail('tern@example.test', ['alice@example.test'], m, ['BODY=8BITMIME'] if c.has_extn('8bitmime') else []); c.quit()
            check(name + ' ' + what, box, tag, m)
        attempt(what, f)
    def sl(port, tls):
        c = smtplib.SMTP(host, int(e[port]), local_hostname='client.example.test', timeout=20)
        if tls: c.starttls(context=ctx)
        return c
    if 'smtp_port' in e: one('plain', lambda: sl('smtp_port', 0)); one('STARTTLS', lambda: sl('smtp_port', 1))
    one('STARTTLS + AUTH', lambda: sl('submission_port', 1), True)
    one('implicit TLS + AUTH', lambda: smtplib.SMTP_SSL(host, int(e['smtps_port']), local_hostname='client.example.test', timeout=20, context=ctx), True)
    if 'lmtp_port' in e: one('LMTP tcp', lambda: smtplib.LMTP(host, int(e['lmtp_port'])), box=lmtp)
    if 'lmtp_socket' in e: one('LMTP unix', lambda: smtplib.LMTP(e['lmtp_socket']), box=lmtp)
    for w in make:
        def f(w=w):
            c = make[w]()
            if verbose: print('EHLO %s %s: %s' % (name, w, ' | '.join(' '.join([k] + v) for k, v in c.ext.items())), flush=True)
            c.close()
        attempt('EHLO ' + w, f)
    # 2. every mechanism, right and wrong
    def mechs():
        c = make['submission'](); ms = c.ext.get('AUTH', []); c.close()
        if not ms: say(False, name + ' AUTH', 'not offered')
        for m in ms:
            if m == 'DIGEST-MD5': continue
            def f(m=m):
                c = make['submission'](); r = auth(c, m, user, pw, e.get('token')); say(r[0] == 235, '%s AUTH %s' % (name, m), '%d %s' % (r[0], r[1][0])); c.close()
                c = make['smtps'](); r = auth(c, m, user, 'wrong', 'wrong'); say(r[0] == 535, '%s AUTH %s, wrong secret' % (name, m), '%d %s' % (r[0], r[1][0])); c.close()
            attempt('AUTH ' + m, f)
    attempt('AUTH', mechs)
    # 3. the rest: the session to use is the plain port where there is one, else submission with a login
    def start():
        c = make['plain']() if 'plain' in make else make['submission']()
        if 'plain' not in make: login(c)
        return c
    def codes():
        for who, k in (('reject', 5), ('defer', 4)):
            for w in make:
                if name == 'dovecot' and (who, w) != ('reject', 'lmtp') and w == 'lmtp': continue
                c = make[w]()
                if w in ('submission', 'smtps'): login(c)
                c.want(250, 'MAIL FROM:<tern@example.test>'); r = c.cmd('RCPT TO:<%s@example.test>' % who); c.close()
                say(r[0] // 100 == k, '%s %s@ on %s' % (name, who, w), '%d %s' % (r[0], ' / '.join(r[1])))
    attempt('reject@/defer@', codes)
    def size():
        c = start(); n = int(e['size_limit']); r = c.cmd('MAIL FROM:<tern@example.test> SIZE=%d' % (n + 1)); c.cmd('RSET')
        # OpenSMTPD does not look at it, Haraka says 550
        say(r[0] == {'opensmtpd': 250, 'haraka': 550}.get(name, 552), name + ' SIZE= over the limit', '%d %s' % (r[0], r[1][0])); c.close()
        if n <= 1000000:
            c = start(); c.want(250, 'MAIL FROM:<tern@example.test>'); c.want(250, 'RCPT TO:<alice@example.test>'); c.want(354, 'DATA')
            r = c.cmd('Subject: big\r\n\r\n' + ('y' * 70 + '\r\n') * (n // 72 + 2000) + '.'); say(r[0] // 100 == 5, name + ' message over the limit, no SIZE=', '%d %s' % (r[0], r[1][0])); c.close()
    attempt('SIZE', size)
    def rcpts():
        n = int(e['rcpt_limit']); c = start(); c.want(250, 'MAIL FROM:<tern@example.test>'); i = 0
        while i <= n:
            r = c.cmd('RCPT TO:<u%d@example.test>' % i)
            if r[0] != 250: break
            i += 1
        c.cmd('RSET'); c.close()
        say(i == n and r[0] // 100 in (4, 5), '%s recipient limit %d' % (name, n), 'after %d: %d %s' % (i, r[0], r[1][0]))
    attempt('recipient limit', rcpts)
    def mail(what, params='', rparams='', rcpt='alice@example.test', utf8=False, bdat=False):
        c = start(); m = message(tag := tagged(what), utf8)
        c.want(250, 'MAIL FROM:<tern@example.test>' + params); c.want(250, 'RCPT TO:<%s>%s' % (rcpt, rparams))
        if bdat:
            for p in (m[:300], m[300:301], m[301:]): c.want(250, 'BDAT %d' % len(p), p)
            c.want(250, 'BDAT 0 LAST')
        else: c.want(354, 'DATA'); c.want(250, re.sub(rb'(?m)^\.', b'..', m).decode() + '.')
        c.close(); return tag, m
    c = attempt('EHLO', start)
    if not c: return
    ext = c.ext; c.close()
    if 'SMTPUTF8' in ext:
        attempt('SMTPUTF8', lambda: check(name + ' SMTPUTF8 j\u00f6rg@', boxes, *mail('SMTPUTF8', ' BODY=8BITMIME SMTPUTF8', rcpt='j\u00f6rg@example.test', utf8=True)))
        if name in ('postfix', 'exim', 'haraka', 'aiosmtpd', 'smtp-server'):
            attempt('SMTPUTF8 domain', lambda: check(name + ' SMTPUTF8 j\u00f6rg@m\u00fcnchen.example.test', boxes, *mail('SMTPUTF8-domain', ' BODY=8BITMIME SMTPUTF8', rcpt='j\u00f6rg@m\u00fcnchen.example.test', utf8=True)))
    if 'CHUNKING' in ext: attempt('BDAT', lambda: check(name + ' BDAT, 3 chunks + BDAT 0 LAST', boxes, *mail('BDAT', ' BODY=8BITMIME', bdat=True)))
    if 'DSN' in ext:
        def dsn():
            eid = 'envid%d' % time.time_ns(); tag, _ = mail('DSN', ' RET=HDRS ENVID=' + eid, ' NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;alice@example.test')
            d = find(boxes, lambda d: (eid.encode() in d or tag.encode() in d) and b'message/delivery-status' in d, 4 if name == 'smtp-server' else 15)
            a = re.search(rb'(?im)^Action: *(\S+)', d or b''); a = a and a.group(1).decode()
            if name == 'smtp-server': return say(d is None, name + ' DSN', 'parameters taken, no report (as expected of it)')
            say(a in ('delivered', 'relayed', 'expanded'), name + ' DSN on success', '%s came, %s ENVID, Action: %s' % ('multipart/report' if b'multipart/report' in d else 'report (not multipart/report)', 'with' if eid.encode() in d else 'without', a) if d else 'no report in 15 s')
        attempt('DSN', dsn)
    if 'PRDR' in ext:
        def prdr():
            c = start(); m = message(tag := tagged('PRDR')); c.want(250, 'MAIL FROM:<tern@example.test> PRDR')
            for r in ('alice', 'prdrno'): c.want(250, 'RCPT TO:<%s@example.test>' % r)
            c.want(354, 'DATA'); r = [c.cmd(re.sub(rb'(?m)^\.', b'..', m).decode() + '.')]
            while len(r) < 4 and (r[0][0] == 353 or len(r) < 1): r.append(c.reply())
            c.close(); say([x[0] for x in r] == [353, 250, 550, 250], name + ' PRDR', ' / '.join('%d %s' % (x[0], x[1][0]) for x in r)); check(name + ' PRDR message', boxes, tag, m)
        attempt('PRDR', prdr)
    if name in ('postfix', 'exim'):
        def cert():
            for who, good in (('client', True), ('client-otherca', False)):
                cc = ssl.create_default_context(cafile=ca); cc.load_cert_chain(os.path.join(own, who + '.crt'), os.path.join(own, who + '.key'))
                c = make['submission'](cc); login(c); m = message(tag := tagged('cert-' + who)); c.want(250, 'MAIL FROM:<tern@example.test>'); c.want(250, 'RCPT TO:<alice@example.test>')
                c.want(354, 'DATA'); c.want(250, re.sub(rb'(?m)^\.', b'..', m).decode() + '.'); c.close()
                d = find(boxes, lambda d: tag.encode() in d) or b''; log = open(e['log'], 'rb').read().decode('utf-8', 'replace')
                if name == 'postfix':
                    h = ' '.join(re.findall(rb'\(Client [^)]*\)*', d)[0].decode().split()) if b'(Client ' in d else 'nothing'; ok = ('verified OK' in h) == good and 'Client CN' in h
                else:
                    l = [l for l in log.splitlines() if tag in l]; h = ' '.join(re.findall(r'CV=\S+|DN="[^"]*"', l[0] if l else '')); ok = ('CV=yes' in h) == good and 'DN=' in h
                say(ok, '%s client certificate %s' % (name, who), 'server noted: ' + h)
        attempt('client certificate', cert)
    if 'grey_port' in e:
        def grey():
            for port, who in (('grey_port', 'g%d' % time.time_ns()), ('smtp_port', 'grey')):
                c = Raw(host, e[port], ctx); out = []
                for wait in (0, 1.3):
                    time.sleep(wait); c.want(250, 'MAIL FROM:<g%d@example.test>' % os.getpid()); r = c.cmd('RCPT TO:<%s@example.test>' % who); out.append('%d %s' % (r[0], r[1][0])); c.cmd('RSET')
                c.close(); say(out[0].startswith('450 4.2.0') and out[1].startswith('250'), '%s greylisting on %s' % (name, port), ' then '.join(out))
        attempt('greylisting', grey)
for name in names:
    e = dict(l.rstrip('\n').split('=', 1) for l in open(os.path.join(top, name, 'env')))
    try: smtp(name, e)
    except Exception as x: say(False, name, repr(x))
print('%d passed, %d failed' % (good, bad)); sys.exit(bad > 0)
