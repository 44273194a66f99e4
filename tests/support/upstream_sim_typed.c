/* SPDX-License-Identifier: MIT */
/*
 * Answers that are not OpenAI's chats: its responses, Anthropic's messages
 * (both with events that have a type) and what text-generation-inference
 * generates. Shapes: their API references, read 2026. The words mean what
 * they mean for chats: usage is at the end, where there is any.
 */
#include "upstream_sim.h"

#include <string.h>

#define PART_OPEN  "{\"type\":\"output_text\",\"annotations\":[],\"text\":\""
#define PART_EMPTY PART_OPEN "\"}"

bool
sim_is_typed(enum sim_route route)
{
	return route == ROUTE_RESPONSE || route == ROUTE_MESSAGE ||
	       route == ROUTE_COUNT || route == ROUTE_GENERATE;
}

/* ---- pieces ---- */

static void
add_words(struct sbuf *out, const struct sim_answer *an)
{
	for (uint64_t i = 0; i < an->plan.words; i++)
		sim_text_word(out, an, i);
}

static void
add_model(struct sbuf *out, const struct sim_answer *an)
{
	sbuf_lit(out, "\",\"model\":\"");
	sbuf_add(out, an->call.model.p, an->call.model.n);
	sbuf_lit(out, "\"");
}

static uint64_t
detail(const struct sim_plan *pl, size_t i, uint64_t otherwise)
{
	return pl->details_n > i ? pl->details[i] : otherwise;
}

static uint64_t
n_out(const struct sim_answer *an)
{
	if (an->plan.usage == USAGE_ZERO)
		return 0;
	return detail(&an->plan, 2, an->plan.words);
}

/* Anthropic's input is without what its cache gave. */
static void
add_message_in(struct sbuf *out, const struct sim_answer *an,
    enum sim_usage odd)
{
	uint64_t cached = detail(&an->plan, 1, 0);
	uint64_t in = detail(&an->plan, 0, an->call.prompt_words);

	sim_text_count(out, SLICE("input_tokens"), in - cached, odd);
	sbuf_lit(out, ",");
	sim_text_count(out, SLICE("cache_creation_input_tokens"), 0, odd);
	sbuf_lit(out, ",");
	sim_text_count(out, SLICE("cache_read_input_tokens"), cached, odd);
	sbuf_lit(out, ",");
}

static void
add_message_out(struct sbuf *out, const struct sim_answer *an,
    enum sim_usage odd)
{
	if (odd == USAGE_PARTIAL) {
		sbuf_lit(out, "\"service_tier\":\"standard\"");
		return;
	}
	sim_text_count(out, SLICE("output_tokens"), n_out(an), odd);
	if (an->plan.details_n < 4)
		return;
	sbuf_lit(out, ",\"output_tokens_details\":{");
	sim_text_count(out, SLICE("thinking_tokens"), an->plan.details[3],
	    USAGE_EXACT);
	sbuf_lit(out, "}");
}

static void
add_response_usage(struct sbuf *out, const struct sim_answer *an)
{
	const struct sim_plan *pl = &an->plan;
	uint64_t in = detail(pl, 0, an->call.prompt_words);
	enum sim_usage odd = pl->usage;

	sbuf_lit(out, "{");
	if (odd != USAGE_PARTIAL) {
		sim_text_count(out, SLICE("input_tokens"), in, odd);
		sbuf_lit(out, ",\"input_tokens_details\":{");
		sim_text_count(out, SLICE("cached_tokens"), detail(pl, 1, 0),
		    USAGE_EXACT);
		sbuf_lit(out, "},");
		sim_text_count(out, SLICE("output_tokens"), n_out(an), odd);
		sbuf_lit(out, ",\"output_tokens_details\":{");
		sim_text_count(out, SLICE("reasoning_tokens"), detail(pl, 3, 0),
		    USAGE_EXACT);
		sbuf_lit(out, "},");
	}
	sim_text_count(out, SLICE("total_tokens"), in + n_out(an), odd);
	sbuf_lit(out, "}");
}

