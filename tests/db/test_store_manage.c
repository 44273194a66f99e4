/* SPDX-License-Identifier: MIT */
/* What is managed, by two tenants: every statement that takes a tenant meets
 * its rows only. Criteria, rotation, notices, hosts. CHECKLIST S3, S8. */
#include "db/fixture_store.h"

#include <stdio.h>
#include <string.h>

#include "domain/key_notice.h"
#include "store/audit.h"
#include "store/customer.h"
#include "store/generation.h"
#include "store/host.h"
#include "store/key.h"
#include "store/label.h"
#include "store/provider.h"
#include "store/reconcile_last.h"
#include "store/session.h"
#include "store/tier.h"
#include "store/user.h"
#include "store/worker.h"

static struct fixture *const f = &store_fixture;

static uint64_t
make_label(enum label_kind kind, uint64_t customer_id, struct str name)
{
	const struct label l = { .customer_id = customer_id, .name = name };
	uint64_t id;

	assert_db_ok(f, store_label_insert(f->db, kind, &l, &id, &f->e));
	return id;
}

static size_t
count_labels(enum label_kind kind, uint64_t tenant, struct label_filter filter)
{
	struct label *rows;
	size_t n;

	assert_db_ok(f, store_label_page(f->db, kind, tenant, &filter, 0, 100,
			    &f->a, &rows, &n, &f->e));
	return n;
}

static void
label__two_tenants__each_meets_its_own(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial);

	(void)state;
	for (unsigned k = 0; k < LABEL__N; k++) {
		enum label_kind kind = (enum label_kind)k;
		uint64_t id = make_label(kind, theirs, S("one"));
		struct label l,
		    same = { .customer_id = theirs, .name = S("one") };

		(void)make_label(kind, mine, S("one"));
		assert_int_equal(store_label_by_id(f->db, kind, mine, id, &f->a,
				     &l, &f->e),
		    ERR_NOT_FOUND);
		assert_int_equal(store_label_lock(f->db, kind, mine, id, &f->e),
		    ERR_NOT_FOUND);
		assert_int_equal(store_label_check(f->db, kind, mine, id,
				     &f->e),
		    ERR_NOT_FOUND);
		assert_db_ok(f, store_label_by_id(f->db, kind, theirs, id,
				    &f->a, &l, &f->e));
		assert_db_ok(f,
		    store_label_by_id(f->db, kind, 0, id, &f->a, &l, &f->e));
		assert_int_equal(store_label_insert(f->db, kind, &same, &id,
				     &f->e),
		    ERR_CONFLICT);
		assert_int_equal(count_labels(kind, mine,
				     (struct label_filter){ 0 }),
		    1);
		assert_int_equal(count_labels(kind, mine,
				     (struct label_filter){
					 .customer_id = theirs }),
		    0);
	}
}

static void
label__archived__is_left_out_unless_asked_for(void **state)
{
	uint64_t c = fixture_customer(f, serial);
	uint64_t id = make_label(LABEL_AGENT, c, S("old"));

	(void)state;
	(void)make_label(LABEL_AGENT, c, S("new"));
	assert_db_ok(f,
	    store_label_archive(f->db, LABEL_AGENT,
		&(struct label){ .label_id = id, .customer_id = c }, &f->e));
	assert_int_equal(count_labels(LABEL_AGENT, c,
			     (struct label_filter){ 0 }),
	    1);
	assert_int_equal(count_labels(LABEL_AGENT, c,
			     (struct label_filter){ .with_archived = true }),
	    2);
	assert_int_equal(count_labels(LABEL_AGENT, c,
			     (struct label_filter){ .name = S("new") }),
	    1);
	assert_int_equal(store_label_check(f->db, LABEL_AGENT, c, id, &f->e),
	    ERR_NOT_FOUND);
}

