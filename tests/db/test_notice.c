/* SPDX-License-Identifier: MIT */
/* Notices: once for each cause, whoever writes them and however often. */
#include "db/fixture_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "domain/notice.h"
#include "domain/retention.h"
#include "store/notice.h"

#define CALLERS 8
#define CAUSES  20

static struct fixture *const f = &store_fixture;

static struct notice
budget_notice(uint64_t customer_id, struct str cause)
{
	return (struct notice){ .customer_id = customer_id,
		.kind = NOTICE_BUDGET_REACHED,
		.cause = cause,
		.payload = S("{\"budget_id\":12,\"percent\":80}") };
}

static void
notice__same_cause_twice__is_there_once(void **state)
{
	uint64_t c = fixture_customer(f, serial);
	struct notice n = budget_notice(c, S("12:2026-11:80"));
	bool is_new = false;

	(void)state;
	assert_db_ok(f, notice_add(f->db, &n, &is_new, &f->e));
	assert_true(is_new);
	assert_db_ok(f, notice_add(f->db, &n, &is_new, &f->e));
	assert_false(is_new);
	n.cause = S("12:2026-12:80");
	assert_db_ok(f, notice_add(f->db, &n, &is_new, &f->e));
	assert_true(is_new);
	n.customer_id = fixture_customer(f, serial + 1000);
	assert_db_ok(f, notice_add(f->db, &n, &is_new, &f->e));
	assert_true(is_new);
}

static void
notice__bad_cause_or_payload__is_refused(void **state)
{
	static const char too_long[NOTICE_CAUSE_BYTES + 1] = { 0 };
	const struct str causes[] = { S(""), S("a b"), S("a\nb"), S("\303\244"),
		str_make(too_long, sizeof(too_long)) };
	uint64_t c = fixture_customer(f, serial);
	struct notice n;

	(void)state;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		n = budget_notice(c, causes[i]);
		assert_int_equal(notice_add(f->db, &n, NULL, &f->e),
		    ERR_BAD_PARAM);
	}
	n = budget_notice(c, S("x"));
	n.payload = S("{");
	assert_int_equal(notice_add(f->db, &n, NULL, &f->e), ERR_BAD_PARAM);
	n = budget_notice(UINT32_MAX, S("x"));
	assert_int_equal(notice_add(f->db, &n, NULL, &f->e), ERR_BAD_PARAM);
}

struct txn_arg {
	struct notice n;
	bool is_new, fails;
};

static enum err
add_txn(struct db *db, void *arg, struct error *e)
{
	struct txn_arg *t = arg;
	enum err err = notice_add(db, &t->n, &t->is_new, e);

	if (!err && t->fails)
		return error_set(e, ERR_IO, "rolled back");
	return err;
}

static void
notice__transaction_rolled_back__was_never_there(void **state)
{
	struct txn_arg t = { .n = budget_notice(fixture_customer(f, serial),
				 S("1:day:50")),
		.fails = true };

	(void)state;
	assert_int_equal(db_txn(f->db, add_txn, &t, &f->e), ERR_IO);
	t.fails = false;
	assert_db_ok(f, db_txn(f->db, add_txn, &t, &f->e));
	assert_true(t.is_new);
	assert_db_ok(f, db_txn(f->db, add_txn, &t, &f->e));
	assert_false(t.is_new);
}

struct caller {
	pthread_t thread;
	uint64_t customer_id;
	unsigned n_new;
	enum err err;
};

/* A transaction a cause, as the flushers of several hosts do. */
static void *
caller_main(void *arg)
{
	struct caller *c = arg;
	struct db *db = fixture_connect(FIXTURE_APP);
	struct error e;

	for (unsigned i = 0; i < CAUSES && !c->err; i++) {
		char cause[2] = { (char)('a' + i), 0 };
		struct txn_arg t = { .n = budget_notice(c->customer_id,
					 str_from(cause)) };

		c->err = db_txn(db, add_txn, &t, &e);
		c->n_new += !c->err && t.is_new;
	}
	db_free(db);
	db_thread_fini();
	return NULL;
}

static void
notice__eight_callers_at_once__each_cause_is_told_of_once(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	struct caller callers[CALLERS] = { 0 };
	unsigned n_new = 0;

	(void)state;
	for (unsigned i = 0; i < CALLERS; i++) {
		callers[i].customer_id = customer_id;
		assert_int_equal(pthread_create(&callers[i].thread, NULL,
				     caller_main, &callers[i]),
		    0);
	}
	for (unsigned i = 0; i < CALLERS; i++) {
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
		assert_int_equal(callers[i].err, OK);
		n_new += callers[i].n_new;
	}
	assert_int_equal(n_new, CAUSES);
}

