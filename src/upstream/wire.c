/* SPDX-License-Identifier: MIT */
/* One place that knows which module reads which operation's answers. */
#include "upstream/wire.h"

#include "base/json_scan.h"

void
wire_answer_read(enum wire_op op, struct str text, struct openai_answer *ret)
{
	switch (op) {
	case WIRE_CHAT:
	case WIRE_COMPLETION:
	case WIRE_EMBEDDING:
	case WIRE_OP__MAX:
		openai_answer_read(text, ret);
		break;
	case WIRE_RESPONSE:
		responses_answer_read(text, ret);
		break;
	case WIRE_MESSAGE:
		anthropic_answer_read(text, ret);
		break;
	case WIRE_COUNT:
		anthropic_count_read(text, ret);
		break;
	case WIRE_GENERATE:
		generate_answer_read(text, ret);
		break;
	}
	ret->op = op;
}

void
wire_output_read(enum wire_op op, struct str output, openai_text_fn *on_text,
    void *ctx, struct openai_choices *ret)
{
	struct openai_finder f = { .on_text = on_text, .ctx = ctx };

	*ret = (struct openai_choices){ 0 };
	switch (op) {
	case WIRE_CHAT:
	case WIRE_COMPLETION:
	case WIRE_EMBEDDING:
	case WIRE_COUNT:
	case WIRE_OP__MAX:
		openai_choices_read(output, on_text, ctx, ret);
		return;
	case WIRE_RESPONSE:
		responses_output_read(output, &f);
		break;
	case WIRE_MESSAGE:
		anthropic_content_read(output, &f);
		break;
	case WIRE_GENERATE:
		generate_output_read(output, &f);
		break;
	}
	ret->text_bytes = f.text_bytes;
}

bool
wire_object_scan(struct str text, struct openai_answer *ret)
{
	struct json_scan s = { .depth_max = JSON_SCAN_DEPTH_MAX };

	*ret = (struct openai_answer){ 0 };
	if (!json_scan(&s, text) || s.kind != JSON_OBJECT)
		return false;
	ret->is_json = true;
	ret->json = str_make(s.inner.p - 1, s.inner.n + 2);
	return true;
}

void
wire_choices_set(enum wire_op op, struct str output, struct openai_answer *ret)
{
	struct openai_choices choices;

	ret->choices = output;
	wire_output_read(op, output, NULL, NULL, &choices);
	ret->text_bytes = choices.text_bytes;
}

void
wire_stream_init(struct openai_stream *st, struct arena *a, enum wire_op op,
    bool hides_usage, const struct tokenizer *t)
{
	bool has_chunks = op == WIRE_CHAT || op == WIRE_COMPLETION;

	openai_stream_init(st, a, has_chunks && hides_usage, t);
	st->op = op;
}
