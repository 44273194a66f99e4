/* SPDX-License-Identifier: MIT */
/* The typed functions of store/, table by table. */
#include "db/fixture_db.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/rng.h"
#include "store/audit.h"
#include "store/catalogue.h"
#include "store/customer.h"
#include "store/generation.h"
#include "store/key.h"
#include "store/lease.h"
#include "store/ledger.h"
#include "store/operator_key.h"
#include "store/reconcile.h"
#include "store/refusal.h"
#include "store/report.h"
#include "store/rollup.h"
#include "store/session.h"
#include "store/usage.h"
#include "store/user.h"

static struct fixture fx;
static struct fixture *const f = &fx;
static unsigned serial; /* makes names unique over the tests */

static int
begin(void **state)
{
	(void)state;
	fixture_init(f, FIXTURE_APP);
	serial++;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	assert_false(db_in_txn(f->db));
	fixture_fini(f);
	return 0;
}

static uint64_t
generation(unsigned slot)
{
	static uint64_t all[GENERATION__N];

	assert_db_ok(f, store_generation_read(f->db, all, &f->e));
	return all[slot];
}

static void
customer__inserted__has_owner_and_two_accounts(void **state)
{
	struct ledger_account *accounts;
	struct customer c;
	struct user *users;
	size_t n;
	uint64_t id = fixture_customer(f, serial);

	(void)state;
	assert_db_ok(f, store_customer_by_id(f->db, id, &f->a, &c, &f->e));
	assert_true(c.is_active);
	assert_int_equal(c.markup_ppm, 1000000);
	assert_int_equal(c.rate_limit_per_minute, -1);
	assert_str_is(c.company, "ACME");
	assert_db_ok(f, store_user_list(f->db, id, &f->a, &users, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(users[0].role, USER_OWNER);
	assert_true(str_eq(users[0].email, c.email));
	assert_null(users[0].password_hash.p);
	assert_db_ok(f,
	    store_ledger_accounts(f->db, id, &f->a, &accounts, &n, &f->e));
	assert_int_equal(n, 2);
}

static void
customer__email_in_other_case__is_the_same_one(void **state)
{
	uint64_t id = fixture_customer(f, serial), id2, owner;
	struct customer c = { .name = S("Other"), .markup_ppm = 1000000 };
	struct customer found;
	char email[60];

	(void)state;
	(void)snprintf(email, sizeof(email), "C%u@EXAMPLE.org", serial);
	c.email = str_from(email);

	assert_int_equal(store_customer_insert(f->db, &c, &id2, &owner, &f->e),
	    ERR_CONFLICT);
	assert_db_ok(f,
	    store_customer_by_email(f->db, c.email, &f->a, &found, &f->e));
	assert_int_equal(found.customer_id, id);
}

static void
customer__updated__bumps_the_catalogue(void **state)
{
	uint64_t id = fixture_customer(f, serial);
	uint64_t before = generation(GENERATION_CATALOGUE);
	struct customer c;

	(void)state;
	assert_db_ok(f, store_customer_by_id(f->db, id, &f->a, &c, &f->e));
	c.rate_limit_per_minute = 7;
	c.markup_ppm = 1250001;
	c.company = str_make(NULL, 0);
	assert_db_ok(f, store_customer_update(f->db, &c, &f->e));
	/* The same again changes nothing and still finds its row. */
	assert_db_ok(f, store_customer_update(f->db, &c, &f->e));

	assert_db_ok(f, store_customer_by_id(f->db, id, &f->a, &c, &f->e));
	assert_int_equal(c.rate_limit_per_minute, 7);
	assert_int_equal(c.markup_ppm, 1250001);
	assert_null(c.company.p);
	assert_int_equal(generation(GENERATION_CATALOGUE), before + 2);
	c.customer_id = 999999;
	assert_int_equal(store_customer_update(f->db, &c, &f->e),
	    ERR_NOT_FOUND);
}

static void
customer__list__goes_on_after_an_id(void **state)
{
	uint64_t first = fixture_customer(f, serial++);
	struct customer *rows;
	size_t n;

	(void)state;
	(void)fixture_customer(f, serial++);
	(void)fixture_customer(f, serial);

	assert_db_ok(f,
	    store_customer_list(f->db, first, 1, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].customer_id, first + 1);
	assert_db_ok(f,
	    store_customer_list(f->db, first + 2, 10, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
}

static struct key_auth
auth_of(const uint8_t digest[32])
{
	struct key_auth k;

	assert_db_ok(f, store_key_by_digest(f->db, digest, &f->a, &k, &f->e));
	return k;
}

static void
key__by_digest__brings_models_and_customers_settings(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t m1 = fixture_model(f, "auth-1"),
		 m2 = fixture_model(f, "auth-2");
	const uint64_t models[] = { m2, m1 };
	struct key_new k = { .customer_id = customer_id,
		.public_id = S("0123456789"),
		.pepper_id = 65535,
		.name = S("n"),
		.scopes = KEY_SCOPE_INFER | KEY_SCOPE_MANAGE,
		.model_ids = models,
		.n_models = 2,
		.rate_limit_per_minute = 5,
		.rate_limit_per_hour = -1,
		.expires_at_ms = FIXTURE_TIME_MS,
		.digest = { 200, 0, 1 } };
	struct customer c;
	struct key_auth auth;
	uint64_t id;

	(void)state;
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	assert_db_ok(f,
	    store_customer_by_id(f->db, customer_id, &f->a, &c, &f->e));
	c.rate_limit_per_hour = 900;
	c.markup_ppm = 1500000;
	assert_db_ok(f, store_customer_update(f->db, &c, &f->e));

	auth = auth_of(k.digest);

	assert_int_equal(auth.api_key_id, id);
	assert_int_equal(auth.customer_id, customer_id);
	assert_int_not_equal(auth.user_id, 0);
	assert_int_equal(auth.scopes, KEY_SCOPE_INFER | KEY_SCOPE_MANAGE);
	assert_int_equal(auth.rate_limit_per_minute, 5);
	assert_int_equal(auth.rate_limit_per_hour, -1);
	assert_int_equal(auth.customer_rate_limit_per_hour, 900);
	assert_int_equal(auth.customer_markup_ppm, 1500000);
	assert_int_equal(auth.expires_at_ms, FIXTURE_TIME_MS);
	assert_true(auth.is_active && auth.user_is_active);
	assert_true(auth.customer_is_active);
	assert_false(auth.all_models);
	assert_int_equal(auth.n_models, 2);
	assert_int_equal(auth.model_ids[0], m1);
	assert_int_equal(auth.model_ids[1], m2);
	assert_str_is(auth.public_id, "0123456789");

	assert_db_ok(f, store_customer_archive(f->db, customer_id, &f->e));
	assert_false(auth_of(k.digest).customer_is_active);
}

static void
key__unknown_digest__is_not_found(void **state)
{
	static const uint8_t digest[32] = { 77 };
	struct key_auth k;

	(void)state;
	assert_int_equal(store_key_by_digest(f->db, digest, &f->a, &k, &f->e),
	    ERR_NOT_FOUND);
}

static void
key__unknown_model__nothing_is_inserted(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial), id;
	const uint64_t models[] = { 4000000 };
	struct key_new k = { .customer_id = customer_id,
		.public_id = S("unknownmod"),
		.pepper_id = 1,
		.name = S("n"),
		.scopes = KEY_SCOPE_INFER,
		.model_ids = models,
		.n_models = 1,
		.rate_limit_per_minute = -1,
		.rate_limit_per_hour = -1,
		.digest = { 201 } };
	struct key_auth auth;

	(void)state;
	assert_int_equal(store_key_insert(f->db, &k, &id, &f->e),
	    ERR_BAD_PARAM);
	assert_int_equal(store_key_by_digest(f->db, k.digest, &f->a, &auth,
			     &f->e),
	    ERR_NOT_FOUND);
}

static void
key__toggled__inverts_and_bumps_its_slot(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, customer_id, serial);
	uint64_t before = generation(generation_key_slot(id));
	bool is_active;

	(void)state;
	assert_db_ok(f,
	    store_key_toggle(f->db, customer_id, id, -1, &is_active, &f->e));
	assert_false(is_active);
	assert_db_ok(f, store_key_toggle(f->db, 0, id, -1, &is_active, &f->e));
	assert_true(is_active);
	assert_db_ok(f, store_key_toggle(f->db, 0, id, 1, &is_active, &f->e));
	assert_true(is_active);
	assert_int_equal(generation(generation_key_slot(id)), before + 3);
}

static void
key__of_another_customer__is_not_found_and_unchanged(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, theirs, serial);
	struct key k;
	bool is_active;

	(void)state;
	assert_int_equal(store_key_toggle(f->db, mine, id, -1, &is_active,
			     &f->e),
	    ERR_NOT_FOUND);
	assert_int_equal(store_key_revoke(f->db, mine, id, &f->e),
	    ERR_NOT_FOUND);
	assert_int_equal(store_key_by_id(f->db, mine, id, &f->a, &k, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_key_by_id(f->db, theirs, id, &f->a, &k, &f->e));
	assert_true(k.is_active);
	assert_int_equal(k.revoked_at_ms, 0);
}

static void
key__revoked__stays_revoked_and_cannot_be_toggled(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, customer_id, serial);
	struct key first, again;
	bool is_active;

	(void)state;
	assert_db_ok(f, store_key_revoke(f->db, customer_id, id, &f->e));
	assert_db_ok(f,
	    store_key_by_id(f->db, customer_id, id, &f->a, &first, &f->e));
	assert_db_ok(f, store_key_revoke(f->db, 0, id, &f->e));
	assert_db_ok(f,
	    store_key_by_id(f->db, customer_id, id, &f->a, &again, &f->e));

	assert_false(first.is_active);
	assert_int_not_equal(first.revoked_at_ms, 0);
	assert_int_equal(first.revoked_at_ms, again.revoked_at_ms);
	assert_int_equal(store_key_toggle(f->db, 0, id, 1, &is_active, &f->e),
	    ERR_CONFLICT);
}

static void
key__touched__keeps_the_latest_time(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, customer_id, serial);
	struct key_use late = { id, FIXTURE_TIME_MS },
		       early = { id, FIXTURE_TIME_MS - 5000 };
	struct key k;

	(void)state;
	assert_db_ok(f, store_key_touch(f->db, &late, 1, &f->e));
	assert_db_ok(f, store_key_touch(f->db, &early, 1, &f->e));

	assert_db_ok(f,
	    store_key_by_id(f->db, customer_id, id, &f->a, &k, &f->e));
	assert_int_equal(k.last_used_at_ms, FIXTURE_TIME_MS);
}

