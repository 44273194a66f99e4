/* SPDX-License-Identifier: MIT */
/* Writing down when keys were last used. */
#include "domain/key.h"

#include <stdlib.h>

#include "store/operator_key.h"

#define USES_AT_ONCE 500

static int
by_key(const void *a, const void *b)
{
	const struct key_use *x = a, *y = b;

	if (x->api_key_id != y->api_key_id)
		return x->api_key_id < y->api_key_id ? -1 : 1;
	return x->last_used_at_ms < y->last_used_at_ms ? -1 : 1;
}

/* In order of the keys, the last use of each. */
static size_t
sort_uses(struct key_use *uses, size_t n)
{
	size_t kept = 0;

	qsort(uses, n, sizeof(*uses), by_key);
	for (size_t i = 0; i < n; i++) {
		if (kept && uses[kept - 1].api_key_id == uses[i].api_key_id)
			kept--;
		uses[kept++] = uses[i];
	}
	return kept;
}

static enum err
touch(struct db *db, enum key_kind kind, struct key_use *uses, size_t n,
    struct error *e)
{
	enum err err = OK;

	if (kind == KEY_CUSTOMER)
		return store_key_touch(db, uses, sort_uses(uses, n), e);
	for (size_t i = 0; i < n && !err; i++)
		err = store_operator_key_touch(db, uses[i].api_key_id, e);
	return err;
}

enum err
key_uses_write(struct key_cache *c, struct db *db, struct error *e)
{
	static const enum key_kind kinds[] = { KEY_CUSTOMER, KEY_OPERATOR };
	struct key_use uses[USES_AT_ONCE];
	enum err err = OK;

	for (size_t i = 0; i < ARRAY_LEN(kinds) && !err; i++) {
		size_t n = USES_AT_ONCE;

		while (n == USES_AT_ONCE && !err) {
			n = key_cache_take_uses(c, kinds[i], uses,
			    USES_AT_ONCE);
			if (n)
				err = touch(db, kinds[i], uses, n, e);
			key_cache_settle_uses(c, !err);
		}
	}
	return err;
}
