/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "base/arena.h"
#include "daemon/routes.h"
#include "store/key.h"
#include "store/user.h"

static const struct route *rows;
static size_t n_rows;

static int
setup(void **state)
{
	(void)state;
	rows = routes_all(&n_rows);
	return 0;
}

static void
routes__paths__sorted_unique_and_absolute(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_rows; i++) {
		assert_int_equal(rows[i].path[0], '/');
		if (i == 0)
			continue;
		int order = strcmp(rows[i - 1].path, rows[i].path);

		assert_true(order < 0 || (order == 0 && rows[i - 1].method <
							    rows[i].method));
	}
}

static void
routes__handlers__one_route_each_with_its_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_rows; i++) {
		assert_non_null(rows[i].handler);
		assert_true(strlen(rows[i].doc) > 5);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(rows[i].handler_name,
			    rows[k].handler_name);
	}
}

/* S7: what is open to all is open on purpose. */
static void
routes__without_a_credential__only_what_the_design_lists(void **state)
{
	static const char *const open[] = { "/", "/docs", "/docs/openapi.yaml",
		"/healthz", "/login", "/login", "/login/code", "/login/code",
		"/login/forgot", "/login/forgot", "/login/password",
		"/login/password/{token}", "/login/remote", "/login/remote",
		"/readyz" };
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < n_rows; i++) {
		if (rows[i].auth != ROUTE_AUTH_PUBLIC)
			continue;
		assert_true(n < ARRAY_LEN(open));
		assert_string_equal(rows[i].path, open[n++]);
	}
	assert_int_equal(n, ARRAY_LEN(open));
}

#define CUSTOMER  "/dashboard/{customer_id}"
#define ADMIN     "/admin"
#define OPERATORS ROUTE_ROLE(USER_OPERATOR)
#define OWNERS    (OPERATORS | ROUTE_ROLE(USER_OWNER))
#define MAKERS    (OWNERS | ROUTE_ROLE(USER_DEVELOPER))
#define READERS                                                    \
 (OWNERS | ROUTE_ROLE(USER_DEVELOPER) | ROUTE_ROLE(USER_BILLING) | \
     ROUTE_ROLE(USER_VIEWER))

static const struct {
	const char *side, *path;
	unsigned roles;
} menu[] = {
#define NAV(side_, path_, name_, roles_) { side_, path_, roles_ },
#include "handler/web/nav.def"
#undef NAV
};

/* The menu shows what may be opened, and nothing else. */
static void
routes__of_the_menu__are_for_the_same_roles(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(menu); k++) {
		char path[64];
		size_t n_found = 0;

		(void)snprintf(path, sizeof(path), "%s%s%s", menu[k].side,
		    menu[k].path[0] ? "/" : "", menu[k].path);
		for (size_t i = 0; i < n_rows; i++)
			if (rows[i].method == METHOD_GET &&
			    strcmp(rows[i].path, path) == 0) {
				assert_int_equal(rows[i].roles, menu[k].roles);
				n_found++;
			}
		assert_int_equal(n_found, 1);
	}
}

static void
routes__pages_and_api__flags_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_rows; i++) {
		const struct route *r = &rows[i];
		bool is_page = (r->flags & ROUTE_HTML) != 0;
		bool changes = r->method != METHOD_GET;

		assert_true(!is_page || !changes || (r->flags & ROUTE_CSRF));
		assert_true(is_page || !(r->flags & ROUTE_CSRF));
		assert_true(is_page || r->auth != ROUTE_AUTH_SESSION);
		assert_true(changes == (r->body_max > 0));
		/* The playground acts as a key, whose scopes it looks at. */
		if ((r->flags & (ROUTE_METERED | ROUTE_STREAMS)) &&
		    strcmp(r->handler_name, "web_playground_ask") != 0) {
			assert_int_equal(r->auth, ROUTE_AUTH_KEY);
			assert_int_equal(r->scopes, KEY_SCOPE_INFER);
		}
		/* Any key may ask what it is itself. */
		if ((r->auth == ROUTE_AUTH_KEY ||
			r->auth == ROUTE_AUTH_MANAGE) &&
		    strcmp(r->path, "/v1/key") != 0)
			assert_true(r->scopes != 0);
		assert_true(r->roles & ROUTE_ROLE(USER_OPERATOR));
		assert_true(
		    is_page || (r->auth == ROUTE_AUTH_OPERATOR) ==
				   (r->roles == ROUTE_ROLE(USER_OPERATOR)));
	}
}

static void
routes_find__parameters__decoded_into_the_request(void **state)
{
	struct request rq = { .method = METHOD_POST,
		.raw_path = S("/api/keys/a%2fb/toggle") };
	const struct route *route;
	struct arena a;
	struct error e;
	unsigned allow;

	(void)state;
	arena_init(&a, KIB(64));
	rq.arena = &a;
	assert_ok(routes_find(&rq, &route, &allow, &e));
	assert_string_equal(route->handler_name, "api_key_toggle");
	assert_str_is(rq.route, "/api/keys/{id}/toggle");
	assert_str_is(rq.path_param[0], "a/b");

	rq.method = METHOD_GET;
	assert_int_equal(routes_find(&rq, &route, &allow, &e), ERR_METHOD);
	assert_int_equal(allow, 1U << METHOD_POST);
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes__paths__sorted_unique_and_absolute),
		cmocka_unit_test(
		    routes__handlers__one_route_each_with_its_words),
		cmocka_unit_test(
		    routes__without_a_credential__only_what_the_design_lists),
		cmocka_unit_test(routes__of_the_menu__are_for_the_same_roles),
		cmocka_unit_test(routes__pages_and_api__flags_fit),
		cmocka_unit_test(
		    routes_find__parameters__decoded_into_the_request),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