static void
key__models_replaced__only_the_new_ones_remain(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, customer_id, serial);
	uint64_t m1 = fixture_model(f, "set-1"), m2 = fixture_model(f, "set-2");
	uint64_t *models;
	size_t n;

	(void)state;
	assert_db_ok(f, store_key_set_models(f->db, id, false, &m1, 1, &f->e));
	assert_db_ok(f, store_key_set_models(f->db, id, false, &m2, 1, &f->e));

	assert_db_ok(f, store_key_models(f->db, id, &f->a, &models, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(models[0], m2);
}

static void
operator_key__revoked__is_found_as_revoked(void **state)
{
	struct operator_key_new k = { .public_id = S("operator01"),
		.digest = { 5, 5 },
		.pepper_id = 1,
		.name = S("root") };
	struct operator_key found;
	uint64_t id, before;

	(void)state;
	assert_db_ok(f, store_operator_key_insert(f->db, &k, &id, &f->e));
	before = generation(generation_key_slot(id));
	assert_db_ok(f, store_operator_key_revoke(f->db, id, &f->e));

	assert_db_ok(f, store_operator_key_by_digest(f->db, k.digest, &f->a,
			    &found, &f->e));
	assert_false(found.is_active);
	assert_int_not_equal(found.revoked_at_ms, 0);
	assert_int_equal(generation(generation_key_slot(id)), before + 1);
}

static void
session__idle_or_user_off__is_not_found(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial), user_id;
	struct session_new s = { .digest = { 9, 9, (uint8_t)serial },
		.max_s = 3600,
		.client_address = S("2001:db8::1"),
		.user_agent = S("test") };
	struct session found;

	(void)state;
	assert_db_ok(f,
	    store_user_owner_id(f->db, customer_id, &user_id, &f->e));
	s.user_id = user_id;
	assert_db_ok(f, store_session_insert(f->db, &s, &f->e));
	assert_db_ok(f,
	    store_session_by_digest(f->db, s.digest, 60, &f->a, &found, &f->e));
	assert_int_equal(found.customer_id, customer_id);
	assert_int_equal(found.role, USER_OWNER);
	assert_in_range(found.expires_at_ms - found.created_at_ms, 3599000,
	    3601000);

	assert_int_equal(store_session_by_digest(f->db, s.digest, 0, &f->a,
			     &found, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_user_set_active(f->db, user_id, false, &f->e));
	assert_db_ok(f, store_user_set_active(f->db, user_id, true, &f->e));
	assert_int_equal(store_session_by_digest(f->db, s.digest, 60, &f->a,
			     &found, &f->e),
	    ERR_NOT_FOUND);
}

static void
user__failed_sign_ins__are_counted_until_a_success(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial), user_id;
	struct user u;

	(void)state;
	assert_db_ok(f,
	    store_user_owner_id(f->db, customer_id, &user_id, &f->e));
	assert_db_ok(f, store_user_sign_in_failed(f->db, user_id, &f->e));
	assert_db_ok(f, store_user_sign_in_failed(f->db, user_id, &f->e));
	assert_db_ok(f, store_user_by_id(f->db, user_id, &f->a, &u, &f->e));
	assert_int_equal(u.sign_in_failures, 2);
	assert_int_not_equal(u.sign_in_failed_at_ms, 0);

	assert_db_ok(f, store_user_signed_in(f->db, user_id, &f->e));
	assert_db_ok(f, store_user_by_id(f->db, user_id, &f->a, &u, &f->e));
	assert_int_equal(u.sign_in_failures, 0);
	assert_int_equal(u.sign_in_failed_at_ms, 0);
	assert_int_not_equal(u.last_sign_in_at_ms, 0);
	assert_int_equal(store_user_signed_in(f->db, 999999, &f->e),
	    ERR_NOT_FOUND);
}

