/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "gpt2/convert.h"

static uint32_t
bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static float
of_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static float
from_half(enum safetensors_dtype dtype, uint16_t half)
{
	float x;

	convert_to_f32(dtype, &half, 1, &x);
	return x;
}

/* What the format says, by powers of two. */
static double
half_value(unsigned half)
{
	double sign = half & 0x8000 ? -1 : 1;
	int exponent = (int)(half >> 10 & 31);
	double fraction = (double)(half & 1023) / 1024;

	if (exponent == 0)
		return sign * ldexp(fraction, -14);
	return sign * ldexp(1 + fraction, exponent - 15);
}

static void
convert_to_f32__every_f16__is_exact(void **state)
{
	(void)state;
	for (unsigned half = 0; half < 65536; half++) {
		float x = from_half(SAFETENSORS_F16, (uint16_t)half);

		if ((half & 0x7fff) > 0x7c00) {
			assert_true(isnan(x));
		} else if ((half & 0x7fff) == 0x7c00) {
			assert_true(isinf(x));
		} else {
			float expected = (float)half_value(half);

			assert_int_equal(bits_of(x), bits_of(expected));
		}
		assert_int_equal(!!signbit(x), half >> 15);
	}
}

static void
convert_to_f32__bf16__is_the_upper_half(void **state)
{
	(void)state;
	for (unsigned half = 0; half < 65536; half++) {
		float x = from_half(SAFETENSORS_BF16, (uint16_t)half);

		assert_int_equal(bits_of(x), half << 16);
	}
}

static void
convert_to_f32__from_odd_addresses__is_the_same(void **state)
{
	const float from[3] = { 1.5F, -2.25F, 1e-30F };
	const uint16_t halves[3] = { 0x3c00, 0xc000, 0x0001 };
	char bytes[16];
	float to[3];

	(void)state;
	memcpy(bytes + 1, from, sizeof(from));
	convert_to_f32(SAFETENSORS_F32, bytes + 1, 3, to);
	assert_memory_equal(to, from, sizeof(from));
	memcpy(bytes + 1, halves, sizeof(halves));
	convert_to_f32(SAFETENSORS_F16, bytes + 1, 3, to);
	assert_int_equal(bits_of(to[0]), bits_of(1.0F));
	assert_int_equal(bits_of(to[1]), bits_of(-2.0F));
	assert_int_equal(bits_of(to[2]), bits_of(0x1p-24F));
}

static void
convert_to_bf16__any_number__is_the_nearest_ties_to_even(void **state)
{
	static const struct {
		uint32_t from;
		uint16_t to;
	} cases[] = {
		{ 0x3f800000, 0x3f80 },
		{ 0x3f807fff, 0x3f80 },
		{ 0x3f808000, 0x3f80 }, /* a tie: down to even */
		{ 0x3f808001, 0x3f81 },
		{ 0x3f818000, 0x3f82 }, /* a tie: up to even */
		{ 0xbf818000, 0xbf82 },
		{ 0x3fffffff, 0x4000 }, /* into the exponent */
		{ 0x00000000, 0x0000 },
		{ 0x80000000, 0x8000 },
		{ 0x00000001, 0x0000 },
		{ 0x00018000, 0x0002 },
		{ 0x7f7fffff, 0x7f80 }, /* FLT_MAX: infinity is nearer */
		{ 0x7f7f7fff, 0x7f7f },
		{ 0x7f800000, 0x7f80 },
		{ 0xff800000, 0xff80 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(convert_to_bf16(of_bits(cases[i].from)),
		    cases[i].to);
}

static void
convert_to_bf16__nan__stays_one(void **state)
{
	static const uint32_t nans[] = { 0x7f800001, 0x7fc00000, 0x7fffffff,
		0xff800001, 0xffffffff, 0x7f80ffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nans); i++) {
		uint16_t half = convert_to_bf16(of_bits(nans[i]));

		assert_true(isnan(from_half(SAFETENSORS_BF16, half)));
		assert_int_equal(half >> 15, nans[i] >> 31);
	}
}

static void
convert_to_bf16__what_is_one__comes_back(void **state)
{
	(void)state;
	for (unsigned half = 0; half < 65536; half++) {
		float x = from_half(SAFETENSORS_BF16, (uint16_t)half);

		if (!isnan(x))
			assert_int_equal(convert_to_bf16(x), half);
	}
}

static void
convert_to_int8__a_block__is_within_half_a_step(void **state)
{
	float from[64];
	int8_t to[64];
	uint32_t random = 1;

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		size_t n = 1 + round % 64;
		double largest = 0;
		float scale;

		for (size_t i = 0; i < n; i++) {
			random = random * 1664525 + 1013904223;
			from[i] = ldexpf((float)(int32_t)random,
			    (int)(round % 100) - 60);
			largest = fmax(largest, fabs((double)from[i]));
		}
		scale = convert_to_int8(from, n, to);
		assert_true((double)scale >= largest / 127.001);
		for (size_t i = 0; i < n; i++) {
			double error = fabs(
			    (double)from[i] - (double)scale * to[i]);

			assert_true(to[i] >= -127);
			assert_true(error <= largest / 254 * 1.0001);
		}
	}
}

static void
convert_to_int8__zeros_and_no_numbers__count_as_zero(void **state)
{
	const float zeros[3] = { 0, -0.0F, 0 };
	const float odd[5] = { NAN, INFINITY, -INFINITY, 2, -4 };
	const float none[1] = { NAN };
	int8_t to[5];

	(void)state;
	assert_int_equal(bits_of(convert_to_int8(zeros, 3, to)), 0);
	assert_memory_equal(to, "\0\0\0", 3);
	assert_int_equal(bits_of(convert_to_int8(none, 1, to)), 0);
	assert_memory_equal(to, "\0", 1);
	assert_int_equal(bits_of(convert_to_int8(odd, 5, to)),
	    bits_of(4.0F / 127));
	assert_memory_equal(to, "\0\0\0\x40\x81", 5);
}

/* A scale of few bits would let numbers go beyond an int8. */
static void
convert_to_int8__the_smallest_numbers__do_not_change_their_sign(void **state)
{
	int8_t to[2];

	(void)state;
	for (unsigned n = 1; n < 3000; n++) {
		const float from[2] = { of_bits(n), -of_bits(n) };
		float scale = convert_to_int8(from, 2, to);

		assert_true(to[0] >= 0 && to[1] <= 0);
		assert_true(scale * to[0] <= 2 * from[0]);
	}
	{
		const float large[2] = { FLT_MAX, -FLT_MAX };
		float scale = convert_to_int8(large, 2, to);

		assert_true(isfinite(scale));
		assert_memory_equal(to, "\x7f\x81", 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convert_to_f32__every_f16__is_exact),
		cmocka_unit_test(convert_to_f32__bf16__is_the_upper_half),
		cmocka_unit_test(
		    convert_to_f32__from_odd_addresses__is_the_same),
		cmocka_unit_test(
		    convert_to_bf16__any_number__is_the_nearest_ties_to_even),
		cmocka_unit_test(convert_to_bf16__nan__stays_one),
		cmocka_unit_test(convert_to_bf16__what_is_one__comes_back),
		cmocka_unit_test(
		    convert_to_int8__a_block__is_within_half_a_step),
		cmocka_unit_test(
		    convert_to_int8__zeros_and_no_numbers__count_as_zero),
		cmocka_unit_test(
		    convert_to_int8__the_smallest_numbers__do_not_change_their_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
