/* SPDX-License-Identifier: MIT */
#include "gpt2d/answer.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/error_json.h"
#include "base/hex.h"
#include "base/json_out.h"
#include "base/rng.h"

#define ID_RANDOM_BYTES 12

static const char owner[] = "tollgate";

void
answer_head_init(struct answer_head *h, const struct completion *c,
    struct str model)
{
	uint8_t random[ID_RANDOM_BYTES];
	char text[2 * ID_RANDOM_BYTES + 1];

	rng_id_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), text);
	*h = (struct answer_head){
		.kind = c->kind,
		.created_s = clock_now_ms() / 1000,
		.model = model,
		.has_usage = c->wants_usage,
	};
	(void)snprintf(h->id, sizeof(h->id), "%s-%s",
	    c->kind == COMPLETION_CHAT ? "chatcmpl" : "cmpl", text);
}

static void
begin(struct json_out *j, struct buf *b, const struct answer_head *h,
    bool is_chunk)
{
	const char *object = h->kind == COMPLETION_TEXT ? "text_completion"
			     : is_chunk ? "chat.completion.chunk"
					: "chat.completion";

	json_out_init(j, b);
	json_out_object(j);
	json_out_member_str(j, "id", str_from(h->id));
	json_out_member_str(j, "object", str_from(object));
	json_out_member_i64(j, "created", h->created_s);
	json_out_member_str(j, "model", h->model);
	json_out_key(j, "choices");
	json_out_array(j);
}

static void
add_logprobs(struct json_out *j, const struct logprobs *l)
{
	json_out_key(j, "logprobs");
	if (!l) {
		json_out_null(j);
		return;
	}
	json_out_raw(j, S("")); /* what stands before a value */
	logprobs_write(l, j->b);
}

static void
add_reason(struct json_out *j, const char *reason)
{
	json_out_key(j, "finish_reason");
	if (reason)
		json_out_str(j, str_from(reason));
	else
		json_out_null(j);
}

static void
add_usage(struct json_out *j, const struct answer_usage *usage)
{
	json_out_key(j, "usage");
	json_out_object(j);
	json_out_member_u64(j, "prompt_tokens", usage->prompt_tok);
	json_out_member_u64(j, "completion_tokens", usage->completion_tok);
	json_out_member_u64(j, "total_tokens",
	    usage->prompt_tok + usage->completion_tok);
	json_out_object_end(j);
}

static void
add_message(struct json_out *j, struct str text)
{
	json_out_key(j, "message");
	json_out_object(j);
	json_out_member_str(j, "role", S("assistant"));
	json_out_member_str(j, "content", text);
	json_out_member_null(j, "refusal");
	json_out_object_end(j);
}

void
answer_whole(struct buf *b, const struct answer_head *h,
    const struct answer_choice *choices, uint32_t n,
    const struct answer_usage *usage)
{
	struct json_out j;

	begin(&j, b, h, false);
	for (uint32_t i = 0; i < n; i++) {
		json_out_object(&j);
		json_out_member_u64(&j, "index", i);
		if (h->kind == COMPLETION_CHAT)
			add_message(&j, choices[i].text);
		else
			json_out_member_str(&j, "text", choices[i].text);
		add_logprobs(&j, choices[i].logprobs);
		add_reason(&j, choices[i].finish_reason);
		json_out_object_end(&j);
	}
	json_out_array_end(&j);
	add_usage(&j, usage);
	json_out_object_end(&j);
}

/* ---- events ---- */

static void
begin_event(struct json_out *j, struct buf *b, const struct answer_head *h)
{
	buf_add(b, S("data: "));
	begin(j, b, h, true);
}

static void
end_event(struct json_out *j, const struct answer_head *h)
{
	json_out_array_end(j);
	if (h->has_usage)
		json_out_member_null(j, "usage");
	json_out_object_end(j);
	buf_add(j->b, S("\n\n"));
}

void
answer_event_role(struct buf *b, const struct answer_head *h, uint32_t choice)
{
	struct json_out j;

	begin_event(&j, b, h);
	json_out_object(&j);
	json_out_member_u64(&j, "index", choice);
	json_out_key(&j, "delta");
	json_out_object(&j);
	json_out_member_str(&j, "role", S("assistant"));
	json_out_member_str(&j, "content", S(""));
	json_out_object_end(&j);
	add_logprobs(&j, NULL);
	add_reason(&j, NULL);
	json_out_object_end(&j);
	end_event(&j, h);
}

/* A part of a text, or its end. */
static void
add_event(struct buf *b, const struct answer_head *h, uint32_t choice,
    struct str text, const struct logprobs *logprobs, const char *reason)
{
	struct json_out j;

	begin_event(&j, b, h);
	json_out_object(&j);
	json_out_member_u64(&j, "index", choice);
	if (h->kind == COMPLETION_CHAT) {
		json_out_key(&j, "delta");
		json_out_object(&j);
		if (!reason)
			json_out_member_str(&j, "content", text);
		json_out_object_end(&j);
	} else {
		json_out_member_str(&j, "text", text);
	}
	add_logprobs(&j, logprobs);
	add_reason(&j, reason);
	json_out_object_end(&j);
	end_event(&j, h);
}

void
answer_event_text(struct buf *b, const struct answer_head *h, uint32_t choice,
    struct str text, const struct logprobs *logprobs)
{
	add_event(b, h, choice, text, logprobs, NULL);
}

void
answer_event_finish(struct buf *b, const struct answer_head *h, uint32_t choice,
    const char *reason)
{
	add_event(b, h, choice, S(""), NULL, reason);
}

void
answer_event_usage(struct buf *b, const struct answer_head *h,
    const struct answer_usage *usage)
{
	struct json_out j;

	begin_event(&j, b, h);
	json_out_array_end(&j);
	add_usage(&j, usage);
	json_out_object_end(&j);
	buf_add(b, S("\n\n"));
}

void
answer_event_error(struct buf *b, const struct error *e)
{
	buf_add(b, S("data: "));
	error_json(b, e);
	buf_add(b, S("\n\n"));
}

void
answer_event_done(struct buf *b)
{
	buf_add(b, S("data: [DONE]\n\n"));
}

/* ---- the rest ---- */

void
answer_models(struct buf *b, struct str model, int64_t created_s)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_object(&j);
	json_out_member_str(&j, "object", S("list"));
	json_out_key(&j, "data");
	json_out_array(&j);
	json_out_object(&j);
	json_out_member_str(&j, "id", model);
	json_out_member_str(&j, "object", S("model"));
	json_out_member_i64(&j, "created", created_s);
	json_out_member_str(&j, "owned_by", str_from(owner));
	json_out_object_end(&j);
	json_out_array_end(&j);
	json_out_object_end(&j);
}
