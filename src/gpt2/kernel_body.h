/* SPDX-License-Identifier: MIT */
/*
 * The kernels in vectors of KERNEL_LANES floats; kernel_any.c and its like
 * include this once each, under the name KERNEL_NAME. Multiplications and
 * additions are written so that a compiler can fuse them.
 */
#ifndef TG_GPT2_KERNEL_BODY_H
#define TG_GPT2_KERNEL_BODY_H

#ifndef KERNEL_LANES /* so that this header compiles alone, as all do */
# define KERNEL_LANES 4
# define KERNEL_NAME  kernel_any
# define KERNEL_TITLE "any"
#endif

#include <math.h>
#include <string.h>
#ifdef KERNEL_IS_AVX2
# include <immintrin.h>
#endif

#include "gpt2/kernel_priv.h"

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

/* Columns that are worked on at a time, so that results stay in L1. */
#define COLUMNS 512

ALWAYS_INLINE vf
splat(float x)
{
	return (vf){ 0 } + x;
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

/* Weights at `at` of a matrix, each precision in its own way. */
ALWAYS_INLINE vf
weights(const struct matrix *w, enum gpt2_precision precision, size_t at,
    vf scale)
{
	if (precision == GPT2_BF16)
		return (vf)(widen_u16((const uint16_t *)w->data + at) << 16);
	if (precision == GPT2_INT8)
		return __builtin_convertvector(widen_i8(
						   (const int8_t *)w->data +
						   at),
			   vf) *
		       scale;
	return load((const float *)w->data + at);
}

ALWAYS_INLINE float
weight(const struct matrix *w, enum gpt2_precision precision, size_t at,
    float scale)
{
	if (precision == GPT2_BF16) {
		uint32_t bits = (uint32_t)((const uint16_t *)w->data)[at] << 16;
		float value;

		memcpy(&value, &bits, sizeof(value));
		return value;
	}
	if (precision == GPT2_INT8)
		return (float)((const int8_t *)w->data)[at] * scale;
	return ((const float *)w->data)[at];
}

ALWAYS_INLINE vf
weights_some(const struct matrix *w, enum gpt2_precision precision, size_t at,
    size_t n, float scale)
{
	vf x = splat(0);

	for (size_t i = 0; i < n; i++)
		x[i] = weight(w, precision, at + i, scale);
	return x;
}

ALWAYS_INLINE float
scale_of(const struct matrix *w, enum gpt2_precision precision, size_t row,
    uint32_t col)
{
	if (precision != GPT2_INT8)
		return 1;
	return w->scales[row * matrix_blocks(w->n_cols) + col / MATRIX_BLOCK];
}

/*
 * N_ROWS rows of weights times as many x of one answer, added to y: one pass
 * over the rows. N_ROWS is a constant where it is called.
 */
ALWAYS_INLINE size_t
element_bytes(enum gpt2_precision precision)
{
	return precision == GPT2_F32 ? 4 : precision == GPT2_BF16 ? 2 : 1;
}

/* A block of each of four rows, into the second cache. Where they are too short
 * for the machine to see what comes next. */
ALWAYS_INLINE void
prefetch_blocks(const struct matrix *w, enum gpt2_precision precision,
    uint32_t row, uint32_t col)
{
	size_t size = element_bytes(precision);
	const char *p = (const char *)w->data +
			((size_t)row * w->n_cols + col) * size;

	UNROLL
	for (unsigned r = 0; r < 4; r++) {
		UNROLL
		for (size_t at = 0; at < MATRIX_BLOCK * size; at += 64)
			__builtin_prefetch(p + r * w->n_cols * size + at, 0, 2);
	}
}

ALWAYS_INLINE void
add_rows(const struct matrix *w, enum gpt2_precision precision, uint32_t row,
    unsigned n_rows, const float *x, float *y)
{
	uint32_t n_cols = w->n_cols;
	vf xs[4];

	UNROLL
	for (unsigned r = 0; r < n_rows; r++)
		xs[r] = splat(x[row + r]);
	for (uint32_t block = 0; block < n_cols; block += MATRIX_BLOCK) {
		uint32_t end = n_cols - block < MATRIX_BLOCK
				   ? n_cols
				   : block + MATRIX_BLOCK;
		uint32_t c = block;
		float scale[4];

		UNROLL
		for (unsigned r = 0; r < n_rows; r++)
			scale[r] = scale_of(w, precision, row + r, block);
		prefetch_blocks(w, precision, row + n_rows, block);
		for (; c + LANES <= end; c += LANES) {
			vf total = load(y + c);

			UNROLL
			for (unsigned r = 0; r < n_rows; r++)
				total += xs[r] *
					 weights(w, precision,
					     (size_t)(row + r) * n_cols + c,
					     splat(scale[r]));
			store(y + c, total);
		}
		if (c < end) {
			vf total = load_some(y + c, end - c, 0);

			UNROLL
			for (unsigned r = 0; r < n_rows; r++)
				total += xs[r] *
					 weights_some(w, precision,
					     (size_t)(row + r) * n_cols + c,
					     end - c, scale[r]);
			store_some(y + c, end - c, total);
		}
	}
}

ALWAYS_INLINE void
mul_add_one(const struct matrix *w, enum gpt2_precision precision,
    uint32_t row0, uint32_t row1, const float *x, float *y)
{
	uint32_t row = row0;

	for (; row + 4 <= row1; row += 4)
		add_rows(w, precision, row, 4, x, y);
	for (; row < row1; row++)
		add_rows(w, precision, row, 1, x, y);
}

/*
 * Rows that come next, asked for while those before them are worked on: the
 * machine foresees only what lies behind, in the same row. Into the second
 * cache: the first has fewer lines on their way at a time.
 */
struct ahead {
	const char *p;   /* first column at work, of the first row */
	size_t stride;   /* bytes from row to row */
	unsigned n_rows; /* may be 0 */
	unsigned size;   /* bytes of an element */
};

ALWAYS_INLINE void
prefetch(struct ahead ahead, uint32_t col)
{
	/* one line of the cache has 16 floats */
	if (col % 16 != 0)
		return;
	for (unsigned r = 0; r < ahead.n_rows; r++)
		__builtin_prefetch(ahead.p + r * ahead.stride +
				       (size_t)col * ahead.size,
		    0, 2);
}

/* n_rows rows of n_cols floats, stride apart, times the x of n_batch answers
 * (1 or 2). Both counts are constants where it is called. */
ALWAYS_INLINE void
add_block(const float *w, size_t stride, unsigned n_rows, uint32_t n_cols,
    const float *x, size_t x_stride, unsigned n_batch, float *y,
    size_t y_stride, struct ahead ahead)
{
	vf xs[2][4];
	uint32_t c = 0;

	UNROLL
	for (unsigned b = 0; b < n_batch; b++) {
		UNROLL
		for (unsigned r = 0; r < n_rows; r++)
			xs[b][r] = splat(x[b * x_stride + r]);
	}
	for (; c + LANES <= n_cols; c += LANES) {
		vf total[2];

		prefetch(ahead, c);
		UNROLL
		for (unsigned b = 0; b < n_batch; b++)
			total[b] = load(y + b * y_stride + c);
		UNROLL
		for (unsigned r = 0; r < n_rows; r++) {
			vf ws = load(w + r * stride + c);

			UNROLL
			for (unsigned b = 0; b < n_batch; b++)
				total[b] += xs[b][r] * ws;
		}
		/* last: a store could change w, for all that C knows */
		UNROLL
		for (unsigned b = 0; b < n_batch; b++)
			store(y + b * y_stride + c, total[b]);
	}
	if (c < n_cols) {
		UNROLL
		for (unsigned b = 0; b < n_batch; b++) {
			float *to = y + b * y_stride + c;
			vf total = load_some(to, n_cols - c, 0);

			UNROLL
			for (unsigned r = 0; r < n_rows; r++)
				total += xs[b][r] *
					 load_some(w + r * stride + c,
					     n_cols - c, 0);
			store_some(to, n_cols - c, total);
		}
	}
}

ALWAYS_INLINE void
add_batch(const float *w, size_t stride, unsigned n_rows, uint32_t n_cols,
    const float *x, size_t x_stride, uint32_t n_batch, float *y,
    size_t y_stride, struct ahead ahead)
{
	uint32_t n_pairs = (n_batch + 1) / 2, b = 0;
	unsigned n_ahead = ahead.n_rows;
	size_t row_bytes = ahead.stride;

	/* each pair of answers asks for its share of the rows ahead */
	ahead.stride *= n_pairs;
	for (uint32_t i = 0; i < n_pairs; i++, b += 2) {
		ahead.n_rows = i < n_ahead
				   ? (n_ahead - i + n_pairs - 1) / n_pairs
				   : 0;
		if (b + 2 <= n_batch)
			add_block(w, stride, n_rows, n_cols, x + b * x_stride,
			    x_stride, 2, y + b * y_stride, y_stride, ahead);
		else
			add_block(w, stride, n_rows, n_cols, x + b * x_stride,
			    x_stride, 1, y + b * y_stride, y_stride, ahead);
		ahead.p += row_bytes;
	}
}

ALWAYS_INLINE void
expand_row(const struct matrix *w, enum gpt2_precision precision, uint32_t row,
    uint32_t col0, uint32_t col1, float *to)
{
	size_t at = (size_t)row * w->n_cols;
	uint32_t c = col0;

	while (c < col1) {
		uint32_t end = c / MATRIX_BLOCK * MATRIX_BLOCK + MATRIX_BLOCK;
		float scale = scale_of(w, precision, row, c);

		if (end > col1)
			end = col1;
		for (; c + LANES <= end; c += LANES)
			store(to + (c - col0),
			    weights(w, precision, at + c, splat(scale)));
		for (; c < end; c++)
			to[c - col0] = weight(w, precision, at + c, scale);
	}
}

/* Rows row..row+n_rows-1, columns col0..col1-1, as floats: where they are, or
 * expanded into `room`. */
ALWAYS_INLINE const float *
block_floats(const struct matrix *w, enum gpt2_precision precision,
    uint32_t row, unsigned n_rows, uint32_t col0, uint32_t col1, float *room,
    size_t *ret_stride)
{
	if (precision == GPT2_F32) {
		*ret_stride = w->n_cols;
		return (const float *)w->data + (size_t)row * w->n_cols + col0;
	}
	UNROLL
	for (unsigned r = 0; r < n_rows; r++)
		expand_row(w, precision, row + r, col0, col1,
		    room + r * COLUMNS);
	*ret_stride = COLUMNS;
	return room;
}

ALWAYS_INLINE void
mul_add_many(const struct matrix *w, enum gpt2_precision precision,
    uint32_t row0, uint32_t row1, const float *x, size_t x_stride,
    uint32_t n_batch, float *y, size_t y_stride, float *room)
{
	struct ahead ahead = {
		.size = (unsigned)element_bytes(precision),
	};
	const float *p;
	size_t stride;

	ahead.stride = (size_t)w->n_cols * ahead.size;
	for (uint32_t col0 = 0; col0 < w->n_cols; col0 += COLUMNS) {
		uint32_t n = w->n_cols - col0 < COLUMNS ? w->n_cols - col0
							: COLUMNS;
		uint32_t row = row0;

		for (; row + 4 <= row1; row += 4) {
			ahead.n_rows = row1 - row - 4 < 4 ? row1 - row - 4 : 4;
			ahead.p = (const char *)w->data +
				  (row + 4) * ahead.stride +
				  (size_t)col0 * ahead.size;
			p = block_floats(w, precision, row, 4, col0, col0 + n,
			    room, &stride);
			add_batch(p, stride, 4, n, x + row, x_stride, n_batch,
			    y + col0, y_stride, ahead);
		}
		for (; row < row1; row++) {
			p = block_floats(w, precision, row, 1, col0, col0 + n,
			    room, &stride);
			ahead.n_rows = 0;
			add_batch(p, stride, 1, n, x + row, x_stride, n_batch,
			    y + col0, y_stride, ahead);
		}
	}
}

ALWAYS_INLINE void
mul_add_any(const struct matrix *w, enum gpt2_precision precision,
    uint32_t row0, uint32_t row1, const float *x, size_t x_stride,
    uint32_t n_batch, float *y, size_t y_stride, float *room)
{
	if (n_batch == 1)
		mul_add_one(w, precision, row0, row1, x, y);
	else
		mul_add_many(w, precision, row0, row1, x, x_stride, n_batch, y,
		    y_stride, room);
}

static void
mul_add(const struct matrix *w, uint32_t row0, uint32_t row1, const float *x,
    size_t x_stride, uint32_t n_batch, float *y, size_t y_stride)
{
	/* one for all of them, which become one function */
	float room[4 * COLUMNS];

	switch (w->precision) {
	case GPT2_F32:
		mul_add_any(w, GPT2_F32, row0, row1, x, x_stride, n_batch, y,
		    y_stride, room);
		break;
	case GPT2_BF16:
		mul_add_any(w, GPT2_BF16, row0, row1, x, x_stride, n_batch, y,
		    y_stride, room);
		break;
	case GPT2_INT8:
		mul_add_any(w, GPT2_INT8, row0, row1, x, x_stride, n_batch, y,
		    y_stride, room);
		break;
	}
}

/* Dot products of n_rows rows with n_batch answers (constants where it is
 * called): one running sum for each, so that their order is always the same. */
ALWAYS_INLINE void
dot_block(const struct matrix *w, enum gpt2_precision precision, uint32_t row,
    unsigned n_rows, const float *x, size_t x_stride, unsigned n_batch,
    float *y, size_t y_stride)
{
	uint32_t n_cols = w->n_cols;
	vf total[4][4];

	UNROLL
	for (unsigned r = 0; r < n_rows; r++) {
		UNROLL
		for (unsigned b = 0; b < n_batch; b++)
			total[r][b] = splat(0);
	}
	for (uint32_t block = 0; block < n_cols; block += MATRIX_BLOCK) {
		uint32_t end = n_cols - block < MATRIX_BLOCK
				   ? n_cols
				   : block + MATRIX_BLOCK;
		uint32_t c = block;
		float scale[4];

		UNROLL
		for (unsigned r = 0; r < n_rows; r++)
			scale[r] = scale_of(w, precision, row + r, block);
		if (n_batch == 1)
			prefetch_blocks(w, precision, row + n_rows, block);
		for (; c + LANES <= end; c += LANES) {
			UNROLL
			for (unsigned r = 0; r < n_rows; r++) {
				vf ws = weights(w, precision,
				    (size_t)(row + r) * n_cols + c,
				    splat(scale[r]));

				UNROLL
				for (unsigned b = 0; b < n_batch; b++)
					total[r][b] +=
					    ws * load(x + b * x_stride + c);
			}
		}
		if (c < end) {
			vf rest[4];

			UNROLL
			for (unsigned b = 0; b < n_batch; b++)
				rest[b] = load_some(x + b * x_stride + c,
				    end - c, 0);
			UNROLL
			for (unsigned r = 0; r < n_rows; r++) {
				vf ws = weights_some(w, precision,
				    (size_t)(row + r) * n_cols + c, end - c,
				    scale[r]);

				UNROLL
				for (unsigned b = 0; b < n_batch; b++)
					total[r][b] += ws * rest[b];
			}
		}
	}
	UNROLL
	for (unsigned r = 0; r < n_rows; r++) {
		UNROLL
		for (unsigned b = 0; b < n_batch; b++)
			y[b * y_stride + row + r] = sum(total[r][b]);
	}
}

ALWAYS_INLINE void
dot_rows(const struct matrix *w, enum gpt2_precision precision, uint32_t row,
    unsigned n_rows, const float *x, size_t x_stride, uint32_t n_batch,
    float *y, size_t y_stride)
{
	uint32_t b = 0;

	for (; b + 4 <= n_batch; b += 4)
		dot_block(w, precision, row, n_rows, x + b * x_stride, x_stride,
		    4, y + b * y_stride, y_stride);
	for (; b < n_batch; b++)
		dot_block(w, precision, row, n_rows, x + b * x_stride, x_stride,
		    1, y + b * y_stride, y_stride);
}

ALWAYS_INLINE void
dot_any(const struct matrix *w, enum gpt2_precision precision, uint32_t row0,
    uint32_t row1, const float *x, size_t x_stride, uint32_t n_batch, float *y,
    size_t y_stride)
{
	uint32_t row = row0;

	/* four rows keep the pipeline full for one answer, two for four */
	if (n_batch < 4) {
		for (; row + 4 <= row1; row += 4)
			dot_rows(w, precision, row, 4, x, x_stride, n_batch, y,
			    y_stride);
	}
	for (; row + 2 <= row1; row += 2)
		dot_rows(w, precision, row, 2, x, x_stride, n_batch, y,
		    y_stride);
	for (; row < row1; row++)
		dot_rows(w, precision, row, 1, x, x_stride, n_batch, y,
		    y_stride);
}

static void
dot(const struct matrix *w, uint32_t row0, uint32_t row1, const float *x,
    size_t x_stride, uint32_t n_batch, float *y, size_t y_stride)
{
	switch (w->precision) {
	case GPT2_F32:
		dot_any(w, GPT2_F32, row0, row1, x, x_stride, n_batch, y,
		    y_stride);
		break;
	case GPT2_BF16:
		dot_any(w, GPT2_BF16, row0, row1, x, x_stride, n_batch, y,
		    y_stride);
		break;
	case GPT2_INT8:
		dot_any(w, GPT2_INT8, row0, row1, x, x_stride, n_batch, y,
		    y_stride);
		break;
	}
}

static void
expand(const struct matrix *w, uint32_t row, uint32_t col0, uint32_t col1,
    float *to)
{
	switch (w->precision) {
	case GPT2_F32:
		expand_row(w, GPT2_F32, row, col0, col1, to);
		break;
	case GPT2_BF16:
		expand_row(w, GPT2_BF16, row, col0, col1, to);
		break;
	case GPT2_INT8:
		expand_row(w, GPT2_INT8, row, col0, col1, to);
		break;
	}
}

static void
norm(const float *x, const float *gain, const float *bias, uint32_t n,
    float epsilon, float *y)
{
	vf total = splat(0), squares = splat(0), means, factors;
	float rest = 0, rest_squares = 0, mean, factor;
	uint32_t i = 0;

	for (; i + LANES <= n; i += LANES)
		total += load(x + i);
	for (; i < n; i++)
		rest += x[i];
	mean = (sum(total) + rest) / (float)n;
	means = splat(mean);
	for (i = 0; i + LANES <= n; i += LANES) {
		vf d = load(x + i) - means;

		squares += d * d;
	}
	for (; i < n; i++)
		rest_squares += (x[i] - mean) * (x[i] - mean);
	factor = 1 / sqrtf((sum(squares) + rest_squares) / (float)n + epsilon);
	factors = splat(factor);
	for (i = 0; i + LANES <= n; i += LANES)
		store(y + i, (load(x + i) - means) * factors * load(gain + i) +
				 load(bias + i));
	for (; i < n; i++)
		y[i] = (x[i] - mean) * factor * gain[i] + bias[i];
}

/*
 * exp(x) for x <= 88 (0 below -87): x = n ln 2 + r, a polynomial for exp(r),
 * 2^n by the exponent's bits. Relative error about 1e-7. Source: the
 * coefficients of Cephes' expf (S. Moshier).
 */
ALWAYS_INLINE vf
exp_vf(vf x)
{
	/* adding it leaves the nearest whole number in the lowest bits */
	const float round = 12582912.0F; /* 1.5 * 2^23 */
	vf low = (vf)((vi)splat(-87.0F) & (x < -87.0F));
	vf r = (vf)((vi)x & ~(x < -87.0F));
	vf n, p, square;
	vi bits, is_zero = x < -87.0F;

	r = (vf)((vi)r | (vi)low);
	n = r * 1.44269504088896341F + round;
	bits = (vi)n;
	n -= round;
	r -= n * 0.693359375F;
	r -= n * -2.12194440e-4F;
	square = r * r;
	p = splat(1.9875691500e-4F);
	p = p * r + 1.3981999507e-3F;
	p = p * r + 8.3334519073e-3F;
	p = p * r + 4.1665795894e-2F;
	p = p * r + 1.6666665459e-1F;
	p = p * r + 5.0000001201e-1F;
	p = p * square + r + 1.0F;
	/* the low bits of `bits` are n; the rest goes out by the shift */
	bits = (vi)((vu)bits << 23) + 0x3f800000;
	return (vf)((vi)(p * (vf)bits) & ~is_zero);
}

ALWAYS_INLINE vf
gelu_vf(vf x)
{
	/* -2 sqrt(2 / pi) (x + 0.044715 x^3), held where exp() is finite */
	vf u = -1.5957691216057308F * (x + 0.044715F * x * x * x);
	vi over = u > 80.0F;

	u = (vf)(((vi)u & ~over) | ((vi)splat(80.0F) & over));
	return x / (1.0F + exp_vf(u));
}

static void
gelu(float *x, size_t n)
{
	size_t i = 0;
	vf rest;

	for (; i + LANES <= n; i += LANES)
		store(x + i, gelu_vf(load(x + i)));
	rest = gelu_vf(load_some(x + i, n - i, 0));
	for (size_t k = 0; i + k < n; k++)
		x[i + k] = rest[k];
}

static float
exp_sum(float *x, size_t n, float max)
{
	vf total = splat(0), rest;
	float last = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		vf y = exp_vf(load(x + i) - max);

		store(x + i, y);
		total += y;
	}
	rest = exp_vf(load_some(x + i, n - i, max) - max);
	for (size_t k = 0; i + k < n; k++) {
		x[i + k] = rest[k];
		last += rest[k];
	}
	return sum(total) + last;
}

const struct kernel KERNEL_NAME = {
	.name = KERNEL_TITLE,
	.mul_add = mul_add,
	.dot = dot,
	.expand = expand,
	.norm = norm,
	.gelu = gelu,
	.exp_sum = exp_sum,
};

#endif
