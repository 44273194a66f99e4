/* SPDX-License-Identifier: MIT */
#include "domain/budget_book_priv.h"

#include <stdlib.h>

#include "base/clock.h"
#include "domain/budget_lease.h"
#include "domain/budget_period.h"
#include "store/db_pool.h"

#define WINDOW        32 /* places that a budget may have */
#define DB_WAIT_MS    2000
#define DENIAL_MS     200 /* what was denied is not asked again so long */
#define DOWN_MS       500 /* nor is a database that did not answer */
#define SCRATCH_BYTES KIB(64)

/* users of a slab that is about to get another budget. */
#define CLAIMED (-(1 << 30))

/* One budget of one request. */
struct asking {
	struct budget_book *b;
	uint64_t customer_id;
	const struct budget_ref *ref;
	struct budget_span span;
	struct budget_slab *slab;
	int64_t min_pusd, want_pusd;
	int64_t mono_ms;
	struct error *e;
};

enum err
budget_book_new(const struct budget_book_params *params,
    struct budget_book **ret, struct error *e)
{
	struct budget_book *b = calloc(1, sizeof(*b));

	if (!b)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	b->p = *params;
	/* Of default type they can't fail. */
	(void)pthread_mutex_init(&b->claim, NULL);
	for (size_t i = 0; i < N_LOCKS; i++)
		(void)pthread_mutex_init(&b->locks[i], NULL);
	*ret = b;
	return OK;
}

void
budget_book_free(struct budget_book *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < N_LOCKS; i++)
		(void)pthread_mutex_destroy(&b->locks[i]); /* nobody waits */
	(void)pthread_mutex_destroy(&b->claim);
	free(b);
}

/* ---- places ---- */

static size_t
place_of(uint64_t id, size_t i)
{
	return ((id * UINT64_C(0x9e3779b97f4a7c15) >> 40) + i) & (N_SLABS - 1);
}

/* Whoever gives it to another has to see no users first. */
bool
budget_slab_refer(struct budget_slab *s, uint64_t id)
{
	if (atomic_load_explicit(&s->id, memory_order_relaxed) != id)
		return false;
	if (atomic_fetch_add(&s->users, 1) >= 0 && atomic_load(&s->id) == id)
		return true;
	atomic_fetch_sub(&s->users, 1);
	return false;
}

void
budget_slab_unrefer(struct budget_slab *s)
{
	atomic_fetch_sub(&s->users, 1);
}

struct budget_slab *
budget_slab_find(struct budget_book *b, uint64_t id)
{
	for (size_t i = 0; i < WINDOW; i++) {
		struct budget_slab *s = &b->slabs[place_of(id, i)];

		if (budget_slab_refer(s, id))
			return s;
	}
	return NULL;
}

/* Make it this budget's, if nobody uses it and it holds nothing for sure. */
static bool
claim(struct budget_book *b, struct budget_slab *s, uint64_t id)
{
	int32_t nobody = 0;
	bool was_used = atomic_load(&s->id) != 0;

	if (!atomic_compare_exchange_strong(&s->users, &nobody, CLAIMED))
		return false;
	if (atomic_load(&s->free_pusd) != 0 || atomic_load(&s->doubt_no)) {
		atomic_fetch_sub(&s->users, CLAIMED);
		return false;
	}
	s->denied_until_ms = s->down_until_ms = 0;
	s->is_told = false;
	atomic_store(&s->share_pusd, 0);
	atomic_store(&s->id, id);
	if (!was_used) {
		uint32_t n = atomic_load(&b->n_used);

		b->used[n] = (uint32_t)(s - b->slabs);
		atomic_store(&b->n_used, n + 1);
	}
	/* One user: the caller. Others may have come and are going. */
	atomic_fetch_add(&s->users, -CLAIMED + 1);
	return true;
}

static struct budget_slab *
slab_claim(struct budget_book *b, uint64_t id)
{
	struct budget_slab *s;

	(void)pthread_mutex_lock(&b->claim);
	s = budget_slab_find(b, id); /* another thread may have been here */
	for (size_t i = 0; i < WINDOW && !s; i++)
		if (claim(b, &b->slabs[place_of(id, i)], id))
			s = &b->slabs[place_of(id, i)];
	(void)pthread_mutex_unlock(&b->claim);
	return s;
}

/* ---- amounts ---- */