/* ---- deliveries ---- */

#define MOST 64

struct taker {
	pthread_t thread;
	struct notice_delivery got[MOST];
	size_t n;
	atomic_bool is_over;
};

static void *
taker_main(void *arg)
{
	struct taker *t = arg;
	struct db *db = fixture_connect(FIXTURE_APP);
	struct error e;

	while (t->n < MOST &&
	       store_notice_claim(db, true, 60, &t->got[t->n], &e) == OK)
		t->n++;
	atomic_store(&t->is_over, true);
	db_free(db);
	db_thread_fini();
	return NULL;
}

/* A customer with so many notices by e-mail, and nobody else's. */
static void
make_due(unsigned n)
{
	uint64_t n_routed = 1, c = fixture_customer(f, serial);

	for (unsigned i = 0; i < n; i++) {
		char cause[] = { (char)('!' + i), 0 };
		struct notice one = budget_notice(c, str_from(cause));

		assert_db_ok(f, notice_add(f->db, &one, NULL, &f->e));
	}
	while (n_routed)
		assert_db_ok(f,
		    store_notice_route(f->db, true, &n_routed, &f->e));
	fixture_sql(f->db, "UPDATE notice_deliveries SET state = 'sent' "
			   "WHERE attempts > 0");
}

static void
claim__eight_takers_at_once__each_delivery_is_anybodys_once(void **state)
{
	static struct taker takers[CALLERS];
	uint64_t n_due;
	size_t n = 0;

	(void)state;
	make_due(40);
	n_due = fixture_number(f->db,
	    "SELECT COUNT(*) FROM notice_deliveries WHERE state = 'pending'");
	for (unsigned i = 0; i < CALLERS; i++)
		assert_int_equal(pthread_create(&takers[i].thread, NULL,
				     taker_main, &takers[i]),
		    0);
	for (unsigned i = 0; i < CALLERS; i++) {
		assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
		n += takers[i].n;
	}
	assert_int_equal(n, n_due);
	assert_int_equal(0,
	    fixture_number(f->db, "SELECT COUNT(*) FROM notice_deliveries "
				  "WHERE attempts > 1"));
}

/* Whoever puts a silent receiver's notices behind looks at others' on the way:
 * what is held for that moment is no reason to take another one. */
static void
claim__the_next_is_held_for_a_moment__waits_for_it(void **state)
{
	static struct taker taker;
	struct db *other = fixture_connect(FIXTURE_APP);
	struct db *root = fixture_connect(FIXTURE_ROOT);
	uint64_t first;

	(void)state;
	make_due(2);
	fixture_sql(other, "START TRANSACTION");
	first = fixture_number(other,
	    "SELECT notice_id FROM notice_deliveries WHERE state = 'pending' "
	    "ORDER BY next_attempt_at LIMIT 1 FOR UPDATE");
	assert_int_equal(pthread_create(&taker.thread, NULL, taker_main,
			     &taker),
	    0);
	while (
	    !atomic_load(&taker.is_over) &&
	    !fixture_number(root,
		"SELECT variable_value FROM information_schema.global_status "
		"WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'"))
		(void)usleep(10000);
	fixture_sql(other, "COMMIT");
	assert_int_equal(pthread_join(taker.thread, NULL), 0);
	assert_int_equal(taker.n, 2);
	assert_int_equal(taker.got[0].notice_id, first);
	db_free(root);
	db_free(other);
}

static void
claim__never_settled__is_anothers_when_its_time_is_over(void **state)
{
	struct notice_delivery first, second;
	struct error e;

	(void)state;
	make_due(1);
	assert_db_ok(f, store_notice_claim(f->db, true, 60, &first, &f->e));
	assert_int_equal(store_notice_claim(f->db, true, 60, &second, &e),
	    ERR_NOT_FOUND);
	fixture_sql(f->db, "UPDATE notice_deliveries SET next_attempt_at = "
			   "NOW(6) WHERE state = 'pending'");
	assert_db_ok(f, store_notice_claim(f->db, true, 60, &second, &f->e));
	assert_int_equal(second.notice_id, first.notice_id);
	assert_int_equal(second.attempts, 2);

	/* The first one is late, and has no say any more. */
	assert_db_ok(f, store_notice_failed(f->db, &first, NOTICE_DEAD, 0,
			    S("late"), &f->e));
	assert_int_equal(1,
	    fixture_number(f->db, "SELECT COUNT(*) FROM notice_deliveries "
				  "WHERE state = 'pending'"));
	assert_db_ok(f, store_notice_sent(f->db, &second, &f->e));
	assert_int_equal(0,
	    fixture_number(f->db, "SELECT COUNT(*) FROM notice_deliveries "
				  "WHERE state = 'pending'"));
}

