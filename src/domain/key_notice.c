/* SPDX-License-Identifier: MIT */
#include "domain/key_notice.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/key.h"

#define AT_ONCE 200 /* the rest in the next round */

struct notice {
	const struct key *k;
	struct arena *a;
	bool is_first;
};

static enum err
notice_txn(struct db *db, void *arg, struct error *e)
{
	struct notice *n = arg;
	char text[CLOCK_TEXT_BYTES];
	struct audit row = {
		.actor = AUDIT_SYSTEM,
		.customer_id = n->k->customer_id,
		.action = S("key.expiring"),
		.object = S("api_key"),
		.object_id = n->k->api_key_id,
		.is_success = true,
	};
	enum err err = store_key_noticed(db, n->k->api_key_id, &n->is_first, e);

	if (err || !n->is_first)
		return err;
	clock_format(n->k->expires_at_ms, text);
	row.detail = arena_printf(n->a, "{\"expires_at\":\"%s\"}", text);
	return store_audit_insert(db, &row, e);
}

static enum err
run(struct db *db, uint64_t within_s, struct arena *a, key_notice_fn *tell,
    size_t *ret_n, struct error *e)
{
	struct key *keys = NULL;
	size_t n = 0;
	enum err err = store_key_expiring(db, within_s, AT_ONCE, a, &keys, &n,
	    e);

	*ret_n = 0;
	for (size_t i = 0; i < n && !err; i++) {
		struct notice one = { &keys[i], a, false };

		err = db_txn(db, notice_txn, &one, e);
		if (err || !one.is_first)
			continue;
		++*ret_n;
		if (tell)
			tell(keys[i].api_key_id, keys[i].customer_id,
			    keys[i].expires_at_ms);
	}
	return err;
}

enum err
key_notice_expiring(struct db *db, uint64_t within_s, key_notice_fn *tell,
    size_t *ret_n, struct error *e)
{
	struct arena a;
	enum err err;

	arena_init(&a, MIB(1));
	err = run(db, within_s, &a, tell, ret_n, e);
	arena_fini(&a);
	return err;
}
