/* SPDX-License-Identifier: MIT */
/* Tokens of what choices deliver, whole or bit by bit. */
#include "tokenizer/tally.h"
#include "upstream/openai.h"
#include "upstream/openai_text.h"

#define BYTES_PER_TOK 4

static struct openai_count
estimate(uint64_t n_bytes)
{
	return (struct openai_count){
		.tok = n_bytes / BYTES_PER_TOK +
		       (n_bytes % BYTES_PER_TOK ? 1 : 0),
	};
}

/* ---- of an answer ---- */

/* One text after the other, through the same tally. */
struct whole {
	struct tally tally;
	uint64_t n_tok;
};

static void
count_whole(void *ctx, const struct openai_text *text)
{
	struct whole *x = ctx;

	x->tally.n = 0;
	x->tally.n_tok = 0;
	if (text->is_object)
		tally_add(&x->tally, text->value);
	else
		tally_add_json(&x->tally, text->value);
	x->n_tok += tally_count(&x->tally);
}

struct openai_count
openai_count_answer(const struct openai_answer *answer,
    const struct tokenizer *t)
{
	struct openai_choices choices;
	struct whole x;

	if (!t)
		return estimate(answer->text_bytes);
	tally_init(&x.tally, t);
	x.n_tok = 0;
	if (answer->choices.n)
		wire_output_read(answer->op, answer->choices, count_whole, &x,
		    &choices);
	if (x.tally.has_failed)
		return estimate(answer->text_bytes);
	return (struct openai_count){ x.n_tok, true };
}

/* ---- of a stream ---- */

struct openai_grown {
	struct openai_grown *next;
	enum openai_text_kind kind;
	uint64_t choice, call;
	struct tally tally;
};

static struct openai_grown *
add_grown(struct openai_texts *to, const struct openai_text *text)
{
	struct openai_grown *g = NULL;

	if (to->n < OPENAI_TEXTS_MAX)
		g = arena_new(to->a, struct openai_grown);
	if (!g) {
		to->is_incomplete = true;
		return NULL;
	}
	g->next = to->first;
	g->kind = text->kind;
	g->choice = text->choice;
	g->call = text->call;
	tally_init(&g->tally, to->t);
	to->first = g;
	to->n++;
	return g;
}

void
openai_texts_init(struct openai_texts *to, struct arena *a,
    const struct tokenizer *t)
{
	const struct openai_text content = { .kind = OPENAI_TEXT_CONTENT };

	*to = (struct openai_texts){ .a = a, .t = t };
	if (t)
		(void)add_grown(to, &content); /* the arena remembers */
}

void
openai_texts_add(void *ctx, const struct openai_text *text)
{
	struct openai_texts *to = ctx;
	struct openai_grown *g = to->first;

	while (g && (g->kind != text->kind || g->choice != text->choice ||
			g->call != text->call))
		g = g->next;
	if (!g)
		g = add_grown(to, text);
	if (g && text->is_object)
		tally_add(&g->tally, text->value);
	else if (g)
		tally_add_json(&g->tally, text->value);
}

struct openai_count
openai_texts_count(struct openai_texts *to)
{
	bool is_counted = to->t && !to->is_incomplete;
	uint64_t n_tok = 0;

	for (struct openai_grown *g = to->first; g && is_counted; g = g->next) {
		n_tok += tally_count(&g->tally);
		is_counted = !g->tally.has_failed;
	}
	return is_counted ? (struct openai_count){ n_tok, true }
			  : estimate(to->n_bytes);
}
