/* SPDX-License-Identifier: MIT */
/*
 * Lists of limits as settings and commands have them, and keys of counters
 * (S21): whatever bytes are counted, a key is "tg:", a literal, hexadecimal
 * digits and a number, and fits what memcached takes.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "base/limit_set.h"
#include "ext/mcache.h"

#define DIGEST_MAX    20
#define MEMCACHED_MAX 250

static const char *
skip_digits(const char *p, bool is_hex)
{
	while ((*p >= '0' && *p <= '9') || (is_hex && *p >= 'a' && *p <= 'f'))
		p++;
	return p;
}

static void
check_key(const char *space, const uint8_t *p, size_t n, uint64_t number)
{
	struct mcache_key k;
	const char *at;

	memset(&k, '!', sizeof(k));
	mcache_key_make(&k, space, p, n, number);
	ASSERT(k.n < sizeof(k.text) && k.n < MEMCACHED_MAX);
	ASSERT(strlen(k.text) == k.n);
	ASSERT(strncmp(k.text, "tg:l:", 5) == 0);
	at = k.text + 3;
	ASSERT(strncmp(at, space, strlen(space)) == 0);
	at += strlen(space);
	ASSERT(*at++ == ':');
	ASSERT(skip_digits(at, true) == at + 2 * n);
	at += 2 * n;
	ASSERT(*at++ == ':');
	ASSERT(*at && *skip_digits(at, false) == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct limit_set set = { 0 };
	struct error e;
	uint64_t number = 0;

	if (!limit_set_parse(str_make((const char *)p, n), &set, &e))
		for (unsigned m = 0; m < LIMIT__METRICS; m++)
			ASSERT(limit_set_get(&set, m) >= LIMIT_UNSTATED &&
			       limit_set_get(&set, m) <= LIMIT_AMOUNT_MAX);
	memcpy(&number, p, n < sizeof(number) ? n : sizeof(number));
	for (unsigned m = 0; m < LIMIT__COUNTED; m++)
		check_key(limit_metrics[m].space, p,
		    n < DIGEST_MAX ? n : DIGEST_MAX, number);
	return 0;
}