static void
catalogue__loaded__has_what_was_made(void **state)
{
	uint64_t model_id = fixture_model(f, "catalogue-1");
	struct price p = { .model_id = model_id,
		.request_pusd = 3,
		.tok_pusd = { { 1, 2, 3, 4, 5, 6, 7, 8 },
		    { 11, 12, 13, 14, 15, 16, 17, INT64_C(99999999999999) } },
		.note = S("list of 2026-11-01") };
	struct catalogue_rows rows;
	const struct price *found = NULL;
	uint64_t id;

	(void)state;
	assert_db_ok(f, store_price_insert(f->db, &p, &id, &f->e));

	assert_db_ok(f, store_catalogue_load(f->db, &f->a, &rows, &f->e));

	for (size_t i = 0; i < rows.n_prices; i++)
		if (rows.prices[i].price_version_id == id)
			found = &rows.prices[i];
	assert_non_null(found);
	assert_memory_equal(found->tok_pusd, p.tok_pusd, sizeof(p.tok_pusd));
	assert_int_equal(found->request_pusd, 3);
	assert_in_range(found->effective_from_ms, clock_now_ms() - 60000,
	    clock_now_ms() + 60000);
	assert_true(rows.n_models > 0 && rows.n_providers > 0);
	assert_int_equal(rows.models[rows.n_models - 1].model_id, model_id);
	assert_int_equal(rows.deployments[rows.n_deployments - 1].model_id,
	    model_id);
}

