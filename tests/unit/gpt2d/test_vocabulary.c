/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"
#include "support/fixture_dir.h"

#include "gpt2d/vocabulary.h"

static struct fixture_dir dir;
static struct vocabulary v;
static struct error e;

static int
setup(void **state)
{
	(void)state;
	fixture_dir_make(&dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_dir_remove(&dir);
	return 0;
}

static FILE *
create(const char *name)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir.path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	return f;
}

/* The bytes as GPT-2 writes them, "he", and the end of the text. */
static void
write_files(const char *merge)
{
	FILE *f = create("vocab.json");
	unsigned other = 0x100;

	for (unsigned b = 0; b < 256; b++) {
		bool is_plain = (b >= '!' && b <= '~') ||
				(b >= 0xa1 && b <= 0xac) || b >= 0xae;
		unsigned c = is_plain ? b : other++;

		(void)fprintf(f, "%c\"%s", b ? ',' : '{',
		    c == '"' || c == '\\' ? "\\" : "");
		if (c < 0x80)
			(void)fputc((int)c, f);
		else
			(void)fprintf(f, "%c%c", (int)(0xc0 | c >> 6),
			    (int)(0x80 | (c & 0x3f)));
		(void)fprintf(f, "\":%u", b);
	}
	(void)fprintf(f, ",\"he\":256,\"\xc4\xa0"
			 "1\":257,\"<|endoftext|>\":258}");
	(void)fclose(f);
	f = create("merges.txt");
	(void)fprintf(f, "#version: 0.2\n%s\n\xc4\xa0 1\n", merge);
	(void)fclose(f);
}

static void
vocabulary__of_a_folder__encodes(void **state)
{
	uint32_t ids[8];
	size_t n = 0;
	(void)state;

	write_files("h e");
	assert_ok(vocabulary_init(&v, dir.path, &e));

	assert_int_equal(tokenizer_vocabulary(v.tokenizer), 259);
	assert_int_equal(v.longest_token, 13);
	assert_ok(tokenizer_encode(v.tokenizer, S("the 1"), ids, 8, &n, &e));
	assert_int_equal(n, 3);
	assert_int_equal(ids[1], 256);
	assert_int_equal(ids[2], 257); /* only GPT-2's rule joins these */
	vocabulary_fini(&v);
}

static void
vocabulary__no_file__not_found(void **state)
{
	(void)state;

	assert_int_equal(vocabulary_init(&v, "/nonexistent", &e),
	    ERR_NOT_FOUND);
	assert_non_null(strstr(e.internal, "/nonexistent/vocab.json"));
	vocabulary_fini(&v);
}

static void
vocabulary__damaged__says_where(void **state)
{
	(void)state;

	write_files("h x");
	assert_int_equal(vocabulary_init(&v, dir.path, &e), ERR_BAD_PARAM);
	assert_non_null(strstr(e.internal, "merges.txt: line 2"));
	vocabulary_fini(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vocabulary__of_a_folder__encodes),
		cmocka_unit_test(vocabulary__no_file__not_found),
		cmocka_unit_test(vocabulary__damaged__says_where),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
