// nodemailer.js - nodemailer of npm; see peer.h for the arguments. PERF_NODEMAILER: where it is installed.
const nodemailer = require(process.env.PERF_NODEMAILER)
const fs = require('fs')
const [mode, host, port, tls, auth, count, file] = process.argv.slice(2)
if (mode === 'resume') process.exit(3)
const message = fs.statSync(file).size >= 1 << 20 ? null : fs.readFileSync(file)
const options = {
  host, port: +port, secure: tls === 'smtps', requireTLS: tls === 'starttls', ignoreTLS: tls === 'none',
  name: 'client.example', pool: mode === 'reuse', maxConnections: 1, maxMessages: Infinity,
  tls: tls === 'none' ? undefined : { ca: fs.readFileSync(process.env.PERF_CA) }
}
if (auth === '1') options.auth = { user: 'user', pass: 'pass' }

async function main () {
  const t = nodemailer.createTransport(options)
  const envelope = { from: 'a@example.com', to: ['b@example.net'] }
  for (let i = 0; i < +count; i++) await t.sendMail({ envelope, raw: message || fs.createReadStream(file) })
  t.close()
}
main().catch(e => { console.error(e.message); process.exit(1) })
