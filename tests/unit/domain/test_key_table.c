/* SPDX-License-Identifier: MIT */
/* Whose key it is, is told by the whole digest: CHECKLIST S6. */
#include "support/cmocka_tg.h"

#include <stdlib.h>
#include <string.h>

#include "domain/key_priv.h"

static void
key_table__digests_that_differ_in_one_bit__are_others(void **state)
{
	uint8_t digest[KEY_DIGEST_BYTES];
	struct key_entry *en = calloc(1, sizeof(*en));
	struct key_table t;
	struct error e;

	(void)state;
	assert_non_null(en);
	memset(digest, 0x5a, sizeof(digest));
	memcpy(en->who.key_digest, digest, sizeof(digest));
	assert_ok(key_table_init(&t, 8, &e));
	key_table_put(&t, en);
	for (size_t bit = 0; bit < 8 * sizeof(digest); bit++) {
		digest[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_null(key_table_find(&t, digest));
		digest[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_ptr_equal(key_table_find(&t, digest), en);
	}
	key_table_fini(&t);
}

/* All of one bucket, so that each is met on the way to the next. */
static void
key_table__many_that_share_their_beginning__each_is_found(void **state)
{
	enum {
		N = 64
	};
	struct key_entry *v[N];
	struct key_table t;
	struct error e;

	(void)state;
	assert_ok(key_table_init(&t, N, &e));
	for (uint8_t i = 0; i < N; i++) {
		v[i] = calloc(1, sizeof(*v[i]));
		assert_non_null(v[i]);
		v[i]->who.key_digest[KEY_DIGEST_BYTES - 1] = i;
		key_table_put(&t, v[i]);
	}
	for (uint8_t i = 0; i < N; i++) {
		uint8_t digest[KEY_DIGEST_BYTES] = { 0 };

		digest[KEY_DIGEST_BYTES - 1] = i;
		assert_ptr_equal(key_table_find(&t, digest), v[i]);
	}
	key_table_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    key_table__digests_that_differ_in_one_bit__are_others),
		cmocka_unit_test(
		    key_table__many_that_share_their_beginning__each_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
