/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <math.h>
#include <stdio.h>

#include "gpt2/config.h"

#define GPT2 "\"model_type\":\"gpt2\""

static void
assert_refused(const char *json, const char *why)
{
	struct gpt2_config c = { .n_vocab = 77 };
	struct error e;

	assert_int_equal(gpt2_config_parse(str_from(json), &c, &e), ERR_CONFIG);
	assert_string_equal(e.internal, why);
	assert_int_equal(c.n_vocab, 77); /* as it was */
}

static struct gpt2_config
parsed(const char *json)
{
	struct gpt2_config c;
	struct error e;

	assert_ok(gpt2_config_parse(str_from(json), &c, &e));
	return c;
}

static void
gpt2_config_parse__nothing_said__is_gpt2_small(void **state)
{
	struct gpt2_config c = parsed("{" GPT2 "}");

	(void)state;
	assert_int_equal(c.n_vocab, 50257);
	assert_int_equal(c.n_pos, 1024);
	assert_int_equal(c.n_embd, 768);
	assert_int_equal(c.n_layer, 12);
	assert_int_equal(c.n_head, 12);
	assert_int_equal(c.n_inner, 3072);
	assert_true(fabsf(c.norm_epsilon - 1e-5F) < 1e-11F);
	assert_int_equal(c.eos_id, 50256);
}

static void
gpt2_config_parse__all_said__is_taken(void **state)
{
	struct gpt2_config c = parsed(
	    "{\"architectures\":[\"GPT2LMHeadModel\"]," GPT2
	    ",\"vocab_size\":1048576,\"n_positions\":65536,\"n_embd\":16384,"
	    "\"n_layer\":512,\"n_head\":16384,\"n_inner\":65536,"
	    "\"layer_norm_epsilon\":0.25,\"eos_token_id\":1048575,"
	    "\"activation_function\":\"gelu_pytorch_tanh\","
	    "\"scale_attn_weights\":true,\"n_ctx\":7,"
	    "\"scale_attn_by_inverse_layer_idx\":false,"
	    "\"add_cross_attention\":false,\"tie_word_embeddings\":true,"
	    "\"quantization_config\":null,\"resid_pdrop\":0.1}");

	(void)state;
	assert_int_equal(c.n_vocab, 1048576);
	assert_int_equal(c.n_pos, 65536);
	assert_int_equal(c.n_embd, 16384);
	assert_int_equal(c.n_layer, 512);
	assert_int_equal(c.n_head, 16384);
	assert_int_equal(c.n_inner, 65536);
	assert_true(fabsf(c.norm_epsilon - 0.25F) < 1e-9F);
	assert_int_equal(c.eos_id, 1048575);
}

static void
gpt2_config_parse__null__is_the_default(void **state)
{
	struct gpt2_config c = parsed(
	    "{" GPT2 ",\"n_inner\":null,\"eos_token_id\":null,\"n_embd\":24,"
	    "\"activation_function\":null,\"layer_norm_epsilon\":null,"
	    "\"scale_attn_weights\":null}");

	(void)state;
	assert_int_equal(c.n_inner, 96);
	assert_int_equal(c.eos_id, c.n_vocab);
}

/* Names that transformers takes for GPT-2's own. */
static void
gpt2_config_parse__general_names__are_known(void **state)
{
	struct gpt2_config c = parsed(
	    "{" GPT2 ",\"hidden_size\":24,\"num_attention_heads\":3,"
	    "\"num_hidden_layers\":5,\"max_position_embeddings\":9}");

	(void)state;
	assert_int_equal(c.n_embd, 24);
	assert_int_equal(c.n_head, 3);
	assert_int_equal(c.n_layer, 5);
	assert_int_equal(c.n_pos, 9);
	assert_refused("{" GPT2 ",\"n_head\":12,\"num_attention_heads\":3}",
	    "config.json: n_head and num_attention_heads disagree");
	c = parsed("{" GPT2 ",\"n_head\":3,\"num_attention_heads\":3}");
	assert_int_equal(c.n_head, 3);
}

#define ONLY "; only GPT-2's own architecture is served "

