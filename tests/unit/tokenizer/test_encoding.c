/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "tokenizer/encoding.h"

struct example {
	const char *model, *encoding;
};

static void
check(const struct example *examples, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str got = encoding_of_model(str_from(examples[i].model));

		if (!str_eq(got, str_from(examples[i].encoding)))
			fail_msg("%s: %.*s", examples[i].model, STR_ARG(got));
	}
}

static void
encoding_of_model__published_names__have_theirs(void **state)
{
	static const struct example examples[] = {
		{ "gpt-4o", "o200k_base" },
		{ "gpt-4o-mini-2024-07-18", "o200k_base" },
		{ "chatgpt-4o-latest", "o200k_base" },
		{ "gpt-4.1-nano", "o200k_base" },
		{ "gpt-5", "o200k_base" },
		{ "gpt-5.1-codex", "o200k_base" },
		{ "o1", "o200k_base" },
		{ "o3-mini", "o200k_base" },
		{ "o4-mini", "o200k_base" },
		{ "gpt-oss-120b", "o200k_base" },
		{ "gpt-4", "cl100k_base" },
		{ "gpt-4-turbo", "cl100k_base" },
		{ "gpt-4-0613", "cl100k_base" },
		{ "gpt-3.5-turbo", "cl100k_base" },
		{ "gpt-35-turbo-16k", "cl100k_base" },
		{ "text-embedding-3-small", "cl100k_base" },
		{ "text-embedding-ada-002", "cl100k_base" },
		{ "gpt2", "r50k_base" },
		{ "openai-community/gpt2-xl", "r50k_base" },
		{ "davinci", "r50k_base" },
	};

	(void)state;
	check(examples, ARRAY_LEN(examples));
}

static void
encoding_of_model__fine_tuned__is_its_bases(void **state)
{
	static const struct example examples[] = {
		{ "ft:gpt-4o-mini-2024-07-18:acme::8abc", "o200k_base" },
		{ "ft:gpt-3.5-turbo:acme:x:1", "cl100k_base" },
		{ "ft:gpt-4", "cl100k_base" },
		{ "ft:", "" },
	};

	(void)state;
	check(examples, ARRAY_LEN(examples));
}

static void
encoding_of_model__other_names__have_none(void **state)
{
	static const struct example examples[] = {
		{ "", "" },
		{ "claude-opus-4", "" },
		{ "llama-3", "" },
		{ "gpt", "" },
		{ "gpt-6", "" },
		{ "o10", "" },
		{ "o2", "" },
		{ "gpt2-mini", "" }, /* its vocabulary is its own */
		{ "my-gpt-4o", "" },
		{ "text-davinci-003", "" }, /* p50k_base */
		{ "GPT-4o", "" },
	};

	(void)state;
	check(examples, ARRAY_LEN(examples));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    encoding_of_model__published_names__have_theirs),
		cmocka_unit_test(encoding_of_model__fine_tuned__is_its_bases),
		cmocka_unit_test(encoding_of_model__other_names__have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
