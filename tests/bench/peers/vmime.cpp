// vmime.cpp - VMime.
#include <fstream>
#include <vmime/platforms/posix/posixHandler.hpp>
#include <vmime/vmime.hpp>

#include "peer.h"

using vmime::security::cert::X509Certificate;

static vmime::shared_ptr<vmime::security::cert::certificateVerifier> verifier()
{
  auto v = vmime::make_shared<vmime::security::cert::defaultCertificateVerifier>();
  std::ifstream f(getenv("PERF_CA"), std::ios::binary);
  vmime::utility::inputStreamAdapter in(f);

  v->setX509RootCAs({X509Certificate::import(in)});
  return v;
}

static vmime::shared_ptr<vmime::net::transport> up()
{
  auto s = vmime::net::session::create();
  vmime::string proto = tls == 2 ? "smtps" : "smtp";
  auto t = s->getTransport(vmime::utility::url(proto + "://" + host + ":" + port));

  if (tls == 1) {
    t->setProperty("connection.tls", true);
    t->setProperty("connection.tls.required", true);
  }
  if (tls) t->setCertificateVerifier(verifier());
  if (auth) {
    t->setProperty("options.need-authentication", true);
    t->setProperty("auth.username", "user");
    t->setProperty("auth.password", "pass");
  }
  t->connect();
  return t;
}

static void send(vmime::net::transport &t)
{
  vmime::mailbox from(vmime::emailAddress(FROM));
  vmime::mailboxList to;

  to.appendMailbox(vmime::make_shared<vmime::mailbox>(vmime::emailAddress(TO)));
  if (msg) {
    vmime::utility::inputStreamStringAdapter in(vmime::string(msg, len));
    t.send(from, to, in, len);
  } else {
    std::ifstream f(file, std::ios::binary);
    vmime::utility::inputStreamAdapter in(f);
    t.send(from, to, in, len);
  }
}

int main(int argc, char **argv)
{
  args(argc, argv, 0);
  if (resume) return 3;
  vmime::platform::setHandler<vmime::platforms::posix::posixHandler>();
  try {
    vmime::shared_ptr<vmime::net::transport> t;
    for (long i = 0; i < count; i++) {
      if (!t) t = up();
      send(*t);
      if (reuse) continue;
      t->disconnect();
      t = nullptr;
    }
    if (t) t->disconnect();
  } catch (vmime::exception &e) {
    fprintf(stderr, "vmime: %s\n", e.what());
    return 1;
  }
  return 0;
}