static void
name__archived__can_be_given_again_once(void **state)
{
	uint64_t c = fixture_customer(f, serial), id, first;
	const struct tier t = { .name = S("again") };
	struct user u = { .customer_id = c,
		.name = S("again"),
		.email = S("again@example.com"),
		.role = USER_VIEWER };
	struct label l = { .customer_id = c, .name = S("again") };

	(void)state;
	for (unsigned kind = 0; kind < LABEL__N; kind++) {
		l.label_id = make_label(kind, c, l.name);
		assert_db_ok(f, store_label_archive(f->db, kind, &l, &f->e));
		(void)make_label(kind, c, l.name);
		assert_int_equal(store_label_insert(f->db, kind, &l, &id,
				     &f->e),
		    ERR_CONFLICT);
	}
	assert_db_ok(f, store_user_insert(f->db, &u, &first, &f->e));
	assert_int_equal(store_user_insert(f->db, &u, &id, &f->e),
	    ERR_CONFLICT);
	assert_db_ok(f,
	    store_user_archive(f->db,
		&(struct user){ .user_id = first, .customer_id = c }, &f->e));
	assert_db_ok(f, store_user_by_email(f->db, u.email, &f->a, &u, &f->e));
	assert_int_equal(u.user_id, first);
	assert_db_ok(f, store_user_insert(f->db, &u, &id, &f->e));
	assert_db_ok(f, store_user_by_email(f->db, u.email, &f->a, &u, &f->e));
	assert_int_equal(u.user_id, id);
	assert_int_equal(u.archived_at_ms, 0);
	assert_db_ok(f, store_tier_insert(f->db, &t, &id, &f->e));
	assert_int_equal(store_tier_insert(f->db, &t, &id, &f->e),
	    ERR_CONFLICT);
	assert_db_ok(f, store_tier_archive(f->db, id, &f->e));
	assert_db_ok(f, store_tier_insert(f->db, &t, &id, &f->e));
}

