/* SPDX-License-Identifier: MIT */
/* Rows through their tables of members: what may be given, and by whom; ETags
 * and what the audit log is told. CHECKLIST S9. */
#include "support/cmocka_tg.h"

#include "domain/record.h"
#include "ext/crypto.h"

#define NOW_MS INT64_C(1800000000000)

enum colour {
	RED,
	BLUE
};
static const char *const colours[] = { "red", "blue" };

struct row {
	uint64_t id;
	uint64_t owner_id;
	struct str name;
	struct str note;
	int64_t rate;
	int64_t per_hour;
	struct limit_set set;
	bool is_on;
	int64_t ends_ms;
	enum colour colour;
	uint64_t bits;
	struct str list;
	uint64_t markup;
	int64_t seen_ms;
};

#define AT(m) offsetof(struct row, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(id) },
	{ .name = "owner_id", .kind = RECORD_ID, .off = AT(owner_id), .flags = RECORD_NEW, .min = 1, .max = 99 },
	{ .name = "name", .kind = RECORD_TEXT, .off = AT(name),
	  .flags = RECORD_NEW | RECORD_NEEDED | RECORD_SET, .min = 1, .max = 10 },
	{ .name = "note", .kind = RECORD_TEXT, .off = AT(note), .flags = RECORD_SET | RECORD_NULL, .max = 10 },
	{ .name = "rate", .kind = RECORD_COUNT, .off = AT(rate),
	  .flags = RECORD_SET | RECORD_NULL | RECORD_OPERATOR, .min = 1, .max = 100 },
	{ .name = "per_hour", .kind = RECORD_COUNT, .off = AT(per_hour), .flags = RECORD_SET | RECORD_NULL, .max = 100 },
	{ .name = "is_on", .kind = RECORD_BOOL, .off = AT(is_on), .flags = RECORD_SET },
	{ .name = "ends_at", .kind = RECORD_TIME, .off = AT(ends_ms), .flags = RECORD_SET | RECORD_NULL },
	{ .name = "colour", .kind = RECORD_ENUM, .off = AT(colour), .flags = RECORD_SET, .names = colours, .n_names = 2 },
	{ .name = "bits", .kind = RECORD_BITS, .off = AT(bits), .flags = RECORD_SET, .names = colours, .n_names = 2 },
	{ .name = "list", .kind = RECORD_TEXTS, .off = AT(list), .flags = RECORD_SET | RECORD_NULL, .max = 3 },
	{ .name = "metrics", .kind = RECORD_LIMITS, .off = AT(set), .flags = RECORD_SET | RECORD_NULL },
	{ .name = "a_minute", .kind = RECORD_LIMIT, .off = AT(set), .metric = LIMIT_KEY_MODEL_REQUESTS_MINUTE,
	  .flags = RECORD_SET | RECORD_NULL, .min = 1, .max = 100 },
	{ .name = "markup", .kind = RECORD_PPM, .off = AT(markup), .flags = RECORD_SET | RECORD_HIDDEN, .max = 5000000 },
	{ .name = "seen_at", .kind = RECORD_TIME, .off = AT(seen_ms), .flags = RECORD_LIVE },
};
/* clang-format on */
static const struct record_type type = { "row", "row", "row", members,
	ARRAY_LEN(members), sizeof(struct row) };

static struct arena a;
static struct error e;
static struct row row;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(1));
	row = (struct row){ .id = 7,
		.owner_id = 3,
		.name = S("it"),
		.rate = 5,
		.per_hour = -1,
		.is_on = true,
		.bits = 2,
		.markup = 1250000 };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static enum err
read_as(const char *text, unsigned flag, bool is_operator)
{
	const struct record_input in = { .flag = flag,
		.is_operator = is_operator,
		.now_ms = NOW_MS };
	const struct json *body;

	assert_ok(json_parse_object(&a, str_from(text), 4, &body, &e));
	return record_read(&type, body, &in, &a, &row, &e);
}

