/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "domain/hostmap.h"
#include "support/fixture_dir.h"

static struct fixture_dir dir;
static struct hostmap *map;

static int
setup(void **state)
{
	struct error e;

	(void)state;
	fixture_dir_make(&dir);
	return hostmap_open(dir.path, true, &map, &e) == OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	hostmap_close(map);
	fixture_dir_remove(&dir);
	return 0;
}

static void
hostmap_open__no_worker_ran_here__says_not_found(void **state)
{
	struct hostmap *m;
	struct error e;

	(void)state;
	assert_int_equal(hostmap_open("/tmp/tg-nowhere", false, &m, &e),
	    ERR_NOT_FOUND);
}

static void
hostmap_slot_bump__from_another_opening__is_seen(void **state)
{
	struct hostmap *other;
	uint64_t all[GENERATION__N];
	struct error e;

	(void)state;
	assert_ok(hostmap_open(dir.path, false, &other, &e));
	hostmap_slot_bump(other, 7);
	hostmap_slot_bump(other, GENERATION_CATALOGUE);

	assert_int_equal(hostmap_slot_read(map, 7), 1);
	hostmap_slot_read_all(map, all);
	assert_int_equal(all[6], 0);
	assert_int_equal(all[7], 1);
	assert_int_equal(all[GENERATION_CATALOGUE], 1);
	hostmap_close(other);
}

static void
hostmap_slot_seen__new_or_restored_number__bumps_once(void **state)
{
	(void)state;
	hostmap_slot_seen(map, 3, 41);
	hostmap_slot_seen(map, 3, 41);
	assert_int_equal(hostmap_slot_read(map, 3), 1);
	hostmap_slot_bump(map, 3); /* a revoke on this host */
	hostmap_slot_seen(map, 3, 42);
	assert_int_equal(hostmap_slot_read(map, 3), 3);

	hostmap_slot_seen(map, 3, 40); /* a backup was restored */

	assert_int_equal(hostmap_slot_read(map, 3), 4);
}

