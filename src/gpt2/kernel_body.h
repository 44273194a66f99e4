/* SPDX-License-Identifier: MIT */
/*
 * The kernels in vectors of KERNEL_LANES floats; kernel_any.c and its like
 * include this once each, under the name KERNEL_NAME.
 */
#ifndef TG_GPT2_KERNEL_BODY_H
#define TG_GPT2_KERNEL_BODY_H

#include <math.h>

#include "base/err.h"
#include "gpt2/kernel_panels.h"
#include "gpt2/kernel_priv.h"
#include "gpt2/kernel_rows.h"
#include "gpt2/kernel_vector.h"

static void
mul_add(const struct matrix *w, uint32_t row0, uint32_t row1, const float *x,
    size_t x_stride, uint32_t n_batch, float *y, size_t y_stride)
{
	ASSERT(w->is_in_panels == (w->precision != GPT2_F32));
	switch (w->precision) {
	case GPT2_F32:
		rows_mul_add(w, row0, row1, x, x_stride, n_batch, y, y_stride);
		break;
	case GPT2_BF16:
		panels_mul_add(w, GPT2_BF16, row0, row1, x, x_stride, n_batch,
		    y, y_stride);
		break;
	case GPT2_INT8:
		panels_mul_add(w, GPT2_INT8, row0, row1, x, x_stride, n_batch,
		    y, y_stride);
		break;
	}
}

static void
dot(const struct matrix *w, uint32_t row0, uint32_t row1, const float *x,
    size_t x_stride, uint32_t n_batch, float *y, size_t y_stride)
{
	ASSERT(!w->is_in_panels);
	switch (w->precision) {
	case GPT2_F32:
		rows_dot(w, GPT2_F32, row0, row1, x, x_stride, n_batch, y,
		    y_stride);
		break;
	case GPT2_BF16:
		rows_dot(w, GPT2_BF16, row0, row1, x, x_stride, n_batch, y,
		    y_stride);
		break;
	case GPT2_INT8:
		rows_dot(w, GPT2_INT8, row0, row1, x, x_stride, n_batch, y,
		    y_stride);
		break;
	}
}

/* A row's columns from..end-1 of the block that begins at col. */
ALWAYS_INLINE void
expand_block(const struct matrix *w, enum gpt2_precision precision, size_t row,
    uint32_t col, uint32_t from, uint32_t end, float *to)
{
	size_t at = matrix_at(w, row, col) + (from - col);
	uint32_t n = end - from, i = 0;
	float scale = precision == GPT2_INT8
			  ? w->scales[matrix_scale_at(w, row, col)]
			  : 1;

	for (; i + LANES <= n; i += LANES)
		store(to + i,
		    weights(w->data, precision, at + i) * splat(scale));
	for (; i < n; i++)
		to[i] = weight(w->data, precision, at + i) * scale;
}

/* Block by block, so that panels are read from first to last, too. */
ALWAYS_INLINE void
expand_rows(const struct matrix *w, enum gpt2_precision precision,
    uint32_t row0, uint32_t n_rows, uint32_t col0, uint32_t col1, float *to)
{
	size_t stride = col1 - col0;
	uint32_t from = col0;

	while (from < col1) {
		uint32_t col = from / MATRIX_BLOCK * MATRIX_BLOCK;
		uint32_t end = col + matrix_block_width(w, col);

		if (end > col1)
			end = col1;
		for (size_t r = 0; r < n_rows; r++)
			expand_block(w, precision, row0 + r, col, from, end,
			    to + r * stride + (from - col0));
		from = end;
	}
}

static void
expand(const struct matrix *w, uint32_t row0, uint32_t n_rows, uint32_t col0,
    uint32_t col1, float *to)
{
	switch (w->precision) {
	case GPT2_F32:
		expand_rows(w, GPT2_F32, row0, n_rows, col0, col1, to);
		break;
	case GPT2_BF16:
		expand_rows(w, GPT2_BF16, row0, n_rows, col0, col1, to);
		break;
	case GPT2_INT8:
		expand_rows(w, GPT2_INT8, row0, n_rows, col0, col1, to);
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
