/* SPDX-License-Identifier: MIT */
#include "gpt2/team.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* About 30 microseconds: longer than a step of a small model, shorter than
 * what a scheduler takes away. */
#define SPINS 2000

struct member {
	struct team *team;
	pthread_t thread;
	unsigned number;
};

struct team {
	atomic_uint n_members; /* fewer when not all could be started */
	unsigned n_threads;    /* that were started: n_members - 1 at most */
	struct member *members;
	/* what to run; written before a meeting, read after it */
	team_fn *fn;
	void *ctx;
	bool is_ending;
	/* a meeting: the last one to come opens it */
	atomic_uint n_come;
	atomic_uint meeting;
	atomic_uint n_asleep;
	pthread_mutex_t lock;
	pthread_cond_t opened;
};

static void
spin_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

static void
sleep_until_open(struct team *t, unsigned meeting)
{
	(void)pthread_mutex_lock(&t->lock);
	/* before the meeting is looked at: who opens it looks here after */
	atomic_fetch_add(&t->n_asleep, 1);
	while (atomic_load(&t->meeting) == meeting)
		(void)pthread_cond_wait(&t->opened, &t->lock);
	atomic_fetch_sub(&t->n_asleep, 1);
	(void)pthread_mutex_unlock(&t->lock);
}

void
team_meet(struct team *t)
{
	unsigned meeting = atomic_load(&t->meeting);

	if (t->n_members == 1)
		return;
	if (atomic_fetch_add(&t->n_come, 1) + 1 == t->n_members) {
		atomic_store(&t->n_come, 0);
		atomic_fetch_add(&t->meeting, 1);
		if (atomic_load(&t->n_asleep) > 0) {
			(void)pthread_mutex_lock(&t->lock);
			(void)pthread_cond_broadcast(&t->opened);
			(void)pthread_mutex_unlock(&t->lock);
		}
		return;
	}
	for (unsigned i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&t->meeting, memory_order_acquire) !=
		    meeting)
			return;
		spin_pause();
	}
	sleep_until_open(t, meeting);
}

static void *
member_main(void *arg)
{
	const struct member *m = arg;
	struct team *t = m->team;

	for (;;) {
		team_meet(t);
		if (t->is_ending)
			return NULL;
		t->fn(t->ctx, m->number);
		team_meet(t);
	}
}

void
team_run(struct team *t, team_fn *fn, void *ctx)
{
	t->fn = fn;
	t->ctx = ctx;
	team_meet(t);
	fn(ctx, 0);
	team_meet(t);
}

/* Signals are for the program's own threads. */
static bool
start_thread(struct member *m)
{
	sigset_t all, before;
	int failed;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&m->thread, NULL, member_main, m);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return !failed;
}

enum err
team_new(unsigned n_members, struct team **ret, struct error *e)
{
	struct team *t = calloc(1, sizeof(*t));

	if (t)
		t->members = calloc(n_members, sizeof(*t->members));
	if (!t || !t->members) {
		free(t);
		return error_set(e, ERR_NO_MEMORY, "threads");
	}
	t->n_members = n_members;
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_cond_init(&t->opened, NULL);
	for (unsigned i = 1; i < n_members; i++) {
		t->members[i] = (struct member){ .team = t, .number = i };
		if (!start_thread(&t->members[i])) {
			/* those that run wait for as many as there are */
			t->n_members = i;
			team_free(t);
			return error_set(e, ERR_IO, "no thread %u", i);
		}
		t->n_threads++;
	}
	*ret = t;
	return OK;
}

void
team_free(struct team *t)
{
	if (!t)
		return;
	t->is_ending = true;
	if (t->n_threads > 0)
		team_meet(t);
	for (unsigned i = 1; i <= t->n_threads; i++)
		(void)pthread_join(t->members[i].thread, NULL);
	(void)pthread_cond_destroy(&t->opened);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->members);
	free(t);
}

unsigned
team_size(const struct team *t)
{
	return t->n_members;
}

struct team_share
team_share(unsigned n_members, unsigned member, uint32_t n, uint32_t grain)
{
	uint64_t grains = ((uint64_t)n + grain - 1) / grain;
	uint64_t first = grains * member / n_members * grain;
	uint64_t last = grains * (member + 1) / n_members * grain;

	return (struct team_share){
		(uint32_t)(first < n ? first : n),
		(uint32_t)(last < n ? last : n),
	};
}