/* ---- whole answers ---- */

static const char *
stop_reason(const struct sim_answer *an)
{
	return an->limited ? "max_tokens" : "end_turn";
}

static void
add_text(struct sbuf *out, const char *text)
{
	sbuf_add(out, text, strlen(text));
}

static void
add_message(struct sbuf *out, const struct sim_answer *an)
{
	enum sim_usage odd = an->plan.usage;

	sbuf_lit(out, "{\"id\":\"msg_sim_");
	sbuf_add_u64(out, an->seq);
	add_model(out, an);
	sbuf_lit(out, ",\"type\":\"message\",\"role\":\"assistant\","
		      "\"content\":[{\"type\":\"text\",\"text\":\"");
	add_words(out, an);
	sbuf_lit(out, "\"}],\"stop_sequence\":null,\"stop_reason\":\"");
	add_text(out, stop_reason(an));
	sbuf_lit(out, "\"");
	if (odd != USAGE_NONE) {
		sbuf_lit(out, ",\"usage\":{");
		add_message_in(out, an, odd);
		add_message_out(out, an, odd);
		sbuf_lit(out, "}");
	}
	sbuf_lit(out, "}");
}

static void
add_item(struct sbuf *out, const struct sim_answer *an, const char *status)
{
	sbuf_lit(out, "{\"type\":\"message\",\"id\":\"msg_sim_");
	sbuf_add_u64(out, an->seq);
	sbuf_lit(out, "\",\"role\":\"assistant\",\"status\":\"");
	add_text(out, status);
	sbuf_lit(out, "\",\"content\":[");
	if (strcmp(status, "in_progress") != 0) {
		sbuf_lit(out, PART_OPEN);
		add_words(out, an);
		sbuf_lit(out, "\"}");
	}
	sbuf_lit(out, "]}");
}

static const char *
final_status(const struct sim_answer *an)
{
	return an->limited ? "incomplete" : "completed";
}

static void
add_response(struct sbuf *out, const struct sim_answer *an, const char *status)
{
	bool is_begun = strcmp(status, "in_progress") == 0;

	sbuf_lit(out, "{\"id\":\"resp_sim_");
	sbuf_add_u64(out, an->seq);
	add_model(out, an);
	sbuf_lit(out, ",\"object\":\"response\",\"created_at\":1700000000,"
		      "\"error\":null,\"instructions\":null,\"metadata\":{},"
		      "\"parallel_tool_calls\":true,\"tool_choice\":\"auto\","
		      "\"tools\":[],\"store\":false,\"incomplete_details\":");
	add_text(out, an->limited && !is_begun
			  ? "{\"reason\":\"max_output_tokens\"}"
			  : "null");
	sbuf_lit(out, ",\"status\":\"");
	add_text(out, status);
	sbuf_lit(out, "\",\"output\":[");
	if (!is_begun)
		add_item(out, an, status);
	sbuf_lit(out, "],\"usage\":");
	if (is_begun || an->plan.usage == USAGE_NONE)
		sbuf_lit(out, "null");
	else
		add_response_usage(out, an);
	sbuf_lit(out, "}");
}

static void
add_generated(struct sbuf *out, const struct sim_answer *an)
{
	sbuf_lit(out, "{\"generated_text\":\"");
	add_words(out, an);
	sbuf_lit(out, "\"");
	if (an->plan.usage != USAGE_NONE) {
		sbuf_lit(out, ",\"details\":{\"finish_reason\":\"length\",");
		sim_text_count(out, SLICE("generated_tokens"), n_out(an),
		    an->plan.usage);
		sbuf_lit(out, ",\"seed\":null,\"prefill\":[],\"tokens\":[]}");
	}
	sbuf_lit(out, "}");
}

