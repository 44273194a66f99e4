/* SPDX-License-Identifier: MIT */
/*
 * Products of matrices in panels (see struct matrix). A panel is as wide as
 * what eight registers hold of one answer, or a part of it of several: sums
 * stay there while a stretch of rows goes by, and a number is widened for
 * several answers at once.
 */
#ifndef TG_GPT2_KERNEL_PANELS_H
#define TG_GPT2_KERNEL_PANELS_H

#include <stdbool.h>
#include <string.h>

#include "gpt2/kernel.h"
#include "gpt2/kernel_vector.h"

/* Rows at a time: a panel's stretch of them stays in L1 while every answer has
 * its turn. */
#define STRETCH    64
/* Rows between the one at work and the one that is asked for: memory answers
 * about when its turn comes. */
#define ROWS_AHEAD 16

/* One panel's rows, and where the sums of their columns are. */
struct stretch {
	const void *data; /* [n_rows][MATRIX_BLOCK] */
	uint32_t n_rows;
	const float *x; /* of each answer n_rows, x_stride apart */
	size_t x_stride;
	float *y; /* of each answer MATRIX_BLOCK, y_stride apart */
	size_t y_stride;
	bool is_first; /* to read these rows: they come from memory */
};

/* What a stretch is copied into where it can't be worked on as it is. */
struct panel_room {
	float x[4 * STRETCH];
	float y[4 * MATRIX_BLOCK];
	char data[STRETCH * MATRIX_BLOCK * 2];
};

ALWAYS_INLINE void
prefetch_row(const struct stretch *s, enum gpt2_precision precision, size_t row)
{
	size_t n_bytes = MATRIX_BLOCK * element_bytes(precision);
	const char *p = (const char *)s->data + row * n_bytes;

	UNROLL
	for (size_t i = 0; i < n_bytes; i += 64)
		__builtin_prefetch(p + i, 0, 2);
}

/* n_vectors vectors from column c on, for n_batch answers (both constants
 * where it is called). */
ALWAYS_INLINE void
add_vectors(const struct stretch *s, enum gpt2_precision precision, uint32_t c,
    unsigned n_vectors, unsigned n_batch)
{
	vf sums[4][8];

	UNROLL
	for (unsigned b = 0; b < n_batch; b++) {
		UNROLL
		for (unsigned v = 0; v < n_vectors; v++)
			sums[b][v] = load(
			    s->y + b * s->y_stride + c + v * LANES);
	}
	for (uint32_t r = 0; r < s->n_rows; r++) {
		vf x[4];

		if (s->is_first && c == 0)
			prefetch_row(s, precision, r + ROWS_AHEAD);
		UNROLL
		for (unsigned b = 0; b < n_batch; b++)
			x[b] = splat(s->x[b * s->x_stride + r]);
		UNROLL
		for (unsigned v = 0; v < n_vectors; v++) {
			vf ws = weights(s->data, precision,
			    (size_t)r * MATRIX_BLOCK + c + v * LANES);

			UNROLL
			for (unsigned b = 0; b < n_batch; b++)
				sums[b][v] += x[b] * ws;
		}
	}
	UNROLL
	for (unsigned b = 0; b < n_batch; b++) {
		UNROLL
		for (unsigned v = 0; v < n_vectors; v++)
			store(s->y + b * s->y_stride + c + v * LANES,
			    sums[b][v]);
	}
}

/* Eight sums at a time: as many as hide how long an addition takes. */
ALWAYS_INLINE void
add_stretch(const struct stretch *s, enum gpt2_precision precision,
    uint32_t n_batch)
{
	if (n_batch == 4) {
		for (uint32_t c = 0; c < MATRIX_BLOCK; c += 2 * LANES)
			add_vectors(s, precision, c, 2, 4);
	} else if (n_batch == 2) {
		for (uint32_t c = 0; c < MATRIX_BLOCK; c += 4 * LANES)
			add_vectors(s, precision, c, 4, 2);
	} else {
		for (uint32_t c = 0; c < MATRIX_BLOCK; c += 8 * LANES)
			add_vectors(s, precision, c, 8, 1);
	}
}

