/* SPDX-License-Identifier: MIT */
/*
 * The loops that decoding spends its time in. They read each weight once,
 * from first to last, so that memory's speed is the bound; all other numbers
 * stay in the caches. There is one build of them for every machine and one
 * for AVX2; kernel_best() chooses.
 *
 * A number in a result doesn't depend on how many rows are computed together:
 * each is summed up in the same order whatever n_batch is.
 */
#ifndef TG_GPT2_KERNEL_H
#define TG_GPT2_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpt2/model.h"

/* Columns of a block: in GPT2_INT8 a row's numbers in it share one scale. */
#define MATRIX_BLOCK 64

/*
 * Weights in one of two orders. In rows: each row n_cols numbers without a gap.
 * In panels: all rows of columns 0..63, then all of 64..127, and so on, each
 * without a gap; the last panel is as narrow as what is left. Scales follow in
 * the same order. Rows are what a file has and what dot products read from
 * first to last; panels are that for products with a vector of rows.
 */
struct matrix {
	enum gpt2_precision precision;
	bool is_in_panels;
	uint32_t n_rows, n_cols;
	const void *data;    /* float, uint16_t (BF16) or int8_t */
	const float *scales; /* INT8: one for each row's part of a block */
};

static inline size_t
matrix_blocks(uint32_t n_cols)
{
	return ((size_t)n_cols + MATRIX_BLOCK - 1) / MATRIX_BLOCK;
}

/* Columns of the block that begins at col. */
static inline uint32_t
matrix_block_width(const struct matrix *w, uint32_t col)
{
	return w->n_cols - col < MATRIX_BLOCK ? w->n_cols - col : MATRIX_BLOCK;
}

/* Where row's part of the block that begins at col is in data. */
static inline size_t
matrix_at(const struct matrix *w, size_t row, uint32_t col)
{
	if (!w->is_in_panels)
		return row * w->n_cols + col;
	return (size_t)col * w->n_rows + row * matrix_block_width(w, col);
}

/* Where its scale is in scales. */
static inline size_t
matrix_scale_at(const struct matrix *w, size_t row, uint32_t col)
{
	if (!w->is_in_panels)
		return row * matrix_blocks(w->n_cols) + col / MATRIX_BLOCK;
	return (size_t)(col / MATRIX_BLOCK) * w->n_rows + row;
}

struct kernel {
	const char *name;
	/**
	 * y[b][c] += sum over r in row0..row1-1 of x[b][r] * w[r][c]
	 * @w  in rows if it is F32, in panels if not
	 * @x, @y  [n_batch] rows, x_stride and y_stride numbers apart
	 */
	void (*mul_add)(const struct matrix *w, uint32_t row0, uint32_t row1,
	    const float *x, size_t x_stride, uint32_t n_batch, float *y,
	    size_t y_stride);
	/** y[b][r] = sum over c of w[r][c] * x[b][c], for r in row0..row1-1;
	 * w in rows */
	void (*dot)(const struct matrix *w, uint32_t row0, uint32_t row1,
	    const float *x, size_t x_stride, uint32_t n_batch, float *y,
	    size_t y_stride);
	/** to[r][c] = w[row0 + r][col0 + c] as float, for r in 0..n_rows-1 and
	 * columns col0..col1-1; to's rows lie without a gap */
	void (*expand)(const struct matrix *w, uint32_t row0, uint32_t n_rows,
	    uint32_t col0, uint32_t col1, float *to);
	/** y = (x - mean) / sqrt(variance + epsilon) * gain + bias */
	void (*norm)(const float *x, const float *gain, const float *bias,
	    uint32_t n, float epsilon, float *y);
	/** In place: x * sigmoid(1.5957691 (x + 0.044715 x^3)), which is the
	 * "new" GELU by tanh. Source: Hendrycks and Gimpel 2016. */
	void (*gelu)(float *x, size_t n);
	/** In place: x = exp(x - max); returns their sum. */
	float (*exp_sum)(float *x, size_t n, float max);
};

/** The fastest one that this machine runs. */
const struct kernel *kernel_best(void);
/** All that this machine runs, for tests: NULL ends them. */
const struct kernel *kernel_at(unsigned i);

#endif
