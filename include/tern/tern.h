/* tern.h - all of tern in one include. */
#ifndef TERN_TERN_H
#define TERN_TERN_H

#include <tern/base.h>
#include <tern/bounce.h>
#include <tern/client.h>
#include <tern/dkim.h>
#include <tern/delivery.h>
#include <tern/message.h>
#include <tern/pool.h>
#include <tern/probe.h>
#include <tern/ready.h>
#include <tern/resolver.h>
#include <tern/sasl.h>
#include <tern/session.h>
#include <tern/tls.h>
#include <tern/transport.h>

#endif
