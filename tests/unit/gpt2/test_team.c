/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "gpt2/team.h"

static void
team_share__any_numbers__covers_each_thing_once(void **state)
{
	(void)state;
	for (unsigned members = 1; members <= 9; members++) {
		for (uint32_t n = 0; n < 100; n++) {
			for (uint32_t grain = 1; grain <= 17; grain += 4) {
				uint32_t at = 0;

				for (unsigned m = 0; m < members; m++) {
					struct team_share s =
					    team_share(members, m, n, grain);

					assert_int_equal(s.first, at);
					assert_true(s.last >= s.first);
					assert_true(
					    s.last == n || s.last % grain == 0);
					at = s.last;
				}
				assert_int_equal(at, n);
			}
		}
	}
}

static void
team_share__the_largest_numbers__do_not_overflow(void **state)
{
	struct team_share s;

	(void)state;
	s = team_share(TEAM_THREADS_MAX, TEAM_THREADS_MAX - 1, UINT32_MAX, 1);
	assert_int_equal(s.last, UINT32_MAX);
	s = team_share(TEAM_THREADS_MAX, 0, UINT32_MAX, 16);
	assert_int_equal(s.first, 0);
	assert_int_equal(s.last, 1U << 26);
}

static void
team_share__shares__differ_by_a_grain_at_most(void **state)
{
	(void)state;
	for (unsigned m = 0; m < 7; m++) {
		struct team_share s = team_share(7, m, 1000, 4);
		uint32_t n = s.last - s.first;

		assert_true(n == 140 || n == 144);
	}
}

#define MEMBERS_MAX 5

/* Each step every member writes its own number and, after a meeting, reads
 * the others': without one, ThreadSanitizer or the sum complains. */
struct rounds {
	struct team *team;
	unsigned n_members, n_steps;
	unsigned numbers[MEMBERS_MAX];
	unsigned n_wrong[MEMBERS_MAX];
};

static void
count_rounds(void *ctx, unsigned member)
{
	struct rounds *r = ctx;

	for (unsigned step = 1; step <= r->n_steps; step++) {
		r->numbers[member] = step * (member + 1);
		team_meet(r->team);
		for (unsigned i = 0; i < r->n_members; i++)
			r->n_wrong[member] += r->numbers[i] != step * (i + 1);
		team_meet(r->team);
	}
}

static void
team_meet__many_times__keeps_all_in_step(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= MEMBERS_MAX; n++) {
		struct rounds r = { .n_members = n, .n_steps = 50 };
		struct error e;

		assert_ok(team_new(n, &r.team, &e));
		assert_int_equal(team_size(r.team), n);
		for (unsigned run = 0; run < 10; run++)
			team_run(r.team, count_rounds, &r);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(r.n_wrong[i], 0);
		team_free(r.team);
	}
}

static void
note(void *ctx, unsigned member)
{
	unsigned *counts = ctx;

	counts[member]++;
}

static void
team_run__each_run__is_each_members_once(void **state)
{
	unsigned counts[4] = { 0 };
	struct team *t;
	struct error e;

	(void)state;
	assert_ok(team_new(4, &t, &e));
	for (unsigned i = 1; i <= 200; i++) {
		team_run(t, note, counts);
		/* all are through: their numbers are here */
		for (unsigned m = 0; m < 4; m++)
			assert_int_equal(counts[m], i);
	}
	team_free(t);
}

static void
team_free__members_that_never_ran__end(void **state)
{
	struct team *t;
	struct error e;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		assert_ok(team_new(1 + i % 4, &t, &e));
		team_free(t);
	}
	assert_ok(team_new(TEAM_THREADS_MAX, &t, &e));
	team_free(t);
	team_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    team_share__any_numbers__covers_each_thing_once),
		cmocka_unit_test(
		    team_share__the_largest_numbers__do_not_overflow),
		cmocka_unit_test(team_share__shares__differ_by_a_grain_at_most),
		cmocka_unit_test(team_meet__many_times__keeps_all_in_step),
		cmocka_unit_test(team_run__each_run__is_each_members_once),
		cmocka_unit_test(team_free__members_that_never_ran__end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
