# aiosmtpd_server.py - the server behind aiosmtpd.sh, and the relay behind dovecot.sh. Writes each accepted message as it came
# (no header added) to MAILDIR/new/<n>, and its envelope (JSON: from, to, options, user, tls) to MAILDIR/env/<n>.json.
import argparse, asyncio, json, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from aiosmtpd.lmtp import LMTP
a = argparse.ArgumentParser()
a.add_argument('--bind', default='127.0.0.1')
for o in ('smtp', 'submission', 'smtps', 'lmtp'): a.add_argument('--' + o, type=int)
for o in ('maildir', 'cert', 'key', 'user', 'password'): a.add_argument('--' + o)
a.add_argument('--size', type=int, default=50 << 20); a.add_argument('--rcpts', type=int, default=1000)
a.add_argument('--hostname', default='mx.example.test')
a = a.parse_args()
for s in ('new', 'cur', 'tmp', 'env'): os.makedirs(os.path.join(a.maildir, s), exist_ok=True)
count = 0
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if len(envelope.rcpt_tos) >= a.rcpts: return '452 4.5.3 too many recipients'
        if address.startswith('reject@'): return '550 5.1.1 no such mailbox here'
        if address.startswith('defer@'): return '451 4.2.1 mailbox busy, try again'
        envelope.rcpt_tos.append(address); envelope.rcpt_options.append(options)
        return '250 2.1.5 OK'
    async def handle_DATA(self, server, session, envelope):
        global count
        data = envelope.original_content or envelope.content
        if b'\nX-Tern: reject' in data: return '554 5.6.0 content refused'
        count += 1; n = '%06d' % count
        with open(os.path.join(a.maildir, 'env', n + '.json'), 'w') as f:
            json.dump({'from': envelope.mail_from, 'mail_options': envelope.mail_options, 'to': envelope.rcpt_tos,
                       'rcpt_options': envelope.rcpt_options, 'smtputf8': envelope.smtp_utf8, 'helo': session.host_name,
                       'user': str(session.auth_data) if session.authenticated else None, 'tls': session.ssl is not None}, f)
        tmp = os.path.join(a.maildir, 'tmp', n)
        with open(tmp, 'wb') as f: f.write(data)
        os.rename(tmp, os.path.join(a.maildir, 'new', n))
        # LMTP: a reply for each recipient (RFC 2033), which aiosmtpd leaves to us
        return '\r\n'.join(['250 2.0.0 stored as ' + n] * (len(envelope.rcpt_tos) if isinstance(server, LMTP) else 1))
def auth(server, session, envelope, mechanism, data):
    ok = isinstance(data, LoginPassword) and data.login.decode() in (a.user, 'tern') and data.password.decode() == a.password
    return AuthResult(success=ok, handled=False, auth_data=data.login.decode() if ok else None)
ctx = None
if a.cert:
    # SECLEVEL: it is the client's business to refuse a weak certificate
    ctx = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH); ctx.set_ciphers('DEFAULT:@SECLEVEL=0'); ctx.load_cert_chain(a.cert, a.key)
async def main():
    loop = asyncio.get_running_loop(); h = Handler()
    base = dict(hostname=a.hostname, enable_SMTPUTF8=True, decode_data=False, data_size_limit=a.size, loop=loop)
    tls = dict(tls_context=ctx)
    if a.smtp: await loop.create_server(lambda: SMTP(h, **base, **(tls if ctx else {})), a.bind, a.smtp)
    if a.submission: await loop.create_server(lambda: SMTP(h, **base, **tls, require_starttls=True, auth_required=True, authenticator=auth), a.bind, a.submission)
    if a.smtps: await loop.create_server(lambda: SMTP(h, **base, auth_require_tls=False, auth_required=True, authenticator=auth), a.bind, a.smtps, ssl=ctx)
    if a.lmtp: await loop.create_server(lambda: LMTP(h, **base), a.bind, a.lmtp)
    await asyncio.Event().wait()
asyncio.run(main())
