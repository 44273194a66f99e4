/* SPDX-License-Identifier: MIT */
#include "daemon/background.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/log.h"
#include "domain/app.h"
#include "domain/budget_book.h"
#include "domain/catalogue.h"
#include "domain/flush.h"
#include "domain/generation.h"
#include "domain/host.h"
#include "domain/hostmap.h"
#include "domain/idempotency.h"
#include "domain/key.h"
#include "domain/key_notice.h"
#include "domain/notice_deliver.h"
#include "domain/retention.h"
#include "journal/writer.h"
#include "store/db.h"
#include "store/db_pool.h"
#include "store/worker.h"

/* How soon a changed model or price is in force, beside the poller's own
 * interval. */
#define CATALOGUE_INTERVAL_MS 100
/* Duties that nobody waits for. */
#define DUTIES_INTERVAL_MS    WORKER_TELL_MS
#define NOTICES_INTERVAL_MS   1000
#define DUTIES_RETRY_MS       10000 /* after a failure */
#define DB_WAIT_MS            2000

struct background {
	struct background_params p;
	int64_t started_ms; /* wall clock */
	atomic_bool is_stopping;
	struct flusher *flusher;
	struct generation_poller *poller;
	struct notice_sender *sender;
	pthread_t sync, flush, catalogue, duties, notices;
	bool has_sync, has_flush, has_catalogue, has_duties, has_notices;
};

static void *
sync_main(void *arg)
{
	struct background *b = arg;

	journal_sync_run(b->p.shared->journal);
	return NULL;
}

static void *
flush_main(void *arg)
{
	struct background *b = arg;

	flusher_run(b->flusher);
	db_thread_fini();
	return NULL;
}

/* One line when it begins to fail and one when it works again. */
static void
note_catalogue(enum err code, bool *has_failed, const struct error *e)
{
	if (code != OK && !*has_failed)
		log_error("catalogue_not_loaded", e);
	if (code == OK && *has_failed)
		log_event(LOG_LEVEL_INFO, "catalogue_loaded", "again");
	*has_failed = code != OK;
}

static void *
catalogue_main(void *arg)
{
	const struct timespec pause = { 0, CATALOGUE_INTERVAL_MS * 1000000L };
	struct background *b = arg;
	struct shared *shared = b->p.shared;
	bool has_failed = false;
	struct error e;

	while (!atomic_load(&b->is_stopping)) {
		enum err code = catalogue_refresh(shared->catalogue, shared->db,
		    b->p.seal, shared->hostmap, &e);

		note_catalogue(code, &has_failed, &e);
		(void)nanosleep(&pause, NULL); /* shorter is fine */
	}
	db_thread_fini();
	return NULL;
}

static void
tell_expiring(uint64_t api_key_id, uint64_t customer_id, int64_t expires_at_ms)
{
	char when[CLOCK_TEXT_BYTES];

	clock_format(expires_at_ms, when);
	log_event(LOG_LEVEL_WARN, "key_expires_soon",
	    "key %llu of customer %llu: %s", (unsigned long long)api_key_id,
	    (unsigned long long)customer_id, when);
}

/* What is metered is told by the flusher, too; the later time stays. */
static enum err
write_uses(struct background *b, struct db *db, struct error *e)
{
	return key_uses_write(b->p.shared->keys, db, e);
}

static enum err
tell_host(struct background *b, struct db *db, struct error *e)
{
	return host_tell(db, b->p.shared->pepper, b->p.shared->seal,
	    conf_journal_dir(b->p.conf), e);
}

static enum err
tell_worker(struct background *b, struct db *db, struct error *e)
{
	return worker_tell(db, journal_id(b->p.shared->journal)->b,
	    b->started_ms, e);
}

static enum err
tell_keys(struct background *b, struct db *db, struct error *e)
{
	uint64_t notice_s = conf_u64(b->p.conf, CONF_KEYS_NOTICE_S);
	size_t n;

	return notice_s
		   ? key_notice_expiring(db, notice_s, tell_expiring, &n, e)
		   : OK;
}