static struct str
written(bool to_operator)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, &a, KIB(4));
	json_out_init(&j, &b);
	json_out_object(&j);
	record_write(&type, &row, to_operator, &j);
	json_out_object_end(&j);
	return buf_str(&b);
}

static void
record_write__all_kinds__as_their_json(void **state)
{
	(void)state;
	assert_str_is(written(true),
	    "{\"id\":7,\"owner_id\":3,\"name\":\"it\",\"note\":null,\"rate\":5,"
	    "\"per_hour\":null,\"is_on\":true,\"ends_at\":null,"
	    "\"colour\":\"red\",\"bits\":[\"blue\"],\"list\":null,"
	    "\"metrics\":{},\"a_minute\":null,\"markup\":1.25,\"seen_at\":null}");
	row.list = S("");
	row.bits = 3;
	row.colour = BLUE;
	assert_true(
	    str_find_str(written(false), S("\"bits\":[\"red\",\"blue\"],"
					   "\"list\":[],")) < written(false).n);
	assert_int_equal(str_find_str(written(false), S("markup")),
	    written(false).n);
}

static void
record_read__given_members__others_stay(void **state)
{
	(void)state;
	assert_ok(read_as("{\"name\":\"new\",\"rate\":9,\"is_on\":false,"
			  "\"ends_at\":\"2030-01-01T00:00:00Z\",\"colour\":"
			  "\"blue\",\"bits\":[\"red\"],\"list\":[\"a\",\"b\"],"
			  "\"per_hour\":8,\"markup\":1.000001}",
	    RECORD_SET, true));
	assert_str_is(row.name, "new");
	assert_int_equal(row.rate, 9);
	assert_int_equal(row.per_hour, 8);
	assert_false(row.is_on);
	assert_int_equal(row.colour, BLUE);
	assert_int_equal(row.bits, 1);
	assert_str_is(row.list, "a,b");
	assert_int_equal(row.markup, 1000001);
	assert_int_equal(row.owner_id, 3);

	assert_ok(read_as("{\"rate\":null,\"ends_at\":null,\"list\":null,"
			  "\"per_hour\":null}",
	    RECORD_SET, true));
	assert_int_equal(row.rate, -1);
	assert_int_equal(row.per_hour, -1);
	assert_int_equal(row.ends_ms, 0);
	assert_null(row.list.p);
}

/* One number has two names; those that are not given stay, null takes one
 * away, and null for the object takes all. */
static void
record_read__limits__change_one_by_one(void **state)
{
	(void)state;
	assert_ok(read_as("{\"metrics\":{\"key.tokens.day\":0,"
			  "\"key.concurrent\":3,"
			  "\"customer.requests.hour\":100000000000},"
			  "\"a_minute\":7}",
	    RECORD_SET, true));
	assert_true(
	    str_find_str(written(true),
		S("\"metrics\":{\"key.tokens.day\":0,"
		  "\"customer.requests.hour\":100000000000,"
		  "\"key_model.requests.minute\":7,\"key.concurrent\":3},"
		  "\"a_minute\":7")) < written(true).n);
	assert_ok(read_as("{\"metrics\":{\"key.concurrent\":null,"
			  "\"key_model.requests.minute\":8}}",
	    RECORD_SET, true));
	assert_int_equal(limit_set_get(&row.set,
			     LIMIT_KEY_MODEL_REQUESTS_MINUTE),
	    8);
	assert_int_equal(limit_set_get(&row.set, LIMIT_CONCURRENT), -1);
	assert_int_equal(limit_set_get(&row.set, LIMIT_KEY_TOKENS_DAY), 0);
	assert_ok(
	    read_as("{\"metrics\":null,\"a_minute\":9}", RECORD_SET, true));
	assert_int_equal(row.set.stated,
	    UINT32_C(1) << LIMIT_KEY_MODEL_REQUESTS_MINUTE);
	assert_ok(read_as("{\"a_minute\":null}", RECORD_SET, true));
	assert_int_equal(row.set.stated, 0);
}

