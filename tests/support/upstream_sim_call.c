/* SPDX-License-Identifier: MIT */
/*
 * What an inference request asks for.  The prompt's tokens are its words:
 * white-space separated in the text of all messages, prompts or inputs; an
 * array of token numbers counts as many as it has.
 */
#include "upstream_sim.h"

static void read_content(struct slice value, struct sim_call *call);

/* One text, or an array of texts, token numbers or arrays of those, or of
 * items with a content. */
static void
read_prompt(struct slice value, struct sim_call *call)
{
	struct slice text, item, inner;
	struct jscan j, k;

	if (jscan_string(value, &text)) {
		call->prompt_words += jscan_words(text);
		call->echo = text;
		return;
	}
	if (!value.n || value.p[0] != '[' || !jscan_open(&j, value))
		return;
	while (jscan_element(&j, &item)) {
		if (jscan_string(item, &text)) {
			call->prompt_words += jscan_words(text);
			call->echo = text;
		} else if (item.p[0] == '[' && jscan_open(&k, item)) {
			while (jscan_element(&k, &inner))
				call->prompt_words++;
		} else if (item.p[0] == '{') {
			read_content(jscan_get(item, SLICE("content")), call);
		} else {
			call->prompt_words++;
		}
	}
}

/* A message's content: a text, or an array of parts of which some are. */
static void
read_content(struct slice value, struct sim_call *call)
{
	struct slice part, text;
	struct jscan j;

	if (jscan_string(value, &text)) {
		call->prompt_words += jscan_words(text);
		call->echo = text;
		return;
	}
	if (!value.n || value.p[0] != '[' || !jscan_open(&j, value))
		return;
	while (jscan_element(&j, &part)) {
		if (jscan_string(jscan_get(part, SLICE("text")), &text)) {
			call->prompt_words += jscan_words(text);
			call->echo = text;
		}
	}
}

static bool
read_messages(struct slice value, struct sim_call *call)
{
	struct slice message;
	struct jscan j;

	if (!value.n || value.p[0] != '[' || !jscan_open(&j, value))
		return false;
	call->has_messages = true;
	while (jscan_element(&j, &message))
		read_content(jscan_get(message, SLICE("content")), call);
	return true;
}

/* A whole number in range; null leaves the default. */
static bool
read_count(struct slice value, uint64_t max, uint64_t *ret)
{
	uint64_t v;

	if (slice_eq(value, SLICE("null")))
		return true;
	if (!slice_u64(value, max, &v) || !v)
		return false;
	*ret = v;
	return true;
}

static bool
read_bool(struct slice value, bool *ret)
{
	*ret = slice_eq(value, SLICE("true"));
	return *ret || slice_eq(value, SLICE("false")) ||
	       slice_eq(value, SLICE("null"));
}

/* One top-level member; others are none of our business. */
static bool
read_member(struct slice key, struct slice value, struct sim_call *call)
{
	struct slice text;

	if (slice_eq(key, SLICE("model")))
		return jscan_string(value, &call->model);
	if (slice_eq(key, SLICE("stream")))
		return read_bool(value, &call->stream);
	if (slice_eq(key, SLICE("stream_options"))) {
		struct slice v = jscan_get(value, SLICE("include_usage"));
		call->include_usage = slice_eq(v, SLICE("true"));
	} else if (slice_eq(key, SLICE("max_tokens")) ||
		   slice_eq(key, SLICE("max_completion_tokens")) ||
		   slice_eq(key, SLICE("max_output_tokens"))) {
		return read_count(value, SIM_NEVER - 1, &call->max_tokens);
	} else if (slice_eq(key, SLICE("n"))) {
		return read_count(value, SIM_CHOICES_MAX, &call->n);
	} else if (slice_eq(key, SLICE("messages"))) {
		return read_messages(value, call);
	} else if (slice_eq(key, SLICE("parameters"))) {
		struct slice v = jscan_get(value, SLICE("max_new_tokens"));
		return !v.n || read_count(v, SIM_NEVER - 1, &call->max_tokens);
	} else if (slice_eq(key, SLICE("system"))) {
		read_content(value, call);
	} else if (slice_eq(key, SLICE("inputs"))) {
		call->input = value;
		read_prompt(value, call);
	} else if (slice_eq(key, SLICE("prompt"))) {
		read_prompt(value, call);
	} else if (slice_eq(key, SLICE("input"))) {
		call->input = value;
		read_prompt(value, call);
	} else if (slice_eq(key, SLICE("encoding_format"))) {
		call->base64 = jscan_string(value, &text) &&
			       slice_eq(text, SLICE("base64"));
	}
	return true;
}

static struct slice
missing(const struct sim_call *call, enum sim_route route)
{
	bool has_messages = route == ROUTE_CHAT || route == ROUTE_MESSAGE ||
			    route == ROUTE_COUNT;
	bool has_input = route == ROUTE_EMBEDDING || route == ROUTE_RESPONSE;

	if (route == ROUTE_GENERATE)
		return call->input.n ? SLICE("") : SLICE("inputs");
	if (!call->model.n)
		return SLICE("model");
	if (has_messages && !call->has_messages)
		return SLICE("messages");
	if (has_input && !call->input.n)
		return SLICE("input");
	if (route == ROUTE_MESSAGE && call->max_tokens == SIM_NEVER)
		return SLICE("max_tokens");
	return SLICE("");
}

bool
sim_call_read(struct slice body, enum sim_route route, struct sim_call *ret,
    struct slice *ret_param)
{
	struct sim_call call = { .n = 1, .max_tokens = SIM_NEVER };
	struct slice key, value;
	struct jscan j;

	*ret_param = (struct slice){ NULL, 0 };
	if (!jscan_is_valid(body) || !jscan_open(&j, body))
		return false;
	while (jscan_member(&j, &key, &value)) {
		if (!read_member(key, value, &call)) {
			*ret_param = key;
			return false;
		}
	}
	*ret_param = missing(&call, route);
	*ret = call;
	return !ret_param->n;
}
