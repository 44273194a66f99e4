/* SPDX-License-Identifier: MIT */
/*
 * One answer from beginning to end, made piece by piece: each step appends
 * to the connection's output or says what to wait for.  Framing is here; the
 * content comes from upstream_sim_text.c and upstream_sim_stream.c.
 */
#include "upstream_sim.h"

#include <string.h>

#define BURST_EVENTS 64 /* events of an unpaced stream in one step */
#define NS_PER_MS    1000000

static void
count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Bytes behind the head, up to plan.cut_at. */
static void
raw_add(struct sim_conn *c, const void *p, size_t n)
{
	struct sim_answer *an = &c->an;

	if (an->plan.cut_at - an->body_n <= n) {
		n = (size_t)(an->plan.cut_at - an->body_n);
		an->cut = true;
	}
	an->body_n += n;
	sbuf_add(&c->out, p, n);
}

void
sim_body_add(struct sim_conn *c, const void *p, size_t n)
{
	const char *text = p;
	struct sbuf head = { 0 };

	if (!c->an.chunked) {
		raw_add(c, p, n);
	} else if (c->an.plan.split) {
		for (size_t i = 0; i < n; i++) {
			char chunk[6] = { '1', '\r', '\n', text[i], '\r',
				'\n' };
			raw_add(c, chunk, sizeof(chunk));
		}
	} else if (n) {
		sbuf_add_hex(&head, n);
		sbuf_lit(&head, "\r\n");
		raw_add(c, head.p, head.n);
		raw_add(c, p, n);
		raw_add(c, "\r\n", 2);
		sbuf_fini(&head);
	}
}

