/* crc32c.h - CRC-32C (Castagnoli) over octets that come in pieces: what a body is known by. */
#ifndef BENCH_CRC32C_H
#define BENCH_CRC32C_H

#include <stddef.h>
#include <stdint.h>

#define CRC32C_START UINT32_MAX /* and the sum is the complement of the last value */

/* Once, before the first crc32c. */
void crc32c_init(void);
uint32_t crc32c(uint32_t crc, const void *octets, size_t len);

#endif
