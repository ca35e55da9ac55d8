/* tlsa.c - which TLSA records count. Neighbours: dane.c holds them against certificates. */
#include "transport/tlsa.h"

/* One DER element of constructed type that fills the octets to the end. */
static int is_sequence(const uint8_t *octets, size_t len)
{
  size_t i, n, value = 0;

  if (octets == NULL || len < 2 || octets[0] != 0x30) return 0;
  if (octets[1] < 0x80) return octets[1] == len - 2;
  n = octets[1] & 0x7fu;
  if (n == 0 || n > 3 || len < 2 + n) return 0;
  for (i = 0; i < n; i++) value = value << 8 | octets[2 + i];
  return value == len - 2 - n;
}

int tern__tlsa_usable(const tern_tlsa *record)
{
  if (record->usage != TERN__TLSA_TA && record->usage != TERN__TLSA_EE) return 0;
  if (record->selector > 1) return 0;
  switch (record->matching) {
  case TERN__TLSA_WHOLE: return is_sequence(record->octets, record->len);
  case TERN__TLSA_SHA256: return record->octets != NULL && record->len == 32;
  case TERN__TLSA_SHA512: return record->octets != NULL && record->len == 64;
  default: return 0;
  }
}

int tern__tlsa_any_usable(const tern_tlsa *records, size_t count)
{
  size_t i;

  for (i = 0; i < count; i++)
    if (tern__tlsa_usable(&records[i])) return 1;
  return 0;
}

/* An attack on the weaker digest must gain nothing. */
int tern__tlsa_outdone(const tern_tlsa *records, size_t count, const tern_tlsa *record)
{
  size_t i;

  if (record->matching != TERN__TLSA_SHA256) return 0;
  for (i = 0; i < count; i++)
    if (records[i].matching == TERN__TLSA_SHA512 && records[i].usage == record->usage &&
        records[i].selector == record->selector && tern__tlsa_usable(&records[i]))
      return 1;
  return 0;
}
