/* SPDX-License-Identifier: MIT */
/* OpenAI's error object for the statuses that the simulator sends. */
#include "upstream_sim.h"

#include <string.h>

static const struct {
	unsigned status;
	const char *type, *code, *message, *param;
} errors[] = {
	{ 400, "invalid_request_error", "invalid_value",
	    "Invalid 'temperature': expected a value <= 2.", "temperature" },
	{ 401, "invalid_request_error", "invalid_api_key",
	    "Incorrect API key provided.", "" },
	{ 403, "insufficient_permissions", "permission_denied",
	    "You have insufficient permissions for this operation.", "" },
	{ 404, "invalid_request_error", "model_not_found",
	    "The model does not exist or you do not have access to it.",
	    "model" },
	{ 413, "invalid_request_error", "request_too_large",
	    "The request is too large.", "" },
	{ 429, "requests", "rate_limit_exceeded",
	    "Rate limit reached. Please try again later.", "" },
	{ 500, "server_error", "internal_error",
	    "The server had an error while processing your request.", "" },
	{ 503, "server_error", "overloaded",
	    "The engine is currently overloaded. Please try again later.", "" },
};

static void
add_string(struct sbuf *out, struct slice name, const char *text)
{
	sbuf_add(out, name.p, name.n);
	if (!*text) {
		sbuf_lit(out, "null");
		return;
	}
	sbuf_lit(out, "\"");
	sbuf_add(out, text, strlen(text));
	sbuf_lit(out, "\"");
}

void
sim_text_error(struct sbuf *out, unsigned status, struct slice message,
    struct slice param)
{
	size_t i = 0;

	while (i + 1 < sizeof(errors) / sizeof(errors[0]) &&
	       errors[i].status != status)
		i++;
	sbuf_lit(out, "{\"error\":{\"message\":\"");
	if (message.n)
		sbuf_add(out, message.p, message.n);
	else
		sbuf_add(out, errors[i].message, strlen(errors[i].message));
	sbuf_lit(out, "\"");
	add_string(out, SLICE(",\"type\":"), errors[i].type);
	if (param.n) {
		sbuf_lit(out, ",\"param\":\"");
		sbuf_add(out, param.p, param.n);
		sbuf_lit(out, "\"");
	} else {
		add_string(out, SLICE(",\"param\":"), errors[i].param);
	}
	add_string(out, SLICE(",\"code\":"), errors[i].code);
	sbuf_lit(out, "}}");
}