static void
user_and_customer__another_tenant__is_not_there(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial), owner;
	const struct user_filter all = { 0 };
	const struct customer_filter any = { 0 };
	struct customer *customers;
	struct user *users;
	bool has_other;
	size_t n;

	(void)state;
	assert_db_ok(f, store_user_owner_id(f->db, theirs, &owner, &f->e));
	assert_int_equal(store_user_lock(f->db, mine, owner, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_user_lock(f->db, theirs, owner, &f->e));
	assert_db_ok(f, store_user_page(f->db, mine, &all, 0, 100, &f->a,
			    &users, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(users[0].customer_id, mine);
	assert_db_ok(f, store_user_has_other_owner(f->db, theirs, owner,
			    &has_other, &f->e));
	assert_false(has_other);
	assert_int_equal(store_customer_lock(f->db, mine, theirs, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_customer_page(f->db, mine, &any, 0, 100, &f->a,
			    &customers, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(customers[0].customer_id, mine);
}

static void
user__other_role__ends_sessions_and_bumps_its_customers_slot(void **state)
{
	struct session_new s = { .digest = { 77 }, .max_s = 3600 };
	struct session found;
	uint64_t c = fixture_customer(f, serial), id;
	uint64_t catalogue = generation(GENERATION_CATALOGUE);
	uint64_t before = generation(generation_customer_slot(c));
	struct user u;

	(void)state;
	assert_db_ok(f, store_user_owner_id(f->db, c, &id, &f->e));
	assert_db_ok(f, store_user_by_id(f->db, c, id, &f->a, &u, &f->e));
	s.user_id = id;
	assert_db_ok(f, store_session_insert(f->db, &s, &f->e));
	u.name = S("renamed");
	assert_db_ok(f, store_user_update(f->db, &u, &f->e));
	assert_db_ok(f,
	    store_session_by_digest(f->db, s.digest, 60, &f->a, &found, &f->e));
	u.role = USER_BILLING;
	assert_db_ok(f, store_user_update(f->db, &u, &f->e));
	assert_int_equal(store_session_by_digest(f->db, s.digest, 60, &f->a,
			     &found, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_user_by_id(f->db, c, id, &f->a, &u, &f->e));
	assert_int_equal(u.role, USER_BILLING);
	assert_int_equal(generation(generation_customer_slot(c)), before + 2);
	assert_db_ok(f, store_user_archive(f->db, &u, &f->e));
	assert_int_equal(generation(generation_customer_slot(c)), before + 3);
	assert_int_equal(generation(GENERATION_CATALOGUE), catalogue);
	assert_int_equal(store_user_update(f->db, &u, &f->e), ERR_NOT_FOUND);
}

/* Statements of changes, too, know whose the row is. */
static void
changes__another_tenant__touch_nothing(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial++);
	struct label l = { .customer_id = mine, .name = S("stolen") };
	struct key_rotation r = { .public_id = S("STOLEN0001"),
		.digest = { 214 },
		.pepper_id = 2,
		.customer_id = mine };
	struct user u;
	struct key k;

	(void)state;
	l.label_id = make_label(LABEL_PROJECT, theirs, S("p"));
	assert_db_ok(f, store_label_update(f->db, LABEL_PROJECT, &l, &f->e));
	assert_int_equal(store_label_archive(f->db, LABEL_PROJECT, &l, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_label_by_id(f->db, LABEL_PROJECT, theirs,
			    l.label_id, &f->a, &l, &f->e));
	assert_str_is(l.name, "p");
	assert_db_ok(f, store_user_owner_id(f->db, theirs, &u.user_id, &f->e));
	assert_int_equal(store_user_by_id(f->db, mine, u.user_id, &f->a, &u,
			     &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f,
	    store_user_by_id(f->db, theirs, u.user_id, &f->a, &u, &f->e));
	u.customer_id = mine;
	assert_int_equal(store_user_update(f->db, &u, &f->e), ERR_NOT_FOUND);
	assert_int_equal(store_user_archive(f->db, &u, &f->e), ERR_NOT_FOUND);
	r.api_key_id = fixture_key(f, theirs, serial);
	assert_db_ok(f,
	    store_key_by_id(f->db, theirs, r.api_key_id, &f->a, &k, &f->e));
	k.customer_id = mine;
	assert_int_equal(store_key_update(f->db,
			     &(struct key_update){ .key = &k }, &f->e),
	    ERR_NOT_FOUND);
	assert_int_equal(store_key_rotate(f->db, &r, &f->e), ERR_NOT_FOUND);
	r.grace_s = 60;
	assert_int_equal(store_key_rotate(f->db, &r, &f->e), ERR_NOT_FOUND);
	assert_int_equal(store_key_lock(f->db, mine, r.api_key_id, &f->e),
	    ERR_NOT_FOUND);
}

static size_t
count_keys(uint64_t tenant, struct key_filter filter)
{
	struct key *rows;
	uint64_t next;
	size_t n;

	assert_db_ok(f, store_key_page(f->db, tenant, &filter, 0, 100, &f->a,
			    &rows, &n, &next, &f->e));
	return n;
}

static void
key__each_criterion__finds_what_it_says(void **state)
{
	uint64_t c = fixture_customer(f, serial++);
	uint64_t other = fixture_customer(f, serial++);
	uint64_t m = fixture_model(f, "criteria"), id, tier_id;
	const uint64_t models[] = { m };
	const struct tier tier = { .name = S("criteria") };
	struct key_new k = { .customer_id = c,
		.public_id = S("CRITERIA01"),
		.pepper_id = 1,
		.name = S("by name"),
		.scopes = KEY_SCOPE_INFER,
		.model_ids = models,
		.n_models = 1,
		.expires_at_ms = FIXTURE_TIME_MS * 2,
		.digest = { 210 } };
	struct key_use use;

	(void)state;
	assert_db_ok(f, store_tier_insert(f->db, &tier, &tier_id, &f->e));
	k.rate_limit_tier = tier_id;
	k.project_id = make_label(LABEL_PROJECT, c, S("p"));
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	use = (struct key_use){ id, FIXTURE_TIME_MS };
	assert_db_ok(f, store_key_touch(f->db, &use, 1, &f->e));
	(void)fixture_key(f, c, serial++);
	(void)fixture_key(f, other, serial);
	const struct {
		struct key_filter filter;
		size_t n;
	} cases[] = {
		{ { .customer_id = c }, 2 },
		{ { .customer_id = other }, 0 },
		{ { .project_id = k.project_id }, 1 },
		{ { .name = S("by name") }, 1 },
		{ { .prefix = S("CRIT") }, 1 },
		{ { .prefix = S("CRITERIA01") }, 1 },
		{ { .prefix = S("RITERIA") }, 0 },
		{ { .tier = S("criteria") }, 1 },
		{ { .model_id = m }, 2 }, /* the other one may use all */
		{ { .state = KEY_ACTIVE + 1 }, 2 },
		{ { .state = KEY_REVOKED + 1 }, 0 },
		{ { .last_used_from_ms = FIXTURE_TIME_MS }, 1 },
		{ { .last_used_from_ms = FIXTURE_TIME_MS + 1 }, 0 },
		{ { .last_used_to_ms = FIXTURE_TIME_MS }, 1 }, /* never */
		{ { .last_used_to_ms = FIXTURE_TIME_MS + 1 }, 2 },
		{ { .expires_to_ms = FIXTURE_TIME_MS * 2 }, 0 },
		{ { .expires_to_ms = FIXTURE_TIME_MS * 2 + 1 }, 1 },
		{ { .created_from_ms = 1, .created_to_ms = 2 }, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (count_keys(c, cases[i].filter) != cases[i].n)
			print_message("# case %zu\n", i);
		assert_int_equal(count_keys(c, cases[i].filter), cases[i].n);
	}
	assert_int_equal(count_keys(0,
			     (struct key_filter){ .customer_id = other }),
	    1);
}

static void
key__rotated__both_digests_find_it_until_the_grace_ends(void **state)
{
	static const uint8_t first[32] = { 211 }, second[32] = { 212 },
			     third[32] = { 213 };
	uint64_t c = fixture_customer(f, serial), id;
	struct key_new k = { .customer_id = c,
		.public_id = S("ROTATION01"),
		.pepper_id = 1,
		.name = S("r"),
		.scopes = KEY_SCOPE_INFER,
		.all_models = true,
		.digest = { 211 } };
	struct key_rotation r = { .grace_s = 60,
		.public_id = S("ROTATION02"),
		.digest = { 212 },
		.customer_id = k.customer_id,
		.pepper_id = 2 };
	struct key_auth auth;
	uint64_t before;

	(void)state;
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	r.api_key_id = id;
	before = generation(generation_key_slot(id));
	assert_db_ok(f, store_key_rotate(f->db, &r, &f->e));
	assert_true(generation(generation_key_slot(id)) > before);
	assert_db_ok(f,
	    store_key_by_digest(f->db, second, &f->a, &auth, &f->e));
	assert_str_is(auth.public_id, "ROTATION02");
	assert_int_equal(auth.expires_at_ms, 0);
	assert_db_ok(f, store_key_by_digest(f->db, first, &f->a, &auth, &f->e));
	assert_int_equal(auth.api_key_id, id);
	assert_str_is(auth.public_id, "ROTATION01");
	assert_int_not_equal(auth.expires_at_ms, 0);

	fixture_sql(f->db, "UPDATE api_keys SET previous_expires_at = "
			   "NOW(6) - INTERVAL 1 SECOND WHERE "
			   "public_id = 'ROTATION02'");
	assert_int_equal(store_key_by_digest(f->db, first, &f->a, &auth, &f->e),
	    ERR_NOT_FOUND);
	r.grace_s = 0;
	r.public_id = S("ROTATION03");
	memcpy(r.digest, third, sizeof(third));
	assert_db_ok(f, store_key_rotate(f->db, &r, &f->e));
	assert_int_equal(store_key_by_digest(f->db, second, &f->a, &auth,
			     &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_key_by_digest(f->db, third, &f->a, &auth, &f->e));
}

static void
key__rehashed__only_to_a_higher_pepper(void **state)
{
	static const uint8_t was[32] = { 220 }, is[32] = { 221 };
	uint64_t c = fixture_customer(f, serial), id, n;
	struct key_new k = { .customer_id = c,
		.public_id = S("REHASHED01"),
		.pepper_id = 5,
		.name = S("r"),
		.scopes = KEY_SCOPE_INFER,
		.all_models = true,
		.digest = { 220 } };
	struct key_auth auth;

	(void)state;
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	assert_db_ok(f, store_key_rehash(f->db, false, was, is, 4, &f->e));
	assert_db_ok(f, store_key_by_digest(f->db, was, &f->a, &auth, &f->e));
	assert_db_ok(f, store_key_rehash(f->db, false, was, is, 6, &f->e));
	assert_db_ok(f, store_key_by_digest(f->db, is, &f->a, &auth, &f->e));
	assert_int_equal(store_key_by_digest(f->db, was, &f->a, &auth, &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_key_count_other(f->db, 6, &n, &f->e));
	assert_int_equal(n,
	    fixture_number(f->db, "SELECT COUNT(*) FROM api_keys WHERE "
				  "pepper_id <> 6 AND revoked_at IS NULL AND "
				  "COALESCE(expires_at > NOW(6), 1)"));
}

static void
key__about_to_expire__is_told_of_once(void **state)
{
	uint64_t c = fixture_customer(f, serial);
	uint64_t id = fixture_key(f, c, serial);
	char text[200];
	size_t n;

	(void)state;
	(void)snprintf(text, sizeof(text),
	    "UPDATE api_keys SET expires_at = NOW(6) + INTERVAL 1 DAY "
	    "WHERE api_key_id = %u",
	    (unsigned)id);
	fixture_sql(f->db, text);
	assert_db_ok(f, key_notice_expiring(f->db, 3600, NULL, &n, &f->e));
	assert_int_equal(n, 0);
	assert_db_ok(f, key_notice_expiring(f->db, 2 * 86400, NULL, &n, &f->e));
	assert_int_equal(n, 1);
	assert_db_ok(f, key_notice_expiring(f->db, 2 * 86400, NULL, &n, &f->e));
	assert_int_equal(n, 0);
	(void)snprintf(text, sizeof(text),
	    "SELECT COUNT(*) FROM notices WHERE kind = 'key.expiring' AND "
	    "cause LIKE '%u:%%' AND customer_id = %u",
	    (unsigned)id, (unsigned)c);
	assert_int_equal(fixture_number(f->db, text), 1);
}

/* CHECKLIST S31, B4: by the rights of the account that the workers have. */
static void
history__workers_account__adds_and_never_changes(void **state)
{
	static const char *const changes[] = {
		"UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log",
		"REPLACE INTO audit_log (audit_id, actor, action, is_success) "
		"VALUES (1, 'system', 'x', 1)",
		"TRUNCATE TABLE audit_log", "DROP TABLE audit_log",
		"UPDATE ledger_transfers SET amount_usd = 0",
		"DELETE FROM ledger_transfers",
		"UPDATE usage_records SET cost_in_usd = 0",
		"DELETE FROM usage_records", "DELETE FROM usage_adjustments",
		"UPDATE usage_adjustments SET cost_in_usd = 0",
		"DELETE FROM notice_deliveries"
	};
	struct audit a = { .actor = AUDIT_SYSTEM, .action = S("history") };
	struct error e;

	(void)state;
	assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (!db_run_script_statement(f->db, str_from(changes[i]), &e))
			fail_msg("passed: %s", changes[i]);
		if (!strstr(e.internal, "denied"))
			fail_msg("%s: %s", changes[i], e.internal);
	}
}

static void
audit__page__is_the_tenants_and_goes_backwards(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial);
	struct audit a = { .actor = AUDIT_OPERATOR_KEY,
		.action = S("page.test"),
		.object = S("thing"),
		.is_success = true };
	struct audit_filter all = { .is_success = -1 };
	struct audit *rows;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		a.customer_id = i % 2 ? mine : theirs;
		a.object_id = i + 1;
		assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	}
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 2, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 2);
	assert_int_equal(rows[0].object_id, 6);
	assert_int_equal(rows[1].object_id, 4);
	assert_db_ok(f, store_audit_page(f->db, mine, &all, rows[1].audit_id, 2,
			    &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].object_id, 2);
	all.customer_id = theirs;
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
	all = (struct audit_filter){ .is_success = 0 };
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
}

/* Where a page stops that would else look through all there is. */
static void
audit__floor__is_the_row_so_far_back_of_the_tenant(void **state)
{
	uint64_t mine = fixture_customer(f, serial++);
	uint64_t theirs = fixture_customer(f, serial);
	struct audit a = { .actor = AUDIT_SYSTEM,
		.action = S("floor.test"),
		.is_success = true };
	struct audit_filter all = { .is_success = -1 };
	struct audit *rows;
	uint64_t id;
	int64_t ms;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		a.customer_id = i % 2 ? mine : theirs;
		assert_db_ok(f, store_audit_insert(f->db, &a, &f->e));
	}
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 3);
	assert_db_ok(f, store_audit_floor(f->db, mine, 0, 2, &id, &ms, &f->e));
	assert_int_equal(id, rows[1].audit_id);
	assert_int_equal(ms, rows[1].created_at_ms);
	assert_db_ok(f, store_audit_floor(f->db, mine, rows[0].audit_id, 2, &id,
			    &ms, &f->e));
	assert_int_equal(id, rows[2].audit_id);
	assert_db_ok(f, store_audit_floor(f->db, mine, 0, 4, &id, &ms, &f->e));
	assert_int_equal(id, 0);
	/* Everybody's: the newest but one is the other customer's. */
	assert_db_ok(f, store_audit_floor(f->db, 0, 0, 2, &id, &ms, &f->e));
	assert_true(id > rows[1].audit_id && id < rows[0].audit_id);

	all.floor_id = rows[1].audit_id;
	assert_db_ok(f,
	    store_audit_page(f->db, mine, &all, 0, 9, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 2);
}

static void
tier_and_provider__archived__are_left_out(void **state)
{
	const struct tier t = { .name = S("leaving") };
	const struct provider_filter leaving = { .name = S("leaving") };
	struct provider p = { .name = S("leaving"),
		.kind = PROVIDER_OPENAI,
		.base_url = S("https://x.example"),
		.is_enabled = true };
	struct provider *providers;
	struct tier *tiers, found;
	uint64_t id;
	bool is_used;
	size_t n;

	(void)state;
	assert_db_ok(f, store_tier_insert(f->db, &t, &id, &f->e));
	assert_db_ok(f, store_tier_lock(f->db, id, &f->e));
	assert_db_ok(f, store_tier_archive(f->db, id, &f->e));
	assert_int_equal(store_tier_by_name(f->db, t.name, &f->a, &found,
			     &f->e),
	    ERR_NOT_FOUND);
	assert_db_ok(f, store_tier_page(f->db, t.name, true, 0, 9, &f->a,
			    &tiers, &n, &f->e));
	assert_int_equal(n, 1);
	assert_db_ok(f, store_tier_page(f->db, t.name, false, 0, 9, &f->a,
			    &tiers, &n, &f->e));
	assert_int_equal(n, 0);
	assert_db_ok(f, store_provider_insert(f->db, &p, &id, &f->e));
	assert_db_ok(f, store_provider_is_used(f->db, id, &is_used, &f->e));
	assert_false(is_used);
	assert_db_ok(f, store_provider_lock(f->db, id, &f->e));
	assert_db_ok(f, store_provider_archive(f->db, id, &f->e));
	assert_db_ok(f, store_provider_page(f->db, &leaving, 0, 9, &f->a,
			    &providers, &n, &f->e));
	assert_int_equal(n, 0);
}

static void
host__seen_again__is_one_row(void **state)
{
	struct host h = { .host = S("one.example"),
		.pepper_id = 1,
		.pepper_check = { 1 },
		.seal_check = { 2 } };
	struct host *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_host_seen(f->db, &h, &f->e));
	h.pepper_id = 2;
	assert_db_ok(f, store_host_seen(f->db, &h, &f->e));
	assert_db_ok(f, store_host_list(f->db, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].pepper_id, 2);
	assert_int_equal(rows[0].seal_check[0], 2);
}

static void
host__with_a_backlog__says_since_when(void **state)
{
	struct host h = { .host = S("late.example"),
		.n_unflushed = 3,
		.unflushed_since_ms = INT64_C(1795305600000),
		.n_unreadable = 1 };
	struct host *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_host_seen(f->db, &h, &f->e));
	assert_db_ok(f, store_host_list(f->db, &f->a, &rows, &n, &f->e));
	assert_true(n >= 1 && str_eq(rows[0].host, h.host)); /* by name */
	assert_int_equal(rows[0].n_unflushed, 3);
	assert_int_equal(rows[0].unflushed_since_ms, h.unflushed_since_ms);
	assert_int_equal(rows[0].n_unreadable, 1);
	h.n_unflushed = -1;
	h.unflushed_since_ms = 0;
	assert_db_ok(f, store_host_seen(f->db, &h, &f->e));
	assert_db_ok(f, store_host_list(f->db, &f->a, &rows, &n, &f->e));
	assert_true(n >= 1 && str_eq(rows[0].host, h.host));
	assert_int_equal(rows[0].n_unflushed, -1);
	assert_int_equal(rows[0].unflushed_since_ms, 0);
}

static void
worker__while_it_runs__has_a_row(void **state)
{
	struct worker w = { .series = { 1, 2 },
		.host = S("one.example"),
		.pid = 77,
		.version = S("1.2"),
		.started_at_ms = INT64_C(1795305600000) };
	struct worker *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_worker_seen(f->db, &w, &f->e));
	assert_db_ok(f, store_worker_seen(f->db, &w, &f->e));
	assert_db_ok(f, store_worker_forget(f->db, 3600, &f->e));
	assert_db_ok(f, store_worker_list(f->db, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].pid, 77);
	assert_int_equal(rows[0].started_at_ms, w.started_at_ms);
	assert_db_ok(f, store_worker_leave(f->db, w.series, &f->e));
	assert_db_ok(f, store_worker_list(f->db, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 0);
}

static void
reconcile_last__again__is_the_last(void **state)
{
	struct reconcile_last r = { .host = S("one.example"),
		.started_at_ms = INT64_C(1795305600000),
		.finished_at_ms = INT64_C(1795305601000),
		.n_differences = 2,
		.usage_rows = 10 };
	struct reconcile_last *rows;
	size_t n;

	(void)state;
	assert_db_ok(f, store_reconcile_last_set(f->db, &r, &f->e));
	r.is_clean = true;
	r.n_differences = 0;
	r.finished_at_ms++;
	assert_db_ok(f, store_reconcile_last_set(f->db, &r, &f->e));
	assert_db_ok(f,
	    store_reconcile_last_list(f->db, &f->a, &rows, &n, &f->e));
	assert_int_equal(n, 1);
	assert_true(rows[0].is_clean);
	assert_int_equal(rows[0].n_differences, 0);
	assert_int_equal(rows[0].usage_rows, 10);
	assert_int_equal(rows[0].finished_at_ms, r.finished_at_ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(label__two_tenants__each_meets_its_own),
		STORE_TEST(label__archived__is_left_out_unless_asked_for),
		STORE_TEST(name__archived__can_be_given_again_once),
		STORE_TEST(changes__another_tenant__touch_nothing),
		STORE_TEST(user_and_customer__another_tenant__is_not_there),
		STORE_TEST(
		    user__other_role__ends_sessions_and_bumps_its_customers_slot),
		STORE_TEST(key__each_criterion__finds_what_it_says),
		STORE_TEST(
		    key__rotated__both_digests_find_it_until_the_grace_ends),
		STORE_TEST(key__rehashed__only_to_a_higher_pepper),
		STORE_TEST(key__about_to_expire__is_told_of_once),
		STORE_TEST(history__workers_account__adds_and_never_changes),
		STORE_TEST(audit__page__is_the_tenants_and_goes_backwards),
		STORE_TEST(audit__floor__is_the_row_so_far_back_of_the_tenant),
		STORE_TEST(tier_and_provider__archived__are_left_out),
		STORE_TEST(host__seen_again__is_one_row),
		STORE_TEST(host__with_a_backlog__says_since_when),
		STORE_TEST(worker__while_it_runs__has_a_row),
		STORE_TEST(reconcile_last__again__is_the_last),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