static void
record_read__what_may_not_be_given__refused_by_name(void **state)
{
	static const struct {
		const char *text, *param;
		unsigned flag;
	} cases[] = {
		{ "{\"id\":1}", "id", RECORD_SET },
		{ "{\"role\":\"operator\"}", "role", RECORD_SET },
		{ "{\"balance\":1}", "balance", RECORD_SET },
		{ "{\"owner_id\":1}", "owner_id", RECORD_SET },
		{ "{\"owner_id\":1,\"name\":\"x\",\"note\":\"y\"}", "note",
		    RECORD_NEW },
		{ "{}", "name", RECORD_NEW },
		{ "{\"name\":null}", "name", RECORD_NEW },
		{ "{\"name\":null}", "name", RECORD_SET },
		{ "{\"name\":\"\"}", "name", RECORD_SET },
		{ "{\"name\":\"  \"}", "name", RECORD_SET },
		{ "{\"name\":\"a\\nb\"}", "name", RECORD_SET },
		{ "{\"name\":\"01234567890\"}", "name", RECORD_SET },
		{ "{\"name\":5}", "name", RECORD_SET },
		{ "{\"rate\":0}", "rate", RECORD_SET },
		{ "{\"rate\":101}", "rate", RECORD_SET },
		{ "{\"rate\":-1}", "rate", RECORD_SET },
		{ "{\"per_hour\":101}", "per_hour", RECORD_SET },
		{ "{\"is_on\":null}", "is_on", RECORD_SET },
		{ "{\"ends_at\":\"2020-01-01\"}", "ends_at", RECORD_SET },
		{ "{\"ends_at\":\"soon\"}", "ends_at", RECORD_SET },
		{ "{\"colour\":\"green\"}", "colour", RECORD_SET },
		{ "{\"bits\":[\"green\"]}", "bits", RECORD_SET },
		{ "{\"bits\":[\"red\",\"red\",\"red\"]}", "bits", RECORD_SET },
		{ "{\"list\":[\"a\",\"b\",\"c\",\"d\"]}", "list", RECORD_SET },
		{ "{\"list\":[\"a,b\"]}", "list", RECORD_SET },
		{ "{\"list\":[\"\"]}", "list", RECORD_SET },
		{ "{\"metrics\":{\"key.tokens.week\":1}}", "key.tokens.week",
		    RECORD_SET },
		{ "{\"metrics\":{\"key.tokens.day\":-1}}", "key.tokens.day",
		    RECORD_SET },
		{ "{\"metrics\":{\"key.tokens.day\":100000000001}}",
		    "key.tokens.day", RECORD_SET },
		{ "{\"metrics\":{\"key.tokens.day\":1.5}}", "key.tokens.day",
		    RECORD_SET },
		{ "{\"metrics\":{\"sliding\":2}}", "sliding", RECORD_SET },
		{ "{\"metrics\":{\"key_model.requests.minute\":1000000001}}",
		    "key_model.requests.minute", RECORD_SET },
		{ "{\"metrics\":[]}", "metrics", RECORD_SET },
		{ "{\"a_minute\":0}", "a_minute", RECORD_SET },
		{ "{\"a_minute\":1,\"metrics\":{\"key_model.requests.minute\":"
		  "1}}",
		    "a_minute", RECORD_SET },
		{ "{\"a_minute\":null,\"metrics\":{"
		  "\"key_model.requests.minute\":1}}",
		    "a_minute", RECORD_SET },
		{ "{\"markup\":-1}", "markup", RECORD_SET },
		{ "{\"markup\":5.000001}", "markup", RECORD_SET },
		{ "{\"markup\":1.0000001}", "markup", RECORD_SET },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(read_as(cases[i].text, cases[i].flag, true),
		    ERR_BAD_PARAM);
		assert_string_equal(e.param, cases[i].param);
	}
	assert_int_equal(read_as("{\"rate\":5}", RECORD_SET, false),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "rate");
}

