/* SPDX-License-Identifier: MIT */
#include "base/crc32.h"

#include <pthread.h>
#include <string.h>

#define POLY_CASTAGNOLI UINT32_C(0x82f63b78) /* reflected */
#define POLY_IEEE       UINT32_C(0xedb88320) /* reflected */

static uint32_t table_castagnoli[256];
static uint32_t table_ieee[256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void
fill_table(uint32_t table[256], uint32_t poly)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ poly : c >> 1;
		table[i] = c;
	}
}

static void
fill_tables(void)
{
	fill_table(table_castagnoli, POLY_CASTAGNOLI);
	fill_table(table_ieee, POLY_IEEE);
}

static uint32_t
by_table(const uint32_t table[256], const void *p, size_t n)
{
	const unsigned char *u = p;
	uint32_t c = UINT32_MAX;

	while (n--)
		c = c >> 8 ^ table[(c ^ *u++) & 0xff];
	return ~c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(const void *p, size_t n)
{
	const unsigned char *u = p;
	uint64_t c = UINT32_MAX;

	for (; n >= 8; n -= 8, u += 8) {
		uint64_t eight;

		memcpy(&eight, u, 8);
		c = __builtin_ia32_crc32di(c, eight);
	}
	while (n--)
		c = __builtin_ia32_crc32qi((uint32_t)c, *u++);
	return ~(uint32_t)c;
}
#endif

uint32_t
crc32c(const void *p, size_t n)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return by_instruction(p, n);
#endif
	(void)pthread_once(&tables_once, fill_tables); /* cannot fail */
	return by_table(table_castagnoli, p, n);
}

uint32_t
crc32_ieee(const void *p, size_t n)
{
	(void)pthread_once(&tables_once, fill_tables); /* cannot fail */
	return by_table(table_ieee, p, n);
}
