/* SPDX-License-Identifier: MIT */
/*
 * Pairs by rank: each rank that occurs has a lane, the list of the places where
 * its pair stands, in the order of the text; a heap tells the lowest one.
 * A rank makes one token, and whatever a merge makes is longer than what the
 * lane in work is about, so nothing is added to a lane between its first merge
 * and its last: it is put into order once, if it needs to be.
 */
#include "tokenizer/bpe.h"

#include <stdlib.h>

#define NOWHERE     UINT32_MAX
#define CACHE_JOINS 1024 /* a power of two */

/* A token; its place is that of its first byte. */
struct node {
	uint32_t id;
	uint32_t next, prev; /* in the text */
	uint32_t lane;       /* of the pair that begins here, or NOWHERE */
	uint32_t lane_next, lane_prev;
};

struct lane {
	uint32_t rank, id; /* what its pair becomes */
	uint32_t head, tail;
	bool is_unordered;
	bool is_in_heap;
};

struct cached {
	uint32_t left, right;
	struct bpe_join join;
};

struct work {
	const struct tokenizer *t;
	struct str piece;
	struct node *nodes;
	struct lane *lanes;
	uint32_t n_lanes;
	uint32_t *lane_of; /* open hash table by rank; NOWHERE: free */
	uint32_t lane_mask;
	uint32_t *heap; /* lanes, the lowest rank on top */
	uint32_t n_heap;
	uint32_t *places; /* of one lane, for ordering */
	struct cached cache[CACHE_JOINS];
};

/* ---- lanes ---- */

static void
heap_push(struct work *w, uint32_t lane)
{
	uint32_t i = w->n_heap++;

	while (i > 0 &&
	       w->lanes[lane].rank < w->lanes[w->heap[(i - 1) / 2]].rank) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = lane;
}

