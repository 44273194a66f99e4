/* SPDX-License-Identifier: MIT */
/* Slabs of budgets, held and settled: what is asked of the database, and what
 * becomes of slabs that it doesn't answer for. CHECKLIST B6, B8. */
#include "budget_book_fixture.h"

#include "base/clock.h"

static void
hold__slab_suffices__the_database_is_asked_once(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h[3];

	(void)state;
	db.rows[0].amount_pusd = 1000000;
	for (int i = 0; i < 3; i++)
		assert_ok(hold(0, &who, 10, 10, &h[i]));
	assert_int_equal(db.n_leases, 1);
	for (int i = 0; i < 3; i++)
		budget_hold_settle(&h[i], 4);
	book_usage(&who, 0, 12);
	rest();
	assert_int_equal(db.rows[0].leased_pusd[0], 0);
	assert_int_equal(db.rows[0].spent_pusd, 12);
}

static void
hold__less_is_left__is_what_there_is_or_a_refusal(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h, refused;

	(void)state;
	db.rows[0] = (struct rows){ .amount_pusd = 100, .spent_pusd = 40 };
	assert_ok(hold(0, &who, 50, 80, &h));
	assert_int_equal(h.held_pusd, 60);
	assert_int_equal(hold(0, &who, 1, 1, &refused), ERR_QUOTA);
	assert_int_equal(refused.n, 0);
	assert_true(e.quota.is_set);
	assert_int_equal(e.quota.limit_pusd, 100);
	assert_int_equal(e.quota.spent_pusd, 40);
	budget_hold_settle(&h, 0);
	assert_ok(hold(0, &who, 60, 60, &h)); /* nothing is lost */
	budget_hold_settle(&h, 60);
}

/* The database is asked again and again, but writes once. */
static void
hold__refused_for_good__tells_once_until_there_is_more(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	db.rows[0] = (struct rows){ .amount_pusd = 1000, .spent_pusd = 900 };
	assert_int_equal(hold(0, &who, 101, 101, &h), ERR_QUOTA);
	assert_int_equal(db.n_told, 0); /* others still fit */
	db.rows[0].spent_pusd = 960;
	pass_ms(1000);
	assert_ok(hold(0, &who, 30, 30, &h));
	assert_int_equal(hold(0, &who, 30, 30, &h), ERR_QUOTA);
	assert_int_equal(db.n_told, 0); /* what is held may come back */

	for (int i = 0; i < 5; i++) {
		pass_ms(1000);
		assert_int_equal(hold(0, &who, 41, 50, &h), ERR_QUOTA);
	}
	assert_int_equal(db.n_told, 1);
	assert_int_equal(db.n_read, 1);

	db.rows[0].amount_pusd = 1005;
	pass_ms(1000);
	assert_ok(hold(0, &who, 10, 15, &h));
	pass_ms(1000);
	assert_int_equal(hold(0, &who, 46, 50, &h), ERR_QUOTA);
	assert_int_equal(db.n_read, 2); /* whoever wrote it knows the cause */
}

/* B8: whoever settles again finds nothing held, and moves nothing. */
static void
settle__a_second_time__changes_nothing(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h, rest_of_it;

	(void)state;
	db.rows[0].amount_pusd = 100;
	assert_ok(hold(0, &who, 60, 60, &h));
	budget_hold_settle(&h, 20);
	assert_int_equal(h.n, 0);
	budget_hold_settle(&h, 0);
	budget_hold_settle(&h, 60);
	book_usage(&who, 0, 20);
	assert_int_equal(hold(0, &who, 81, 81, &rest_of_it), ERR_QUOTA);
	pass_ms(LONG_MS); /* what was denied is asked again */
	assert_ok(hold(0, &who, 80, 80, &rest_of_it));
	budget_hold_settle(&rest_of_it, 0);
	rest();
	assert_int_equal(db.rows[0].leased_pusd[0], 0);
	assert_int_equal(db.rows[0].spent_pusd, 20);
}

/* Each of them holds no more than the one that has least. */
static void
hold__several_budgets__all_or_none(void **state)
{
	struct principal who = key_of(0, 3);
	struct budget_hold h;

	(void)state;
	db.rows[0].amount_pusd = db.rows[2].amount_pusd = 1000;
	db.rows[1].amount_pusd = 30;
	assert_ok(hold(0, &who, 20, 50, &h));
	assert_int_equal(h.n, 3);
	assert_int_equal(h.held_pusd, 30);
	budget_hold_settle(&h, 5);
	book_usage(&who, 0, 5);
	assert_int_equal(hold(0, &who, 40, 40, &h), ERR_QUOTA);
	rest();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(db.rows[i].leased_pusd[0], 0);
		assert_int_equal(db.rows[i].spent_pusd, 5);
	}
}

static void
hold__database_is_away__spends_what_is_leased(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h[17];
	int n = 0;

	(void)state;
	db.rows[0].amount_pusd = 1600; /* a slab has a sixteenth */
	assert_ok(hold(0, &who, 10, 10, &h[n++]));
	db.is_down = true;
	while (n < 10)
		assert_ok(hold(0, &who, 10, 10, &h[n++]));
	assert_int_equal(hold(0, &who, 10, 10, &h[n]), ERR_DB_DOWN);
	while (n > 0)
		budget_hold_settle(&h[--n], 0);
	assert_ok(hold(0, &who, 70, 100, &h[0]));
	budget_hold_settle(&h[0], 0);
	rest(); /* can't give back now */
	assert_int_equal(db.rows[0].leased_pusd[0], 100);
	db.is_down = false;
	rest();
	assert_int_equal(db.rows[0].leased_pusd[0], 0);
}

