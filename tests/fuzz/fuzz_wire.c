/* SPDX-License-Identifier: MIT */
/*
 * Requests, answers and streams of every operation: whatever comes, numbers
 * are sane, and what goes on to a client is events of known fields alone. The
 * first byte of the input says which operation.
 */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include "base/arena.h"
#include "upstream/openai.h"

static void
check_usage(const struct usage *u)
{
	ASSERT(usage_in_tok(u) <= 4 * USAGE_TOK_MAX);
	ASSERT(usage_out_tok(u) <= 2 * USAGE_TOK_MAX);
}

/* Every line is a comment, data, an event's name of plain letters, or empty. */
static void
check_lines(struct str raw)
{
	struct str line;

	while (str_split(&raw, '\n', &line)) {
		while (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		ASSERT(!str_starts(line, S("id:")));
		ASSERT(!str_starts(line, S("retry:")));
	}
}

static enum err
on_event(void *ctx, const struct sse_event *ev, struct error *e)
{
	struct openai_stream *st = ctx;
	struct openai_out out;

	ASSERT(openai_stream_event(st, ev, &out, e) == OK);
	if (out.pass != OPENAI_HIDE && str_find(ev->raw, '\r') == ev->raw.n)
		check_lines(out.raw);
	/* What is written anew has a blank behind each "data:" and the
	 * event's name, which its data has, too. */
	ASSERT(out.raw.n <= 3 * ev->raw.n + 16);
	return OK;
}

static void
check_stream(struct arena *a, enum wire_op op, struct str text)
{
	struct openai_stream st;
	struct error e;
	struct sse sse;

	wire_stream_init(&st, a, op, true, fuzz_bytes());
	sse_init(&sse, a, MIB(1), on_event, &st);
	ASSERT(sse_feed(&sse, text, &e) == OK);
	ASSERT(sse_finish(&sse, &e) == OK);
	check_usage(&st.usage);
	ASSERT(openai_texts_count(&st.texts).tok <= text.n);
}

static void
check_answer(struct arena *a, enum wire_op op, struct str text)
{
	struct openai_answer answer;
	struct str answer_text;
	struct error e;

	wire_answer_read(op, text, &answer);
	check_usage(&answer.usage);
	ASSERT(answer.text_bytes <= text.n);
	ASSERT(openai_count_answer(&answer, fuzz_bytes()).tok <= text.n);
	if (openai_answer_text(a, &answer, &answer_text, &e) == OK)
		ASSERT(answer_text.n <= text.n);
	else
		ASSERT(e.code == ERR_UPSTREAM);
}

static void
check_request(struct arena *a, enum wire_op op, struct str text)
{
	const struct openai_change change = {
		.kind = PROVIDER_LOCAL,
		.model = S("up"),
		.limit_tok = 7,
		.force_usage = true,
	};
	struct openai_request rq;
	struct splice_out out;
	struct body b, again;
	struct splice s;
	struct error e;

	if (body_scan(a, text, &b, &e) ||
	    openai_request_read(a, op, &b, &rq, &e))
		return;
	if (provider_check_body(PROVIDER_LOCAL, op, &b, S(""), &e))
		ASSERT(e.code == ERR_UNSUPPORTED_PARAM);
	ASSERT(op == WIRE_COUNT || rq.n >= 1);
	splice_init(&s, a, &b);
	openai_request_change(&s, op, &rq, &change);
	if (splice_build(&s, &out, &e))
		return;
	ASSERT(
	    out.n_pieces != 1 || body_scan(a, out.pieces[0], &again, &e) == OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct str text;
	enum wire_op op;

	if (n < 1 || n > 60000)
		return 0;
	op = (enum wire_op)(p[0] % WIRE_OP__MAX);
	text = str_make((const char *)p + 1, n - 1);
	arena_init(&a, MIB(16));
	check_stream(&a, op, text);
	check_answer(&a, op, text);
	check_request(&a, op, text);
	arena_fini(&a);
	return 0;
}
