/* SPDX-License-Identifier: MIT */
/* The folder of tokenizers: files that come, change, go and are damaged, while
 * somebody counts with them. */
#include "support/cmocka_tg.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/tokenizers.h"
#include "support/fixture_dir.h"
#include "support/vocabulary.h"
#include "tokenizer/build.h"
#include "tokenizer/tokenizer.h"

static struct fixture_dir dir;
static struct tokenizers *folder;

/* The folder's clock stands still but for these steps. */
static int64_t mono_ms = 1000;

int64_t __wrap_clock_mono_us(void);
int64_t
__wrap_clock_mono_us(void)
{
	return mono_ms * 1000;
}

static int
setup(void **state)
{
	(void)state;
	fixture_dir_make(&dir);
	folder = tokenizers_new(dir.path);
	assert_non_null(folder);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tokenizers_free(folder);
	fixture_dir_remove(&dir);
	return 0;
}

static void
write_whole(const char *name, struct str bytes)
{
	char path[200], part[200];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir.path, name);
	(void)snprintf(part, sizeof(part), "%s/part", dir.path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	assert_int_equal(close(fd), 0);
	assert_int_equal(rename(part, path), 0);
}

/* A tokenizer of that inner name. */
static void
put(const char *file, const char *name)
{
	struct tokenizer_source source = { .name = name, .rule = SPLIT_GPT2 };
	struct arena a;
	struct str image;
	struct error e;

	arena_init(&a, TOKENIZER_BUILD_BYTES);
	source.ranks = vocabulary_ranks(&a, NULL, 0);
	assert_ok(tokenizer_build(&source, &a, &image, &e));
	write_whole(file, image);
	arena_fini(&a);
}

/* When it next looks. */
static bool
has_changed(void)
{
	mono_ms += TOKENIZERS_LOOK_MS;
	return tokenizers_have_changed(folder);
}

static const struct tokenizer *
get(struct tokenizer_set *s, const char *name)
{
	return tokenizer_set_get(s, str_from(name));
}

static struct tokenizer_set *
new_set(void)
{
	struct tokenizer_set *s = tokenizer_set_new(folder);

	assert_non_null(s);
	return s;
}

static void
tokenizer_set_get__file_is_there__is_mapped_once(void **state)
{
	const struct tokenizer *t;
	struct tokenizer_set *first, *second;

	(void)state;
	put("one.tokens", "one");
	first = new_set();
	t = get(first, "one");
	assert_non_null(t);
	assert_ptr_equal(get(first, "one"), t);
	second = new_set();
	assert_ptr_equal(get(second, "one"), t);
	assert_false(has_changed());
	tokenizer_set_free(first);
	assert_str_is(tokenizer_name(t), "one");
	tokenizer_set_free(second);
}

static void
tokenizer_set_get__names_that_are_no_files__have_none(void **state)
{
	static const char *const names[] = { "", ".", "..", ".hidden", "a/b",
		"../one", "a b", "\xc3\xa9",
		"0123456789012345678901234567890123456789"
		"0123456789012345678901234" };
	struct tokenizer_set *s = new_set();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (tokenizers_is_name(str_from(names[i])) || get(s, names[i]))
			fail_msg("taken for a name: %s", names[i]);
	assert_true(tokenizers_is_name(S("o200k_base-2.x")));
	assert_false(tokenizers_have_changed(folder));
	tokenizer_set_free(s);
}

static void
tokenizers__file_comes_later__is_seen(void **state)
{
	struct tokenizer_set *s = new_set();

	(void)state;
	assert_null(get(s, "late"));
	assert_false(has_changed());
	put("late.tokens", "late");
	assert_true(has_changed());
	tokenizer_set_free(s);
	s = new_set();
	assert_non_null(get(s, "late"));
	assert_false(has_changed());
	tokenizer_set_free(s);
}