static void
record_etag__changes_with_the_row_and_not_by_itself(void **state)
{
	char first[RECORD_ETAG_BYTES], then[RECORD_ETAG_BYTES];

	(void)state;
	record_etag(&type, &row, &a, first);
	row.seen_ms = 1000;
	record_etag(&type, &row, &a, then);
	assert_string_equal(first, then);
	assert_int_equal(strlen(first), 34);
	row.is_on = false;
	record_etag(&type, &row, &a, then);
	assert_string_not_equal(first, then);
}

static void
record_match__if_match__compares_strongly(void **state)
{
	static const char *const pass[] = { "*", " * ", "\"a\"", "\"x\", \"a\"",
		"\"a\",\"y\"" };
	static const char *const fail[] = { "", "\"x\"", "W/\"a\"", "a", "\"a",
		"\"x\",W/\"a\"" };

	(void)state;
	assert_ok(record_match((struct str){ NULL, 0 }, "\"a\"", &e));
	for (size_t i = 0; i < ARRAY_LEN(pass); i++)
		assert_ok(record_match(str_from(pass[i]), "\"a\"", &e));
	for (size_t i = 0; i < ARRAY_LEN(fail); i++)
		assert_int_equal(record_match(str_from(fail[i]), "\"a\"", &e),
		    ERR_PRECONDITION);
}

static void
record_changes__tell_what_differs(void **state)
{
	struct row before = row;

	(void)state;
	row.name = S("\"x\"");
	row.per_hour = 4;
	row.seen_ms = 5000;
	assert_str_is(record_changes(&type, &before, &row, &a),
	    "{\"before\":{\"name\":\"it\",\"per_hour\":null},"
	    "\"after\":{\"name\":\"\\\"x\\\"\",\"per_hour\":4}}");
	assert_true(str_starts(record_changes(&type, NULL, &row, &a),
	    S("{\"before\":null,\"after\":{\"id\":7,")));
}

/* What no JSON was read for. */
static void
record_check__out_of_bounds__names_what_changed(void **state)
{
	const struct row before = row;

	(void)state;
	assert_ok(record_check(&type, &before, &row, NOW_MS, &a, &e));
	row.name = S("01234567890");
	assert_int_equal(record_check(&type, &before, &row, NOW_MS, &a, &e),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "name");
	assert_ok(record_check(&type, &row, &row, NOW_MS, &a, &e));
	row.name = S("a\nb");
	assert_int_equal(record_check(&type, NULL, &row, NOW_MS, &a, &e),
	    ERR_BAD_PARAM);
	row = before;
	row.rate = 101;
	assert_int_equal(record_check(&type, &before, &row, NOW_MS, &a, &e),
	    ERR_BAD_PARAM);
	row.rate = -1;
	assert_ok(record_check(&type, &before, &row, NOW_MS, &a, &e));
	row.ends_ms = NOW_MS;
	assert_int_equal(record_check(&type, &before, &row, NOW_MS, &a, &e),
	    ERR_BAD_PARAM);
	assert_string_equal(e.param, "ends_at");
	row = before;
	row.markup = 5000001;
	assert_int_equal(record_check(&type, &before, &row, NOW_MS, &a, &e),
	    ERR_BAD_PARAM);
}

int
main(void)
{
#define RECORD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RECORD_TEST(record_write__all_kinds__as_their_json),
		RECORD_TEST(record_read__given_members__others_stay),
		RECORD_TEST(record_read__limits__change_one_by_one),
		RECORD_TEST(
		    record_read__what_may_not_be_given__refused_by_name),
		RECORD_TEST(
		    record_etag__changes_with_the_row_and_not_by_itself),
		RECORD_TEST(record_match__if_match__compares_strongly),
		RECORD_TEST(record_changes__tell_what_differs),
		RECORD_TEST(record_check__out_of_bounds__names_what_changed),
	};

	if (crypto_init(&e))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
