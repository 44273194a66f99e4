/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>

#include "base/error_json.h"

static void
error_json_anthropic__statuses__have_its_types(void **state)
{
	static const struct {
		enum err code;
		const char *type;
	} cases[] = {
		{ ERR_BAD_JSON, "invalid_request_error" },
		{ ERR_UNAUTHORIZED, "authentication_error" },
		{ ERR_MODEL_FORBIDDEN, "permission_error" },
		{ ERR_MODEL_NOT_FOUND, "not_found_error" },
		{ ERR_TOO_LARGE, "request_too_large" },
		{ ERR_RATE_LIMITED, "rate_limit_error" },
		{ ERR_INTERNAL, "api_error" },
		{ ERR_UPSTREAM, "api_error" },
		{ ERR_OVERLOADED, "overloaded_error" },
		{ ERR_UPSTREAM_TIMEOUT, "timeout_error" },
	};
	char room[512], expected[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error e = { .code = cases[i].code };
		struct buf b;

		buf_init_fixed(&b, room, sizeof(room));
		error_json_anthropic(&b, &e);
		(void)snprintf(expected, sizeof(expected), "\"type\":\"%s\"",
		    cases[i].type);
		assert_true(str_starts(buf_str(&b),
		    S("{\"type\":\"error\",\"error\":{\"message\":\"")));
		if (str_find_str(buf_str(&b), str_from(expected)) == b.n)
			fail_msg("%.*s", (int)b.n, room);
	}
}

static void
error_json_anthropic__param__is_an_addition(void **state)
{
	char room[512];
	struct error e;
	struct buf b;

	(void)state;
	(void)error_public(&e, ERR_BAD_PARAM, "max_tokens", "Too \"many\".");
	buf_init_fixed(&b, room, sizeof(room));
	error_json_anthropic(&b, &e);
	assert_str_is(buf_str(&b),
	    "{\"type\":\"error\",\"error\":{\"message\":\"Too \\\"many\\\".\","
	    "\"type\":\"invalid_request_error\",\"param\":\"max_tokens\","
	    "\"code\":\"invalid_parameter\"}}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    error_json_anthropic__statuses__have_its_types),
		cmocka_unit_test(error_json_anthropic__param__is_an_addition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