static void
price__current__leaves_out_what_was_superseded_long_ago(void **state)
{
	struct price p = { .model_id = fixture_model(f, "price-1") };
	int64_t now_ms = clock_now_ms();
	const int64_t starts[] = { now_ms - 9 * DAY_MS, now_ms - 5 * DAY_MS,
		now_ms - HOUR_MS, now_ms + 9 * DAY_MS };
	struct price *prices;
	uint64_t ids[4];
	size_t n, n_mine = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		p.effective_from_ms = starts[i];
		assert_db_ok(f, store_price_insert(f->db, &p, &ids[i], &f->e));
	}

	assert_db_ok(f, store_price_current(f->db, &f->a, &prices, &n, &f->e));

	for (size_t i = 0; i < n; i++) {
		if (prices[i].model_id != p.model_id)
			continue;
		n_mine++;
		assert_int_equal(prices[i].price_version_id, ids[n_mine]);
		assert_int_equal(prices[i].effective_from_ms, starts[n_mine]);
	}
	assert_int_equal(n_mine, 3);
}

static void
price__negative__is_refused(void **state)
{
	struct price p = { .model_id = fixture_model(f, "price-2"),
		.effective_from_ms = FIXTURE_TIME_MS };
	uint64_t id;

	(void)state;
	p.tok_pusd[TOK_LONG][TOK_OUT_IMAGE] = -1;
	assert_int_equal(store_price_insert(f->db, &p, &id, &f->e),
	    ERR_BAD_PARAM);
}

