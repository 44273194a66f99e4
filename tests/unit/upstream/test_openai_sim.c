/* SPDX-License-Identifier: MIT */
/* Whole streams of the simulator, in all the forms it can give them, from
 * the socket to what the client would get. */
#include "support/cmocka_tg.h"

#include "ext/httpc.h"
#include "support/fixture_sim.h"
#include "upstream/openai.h"

static struct fixture_sim sim;
static struct httpc_pool *pool;
static struct arena a;

/* One stream on its way to the client. */
struct relay {
	struct sse sse;
	struct openai_stream st;
	struct buf client;
	unsigned n_hidden, n_garbage;
};

static enum err
on_event(void *ctx, const struct sse_event *ev, struct error *e)
{
	struct relay *r = ctx;
	struct openai_out out;
	enum err err = openai_stream_event(&r->st, ev, &out, e);

	if (err)
		return err;
	r->n_garbage += out.is_garbage;
	if (out.pass == OPENAI_HIDE)
		r->n_hidden++;
	else
		buf_add(&r->client, out.raw);
	return OK;
}

static enum err
on_body(void *ctx, struct str bytes, struct error *e)
{
	struct relay *r = ctx;

	return sse_feed(&r->sse, bytes, e);
}

/* Stream five words of the form `words`; the client did not ask for usage. */
static enum err
relay(struct relay *r, const char *words)
{
	static const char *const headers[] = {
		"Content-Type: application/json"
	};
	char text[256];
	struct str body;
	struct httpc_callbacks cb = { .ctx = r, .on_body = on_body };
	struct httpc_request rq = {
		.method = "POST",
		.url = "http://localhost/v1/chat/completions",
		.unix_path = sim.unix_path,
		.headers = headers,
		.n_headers = 1,
		.body = &body,
		.n_body = 1,
		.idle_ms = 3000,
		.client_fd = -1,
	};
	struct httpc_result res;
	struct error e;
	enum err err;

	(void)snprintf(text, sizeof(text),
	    "{\"model\":\"sim-fixed:5%s\",\"stream\":true,\"stream_options\":{"
	    "\"include_usage\":true},\"messages\":[{\"role\":\"user\","
	    "\"content\":\"one two three\"}]}",
	    words);
	body = str_from(text);
	*r = (struct relay){ .n_hidden = 0 };
	openai_stream_init(&r->st, &a, true, NULL);
	buf_init(&r->client, &a, MIB(1));
	sse_init(&r->sse, &a, MIB(1), on_event, r);
	err = httpc_perform(pool, &rq, &cb, &res, &e);
	if (!err)
		assert_int_equal(res.status, 200);
	return err ? err : sse_finish(&r->sse, &e);
}

static bool
client_has(const struct relay *r, const char *text)
{
	struct str s = buf_str(&r->client);

	return str_find_str(s, str_from(text)) < s.n;
}

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(16));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

static void
stream__any_framing__is_metered_and_hides_the_usage(void **state)
{
	static const char *const forms[] = { "", "+crlf", "+cr", "+split",
		"+comments", "+fields", "+no-space", "+bom", "+multiline",
		"+split+crlf+comments+fields", "+split+cr+multiline+bom",
		"+no-length", "+early-hints", "+drip:0" };
	uint64_t text_bytes = 0;
	struct relay r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (relay(&r, forms[i]))
			fail_msg("failed: %s", forms[i]);
		if (!r.st.has_usage || usage_out_tok(&r.st.usage) != 5 ||
		    usage_in_tok(&r.st.usage) != 3)
			fail_msg("wrong usage: %s", forms[i]);
		if (!r.st.is_done || !r.st.is_finished || r.n_garbage)
			fail_msg("wrong end: %s", forms[i]);
		if (r.n_hidden != 1 || client_has(&r, "prompt_tokens"))
			fail_msg("usage was shown: %s", forms[i]);
		if (client_has(&r, "usage"))
			fail_msg("usage is mentioned: %s", forms[i]);
		if (client_has(&r, "retry:") || client_has(&r, "event:") ||
		    client_has(&r, "id:"))
			fail_msg("fields went on: %s", forms[i]);
		assert_true(client_has(&r, "[DONE]"));
		if (i == 0)
			text_bytes = r.st.texts.n_bytes;
		assert_int_equal(r.st.texts.n_bytes, text_bytes);
	}
}

static void
stream__usage_in_parts__is_disjoint(void **state)
{
	struct relay r;

	(void)state;
	assert_ok(relay(&r, "+details:100:60:50:30:10:5"));
	assert_int_equal(r.st.usage.n_tok[TOK_IN], 30);
	assert_int_equal(r.st.usage.n_tok[TOK_IN_CACHED], 60);
	assert_int_equal(r.st.usage.n_tok[TOK_IN_AUDIO], 10);
	assert_int_equal(r.st.usage.n_tok[TOK_OUT], 15);
	assert_int_equal(r.st.usage.n_tok[TOK_OUT_REASONING], 30);
	assert_int_equal(r.st.usage.n_tok[TOK_OUT_AUDIO], 5);
}

static void
stream__usage_said_more_than_once__the_last_counts(void **state)
{
	static const char *const forms[] = { "+usage-dup", "+usage-each",
		"+usage-early" };
	struct relay r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_ok(relay(&r, forms[i]));
		if (!r.st.has_usage || usage_out_tok(&r.st.usage) != 5)
			fail_msg("wrong usage: %s", forms[i]);
		/* Sums in each chunk, or one at the front, are no fault. */
		assert_int_equal(r.st.is_usage_repeated, i == 0);
	}
}

static void
stream__no_or_broken_usage__leaves_the_estimate(void **state)
{
	static const char *const forms[] = { "+no-usage", "+usage-negative",
		"+usage-fraction", "+usage-huge", "+usage-string",
		"+usage-null", "+usage-partial" };
	struct relay r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_ok(relay(&r, forms[i]));
		if (r.st.has_usage || openai_texts_count(&r.st.texts).tok == 0)
			fail_msg("took it for usage: %s", forms[i]);
		assert_true(r.st.is_done);
	}
}

static void
stream__broken_ends__are_told_apart(void **state)
{
	struct relay r;

	(void)state;
	assert_ok(relay(&r, "+no-done"));
	assert_true(r.st.is_finished);
	assert_false(r.st.is_done);
	assert_ok(relay(&r, "+no-finish"));
	assert_false(r.st.is_finished);
	assert_true(r.st.is_done);
	assert_int_equal(relay(&r, "+close:2"), ERR_UPSTREAM);
	assert_false(r.st.is_done);
	assert_true(r.st.texts.n_bytes > 0);
	(void)relay(&r, "+error-mid:2");
	assert_true(r.st.is_error);
	(void)relay(&r, "+garbage");
	assert_true(r.st.is_garbage);
	(void)relay(&r, "+bad-utf8");
	assert_true(r.st.is_garbage);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(stream__any_framing__is_metered_and_hides_the_usage),
		T(stream__usage_in_parts__is_disjoint),
		T(stream__usage_said_more_than_once__the_last_counts),
		T(stream__no_or_broken_usage__leaves_the_estimate),
		T(stream__broken_ends__are_told_apart),
	};
	struct httpc_pool_conf conf = { .idle_max = 2 };
	struct error e;
	int n_failed;

	(void)signal(SIGPIPE, SIG_IGN);
	fixture_sim_start(&sim);
	if (httpc_global_init(&e) || httpc_pool_new(&conf, &pool, &e))
		return 1;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_pool_free(pool);
	httpc_global_fini();
	fixture_sim_stop(&sim);
	return n_failed;
}
