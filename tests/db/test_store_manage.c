/* SPDX-License-Identifier: MIT */
/* What is managed, by two tenants: every statement that takes a tenant meets
 * its rows only. CHECKLIST S3, S8. */
#include "db/fixture_store.h"

#include "store/customer.h"
#include "store/generation.h"
#include "store/key.h"
#include "store/label.h"
#include "store/provider.h"
#include "store/session.h"
#include "store/tier.h"
#include "store/user.h"

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
		STORE_TEST(tier_and_provider__archived__are_left_out),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
