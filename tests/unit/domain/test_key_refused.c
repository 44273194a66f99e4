/* SPDX-License-Identifier: MIT */
/* Keys that are none, or not any more: what they cost, and that all of them
 * look alike. CHECKLIST S2, S6. */
#include "key_cache_fixture.h"

#include "base/crc32.h"

static bool
guard_says_no(void *ctx)
{
	++*(unsigned *)ctx;
	return false;
}

/* Where too many keys failed, unknown ones cost no query; known ones work. */
static void
key_authenticate__guard_says_no__only_known_keys_pass(void **state)
{
	unsigned n_asked = 0;
	const struct key_guard guard = { guard_says_no, &n_asked };
	char unknown[KEY_TEXT_BYTES];

	(void)state;
	assert_ok(ask());
	key_text_generate(KEY_CUSTOMER, unknown);
	n_queries = 0;

	assert_int_equal(key_authenticate(cache, str_from(unknown), &guard, NOW,
			     &arena, &who, &e),
	    ERR_RATE_LIMITED);
	assert_int_equal(n_asked, 1);
	assert_ok(key_authenticate(cache, str_from(text), &guard, NOW, &arena,
	    &who, &e));
	assert_int_equal(n_asked, 1);
	assert_int_equal(n_queries, 0);
}

/* S2: junk costs no query; the answer is the same for all. */
static void
key_authenticate__not_a_key__is_refused_without_a_query(void **state)
{
	static const char *const junk[] = { "", "tg_", "sk-abc", "' OR 1=1 -- ",
		"tg_0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZ" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(junk); i++)
		assert_refused(key_authenticate(cache, str_from(junk[i]), NULL,
		    NOW, &arena, &who, &e));
	assert_int_equal(n_queries, 0);
}

static void
key_authenticate__unknown_key__is_asked_for_once(void **state)
{
	struct key_cache_stats stats;

	(void)state;
	key_text_generate(KEY_CUSTOMER, text);
	assert_refused(ask());
	assert_refused(ask());
	assert_refused(ask());
	assert_int_equal(n_queries, 1);
	key_cache_stats(cache, &stats);
	assert_int_equal(stats.n_negative_hits, 2);
}

/* A flood of unknown keys pushes out no known one. */
static void
key_authenticate__flood_of_unknown_keys__known_one_stays(void **state)
{
	char known[KEY_TEXT_BYTES];

	(void)state;
	cache_make(30, 900, 32);
	memcpy(known, text, sizeof(known));
	assert_ok(ask());
	for (int i = 0; i < 5000; i++) {
		key_text_generate(KEY_CUSTOMER, text);
		assert_refused(ask());
	}
	n_queries = 0;
	memcpy(text, known, sizeof(known));
	assert_ok(ask());
	assert_int_equal(n_queries, 0);
}

/* S6: a key that shares the first 45 characters of one that is known, and is
 * well formed, is somebody else's. */
static void
key_authenticate__same_beginning__is_another_key(void **state)
{
	static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	size_t n = strlen(text) - KEY_CHECKSUM_CHARS;
	char known[KEY_TEXT_BYTES];
	uint32_t crc;

	(void)state;
	assert_ok(ask());
	memcpy(known, text, sizeof(known));
	text[n - 1] = text[n - 1] == 'a' ? 'b' : 'a';
	crc = crc32_ieee(text, n);
	for (size_t i = KEY_CHECKSUM_CHARS; i-- > 0; crc /= 62)
		text[n + i] = base62[crc % 62];
	assert_memory_equal(text, known, n - 1);
	assert_refused(ask());
	assert_int_equal(n_queries, 2);
	memcpy(text, known, sizeof(known));
	assert_ok(ask());
	assert_int_equal(n_queries, 2);
}

static void
key_authenticate__refused_or_expired__is_refused_from_the_cache_too(
    void **state)
{
	(void)state;
	for (int is_expired = 0; is_expired < 2; is_expired++) {
		row.is_refused = !is_expired;
		row.expires_at_ms = is_expired ? NOW : 0;
		cache_make(30, 900, 1000);
		n_queries = 0;
		assert_refused(ask());
		assert_refused(ask());
		assert_int_equal(n_queries, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KEY_CACHE_TEST(
		    key_authenticate__guard_says_no__only_known_keys_pass),
		KEY_CACHE_TEST(
		    key_authenticate__not_a_key__is_refused_without_a_query),
		KEY_CACHE_TEST(
		    key_authenticate__unknown_key__is_asked_for_once),
		KEY_CACHE_TEST(
		    key_authenticate__flood_of_unknown_keys__known_one_stays),
		KEY_CACHE_TEST(
		    key_authenticate__same_beginning__is_another_key),
		KEY_CACHE_TEST(
		    key_authenticate__refused_or_expired__is_refused_from_the_cache_too),
	};
	int n_failed;

	key_cache_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	key_cache_fixture_stop();
	return n_failed;
}
