/* SPDX-License-Identifier: MIT */
/* tests/golden/usage: providers' answers, what they must be counted as, and
 * what that costs. A file's cases are of one operation. */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json_scan.h"
#include "base/money.h"
#include "domain/price.h"
#include "store/price.h"
#include "upstream/openai.h"

#define FILE_BYTES_MAX MIB(1)

static const char *const class_names[TOK_CLASS__MAX] = { "in", "in_cached",
	"cache_write", "in_audio", "out", "out_reasoning", "out_audio",
	"out_image" };

/* What was understood of one answer. */
struct got {
	bool has_usage, has_in, has_out, is_bad;
	struct usage usage;
};

static struct str
read_file(struct arena *a, const char *name)
{
	const char *dir = getenv("TG_SRCDIR");
	struct json_scan s = { .depth_max = JSON_SCAN_DEPTH_MAX };
	char *text = arena_alloc(a, FILE_BYTES_MAX), path[400];
	struct str json;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/tests/golden/usage/%s",
	    dir ? dir : ".", name);
	f = fopen(path, "rb");
	if (!f || !text)
		fail_msg("cannot read %s", path);
	json = str_make(text, fread(text, 1, FILE_BYTES_MAX, f));
	(void)fclose(f);
	if (!json_scan(&s, json))
		fail_msg("%s: %s at byte %zu", path, s.failure,
		    s.failure_offset);
	return str_make(s.inner.p - 1, s.inner.n + 2);
}

static struct json_member
need(struct str object, const char *name)
{
	struct json_member m;

	if (!json_walk_find(object, str_from(name), &m))
		fail_msg("no %s in %.*s", name, (int)object.n, object.p);
	return m;
}

static struct str
unquoted(const struct json_member *m)
{
	return str_make(m->value.p + 1, m->value.n - 2);
}

/* ---- prices ---- */

static struct price
read_prices(struct arena *a)
{
	struct str json = read_file(a, "prices.json");
	struct price p = { 0 };
	struct error e;

	for (int class = 0; class < TOK_CLASS__MAX; class ++) {
		struct json_member m = need(json, class_names[class]);
		int64_t per_million_pusd;

		assert_ok(
		    money_from_decimal(unquoted(&m), &per_million_pusd, &e));
		p.tok_pusd[TOK_NORMAL][class] = per_million_pusd / 1000000;
	}
	return p;
}

/* ---- answers ---- */

static struct got
read_whole(enum wire_op op, struct str text)
{
	struct openai_answer answer;

	wire_answer_read(op, text, &answer);
	return (struct got){ answer.has_usage, answer.has_in, answer.has_out,
		answer.has_bad_usage, answer.usage };
}

static enum err
on_event(void *ctx, const struct sse_event *ev, struct error *e)
{
	struct openai_out out;

	return openai_stream_event(ctx, ev, &out, e);
}

static struct got
read_stream(struct arena *a, enum wire_op op, struct str events)
{
	struct openai_stream st;
	struct json_member event;
	struct json_walk w;
	struct error e;
	struct sse sse;

	wire_stream_init(&st, a, op, true, NULL);
	sse_init(&sse, a, MIB(1), on_event, &st);
	json_walk_init(&w, events);
	while (json_walk_next(&w, &event)) {
		struct str data = event.kind == JSON_STRING ? unquoted(&event)
							    : event.value;

		assert_ok(sse_feed(&sse,
		    arena_printf(a, "data: %" PRI_STR "\n\n", STR_ARG(data)),
		    &e));
	}
	assert_false(st.is_garbage);
	return (struct got){ st.has_usage, st.has_in && !st.has_usage, false,
		st.has_bad_usage, st.usage };
}

/* ---- what is expected ---- */

static void
check_tokens(const char *file, struct str name, struct str expected,
    const struct usage *u)
{
	struct json_member m;

	for (int class = 0; class < TOK_CLASS__MAX; class ++) {
		uint64_t n = 0;

		if (json_walk_find(expected, str_from(class_names[class]), &m))
			assert_true(str_to_u64(m.value, 0, UINT64_MAX, &n));
		if (u->n_tok[class] != n)
			fail_msg("%s: %.*s: %s is %llu, not %llu", file,
			    (int)name.n, name.p, class_names[class],
			    (unsigned long long)u->n_tok[class],
			    (unsigned long long)n);
	}
}

