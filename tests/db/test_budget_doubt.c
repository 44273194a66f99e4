/* SPDX-License-Identifier: MIT */
/*
 * A worker whose connection breaks while it waits for the answer to the COMMIT
 * of a lease, or of giving one back, on a real server: what became of it is
 * found out, and nothing stays leased that nobody can spend.
 */
#include "db/fixture_db.h"

#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "domain/budget_book.h"
#include "store/db_pool.h"
#include "store/db_priv.h"

#define USD INT64_C(1000000000000)

/* How the next COMMIT is lost. */
static enum {
	ANSWERED,
	MADE_UNANSWERED,
	NOT_MADE
} loss;

static struct fixture f;
static struct db *root;
static struct db_pool *pool;
static struct budget_book *book;
static struct principal who;

enum err __real_store_budget_lease(struct db *db,
    const struct budget_span *span, const uint8_t series[16], int64_t by_pusd,
    uint64_t change_no, struct error *e);
enum err __wrap_store_budget_lease(struct db *db,
    const struct budget_span *span, const uint8_t series[16], int64_t by_pusd,
    uint64_t change_no, struct error *e);
enum err __real_store_budget_return(struct db *db,
    const struct budget_span *span, const uint8_t series[16], int64_t by_pusd,
    uint64_t change_no, struct error *e);
enum err __wrap_store_budget_return(struct db *db,
    const struct budget_span *span, const uint8_t series[16], int64_t by_pusd,
    uint64_t change_no, struct error *e);

/* Before the COMMIT: nothing can be read any more, or the server ends it. */
static void
cut(struct db *db)
{
	char text[60];

	if (loss == MADE_UNANSWERED)
		assert_int_equal(shutdown((int)db->my.net.fd, SHUT_RD), 0);
	(void)snprintf(text, sizeof(text), "KILL %lu",
	    mysql_thread_id(&db->my));
	if (loss == NOT_MADE)
		fixture_sql(root, text);
	loss = ANSWERED;
}

enum err
__wrap_store_budget_lease(struct db *db, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, uint64_t change_no,
    struct error *e)
{
	enum err err = __real_store_budget_lease(db, span, series, by_pusd,
	    change_no, e);

	cut(db);
	return err;
}

enum err
__wrap_store_budget_return(struct db *db, const struct budget_span *span,
    const uint8_t series[16], int64_t by_pusd, uint64_t change_no,
    struct error *e)
{
	enum err err = __real_store_budget_return(db, span, series, by_pusd,
	    change_no, e);

	cut(db);
	return err;
}

static int
setup(void **state)
{
	static unsigned serial;
	struct db_options opt = fixture_options(FIXTURE_APP);
	struct budget_book_params p = { .series = { (uint8_t)++serial } };
	char text[300];

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	root = fixture_connect(FIXTURE_ROOT);
	who = (struct principal){ .customer_id = fixture_customer(&f, serial),
		.n_budgets = 1 };
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO budgets (budget_id, customer_id, scope, scope_id, "
	    "kind, period, amount_usd, notify_at_percent) VALUES (%u, %llu, "
	    "'customer', %llu, 'hard', 'total', 1, '')",
	    serial, (unsigned long long)who.customer_id,
	    (unsigned long long)who.customer_id);
	fixture_sql(f.db, text);
	who.budgets[0] = (struct budget_ref){ .budget_id = serial,
		.scope = BUDGET_CUSTOMER,
		.kind = BUDGET_HARD,
		.period = BUDGET_TOTAL };
	p.db = pool = db_pool_new(&opt, 2);
	assert_non_null(pool);
	assert_ok(budget_book_new(&p, &book, &f.e));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	budget_book_free(book);
	db_pool_free(pool);
	db_free(root);
	fixture_fini(&f);
	return 0;
}

static enum err
hold(int64_t pusd, struct budget_hold *ret)
{
	const struct budget_ask ask = { &who, clock_now_ms(), pusd, pusd };

	return budget_hold_take(book, &ask, ret, &f.e);
}

/* In hundredths of a cent; -1: there is no row. */
static int64_t
leased(void)
{
	char text[160];

	(void)snprintf(text, sizeof(text),
	    "SELECT CAST(COALESCE(SUM(leased_usd) * 10000 + 1, 0) AS UNSIGNED) "
	    "FROM budget_leases WHERE budget_id = %u",
	    (unsigned)who.budgets[0].budget_id);
	return (int64_t)fixture_number(f.db, text) - 1;
}

static void
tidy_idle(void)
{
	budget_book_tidy(book, clock_mono_ms() + 60000);
}

static void
lease__commit_unanswered__is_not_lost(void **state)
{
	struct budget_hold h;

	(void)state;
	loss = MADE_UNANSWERED;
	assert_int_equal(hold(USD / 1000, &h), ERR_DB_UNCERTAIN);

	tidy_idle(); /* waits for that transaction */

	assert_int_equal(leased(), 0);
	assert_ok(hold(USD, &h)); /* all of it */
	budget_hold_settle(&h, 0);
}

static void
lease__connection_killed__was_never_there(void **state)
{
	struct budget_hold h;

	(void)state;
	loss = NOT_MADE;
	assert_int_equal(hold(USD / 1000, &h), ERR_DB_UNCERTAIN);
	tidy_idle();
	assert_int_equal(leased(), -1);
	assert_ok(hold(USD, &h));
	assert_int_equal(leased(), 10000);
	budget_hold_settle(&h, 0);
}

static void
give_back__commit_unanswered_or_not_made__all_is_given_back(void **state)
{
	struct budget_hold h;

	(void)state;
	for (int i = MADE_UNANSWERED; i <= NOT_MADE; i++) {
		assert_ok(hold(USD / 1000, &h));
		budget_hold_settle(&h, 0);
		assert_true(leased() > 0);
		loss = i;
		tidy_idle();
		assert_int_equal(loss, ANSWERED);
		tidy_idle();
		assert_int_equal(leased(), 0);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(lease__commit_unanswered__is_not_lost),
		T(lease__connection_killed__was_never_there),
		T(give_back__commit_unanswered_or_not_made__all_is_given_back),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