bool
budget_slab_take(struct budget_slab *s, int64_t want_pusd)
{
	int64_t free_pusd = atomic_load(&s->free_pusd);

	while (free_pusd >= want_pusd)
		if (atomic_compare_exchange_weak(&s->free_pusd, &free_pusd,
			free_pusd - want_pusd))
			return true;
	return false;
}

/* Take the most there is between min and want; 0: there is less. */
static int64_t
take_some(struct budget_slab *s, int64_t min_pusd, int64_t want_pusd)
{
	int64_t free_pusd = atomic_load(&s->free_pusd);

	while (free_pusd >= min_pusd) {
		int64_t part = free_pusd < want_pusd ? free_pusd : want_pusd;

		if (atomic_compare_exchange_weak(&s->free_pusd, &free_pusd,
			free_pusd - part))
			return part;
	}
	return 0;
}

void
budget_slab_give(struct budget_slab *s, int64_t pusd)
{
	if (pusd > 0)
		atomic_fetch_add(&s->free_pusd, pusd);
}

static enum err
refuse(const struct asking *q)
{
	bool is_balance = q->ref->scope == BUDGET_BALANCE;
	const struct budget_slab *s = q->slab;
	enum err err = is_balance ? ERR_BALANCE : ERR_QUOTA;

	(void)error_set(q->e, err, "budget %llu (%s) has less left",
	    (unsigned long long)q->ref->budget_id,
	    budget_scope_names[q->ref->scope]);
	q->e->quota = (struct error_quota){
		.is_set = true,
		.limit_pusd = s->amount_pusd,
		.spent_pusd = s->spent_pusd,
		.resets_at_ms = q->ref->period == BUDGET_TOTAL ? 0
							       : q->span.end_ms,
	};
	return err;
}

/* Whether the failure may have been waited for. */
static bool
took_long(enum err err)
{
	return err == ERR_DB_DOWN || err == ERR_DB_UNCERTAIN ||
	       err == ERR_OVERLOADED || err == ERR_DB_RETRY;
}

/* Ask the database for what the slab lacks. What is free is set aside
 * meanwhile: others who need more wait for the lock, too. */
static enum err
ask(const struct asking *q, struct budget_lease *want, int64_t *ret_have_pusd)
{
	struct budget_slab *s = q->slab;
	struct db *db = NULL;
	struct arena a;
	enum err err = db_pool_take(q->b->p.db, DB_WAIT_MS, &db, q->e);

	if (!err)
		err = budget_slab_resolve(q->b, db, s, q->e);
	*ret_have_pusd = atomic_exchange(&s->free_pusd, 0);
	*want = (struct budget_lease){
		.budget_id = q->ref->budget_id,
		.customer_id = q->customer_id,
		.span = q->span,
		.min_pusd = q->min_pusd - *ret_have_pusd,
		.want_pusd = q->want_pusd - *ret_have_pusd,
		.need_pusd = q->want_pusd,
		.least_pusd = q->min_pusd,
		.is_told = s->is_told,
		.change_no = atomic_fetch_add(&q->b->n_changes, 1) + 1,
	};
	arena_init(&a, SCRATCH_BYTES);
	if (!err)
		err = budget_lease_take(db, q->b->p.series, want, &a, q->e);
	arena_fini(&a);
	db_pool_give(q->b->p.db, db);
	if (err == ERR_DB_UNCERTAIN)
		budget_slab_doubt(s, want->change_no, want->granted_pusd);
	return err;
}

static enum err
lease(struct asking *q, int64_t *ret_pusd)
{
	struct budget_slab *s = q->slab;
	struct budget_lease want;
	int64_t have_pusd;
	enum err err = ask(q, &want, &have_pusd);

	s->down = err;
	s->down_until_ms = took_long(err) ? clock_mono_ms() + DOWN_MS : 0;
	if (err && (have_pusd < q->min_pusd || have_pusd <= 0)) {
		budget_slab_give(s, have_pusd);
		return err;
	}
	/* Without the database it is spent down to what is leased. */
	have_pusd += err ? 0 : want.granted_pusd;
	*ret_pusd = have_pusd >= q->want_pusd  ? q->want_pusd
		    : have_pusd >= q->min_pusd ? have_pusd
					       : 0;
	budget_slab_give(s, have_pusd - *ret_pusd);
	if (err)
		return OK;
	atomic_store(&s->need_pusd, want.need_pusd);
	budget_slab_share(s, want.left_pusd - want.granted_pusd);
	s->is_told = !want.granted_pusd && (s->is_told || want.was_told);
	s->amount_pusd = want.amount_pusd;
	s->spent_pusd = want.spent_pusd;
	if (*ret_pusd < q->want_pusd) {
		s->denied_until_ms = clock_mono_ms() + DENIAL_MS;
		s->denied_pusd = want.left_pusd;
	}
	return *ret_pusd ? OK : refuse(q);
}