static void
check_cost(const char *file, struct str name, struct str expected,
    const struct price *p, const struct usage *u)
{
	struct tokens t = { 0 };
	int64_t cost_pusd;
	struct cost cost;
	struct error e;

	for (int class = 0; class < TOK_CLASS__MAX; class ++)
		t.tok[TOK_NORMAL][class] = u->n_tok[class];
	assert_ok(price_cost(p, &t, 1000000, &cost, &e));
	assert_ok(money_from_decimal(expected, &cost_pusd, &e));
	if (cost.charged_pusd != cost_pusd)
		fail_msg("%s: %.*s: costs %lld pico-USD, not %lld", file,
		    (int)name.n, name.p, (long long)cost.charged_pusd,
		    (long long)cost_pusd);
}

/* "provider": all of it is known. "input" or "output": that half is, the
 * other will be counted. "none": nothing was said; "bad": what was said
 * can't be right. */
static void
check_case(const char *file, enum wire_op op, const struct price *p,
    struct arena *a, struct str json)
{
	struct json_member m = need(json, "usage"), name = need(json, "name");
	struct json_member tokens = need(json, "tokens"), cost;
	struct str usage = unquoted(&m), what = unquoted(&name);
	bool is_whole = json_walk_find(json, S("answer"), &m);
	struct got got = is_whole
			     ? read_whole(op, m.value)
			     : read_stream(a, op, need(json, "events").value);
	bool is_known = str_eq(usage, S("provider"));
	bool has_in = str_ends(usage, S("input"));
	bool has_out = str_eq(usage, S("output"));

	if (got.has_usage != is_known)
		fail_msg("%s: %.*s: %s", file, (int)what.n, what.p,
		    is_known ? "not understood" : "taken for usage");
	if (!is_known && (got.has_in != has_in || got.has_out != has_out))
		fail_msg("%s: %.*s: not the half that is known", file,
		    (int)what.n, what.p);
	if (str_starts(usage, S("bad")) && !got.is_bad)
		fail_msg("%s: %.*s: nobody is warned", file, (int)what.n,
		    what.p);
	if (has_in && !is_known)
		got.usage.n_tok[TOK_OUT] = got.usage.n_tok[TOK_OUT_REASONING] =
		    0;
	if (is_known || has_in || has_out)
		check_tokens(file, what, tokens.value, &got.usage);
	cost = need(json, "cost");
	/* Of a half, what that half costs. */
	if (is_known || has_in || has_out)
		check_cost(file, what, unquoted(&cost), p, &got.usage);
}

static void
check_file(const char *file, enum wire_op op)
{
	struct json_member one;
	struct json_walk w;
	struct price p;
	struct arena a;
	size_t n = 0;

	arena_init(&a, MIB(64));
	p = read_prices(&a);
	json_walk_init(&w, need(read_file(&a, file), "cases").value);
	for (; json_walk_next(&w, &one); n++)
		check_case(file, op, &p, &a, one.value);
	assert_true(n >= 4);
	arena_fini(&a);
}

#define GOLDEN(name, op)                                       \
 static void usage__golden_##name##__as_expected(void **state) \
 {                                                             \
  (void)state;                                                 \
  check_file(#name ".json", op);                               \
 }
GOLDEN(chat, WIRE_CHAT)
GOLDEN(completion, WIRE_COMPLETION)
GOLDEN(embedding, WIRE_EMBEDDING)
GOLDEN(response, WIRE_RESPONSE)
GOLDEN(message, WIRE_MESSAGE)
GOLDEN(generate, WIRE_GENERATE)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage__golden_chat__as_expected),
		cmocka_unit_test(usage__golden_completion__as_expected),
		cmocka_unit_test(usage__golden_embedding__as_expected),
		cmocka_unit_test(usage__golden_response__as_expected),
		cmocka_unit_test(usage__golden_message__as_expected),
		cmocka_unit_test(usage__golden_generate__as_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
