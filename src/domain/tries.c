/* SPDX-License-Identifier: MIT */
#include "domain/tries.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "domain/hostmap.h"
#include "ext/crypto.h"

#define REFUSED UINT64_C(0x7265667573656421) /* any number will do */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

uint64_t
tries_id(const char *purpose, struct str text)
{
	char joined[320];
	uint8_t digest[16];
	struct buf b;
	uint64_t id;

	buf_init_fixed(&b, joined, sizeof(joined));
	buf_add(&b, str_from(purpose));
	for (size_t i = 0; i < text.n && b.n < sizeof(joined); i++)
		buf_add_char(&b, lower(text.p[i]));
	crypto_checksum(joined, b.n, digest, sizeof(digest));
	memcpy(&id, digest, sizeof(id));
	return id;
}

static int64_t
window_ms(enum limit_window window)
{
	return window == LIMIT_MINUTE ? 60000 : HOUR_MS;
}

static void
give_back(const struct tries *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hostmap_local_sub(t->map, t->limits[i].window, t->limits[i].id,
		    t->limits[i].index, 1);
}

void
tries_give_back(const struct tries *t)
{
	give_back(t, t->n);
}

/* A limit of one beside each limit: who is counted there was refused first. A
 * table without room says no, and nothing is told. */
static bool
is_first_refusal(const struct tries *t, const struct tries_limit *l)
{
	uint32_t count;

	return hostmap_local_add(t->map, l->window, l->id ^ REFUSED, l->index,
		   1, 1, &count) == HOSTMAP_COUNTED;
}

enum err
tries_count(struct tries *t, int64_t now_ms, struct tries_wait *ret_wait,
    struct error *e)
{
	for (size_t i = 0; i < t->n; i++) {
		struct tries_limit *l = &t->limits[i];
		int64_t all_ms = window_ms(l->window);
		uint32_t count;

		l->index = (uint64_t)(now_ms / all_ms);
		if (hostmap_local_add(t->map, l->window, l->id, l->index, 1,
			l->max, &count) == HOSTMAP_COUNTED)
			continue;
		give_back(t, i);
		*ret_wait = (struct tries_wait){
			.s = (uint64_t)(all_ms - now_ms % all_ms + 999) / 1000,
			.by = i,
			.is_first = is_first_refusal(t, l),
		};
		return error_public(e, ERR_RATE_LIMITED, NULL,
		    "Too many attempts. Try again in %llu seconds.",
		    (unsigned long long)ret_wait->s);
	}
	return OK;
}