static const char *
reason_of(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 302:
		return "Found";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 413:
		return "Content Too Large";
	case 429:
		return "Too Many Requests";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

static void
add_header_u64(struct sbuf *out, struct slice name, uint64_t v)
{
	sbuf_add(out, name.p, name.n);
	sbuf_add_u64(out, v);
	sbuf_lit(out, "\r\n");
}

/* Headers that stand only in some answers. */
static void
add_odd_headers(struct sbuf *out, const struct sim_plan *pl)
{
	if (pl->body == BODY_ERROR && pl->status == 429)
		add_header_u64(out, SLICE("Retry-After: "), pl->retry_after_s);
	if (pl->body == BODY_REDIRECT)
		sbuf_lit(out, "Location: http://198.51.100.7/v1/models\r\n");
	if (pl->gzip)
		sbuf_lit(out, "Content-Encoding: gzip\r\n");
	if (pl->headers)
		sbuf_lit(out, "Set-Cookie: sim=secret; path=/\r\n"
			      "x-ratelimit-limit-requests: 424242\r\n"
			      "x-ratelimit-remaining-requests: 424241\r\n"
			      "openai-organization: sim-organization\r\n");
}

/*
 * Status line and headers.  body_n is the length of a whole body, or
 * SIM_NEVER for one that comes in pieces.
 */
static void
add_head(struct sim_conn *c, unsigned status, struct slice type,
    uint64_t body_n)
{
	struct sbuf *out = &c->out;
	const struct sim_plan *pl = &c->an.plan;
	const char *reason = reason_of(status);
	bool in_pieces = body_n == SIM_NEVER || pl->split;

	c->an.chunked = in_pieces && !c->rq.http10 && !pl->no_length;
	if (pl->no_length || (in_pieces && !c->an.chunked))
		c->close_after = true;
	if (pl->early_hints && !c->rq.http10)
		sbuf_lit(out, "HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n");
	sbuf_lit(out, "HTTP/1.1 ");
	sbuf_add_u64(out, status);
	sbuf_lit(out, " ");
	sbuf_add(out, reason, strlen(reason));
	sbuf_lit(out, "\r\nServer: upstream_sim\r\nContent-Type: ");
	sbuf_add(out, type.p, type.n);
	add_header_u64(out, SLICE("\r\nx-request-id: sim-"), c->an.seq);
	if (c->an.chunked)
		sbuf_lit(out, "Transfer-Encoding: chunked\r\n");
	else if (body_n != SIM_NEVER && !pl->no_length)
		add_header_u64(out, SLICE("Content-Length: "), body_n);
	if (c->an.route == ROUTE_GENERATE && status == 200)
		add_header_u64(out, SLICE("x-prompt-tokens: "),
		    c->an.call.prompt_words);
	add_odd_headers(out, pl);
	if (c->close_after)
		sbuf_lit(out, "Connection: close\r\n");
	sbuf_lit(out, "\r\n");

	c->unit = pl->drip ? 1 : pl->split ? (c->an.chunked ? 6 : 1) : 0;
	c->out_whole = pl->drip ? 0 : out->n;
}

static void
end_body(struct sim_conn *c)
{
	if (c->an.chunked)
		raw_add(c, "0\r\n\r\n", 5);
	c->an.phase = PHASE_END;
}

/* Head and body at once; the body may be cut short by the plan's end. */
static void
send_whole(struct sim_conn *c, unsigned status, struct slice type,
    struct slice body)
{
	struct sim_answer *an = &c->an;
	struct sbuf zipped = { 0 };

	if (an->plan.gzip) {
		sim_gzip(&zipped, body);
		body = (struct slice){ zipped.p, zipped.n };
	}
	add_head(c, status, type, body.n);
	an->phase = PHASE_END;
	if (an->plan.end != END_ERROR && an->plan.end_at < body.n) {
		sim_body_add(c, body.p, (size_t)an->plan.end_at);
	} else {
		an->plan.end = END_NONE;
		sim_body_add(c, body.p, body.n);
		end_body(c);
	}
	sbuf_fini(&zipped);
}

static void
send_error(struct sim_conn *c, unsigned status, struct slice message,
    struct slice param)
{
	struct sbuf *b = &c->th->scratch;

	b->n = 0;
	if (!sim_typed_error(b, c->an.route, status))
		sim_text_error(b, status, message, param);
	send_whole(c, status, SLICE("application/json"),
	    (struct slice){ b->p, b->n });
}

void
sim_answer_bad(struct sim_conn *c, unsigned status)
{
	count(&c->th->stats.bad_requests);
	c->an = (struct sim_answer){ .plan = { .cut_at = SIM_NEVER,
					 .end_at = SIM_NEVER } };
	c->answering = true;
	c->close_after = true;
	send_error(c, status, SLICE("The request can't be understood."),
	    SLICE(""));
}

static void
answer_admin(struct sim_conn *c)
{
	struct sbuf *b = &c->th->scratch;
	enum sim_route route = c->an.route;

	b->n = 0;
	if (route == ROUTE_NONE) {
		send_error(c, 404, SLICE("There is no such route."), SLICE(""));
		return;
	}
	sim_admin_body(c->th->sim, route, b);
	send_whole(c, 200,
	    route == ROUTE_LAST ? SLICE("application/octet-stream")
				: SLICE("application/json"),
	    (struct slice){ b->p, b->n });
}

/* What follows from plan and call together. */
static void
settle_plan(struct sim_answer *an)
{
	struct sim_plan *pl = &an->plan;
	bool embeds = an->route == ROUTE_EMBEDDING || an->route == ROUTE_COUNT;

	if (pl->echo)
		pl->words = jscan_words(an->call.echo);
	if (pl->words > an->call.max_tokens && !pl->ignores_limit) {
		pl->words = an->call.max_tokens;
		an->limited = true;
	}
	if (!pl->finish.n)
		pl->finish = an->limited ? SLICE("length") : SLICE("stop");
	if (embeds || an->route == ROUTE_GENERATE)
		an->call.stream = false;
	if (!an->call.stream && !embeds)
		pl->delay_ms += pl->pace_ms * pl->words;
	an->ev_end = pl->words * an->call.n;
}

/* The words that a prompt begins with; empty: it begins otherwise. */
static struct slice
first_word(struct slice text)
{
	const char *blank;

	if (!slice_has_prefix(text, SLICE("sim-")))
		return SLICE("");
	blank = memchr(text.p, ' ', text.n);
	if (blank)
		text.n = (size_t)(blank - text.p);
	return text;
}

void
sim_answer_begin(struct sim_conn *c, int64_t now_ns)
{
	struct sim_answer *an = &c->an;
	struct slice param, words = c->rq.words;

	*an = (struct sim_answer){ .route = c->rq.route, .t0_ns = now_ns };
	(void)sim_plan_read(SLICE(""), &an->plan); /* defaults */
	c->answering = true;
	c->close_after = c->rq.wants_close;
	count(&c->th->stats.requests[an->route]);
	if (an->route > ROUTE_GENERATE) {
		answer_admin(c);
		return;
	}
	an->seq = atomic_fetch_add(&c->th->sim->seq, 1) + 1;
	sim_admin_keep(c);
	if (!sim_call_read(c->rq.body, an->route, &an->call, &param)) {
		send_error(c, 400,
		    param.n ? SLICE("A member of the body is missing or of "
				    "the wrong kind.")
			    : SLICE("The body is not a JSON object."),
		    param);
		return;
	}
	if (!words.n && slice_has_prefix(an->call.model, SLICE("sim-")))
		words = an->call.model;
	if (!words.n && an->route == ROUTE_GENERATE)
		words = first_word(an->call.echo);
	if (!sim_plan_read(words, &an->plan))
		(void)sim_plan_read(SLICE("404"), &an->plan);
	settle_plan(an);
}

static void
send_garbage(struct sim_conn *c)
{
	static const char text[] = "\x01<<<< not json {\"choices\":[";

	if (!c->an.call.stream) {
		send_whole(c, 200, SLICE("application/json"), SLICE(text));
		return;
	}
	add_head(c, 200, SLICE("text/event-stream"), SIM_NEVER);
	sim_stream_data(c, SLICE(text));
	sim_stream_data(c, SLICE("{\"choices\":\"none\"}"));
	sim_stream_data(c, SLICE("17"));
	end_body(c);
}

/* The events of a whole stream as one body, for gzip. */
static void
send_stream_whole(struct sim_conn *c)
{
	struct sbuf out = c->out;

	c->out = (struct sbuf){ 0 };
	sim_stream_open(c);
	while (c->an.ev < c->an.ev_end)
		sim_stream_event(c);
	sim_stream_tail(c);
	struct sbuf body = c->out;
	c->out = out;
	c->out.failed |= body.failed;
	c->an.body_n = 0;
	send_whole(c, 200, SLICE("text/event-stream"),
	    (struct slice){ body.p, body.n });
	sbuf_fini(&body);
}

static void
send_model(struct sim_conn *c)
{
	struct sbuf *b = &c->th->scratch;

	if (c->an.call.stream && c->an.plan.gzip) {
		send_stream_whole(c);
	} else if (c->an.call.stream) {
		add_head(c, 200, SLICE("text/event-stream; charset=utf-8"),
		    SIM_NEVER);
		sim_stream_open(c);
		c->an.phase = PHASE_EVENTS;
	} else {
		b->n = 0;
		sim_text_answer(b, &c->an);
		send_whole(c, 200, SLICE("application/json"),
		    (struct slice){ b->p, b->n });
	}
}

static void
send_by_plan(struct sim_conn *c)
{
	const struct sim_plan *pl = &c->an.plan;

	switch (pl->body) {
	case BODY_MODEL:
		send_model(c);
		break;
	case BODY_ERROR:
		send_error(c, pl->status, SLICE(""), SLICE(""));
		break;
	case BODY_HTML:
		send_whole(c, 502, SLICE("text/html"),
		    SLICE("\n<html><head><title>502 Bad Gateway</title></head>"
			  "<body><h1>502 Bad Gateway</h1></body></html>\n"));
		break;
	case BODY_GARBAGE:
		send_garbage(c);
		break;
	case BODY_EMPTY:
		send_whole(c, 200, SLICE("application/json"), SLICE(""));
		break;
	case BODY_REDIRECT:
		send_whole(c, 302, SLICE("text/plain"), SLICE("elsewhere\n"));
		break;
	}
}

static enum sim_step
wait_until(struct sim_conn *c, int64_t due_ns)
{
	sim_timer_set(&c->th->timers, c, due_ns);
	return STEP_WAIT;
}

static enum sim_step
step_of_end(enum sim_end end)
{
	switch (end) {
	case END_HANG:
		return STEP_HANG;
	case END_CLOSE:
		return STEP_CLOSE;
	case END_RESET:
		return STEP_RESET;
	case END_NONE:
	case END_ERROR:
		break;
	}
	return STEP_DONE;
}

static enum sim_step
step_wait(struct sim_conn *c, int64_t now_ns)
{
	const struct sim_plan *pl = &c->an.plan;
	int64_t due_ns = c->an.t0_ns + (int64_t)pl->delay_ms * NS_PER_MS;

	if (pl->hangs)
		return STEP_HANG;
	if (pl->delay_ms && now_ns < due_ns)
		return wait_until(c, due_ns);
	if (!pl->end_at && (pl->end == END_CLOSE || pl->end == END_RESET))
		return step_of_end(pl->end);
	c->an.phase = PHASE_HEAD;
	send_by_plan(c);
	return STEP_MORE;
}

/* An event inside a stream that reports an error; then the stream ends. */
static void
send_error_event(struct sim_conn *c)
{
	struct sbuf *b = &c->th->scratch;

	if (!sim_typed_failure(c)) {
		b->n = 0;
		sim_text_error(b, 500, SLICE(""), SLICE(""));
		sim_stream_data(c, (struct slice){ b->p, b->n });
	}
	end_body(c);
}

/* When the content event number ev is due. */
static int64_t
event_due_ns(const struct sim_answer *an)
{
	uint64_t ms = an->plan.delay_ms + (an->ev + 1) * an->plan.pace_ms;

	return an->t0_ns + (int64_t)ms * NS_PER_MS;
}

static enum sim_step
step_events(struct sim_conn *c, int64_t now_ns)
{
	struct sim_answer *an = &c->an;
	int burst = 0;

	while (an->ev < an->ev_end && an->ev != an->plan.end_at) {
		if (an->plan.pace_ms && now_ns < event_due_ns(an)) {
			if (burst)
				return STEP_MORE;
			return wait_until(c, event_due_ns(an));
		}
		if (burst++ == BURST_EVENTS || c->out.n > SIM_OUT_HIGH)
			return STEP_MORE;
		sim_stream_event(c);
		if (an->cut)
			return STEP_MORE;
	}
	if (an->ev == an->plan.end_at && an->plan.end == END_ERROR) {
		an->plan.end = END_NONE;
		send_error_event(c);
		return STEP_MORE;
	}
	if (an->ev == an->plan.end_at && an->plan.end != END_NONE)
		return burst ? STEP_MORE : step_of_end(an->plan.end);
	sim_stream_tail(c);
	an->plan.end = END_NONE;
	end_body(c);
	return STEP_MORE;
}

enum sim_step
sim_answer_step(struct sim_conn *c, int64_t now_ns)
{
	if (c->an.cut)
		return STEP_CLOSE;
	switch (c->an.phase) {
	case PHASE_WAIT:
		return step_wait(c, now_ns);
	case PHASE_EVENTS:
		return step_events(c, now_ns);
	case PHASE_HEAD:
	case PHASE_END:
		break;
	}
	if (c->an.plan.drops)
		c->close_after = true;
	return step_of_end(c->an.plan.end);
}