static enum err
purge(struct background *b, struct db *db, struct error *e)
{
	(void)b;
	return idempotency_purge(db, e);
}

static enum err
forget_notices(struct background *b, struct db *db, struct error *e)
{
	uint64_t n;

	return retention_notices(db, conf_u64(b->p.conf, CONF_NOTICES_KEEP_S),
	    &n, e);
}

static enum err
forget_budgets(struct background *b, struct db *db, struct error *e)
{
	uint64_t n;

	return retention_budgets(db, conf_u64(b->p.conf, CONF_BUDGETS_KEEP_S),
	    &n, e);
}

/* None waits for another: one that always fails must not stop the rest. */
static bool
run_duties(struct background *b)
{
	static const struct {
		const char *name;
		enum err (
		    *run)(struct background *b, struct db *db, struct error *e);
	} duties[] = {
		{ "host", tell_host },
		{ "worker", tell_worker },
		{ "expiring_keys", tell_keys },
		{ "last_uses", write_uses },
		{ "idempotency", purge },
		{ "old_notices", forget_notices },
		{ "old_budgets", forget_budgets },
	};
	bool is_done = true;
	struct error e;
	struct db *db;

	if (db_pool_take(b->p.shared->db, DB_WAIT_MS, &db, &e))
		return false; /* the flusher says so already */
	for (size_t i = 0; i < ARRAY_LEN(duties); i++) {
		if (duties[i].run(b, db, &e) == OK)
			continue;
		is_done = false;
		error_prefix(&e, "%s", duties[i].name);
		log_error("duty_failed", &e);
	}
	db_pool_give(b->p.shared->db, db);
	return is_done;
}

/* Without a database it is found to be silent, and forgotten. */
static void
leave(const struct background *b)
{
	struct error e;
	struct db *db;

	if (db_pool_take(b->p.shared->db, DB_WAIT_MS, &db, &e))
		return;
	if (store_worker_leave(db, journal_id(b->p.shared->journal)->b, &e))
		log_error("duty_failed", &e);
	db_pool_give(b->p.shared->db, db);
}

static void *
duties_main(void *arg)
{
	const struct timespec pause = { 0, CATALOGUE_INTERVAL_MS * 1000000L };
	struct background *b = arg;
	int64_t next_ms = 0;

	while (!atomic_load(&b->is_stopping)) {
		int64_t now_ms = clock_mono_ms();

		if (now_ms >= next_ms)
			next_ms = now_ms + (run_duties(b) ? DUTIES_INTERVAL_MS
							  : DUTIES_RETRY_MS);
		budget_book_tidy(b->p.shared->budgets, now_ms);
		(void)nanosleep(&pause, NULL); /* shorter is fine */
	}
	leave(b);
	db_thread_fini();
	return NULL;
}

/* By itself, since a receiver may take its time. */
static void *
notices_main(void *arg)
{
	const struct timespec pause = { 0, CATALOGUE_INTERVAL_MS * 1000000L };
	struct background *b = arg;
	struct notice_tally tally;
	bool has_failed = false;
	int64_t next_ms = 0;
	struct error e;

	while (!atomic_load(&b->is_stopping)) {
		int64_t now_ms = clock_mono_ms();

		if (now_ms >= next_ms) {
			enum err code = notice_deliver_due(b->sender, &tally,
			    &e);

			if (code && code != ERR_SHUTTING_DOWN && !has_failed)
				log_error("notices_not_delivered", &e);
			has_failed = code != OK;
			next_ms = clock_mono_ms() +
				  (code ? DUTIES_RETRY_MS
					: NOTICES_INTERVAL_MS);
		}
		(void)nanosleep(&pause, NULL); /* shorter is fine */
	}
	db_thread_fini();
	return NULL;
}

