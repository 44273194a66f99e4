/* SPDX-License-Identifier: MIT */
/*
 * Threads that do one thing together, in steps: all run the same function,
 * each its own share, and wait for each other between the steps. A wait is
 * short when each has a core, so it spins for a while before it sleeps.
 */
#ifndef TG_GPT2_TEAM_H
#define TG_GPT2_TEAM_H

#include <stdint.h>

#include "base/err.h"

#define TEAM_THREADS_MAX 64

struct team;

/* member: 0..n-1; 0 is the caller of team_run() itself. */
typedef void team_fn(void *ctx, unsigned member);

/**
 * @n_members  1..TEAM_THREADS_MAX, the caller of team_run() included
 * Errors: ERR_NO_MEMORY; ERR_IO a thread can't be started.
 * Memory: team_free().
 */
enum err team_new(unsigned n_members, struct team **ret,
    struct error *e) ATTR_MUST_CHECK;
/** NULL is fine. */
void team_free(struct team *t);
unsigned team_size(const struct team *t);

/** Run fn(ctx, member) in all members; returns when all are through. One
 * thread at a time. */
void team_run(struct team *t, team_fn *fn, void *ctx);
/** Inside of fn: wait until all members are here. */
void team_meet(struct team *t);

/* Member's share first..last-1 of n things, in whole `grain`s. */
struct team_share {
	uint32_t first, last;
};
struct team_share team_share(unsigned n_members, unsigned member, uint32_t n,
    uint32_t grain);

#endif
