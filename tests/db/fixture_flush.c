/* SPDX-License-Identifier: MIT */
#include "db/fixture_flush.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "domain/reconcile.h"
#include "journal/writer_priv.h"
#include "store/customer.h"
#include "store/ledger.h"

void
begin_flusher(struct flush_test *x)
{
	flusher_free(x->f);
	x->f = NULL;
	assert_ok(flusher_new(&x->flush, &x->f, &x->e));
	assert_ok(flusher_lock(x->f, &x->e));
}

int
flush_setup(void **state)
{
	struct flush_test *x = calloc(1, sizeof(*x));
	struct customer c = { .name = S("Flush test"), .markup_ppm = 1000000 };
	char email[64];
	uint32_t random;

	assert_non_null(x);
	(void)rig_setup((void **)&x->j);
	x->opt = fixture_options(FIXTURE_ROOT);
	x->opt.name = "tollgate";
	x->db = db_new(&x->opt);
	arena_init(&x->a, MIB(32));
	rng_bytes(&random, sizeof(random));
	x->base = (uint64_t)random << 24;
	(void)snprintf(email, sizeof(email), "flush%08x@example.org", random);
	c.email = str_from(email);
	assert_ok(store_customer_insert(x->db, &c, &x->customer_id, &x->user_id,
	    &x->e));
	x->flush = (struct flush_options){
		.journal_dir = x->j->dir,
		.db = &x->opt,
		.interval_ms = 20,
		.batch_rows = 100,
		.keep_s = 3600,
		.max_bytes = MIB(64),
		.is_impatient = true,
	};
	begin_flusher(x);
	*state = x;
	return 0;
}

int
flush_teardown(void **state)
{
	struct flush_test *x = *state;

	flusher_free(x->f);
	db_free(x->db);
	arena_fini(&x->a);
	(void)rig_teardown((void **)&x->j);
	free(x);
	return 0;
}

struct journal_open
open_of(const struct flush_test *x, uint64_t n)
{
	struct journal_open o = rig_open(x->base + n);

	o.customer_id = x->customer_id;
	o.user_id = x->user_id;
	o.prompt_tok = 10 + n;
	o.start_ms = clock_now_ms();
	return o;
}

struct journal_settle
settle_of(const struct flush_test *x, uint64_t n)
{
	struct journal_settle s = rig_settle(x->base + n);

	s.tok[TOK_NORMAL][TOK_IN] = n;
	s.tok[TOK_NORMAL][TOK_OUT] = 2 * n;
	return s;
}

uint32_t
open_one(struct flush_test *x, struct journal *j, uint64_t n)
{
	struct journal_open o = open_of(x, n);
	uint32_t slot = 0;

	if (j->wants_next)
		assert_ok(journal_make_next(j, &x->e));
	assert_ok(journal_write_open(j, &o, &slot, &x->e));
	return slot;
}

void
requests(struct flush_test *x, struct journal *j, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		struct journal_settle s = settle_of(x, i);

		assert_ok(
		    journal_write_settle(j, open_one(x, j, i), &s, &x->e));
	}
}

uint64_t
pass(struct flush_test *x)
{
	uint64_t n = 0;

	assert_ok(flusher_pass(x->f, &n, &x->e));
	return n;
}

enum err
row_of(struct flush_test *x, uint64_t n, struct usage_row *ret)
{
	struct uuid7 id = rig_id(x->base + n);

	return store_usage_by_request_id(x->db, &id, &x->a, ret, &x->e);
}

int64_t
receivable(struct flush_test *x)
{
	struct ledger_account *v = NULL;
	size_t n = 0;

	assert_ok(
	    store_ledger_accounts(x->db, x->customer_id, &x->a, &v, &n, &x->e));
	for (size_t i = 0; i < n; i++) {
		if (v[i].kind == LEDGER_RECEIVABLE)
			return v[i].balance_pusd;
	}
	return -1;
}

void
assert_clean(struct flush_test *x, uint64_t n_journaled)
{
	struct reconcile r;

	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_faults, 0);
	assert_int_equal(r.n_damaged, 0);
	for (size_t i = 0; i < r.books.n_diffs; i++)
		/* Models and keys of these tests are not in the tables. */
		assert_int_equal(r.books.diffs[i].check, RECONCILE_ORPHAN);
	assert_int_equal(r.n_journaled, n_journaled);
}
