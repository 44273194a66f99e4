/* SPDX-License-Identifier: MIT */
/* Which requests are the same to an Idempotency-Key. CHECKLIST B5, S8. */
#include "support/cmocka_tg.h"

#include <string.h>

#include "base/hex.h"
#include "domain/principal.h"
#include "ext/crypto.h"
#include "handler/idempotency.h"
#include "http/request.h"

struct given {
	const char *key, *space, *route, *body, *name, *value;
	uint64_t api_key_id, customer_id;
};

static const struct given usual = {
	.key = "0b8f6f1e",
	.space = "infer",
	.route = "/v1/chat/completions",
	.body = "{\"model\":\"m\"}",
	.name = "HTTP_ACCEPT",
	.value = "*/*",
	.api_key_id = 7,
	.customer_id = 3,
};

static enum err
read_key(const struct given *g, struct idempotency *ret, bool *ret_is_given)
{
	struct principal who = { .kind = PRINCIPAL_KEY,
		.api_key_id = g->api_key_id,
		.customer_id = g->customer_id };
	struct request_cgi cgi[2] = { { str_from(g->name),
	    str_from(g->value) } };
	struct request rq = {
		.cgi = cgi,
		.n_cgi = 1,
		.route = str_from(g->route),
		.body = str_from(g->body),
	};
	struct error e;

	if (g->key)
		cgi[rq.n_cgi++] = (struct request_cgi){
			S("HTTP_IDEMPOTENCY_KEY"), str_from(g->key)
		};
	return idempotency_read(&who, &rq, g->space, ret, ret_is_given, &e);
}

static struct idempotency
of(struct given g)
{
	struct idempotency ret;
	bool is_given;

	assert_int_equal(read_key(&g, &ret, &is_given), OK);
	assert_true(is_given);
	return ret;
}

static bool
same_claim(struct given g)
{
	struct idempotency a = of(usual), b = of(g);

	return memcmp(a.claim, b.claim, sizeof(a.claim)) == 0;
}

static bool
same_body(struct given g)
{
	struct idempotency a = of(usual), b = of(g);

	return memcmp(a.body, b.body, sizeof(a.body)) == 0;
}

static void
idempotency_read__no_header__nothing_is_given(void **state)
{
	struct given g = usual;
	struct idempotency ret;
	bool is_given = true;

	(void)state;
	g.key = NULL;
	assert_int_equal(read_key(&g, &ret, &is_given), OK);
	assert_false(is_given);
}

static void
idempotency_read__key__is_of_visible_ascii(void **state)
{
	char longest[257];
	const struct {
		const char *key;
		enum err err;
	} cases[] = {
		{ "!", OK },
		{ "~", OK },
		{ longest + 1, OK },
		{ longest, ERR_BAD_PARAM },
		{ "", ERR_BAD_PARAM },
		{ "a b", ERR_BAD_PARAM },
		{ "a\tb", ERR_BAD_PARAM },
		{ "a\x7f", ERR_BAD_PARAM },
		{ "\xc3\xa4", ERR_BAD_PARAM },
	};

	(void)state;
	memset(longest, 'x', 256);
	longest[256] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct given g = usual;
		struct idempotency ret;
		bool is_given;

		g.key = cases[i].key;
		assert_int_equal(read_key(&g, &ret, &is_given), cases[i].err);
	}
}

static void
idempotency_read__claim__is_one_credentials_one_key(void **state)
{
	struct given g = usual;

	(void)state;
	assert_true(same_claim(g));
	g.route = "/generate";
	g.body = "{}";
	assert_true(same_claim(g)); /* so that it conflicts */
	g = usual;
	g.key = "0b8f6f1f";
	assert_false(same_claim(g));
	g = usual;
	g.api_key_id = 8;
	assert_false(same_claim(g));
	g = usual;
	g.space = "usage";
	assert_false(same_claim(g));
}

static void
idempotency_read__body__covers_route_body_and_headers(void **state)
{
	static const char *const headers[] = { "HTTP_X_TOLLGATE_USER_ID",
		"HTTP_X_TOLLGATE_AGENT_ID", "HTTP_X_TOLLGATE_CONNECTOR_ID",
		"HTTP_ANTHROPIC_VERSION", "HTTP_ANTHROPIC_BETA" };
	struct given g = usual;

	(void)state;
	assert_true(same_body(g));
	g.value = "text/html";
	assert_true(same_body(g));
	g.name = "HTTP_X_STAINLESS_RETRY_COUNT";
	assert_true(same_body(g));
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		g.name = headers[i];
		assert_false(same_body(g));
	}
	g = usual;
	g.route = "/v1/completions";
	assert_false(same_body(g));
	g = usual;
	g.body = "{\"model\":\"m\"} ";
	assert_false(same_body(g));
	/* Salted: equal bodies of two keys can't be told to be equal. */
	g = usual;
	g.key = "0b8f6f1f";
	assert_false(same_body(g));
}

/* Claims of the last day are found by a newer program, too: BLAKE2b of
 * "1 0 7 infer 0b8f6f1e"; of the key, and then with each part's digest. */
static void
idempotency_read__the_usual__digests_stay_the_same(void **state)
{
	static const char claim[] = "c1d9b8d5bb692df55346199307da71f6"
				    "4696dbe796cb6c6417b3bd3545160ec8";
	static const char body[] = "b2fdb5f8471d57a9f941a7ca897430ae"
				   "5b4d8a57ca91ddad02ab95db6b4a3a61";
	struct idempotency i = of(usual);
	char hex[2 * IDEMPOTENCY_DIGEST_BYTES + 1];

	(void)state;
	hex_encode(i.claim, sizeof(i.claim), hex);
	assert_string_equal(hex, claim);
	hex_encode(i.body, sizeof(i.body), hex);
	assert_string_equal(hex, body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idempotency_read__no_header__nothing_is_given),
		cmocka_unit_test(idempotency_read__key__is_of_visible_ascii),
		cmocka_unit_test(
		    idempotency_read__claim__is_one_credentials_one_key),
		cmocka_unit_test(
		    idempotency_read__body__covers_route_body_and_headers),
		cmocka_unit_test(
		    idempotency_read__the_usual__digests_stay_the_same),
	};
	struct error e;

	if (crypto_init(&e))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