static void
tokenizers__file_replaced__readers_keep_the_old_one(void **state)
{
	const struct tokenizer *old, *new;
	struct tokenizer_set *reader, *s;
	struct error e;
	uint64_t n;

	(void)state;
	put("it.tokens", "old");
	reader = new_set();
	old = get(reader, "it");
	put("it.tokens", "new");
	assert_true(has_changed());
	s = new_set();
	new = get(s, "it");
	assert_ptr_not_equal(new, old);
	assert_str_is(tokenizer_name(new), "new");
	assert_str_is(tokenizer_name(old), "old");
	assert_ok(tokenizer_count(old, S("abc"), &n, &e));
	assert_int_equal(n, 3);
	tokenizer_set_free(reader);
	tokenizer_set_free(s);
}

static void
tokenizers__file_removed__counts_as_not_there(void **state)
{
	struct tokenizer_set *reader, *s;
	const struct tokenizer *t;
	char path[200];

	(void)state;
	put("it.tokens", "it");
	reader = new_set();
	t = get(reader, "it");
	(void)snprintf(path, sizeof(path), "%s/it.tokens", dir.path);
	assert_int_equal(unlink(path), 0);
	assert_true(has_changed());
	s = new_set();
	assert_null(get(s, "it"));
	tokenizer_set_free(s);
	/* The reader outlives the folder. */
	tokenizers_free(folder);
	folder = NULL;
	assert_str_is(tokenizer_name(t), "it");
	tokenizer_set_free(reader);
}

static void
tokenizers__damaged_file__is_told_once(void **state)
{
	struct tokenizer_set *s;
	char log[200], text[4096];
	int fd, saved;
	ssize_t n;

	(void)state;
	write_whole("bad.tokens", S("This is no tokenizer, and it is long "
				    "enough for a header of one, which has "
				    "some hundred bytes. Nearly so: here."));
	(void)snprintf(log, sizeof(log), "%s/log", dir.path);
	fd = open(log, O_RDWR | O_CREAT, 0600);
	(void)fflush(stderr);
	saved = dup(STDERR_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	log_init(false, LOG_LEVEL_ERROR, "test");
	for (int i = 0; i < 3; i++) {
		s = new_set();
		assert_null(get(s, "bad"));
		tokenizer_set_free(s);
	}
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	n = pread(fd, text, sizeof(text) - 1, 0);
	(void)close(fd);

	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "tokenizer_left_out"));
	assert_null(strstr(strstr(text, "tokenizer_left_out") + 1,
	    "tokenizer_left_out"));
	put("bad.tokens", "good");
	assert_true(has_changed());
	s = new_set();
	assert_non_null(get(s, "bad"));
	tokenizer_set_free(s);
}

/* With open files in the way, as with memory that is short. */
static void
tokenizers__cannot_be_opened_for_a_while__is_tried_again(void **state)
{
	const int left_ms = TOKENIZERS_RETRY_MS - 2 * TOKENIZERS_LOOK_MS;
	struct rlimit before, none;
	struct tokenizer_set *s;

	(void)state;
	put("it.tokens", "it");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	s = new_set();
	assert_null(get(s, "it"));
	mono_ms += TOKENIZERS_RETRY_MS;
	assert_false(has_changed()); /* still so */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_false(has_changed()); /* it isn't tried each time */
	mono_ms += left_ms;
	assert_true(has_changed());
	tokenizer_set_free(s);

	s = new_set();
	assert_str_is(tokenizer_name(get(s, "it")), "it");
	assert_false(has_changed());
	tokenizer_set_free(s);
}

static void
tokenizers__nobody_wants_it_any_more__is_forgotten(void **state)
{
	struct tokenizer_set *s = new_set();

	(void)state;
	assert_null(get(s, "gone"));
	tokenizer_set_free(s);
	tokenizer_set_free(new_set()); /* doesn't ask for it */
	tokenizer_set_free(new_set());
	put("gone.tokens", "gone");
	assert_false(has_changed());
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(tokenizer_set_get__file_is_there__is_mapped_once),
		T(tokenizer_set_get__names_that_are_no_files__have_none),
		T(tokenizers__file_comes_later__is_seen),
		T(tokenizers__file_replaced__readers_keep_the_old_one),
		T(tokenizers__file_removed__counts_as_not_there),
		T(tokenizers__damaged_file__is_told_once),
		T(tokenizers__cannot_be_opened_for_a_while__is_tried_again),
		T(tokenizers__nobody_wants_it_any_more__is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
