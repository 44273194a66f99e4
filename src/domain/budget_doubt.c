/* SPDX-License-Identifier: MIT */
/*
 * A change of a lease whose COMMIT nobody answered: was it made? Each has a
 * number of this process's, which the lease's row keeps. So when the database
 * is back, what was leased is taken over, and what was not given back is had
 * again, instead of lying there until the process ends.
 */
#include "base/arena.h"
#include "domain/budget_book_priv.h"
#include "domain/budget_lease.h"

#define SCRATCH_BYTES KIB(16)

void
budget_slab_doubt(struct budget_slab *s, uint64_t change_no, int64_t pusd)
{
	if (pusd == 0)
		return;
	s->doubt_pusd = pusd;
	atomic_store(&s->doubt_no, change_no);
}

enum err
budget_slab_resolve(struct budget_book *b, struct db *db, struct budget_slab *s,
    struct error *e)
{
	struct budget_span span = budget_slab_span(s);
	uint64_t doubt_no = atomic_load(&s->doubt_no), last_no = 0;
	struct arena a;
	enum err err;

	if (!doubt_no)
		return OK;
	arena_init(&a, SCRATCH_BYTES);
	err = budget_lease_last_change(db, b->p.series, &span, &a, &last_no, e);
	arena_fini(&a);
	if (err)
		return err;
	/* Without a row nothing is ours: budget or lease was taken away. */
	if (last_no && s->doubt_pusd > 0 && last_no == doubt_no)
		budget_slab_give(s, s->doubt_pusd);
	if (last_no && s->doubt_pusd < 0 && last_no != doubt_no)
		budget_slab_give(s, -s->doubt_pusd);
	atomic_store(&s->doubt_no, 0);
	s->down_until_ms = 0; /* it has just answered */
	return OK;
}
