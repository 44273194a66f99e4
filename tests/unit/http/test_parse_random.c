/* SPDX-License-Identifier: MIT */
/*
 * S18: the parsers of what comes from outside meet a million bytes of
 * seeded noise, shaped like their input so that it gets past the first
 * check. Nothing may crash (ASan and UBSan look on), and what is accepted
 * must keep the promises of request.h.
 */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cidr.h"
#include "http/cookie.h"
#include "http/form.h"
#include "http/request.h"
#include "http/route_match.h"

#define ROUNDS   20000
#define TEXT_MAX 160

static uint64_t seed;

static uint32_t
next_random(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33);
}

/* Text of pieces that matter to a parser, with raw bytes between them. */
static size_t
noise(char *ret, const char *const *pieces, size_t n_pieces)
{
	size_t n = 0, want = next_random() % (TEXT_MAX - 16);

	while (n < want) {
		const char *piece = pieces[next_random() % n_pieces];
		size_t len = strlen(piece);

		if (next_random() % 5 == 0) {
			ret[n++] = (char)(1 + next_random() % 255);
			continue;
		}
		memcpy(ret + n, piece, len);
		n += len;
	}
	ret[n] = '\0';
	return n;
}

/* An exact-size copy, so that a sanitizer sees a read past its end. */
static struct str
exact(const char *text, size_t n)
{
	char *p = malloc(n ? n : 1);

	assert_non_null(p);
	memcpy(p, text, n);
	return str_make(p, n);
}

static void
check_accepted(const struct request *rq)
{
	assert_true(rq->path.n > 0 && rq->path.p[0] == '/');
	assert_true(str_is_utf8(rq->path));
	for (size_t i = 0; i < rq->path.n; i++)
		assert_true((unsigned char)rq->path.p[i] >= ' ');
	assert_int_equal(str_find_str(rq->path, S("/../")), rq->path.n);
}

static void
request_parse__random_parameters__refused_or_sound(void **state)
{
	static const char *const pieces[] = { "/", "%2e", "%2F", "..", ".", "?",
		"%", "%00", "%0a", "a", "key", "http://", "//", "&", "=", "#",
		"%c3%a9", "%ff", "1", ":", ",", "10.0.0.1", "[::1]", "Bearer ",
		"on" };
	static const char *const names[] = { "REQUEST_URI", "CONTENT_LENGTH",
		"REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_COOKIE",
		"HTTP_AUTHORIZATION", "CONTENT_TYPE", "HTTP_ACCEPT", "HTTPS",
		"PATH_INFO", "" };
	static const struct route_pattern table[] = {
		{ METHOD_GET, "/a/{b}" },
		{ METHOD_GET, "/{a}/{b}/{c}/{d}/{e}" },
		{ METHOD_GET, "/key" },
	};
	char text[8][TEXT_MAX + 32];
	const char *cgi[9];
	struct cidr any = { .n_bits = 0 };
	struct cidr_list trusted = { &any, 1 };
	struct request_env env = { S(""), &trusted };
	struct route_hit hit;
	struct arena a;
	struct request rq;
	struct error e;
	size_t accepted = 0;

	(void)state;
	arena_init(&a, KIB(64));
	for (seed = 1; seed < ROUNDS; seed++) {
		uint64_t start = seed;

		for (size_t i = 0; i < 8; i++) {
			char value[TEXT_MAX + 1];

			noise(value, pieces, ARRAY_LEN(pieces));
			snprintf(text[i], sizeof(text[i]), "%s=%s%s",
			    i ? names[next_random() % ARRAY_LEN(names)]
			      : "REQUEST_URI",
			    i ? "" : "/", value);
			cgi[i] = text[i];
		}
		cgi[next_random() % 8 + 1] = NULL;
		if (request_parse(&rq, &a, cgi, &env, &e) == OK) {
			accepted++;
			check_accepted(&rq);
			enum err code = route_match(table, ARRAY_LEN(table),
			    rq.method, rq.raw_path, &a, &hit, &e);

			assert_true(code == OK || code == ERR_NOT_FOUND ||
				    code == ERR_METHOD ||
				    code == ERR_BAD_REQUEST);
			(void)request_api_key(&rq);
			(void)request_wants_html(&rq);
			(void)cookie_get(&rq, "key");
		}
		arena_reset(&a);
		seed = start;
	}
	assert_true(accepted > ROUNDS / 100);
	arena_fini(&a);
}

static void
form_and_addresses__random_text__refused_or_sound(void **state)
{
	static const char *const pieces[] = { "a", "=", "&", "%41", "%", "+",
		"%00", "%c3", "%a9", ";", "key", "::", "1.2.3.4", "/8", "/",
		":", ",", " " };
	char text[TEXT_MAX + 1];
	struct cidr_list list;
	struct arena a;
	struct error e;

	(void)state;
	arena_init(&a, KIB(64));
	for (seed = 1; seed < ROUNDS; seed++) {
		uint64_t start = seed;
		size_t n = noise(text, pieces, ARRAY_LEN(pieces));
		struct str s = exact(text, n);
		struct str name, value;
		struct form f;
		bool more = true;

		form_init(&f, &a, s);
		while (more && form_next(&f, &more, &name, &value, &e) == OK)
			if (more)
				assert_true(
				    str_is_utf8(name) && str_is_utf8(value));
		if (cidr_list_parse(&a, s, &list, &e) == OK)
			assert_true(list.n <= CIDR_LIST_MAX);
		free((void *)(uintptr_t)s.p);
		arena_reset(&a);
		seed = start;
	}
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    request_parse__random_parameters__refused_or_sound),
		cmocka_unit_test(
		    form_and_addresses__random_text__refused_or_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