static void
lease__taken_lost_and_checked(void **state)
{
	struct lease a = { .name = S("duty"), .holder = { 1 } };
	struct lease b = { .name = S("duty"), .holder = { 2 } };

	(void)state;
	assert_db_ok(f, store_lease_take(f->db, &a, 60000, &f->e));
	assert_int_equal(store_lease_take(f->db, &b, 60000, &f->e),
	    ERR_CONFLICT);
	assert_db_ok(f, store_lease_check(f->db, &a, &f->e));
	assert_db_ok(f, store_lease_renew(f->db, &a, 0, &f->e));

	assert_db_ok(f, store_lease_take(f->db, &b, 60000, &f->e));

	assert_int_equal(b.fence, a.fence + 1);
	assert_int_equal(store_lease_check(f->db, &a, &f->e), ERR_CONFLICT);
	assert_int_equal(store_lease_renew(f->db, &a, 60000, &f->e),
	    ERR_CONFLICT);
	assert_db_ok(f, store_lease_release(f->db, &a, &f->e));
	assert_db_ok(f, store_lease_check(f->db, &b, &f->e));
	assert_db_ok(f, store_lease_release(f->db, &b, &f->e));
	assert_db_ok(f, store_lease_take(f->db, &a, 60000, &f->e));
}

static void
audit__listed__newest_first_and_of_one_customer(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	struct audit a = { .actor = AUDIT_OPERATOR_KEY,
		.actor_id = 3,
		.customer_id = customer_id,
		.action = S("key.revoke"),
		.object = S("api_key"),
		.object_id = 8,
		.is_success = true,
		.client_address = S("192.0.2.1"),
		.detail = S("{\"a\":1}") };
	struct audit *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	a.action = S("key.toggle");
	assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));

	assert_db_ok(f,
	    store_audit_list(f->db, customer_id, 10, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 2);
	assert_str_is(rows[0].action, "key.toggle");
	assert_str_is(rows[1].detail, "{\"a\":1}");
	assert_int_equal(rows[1].actor, AUDIT_OPERATOR_KEY);
	assert_null(rows[1].request_id.p);
}

/* What the flusher does in one transaction. */
struct batch {
	const struct usage_row *rows;
	size_t n;
	const struct ledger_usage *posts;
	size_t n_posts;
};

static enum err
post_txn(struct db *db, void *arg, struct error *e)
{
	const struct batch *b = arg;
	struct arena_mark mark = arena_mark(&f->a);
	enum err err = store_usage_insert(db, b->rows, b->n, e);

	if (err == OK)
		err = store_rollup_usage(db, b->rows, b->n, &f->a, e);
	if (err == OK)
		err = store_ledger_usage(db, b->posts, b->n_posts, &f->a, e);
	arena_rewind(&f->a, mark);
	return err;
}

static void
post(const struct usage_row *rows, size_t n, uint64_t customer_id,
    const char *cause)
{
	struct ledger_usage ledger = { customer_id, 0, str_from(cause) };
	struct batch b = { rows, n, &ledger, 1 };

	for (size_t i = 0; i < n; i++)
		if (rows[i].cost_pusd != DB_MONEY_NULL)
			ledger.amount_pusd += rows[i].cost_pusd;
	assert_db_ok(f, db_txn(f->db, post_txn, &b, &f->e));
}

static struct reconcile_result
reconcile(void)
{
	struct reconcile_result r;

	assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));
	for (size_t i = 0; i < r.n_diffs; i++)
		print_message("# difference %u of customer %llu\n",
		    r.diffs[i].check,
		    (unsigned long long)r.diffs[i].customer_id);
	return r;
}

/* 300 varied rows of one customer over two days and several hours. */
#define N_ROWS 300
static struct usage_row varied[N_ROWS];

