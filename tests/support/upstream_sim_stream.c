/* SPDX-License-Identifier: MIT */
/*
 * Server-sent events of a streamed answer (WHATWG HTML, "Server-sent
 * events"), as OpenAI sends them.  With stream_options.include_usage all
 * chunks carry "usage":null and one more, without choices, the numbers.
 */
#include "upstream_sim.h"

#include <string.h>

static struct slice
line_end(const struct sim_conn *c)
{
	if (c->an.plan.sse & SSE_CRLF)
		return SLICE("\r\n");
	return c->an.plan.sse & SSE_CR ? SLICE("\r") : SLICE("\n");
}

static void
add_line(struct sbuf *b, struct slice text, struct slice eol)
{
	sbuf_add(b, text.p, text.n);
	sbuf_add(b, eol.p, eol.n);
}

static void
add_data(struct sim_conn *c, struct sbuf *b, struct slice data)
{
	struct slice eol = line_end(c);

	if (c->an.plan.sse & SSE_NO_SPACE)
		sbuf_lit(b, "data:");
	else
		sbuf_lit(b, "data: ");
	add_line(b, data, eol);
}

/* Where JSON may be broken in two: behind its first comma. */
static size_t
break_of(struct slice data)
{
	const char *p = memchr(data.p, ',', data.n);

	return p ? (size_t)(p - data.p) + 1 : 0;
}

void
sim_stream_data(struct sim_conn *c, struct slice data)
{
	sim_stream_named(c, SLICE(""), data);
}

void
sim_stream_named(struct sim_conn *c, struct slice name, struct slice data)
{
	struct sbuf event = { 0 };
	unsigned sse = c->an.plan.sse;
	struct slice eol = line_end(c);
	size_t first = sse & SSE_MULTILINE ? break_of(data) : 0;

	if (sse & SSE_COMMENTS) {
		add_line(&event, SLICE(": still here"), eol);
		add_line(&event, SLICE(""), eol);
	}
	if (sse & SSE_FIELDS) {
		add_line(&event, SLICE("event: message"), eol);
		add_line(&event, SLICE("id: 7"), eol);
		add_line(&event, SLICE("retry: 3000"), eol);
	}
	if (name.n) {
		sbuf_lit(&event, "event: ");
		add_line(&event, name, eol);
	}
	if (first)
		add_data(c, &event, (struct slice){ data.p, first });
	add_data(c, &event, (struct slice){ data.p + first, data.n - first });
	add_line(&event, SLICE(""), eol);
	sim_body_add(c, event.p, event.n);
	if (event.failed)
		c->out.failed = true;
	sbuf_fini(&event);
	atomic_fetch_add_explicit(&c->th->stats.events, 1,
	    memory_order_relaxed);
}

static void
open_chunk(struct sim_conn *c, struct sbuf *b)
{
	b->n = 0;
	sim_text_opening(b, &c->an,
	    c->an.route == ROUTE_CHAT ? SLICE("chat.completion.chunk")
				      : SLICE("text_completion"));
	sbuf_lit(b, ",\"choices\":[");
}

static void
close_chunk(struct sim_conn *c, struct sbuf *b)
{
	sbuf_lit(b, "]");
	if (c->an.plan.usage == USAGE_EACH) {
		sbuf_lit(b, ",\"usage\":");
		sim_text_usage(b, &c->an);
	} else if (c->an.call.include_usage) {
		sbuf_lit(b, ",\"usage\":null");
	}
	sbuf_lit(b, "}");
	sim_stream_data(c, (struct slice){ b->p, b->n });
}

/* One choice: what stands between its index and its finish_reason. */
static void
add_choice(struct sbuf *b, uint64_t index, struct slice middle,
    struct slice finish)
{
	sbuf_lit(b, "{\"index\":");
	sbuf_add_u64(b, index);
	sbuf_lit(b, ",");
	sbuf_add(b, middle.p, middle.n);
	sbuf_lit(b, ",\"logprobs\":null,\"finish_reason\":");
	if (finish.n) {
		sbuf_lit(b, "\"");
		sbuf_add(b, finish.p, finish.n);
		sbuf_lit(b, "\"}");
	} else {
		sbuf_lit(b, "null}");
	}
}

static void
send_usage(struct sim_conn *c)
{
	struct sbuf *b = &c->th->scratch;

	open_chunk(c, b);
	sbuf_lit(b, "],\"usage\":");
	sim_text_usage(b, &c->an);
	sbuf_lit(b, "}");
	sim_stream_data(c, (struct slice){ b->p, b->n });
}

void
sim_stream_open(struct sim_conn *c)
{
	struct sbuf *b = &c->th->scratch;

	if (c->an.plan.sse & SSE_BOM)
		sim_body_add(c, "\xef\xbb\xbf", 3);
	if (sim_is_typed(c->an.route)) {
		sim_typed_open(c);
		return;
	}
	if (c->an.plan.usage == USAGE_EARLY && c->an.call.include_usage)
		send_usage(c);
	if (c->an.route != ROUTE_CHAT)
		return;
	for (uint64_t i = 0; i < c->an.call.n; i++) {
		open_chunk(c, b);
		add_choice(b, i,
		    SLICE("\"delta\":{\"role\":\"assistant\","
			  "\"content\":\"\",\"refusal\":null}"),
		    SLICE(""));
		close_chunk(c, b);
	}
}

void
sim_stream_event(struct sim_conn *c)
{
	struct sbuf *b = &c->th->scratch;
	struct sim_answer *an = &c->an;
	uint64_t index = an->ev % an->call.n;
	uint64_t word = an->ev / an->call.n;

	if (sim_is_typed(an->route)) {
		sim_typed_event(c);
		return;
	}
	an->ev++;
	open_chunk(c, b);
	sbuf_lit(b, "{\"index\":");
	sbuf_add_u64(b, index);
	if (an->route == ROUTE_CHAT)
		sbuf_lit(b, ",\"delta\":{\"content\":\"");
	else
		sbuf_lit(b, ",\"text\":\"");
	sim_text_word(b, an, word);
	sbuf_lit(b, "\"");
	if (an->route == ROUTE_CHAT)
		sbuf_lit(b, "}");
	sbuf_lit(b, ",\"logprobs\":null,\"finish_reason\":null}");
	close_chunk(c, b);
}

void
sim_stream_tail(struct sim_conn *c)
{
	struct sbuf *b = &c->th->scratch;
	struct sim_answer *an = &c->an;
	bool chat = an->route == ROUTE_CHAT;

	if (sim_is_typed(an->route)) {
		sim_typed_tail(c);
		return;
	}
	for (uint64_t i = 0; i < an->call.n; i++) {
		if (an->plan.sse & SSE_NO_FINISH)
			break;
		open_chunk(c, b);
		add_choice(b, i,
		    chat ? SLICE("\"delta\":{}") : SLICE("\"text\":\"\""),
		    an->plan.finish);
		close_chunk(c, b);
	}
	if (an->call.include_usage && an->plan.usage != USAGE_NONE &&
	    an->plan.usage != USAGE_EARLY) {
		send_usage(c);
		if (an->plan.usage == USAGE_DUP)
			send_usage(c);
	}
	if (!(an->plan.sse & SSE_NO_DONE))
		sim_stream_data(c, SLICE("[DONE]"));
}