static void
claim__host_without_sendmail__leaves_e_mail_to_others(void **state)
{
	struct notice_delivery d;
	struct error e;

	(void)state;
	make_due(1);
	assert_int_equal(store_notice_claim(f->db, false, 60, &d, &e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_notice_claim(f->db, true, 60, &d, &f->e));
	assert_int_equal(d.channel, NOTICE_EMAIL);
}

static void
retention__old_notices__go_unless_they_are_still_to_be_sent(void **state)
{
	uint64_t n;
	struct notice one;

	(void)state;
	make_due(4); /* sent, dead, pending, young */
	fixture_sql(f->db, "UPDATE notice_deliveries SET state = 'sent'");
	fixture_sql(f->db, "UPDATE notices SET created_at = NOW(6)");
	one = budget_notice(fixture_customer(f, serial + 1000), S("unrouted"));
	assert_db_ok(f, notice_add(f->db, &one, NULL, &f->e));
	fixture_sql(f->db,
	    "UPDATE notices SET created_at = NOW(6) - INTERVAL 8 DAY WHERE "
	    "notice_id >= (SELECT m FROM (SELECT MAX(notice_id) - 4 AS m FROM "
	    "notices) x)");
	fixture_sql(f->db,
	    "UPDATE notices SET created_at = NOW(6) - INTERVAL 6 DAY WHERE "
	    "notice_id = (SELECT m FROM (SELECT MAX(notice_id) - 1 AS m FROM "
	    "notices) x)");
	fixture_sql(f->db,
	    "UPDATE notice_deliveries SET state = 'dead' WHERE notice_id = "
	    "(SELECT MAX(notice_id) - 3 FROM notices)");
	fixture_sql(f->db,
	    "UPDATE notice_deliveries SET state = 'pending' WHERE notice_id = "
	    "(SELECT MAX(notice_id) - 2 FROM notices)");

	assert_db_ok(f,
	    retention_notices(f->db, RETENTION_MIN_MS / 1000, &n, &f->e));

	assert_int_equal(n, 2);
	assert_int_equal(3,
	    fixture_number(f->db,
		"SELECT COUNT(*) FROM notices "
		"WHERE notice_id > (SELECT MAX(notice_id) - 5 FROM notices)"));
}

#define N_WAITING 5000

static uint64_t
rows_written(void)
{
	return fixture_number(f->db,
	    "SELECT variable_value FROM information_schema.session_status "
	    "WHERE variable_name = 'Handler_update'");
}

/* So many due ones of a customer by webhook, the newest of which have been
 * due the longest. */
static uint64_t
make_waiting(unsigned n)
{
	uint64_t n_routed = 1, c = fixture_customer(f, serial + 2000);
	struct db *root = fixture_connect(FIXTURE_ROOT);
	char text[600];

	fixture_sql(root, "USE tollgate");
	while (n_routed)
		assert_db_ok(f,
		    store_notice_route(f->db, true, &n_routed, &f->e));
	fixture_sql(root, "UPDATE notice_deliveries SET state = 'sent'");
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO notices (uid, customer_id, kind, cause, payload, "
	    "is_routed) SELECT UNHEX(MD5(CONCAT('waits', seq))), %llu, "
	    "'notice.test', seq, '{}', 1 FROM seq_1_to_%u",
	    (unsigned long long)c, n);
	fixture_sql(root, text);
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO notice_deliveries (notice_id, channel, "
	    "next_attempt_at) SELECT notice_id, 'webhook', NOW(6) - INTERVAL "
	    "cause SECOND FROM notices WHERE customer_id = %llu",
	    (unsigned long long)c);
	fixture_sql(root, text);
	db_free(root);
	return c;
}

static uint64_t
claimed_customer(struct notice_delivery *d)
{
	struct notice_row n;

	assert_db_ok(f, store_notice_claim(f->db, true, 300, d, &f->e));
	assert_db_ok(f,
	    store_notice_by_id(f->db, d->notice_id, &f->a, &n, &f->e));
	return n.customer_id;
}

/* A receiver that takes its time, of very many: others wait for one try of
 * it, and what waits is written once in NOTICE_TURN_S, not at each try. */
static void
behind__very_many_due__puts_off_the_rest_once(void **state)
{
	uint64_t slow = make_waiting(N_WAITING), before, n_due;
	struct notice_delivery d;
	struct notice other;

	(void)state;
	assert_int_equal(claimed_customer(&d), slow);
	other = budget_notice(fixture_customer(f, serial), S("other"));
	assert_db_ok(f, notice_add(f->db, &other, NULL, &f->e));
	assert_db_ok(f, store_notice_route(f->db, true, &n_due, &f->e));
	before = rows_written();

	assert_db_ok(f,
	    store_notice_behind(f->db, slow, NOTICE_WEBHOOK, &f->e));

	assert_int_equal(rows_written() - before, N_WAITING - 1);
	assert_int_equal(claimed_customer(&d), other.customer_id);
	assert_int_equal(NOTICE_TURN_MAX,
	    fixture_number(f->db,
		"SELECT COUNT(*) FROM notice_deliveries WHERE state = "
		"'pending' AND next_attempt_at <= NOW(6)"));
	/* The oldest stay, as far as they can be tried meanwhile. */
	assert_int_equal(0,
	    fixture_number(f->db,
		"SELECT COUNT(*) FROM notice_deliveries a JOIN "
		"notice_deliveries b ON a.notice_id > b.notice_id WHERE "
		"a.state = 'pending' AND b.state = 'pending' AND a.channel = "
		"'webhook' AND b.channel = 'webhook' AND a.attempts = 0 AND "
		"b.attempts = 0 AND a.next_attempt_at <= NOW(6) AND "
		"b.next_attempt_at > NOW(6)"));
	assert_int_equal(0,
	    fixture_number(f->db,
		"SELECT COUNT(*) FROM notice_deliveries WHERE state = "
		"'pending' AND next_attempt_at > NOW(6) + INTERVAL 300 "
		"SECOND"));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(claimed_customer(&d), slow);
		before = rows_written();
		assert_db_ok(f,
		    store_notice_behind(f->db, slow, NOTICE_WEBHOOK, &f->e));
		assert_in_range(rows_written() - before, 1, NOTICE_TURN_MAX);
	}
}

