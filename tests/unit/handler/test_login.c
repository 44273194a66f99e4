/* SPDX-License-Identifier: MIT */
#include "web_fixture.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "domain/hostmap.h"
#include "domain/user.h"

#define SESSION "__Host-tollgate_session"
#define DEVICE  "__Host-tollgate_device"
#define FORM    "__Host-tollgate_form"

static void
post_login(struct web *w, const char *email, const char *password)
{
	char form[4096];
	web_forget_cookie(w, SESSION);
	web_ask(w, &web_login_page, NULL);
	(void)snprintf(form, sizeof(form), "csrf=%s&email=%s&password=%s",
	    web_token(w), email, password);
	web_ask(w, &web_login_form, form);
}

static void
sign_in__right_password__opens_the_dashboard(void **state)
{
	struct web *w = *state;

	web_sign_in(w, FAKE_EMAIL);
	assert_string_equal(web_header(w, "location"), "/dashboard");
	web_ask(w, &web_dashboard_root, NULL);
	assert_string_equal(web_header(w, "location"), "/dashboard/7");
	web_ask(w, &web_dashboard_page, NULL);

	assert_int_equal(w->status, 200);
	assert_true(web_shows(w, "Analytical Engines Ltd"));
	assert_true(web_shows(w, FAKE_EMAIL));
	assert_int_equal(fake.n_audits, 1);
	assert_true(fake.audits[0].is_success);
	assert_int_equal(fake.n_sweeps, 1);
}

/* S25 */
static void
sign_in__by_tls__sets_a_host_cookie_that_scripts_cannot_read(void **state)
{
	struct web *w = *state;

	web_sign_in(w, FAKE_EMAIL);

	struct str head = conn_mem_out(&w->conn);
	char line[256];
	(void)snprintf(line, sizeof(line),
	    SESSION "=%s; Path=/; Secure; HttpOnly; SameSite=Lax\r\n",
	    web_cookie_value(w, SESSION));
	assert_true(str_find_str(head, str_from(line)) < head.n);
	assert_int_equal(strlen(web_cookie_value(w, SESSION)), 64);
	assert_string_equal(web_cookie_value(w, FORM), "");
}

static void
sign_in__without_tls__uses_plain_names(void **state)
{
	struct web *w = *state;

	w->is_tls = false;
	web_sign_in(w, FAKE_EMAIL);

	assert_string_equal(web_cookie_value(w, SESSION), "");
	assert_int_equal(strlen(web_cookie_value(w, "tollgate_session")), 64);
	struct str head = conn_mem_out(&w->conn);
	assert_true(str_find_str(head, S("Secure")) == head.n);
}

/* S3, S25 */
static void
sign_in__again__makes_another_id_of_which_only_a_digest_is_kept(void **state)
{
	struct web *w = *state;
	char first[SESSION_TEXT_BYTES];
	uint8_t id[32];

	web_sign_in(w, FAKE_EMAIL);
	memcpy(first, web_cookie_value(w, SESSION), sizeof(first));
	web_forget_cookie(w, SESSION);
	web_sign_in(w, FAKE_EMAIL);

	assert_string_not_equal(first, web_cookie_value(w, SESSION));
	assert_true(hex_decode(str_from(first), id, sizeof(id)));
	assert_memory_not_equal(id, fake.sessions[0].digest, sizeof(id));
	uint8_t digest[SESSION_DIGEST_BYTES];
	session_digest(w->pepper, str_from(first), digest);
	assert_memory_equal(digest, fake.sessions[0].digest, sizeof(digest));
}

/* S29 */
static void
sign_in__wrong_in_any_way__answers_the_same(void **state)
{
	struct web *w = *state;
	static const char says[] =
	    "The e-mail address or the password is not right.";

	post_login(w, FAKE_EMAIL, "wrong+horse+battery+staple");
	assert_int_equal(w->status, 401);
	assert_true(web_shows(w, says));
	size_t n = w->body.n;

	post_login(w, "eve@example.org", "correct+horse+battery+staple");
	assert_int_equal(w->status, 401);
	assert_true(web_shows(w, says));
	assert_int_equal(w->body.n, n);

	fake.users[0].is_active = false;
	post_login(w, FAKE_EMAIL, "correct+horse+battery+staple");
	assert_int_equal(w->status, 401);
	assert_true(web_shows(w, says));

	fake.users[0].is_active = true;
	fake.users[0].customer_is_active = false;
	post_login(w, FAKE_EMAIL, "correct+horse+battery+staple");
	assert_int_equal(w->status, 401);

	fake.users[0].customer_is_active = true;
	memset(fake.password_hash, 0, sizeof(fake.password_hash));
	post_login(w, FAKE_EMAIL, "correct+horse+battery+staple");
	assert_int_equal(w->status, 401);
	assert_int_equal(fake.n_sessions, 0);
	assert_int_equal(fake.n_failures, 5);
	assert_int_equal(fake.n_audits, 5);
	assert_false(fake.audits[4].is_success);
	assert_string_equal(web_cookie_value(w, SESSION), "");
}