static void
hostmap_duty_try__holder_is_killed__next_one_gets_it(void **state)
{
	struct error e;
	int ready[2];
	pid_t pid;
	char c;

	(void)state;
	assert_ok(pipe(ready));
	pid = fork();
	if (pid == 0) {
		struct hostmap *own;

		if (hostmap_open(dir.path, true, &own, &e) ||
		    !hostmap_duty_try(own, HOSTMAP_POLLER))
			_exit(1);
		hostmap_duty_beat(own, HOSTMAP_POLLER, 12345);
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_false(hostmap_duty_try(map, HOSTMAP_POLLER));
	assert_true(hostmap_duty_try(map, HOSTMAP_FLUSHER));

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);

	assert_true(hostmap_duty_try(map, HOSTMAP_POLLER));
	assert_int_equal(hostmap_duty_beat_ms(map, HOSTMAP_POLLER), 12345);
	assert_int_equal(hostmap_duty_beat_ms(map, HOSTMAP_FLUSHER), 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void
hostmap_cache_switch__several_notice__one_switches(void **state)
{
	struct hostmap_cache_state up = hostmap_cache_state(map), down;

	(void)state;
	assert_true(up.is_up);
	assert_int_equal(up.since_ms, 0);

	assert_true(hostmap_cache_switch(map, up, false, 1000));
	assert_false(hostmap_cache_switch(map, up, false, 1001));
	down = hostmap_cache_state(map);
	assert_false(down.is_up);
	assert_int_equal(down.since_ms, 1000);
	assert_true(hostmap_cache_switch(map, down, true, 2000));

	/* A call that began before the outage fails only now. */
	assert_false(hostmap_cache_switch(map, up, false, 2001));
	assert_true(hostmap_cache_state(map).is_up);
}

static void
hostmap_cache_probe__many_ask__one_per_interval(void **state)
{
	(void)state;
	(void)hostmap_cache_switch(map, hostmap_cache_state(map), false, 1000);

	assert_false(hostmap_cache_probe(map, 1999, 1000));
	assert_true(hostmap_cache_probe(map, 2000, 1000));
	assert_false(hostmap_cache_probe(map, 2000, 1000));
	/* The clock was set back by an hour: no hour's wait. */
	assert_true(hostmap_cache_probe(map, 2000 - 3600000, 1000));
}

#define ID    UINT64_C(0x0123456789abcdef)
#define INDEX UINT64_C(29700000)

static void
hostmap_local_add__at_the_maximum__counts_no_further(void **state)
{
	uint32_t count = 0;

	(void)state;
	assert_int_equal(hostmap_local_add(map, LIMIT_MINUTE, ID, INDEX, 1, 2,
			     &count),
	    HOSTMAP_COUNTED);
	assert_int_equal(hostmap_local_add(map, LIMIT_MINUTE, ID, INDEX, 1, 2,
			     &count),
	    HOSTMAP_COUNTED);
	assert_int_equal(hostmap_local_add(map, LIMIT_MINUTE, ID, INDEX, 1, 2,
			     &count),
	    HOSTMAP_OVER);
	assert_int_equal(count, 2);

	hostmap_local_sub(map, LIMIT_MINUTE, ID, INDEX, 1);

	assert_int_equal(hostmap_local_add(map, LIMIT_MINUTE, ID, INDEX, 1, 2,
			     &count),
	    HOSTMAP_COUNTED);
	/* Another window, another key, another kind of window. */
	assert_int_equal(hostmap_local_add(map, LIMIT_MINUTE, ID, INDEX + 1, 1,
			     2, &count),
	    HOSTMAP_COUNTED);
	assert_int_equal(count, 1);
	assert_int_equal(hostmap_local_add(map, LIMIT_MINUTE, ID + 2, INDEX, 1,
			     2, &count),
	    HOSTMAP_COUNTED);
	assert_int_equal(count, 1);
	assert_int_equal(hostmap_local_add(map, LIMIT_HOUR, ID, INDEX, 1, 2,
			     &count),
	    HOSTMAP_COUNTED);
	assert_int_equal(count, 1);
}

static void
hostmap_local_get__in_any_table__is_what_was_counted(void **state)
{
	uint32_t count;

	(void)state;
	for (unsigned table = 0; table < HOSTMAP__TABLES; table++) {
		assert_int_equal(hostmap_local_get(map, table, ID, INDEX), 0);
		(void)hostmap_local_add(map, table, ID, INDEX, 3 + table, 99,
		    &count);
		assert_int_equal(hostmap_local_get(map, table, ID, INDEX),
		    3 + table);
		assert_int_equal(hostmap_local_get(map, table, ID, INDEX + 1),
		    0);
	}
}

/* A count near 2^32 must not wrap past the maximum. */
static void
hostmap_local_add__close_to_32_bits__does_not_wrap(void **state)
{
	uint32_t count;

	(void)state;
	assert_int_equal(hostmap_local_add(map, LIMIT_DAY, ID, INDEX,
			     UINT32_MAX - 1, UINT32_MAX, &count),
	    HOSTMAP_COUNTED);
	assert_int_equal(hostmap_local_add(map, LIMIT_DAY, ID, INDEX, 2,
			     UINT32_MAX, &count),
	    HOSTMAP_OVER);
	assert_int_equal(hostmap_local_add(map, LIMIT_DAY, ID, INDEX, 5, 4,
			     &count),
	    HOSTMAP_OVER);
}

static void
hostmap_local_sub__nothing_counted__stays_at_zero(void **state)
{
	uint32_t count = 9;

	(void)state;
	hostmap_local_sub(map, LIMIT_MINUTE, ID, INDEX, 5);
	(void)hostmap_local_add(map, LIMIT_MINUTE, ID, INDEX, 1, 9, &count);
	hostmap_local_sub(map, LIMIT_MINUTE, ID, INDEX, 5);
	(void)hostmap_local_add(map, LIMIT_MINUTE, ID, INDEX, 1, 9, &count);
	assert_int_equal(count, 1);
}

/* Ids that all want the same place: the neighbours take them until there is
 * no room; two windows on, the places are free again. */
static void
hostmap_local_add__neighbourhood_full__says_so_and_recovers(void **state)
{
	uint32_t count = 0;
	uint64_t i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		if (hostmap_local_add(map, LIMIT_MINUTE, 2 * i, INDEX, 1, 5,
			&count) == HOSTMAP_FULL)
			break;
		assert_int_equal(count, 1);
	}
	assert_int_equal(i, 64);
	assert_int_equal(hostmap_local_add(map, LIMIT_MINUTE, 2 * i, INDEX + 1,
			     1, 5, &count),
	    HOSTMAP_FULL);

	assert_int_equal(hostmap_local_add(map, LIMIT_MINUTE, 2 * i, INDEX + 2,
			     1, 5, &count),
	    HOSTMAP_COUNTED);
	assert_int_equal(count, 1); /* and nothing of the former owner's */
}

/* Threads and processes, few keys that share neighbours, windows that pass:
 * each key and window is granted its maximum exactly. */
#define N_PROCESSES 4
#define N_THREADS   4
#define N_IDS       40
#define N_WINDOWS   12
#define MAX         50

struct grants {
	_Atomic uint32_t n[N_WINDOWS][N_IDS];
	_Atomic uint32_t n_full;
};

static struct grants *grants;

static void *
take_thread(void *arg)
{
	uint32_t count;

	(void)arg;
	for (uint64_t w = 0; w < N_WINDOWS; w++) {
		for (uint32_t i = 0; i < N_IDS * MAX * 2; i++) {
			/* Same place, names apart; in no order. */
			uint64_t n = (i * 7 + rng_below(3)) % N_IDS;

			switch (hostmap_local_add(map, LIMIT_MINUTE, 2 * n,
			    INDEX + w, 1, MAX, &count)) {
			case HOSTMAP_COUNTED:
				atomic_fetch_add(&grants->n[w][n], 1);
				break;
			case HOSTMAP_OVER:
				break;
			case HOSTMAP_FULL:
				atomic_fetch_add(&grants->n_full, 1);
				break;
			}
		}
	}
	return NULL;
}

static void
take_process(void)
{
	pthread_t t[N_THREADS];
	struct error e;

	hostmap_close(map);
	if (hostmap_open(dir.path, false, &map, &e))
		_exit(1);
	for (int i = 0; i < N_THREADS; i++)
		if (pthread_create(&t[i], NULL, take_thread, NULL) != 0)
			_exit(1);
	for (int i = 0; i < N_THREADS; i++)
		(void)pthread_join(t[i], NULL);
	_exit(0);
}

static void
hostmap_local_add__many_processes_and_windows__grants_exactly(void **state)
{
	int status;

	(void)state;
	grants = mmap(NULL, sizeof(*grants), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(grants, MAP_FAILED);
	for (int i = 0; i < N_PROCESSES; i++)
		if (fork() == 0)
			take_process();
	for (int i = 0; i < N_PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}

	for (int w = 0; w < N_WINDOWS; w++)
		for (int i = 0; i < N_IDS; i++) {
			/* A process far behind may find its window's places
			 * taken: full is a refusal, never a grant. */
			assert_true(grants->n[w][i] <= MAX);
			if (grants->n_full == 0)
				assert_int_equal(grants->n[w][i], MAX);
		}
	(void)munmap(grants, sizeof(*grants));
}

/* A process is killed in the middle of counting, again and again; whoever
 * comes next is neither stuck nor granted more. */
static void
hostmap_local_add__counting_process_is_killed__others_go_on(void **state)
{
	uint32_t count = 0, n_granted = 0;

	(void)state;
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();

		if (pid == 0)
			for (uint64_t n = 0;; n++)
				(void)hostmap_local_add(map, LIMIT_MINUTE,
				    n % N_IDS * 2, INDEX, 1, UINT32_MAX,
				    &count);
		(void)usleep(1000 + rng_below(2000));
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	for (int i = 0; i < 2 * MAX; i++)
		if (hostmap_local_add(map, LIMIT_MINUTE, 1000, INDEX, 1, MAX,
			&count) == HOSTMAP_COUNTED)
			n_granted++;
	assert_int_equal(n_granted, MAX);
}

static void
hostmap_total_add__several_openings__sum_up(void **state)
{
	struct hostmap *other;
	struct error e;

	(void)state;
	assert_ok(hostmap_open(dir.path, false, &other, &e));
	hostmap_total_add(map, HOSTMAP_REQUESTS, 2);
	hostmap_total_add(other, HOSTMAP_REQUESTS, 3);
	assert_int_equal(hostmap_total(map, HOSTMAP_REQUESTS), 5);
	assert_int_equal(hostmap_total(map, HOSTMAP_REFUSALS), 0);
	hostmap_close(other);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    hostmap_open__no_worker_ran_here__says_not_found),
		TEST(hostmap_slot_bump__from_another_opening__is_seen),
		TEST(hostmap_slot_seen__new_or_restored_number__bumps_once),
		TEST(hostmap_duty_try__holder_is_killed__next_one_gets_it),
		TEST(hostmap_cache_switch__several_notice__one_switches),
		TEST(hostmap_cache_probe__many_ask__one_per_interval),
		TEST(hostmap_local_add__at_the_maximum__counts_no_further),
		TEST(hostmap_local_get__in_any_table__is_what_was_counted),
		TEST(hostmap_local_add__close_to_32_bits__does_not_wrap),
		TEST(hostmap_local_sub__nothing_counted__stays_at_zero),
		TEST(
		    hostmap_local_add__neighbourhood_full__says_so_and_recovers),
		TEST(
		    hostmap_local_add__many_processes_and_windows__grants_exactly),
		TEST(
		    hostmap_local_add__counting_process_is_killed__others_go_on),
		TEST(hostmap_total_add__several_openings__sum_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
