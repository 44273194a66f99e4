/* SPDX-License-Identifier: MIT */
/*
 * Every page against its golden HTML in tests/golden/web, and its values
 * against its declared keys. `make update-golden` writes the files anew.
 */
#include "web_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "handler/web/page.h"
#include "handler/web/skeleton.h"
#include "http/tmpl.h"

/* Markup in every place that a customer can name. */
#define NASTY "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"

static const struct web_route customers_page = { web_dashboard_home,
	"/dashboard", NULL, false, false };
static const struct web_route other_page = { web_dashboard_show, "/dashboard/9",
	"9", false, false };
static const struct web_route missing_page = { web_dashboard_show,
	"/dashboard/8", "8", false, false };

/* Replace what stands between mark and end: it differs from run to run. */
static struct str
mask(struct arena *a, struct str text, struct str mark, char end)
{
	struct buf b;
	buf_init(&b, a, MIB(4));
	for (;;) {
		size_t at = str_find_str(text, mark);
		if (at == text.n)
			break;
		buf_add(&b, str_make(text.p, at + mark.n));
		buf_add(&b, S("MASKED"));
		text = str_skip(text, at + mark.n);
		text = str_skip(text, str_find(text, end));
	}
	buf_add(&b, text);
	struct error e = { 0 };
	struct str got;
	assert_ok(buf_finish(&b, &got, &e));
	return got;
}

static void
write_golden(const char *path, struct str text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	assert_int_equal(fclose(f), 0);
}

static struct str
read_golden(struct arena *a, const char *path)
{
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing: make update-golden", path);
	char *p = arena_alloc(a, MIB(1));
	assert_non_null(p);
	size_t n = fread(p, 1, MIB(1), f);
	assert_int_equal(fclose(f), 0);
	return str_make(p, n);
}

/* The last page is what the golden file says. */
static void
assert_golden(struct web *w, const char *name)
{
	char path[1024];
	struct arena a;
	const char *src = getenv("TG_SRCDIR");
	arena_init(&a, MIB(32));
	(void)snprintf(path, sizeof(path), "%s/tests/golden/web/%s.html",
	    src ? src : ".", name);
	struct str got = w->body;
	got = mask(&a, got, S("name=\"csrf\" value=\""), '"');
	got = mask(&a, got, S("?v="), '"');
	/* It is made of the version, too. */
	got = mask(&a, got, S("data-tag=\""), '"');
	got = mask(&a, got, S("Request id <code>"), '<');
	if (getenv("TG_UPDATE_GOLDEN"))
		write_golden(path, got);
	struct str wanted = read_golden(&a, path);
	size_t i = 0;
	while (i < got.n && i < wanted.n && got.p[i] == wanted.p[i])
		i++;
	if (i < got.n || i < wanted.n)
		fail_msg("%s differs at byte %zu: \"%.*s\", not \"%.*s\"", path,
		    i, (int)(got.n - i < 60 ? got.n - i : 60), got.p + i,
		    (int)(wanted.n - i < 60 ? wanted.n - i : 60), wanted.p + i);
	arena_fini(&a);
}

static void
dashboard__a_month_of_usage__is_the_golden_page(void **state)
{
	struct web *w = *state;

	web_sign_in(w, FAKE_EMAIL);
	web_ask(w, &web_dashboard_page, NULL);

	assert_int_equal(w->status, 200);
	assert_golden(w, "dashboard");
}

static void
dashboard__without_usage_and_keys__says_what_to_do_next(void **state)
{
	struct web *w = *state;

	fake.is_empty = true;
	web_sign_in(w, FAKE_EMAIL);
	web_ask(w, &web_dashboard_page, NULL);

	assert_true(web_shows(w, "curl https://gate.example/v1/"));
	assert_golden(w, "dashboard_empty");
}