static void
heap_pop(struct work *w)
{
	uint32_t last = w->heap[--w->n_heap], i = 0, child;

	while ((child = 2 * i + 1) < w->n_heap) {
		if (child + 1 < w->n_heap && w->lanes[w->heap[child + 1]].rank <
						 w->lanes[w->heap[child]].rank)
			child++;
		if (w->lanes[w->heap[child]].rank >= w->lanes[last].rank)
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
}

static uint32_t
lane_find(struct work *w, struct bpe_join join)
{
	uint32_t i = (uint32_t)table_hash_mix(join.rank) & w->lane_mask;

	for (; w->lane_of[i] != NOWHERE; i = (i + 1) & w->lane_mask)
		if (w->lanes[w->lane_of[i]].rank == join.rank)
			return w->lane_of[i];
	w->lanes[w->n_lanes] = (struct lane){ .rank = join.rank,
		.id = join.id,
		.head = NOWHERE,
		.tail = NOWHERE };
	return w->lane_of[i] = w->n_lanes++;
}

static void
lane_remove(struct work *w, uint32_t at)
{
	struct node *node = &w->nodes[at];
	struct lane *lane;

	if (node->lane == NOWHERE)
		return;
	lane = &w->lanes[node->lane];
	if (node->lane_prev == NOWHERE)
		lane->head = node->lane_next;
	else
		w->nodes[node->lane_prev].lane_next = node->lane_next;
	if (node->lane_next == NOWHERE)
		lane->tail = node->lane_prev;
	else
		w->nodes[node->lane_next].lane_prev = node->lane_prev;
	node->lane = NOWHERE;
}

static void
lane_append(struct work *w, uint32_t lane_at, uint32_t at)
{
	struct lane *lane = &w->lanes[lane_at];
	struct node *node = &w->nodes[at];

	node->lane = lane_at;
	node->lane_prev = lane->tail;
	node->lane_next = NOWHERE;
	if (lane->tail == NOWHERE) {
		lane->head = at;
		lane->is_unordered = false;
	} else {
		w->nodes[lane->tail].lane_next = at;
		if (lane->tail > at)
			lane->is_unordered = true;
	}
	lane->tail = at;
	if (!lane->is_in_heap)
		heap_push(w, lane_at);
	lane->is_in_heap = true;
}

static int
compare_places(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
lane_order(struct work *w, uint32_t lane_at)
{
	struct lane *lane = &w->lanes[lane_at];
	size_t n = 0;

	for (uint32_t at = lane->head; at != NOWHERE;
	     at = w->nodes[at].lane_next)
		w->places[n++] = at;
	qsort(w->places, n, sizeof(*w->places), compare_places);
	lane->head = lane->tail = NOWHERE;
	for (size_t i = 0; i < n; i++)
		lane_append(w, lane_at, w->places[i]);
}

/* ---- pairs ---- */

static struct bpe_join
join_of(struct work *w, uint32_t at)
{
	const struct node *left = &w->nodes[at], *right;
	struct cached *c;
	uint32_t end;

	if (left->next == w->piece.n)
		return (struct bpe_join){ TABLE_NONE, TABLE_NONE };
	right = &w->nodes[left->next];
	end = right->next;
	c = &w->cache[table_hash_merge(left->id, right->id) &
		      (CACHE_JOINS - 1)];
	if (c->left != left->id || c->right != right->id)
		*c = (struct cached){ left->id, right->id,
			bpe_join(w->t, left->id, right->id,
			    str_make(w->piece.p + at, end - at)) };
	return c->join;
}

/* The pair that begins there is a new one. */
static void
renew(struct work *w, uint32_t at)
{
	struct bpe_join join = join_of(w, at);

	lane_remove(w, at);
	if (join.rank != TABLE_NONE)
		lane_append(w, lane_find(w, join), at);
}

static void
merge(struct work *w, uint32_t at, uint32_t id)
{
	struct node *node = &w->nodes[at];
	uint32_t gone = node->next;

	lane_remove(w, gone);
	node->id = id;
	node->next = w->nodes[gone].next;
	if (node->next < w->piece.n)
		w->nodes[node->next].prev = at;
	if (node->prev != NOWHERE)
		renew(w, node->prev);
	renew(w, at);
}

static void
merge_all(struct work *w)
{
	while (w->n_heap > 0) {
		uint32_t lane_at = w->heap[0];
		struct lane *lane = &w->lanes[lane_at];

		if (lane->head == NOWHERE) {
			lane->is_in_heap = false;
			heap_pop(w);
			continue;
		}
		if (lane->is_unordered)
			lane_order(w, lane_at);
		/* Until a lower rank has come up. */
		while (lane->head != NOWHERE && w->heap[0] == lane_at)
			merge(w, lane->head, lane->id);
	}
}

/* ---- all of it ---- */

static void
work_free(struct work *w)
{
	free(w->nodes);
	free(w->lanes);
	free(w->lane_of);
	free(w->heap);
	free(w->places);
	free(w);
}

/* There are no more ranks than pairs that ever were, nor than tokens. */
static size_t
count_lanes(const struct tokenizer *t, size_t n)
{
	size_t n_ranks = t->header->n_merges ? t->header->n_merges
					     : t->header->n_tokens;

	return 3 * n < n_ranks ? 3 * n : n_ranks;
}

static struct work *
work_new(const struct tokenizer *t, struct str piece)
{
	struct work *w = calloc(1, sizeof(*w));
	size_t n_lanes = count_lanes(t, piece.n), n_slots = 2;

	if (!w)
		return NULL;
	while (n_slots < 2 * n_lanes)
		n_slots *= 2;
	w->t = t;
	w->piece = piece;
	w->nodes = calloc(piece.n, sizeof(*w->nodes));
	w->lanes = calloc(n_lanes, sizeof(*w->lanes));
	w->lane_of = malloc(n_slots * sizeof(*w->lane_of));
	w->lane_mask = (uint32_t)(n_slots - 1);
	w->heap = calloc(n_lanes, sizeof(*w->heap));
	w->places = calloc(piece.n, sizeof(*w->places));
	if (!w->nodes || !w->lanes || !w->lane_of || !w->heap || !w->places) {
		work_free(w);
		return NULL;
	}
	memset(w->lane_of, 0xff, n_slots * sizeof(*w->lane_of));
	/* No token has this number: a cached join that fits nothing. */
	for (size_t i = 0; i < CACHE_JOINS; i++)
		w->cache[i].left = NOWHERE;
	return w;
}

enum err
bpe_long(const struct tokenizer *t, struct str piece, struct bpe_sink *sink,
    struct error *e)
{
	struct work *w = work_new(t, piece);

	if (!w)
		return error_set(e, ERR_NO_MEMORY, "no memory to count tokens");
	for (uint32_t i = 0; i < piece.n; i++)
		w->nodes[i] = (struct node){
			.id = t->byte_ids[(unsigned char)piece.p[i]],
			.next = i + 1,
			.prev = i ? i - 1 : NOWHERE,
			.lane = NOWHERE,
		};
	for (uint32_t i = 0; i < piece.n; i++)
		renew(w, i);
	merge_all(w);
	for (uint32_t i = 0; i < piece.n; i = w->nodes[i].next)
		bpe_put(sink, w->nodes[i].id);
	work_free(w);
	return OK;
}
