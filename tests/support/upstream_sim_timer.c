/* SPDX-License-Identifier: MIT */
/*
 * Timers of one thread: a binary heap of connections by due time.  Each
 * connection has at most one timer and knows its place, so that dropping
 * one costs a few moves.
 */
#include "upstream_sim.h"

#include <stdlib.h>
#include <time.h>

int64_t
sim_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* can't fail */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
put(struct sim_timers *t, size_t i, struct sim_conn *c)
{
	t->at[i] = c;
	c->heap_at = i + 1;
}

static void
sift_up(struct sim_timers *t, size_t i)
{
	struct sim_conn *c = t->at[i];

	while (i) {
		size_t up = (i - 1) / 2;
		if (t->at[up]->due_ns <= c->due_ns)
			break;
		put(t, i, t->at[up]);
		i = up;
	}
	put(t, i, c);
}

static void
sift_down(struct sim_timers *t, size_t i)
{
	struct sim_conn *c = t->at[i];

	for (;;) {
		size_t kid = 2 * i + 1;
		if (kid >= t->n)
			break;
		if (kid + 1 < t->n &&
		    t->at[kid + 1]->due_ns < t->at[kid]->due_ns)
			kid++;
		if (t->at[kid]->due_ns >= c->due_ns)
			break;
		put(t, i, t->at[kid]);
		i = kid;
	}
	put(t, i, c);
}

void
sim_timer_drop(struct sim_timers *t, struct sim_conn *c)
{
	if (!c->heap_at)
		return;

	size_t i = c->heap_at - 1;
	struct sim_conn *last = t->at[--t->n];
	c->heap_at = 0;
	if (last == c)
		return;
	put(t, i, last);
	sift_up(t, i);
	sift_down(t, last->heap_at - 1);
}

void
sim_timer_set(struct sim_timers *t, struct sim_conn *c, int64_t due_ns)
{
	sim_timer_drop(t, c);
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 256;
		struct sim_conn **at = realloc(t->at, cap * sizeof(*at));
		if (!at)
			abort(); /* a test tool without memory is of no use */
		t->at = at;
		t->cap = cap;
	}
	c->due_ns = due_ns;
	put(t, t->n++, c);
	sift_up(t, t->n - 1);
}
