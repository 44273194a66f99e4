/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "base/arena.h"

static void
arena_alloc__over_the_maximum__fails_softly_and_sticks(void **state)
{
	struct arena a;
	struct error e;

	(void)state;
	arena_init(&a, 1024);
	a.full_err = ERR_TOO_LARGE;

	assert_non_null(arena_alloc(&a, 1000));
	assert_null(arena_alloc(&a, 1000));

	assert_int_equal(a.sticky, ERR_TOO_LARGE);
	assert_int_equal(error_arena(&e, &a), ERR_TOO_LARGE);
	arena_fini(&a);
}

static void
arena_alloc_array__product_overflows__fails(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, SIZE_MAX);

	assert_null(arena_alloc_array(&a, SIZE_MAX / 2, 3));

	assert_int_equal(a.sticky, ERR_NO_MEMORY);
	arena_fini(&a);
}

static void
arena_alloc__fail_at_n__only_the_nth_fails(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, KIB(4));
	a.fail_at = 2;

	assert_non_null(arena_alloc(&a, 1));
	assert_null(arena_alloc(&a, 1));
	assert_non_null(arena_alloc(&a, 1));
	arena_fini(&a);
}

static void
arena_alloc__many_sizes__memory_is_zero_and_aligned(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, MIB(4));
	for (size_t n = 0; n < 2000; n += 7) {
		unsigned char *p = arena_alloc(&a, n);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	arena_fini(&a);
}

static char order[8];

static void
note(void *ptr)
{
	size_t n = strlen(order);

	order[n] = *(char *)ptr;
	order[n + 1] = '\0';
}

static void
arena_defer__reset__runs_last_registered_first_and_once(void **state)
{
	char x = 'x', y = 'y';
	struct arena a;

	(void)state;
	arena_init(&a, KIB(4));
	order[0] = '\0';
	assert_true(arena_defer(&a, note, &x));
	assert_true(arena_defer(&a, note, &y));

	arena_reset(&a);
	arena_reset(&a);

	assert_string_equal(order, "yx");
	arena_fini(&a);
}

static void
arena_defer__full__cleans_up_at_once(void **state)
{
	char x = 'x';
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	order[0] = '\0';

	assert_false(arena_defer(&a, note, &x));

	assert_string_equal(order, "x");
	arena_fini(&a);
}

static void
arena_rewind__after_large_pieces__gives_back_but_keeps_the_error(void **state)
{
	struct arena a;
	struct arena_mark mark;
	char *kept;

	(void)state;
	arena_init(&a, KIB(64));
	kept = arena_alloc(&a, 8);
	memcpy(kept, "kept", 5);
	mark = arena_mark(&a);
	for (int i = 0; i < 12; i++)
		(void)arena_alloc(&a, KIB(5));
	assert_null(arena_alloc(&a, KIB(60)));

	arena_rewind(&a, mark);

	assert_int_equal(a.used_bytes, mark.used_bytes);
	assert_int_equal(a.sticky, ERR_NO_MEMORY);
	assert_string_equal(kept, "kept");
	arena_fini(&a);
}

static void
arena_cstr__nul_inside__is_refused(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, KIB(4));

	assert_null(arena_cstr(&a, str_make("a\0b", 3)));
	assert_string_equal(arena_cstr(&a, S("ab")), "ab");
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    arena_alloc__over_the_maximum__fails_softly_and_sticks),
		cmocka_unit_test(arena_alloc_array__product_overflows__fails),
		cmocka_unit_test(arena_alloc__fail_at_n__only_the_nth_fails),
		cmocka_unit_test(
		    arena_alloc__many_sizes__memory_is_zero_and_aligned),
		cmocka_unit_test(
		    arena_defer__reset__runs_last_registered_first_and_once),
		cmocka_unit_test(arena_defer__full__cleans_up_at_once),
		cmocka_unit_test(
		    arena_rewind__after_large_pieces__gives_back_but_keeps_the_error),
		cmocka_unit_test(arena_cstr__nul_inside__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