static void
sign_in__fields_missing_or_too_long__are_told_without_a_hash(void **state)
{
	struct web *w = *state;
	char email[400];

	post_login(w, "", "");
	assert_int_equal(w->status, 400);
	assert_true(web_shows(w, "Enter your e-mail address"));
	memset(email, 'a', sizeof(email));
	email[300] = '\0';
	post_login(w, email, "x");
	assert_int_equal(w->status, 400);
	assert_int_equal(fake.n_failures, 0);
}

/* S28: nothing is cut off. */
static void
sign_in__a_password_of_a_thousand_bytes__counts_whole(void **state)
{
	struct web *w = *state;
	struct error e = { 0 };
	char text[1001], hash[CRYPTO_PASSWORD_BYTES];

	memset(text, 'x', sizeof(text));
	text[1000] = '\0';
	assert_ok(crypto_password_hash(w->shared.hasher,
	    (struct secret){ (const uint8_t *)text, 1000 }, hash, &e));
	memcpy(fake.password_hash, hash, sizeof(hash));

	text[999] = 'y';
	post_login(w, FAKE_EMAIL, text);
	assert_int_equal(w->status, 401);
	text[999] = 'x';
	post_login(w, FAKE_EMAIL, text);
	assert_int_equal(w->status, 303);
}

/* More accounts than the tables of the host have places: whoever makes them up
 * from one address leaves room for everybody else. S29. */
static void
sign_in__made_up_accounts_from_one_address__fill_no_table(void **state)
{
	struct web *w = *state;
	uint32_t count;
	char email[40];

	for (unsigned i = 0; i < 70000; i++) {
		(void)snprintf(email, sizeof(email), "%u@example.org", i);
		post_login(w, email, "x");
		assert_true(w->status == 401 || w->status == 429);
	}
	for (unsigned i = LIMIT_MINUTE; i <= LIMIT_HOUR; i++)
		for (uint64_t id = 1; id < 100; id++)
			assert_int_equal(hostmap_local_add(w->shared.hostmap, i,
					     id * UINT64_C(0x9e3779b97f4a7c15),
					     1, 1, 9, &count),
			    HOSTMAP_COUNTED);
}

/* S29 */
static void
sign_in__guessing__is_slowed_down_but_not_for_the_owners_browser(void **state)
{
	struct web *w = *state;

	web_sign_in(w, FAKE_EMAIL);
	const char *value = web_cookie_value(w, DEVICE);
	char device[256];
	(void)snprintf(device, sizeof(device), DEVICE "=%s", value);

	memset(w->cookies, 0, sizeof(w->cookies));
	for (int i = 0; i < 10; i++) {
		post_login(w, FAKE_EMAIL, "wrong+horse+battery+staple");
		assert_int_equal(w->status, 401);
	}
	post_login(w, "ADA@example.org", "correct+horse+battery+staple");
	assert_int_equal(w->status, 429);
	assert_string_equal(web_header(w, "retry-after"), "60");
	assert_true(web_shows(w, "Try again in 60 seconds."));
	assert_int_equal(fake.n_failures, 10);

	(void)snprintf(w->cookies, sizeof(w->cookies), "%s", device);
	post_login(w, FAKE_EMAIL, "correct+horse+battery+staple");
	assert_int_equal(w->status, 303);

	memset(w->cookies, 0, sizeof(w->cookies));
	clock_set_for_test(FAKE_NOW_MS + 61000);
	post_login(w, FAKE_EMAIL, "correct+horse+battery+staple");
	assert_int_equal(w->status, 303);
}

static void
sign_in__a_forged_device_cookie__does_not_help(void **state)
{
	struct web *w = *state;

	for (int i = 0; i < 10; i++)
		post_login(w, FAKE_EMAIL, "wrong+horse+battery+staple");
	memset(w->cookies, 0, sizeof(w->cookies));
	(void)snprintf(w->cookies, sizeof(w->cookies), DEVICE "=%064d%064d", 1,
	    2);
	post_login(w, FAKE_EMAIL, "correct+horse+battery+staple");

	assert_int_equal(w->status, 429);
}