/* The caller holds the lock, and the slab does not suffice. */
static enum err
take_or_lease(struct asking *q, int64_t *ret_pusd)
{
	struct budget_slab *s = q->slab;
	int64_t now_ms = clock_mono_ms();
	bool is_denied = now_ms < s->denied_until_ms;
	bool is_down = now_ms < s->down_until_ms;

	*ret_pusd = 0;
	if (is_denied || is_down)
		*ret_pusd = take_some(s, q->min_pusd, q->want_pusd);
	if (*ret_pusd)
		return OK;
	if (is_denied && q->min_pusd > s->denied_pusd)
		return refuse(q);
	if (is_down)
		return error_set(q->e, s->down,
		    "budget %llu: the database failed a moment ago",
		    (unsigned long long)q->ref->budget_id);
	return lease(q, ret_pusd);
}

/* One thread at a time asks for more. */
static enum err
take_more(struct asking *q, int64_t *ret_pusd)
{
	pthread_mutex_t *lock = budget_slab_lock(q->b, q->slab);
	enum err err = OK;

	(void)pthread_mutex_lock(lock);
	*ret_pusd = q->want_pusd;
	if (!budget_slab_take(q->slab, q->want_pusd))
		err = take_or_lease(q, ret_pusd);
	(void)pthread_mutex_unlock(lock);
	return err;
}

static enum err
take_one(struct asking *q, int64_t *ret_pusd)
{
	uint64_t id = budget_slab_id(q->span.budget_id, q->span.start_ms);
	enum err err = OK;

	q->slab = budget_slab_find(q->b, id);
	if (!q->slab)
		q->slab = slab_claim(q->b, id);
	if (!q->slab)
		return error_set(q->e, ERR_OVERLOADED,
		    "no room for another budget");
	atomic_store_explicit(&q->slab->used_ms, q->mono_ms,
	    memory_order_relaxed);
	*ret_pusd = q->want_pusd;
	if (!budget_slab_take(q->slab, q->want_pusd))
		err = take_more(q, ret_pusd);
	if (err)
		budget_slab_unrefer(q->slab);
	return err;
}

/* Each of the holds down to what the last and smallest one is. */
static void
even_out(struct budget_hold *h, const int64_t got[BUDGET_PER_KEY])
{
	for (unsigned i = 0; i < h->n; i++)
		budget_slab_give(h->slab[i], got[i] - h->held_pusd);
}

enum err
budget_hold_take(struct budget_book *b, const struct budget_ask *ask,
    struct budget_hold *ret, struct error *e)
{
	int64_t got[BUDGET_PER_KEY];
	struct asking q = {
		.b = b,
		.customer_id = ask->who->customer_id,
		.min_pusd = ask->min_pusd,
		.want_pusd = ask->want_pusd,
		.e = e,
	};
	enum err err = OK;

	ret->n = 0;
	ret->held_pusd = ask->want_pusd;
	for (unsigned i = 0; i < ask->who->n_budgets && !err; i++) {
		q.ref = &ask->who->budgets[i];
		if (q.ref->kind != BUDGET_HARD)
			continue;
		if (!q.mono_ms)
			q.mono_ms = clock_mono_ms();
		q.span = budget_span_of(q.ref->budget_id, q.ref->period,
		    ask->start_ms);
		err = take_one(&q, &got[ret->n]);
		if (err)
			break;
		ret->slab[ret->n] = q.slab;
		ret->held_pusd = q.want_pusd = got[ret->n++];
	}
	if (err) {
		ret->held_pusd = 0;
		even_out(ret, got);
		for (unsigned i = 0; i < ret->n; i++)
			budget_slab_unrefer(ret->slab[i]);
		ret->n = 0;
		return err;
	}
	even_out(ret, got);
	return OK;
}

void
budget_hold_settle(struct budget_hold *h, int64_t owed_pusd)
{
	for (unsigned i = 0; i < h->n; i++) {
		budget_slab_give(h->slab[i], h->held_pusd - owed_pusd);
		budget_slab_unrefer(h->slab[i]);
	}
	h->n = 0;
}
