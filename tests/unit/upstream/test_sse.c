/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "upstream/sse.h"

/* What came out of a stream, as text: name|data|flags; per event. */
struct seen {
	char text[2048];
	size_t n;
	char raw[2048];
	size_t n_raw;
	unsigned n_events;
	unsigned fail_at;
};

static struct arena a;

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(1));
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
note(struct seen *seen, struct str s)
{
	assert_true(seen->n + s.n < sizeof(seen->text));
	memcpy(seen->text + seen->n, s.p ? s.p : "", s.n);
	seen->n += s.n;
}

static enum err
on_event(void *ctx, const struct sse_event *ev, struct error *e)
{
	struct seen *seen = ctx;

	if (++seen->n_events == seen->fail_at)
		return error_set(e, ERR_CLIENT_CLOSED, "test");
	assert_true(seen->n_raw + ev->raw.n <= sizeof(seen->raw));
	memcpy(seen->raw + seen->n_raw, ev->raw.p, ev->raw.n);
	seen->n_raw += ev->raw.n;
	note(seen, ev->name);
	note(seen, S("|"));
	note(seen, ev->data);
	note(seen, ev->has_data ? S("|d") : S("|"));
	note(seen, ev->is_cut ? S("c;") : S(";"));
	return OK;
}

/* Feed text in pieces of at most `step` bytes, the first `first` long. */
static struct seen
feed(struct str text, size_t first, size_t step)
{
	struct seen seen = { .n = 0 };
	struct sse sse;
	struct error e;

	sse_init(&sse, &a, 1024, on_event, &seen);
	for (size_t at = 0; at < text.n;) {
		size_t n = at == 0 ? first : step;
		char piece[1024];

		if (n > text.n - at)
			n = text.n - at;
		/* A copy of its own, so that no view can outlive it. */
		memcpy(piece, text.p + at, n);
		assert_ok(sse_feed(&sse, str_make(piece, n), &e));
		memset(piece, '#', n);
		at += n;
	}
	assert_ok(sse_finish(&sse, &e));
	return seen;
}

static void
assert_stream(struct str text, const char *expected)
{
	for (size_t first = 1; first <= text.n; first++) {
		for (size_t step = 1; step <= text.n; step++) {
			struct seen seen = feed(text, first, step);

			assert_str_is(str_make(seen.text, seen.n), expected);
			arena_reset(&a);
		}
	}
}

static void
sse_feed__any_split__same_events(void **state)
{
	(void)state;
	assert_stream(S("data: {\"a\":1}\n\ndata: 2\n\ndata: [DONE]\n\n"),
	    "|{\"a\":1}|d;|2|d;|[DONE]|d;");
}

static void
sse_feed__all_line_ends__are_understood(void **state)
{
	(void)state;
	assert_stream(S("data: a\r\n\r\ndata: b\r\n\r\n"), "|a|d;|b|d;");
	assert_stream(S("data: a\n\r\ndata: b\r\n\n"), "|a|d;|b|d;");
}

static void
sse_feed__cr_alone__ends_lines(void **state)
{
	(void)state;
	assert_stream(S("data: a\rdata: b\r\rdata: c\r\r"), "|a\nb|d;|c|d;");
}

static void
sse_feed__fields__as_the_standard_reads_them(void **state)
{
	(void)state;
	assert_stream(S("event: ping\nid: 1\ndata:x\ndata:  y\ndata\nretry: 5\n"
			"database: no\n\n"),
	    "ping|x\n y\n|d;");
	assert_stream(S(": comment\n\ndata:1\n\n"), "||;|1|d;");
	assert_stream(S("\xef\xbb\xbf"
			"data:1\n\n\xef\xbb\xbf"
			"data:2\n\n"),
	    "|1|d;||;");
}

static void
sse_finish__event_without_blank_line__comes_marked_cut(void **state)
{
	(void)state;
	assert_stream(S("data: a\n\ndata: b"), "|a|d;|b|dc;");
	assert_stream(S("data: a\n\ndata: b\n"), "|a|d;|b|dc;");
	assert_stream(S("data: a\r\n\r\n"), "|a|d;");
}

static void
sse_feed__raw_bytes__are_the_streams_bytes(void **state)
{
	struct str text = S(":hi\r\n\r\ndata: a\rdata: b\r\r\n\ndata: c\n\n"
			    "event: x\r\ndata: d\r\n\r\n\n\ndata: e\n\n");

	(void)state;
	for (size_t step = 1; step <= text.n; step++) {
		struct seen seen = feed(text, step, step);

		assert_int_equal(seen.n_raw, text.n);
		assert_memory_equal(seen.raw, text.p, text.n);
		arena_reset(&a);
	}
}

static void
sse_feed__event_over_the_maximum__is_an_upstream_error(void **state)
{
	struct seen seen = { .n = 0 };
	struct sse sse;
	struct error e;

	(void)state;
	sse_init(&sse, &a, 16, on_event, &seen);
	assert_ok(sse_feed(&sse, S("data: 12345678"), &e));
	assert_int_equal(sse_feed(&sse, S("9a"), &e), OK);
	assert_int_equal(sse_feed(&sse, S("b"), &e), ERR_UPSTREAM);

	sse_init(&sse, &a, 16, on_event, &seen);
	assert_int_equal(sse_feed(&sse, S("data: 123456789ab\n\n"), &e),
	    ERR_UPSTREAM);
	assert_int_equal(seen.n_events, 0);
}

static void
sse_feed__callback_fails__stops_there(void **state)
{
	struct seen seen = { .fail_at = 2 };
	struct sse sse;
	struct error e;

	(void)state;
	sse_init(&sse, &a, 1024, on_event, &seen);
	assert_int_equal(sse_feed(&sse, S("data:1\n\ndata:2\n\ndata:3\n\n"),
			     &e),
	    ERR_CLIENT_CLOSED);
	assert_int_equal(seen.n_events, 2);
}

static void
sse_feed__event_in_one_chunk__is_not_copied(void **state)
{
	struct seen seen = { .n = 0 };
	struct sse sse;
	struct error e;

	(void)state;
	sse_init(&sse, &a, 1024, on_event, &seen);
	assert_ok(sse_feed(&sse, S("data: a\n\ndata: b\n\n"), &e));
	assert_int_equal(a.n_alloc, 0);
}

static void
sse_feed__full_arena__fails_softly(void **state)
{
	struct seen seen = { .n = 0 };
	struct sse sse;
	struct error e;

	(void)state;
	a.fail_at = 1;
	sse_init(&sse, &a, 1024, on_event, &seen);
	assert_int_equal(sse_feed(&sse, S("data: a"), &e), ERR_NO_MEMORY);

	a.fail_at = a.n_alloc + 1;
	sse_init(&sse, &a, 1024, on_event, &seen);
	assert_int_equal(sse_feed(&sse, S("data:a\ndata:b\n\n"), &e),
	    ERR_NO_MEMORY);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(sse_feed__any_split__same_events),
		T(sse_feed__all_line_ends__are_understood),
		T(sse_feed__cr_alone__ends_lines),
		T(sse_feed__fields__as_the_standard_reads_them),
		T(sse_finish__event_without_blank_line__comes_marked_cut),
		T(sse_feed__raw_bytes__are_the_streams_bytes),
		T(sse_feed__event_over_the_maximum__is_an_upstream_error),
		T(sse_feed__callback_fails__stops_there),
		T(sse_feed__event_in_one_chunk__is_not_copied),
		T(sse_feed__full_arena__fails_softly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
