/* SPDX-License-Identifier: MIT */
/* Usage objects and whole answers: whatever comes, the numbers are sane. */
#include "fuzz/fuzz.h"

#include "base/arena.h"
#include "upstream/openai.h"

static void
check_usage(const struct usage *u)
{
	for (unsigned i = 0; i < TOK_CLASS__MAX; i++)
		ASSERT(u->n_tok[i] <= 2 * USAGE_TOK_MAX);
	ASSERT(usage_in_tok(u) <= USAGE_TOK_MAX);
	ASSERT(usage_out_tok(u) <= 2 * USAGE_TOK_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make((const char *)p, n), answer_text;
	struct json_scan s = { .depth_max = JSON_SCAN_DEPTH_MAX };
	struct openai_answer answer;
	struct usage u;
	struct arena a;
	struct error e;

	if (json_scan(&s, text) && s.kind == JSON_OBJECT) {
		struct str object = str_make(s.inner.p - 1, s.inner.n + 2);

		if (usage_read_openai(object, &u))
			check_usage(&u);
	}
	openai_answer_read(text, &answer);
	if (answer.has_usage)
		check_usage(&answer.usage);
	ASSERT(answer.text_bytes <= n);
	arena_init(&a, MIB(16));
	if (openai_answer_text(&a, &answer, &answer_text, &e) == OK)
		ASSERT(answer_text.n <= n);
	else
		ASSERT(e.code == ERR_UPSTREAM);
	arena_fini(&a);
	return 0;
}
