/* SPDX-License-Identifier: MIT */
/* Many threads on one series, its sync thread and a reader beside them. */
#include "support/cmocka_tg.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "unit/journal/rig.h"

#define N_THREADS  8
#define N_REQUESTS 1500

struct worker {
	struct journal *j;
	uint64_t first;
	atomic_bool *is_done;
	uint64_t n_full; /* times that there was no room yet */
	bool ok;
};

static bool
one_request(struct worker *w, uint64_t n)
{
	struct journal_open o = rig_open(n);
	struct journal_progress p = { rig_id(n), 1, true, false, 0 };
	struct journal_settle s = rig_settle(n);
	struct error e;
	uint32_t slot = 0;
	enum err err;

	while (
	    (err = journal_write_open(w->j, &o, &slot, &e)) == ERR_JOURNAL_FULL)
		w->n_full++;
	if (err)
		return false;
	err = journal_write_progress(w->j, slot, &p, &e);
	if (err && err != ERR_JOURNAL_FULL)
		return false;
	return journal_write_settle(w->j, slot, &s, &e) == OK;
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	w->ok = true;
	for (uint64_t i = 0; i < N_REQUESTS && w->ok; i++)
		w->ok = one_request(w, w->first + i);
	return NULL;
}

static void *
sync_main(void *arg)
{
	journal_sync_run(arg);
	return NULL;
}

struct tail {
	const struct rig *f;
	struct journal_series id;
	atomic_bool is_stopping;
	unsigned n_settle;
	struct journal_damage damage;
};

/* Follow the series while it grows. */
static void *
follow(void *arg)
{
	struct tail *t = arg;
	struct journal_reader *r = NULL;
	struct journal_rec rec;
	struct error e;

	if (journal_reader_new(t->f->dir, &t->id, 0, &r, &e))
		return NULL;
	for (;;) {
		bool was_stopping = atomic_load(&t->is_stopping);
		enum err err = journal_reader_next(r, false, &rec, &e);

		if (err == OK)
			t->n_settle += rec.type == JOURNAL_SETTLE;
		else if (was_stopping)
			break;
	}
	t->damage = *journal_reader_damage(r);
	journal_reader_free(r);
	return NULL;
}

static void
threads__writing_and_reading_at_once__lose_nothing(void **state)
{
	struct rig *f = *state;
	struct worker w[N_THREADS];
	pthread_t threads[N_THREADS], syncer, reader;
	struct tail t = { .f = f };
	struct journal_stats stats;
	struct counts c;

	rig_begin(f);
	t.id = *journal_id(f->j);
	assert_int_equal(pthread_create(&syncer, NULL, sync_main, f->j), 0);
	assert_int_equal(pthread_create(&reader, NULL, follow, &t), 0);
	for (unsigned i = 0; i < N_THREADS; i++) {
		w[i] = (struct worker){ .j = f->j, .first = i * 1000000 + 1 };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]),
		    0);
	}
	for (unsigned i = 0; i < N_THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(w[i].ok);
	}
	atomic_store(&t.is_stopping, true);
	(void)pthread_join(reader, NULL);
	journal_sync_stop(f->j);
	(void)pthread_join(syncer, NULL);

	journal_stats(f->j, &stats);
	assert_int_equal(stats.n_open, 0);
	assert_false(stats.has_failed);
	assert_true(stats.n_files > 2);
	assert_true(stats.n_syncs > 0);
	assert_int_equal(t.n_settle, N_THREADS * N_REQUESTS);
	assert_int_equal(t.damage.n_corrupt + t.damage.n_missing, 0);
	journal_close(&f->j);
	c = rig_count(f, &t.id, true);
	assert_int_equal(c.n[JOURNAL_SETTLE], N_THREADS * N_REQUESTS);
	assert_int_equal(c.n[JOURNAL_END], 1);
	assert_int_equal(c.damage.n_corrupt + c.damage.torn_bytes, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    threads__writing_and_reading_at_once__lose_nothing,
		    rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
