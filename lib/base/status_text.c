/* status_text.c - names, sentences and words for people and logs; nothing in the library decides
 * by them. Three sizes: all; a word for each status and a hint for each class (TERN_SHORT_TEXT);
 * nothing but "" and "TERN_E_UNKNOWN" (TERN_NO_TEXT). Strings lie one behind the other and are
 * counted off: an address each would cost a third more, and relocations in a shared library.
 * Neighbours: status.def has the statuses' texts; error.c and format.c show them. */
#include "base/config.h"
#include "base/status.h"

const char *tern_version(void)
{
  return TERN_VERSION;
}

#ifndef TERN_NO_TEXT

/* String number index of the strings, each ended by NUL. */
static const char *nth(const char *strings, uint32_t index)
{
  for (; index > 0; index--)
    while (*strings++ != '\0')
      continue;
  return strings;
}

#endif

#if !defined(TERN_NO_TEXT) && !defined(TERN_SHORT_TEXT)

/* Structs of arrays, as no string literal may be that long. */
#define TERN_STATUS(name, class, sysexit, who, word, text, hint) char name[sizeof "TERN_E_" #name];
static const struct {
#include "base/status.def"
#undef TERN_STATUS
#define TERN_STATUS(name, class, sysexit, who, word, text, hint) "TERN_E_" #name,
} names = {
#include "base/status.def"
};
#undef TERN_STATUS

#define TERN_STATUS(name, class, sysexit, who, word, text, hint) \
  char name[sizeof text];                                        \
  char name##_HINT[sizeof hint];
static const struct {
#include "base/status.def"
#undef TERN_STATUS
#define TERN_STATUS(name, class, sysexit, who, word, text, hint) text, hint,
} texts = {
#include "base/status.def"
};
#undef TERN_STATUS

const char *tern_status_name(tern_status status)
{
  uint32_t row = tern__status_row(status);

  if (row != TERN__STATUS_NO_ROW)
    return nth((const char *)&names, row);
  if (status == TERN_PARTIAL)
    return "TERN_PARTIAL";
  return status == TERN_OK ? "TERN_OK" : "TERN_E_UNKNOWN";
}

const char *tern_status_text(tern_status status)
{
  uint32_t row = tern__status_row(status);

  if (row != TERN__STATUS_NO_ROW)
    return nth((const char *)&texts, 2 * row);
  if (status == TERN_PARTIAL)
    return "accepted for some of the recipients only";
  return status == TERN_OK ? "success" : "a status that this version does not know";
}

const char *tern_status_hint(tern_status status)
{
  uint32_t row = tern__status_row(status);

  if (row != TERN__STATUS_NO_ROW)
    return nth((const char *)&texts, 2 * row + 1);
  return status == TERN_PARTIAL ? "Look at each recipient's result, and send to the others only."
                                : "";
}

/* Word number index of words that end with an empty one. */
static const char *word(const char *words, uint32_t index)
{
  for (; *words != '\0' && index > 0; index--)
    words = nth(words, 1);
  return words;
}

/* index 1 is the first word: 0, the "none" of each list, and what lies beyond it have no word */
static const char *word_from_1(const char *words, uint32_t index)
{
  return index == 0 ? "" : word(words, index - 1);
}

const char *tern_phase_name(uint32_t phase)
{
  return word_from_1("resolve\0connect\0tls\0greeting\0ehlo\0starttls\0auth\0mail\0rcpt\0data\0"
                     "end-of-data\0rset\0quit\0other\0",
                     phase);
}

const char *tern_field_name(uint32_t field)
{
  if (field >= TERN_FIELD_FROM && field < TERN_FIELDS_MESSAGE)
    return word("From\0Sender\0Reply-To\0To\0Cc\0Bcc\0Subject\0Date\0Message-ID\0In-Reply-To\0"
                "References\0Auto-Submitted\0List-Unsubscribe\0Importance\0header name\0"
                "header value\0group\0text\0HTML\0calendar\0part\0content type\0file name\0file\0"
                "Content-ID\0description\0encoding\0",
                field - TERN_FIELD_FROM);
  if (field >= TERN_FIELD_HEADER && field <= TERN_FIELD_DKIM_SIGNATURE)
    return word("header\0DKIM domain\0DKIM selector\0DKIM identity\0DKIM fields\0DKIM signature\0",
                field - TERN_FIELD_HEADER);
  if (field >= TERN_FIELD_PIN && field <= TERN_FIELD_CIPHER)
    return word("pin\0TLS version\0cipher suite\0", field - TERN_FIELD_PIN);
  return word_from_1("reverse-path\0forward-path\0EHLO name\0user\0password\0token\0authzid\0"
                     "mechanism\0ENVID\0ORCPT\0MAIL parameter\0RCPT parameter\0content\0size\0"
                     "URL scheme\0URL user\0URL host\0URL port\0URL path\0URL query\0CA\0"
                     "certificate\0key\0extension\0VRFY\0local end\0deliver-by\0hold\0priority\0AUTH=\0",
                     field);
}

const char *tern_who_name(uint32_t who)
{
  return word_from_1("sender\0recipient\0server\0operator\0", who);
}

const char *tern_resend_name(uint32_t resend)
{
  return word("safe\0unsafe\0unknown\0", resend);
}

const char *tern_outcome_name(uint32_t outcome)
{
  return word("unsent\0accepted\0rejected\0deferred\0unknown\0", outcome);
}

#else

#if TERN__WITH_LOG
const char *tern_status_name(tern_status status)
{
  return status == TERN_OK ? "TERN_OK" : "TERN_E_UNKNOWN";
}
#endif

#ifdef TERN_SHORT_TEXT

#if defined(TERN_NO_SOCKETS) && defined(TERN_NO_CLIENT)
#define HOST_WORD(word) ""
#else
#define HOST_WORD(word) word
#endif
#define TERN_STATUS(name, class, sysexit, who, word, text, hint) word "\0"
static const char words[] =
#include "base/status.def"
  ;
#undef TERN_STATUS

const char *tern_status_text(tern_status status)
{
  uint32_t row = tern__status_row(status);

  if (row != TERN__STATUS_NO_ROW)
    return nth(words, row);
  return status == TERN_OK ? "ok" : status == TERN_PARTIAL ? "partial" : "unknown";
}

/* By class. */
const char *tern_status_hint(tern_status status)
{
  return nth("\0fix the call\0fix the mail\0check the network\0check TLS set-up\0"
             "is it a mail server?\0try later\0read the reply",
             tern_status_class(status));
}

#else

const char *tern_status_text(tern_status status)
{
  (void)status;
  return "";
}

const char *tern_status_hint(tern_status status)
{
  return tern_status_text(status);
}

#endif

#if TERN__WITH_LOG
const char *tern_phase_name(uint32_t phase)
{
  (void)phase;
  return "";
}

const char *tern_field_name(uint32_t field)
{
  return tern_phase_name(field);
}

const char *tern_who_name(uint32_t who)
{
  return tern_phase_name(who);
}

const char *tern_resend_name(uint32_t resend)
{
  return tern_phase_name(resend);
}

const char *tern_outcome_name(uint32_t outcome)
{
  return tern_phase_name(outcome);
}

#endif
#endif