ALWAYS_INLINE void
multiply(const float *a, const float *b, uint32_t n, float *to)
{
	uint32_t i = 0;

	for (; i + LANES <= n; i += LANES)
		store(to + i, load(a + i) * load(b + i));
	for (; i < n; i++)
		to[i] = a[i] * b[i];
}

/* Of n_batch answers (1, 2 or 4); the panel's columns may be fewer than
 * MATRIX_BLOCK. */
ALWAYS_INLINE void
add_answers(struct stretch s, enum gpt2_precision precision,
    const float *scales, uint32_t width, uint32_t n_batch,
    struct panel_room *room)
{
	float *y = s.y;
	size_t y_stride = s.y_stride;

	if (precision == GPT2_INT8) {
		for (uint32_t b = 0; b < n_batch; b++)
			multiply(s.x + b * s.x_stride, scales, s.n_rows,
			    room->x + (size_t)b * STRETCH);
		s.x = room->x;
		s.x_stride = STRETCH;
	}
	if (width == MATRIX_BLOCK) {
		add_stretch(&s, precision, n_batch);
		return;
	}
	s.y = room->y;
	s.y_stride = MATRIX_BLOCK;
	memset(room->y, 0, sizeof(room->y));
	for (uint32_t b = 0; b < n_batch; b++)
		memcpy(s.y + (size_t)b * MATRIX_BLOCK, y + b * y_stride,
		    width * sizeof(*y));
	add_stretch(&s, precision, n_batch);
	for (uint32_t b = 0; b < n_batch; b++)
		memcpy(y + b * y_stride, s.y + (size_t)b * MATRIX_BLOCK,
		    width * sizeof(*y));
}

/* The stretch's rows as wide as a whole panel. */
ALWAYS_INLINE const void *
widen_rows(const void *data, uint32_t n_rows, size_t row_bytes,
    size_t panel_bytes, char *to)
{
	memset(to, 0, n_rows * panel_bytes);
	for (uint32_t r = 0; r < n_rows; r++)
		memcpy(to + r * panel_bytes, (const char *)data + r * row_bytes,
		    row_bytes);
	return to;
}

/* kernel.mul_add of what is in panels */
ALWAYS_INLINE void
panels_mul_add(const struct matrix *w, enum gpt2_precision precision,
    uint32_t row0, uint32_t row1, const float *x, size_t x_stride,
    uint32_t n_batch, float *y, size_t y_stride)
{
	size_t size = element_bytes(precision);
	uint32_t n_cols = w->n_cols;
	struct panel_room room;

	for (uint32_t col = 0; col < n_cols; col += MATRIX_BLOCK) {
		uint32_t width = matrix_block_width(w, col), n, n_answers;

		for (uint32_t row = row0; row < row1; row += n) {
			const float *scales =
			    precision == GPT2_INT8
				? w->scales + matrix_scale_at(w, row, col)
				: NULL;
			struct stretch s = {
				.data = (const char *)w->data +
					matrix_at(w, row, col) * size,
				.x_stride = x_stride,
				.y_stride = y_stride,
			};

			n = row1 - row < STRETCH ? row1 - row : STRETCH;
			s.n_rows = n;
			if (width < MATRIX_BLOCK)
				s.data = widen_rows(s.data, n, width * size,
				    MATRIX_BLOCK * size, room.data);
			for (uint32_t b = 0; b < n_batch; b += n_answers) {
				n_answers = n_batch - b >= 4   ? 4
					    : n_batch - b >= 2 ? 2
							       : 1;
				s.is_first = b == 0;
				s.x = x + b * x_stride + row;
				s.y = y + b * y_stride + col;
				add_answers(s, precision, scales, width,
				    n_answers, &room);
			}
		}
	}
}

#endif
