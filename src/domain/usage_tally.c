/* SPDX-License-Identifier: MIT */
#include "domain/usage_tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/money.h"

_Static_assert(USAGE_TALLY_MAX < UINT16_MAX &&
		   2 * USAGE_TALLY_MAX < USAGE_TALLY_SLOTS,
    "slots are too few");

/* Counts are taken away modulo 2^64: what is left is right again. */
static enum err
add_group(struct usage_group *to, const struct usage_group *g, bool is_less,
    struct error *e)
{
	enum err (*const money)(int64_t, int64_t, int64_t *,
	    struct error *) = is_less ? money_sub : money_add;
	uint64_t k = is_less ? UINT64_MAX : 1;
	struct rollup_sums *s = &to->sums;
	enum err err;

	to->refusals += k * g->refusals;
	to->failed_requests += k * g->failed_requests;
	s->requests += k * g->sums.requests;
	s->unpriced_requests += k * g->sums.unpriced_requests;
	s->estimated_requests += k * g->sums.estimated_requests;
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			s->tok[x][i] += k * g->sums.tok[x][i];
	s->latency_ms += k * g->sums.latency_ms;
	s->time_to_first_token_ms += k * g->sums.time_to_first_token_ms;
	for (int i = 0; i < HISTOGRAM_N; i++) {
		s->latency.n[i] += k * g->sums.latency.n[i];
		s->ttft.n[i] += k * g->sums.ttft.n[i];
	}
	err = money(s->cost_pusd, g->sums.cost_pusd, &s->cost_pusd, e);
	if (!err)
		err = money(s->provider_cost_pusd, g->sums.provider_cost_pusd,
		    &s->provider_cost_pusd, e);
	return err;
}

enum err
usage_group_add(struct usage_group *to, const struct usage_group *g,
    struct error *e)
{
	return add_group(to, g, false, e);
}

enum err
usage_group_take(struct usage_group *from, const struct usage_group *g,
    struct error *e)
{
	return add_group(from, g, true, e);
}

void
usage_tally_init(struct usage_tally *t, struct arena *a)
{
	*t = (struct usage_tally){ .a = a };
}

void
usage_tally_clear(struct usage_tally *t)
{
	t->last = NULL;
	t->n = 0;
	if (t->slots)
		memset(t->slots, 0, USAGE_TALLY_SLOTS * sizeof(*t->slots));
}

static enum err
too_many(struct error *e)
{
	return error_public(e, ERR_BAD_PARAM, "group_by",
	    "That gives more than %d groups: ask for less time, or group by "
	    "less.",
	    USAGE_GROUPS_MAX);
}

static bool
is_of(const struct usage_group *g, const uint64_t by[USAGE_BY_MAX])
{
	for (int i = 0; i < USAGE_BY_MAX; i++)
		if (g->by[i] != by[i])
			return false;
	return true;
}

/* Ids and times lie close together: a multiplication spreads them. */
static size_t
slot_of(const uint64_t by[USAGE_BY_MAX])
{
	uint64_t h = 0;

	for (int i = 0; i < USAGE_BY_MAX; i++)
		h = (h ^ by[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h >> 32) % USAGE_TALLY_SLOTS;
}

/* Another group, of no usage yet, at a free slot. */
static enum err
make_group(struct usage_tally *t, size_t slot, const uint64_t by[USAGE_BY_MAX],
    struct error *e)
{
	if (t->n == USAGE_TALLY_MAX)
		return too_many(e);
	if (t->n == t->n_made && !t->chunk_left) {
		t->chunk = arena_array(t->a, struct usage_group,
		    USAGE_TALLY_CHUNK);
		if (!t->chunk)
			return error_arena(e, t->a);
		t->chunk_left = USAGE_TALLY_CHUNK;
	}
	if (t->n == t->n_made)
		t->groups[t->n_made++] =
		    &t->chunk[USAGE_TALLY_CHUNK - t->chunk_left--];
	t->last = t->groups[t->n++];
	*t->last = (struct usage_group){ 0 };
	for (int i = 0; i < USAGE_BY_MAX; i++)
		t->last->by[i] = by[i];
	t->slots[slot] = (uint16_t)t->n;
	return OK;
}

/* t->last becomes that group. */
static enum err
find_group(struct usage_tally *t, const uint64_t by[USAGE_BY_MAX],
    struct error *e)
{
	size_t slot = slot_of(by);

	if (!t->groups) {
		t->groups = arena_array(t->a, struct usage_group *,
		    USAGE_TALLY_MAX);
		t->slots = arena_array(t->a, uint16_t, USAGE_TALLY_SLOTS);
	}
	if (!t->groups || !t->slots)
		return error_arena(e, t->a);
	for (; t->slots[slot]; slot = (slot + 1) % USAGE_TALLY_SLOTS) {
		t->last = t->groups[t->slots[slot] - 1];
		if (is_of(t->last, by))
			return OK;
	}
	return make_group(t, slot, by, e);
}

enum err
usage_tally_group(struct usage_tally *t, const uint64_t by[USAGE_BY_MAX],
    struct usage_group **ret, struct error *e)
{
	enum err err = OK;

	if (!t->last || !is_of(t->last, by))
		err = find_group(t, by, e);
	*ret = t->last;
	return err;
}

enum err
usage_tally_add(struct usage_tally *t, const struct usage_group *row,
    bool is_less, struct error *e)
{
	struct usage_group *to;
	enum err err = usage_tally_group(t, row->by, &to, e);

	return err ? err : add_group(to, row, is_less, e);
}

static int
compare(const void *pa, const void *pb)
{
	const struct usage_group *a = *(struct usage_group *const *)pa;
	const struct usage_group *b = *(struct usage_group *const *)pb;

	for (int i = 0; i < USAGE_BY_MAX; i++)
		if (a->by[i] != b->by[i])
			return a->by[i] < b->by[i] ? -1 : 1;
	return 0;
}

static bool
is_empty(const struct usage_group *g)
{
	return g->sums.requests == 0 && g->refusals == 0;
}

enum err
usage_tally_end(struct usage_tally *t, struct usage_group **ret, size_t *ret_n,
    struct usage_group *ret_total, struct error *e)
{
	size_t n = 0;
	enum err err = OK;

	*ret_total = (struct usage_group){ 0 };
	*ret = NULL;
	*ret_n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (!is_empty(t->groups[i]))
			t->groups[n++] = t->groups[i];
	if (n > USAGE_GROUPS_MAX)
		return too_many(e);
	if (n == 0)
		return OK;
	qsort(t->groups, n, sizeof(struct usage_group *), compare);
	*ret = arena_array(t->a, struct usage_group, n);
	if (!*ret)
		return error_arena(e, t->a);
	for (size_t i = 0; i < n && !err; i++) {
		(*ret)[i] = *t->groups[i];
		err = add_group(ret_total, t->groups[i], false, e);
	}
	*ret_n = n;
	return err;
}