static void
vary(uint64_t customer_id, uint64_t key_id, uint64_t model_id)
{
	uint64_t user_id;

	assert_db_ok(f,
	    store_user_owner_id(f->db, customer_id, &user_id, &f->e));
	for (unsigned i = 0; i < N_ROWS; i++) {
		struct usage_row *u = &varied[i];

		*u = fixture_usage(customer_id, key_id, model_id);
		u->user_id = user_id;
		u->request_timestamp_ms -= (int64_t)(i % 50) * HOUR_MS;
		u->status = i % 10 == 0   ? USAGE_TIMEOUT
			    : i % 10 == 5 ? USAGE_CLIENT_CLOSED
					  : USAGE_OK;
		u->provider_id = i % 3;
		u->latency_ms = i;
		u->time_to_first_token_ms = i % 4 == 0 ? -1 : (int64_t)i / 2;
		u->tok[i % 2][i % TOK_CLASS__MAX] += i;
		if (i % 7 == 0)
			u->cost_pusd = DB_MONEY_NULL;
		if (i % 5 == 0)
			u->usage_source = USAGE_FROM_ESTIMATE;
	}
}

static void
posted_twice__rollups_ledger_and_rows_agree(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t key_id = fixture_key(f, customer_id, serial);
	uint64_t model_id = fixture_model(f, "posted");
	struct ledger_account *accounts;
	struct reconcile_result r;
	size_t n;

	(void)state;
	vary(customer_id, key_id, model_id);
	post(varied, N_ROWS, customer_id, "posted-1");
	vary(customer_id, key_id, model_id);
	post(varied, N_ROWS, customer_id, "posted-2");

	r = reconcile();

	assert_int_equal(r.n_diffs, 0);
	assert_int_equal(r.usage_rows, 2 * N_ROWS);
	assert_int_equal(r.unpriced_rows, 2 * 43);
	assert_int_equal(r.usage_pusd, 2 * (N_ROWS - 43) * INT64_C(1234567));
	assert_db_ok(f, store_ledger_accounts(f->db, customer_id, &f->a,
			    &accounts, &n, &f->e));
	assert_int_equal(accounts[0].balance_pusd, r.usage_pusd);
	assert_int_equal(accounts[1].balance_pusd, -r.usage_pusd);
}

static void
reconcile__rollup_ledger_or_balance_is_off__says_which(void **state)
{
	static const struct {
		const char *spoil, *mend;
		enum reconcile_check check;
	} cases[] = {
		{ "UPDATE usage_hourly SET requests = requests + 1 LIMIT 1",
		    "UPDATE usage_hourly SET requests = requests - 1 LIMIT 1",
		    RECONCILE_HOURLY },
		{ "UPDATE usage_hourly SET ttft_h05 = ttft_h05 + 1 LIMIT 1",
		    "UPDATE usage_hourly SET ttft_h05 = ttft_h05 - 1 LIMIT 1",
		    RECONCILE_HOURLY },
		{ "UPDATE usage_daily SET token_in_count = token_in_count + 1, "
		  "token_out_count = token_out_count - 1 LIMIT 1",
		    "UPDATE usage_daily SET token_in_count = token_in_count - "
		    "1, token_out_count = token_out_count + 1 LIMIT 1",
		    RECONCILE_DAILY },
		{ "UPDATE usage_daily SET cost_in_usd = cost_in_usd + "
		  "0.000000000001 LIMIT 1",
		    "UPDATE usage_daily SET cost_in_usd = cost_in_usd - "
		    "0.000000000001 LIMIT 1",
		    RECONCILE_DAILY },
		{ "UPDATE ledger_accounts SET balance_usd = balance_usd + 1 "
		  "ORDER BY account_id LIMIT 1",
		    "UPDATE ledger_accounts SET balance_usd = balance_usd - 1 "
		    "ORDER BY account_id LIMIT 1",
		    RECONCILE_BALANCE },
	};
	struct db *root = fixture_connect(FIXTURE_ROOT);
	struct reconcile_result r;

	(void)state;
	fixture_sql(root, "USE tollgate");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fixture_sql(root, cases[i].spoil);
		assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));
		assert_int_equal(r.n_diffs, 1);
		assert_int_equal(r.diffs[0].check, cases[i].check);
		fixture_sql(root, cases[i].mend);
	}
	assert_int_equal(reconcile().n_diffs, 0);
	db_free(root);
}

