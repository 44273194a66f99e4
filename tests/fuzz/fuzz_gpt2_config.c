/* SPDX-License-Identifier: MIT */
/* A checkpoint's config.json: what is accepted is within its bounds and twice
 * the same. */
#include "fuzz/fuzz.h"

#include "gpt2/config.h"

static bool
is_within(uint32_t n, uint32_t max)
{
	return n >= 1 && n <= max;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str json = str_make((const char *)p, n);
	struct gpt2_config c = { 0 }, again = { 0 };
	struct error e;

	if (gpt2_config_parse(json, &c, &e)) {
		ASSERT(e.code == ERR_CONFIG);
		ASSERT(str_starts(str_from(e.internal), S("config.json")));
		return 0;
	}
	ASSERT(is_within(c.n_vocab, GPT2_VOCABULARY_MAX));
	ASSERT(is_within(c.n_pos, GPT2_POSITIONS_MAX));
	ASSERT(is_within(c.n_embd, GPT2_WIDTH_MAX));
	ASSERT(is_within(c.n_layer, GPT2_LAYERS_MAX));
	ASSERT(is_within(c.n_head, c.n_embd) && c.n_embd % c.n_head == 0);
	ASSERT(is_within(c.n_inner, 4 * GPT2_WIDTH_MAX));
	ASSERT(c.norm_epsilon > 0 && c.norm_epsilon < 1);
	ASSERT(c.eos_id <= c.n_vocab);
	ASSERT(gpt2_config_parse(json, &again, &e) == OK);
	ASSERT(memcmp(&c, &again, sizeof(c)) == 0);
	return 0;
}
