/* SPDX-License-Identifier: MIT */
#include "gpt2/convert.h"

#include <math.h>
#include <string.h>

static float
from_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* IEEE 754 half precision: 1 sign, 5 exponent, 10 fraction bits. */
static float
from_f16(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16;
	uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
	float small;

	if (exponent == 0x1f)
		return from_bits(sign | 0x7f800000 | fraction << 13);
	if (exponent > 0)
		return from_bits(
		    sign | (exponent + 112) << 23 | fraction << 13);
	/* zero and what is smaller than 2^-14: fraction times 2^-24 */
	small = (float)fraction * 0x1p-24F;
	return sign ? -small : small;
}

void
convert_to_f32(enum safetensors_dtype dtype, const void *from, size_t n,
    float *to)
{
	const char *p = from;

	switch (dtype) {
	case SAFETENSORS_F32:
		memcpy(to, from, n * sizeof(*to));
		break;
	case SAFETENSORS_F16:
	case SAFETENSORS_BF16:
		for (size_t i = 0; i < n; i++) {
			uint16_t half;

			memcpy(&half, p + 2 * i, sizeof(half));
			to[i] = dtype == SAFETENSORS_F16
				    ? from_f16(half)
				    : from_bits((uint32_t)half << 16);
		}
		break;
	case SAFETENSORS_OTHER:
		break;
	}
}

uint16_t
convert_to_bf16(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	if (isnan(x))
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float
convert_to_int8(const float *from, size_t n, int8_t *to)
{
	float largest = 0, scale;

	for (size_t i = 0; i < n; i++) {
		float size = fabsf(from[i]);

		if (isfinite(size) && size > largest)
			largest = size;
	}
	scale = largest / 127;
	for (size_t i = 0; i < n; i++) {
		bool is_some = scale > 0 && isfinite(from[i]);

		to[i] = is_some ? (int8_t)lrintf(from[i] / scale) : 0;
	}
	return scale;
}