/* S28: it was made by an older version, say. */
static void
sign_in__a_hash_of_the_past__is_made_anew(void **state)
{
	struct web *w = *state;
	/* The same password, hashed with less memory and time than today's. */
	static const char old[] =
	    "$argon2id$v=19$m=19456,t=1,p=1$7iWly8yEeswzsh5mQNelSQ$UuYWbNZxDp3AMXYhFShwgzCOQhn9IZosZTqAc5Gy+lw";

	memcpy(fake.password_hash, old, sizeof(old));
	post_login(w, FAKE_EMAIL, "correct+horse+battery+staple");

	assert_int_equal(w->status, 303);
	assert_int_equal(fake.n_password_sets, 1);
	assert_non_null(
	    strstr(fake.password_hash, "$argon2id$v=19$m=65536,t=2,p=1$"));
	post_login(w, FAKE_EMAIL, "correct+horse+battery+staple");
	assert_int_equal(fake.n_password_sets, 1);
}

static void
sign_in__next__stays_on_this_site(void **state)
{
	struct web *w = *state;
	static const char *const bad[] = { "//evil.example/",
		"/%5cevil.example", "https%3A%2F%2Fevil.example",
		"%2F%2Fevil.example" };
	char form[512];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		memset(w->cookies, 0, sizeof(w->cookies));
		web_ask(w, &web_login_page, NULL);
		(void)snprintf(form, sizeof(form),
		    "csrf=%s&next=%s&email=" FAKE_EMAIL
		    "&password=correct+horse+battery+staple",
		    web_token(w), bad[i]);
		web_ask(w, &web_login_form, form);
		assert_int_equal(w->status, 303);
		assert_string_equal(web_header(w, "location"), "/dashboard");
	}
}

static void
no_session__asking_for_a_page__leads_to_sign_in_and_back(void **state)
{
	struct web *w = *state;
	static const struct web_route there = { web_dashboard_show,
		"/dashboard/7?a=b&c", "7", false, false };

	web_ask(w, &there, NULL);
	assert_int_equal(w->status, 303);
	assert_string_equal(web_header(w, "location"),
	    "/login?next=%2Fdashboard%2F7%3Fa%3Db%26c");

	static const struct web_route login = { web_login_show,
		"/login?next=%2Fdashboard%2F7", NULL, true, false };
	web_ask(w, &login, NULL);
	assert_true(web_shows(w, "name=\"next\" value=\"/dashboard/7\""));
	web_sign_in(w, FAKE_EMAIL);
	web_ask(w, &login, NULL);
	assert_string_equal(web_header(w, "location"), "/dashboard/7");
}

/* S26 */
static void
sessions__idle_or_old__end_by_the_servers_clock(void **state)
{
	struct web *w = *state;

	web_sign_in(w, FAKE_EMAIL);
	for (int hour = 0; hour < 11; hour++) {
		clock_set_for_test(FAKE_NOW_MS + hour * HOUR_MS + HOUR_MS - 1);
		web_ask(w, &web_dashboard_page, NULL);
		assert_int_equal(w->status, 200);
	}
	assert_true(fake.n_touches >= 10);
	clock_set_for_test(FAKE_NOW_MS + 12 * HOUR_MS + 1000);
	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(w->status, 303);

	clock_set_for_test(FAKE_NOW_MS);
	web_forget_cookie(w, SESSION);
	web_sign_in(w, FAKE_EMAIL);
	clock_set_for_test(FAKE_NOW_MS + HOUR_MS + 1000);
	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(w->status, 303);
}

/* S25 */
static void
sign_out__then_the_old_cookie__is_worth_nothing(void **state)
{
	struct web *w = *state;
	char form[128], cookies[1024];

	web_sign_in(w, FAKE_EMAIL);
	web_ask(w, &web_dashboard_page, NULL);
	memcpy(cookies, w->cookies, sizeof(cookies));
	(void)snprintf(form, sizeof(form), "csrf=%s", web_token(w));
	web_ask(w, &web_logout_form, form);
	assert_int_equal(w->status, 303);
	assert_string_equal(web_header(w, "location"), "/login");
	assert_string_equal(web_cookie_value(w, SESSION), "");

	memcpy(w->cookies, cookies, sizeof(cookies));
	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(w->status, 303);
}

static void
assert_csrf(struct web *w, const struct web_route *route, const char *form)
{
	web_ask(w, route, form);
	assert_int_equal(w->err, ERR_CSRF);
	assert_int_equal(w->status, 403);
}