static void
reconcile__row_without_rollup_and_customer__is_found_by_four_checks(
    void **state)
{
	struct usage_row u = fixture_usage(7777, 8888, 9999);
	struct db *root = fixture_connect(FIXTURE_ROOT);
	struct reconcile_result r;

	(void)state;
	assert_db_ok(f, store_usage_insert(f->db, &u, 1, &f->e));

	assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));

	assert_int_equal(r.n_diffs, 4);
	assert_int_equal(r.diffs[0].check, RECONCILE_HOURLY);
	assert_int_equal(r.diffs[0].rows_requests, 1);
	assert_int_equal(r.diffs[0].sums_requests, 0);
	assert_int_equal(r.diffs[0].rows_tok, 120);
	assert_int_equal(r.diffs[0].rows_pusd, 1234567);
	assert_int_equal(r.diffs[1].check, RECONCILE_DAILY);
	assert_int_equal(r.diffs[2].check, RECONCILE_LEDGER);
	assert_int_equal(r.diffs[3].check, RECONCILE_ORPHAN);
	fixture_sql(root, "DELETE FROM tollgate.usage_records WHERE "
			  "customer_id = 7777");
	db_free(root);
}

static void
ledger__cause_again__is_conflict_and_balances_stay(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	struct ledger_usage p = { customer_id, 5, S("cause-once") };
	struct batch b = { NULL, 0, &p, 1 };
	struct ledger_account *accounts;
	size_t n;

	(void)state;
	assert_db_ok(f, db_txn(f->db, post_txn, &b, &f->e));
	assert_int_equal(db_txn(f->db, post_txn, &b, &f->e), ERR_CONFLICT);

	assert_db_ok(f, store_ledger_accounts(f->db, customer_id, &f->a,
			    &accounts, &n, &f->e));
	assert_int_equal(accounts[0].kind, LEDGER_RECEIVABLE);
	assert_int_equal(accounts[0].balance_pusd, 5);
	assert_int_equal(accounts[1].balance_pusd, -5);
}

static void
ledger__customer_without_accounts__is_corrupt(void **state)
{
	struct ledger_usage p = { 7777, 5, S("cause-nobody") };

	(void)state;
	assert_int_equal(store_ledger_usage(f->db, &p, 1, &f->a, &f->e),
	    ERR_CORRUPT);
	p.amount_pusd = -1;
	assert_int_equal(store_ledger_usage(f->db, &p, 1, &f->a, &f->e),
	    ERR_BAD_PARAM);
	p.amount_pusd = 0;
	assert_db_ok(f, store_ledger_usage(f->db, &p, 1, &f->a, &f->e));
}

