/* SPDX-License-Identifier: MIT */
#include "domain/key_notice.h"

#include <stdio.h>

#include "base/json_out.h"
#include "domain/notice.h"
#include "store/key.h"

#define AT_ONCE 200 /* the rest in the next round */

struct work {
	const struct key *k;
	struct str payload;
	bool is_first;
};

static struct str
payload_of(const struct key *k, struct arena *a, struct error *e)
{
	struct buf b;
	struct json_out j;
	struct str text = { NULL, 0 };

	buf_init(&b, a, KIB(4));
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_member_u64(&j, "api_key_id", k->api_key_id);
	json_out_member_str(&j, "name", k->name);
	json_out_member_str(&j, "public_id", k->public_id);
	json_out_member_time(&j, "expires_at", k->expires_at_ms);
	json_out_object_end(&j);
	return buf_finish(&b, &text, e) ? (struct str){ NULL, 0 } : text;
}

/* An expiry that was moved is another cause. */
static enum err
notice_txn(struct db *db, void *arg, struct error *e)
{
	struct work *w = arg;
	char cause[48];
	struct notice n = {
		.customer_id = w->k->customer_id,
		.kind = NOTICE_KEY_EXPIRING,
		.payload = w->payload,
	};
	enum err err = store_key_noticed(db, w->k->api_key_id, &w->is_first, e);

	if (err || !w->is_first)
		return err;
	(void)snprintf(cause, sizeof(cause), "%llu:%lld",
	    (unsigned long long)w->k->api_key_id,
	    (long long)w->k->expires_at_ms); /* fits */
	n.cause = str_from(cause);
	return notice_add(db, &n, &w->is_first, e);
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
		struct work w = { &keys[i], payload_of(&keys[i], a, e), false };

		if (!w.payload.p)
			return e->code;
		err = db_txn(db, notice_txn, &w, e);
		if (err || !w.is_first)
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

	arena_init(&a, MIB(2));
	err = run(db, within_s, &a, tell, ret_n, e);
	arena_fini(&a);
	return err;
}
