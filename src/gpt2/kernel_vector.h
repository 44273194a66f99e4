/* SPDX-License-Identifier: MIT */
/*
 * Vectors of KERNEL_LANES floats, for what kernel_body.h includes.
 * Multiplications and additions are written so that a compiler can fuse them.
 */
#ifndef TG_GPT2_KERNEL_VECTOR_H
#define TG_GPT2_KERNEL_VECTOR_H

#ifndef KERNEL_LANES /* so that this header compiles alone, as all do */
# define KERNEL_LANES 4
# define KERNEL_NAME  kernel_any
# define KERNEL_TITLE "any"
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef KERNEL_IS_AVX2
# include <immintrin.h>
#endif

#include "gpt2/model.h"

#define LANES KERNEL_LANES

#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* Before a loop over rows or answers, whose number is a constant: what it
 * works on then stays in registers. */
#define UNROLL        _Pragma("GCC unroll 8")

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * LANES)));
/* The same in memory, where nothing says how it is aligned. */
typedef float vf_memory
    __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint16_t vh_memory
    __attribute__((vector_size(2 * LANES), aligned(2), may_alias));
typedef int8_t vb_memory
    __attribute__((vector_size(LANES), aligned(1), may_alias));

ALWAYS_INLINE vf
splat(float x)
{
	return x - (vf){ 0 }; /* a + would cost one, for the sake of -0 */
}

ALWAYS_INLINE vf
load(const float *p)
{
	return *(const vf_memory *)p;
}

ALWAYS_INLINE void
store(float *p, vf x)
{
	*(vf_memory *)p = x;
}

/*
 * A rest shorter than a vector is one whose other lanes aren't stored. Written
 * with scalars, a compiler would fuse multiplication and addition in some
 * copies of a loop and not in others, and results would differ.
 */
ALWAYS_INLINE vf
load_some(const float *p, size_t n, float otherwise)
{
	vf x = splat(otherwise);

	for (size_t i = 0; i < n; i++)
		x[i] = p[i];
	return x;
}

ALWAYS_INLINE void
store_some(float *p, size_t n, vf x)
{
	for (size_t i = 0; i < n; i++)
		p[i] = x[i];
}

ALWAYS_INLINE float
sum(vf x)
{
	float total = 0;

	for (unsigned i = 0; i < LANES; i++)
		total += x[i];
	return total;
}

/*
 * Narrow numbers to wide ones. GCC 12 makes a dozen instructions of
 * __builtin_convertvector() here where AVX2 has one.
 */
ALWAYS_INLINE vu
widen_u16(const uint16_t *p)
{
#ifdef KERNEL_IS_AVX2
	return (vu)_mm256_cvtepu16_epi32(
	    _mm_loadu_si128((const __m128i_u *)(const void *)p));
#else
	return __builtin_convertvector(*(const vh_memory *)p, vu);
#endif
}

ALWAYS_INLINE vi
widen_i8(const int8_t *p)
{
#ifdef KERNEL_IS_AVX2
	return (vi)_mm256_cvtepi8_epi32(
	    _mm_loadl_epi64((const __m128i_u *)(const void *)p));
#else
	return __builtin_convertvector(*(const vb_memory *)p, vi);
#endif
}

/* LANES weights, without their scale; each precision in its own way. */
ALWAYS_INLINE vf
weights(const void *data, enum gpt2_precision precision, size_t at)
{
	if (precision == GPT2_BF16)
		return (vf)(widen_u16((const uint16_t *)data + at) << 16);
	if (precision == GPT2_INT8)
		return __builtin_convertvector(widen_i8(
						   (const int8_t *)data + at),
		    vf);
	return load((const float *)data + at);
}

ALWAYS_INLINE float
weight(const void *data, enum gpt2_precision precision, size_t at)
{
	if (precision == GPT2_BF16) {
		uint32_t bits = (uint32_t)((const uint16_t *)data)[at] << 16;
		float value;

		memcpy(&value, &bits, sizeof(value));
		return value;
	}
	if (precision == GPT2_INT8)
		return (float)((const int8_t *)data)[at];
	return ((const float *)data)[at];
}

ALWAYS_INLINE vf
weights_some(const void *data, enum gpt2_precision precision, size_t at,
    size_t n)
{
	vf x = splat(0);

	for (size_t i = 0; i < n; i++)
		x[i] = weight(data, precision, at + i);
	return x;
}

ALWAYS_INLINE size_t
element_bytes(enum gpt2_precision precision)
{
	return precision == GPT2_F32 ? 4 : precision == GPT2_BF16 ? 2 : 1;
}

#endif
