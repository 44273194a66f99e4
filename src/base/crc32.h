/* SPDX-License-Identifier: MIT */
/*
 * Two checksums: CRC-32C (Castagnoli, RFC 3720 B.4) for journal records, by
 * the processor's instruction where there is one, and CRC-32 (IEEE 802.3)
 * for the checksum inside API keys.
 */
#ifndef TG_BASE_CRC32_H
#define TG_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *p, size_t n);
uint32_t crc32_ieee(const void *p, size_t n);

#endif