void
sim_typed_answer(struct sbuf *out, const struct sim_answer *an)
{
	if (an->route == ROUTE_MESSAGE) {
		add_message(out, an);
	} else if (an->route == ROUTE_RESPONSE) {
		add_response(out, an, final_status(an));
	} else if (an->route == ROUTE_GENERATE) {
		add_generated(out, an);
	} else {
		sbuf_lit(out, "{");
		sim_text_count(out, SLICE("input_tokens"),
		    an->call.prompt_words, USAGE_EXACT);
		sbuf_lit(out, "}");
	}
}

/* ---- errors ---- */

static const char *
anthropic_type(unsigned status)
{
	static const struct {
		unsigned status;
		const char *type;
	} types[] = { { 401, "authentication_error" },
		{ 403, "permission_error" }, { 404, "not_found_error" },
		{ 413, "request_too_large" }, { 429, "rate_limit_error" },
		{ 503, "overloaded_error" }, { 500, "api_error" } };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].status == status)
			return types[i].type;
	return "invalid_request_error";
}

bool
sim_typed_error(struct sbuf *out, enum sim_route route, unsigned status)
{
	if (route == ROUTE_GENERATE) {
		sbuf_lit(out, "{\"error\":\"It did not work.\","
			      "\"error_type\":\"validation\"}");
		return true;
	}
	if (route != ROUTE_MESSAGE && route != ROUTE_COUNT)
		return false;
	sbuf_lit(out, "{\"type\":\"error\",\"error\":{\"type\":\"");
	add_text(out, anthropic_type(status));
	sbuf_lit(out, "\",\"message\":\"It did not work.\"},"
		      "\"request_id\":\"req_sim\"}");
	return true;
}

bool
sim_typed_failure(struct sim_conn *c)
{
	struct sbuf *b = &c->th->scratch;

	b->n = 0;
	if (c->an.route == ROUTE_MESSAGE)
		(void)sim_typed_error(b, ROUTE_MESSAGE, 503);
	else if (c->an.route == ROUTE_RESPONSE)
		sbuf_lit(b, "{\"type\":\"error\",\"code\":\"server_error\","
			    "\"message\":\"It did not work.\",\"param\":null}");
	else
		return false;
	sim_stream_named(c, SLICE("error"), (struct slice){ b->p, b->n });
	return true;
}

/* ---- streams ---- */

/* Begin an event's data: its type, and a number where it has one. */
static struct sbuf *
begin(struct sim_conn *c, const char *type)
{
	struct sbuf *b = &c->th->scratch;

	b->n = 0;
	sbuf_lit(b, "{\"type\":\"");
	add_text(b, type);
	sbuf_lit(b, "\"");
	if (c->an.route == ROUTE_RESPONSE) {
		sbuf_lit(b, ",\"sequence_number\":");
		sbuf_add_u64(b, c->an.typed++);
	}
	return b;
}

static void
end(struct sim_conn *c, const char *type)
{
	struct sbuf *b = &c->th->scratch;

	sbuf_lit(b, "}");
	sim_stream_named(c, (struct slice){ type, strlen(type) },
	    (struct slice){ b->p, b->n });
}

static void
open_message(struct sim_conn *c)
{
	struct sbuf *b = begin(c, "message_start");
	const struct sim_answer *an = &c->an;

	sbuf_lit(b, ",\"message\":{\"id\":\"msg_sim_");
	sbuf_add_u64(b, an->seq);
	add_model(b, an);
	sbuf_lit(b, ",\"type\":\"message\",\"role\":\"assistant\","
		    "\"content\":[],\"stop_reason\":null,"
		    "\"stop_sequence\":null");
	if (an->plan.usage != USAGE_NONE) {
		sbuf_lit(b, ",\"usage\":{");
		add_message_in(b, an, USAGE_EXACT);
		sbuf_lit(b, "\"output_tokens\":1}");
	}
	sbuf_lit(b, "}");
	end(c, "message_start");
	b = begin(c, "content_block_start");
	sbuf_lit(b, ",\"index\":0,\"content_block\":{\"type\":\"text\","
		    "\"text\":\"\"}");
	end(c, "content_block_start");
	(void)begin(c, "ping");
	end(c, "ping");
}

