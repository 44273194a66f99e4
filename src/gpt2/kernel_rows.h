/* SPDX-License-Identifier: MIT */
/* Products of matrices whose rows lie one after another. */
#ifndef TG_GPT2_KERNEL_ROWS_H
#define TG_GPT2_KERNEL_ROWS_H

#include <stdbool.h>

#include "gpt2/kernel.h"
#include "gpt2/kernel_vector.h"

/* Columns that are worked on at a time, so that results stay in L1. */
#define COLUMNS 512

/* A block of each of four rows, into the second cache. Where they are too short
 * for the machine to see what comes next. */
ALWAYS_INLINE void
prefetch_blocks(const struct matrix *w, size_t element_size, uint32_t row,
    uint32_t col)
{
	const char *p = (const char *)w->data +
			((size_t)row * w->n_cols + col) * element_size;

	UNROLL
	for (unsigned r = 0; r < 4; r++) {
		UNROLL
		for (size_t at = 0; at < MATRIX_BLOCK * element_size; at += 64)
			__builtin_prefetch(p + r * w->n_cols * element_size +
					       at,
			    0, 2);
	}
}

/*
 * n_rows rows of weights times as many x of one answer, added to y: one pass
 * over the rows. n_rows is a constant where it is called.
 */
ALWAYS_INLINE void
add_rows(const struct matrix *w, uint32_t row, unsigned n_rows, const float *x,
    float *y)
{
	uint32_t n_cols = w->n_cols;
	const float *p = (const float *)w->data + (size_t)row * n_cols;
	vf xs[4];

	UNROLL
	for (unsigned r = 0; r < n_rows; r++)
		xs[r] = splat(x[row + r]);
	for (uint32_t block = 0; block < n_cols; block += MATRIX_BLOCK) {
		uint32_t end = n_cols - block < MATRIX_BLOCK
				   ? n_cols
				   : block + MATRIX_BLOCK;
		uint32_t c = block;

		prefetch_blocks(w, sizeof(float), row + n_rows, block);
		for (; c + LANES <= end; c += LANES) {
			vf total = load(y + c);

			UNROLL
			for (unsigned r = 0; r < n_rows; r++)
				total += xs[r] *
					 load(p + (size_t)r * n_cols + c);
			store(y + c, total);
		}
		if (c < end) {
			vf total = load_some(y + c, end - c, 0);

			UNROLL
			for (unsigned r = 0; r < n_rows; r++)
				total += xs[r] *
					 load_some(p + (size_t)r * n_cols + c,
					     end - c, 0);
			store_some(y + c, end - c, total);
		}
	}
}

ALWAYS_INLINE void
mul_add_one(const struct matrix *w, uint32_t row0, uint32_t row1,
    const float *x, float *y)
{
	uint32_t row = row0;

	for (; row + 4 <= row1; row += 4)
		add_rows(w, row, 4, x, y);
	for (; row < row1; row++)
		add_rows(w, row, 1, x, y);
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
};

ALWAYS_INLINE void
prefetch(struct ahead ahead, uint32_t col)
{
	/* one line of the cache has 16 floats */
	if (col % 16 != 0)
		return;
	for (unsigned r = 0; r < ahead.n_rows; r++)
		__builtin_prefetch(ahead.p + r * ahead.stride +
				       (size_t)col * sizeof(float),
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
mul_add_many(const struct matrix *w, uint32_t row0, uint32_t row1,
    const float *x, size_t x_stride, uint32_t n_batch, float *y,
    size_t y_stride)
{
	size_t stride = w->n_cols;
	struct ahead ahead = { .stride = stride * sizeof(float) };

	for (uint32_t col0 = 0; col0 < w->n_cols; col0 += COLUMNS) {
		uint32_t n = w->n_cols - col0 < COLUMNS ? w->n_cols - col0
							: COLUMNS;
		const float *p = (const float *)w->data + col0;
		uint32_t row = row0;

		for (; row + 4 <= row1; row += 4) {
			ahead.n_rows = row1 - row - 4 < 4 ? row1 - row - 4 : 4;
			ahead.p = (const char *)(p + (row + 4) * stride);
			add_batch(p + row * stride, stride, 4, n, x + row,
			    x_stride, n_batch, y + col0, y_stride, ahead);
		}
		ahead.n_rows = 0;
		for (; row < row1; row++)
			add_batch(p + row * stride, stride, 1, n, x + row,
			    x_stride, n_batch, y + col0, y_stride, ahead);
	}
}

/* kernel.mul_add of GPT2_F32 */
ALWAYS_INLINE void
rows_mul_add(const struct matrix *w, uint32_t row0, uint32_t row1,
    const float *x, size_t x_stride, uint32_t n_batch, float *y,
    size_t y_stride)
{
	if (n_batch == 1)
		mul_add_one(w, row0, row1, x, y);
	else
		mul_add_many(w, row0, row1, x, x_stride, n_batch, y, y_stride);
}

/*
 * Dot products of n_rows rows with n_batch answers (constants where it is
 * called): one running sum for each, so that their order is always the same.
 * With scales, a block is summed up before it is scaled.
 */
ALWAYS_INLINE void
dot_block(const struct matrix *w, enum gpt2_precision precision, uint32_t row,
    unsigned n_rows, const float *x, size_t x_stride, unsigned n_batch,
    float *y, size_t y_stride)
{
	bool is_scaled = precision == GPT2_INT8;
	uint32_t n_cols = w->n_cols;
	size_t at = (size_t)row * n_cols;
	vf total[4][4], sums[4][4];

	UNROLL
	for (unsigned r = 0; r < n_rows; r++) {
		UNROLL
		for (unsigned b = 0; b < n_batch; b++) {
			total[r][b] = splat(0);
			sums[r][b] = splat(0);
		}
	}
	for (uint32_t block = 0; block < n_cols; block += MATRIX_BLOCK) {
		uint32_t end = n_cols - block < MATRIX_BLOCK
				   ? n_cols
				   : block + MATRIX_BLOCK;
		uint32_t c = block;

		if (n_batch == 1)
			prefetch_blocks(w, element_bytes(precision),
			    row + n_rows, block);
		for (; c + LANES <= end; c += LANES) {
			UNROLL
			for (unsigned r = 0; r < n_rows; r++) {
				vf ws = weights(w->data, precision,
				    at + (size_t)r * n_cols + c);

				UNROLL
				for (unsigned b = 0; b < n_batch; b++)
					sums[r][b] +=
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
				vf ws = weights_some(w->data, precision,
				    at + (size_t)r * n_cols + c, end - c);

				UNROLL
				for (unsigned b = 0; b < n_batch; b++)
					sums[r][b] += ws * rest[b];
			}
		}
		if (!is_scaled)
			continue;
		UNROLL
		for (unsigned r = 0; r < n_rows; r++) {
			vf scale = splat(
			    w->scales[matrix_scale_at(w, row + r, block)]);

			UNROLL
			for (unsigned b = 0; b < n_batch; b++) {
				total[r][b] += scale * sums[r][b];
				sums[r][b] = splat(0);
			}
		}
	}
	UNROLL
	for (unsigned r = 0; r < n_rows; r++) {
		UNROLL
		for (unsigned b = 0; b < n_batch; b++)
			y[b * y_stride + row + r] = sum(
			    is_scaled ? total[r][b] : sums[r][b]);
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

/* kernel.dot */
ALWAYS_INLINE void
rows_dot(const struct matrix *w, enum gpt2_precision precision, uint32_t row0,
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

#endif
