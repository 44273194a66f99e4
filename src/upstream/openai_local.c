/* SPDX-License-Identifier: MIT */
/* Tokens of a prompt as our own model server writes and counts it. */
#include "base/chat_template.h"
#include "tokenizer/tally.h"
#include "upstream/openai_count.h"
#include "upstream/openai_text.h"

static void
add_part(void *tally, struct str part, bool is_json)
{
	if (is_json)
		tally_add_json(tally, part);
	else
		tally_add(tally, part);
}

struct openai_count
openai_count_local(enum wire_op op, const struct body *b,
    const struct tokenizer *t)
{
	const struct json_member *m = body_value(b, openai_input_name(op));
	struct openai_count count;
	struct tally tally;
	struct error e;

	if (t && op == WIRE_CHAT && m && m->kind == JSON_ARRAY) {
		tally_init(&tally, t);
		if (chat_template_write(m->value, add_part, &tally, &e))
			return openai_count_prompt(op, b, NULL);
		count.tok = tally_count(&tally);
		count.is_counted = !tally.has_failed;
		if (count.is_counted)
			return count;
	}
	count = openai_count_prompt(op, b, t);
	/* An empty text begins with the token that ends the one before. */
	if (op == WIRE_COMPLETION && count.is_counted && count.tok == 0)
		count.tok = 1;
	return count;
}