static void
gpt2_config_parse__other_models__are_refused_with_the_reason(void **state)
{
	static const struct {
		const char *json, *why;
	} cases[] = {
		{ "", "config.json: the text ends too early at byte 0" },
		{ "{]", "config.json: a name in quotes is missing at byte 1" },
		{ "[]", "config.json is no object" },
		{ "{}", "config.json: model_type is missing" },
		{ "{\"model_type\":null}",
		    "config.json: model_type is missing" },
		{ "{\"model_type\":\"llama\"}",
		    "config.json: model_type is \"llama\"" ONLY "(\"gpt2\")" },
		{ "{\"model_type\":2}",
		    "config.json: model_type is 2" ONLY "(\"gpt2\")" },
		{ "{" GPT2 ",\"activation_function\":\"relu\"}",
		    "config.json: activation_function is \"relu\"" ONLY
		    "(\"gelu_new\")" },
		{ "{" GPT2 ",\"activation_function\":\"gelu\"}",
		    "config.json: activation_function is \"gelu\"" ONLY
		    "(\"gelu_new\")" },
		{ "{" GPT2 ",\"scale_attn_weights\":false}",
		    "config.json: scale_attn_weights is false" ONLY "(true)" },
		{ "{" GPT2 ",\"scale_attn_by_inverse_layer_idx\":true}",
		    "config.json: scale_attn_by_inverse_layer_idx is true" ONLY
		    "(false)" },
		{ "{" GPT2 ",\"add_cross_attention\":true}",
		    "config.json: add_cross_attention is true" ONLY "(false)" },
		{ "{" GPT2 ",\"tie_word_embeddings\":false}",
		    "config.json: tie_word_embeddings is false" ONLY "(true)" },
		{ "{" GPT2 ",\"quantization_config\":{\"bits\":4}}",
		    "config.json: quantization_config is {\"bits\":4}" ONLY
		    "(null)" },
		{ "{" GPT2 ",\"\\u0061ctivation_function\":\"relu\"}",
		    "config.json: a name with an escape: "
		    "\\u0061ctivation_function" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_refused(cases[i].json, cases[i].why);
}

static void
gpt2_config_parse__a_long_value__is_cut_in_the_reason(void **state)
{
	(void)state;
	assert_refused("{\"model_type\":\"0123456789012345678901234567890123456"
		       "789012345678901234567890123456789\"}",
	    "config.json: model_type is \"0123456789012345678901234567890123456"
	    "7890123456789012345678" ONLY "(\"gpt2\")");
}

static void
gpt2_config_parse__sizes_out_of_bounds__are_refused(void **state)
{
	static const struct {
		const char *json, *why;
	} cases[] = {
		{ "\"vocab_size\":0", "vocab_size must be 1 to 1048576" },
		{ "\"vocab_size\":1048577", "vocab_size must be 1 to 1048576" },
		{ "\"vocab_size\":\"5\"", "vocab_size must be 1 to 1048576" },
		{ "\"vocab_size\":1.5", "vocab_size must be 1 to 1048576" },
		{ "\"n_positions\":0", "n_positions must be 1 to 65536" },
		{ "\"n_positions\":65537", "n_positions must be 1 to 65536" },
		{ "\"n_embd\":0", "n_embd must be 1 to 16384" },
		{ "\"n_embd\":16385", "n_embd must be 1 to 16384" },
		{ "\"n_embd\":18446744073709551616",
		    "n_embd must be 1 to 16384" },
		{ "\"n_layer\":0", "n_layer must be 1 to 512" },
		{ "\"n_layer\":513", "n_layer must be 1 to 512" },
		{ "\"n_head\":0", "n_head must be 1 to 16384" },
		{ "\"n_head\":-1", "n_head must be 1 to 16384" },
		{ "\"n_inner\":0", "n_inner must be 1 to 65536" },
		{ "\"n_inner\":65537", "n_inner must be 1 to 65536" },
		{ "\"num_hidden_layers\":513",
		    "num_hidden_layers must be 1 to 512" },
		{ "\"n_embd\":768,\"n_head\":7",
		    "n_embd 768 is not divided by n_head 7" },
		{ "\"n_embd\":4,\"n_head\":8",
		    "n_embd 4 is not divided by n_head 8" },
		{ "\"layer_norm_epsilon\":0",
		    "layer_norm_epsilon must be within 0 and 1" },
		{ "\"layer_norm_epsilon\":1e-60",
		    "layer_norm_epsilon must be within 0 and 1" },
		{ "\"layer_norm_epsilon\":-1e-5",
		    "layer_norm_epsilon must be within 0 and 1" },
		{ "\"layer_norm_epsilon\":1",
		    "layer_norm_epsilon must be within 0 and 1" },
		{ "\"layer_norm_epsilon\":\"1e-5\"",
		    "layer_norm_epsilon is no number" },
		{ "\"layer_norm_epsilon\":0.0000000000000000000000000000000001",
		    "layer_norm_epsilon is no number" },
		{ "\"eos_token_id\":50257",
		    "eos_token_id is not in the vocabulary" },
		{ "\"eos_token_id\":[5]",
		    "eos_token_id is not in the vocabulary" },
		{ "\"vocab_size\":9,\"eos_token_id\":9",
		    "eos_token_id is not in the vocabulary" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char json[200], why[200];

		(void)snprintf(json, sizeof(json), "{" GPT2 ",%s}",
		    cases[i].json);
		(void)snprintf(why, sizeof(why), "config.json: %s",
		    cases[i].why);
		assert_refused(json, why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    gpt2_config_parse__nothing_said__is_gpt2_small),
		cmocka_unit_test(gpt2_config_parse__all_said__is_taken),
		cmocka_unit_test(gpt2_config_parse__null__is_the_default),
		cmocka_unit_test(gpt2_config_parse__general_names__are_known),
		cmocka_unit_test(
		    gpt2_config_parse__other_models__are_refused_with_the_reason),
		cmocka_unit_test(
		    gpt2_config_parse__a_long_value__is_cut_in_the_reason),
		cmocka_unit_test(
		    gpt2_config_parse__sizes_out_of_bounds__are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