/* What a script asks every 2 s while the page is seen. */
static void
dashboard__asked_by_its_tag__is_sent_only_when_something_was_used(void **state)
{
	struct web *w = *state;
	char tag[64];

	web_sign_in(w, FAKE_EMAIL);
	web_ask(w, &web_dashboard_page, NULL);
	(void)snprintf(tag, sizeof(tag), "%s", web_header(w, "etag"));
	assert_memory_equal(tag, "W/\"", 3);
	w->if_none_match = tag;

	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(w->status, 304);
	assert_int_equal(w->body.n, 0);
	assert_string_equal(web_header(w, "cache-control"), "no-store");
	fake.n_new_requests = 1;
	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(w->status, 200);
	assert_string_not_equal(web_header(w, "etag"), tag);
}

/* The forecast counts full hours, so it is another page in the next. */
static void
dashboard__asked_by_its_tag_an_hour_later__is_sent_again(void **state)
{
	struct web *w = *state;
	char tag[64];

	web_sign_in(w, FAKE_EMAIL);
	web_ask(w, &web_dashboard_page, NULL);
	(void)snprintf(tag, sizeof(tag), "%s", web_header(w, "etag"));
	w->if_none_match = tag;
	clock_set_for_test(FAKE_NOW_MS + HOUR_MS);

	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(w->status, 200);
}

/* S26: an open page is nobody's visit. */
static void
dashboard__asked_by_its_tag__keeps_no_session_alive(void **state)
{
	struct web *w = *state;
	size_t n_touches;

	web_sign_in(w, FAKE_EMAIL);
	clock_set_for_test(FAKE_NOW_MS + 2 * HOUR_MS / 10);
	n_touches = fake.n_touches;
	w->if_none_match = "W/\"0\"";
	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(w->status, 200);
	assert_int_equal(fake.n_touches, n_touches);

	w->if_none_match = NULL;
	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(fake.n_touches, n_touches + 1);
}

/* S23 */
static void
dashboard__names_full_of_markup__stay_text(void **state)
{
	struct web *w = *state;

	fake.name = NASTY;
	web_sign_in(w, FAKE_EMAIL);
	web_ask(w, &web_dashboard_page, NULL);

	assert_int_equal(w->status, 200);
	assert_false(web_shows(w, "<script>"));
	assert_false(web_shows(w, "<img"));
	assert_true(web_shows(w, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;"
				 "&#39;&gt;&lt;img"));
	assert_golden(w, "dashboard_nasty");
}

/* S8: it is as if the other customer did not exist. */
static void
dashboard__of_another_customer__is_not_there(void **state)
{
	struct web *w = *state;
	static const struct web_route word = { web_dashboard_show,
		"/dashboard/x", "x", false, false };
	static const struct web_route query = { web_dashboard_show,
		"/dashboard/7?days=1", "7", false, false };

	web_sign_in(w, FAKE_EMAIL);
	web_ask(w, &other_page, NULL);
	assert_int_equal(w->status, 404);
	assert_golden(w, "error_404");
	web_ask(w, &missing_page, NULL);
	assert_golden(w, "error_404");
	web_ask(w, &word, NULL);
	assert_int_equal(w->status, 404);
	web_ask(w, &query, NULL);
	assert_int_equal(w->status, 400);
}

static void
errors__that_pass__say_so(void **state)
{
	struct web *w = *state;

	web_sign_in(w, FAKE_EMAIL);
	fake.is_down = true;
	web_ask(w, &web_dashboard_page, NULL);

	assert_int_equal(w->status, 503);
	assert_golden(w, "error_503");
}

static void
operators__see_every_customer(void **state)
{
	struct web *w = *state;

	web_sign_in(w, FAKE_OPERATOR_EMAIL);
	web_ask(w, &customers_page, NULL);
	assert_int_equal(w->status, 200);
	assert_golden(w, "customers");
	fake.n_customers = 1000;
	web_ask(w, &customers_page, NULL);
	assert_true(web_shows(w, "href=\"/dashboard?after=50\""));
	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(w->status, 200);
	assert_true(web_shows(w, "<a href=\"/dashboard\">Customers</a>"));
	web_ask(w, &other_page, NULL);
	assert_int_equal(w->status, 200);
	web_ask(w, &missing_page, NULL);
	assert_int_equal(w->status, 404);
}