static void
flusher_beat(void *arg, int64_t now_ms)
{
	hostmap_duty_beat(arg, HOSTMAP_FLUSHER, now_ms);
}

static enum err
make_flusher(struct background *b, struct error *e)
{
	const struct conf *c = b->p.conf;
	struct flush_options opt = {
		.journal_dir = conf_journal_dir(c),
		.db = b->p.db,
		.interval_ms = (uint32_t)conf_u64(c, CONF_FLUSH_INTERVAL_MS),
		.batch_rows = (uint32_t)conf_u64(c, CONF_FLUSH_BATCH),
		.keep_s = conf_u64(c, CONF_JOURNAL_KEEP_S),
		.max_bytes = conf_u64(c, CONF_JOURNAL_MAX_BYTES),
		.beat = flusher_beat,
		.beat_arg = b->p.shared->hostmap,
	};

	return flusher_new(&opt, &b->flusher, e);
}

static enum err
make_sender(struct background *b, struct error *e)
{
	struct notice_sender_params params = {
		.conf = b->p.conf,
		.db = b->p.shared->db,
		.seal = b->p.seal,
	};

	return notice_sender_new(&params, &b->sender, e);
}

static enum err
start_thread(struct background *b, void *(*fn)(void *), pthread_t *ret,
    bool *ret_has, struct error *e)
{
	int rc = pthread_create(ret, NULL, fn, b);

	*ret_has = rc == 0;
	if (rc != 0)
		return error_set(e, ERR_NO_MEMORY, "pthread_create: error %d",
		    rc);
	return OK;
}

static enum err
start_all(struct background *b, struct error *e)
{
	struct generation_params poll = {
		.db = b->p.db,
		.map = b->p.shared->hostmap,
		.limiter = b->p.shared->limiter,
	};
	enum err code = make_flusher(b, e);

	if (code == OK)
		code = make_sender(b, e);
	if (code == OK)
		code = start_thread(b, sync_main, &b->sync, &b->has_sync, e);
	if (code == OK)
		code = start_thread(b, flush_main, &b->flush, &b->has_flush, e);
	if (code == OK)
		code = start_thread(b, catalogue_main, &b->catalogue,
		    &b->has_catalogue, e);
	if (code == OK)
		code = start_thread(b, duties_main, &b->duties, &b->has_duties,
		    e);
	if (code == OK)
		code = start_thread(b, notices_main, &b->notices,
		    &b->has_notices, e);
	return code ? code : generation_poller_start(&poll, &b->poller, e);
}

enum err
background_start(const struct background_params *params,
    struct background **ret, struct error *e)
{
	struct background *b = calloc(1, sizeof(*b));
	enum err code;

	if (!b)
		return error_set(e, ERR_NO_MEMORY, "background threads");
	b->p = *params;
	b->started_ms = clock_now_ms();
	code = start_all(b, e);
	if (code) {
		background_stop(b);
		return code;
	}
	*ret = b;
	return OK;
}

void
background_stop(struct background *b)
{
	if (!b)
		return;
	atomic_store(&b->is_stopping, true);
	if (b->sender)
		notice_sender_stop(b->sender);
	generation_poller_stop(b->poller);
	if (b->has_flush) {
		flusher_stop(b->flusher);
		(void)pthread_join(b->flush, NULL); /* it is told to end */
	}
	if (b->has_catalogue)
		(void)pthread_join(b->catalogue, NULL); /* likewise */
	if (b->has_duties)
		(void)pthread_join(b->duties, NULL); /* likewise */
	if (b->has_notices)
		(void)pthread_join(b->notices, NULL); /* likewise */
	notice_sender_free(b->sender);
	if (b->has_sync) {
		journal_sync_stop(b->p.shared->journal);
		(void)pthread_join(b->sync, NULL); /* likewise */
	}
	if (b->flusher)
		flusher_free(b->flusher);
	free(b);
}
