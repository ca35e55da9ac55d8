/* status_text.c - names, sentences and words for people and logs; nothing in the library decides
 * by them. TERN_NO_TEXT leaves them out ("" and "TERN_E_UNKNOWN" remain); with TERN_NAMES
 * beside it the names of the statuses stay.
 * Neighbours: status.def has the statuses' texts; error.c and format.c show them. */
#include "base/status.h"

#if !defined(TERN_NO_TEXT) || defined(TERN_NAMES)
#define TERN_STATUS(name, class, sysexit, who, text, hint) "TERN_E_" #name,
static const char *const names[] = {
#include "base/status.def"
};
#undef TERN_STATUS
#endif

#ifndef TERN_NO_TEXT
#define TERN_STATUS(name, class, sysexit, who, text, hint) {text, hint},
static const struct {
  const char *text;
  const char *hint;
} texts[] = {
#include "base/status.def"
};
#undef TERN_STATUS
#endif

const char *tern_version(void)
{
  return TERN_VERSION;
}

const char *tern_status_name(tern_status status)
{
#if !defined(TERN_NO_TEXT) || defined(TERN_NAMES)
  uint32_t row = tern__status_row(status);

  if (row != TERN__STATUS_NO_ROW)
    return names[row];
  if (status == TERN_PARTIAL)
    return "TERN_PARTIAL";
#endif
  return status == TERN_OK ? "TERN_OK" : "TERN_E_UNKNOWN";
}

#ifndef TERN_NO_TEXT

const char *tern_status_text(tern_status status)
{
  uint32_t row = tern__status_row(status);

  if (row != TERN__STATUS_NO_ROW)
    return texts[row].text;
  if (status == TERN_PARTIAL)
    return "accepted for some of the recipients only";
  return status == TERN_OK ? "success" : "a status that this version does not know";
}

const char *tern_status_hint(tern_status status)
{
  uint32_t row = tern__status_row(status);

  if (row != TERN__STATUS_NO_ROW)
    return texts[row].hint;
  return status == TERN_PARTIAL ? "Look at each recipient's result, and send to the others only."
                                : "";
}

/* Word number index of the words, each ended by NUL, the last by two. */
static const char *word(const char *words, uint32_t index)
{
  for (; *words != '\0' && index > 0; index--)
    while (*words++ != '\0')
      continue;
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
  if (field >= TERN_FIELD_HEADER && field <= TERN_FIELD_DKIM_SIGNATURE)
    return word("header\0DKIM domain\0DKIM selector\0DKIM identity\0DKIM fields\0DKIM signature\0",
                field - TERN_FIELD_HEADER);
  return word_from_1("reverse-path\0forward-path\0EHLO name\0user\0password\0token\0authzid\0"
                     "mechanism\0ENVID\0ORCPT\0MAIL parameter\0RCPT parameter\0content\0size\0"
                     "URL scheme\0URL user\0URL host\0URL port\0URL path\0URL query\0CA\0"
                     "certificate\0key\0extension\0VRFY\0",
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

const char *tern_status_text(tern_status status)
{
  (void)status;
  return "";
}

const char *tern_status_hint(tern_status status)
{
  return tern_status_text(status);
}

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
