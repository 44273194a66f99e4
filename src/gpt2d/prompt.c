/* SPDX-License-Identifier: MIT */
#include "gpt2d/prompt.h"

static const char *
param_of(const struct completion *c)
{
	return c->kind == COMPLETION_CHAT ? "messages" : "prompt";
}

static enum err
too_long(const struct completion *c, const struct gpt2_config *config,
    struct error *e)
{
	return error_public(e, ERR_CONTEXT_LENGTH, param_of(c),
	    "The prompt fills the model's context of %u tokens, which it "
	    "shares with the answer.",
	    (unsigned)config->n_pos);
}

static enum err
encode_text(struct arena *a, const struct completion *c,
    const struct tokenizer *t, size_t longest_token,
    const struct gpt2_config *config, struct prompt *p, struct error *e)
{
	uint32_t *ids;
	size_t n = 0;
	enum err err;

	if (c->prompt.n / longest_token >= config->n_pos)
		return too_long(c, config, e);
	ids = arena_array(a, uint32_t, config->n_pos);
	if (!ids)
		return error_arena(e, a);
	err = tokenizer_encode(t, c->prompt, ids, config->n_pos, &n, e);
	if (err == ERR_TOO_LARGE)
		return too_long(c, config, e);
	if (err)
		return err;
	p->ids = ids;
	p->n = (uint32_t)n;
	return OK;
}

static enum err
take_ids(const struct completion *c, const struct gpt2_config *config,
    struct prompt *p, struct error *e)
{
	for (uint32_t i = 0; i < c->n_prompt_ids; i++)
		if (c->prompt_ids[i] >= config->n_vocab)
			return error_public(e, ERR_BAD_PARAM, "prompt",
			    "'prompt' holds token %u; the vocabulary has %u.",
			    (unsigned)c->prompt_ids[i],
			    (unsigned)config->n_vocab);
	p->ids = c->prompt_ids;
	p->n = c->n_prompt_ids;
	return OK;
}

/* As GPT-2's users do: the end of the text before. */
static enum err
begin_text(const struct completion *c, const struct gpt2_config *config,
    struct prompt *p, struct error *e)
{
	if (config->eos_id >= config->n_vocab)
		return error_public(e, ERR_BAD_PARAM, param_of(c),
		    "'%s' must not be empty: this model has no token to begin "
		    "a text with.",
		    param_of(c));
	p->ids = &config->eos_id;
	p->n = 1;
	return OK;
}

static enum err
set_length(const struct completion *c, const struct gpt2_config *config,
    struct prompt *p, struct error *e)
{
	uint32_t room = config->n_pos - p->n;

	if (c->max_length_tok) {
		if (p->n >= c->max_length_tok)
			return error_public(e, ERR_BAD_PARAM, "max_length",
			    "'max_length' is %u tokens, prompt included, and "
			    "the prompt has %u.",
			    (unsigned)c->max_length_tok, (unsigned)p->n);
		if (c->max_length_tok - p->n < room)
			room = c->max_length_tok - p->n;
	}
	if (c->max_new_tok && c->max_new_tok < room)
		room = c->max_new_tok;
	p->max_new_tok = room;
	return OK;
}

enum err
prompt_encode(struct arena *a, const struct completion *c,
    const struct tokenizer *t, size_t longest_token,
    const struct gpt2_config *config, struct prompt *ret, struct error *e)
{
	struct prompt p = { NULL, 0, 0 };
	enum err err = c->prompt_ids
			   ? take_ids(c, config, &p, e)
			   : encode_text(a, c, t, longest_token, config, &p, e);

	if (!err && p.n == 0)
		err = begin_text(c, config, &p, e);
	if (!err && p.n >= config->n_pos)
		return too_long(c, config, e);
	if (!err)
		err = set_length(c, config, &p, e);
	if (!err)
		*ret = p;
	return err;
}

size_t
prompt_longest_token(const struct tokenizer *t)
{
	size_t longest = 1;

	for (uint32_t i = 0; i < tokenizer_vocabulary(t); i++)
		if (tokenizer_token(t, i).n > longest)
			longest = tokenizer_token(t, i).n;
	return longest;
}