/* The COMMIT of a lease is not answered: 640 of it, where it was made. */
static void
lease_uncertain(enum loss loss)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	db.rows[0].amount_pusd = 1000000;
	db.loss = loss;
	assert_int_equal(hold(0, &who, 10, 10, &h), ERR_DB_UNCERTAIN);
	db.is_down = true;
	budget_book_tidy(books[0], clock_mono_ms()); /* can't be known yet */
	assert_int_equal(hold(0, &who, 10, 10, &h), ERR_DB_UNCERTAIN);
	db.is_down = false;
}

static void
lease__uncertain_and_made__goes_back_if_nobody_asks(void **state)
{
	(void)state;
	lease_uncertain(MADE_UNANSWERED);
	assert_int_equal(db.rows[0].leased_pusd[0], 640);
	budget_book_tidy(books[0], clock_mono_ms());
	assert_int_equal(db.rows[0].leased_pusd[0], 0);
	assert_int_equal(db.n_faults, 0);
}

/* By the next request, before anybody tidies: 64 times its need, and what was
 * leased before is not forgotten. */
static void
lease__uncertain__is_taken_over_if_it_was_made(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	for (enum loss loss = MADE_UNANSWERED; loss <= NOT_MADE; loss++) {
		lease_uncertain(loss);
		pass_ms(1000);
		assert_ok(hold(0, &who, 10, 640, &h));
		assert_int_equal(db.rows[0].leased_pusd[0],
		    40960 + (loss == MADE_UNANSWERED ? 640 : 0));
		budget_hold_settle(&h, 0);
		rest();
		assert_int_equal(db.rows[0].leased_pusd[0], 0);
	}
	assert_int_equal(db.n_faults, 0);
}

static void
give_back__uncertain__is_had_again_if_it_was_not_made(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	for (enum loss loss = MADE_UNANSWERED; loss <= NOT_MADE; loss++) {
		db.rows[0].amount_pusd = 1000000;
		assert_ok(hold(0, &who, 10, 10, &h));
		budget_hold_settle(&h, 0);
		db.loss = loss;
		rest();
		assert_int_equal(db.rows[0].leased_pusd[0],
		    loss == NOT_MADE ? 640 : 0);
		rest();
		rest();
		assert_int_equal(db.rows[0].leased_pusd[0], 0);
	}
	assert_int_equal(db.n_faults, 0);
}

/* Taken away meanwhile, with all leases: nothing is ours. */
static void
give_back__uncertain_and_the_lease_is_gone__is_nobodys(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	db.rows[0].amount_pusd = 1000000;
	assert_ok(hold(0, &who, 10, 10, &h));
	budget_hold_settle(&h, 0);
	db.loss = NOT_MADE;
	rest();
	db.rows[0].leased_pusd[0] = 0;
	db.rows[0].change_no[0] = 0;
	rest();
	rest();
	assert_int_equal(db.n_faults, 0);
	db.is_down = true;
	assert_int_equal(hold(0, &who, 10, 10, &h), ERR_DB_DOWN);
}

/* A slab that was leased when there was plenty. */
static void
hold__the_rest_was_spent_meanwhile__finds_what_others_do_not_use(void **state)
{
	struct principal who = key_of(0, 1);
	struct budget_hold h;

	(void)state;
	db.rows[0].amount_pusd = 1000000;
	assert_ok(hold(0, &who, 10, 10, &h));
	budget_hold_settle(&h, 0);
	assert_int_equal(db.rows[0].leased_pusd[0], 640);
	budget_book_tidy(books[0], clock_mono_ms());
	assert_int_equal(db.rows[0].leased_pusd[0], 640); /* for 30 s */
	db.rows[0].spent_pusd = 1000000 - 640;
	assert_int_equal(hold(1, &who, 10, 10, &h), ERR_QUOTA);

	pass_ms(2000); /* as documented */
	budget_book_tidy(books[0], clock_mono_ms());

	assert_int_equal(db.rows[0].leased_pusd[0], 0);
	assert_ok(hold(1, &who, 640, 640, &h));
	budget_hold_settle(&h, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BUDGET_BOOK_TEST(
		    hold__slab_suffices__the_database_is_asked_once),
		BUDGET_BOOK_TEST(
		    hold__less_is_left__is_what_there_is_or_a_refusal),
		BUDGET_BOOK_TEST(
		    hold__refused_for_good__tells_once_until_there_is_more),
		BUDGET_BOOK_TEST(
		    lease__uncertain_and_made__goes_back_if_nobody_asks),
		BUDGET_BOOK_TEST(
		    lease__uncertain__is_taken_over_if_it_was_made),
		BUDGET_BOOK_TEST(
		    give_back__uncertain__is_had_again_if_it_was_not_made),
		BUDGET_BOOK_TEST(
		    give_back__uncertain_and_the_lease_is_gone__is_nobodys),
		BUDGET_BOOK_TEST(settle__a_second_time__changes_nothing),
		BUDGET_BOOK_TEST(hold__several_budgets__all_or_none),
		BUDGET_BOOK_TEST(
		    hold__the_rest_was_spent_meanwhile__finds_what_others_do_not_use),
		BUDGET_BOOK_TEST(hold__database_is_away__spends_what_is_leased),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
