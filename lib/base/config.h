/* config.h - what this build is without. Each macro leaves out files, whole functions, rows of a
 * table or branches that are then constant; none changes a struct or the meaning of what is left.
 * The build's options set them (meson_options.txt); whoever compiles the files by himself, or the
 * amalgamation, defines them on the command line.
 *
 *   TERN_NO_HEAP, TERN_NO_SOCKETS, TERN_NO_TLS   rooms' parts that need a host
 *   TERN_NO_WORDING   replies are judged by their codes alone (follows from TERN_NO_SOCKETS)
 *   TERN_NO_TEXT      no names, sentences and hints
 *   TERN_SHORT_TEXT   a word for each status, a hint for each class, no names
 *   TERN_NO_SCRAM_SHA_256, TERN_NO_SCRAM_SHA_1, TERN_NO_CRAM_MD5, TERN_NO_OAUTHBEARER,
 *   TERN_NO_XOAUTH2, TERN_NO_EXTERNAL, TERN_NO_PLAIN, TERN_NO_LOGIN   mechanisms */
#ifndef TERN_LIB_BASE_CONFIG_H
#define TERN_LIB_BASE_CONFIG_H

#if defined(TERN_NO_TEXT) && defined(TERN_SHORT_TEXT)
#error "TERN_NO_TEXT or TERN_SHORT_TEXT"
#endif

/* What providers say matters to whoever talks to providers: not to a device with a relay. */
#if defined(TERN_NO_SOCKETS) && !defined(TERN_NO_WORDING)
#define TERN_NO_WORDING
#endif

/* Some loops take several octets at a time where speed matters more than their own octets. */
#ifdef TERN_NO_SOCKETS
#define TERN__WIDE 0
#else
#define TERN__WIDE 1
#endif

/* The digests that somebody asks for; SHA-256 is there wherever hash.c is. */
#ifdef TERN_NO_CRAM_MD5
#define TERN__WITH_MD5 0
#else
#define TERN__WITH_MD5 1
#endif

#ifdef TERN_NO_SCRAM_SHA_1
#define TERN__WITH_SHA1 0
#else
#define TERN__WITH_SHA1 1
#endif

#endif