static void
send_response(struct sim_conn *c, const char *type, const char *status)
{
	struct sbuf *b = begin(c, type);

	sbuf_lit(b, ",\"response\":");
	add_response(b, &c->an, status);
	end(c, type);
}

static void
send_item(struct sim_conn *c, const char *type, const char *status)
{
	struct sbuf *b = begin(c, type);

	sbuf_lit(b, ",\"output_index\":0,\"item\":");
	add_item(b, &c->an, status);
	end(c, type);
}

/* Where in a response an event's text is. */
static void
add_place(struct sbuf *b, const struct sim_answer *an)
{
	sbuf_lit(b, ",\"item_id\":\"msg_sim_");
	sbuf_add_u64(b, an->seq);
	sbuf_lit(b, "\",\"output_index\":0,\"content_index\":0");
}

void
sim_typed_open(struct sim_conn *c)
{
	struct sbuf *b;

	if (c->an.route == ROUTE_MESSAGE) {
		open_message(c);
		return;
	}
	send_response(c, "response.created", "in_progress");
	send_response(c, "response.in_progress", "in_progress");
	send_item(c, "response.output_item.added", "in_progress");
	b = begin(c, "response.content_part.added");
	add_place(b, &c->an);
	sbuf_lit(b, ",\"part\":" PART_EMPTY);
	end(c, "response.content_part.added");
}

void
sim_typed_event(struct sim_conn *c)
{
	bool is_message = c->an.route == ROUTE_MESSAGE;
	const char *type = is_message ? "content_block_delta"
				      : "response.output_text.delta";
	struct sbuf *b = begin(c, type);

	if (is_message) {
		sbuf_lit(b, ",\"index\":0,\"delta\":{\"type\":\"text_delta\","
			    "\"text\":\"");
	} else {
		add_place(b, &c->an);
		sbuf_lit(b, ",\"logprobs\":[],\"delta\":\"");
	}
	sim_text_word(b, &c->an, c->an.ev++);
	if (is_message)
		sbuf_lit(b, "\"}");
	else
		sbuf_lit(b, "\"");
	end(c, type);
}

static void
send_message_delta(struct sim_conn *c)
{
	struct sbuf *b = begin(c, "message_delta");
	const struct sim_answer *an = &c->an;

	sbuf_lit(b, ",\"delta\":{\"stop_sequence\":null,\"stop_reason\":\"");
	add_text(b, stop_reason(an));
	sbuf_lit(b, "\"}");
	if (an->plan.usage != USAGE_NONE) {
		sbuf_lit(b, ",\"usage\":{");
		add_message_out(b, an, an->plan.usage);
		sbuf_lit(b, "}");
	}
	end(c, "message_delta");
}

static void
end_message(struct sim_conn *c)
{
	unsigned sse = c->an.plan.sse;

	add_text(begin(c, "content_block_stop"), ",\"index\":0");
	end(c, "content_block_stop");
	for (int i = 0; !(sse & SSE_NO_FINISH) && i < 2; i++)
		if (i == 0 || c->an.plan.usage == USAGE_DUP)
			send_message_delta(c);
	if (sse & SSE_NO_DONE)
		return;
	(void)begin(c, "message_stop");
	end(c, "message_stop");
}

static void
end_response(struct sim_conn *c)
{
	const struct sim_answer *an = &c->an;
	struct sbuf *b = begin(c, "response.output_text.done");

	add_place(b, an);
	sbuf_lit(b, ",\"logprobs\":[],\"text\":\"");
	add_words(b, an);
	sbuf_lit(b, "\"");
	end(c, "response.output_text.done");
	send_item(c, "response.output_item.done", final_status(an));
	if (an->plan.sse & (SSE_NO_DONE | SSE_NO_FINISH))
		return;
	send_response(c,
	    an->limited ? "response.incomplete" : "response.completed",
	    final_status(an));
}

void
sim_typed_tail(struct sim_conn *c)
{
	if (c->an.route == ROUTE_MESSAGE)
		end_message(c);
	else
		end_response(c);
}