static void
login__its_form__is_the_golden_page(void **state)
{
	struct web *w = *state;

	web_ask(w, &web_login_page, NULL);
	assert_golden(w, "login");

	char form[256];
	(void)snprintf(form, sizeof(form), "csrf=%s&email=%%3Cb%%3E%%22'",
	    web_token(w));
	web_ask(w, &web_login_form, form);
	assert_int_equal(w->status, 400);
	assert_golden(w, "login_refused");
}

/* S24, S33 */
static void
every_page__has_the_strict_headers(void **state)
{
	struct web *w = *state;
	const struct web_route *const routes[] = { &web_login_page,
		&web_dashboard_page, &web_dashboard_root, &other_page };

	web_sign_in(w, FAKE_EMAIL);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		web_ask(w, routes[i], NULL);
		assert_string_equal(web_header(w, "content-security-policy"),
		    "default-src 'none'; style-src 'self'; script-src 'self'; "
		    "connect-src 'self'; img-src 'self' data:; "
		    "form-action 'self'; base-uri 'none'; "
		    "frame-ancestors 'none'");
		assert_string_equal(web_header(w, "cache-control"), "no-store");
		assert_string_equal(web_header(w, "x-content-type-options"),
		    "nosniff");
		assert_string_equal(web_header(w, "x-frame-options"), "DENY");
	}
}

static void
templates_reload__of_every_page__checks_its_values(void **state)
{
	struct web *w = *state;
	struct error e = { 0 };

	assert_ok(conf_set(w->conf, S("templates.reload"), S("on"), &e));
	web_ask(w, &web_login_page, NULL);
	assert_int_equal(w->status, 200);
	web_sign_in(w, FAKE_OPERATOR_EMAIL);
	web_ask(w, &customers_page, NULL);
	assert_int_equal(w->status, 200);
	web_ask(w, &missing_page, NULL);
	assert_int_equal(w->status, 404);
	assert_true(web_shows(w, "Nothing here"));
	web_ask(w, &web_dashboard_page, NULL);
	assert_int_equal(w->status, 200);
}

static void
skeleton__with_its_template__is_a_page(void **state)
{
	struct web *w = *state;
	struct error e = { 0 };
	static const struct web_route route = { web_skeleton_show,
		"/skeleton?limit=2", NULL, false, false };

	web_sign_in(w, FAKE_EMAIL);
	assert_ok(tmpl_set_add(w->templates, S("dashboard/skeleton"),
	    S("<p>{{greeting}}</p>\n{{#items}}<p>{{name}}: {{count}}</p>\n"
	      "{{/items}}"),
	    &e));
	assert_ok(tmpl_check(w->templates, &page_skeleton, &e));
	web_ask(w, &route, NULL);

	assert_int_equal(w->status, 200);
	assert_true(web_shows(w, "<p>Item 2: 2,000</p>"));
	assert_false(web_shows(w, "Item 3"));
}

/* Every failing allocation ends in a clean answer. */
static void
dashboard__memory_that_runs_out__is_a_clean_500(void **state)
{
	struct web *w = *state;

	web_sign_in(w, FAKE_EMAIL);
	for (size_t n = 40;; n += 97) {
		w->fail_at = n;
		web_ask(w, &web_dashboard_page, NULL);
		if (w->status == 200)
			break;
		assert_int_equal(w->status, 500);
		assert_false(web_shows(w, "<html"));
	}
	assert_golden(w, "dashboard");
}

#define T(name) cmocka_unit_test_setup_teardown(name, web_set_up, web_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(dashboard__a_month_of_usage__is_the_golden_page),
		T(dashboard__without_usage_and_keys__says_what_to_do_next),
		T(dashboard__asked_by_its_tag__is_sent_only_when_something_was_used),
		T(dashboard__asked_by_its_tag_an_hour_later__is_sent_again),
		T(dashboard__asked_by_its_tag__keeps_no_session_alive),
		T(dashboard__names_full_of_markup__stay_text),
		T(dashboard__of_another_customer__is_not_there),
		T(errors__that_pass__say_so),
		T(operators__see_every_customer),
		T(login__its_form__is_the_golden_page),
		T(every_page__has_the_strict_headers),
		T(templates_reload__of_every_page__checks_its_values),
		T(skeleton__with_its_template__is_a_page),
		T(dashboard__memory_that_runs_out__is_a_clean_500),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
