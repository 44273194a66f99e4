/* SPDX-License-Identifier: MIT */
/* What forwarding and its settling share. */
#ifndef TG_HANDLER_FORWARD_PRIV_H
#define TG_HANDLER_FORWARD_PRIV_H

#include "handler/forward.h"
#include "http/peer.h"
#include "upstream/sse.h"

struct catalogue_deployment;

/* Largest body of a streamed request whose prompt is counted ahead: it takes
 * 20 ms at most, 100 ms for the worst of texts. Beyond it is estimated. */
#define FORWARD_COUNT_AHEAD_MAX MIB(1)

/* One attempt at one deployment. */
struct attempt {
	struct app *app;
	struct response *rs;
	const struct forward_params *p;
	const struct catalogue_deployment *deployment;
	struct forward_prompt *prompt; /* of all attempts */

	const struct request *rq;
	struct peer peer; /* set by the first tick: most requests see none */
	bool is_peer_set;
	int64_t sent_ms; /* monotonic: when the client was last written to */
	int status;      /* the provider's; 0 = none yet */
	struct str retry_after;
	struct str prompt_tokens; /* x-prompt-tokens, as it came */
	bool is_stream;           /* the answer comes as events */
	bool is_client_gone;
	bool has_write_failed; /* which tells that, too */
	struct sse sse;
	struct openai_stream stream;
	struct buf answer; /* of an answer that does not */
	struct openai_answer parsed;
};

/** Count the prompt with the deployment's tokenizer, unless that is done or
 * the body has more than max_bytes. */
void forward_count_prompt(struct attempt *at, size_t max_bytes);
/** What a stream has delivered, the event included that is being read. */
struct meter_delivered forward_delivered(struct attempt *at);

/* Header lines of a request to a provider at most. */
#define FORWARD_HEADERS_MAX 6
struct forward_headers {
	const char *line[FORWARD_HEADERS_MAX];
	size_t n;
};
/** Ours, the credential, and of the client's what Anthropic's wire format lets
 * through: betas that the setting upstream.anthropic_betas lists. */
enum err forward_headers_make(struct attempt *at, struct forward_headers *ret,
    struct error *e) ATTR_MUST_CHECK;

/** What the request will be charged by. */
struct meter_result forward_result(struct attempt *at, enum usage_status status,
    struct str code);
enum err forward_settle(struct attempt *at, enum usage_status status,
    struct str code, struct error *e) ATTR_MUST_CHECK;
/** The end of a request that failed with code. What we refuse ourselves (4xx)
 * is a refusal; the rest makes a row that says what happened. */
void forward_settle_failure(struct attempt *at, enum err code);

#endif
