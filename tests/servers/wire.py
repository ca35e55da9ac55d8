# wire.py - a bare SMTP client for the checks in Python: sends what it is told, reads replies.
import socket
class Raw:
    # a client that says what it is told; replies are (code, [lines])
    def __init__(self, host, port, ctx, tls=None, lhlo=False):
        self.s = socket.create_connection((host, int(port)), 20); self.b = b''; self.hello = 'LHLO' if lhlo else 'EHLO'
        if tls == 'implicit': self.s = ctx.wrap_socket(self.s, server_hostname=host)
        self.banner = self.reply(); self.ehlo()
        if tls == 'starttls': self.want(220, 'STARTTLS'); self.s = ctx.wrap_socket(self.s, server_hostname=host); self.ehlo()
    def ehlo(self):
        r = self.want(250, self.hello + ' client.example.test'); self.ext = {l.split(' ')[0].upper(): l.split(' ')[1:] for l in r[1][1:]}
    def line(self):
        while b'\n' not in self.b:
            d = self.s.recv(65536)
            if not d: raise EOFError('closed')
            self.b += d
        l, _, self.b = self.b.partition(b'\n'); return l.rstrip(b'\r').decode('utf-8', 'replace')
    def reply(self):
        out = []
        while True:
            l = self.line(); out.append(l[4:])
            if l[3:4] != '-': return int(l[:3]), out
    def cmd(self, c, body=b''): self.s.sendall(c.encode() + b'\r\n' + body); return self.reply()
    def want(self, code, c, body=b''):
        r = self.cmd(c, body)
        if r[0] != code: raise AssertionError('%s -> %r' % (c[:60], r))
        return r
    def close(self):
        try: self.cmd('QUIT')
        except Exception: pass
        self.s.close()
