/* SPDX-License-Identifier: MIT */
/* Groups of usage being added up from rows that come in any order. */
#ifndef TG_DOMAIN_USAGE_TALLY_H
#define TG_DOMAIN_USAGE_TALLY_H

#include "base/arena.h"
#include "store/usage_summary.h"

#define USAGE_GROUPS_MAX 5000

#define USAGE_TALLY_SLOTS 32768 /* thrice of what there may be meanwhile */
#define USAGE_TALLY_CHUNK 64    /* groups that are allocated at once */
/* Some may yet be taken away again. */
#define USAGE_TALLY_MAX   (2 * USAGE_GROUPS_MAX)

struct usage_tally {
	struct arena *a;
	struct usage_group
	    *last; /* who was added to: rows of one come together */
	struct usage_group **groups; /* n */
	uint16_t *slots;             /* 1 + place in groups; 0: free */
	struct usage_group *chunk;   /* where the next ones are */
	size_t n, n_made, chunk_left;
};

/** Nothing yet. Memory: in a, from the first group on. */
void usage_tally_init(struct usage_tally *t, struct arena *a);
/** Forget what was added; its memory is used again. */
void usage_tally_clear(struct usage_tally *t);
/**
 * Add a row's numbers to those of its group, or take them away.
 * Errors: ERR_BAD_PARAM "group_by" those are more than USAGE_TALLY_MAX groups;
 *         ERR_MONEY_RANGE; the arena's.
 */
enum err usage_tally_add(struct usage_tally *t, const struct usage_group *row,
    bool is_less, struct error *e) ATTR_MUST_CHECK;
/**
 * The group of such values, made if there is none: for who adds a few numbers
 * alone. It stays where it is until the tally is cleared or ends.
 * Errors: as usage_tally_add, but ERR_MONEY_RANGE.
 */
enum err usage_tally_group(struct usage_tally *t,
    const uint64_t by[USAGE_BY_MAX], struct usage_group **ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * The groups of which something is left, in order of their values, and their
 * sum. Nothing may be added afterwards.
 * Errors: ERR_BAD_PARAM "group_by" more than USAGE_GROUPS_MAX; the others.
 * Memory: in the arena.
 */
enum err usage_tally_end(struct usage_tally *t, struct usage_group **ret,
    size_t *ret_n, struct usage_group *ret_total,
    struct error *e) ATTR_MUST_CHECK;

/** Add the numbers of one group to another's. Errors: ERR_MONEY_RANGE. */
enum err usage_group_add(struct usage_group *to, const struct usage_group *g,
    struct error *e) ATTR_MUST_CHECK;
/** Take them away, of a group that is part of it. Errors: ERR_MONEY_RANGE. */
enum err usage_group_take(struct usage_group *from, const struct usage_group *g,
    struct error *e) ATTR_MUST_CHECK;

#endif
