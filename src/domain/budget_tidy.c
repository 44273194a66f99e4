/* SPDX-License-Identifier: MIT */
/* Giving back what a process has more of than it needs. */
#include "base/clock.h"
#include "base/log.h"
#include "domain/budget_book_priv.h"
#include "domain/budget_lease.h"
#include "store/db_pool.h"

#define IDLE_MS        30000 /* a slab that nobody used goes back; */
#define IDLE_SCARCE_MS 500   /* when there is not much left, sooner */
#define LOOK_MS        1000  /* whether there still is as much left */
#define LOOK_ROWS_A_MS 1     /* many leases are looked at less often */
#define SCRATCH_BYTES  MIB(2)

void
budget_slab_share(struct budget_slab *s, int64_t left_pusd)
{
	struct budget_share share = budget_share_of(left_pusd,
	    atomic_load(&s->need_pusd));

	atomic_store(&s->share_pusd, share.pusd);
	atomic_store(&s->idle_ms, share.is_scarce ? IDLE_SCARCE_MS : IDLE_MS);
}

/* What may stay here. What was held by requests that have ended is more than
 * the next ones need: others shall find it. */
static int64_t
excess(const struct budget_slab *s, int64_t mono_ms)
{
	int64_t free_pusd = atomic_load(&s->free_pusd);
	int64_t share_pusd = atomic_load(&s->share_pusd);

	if (free_pusd <= 0)
		return 0;
	if (mono_ms - atomic_load(&s->used_ms) >= atomic_load(&s->idle_ms))
		return free_pusd;
	return free_pusd > share_pusd ? free_pusd - share_pusd : 0;
}

static enum err
give_back(struct budget_book *b, struct db *db, struct budget_slab *s,
    int64_t pusd, struct error *e)
{
	struct budget_span span = budget_slab_span(s);
	uint64_t change_no = atomic_fetch_add(&b->n_changes, 1) + 1;
	enum err err;

	if (pusd == 0 || !budget_slab_take(s, pusd))
		return OK;
	err = budget_lease_return(db, b->p.series, &span, pusd, change_no, e);
	if (err == ERR_DB_UNCERTAIN)
		budget_slab_doubt(s, change_no, -pusd);
	else if (err)
		budget_slab_give(s, pusd);
	return err;
}

/* Whoever holds the lock asks for more just now. */
static bool
tidy_slab(struct budget_book *b, struct db *db, struct budget_slab *s,
    int64_t mono_ms)
{
	struct error e;
	enum err err;

	if (pthread_mutex_trylock(budget_slab_lock(b, s)) != 0)
		return true;
	err = budget_slab_resolve(b, db, s, &e);
	if (!err)
		err = give_back(b, db, s, excess(s, mono_ms), &e);
	(void)pthread_mutex_unlock(budget_slab_lock(b, s));
	if (err)
		log_error("budget_not_returned", &e);
	return err == OK;
}

/* Others may have spent the rest since a slab was leased. What fails is done
 * the next time, and the flusher tells of it. */
static void
look_again(struct budget_book *b, int64_t mono_ms)
{
	struct budget_left *v = NULL;
	struct db *db = NULL;
	struct error ignored;
	struct arena a;
	size_t n = 0;

	if (db_pool_take(b->p.db, 0, &db, &ignored) != OK)
		return;
	arena_init(&a, SCRATCH_BYTES);
	if (store_budget_left(db, b->p.series, &a, &v, &n, &ignored) != OK)
		n = 0;
	db_pool_give(b->p.db, db);
	for (size_t i = 0; i < n; i++) {
		struct budget_slab *s = budget_slab_find(b,
		    budget_slab_id(v[i].budget_id, v[i].start_ms));

		if (!s)
			continue;
		budget_slab_share(s, v[i].left_pusd);
		budget_slab_unrefer(s);
	}
	arena_fini(&a);
	b->look_ms = mono_ms + LOOK_MS + (int64_t)n / LOOK_ROWS_A_MS;
}

static bool
has_unused(const struct budget_book *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (atomic_load(&b->slabs[b->used[i]].free_pusd) > 0)
			return true;
	return false;
}

void
budget_book_tidy(struct budget_book *b, int64_t mono_ms)
{
	uint32_t n = atomic_load(&b->n_used);
	struct db *db = NULL;
	bool is_well = true;
	struct error e;

	if (mono_ms >= b->look_ms && has_unused(b, n))
		look_again(b, mono_ms);
	/* After a failure the rest waits for the next time. */
	for (uint32_t i = 0; i < n && is_well; i++) {
		struct budget_slab *s = &b->slabs[b->used[i]];
		uint64_t id = atomic_load(&s->id);

		if ((excess(s, mono_ms) == 0 && !atomic_load(&s->doubt_no)) ||
		    !budget_slab_refer(s, id))
			continue;
		is_well = db || db_pool_take(b->p.db, 0, &db, &e) == OK;
		if (is_well)
			is_well = tidy_slab(b, db, s, mono_ms);
		budget_slab_unrefer(s);
	}
	if (db)
		db_pool_give(b->p.db, db);
}
