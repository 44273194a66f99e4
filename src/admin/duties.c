/* SPDX-License-Identifier: MIT */
/* tollgate duties: what workers do in the background, once, for hosts on
 * which no worker may be alive for a while. */
#include "admin/admin.h"
#include "domain/flush.h"
#include "domain/host.h"
#include "domain/idempotency.h"
#include "domain/key_notice.h"
#include "domain/retention.h"
#include "ext/crypto.h"
#include "store/db.h"

const struct admin_option admin_run_duties_options[] = {
	{ "once", NULL, "Do each of them now, and end.", true },
	ADMIN_OPTIONS_END,
};

static void
done(struct admin *ad, const char *duty, const char *counted, uint64_t n)
{
	admin_rec(ad);
	admin_str(ad, "duty", str_from(duty));
	admin_str(ad, "state", S("done"));
	admin_str(ad, "counted",
	    counted ? str_from(counted) : (struct str){ NULL, 0 });
	admin_count(ad, "n", counted ? (int64_t)n : -1);
}

/* A worker of this host that holds the lock does it anyway. */
static void
left_to_worker(struct admin *ad, const char *duty)
{
	admin_rec(ad);
	admin_str(ad, "duty", str_from(duty));
	admin_str(ad, "state", S("left to a worker"));
	admin_str(ad, "counted", (struct str){ NULL, 0 });
	admin_count(ad, "n", -1);
}

static enum err
flush(struct admin *ad, struct error *e)
{
	const struct conf *c = admin_conf(ad);
	struct db_options db;
	struct flush_options opt = {
		.journal_dir = conf_journal_dir(c),
		.db = &db,
		.batch_rows = (uint32_t)conf_u64(c, CONF_FLUSH_BATCH),
		.keep_s = conf_u64(c, CONF_JOURNAL_KEEP_S),
		.max_bytes = conf_u64(c, CONF_JOURNAL_MAX_BYTES),
	};
	struct flusher *f;
	uint64_t n_rows = 0;
	enum err err;

	admin_db_options(ad, &db);
	err = flusher_new(&opt, &f, e);
	if (err)
		return err;
	err = flusher_lock(f, e);
	if (err == ERR_CONFLICT) {
		left_to_worker(ad, "flush");
		err = OK;
	} else if (!err) {
		err = flusher_pass(f, &n_rows, e);
		flusher_unlock(f);
		if (!err)
			done(ad, "flush", "usage rows", n_rows);
	}
	flusher_free(f);
	return err;
}

static enum err
notify(struct admin *ad, struct db *db, struct error *e)
{
	uint64_t within_s = conf_u64(admin_conf(ad), CONF_KEYS_NOTICE_S);
	size_t n = 0;
	enum err err = OK;

	if (within_s)
		err = key_notice_expiring(db, within_s, NULL, &n, e);
	if (!err)
		done(ad, "expiring keys", "notices", n);
	return err;
}

static enum err
forget(struct admin *ad, struct db *db, struct error *e)
{
	const struct conf *c = admin_conf(ad);
	uint64_t n = 0;
	enum err err = retention_notices(db, conf_u64(c, CONF_NOTICES_KEEP_S),
	    &n, e);

	if (err)
		return err;
	done(ad, "old notices", "notices", n);
	err = retention_budgets(db, conf_u64(c, CONF_BUDGETS_KEEP_S), &n, e);
	if (!err)
		done(ad, "old budgets", "periods", n);
	return err;
}

enum err
admin_run_duties(struct admin *ad, struct error *e)
{
	const struct crypto_keys *keys;
	struct db *db = NULL;
	enum err err = admin_keys(ad, &keys, e);

	admin_list(ad);
	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = flush(ad, e);
	if (!err)
		err = notify(ad, db, e);
	if (!err)
		err = idempotency_purge(db, e);
	if (!err)
		done(ad, "idempotency keys", NULL, 0);
	if (!err)
		err = forget(ad, db, e);
	if (!err)
		err = host_tell(db, keys->pepper, keys->seal,
		    conf_journal_dir(admin_conf(ad)), e);
	if (!err)
		done(ad, "host's secrets", NULL, 0);
	return err;
}