/* What a program says need not be UTF-8, nor whole. */
static void
failed__reason_in_another_encoding__is_kept_legibly(void **state)
{
	char why[NOTICE_ERROR_BYTES + 2] = "caf\351 \303\244 ";
	struct notice_delivery d;
	size_t n = strlen(why);

	(void)state;
	memset(why + n, 'x', sizeof(why) - n);
	memcpy(why + NOTICE_ERROR_BYTES - 1, "\303\244", 2);
	make_due(1);
	assert_db_ok(f, store_notice_claim(f->db, true, 60, &d, &f->e));

	assert_db_ok(f, store_notice_failed(f->db, &d, NOTICE_DEAD, 0,
			    str_make(why, sizeof(why)), &f->e));

	assert_int_equal(1,
	    fixture_number(f->db,
		"SELECT COUNT(*) FROM notice_deliveries WHERE state = 'dead' "
		"AND last_error LIKE 'caf? \303\244 x%x' "
		"AND LENGTH(last_error) = 249"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(notice__same_cause_twice__is_there_once),
		STORE_TEST(notice__bad_cause_or_payload__is_refused),
		STORE_TEST(notice__transaction_rolled_back__was_never_there),
		STORE_TEST(
		    notice__eight_callers_at_once__each_cause_is_told_of_once),
		STORE_TEST(
		    claim__eight_takers_at_once__each_delivery_is_anybodys_once),
		STORE_TEST(claim__the_next_is_held_for_a_moment__waits_for_it),
		STORE_TEST(
		    claim__never_settled__is_anothers_when_its_time_is_over),
		STORE_TEST(
		    claim__host_without_sendmail__leaves_e_mail_to_others),
		STORE_TEST(
		    retention__old_notices__go_unless_they_are_still_to_be_sent),
		STORE_TEST(behind__very_many_due__puts_off_the_rest_once),
		STORE_TEST(failed__reason_in_another_encoding__is_kept_legibly),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