/* S27 */
static void
forms__without_their_own_token__are_refused(void **state)
{
	struct web *w = *state;
	char other[256], own[256];

	web_sign_in(w, FAKE_OPERATOR_EMAIL);
	web_ask(w, &web_dashboard_root, NULL);
	(void)snprintf(other, sizeof(other), "csrf=%s", web_token(w));
	web_forget_cookie(w, SESSION);
	web_sign_in(w, FAKE_EMAIL);
	web_ask(w, &web_dashboard_page, NULL);
	(void)snprintf(own, sizeof(own), "csrf=%s", web_token(w));

	assert_csrf(w, &web_logout_form, other);
	assert_csrf(w, &web_logout_form, "csrf=");
	assert_csrf(w, &web_logout_form, "other=1");
	assert_csrf(w, &web_logout_form, "csrf=0");
	w->site = "cross-site";
	assert_csrf(w, &web_logout_form, own);
	w->site = "same-site";
	assert_csrf(w, &web_logout_form, own);
	w->site = NULL;
	w->origin = "https://evil.example";
	assert_csrf(w, &web_logout_form, own);
	w->origin = "https://gate.example";
	web_ask(w, &web_logout_form, own);
	assert_int_equal(w->status, 303);
}

/* S27: nobody can be signed in to another's account from elsewhere. */
static void
the_login_form__without_its_cookie__is_refused(void **state)
{
	struct web *w = *state;
	char form[256];

	web_ask(w, &web_login_page, NULL);
	(void)snprintf(form, sizeof(form),
	    "csrf=%s&email=" FAKE_EMAIL "&password=x", web_token(w));
	web_forget_cookie(w, FORM);
	assert_csrf(w, &web_login_form, form);
}

/* S32 */
static void
database_down__pages__say_so_without_details(void **state)
{
	struct web *w = *state;

	web_sign_in(w, FAKE_EMAIL);
	fake.is_down = true;
	web_ask(w, &web_dashboard_page, NULL);

	assert_int_equal(w->status, 503);
	assert_true(web_shows(w, "temporarily unavailable"));
	assert_false(web_shows(w, "10.1.2.3"));
}

static void
passwords__by_their_length__are_taken_or_not(void **state)
{
	struct error e = { 0 };
	(void)state;
	assert_int_equal(user_password_check(S("fourteen chars"), S(""), &e),
	    ERR_BAD_PARAM);
	assert_ok(user_password_check(S("fifteen chars.."), S(""), &e));
	assert_ok(user_password_check(S("ünfzehn Zeichen"), S(""), &e));
	assert_int_equal(user_password_check(S("f\xff"
					       "fteen characters"),
			     S(""), &e),
	    ERR_BAD_PARAM);
	/* S28: a thousand characters, of any script. */
	char text[4004];
	for (size_t i = 0; i < sizeof(text); i += 4)
		memcpy(text + i, "\xf0\x9f\x94\x91", 4);
	assert_ok(user_password_check(str_make(text, 4000), S(""), &e));
	assert_int_equal(user_password_check(S("Long.Name@example.com"),
			     S("long.name@example.com"), &e),
	    ERR_BAD_PARAM);
	assert_int_equal(user_password_check(str_make(text, 4004), S(""), &e),
	    ERR_BAD_PARAM);
}

#define T(name) cmocka_unit_test_setup_teardown(name, web_set_up, web_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(sign_in__right_password__opens_the_dashboard),
		T(sign_in__by_tls__sets_a_host_cookie_that_scripts_cannot_read),
		T(sign_in__without_tls__uses_plain_names),
		T(sign_in__again__makes_another_id_of_which_only_a_digest_is_kept),
		T(sign_in__wrong_in_any_way__answers_the_same),
		T(sign_in__fields_missing_or_too_long__are_told_without_a_hash),
		T(sign_in__a_password_of_a_thousand_bytes__counts_whole),
		T(sign_in__made_up_accounts_from_one_address__fill_no_table),
		T(sign_in__guessing__is_slowed_down_but_not_for_the_owners_browser),
		T(sign_in__a_forged_device_cookie__does_not_help),
		T(sign_in__a_hash_of_the_past__is_made_anew),
		T(sign_in__next__stays_on_this_site),
		T(no_session__asking_for_a_page__leads_to_sign_in_and_back),
		T(sessions__idle_or_old__end_by_the_servers_clock),
		T(sign_out__then_the_old_cookie__is_worth_nothing),
		T(forms__without_their_own_token__are_refused),
		T(the_login_form__without_its_cookie__is_refused),
		T(database_down__pages__say_so_without_details),
		T(passwords__by_their_length__are_taken_or_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