static void
report__of_posted_rows__adds_up(void **state)
{
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t key_id = fixture_key(f, customer_id, serial);
	uint64_t model_id = fixture_model(f, "reported");
	int64_t to_ms = FIXTURE_TIME_MS, from_ms = to_ms - 29 * DAY_MS;
	struct usage_refusal refused = { customer_id, to_ms - to_ms % HOUR_MS,
		key_id, model_id, S("rate_limit_exceeded"), 4 };
	struct report_refusal *refusals;
	struct report_totals totals, other;
	struct report_model *models;
	struct report_day *days;
	struct report_key *keys;
	size_t n;

	(void)state;
	vary(customer_id, key_id, model_id);
	post(varied, N_ROWS, customer_id, "reported");
	assert_db_ok(f, store_refusal_add(f->db, &refused, 1, &f->e));
	assert_db_ok(f, store_refusal_add(f->db, &refused, 1, &f->e));

	assert_db_ok(f, store_report_totals(f->db, customer_id, from_ms, to_ms,
			    &totals, &f->e));
	assert_int_equal(totals.requests, N_ROWS);
	assert_int_equal(totals.failed_requests, 30);
	assert_int_equal(totals.unpriced_requests, 43);
	assert_int_equal(totals.estimated_requests, 60);
	assert_int_equal(totals.refusals, 8);
	assert_int_equal(totals.in_tok + totals.out_tok,
	    N_ROWS * 120 + N_ROWS * (N_ROWS - 1) / 2);
	assert_int_equal(totals.cost_pusd, (N_ROWS - 43) * INT64_C(1234567));
	assert_int_equal(histogram_total(&totals.latency), N_ROWS);
	assert_int_equal(histogram_total(&totals.ttft), N_ROWS - 75);
	assert_in_range(histogram_percentile_ms(&totals.latency, 500), 135,
	    165);

	assert_db_ok(f, store_report_days(f->db, customer_id, from_ms, to_ms,
			    &f->a, &days, &n, &f->e));
	assert_int_equal(n, 3);
	assert_int_equal(days[2].day_ms, to_ms - to_ms % DAY_MS);
	assert_int_equal(days[0].requests + days[1].requests + days[2].requests,
	    N_ROWS);

	assert_db_ok(f, store_report_models(f->db, customer_id, from_ms, to_ms,
			    &f->a, &models, &n, &f->e));
	assert_int_equal(n, 1);
	assert_str_is(models[0].name, "reported");
	assert_int_equal(models[0].requests, N_ROWS);

	assert_db_ok(f, store_report_keys(f->db, customer_id, from_ms, to_ms,
			    &f->a, &keys, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(keys[0].requests, N_ROWS);
	assert_int_equal(keys[0].cost_pusd, totals.cost_pusd);

	assert_db_ok(f, store_report_refusals(f->db, customer_id, from_ms,
			    to_ms, &f->a, &refusals, &n, &f->e));
	assert_int_equal(n, 1);
	assert_str_is(refusals[0].reason, "rate_limit_exceeded");
	assert_int_equal(refusals[0].refusals, 8);

	assert_db_ok(f, store_report_totals(f->db, customer_id + 1, from_ms,
			    to_ms, &other, &f->e));
	assert_int_equal(other.requests, 0);
	assert_int_equal(histogram_percentile_ms(&other.latency, 500), -1);
}

/* What one connection can write: printed, not judged. */
static void
speed__usage_with_rollups_and_ledger__is_printed(void **state)
{
	enum {
		BATCH = 1000,
		BATCHES = 100,
		KEYS = 50
	};
	static struct usage_row rows[BATCH];
	struct reconcile_result r;
	uint64_t customer_id = fixture_customer(f, serial);
	uint64_t model_id = fixture_model(f, "speed");
	uint64_t keys[KEYS];
	int64_t start_us;
	char cause[32];

	(void)state;
	for (unsigned i = 0; i < KEYS; i++)
		keys[i] = fixture_key(f, customer_id, 1000 + i);
	start_us = clock_mono_us();
	for (unsigned b = 0; b < BATCHES; b++) {
		for (unsigned i = 0; i < BATCH; i++)
			rows[i] = fixture_usage(customer_id, keys[i % KEYS],
			    model_id);
		(void)snprintf(cause, sizeof(cause), "speed-%u", b);
		post(rows, BATCH, customer_id, cause);
	}
	print_message("# %d rows with rollups and ledger: %.0f rows/s\n",
	    BATCH * BATCHES,
	    1e6 * BATCH * BATCHES / (double)(clock_mono_us() - start_us));
	start_us = clock_mono_us();
	assert_db_ok(f, store_reconcile(f->db, &f->a, &r, &f->e));
	print_message("# reconciled in %.1f s\n",
	    (double)(clock_mono_us() - start_us) / 1e6);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(posted_twice__rollups_ledger_and_rows_agree),
		T(reconcile__rollup_ledger_or_balance_is_off__says_which),
		T(reconcile__row_without_rollup_and_customer__is_found_by_four_checks),
		T(customer__inserted__has_owner_and_two_accounts),
		T(customer__email_in_other_case__is_the_same_one),
		T(customer__updated__bumps_the_catalogue),
		T(customer__list__goes_on_after_an_id),
		T(key__by_digest__brings_models_and_customers_settings),
		T(key__unknown_digest__is_not_found),
		T(key__unknown_model__nothing_is_inserted),
		T(key__toggled__inverts_and_bumps_its_slot),
		T(key__of_another_customer__is_not_found_and_unchanged),
		T(key__revoked__stays_revoked_and_cannot_be_toggled),
		T(key__touched__keeps_the_latest_time),
		T(key__models_replaced__only_the_new_ones_remain),
		T(operator_key__revoked__is_found_as_revoked),
		T(session__idle_or_user_off__is_not_found),
		T(user__failed_sign_ins__are_counted_until_a_success),
		T(catalogue__loaded__has_what_was_made),
		T(price__current__leaves_out_what_was_superseded_long_ago),
		T(price__negative__is_refused),
		T(lease__taken_lost_and_checked),
		T(audit__listed__newest_first_and_of_one_customer),
		T(ledger__cause_again__is_conflict_and_balances_stay),
		T(ledger__customer_without_accounts__is_corrupt),
		T(report__of_posted_rows__adds_up),
		T(speed__usage_with_rollups_and_ledger__is_printed),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
