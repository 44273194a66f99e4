/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "gpt2/convert.h"
#include "gpt2/kernel.h"

#define N_BATCH 9

static uint32_t random_state;

static float
uniform(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return (float)(random_state >> 8) * 0x1p-23F - 1;
}

static float *
numbers(size_t n)
{
	/* one more: so that an empty one is something, too */
	float *p = malloc((n + 1) * sizeof(*p));

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = uniform();
	return p;
}

/* A matrix and what it means. */
struct sample {
	struct matrix w;
	void *data;
	float *scales;
	float *values; /* [n_rows][n_cols] */
};

/* Row's part of the block that begins at col, reduced and back again. */
static void
sample_reduce(struct sample *s, uint32_t row, uint32_t col)
{
	const struct matrix *w = &s->w;
	float *values = s->values + (size_t)row * w->n_cols + col;
	size_t at = matrix_at(w, row, col);
	uint32_t width = matrix_block_width(w, col);
	int8_t *bytes = (int8_t *)s->data + at;
	uint16_t *halves = (uint16_t *)s->data + at;
	float scale;

	if (w->precision == GPT2_BF16) {
		for (uint32_t c = 0; c < width; c++)
			halves[c] = convert_to_bf16(values[c]);
		convert_to_f32(SAFETENSORS_BF16, halves, width, values);
		return;
	}
	scale = convert_to_int8(values, width, bytes);
	s->scales[matrix_scale_at(w, row, col)] = scale;
	for (uint32_t c = 0; c < width; c++)
		values[c] = scale * (float)bytes[c];
}

static void
sample_make(struct sample *s, enum gpt2_precision precision, bool is_in_panels,
    uint32_t n_rows, uint32_t n_cols)
{
	size_t n = (size_t)n_rows * n_cols;

	s->values = numbers(n);
	s->data = malloc(n * sizeof(float));
	s->scales = malloc(n_rows * matrix_blocks(n_cols) * sizeof(float));
	assert_non_null(s->data);
	assert_non_null(s->scales);
	memcpy(s->data, s->values, n * sizeof(float));
	s->w = (struct matrix){
		.precision = precision,
		.is_in_panels = is_in_panels,
		.n_rows = n_rows,
		.n_cols = n_cols,
		.data = s->data,
		.scales = precision == GPT2_INT8 ? s->scales : NULL,
	};
	for (uint32_t r = 0; r < n_rows && precision != GPT2_F32; r++) {
		for (uint32_t c = 0; c < n_cols; c += MATRIX_BLOCK)
			sample_reduce(s, r, c);
	}
}

static void
sample_free(struct sample *s)
{
	free(s->values);
	free(s->data);
	free(s->scales);
}

/* Odd ones, and around vectors, blocks and the columns done at a time. */
static const uint32_t widths[] = { 1, 3, 4, 7, 8, 9, 31, 63, 64, 65, 100, 129,
	511, 512, 513, 1100 };

/* Rows row0..row1-1 only; the rest must stay. */
struct rows {
	uint32_t n, row0, row1;
};
static const struct rows heights[] = { { 1, 0, 1 }, { 2, 0, 2 }, { 3, 1, 3 },
	{ 5, 0, 5 }, { 7, 2, 7 }, { 9, 4, 8 }, { 4, 2, 2 }, { 6, 5, 6 },
	{ 4, 0, 4 }, { 70, 1, 69 } };

typedef void check_fn(const struct kernel *k, const struct sample *s,
    const struct rows *rows);

static void
for_each_shape(const struct kernel *k, enum gpt2_precision precision,
    bool is_in_panels, check_fn *check)
{
	for (size_t c = 0; c < ARRAY_LEN(widths); c++) {
		for (size_t r = 0; r < ARRAY_LEN(heights); r++) {
			struct sample s;

			sample_make(&s, precision, is_in_panels, heights[r].n,
			    widths[c]);
			check(k, &s, &heights[r]);
			sample_free(&s);
		}
	}
}

/* Reduced ones in panels or in rows; floats are always in rows. */
static void
for_each(bool is_in_panels, check_fn *check)
{
	const struct kernel *k;

	random_state = 1;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		for_each_shape(k, GPT2_F32, false, check);
		for_each_shape(k, GPT2_BF16, is_in_panels, check);
		for_each_shape(k, GPT2_INT8, is_in_panels, check);
	}
}

/* |got - expected| within the rounding of n additions of that size. */
static void
assert_near(float got, double expected, double size, uint32_t n)
{
	assert_true(fabs((double)got - expected) <=
		    (size + 1e-3) * 1.2e-7 * (8 + n / 4.0));
}

static void
check_mul_add(const struct kernel *k, const struct sample *s,
    const struct rows *rows)
{
	uint32_t n_rows = s->w.n_rows, n_cols = s->w.n_cols;
	size_t x_stride = n_rows + 3, y_stride = n_cols + 5;
	float *x = numbers(N_BATCH * x_stride);
	float *before = numbers(N_BATCH * y_stride);
	float *y = numbers(N_BATCH * y_stride), *one = numbers(y_stride);

	for (uint32_t n = 1; n <= N_BATCH; n++) {
		memcpy(y, before, N_BATCH * y_stride * sizeof(*y));
		k->mul_add(&s->w, rows->row0, rows->row1, x, x_stride, n, y,
		    y_stride);
		for (uint32_t b = 0; b < n; b++) {
			memcpy(one, before + b * y_stride,
			    y_stride * sizeof(*one));
			k->mul_add(&s->w, rows->row0, rows->row1,
			    x + b * x_stride, x_stride, 1, one, y_stride);
			/* and what lies between the answers is as it was */
			assert_memory_equal(one, y + b * y_stride,
			    y_stride * sizeof(*one));
		}
		assert_memory_equal(y + n * y_stride, before + n * y_stride,
		    (N_BATCH - n) * y_stride * sizeof(*y));
	}
	for (uint32_t b = 0; b < N_BATCH; b++) {
		for (uint32_t c = 0; c < n_cols; c++) {
			double sum = (double)before[b * y_stride + c];
			double size = fabs(sum);

			for (uint32_t r = rows->row0; r < rows->row1; r++) {
				double part =
				    (double)x[b * x_stride + r] *
				    (double)s->values[(size_t)r * n_cols + c];

				sum += part;
				size += fabs(part);
			}
			assert_near(y[b * y_stride + c], sum, size, n_rows);
		}
	}
	free(x);
	free(before);
	free(y);
	free(one);
}

static void
kernel_mul_add__any_shape__is_the_product(void **state)
{
	(void)state;
	for_each(true, check_mul_add);
}

static void
check_dot(const struct kernel *k, const struct sample *s,
    const struct rows *rows)
{
	uint32_t n_rows = s->w.n_rows, n_cols = s->w.n_cols;
	size_t x_stride = n_cols + 1, y_stride = n_rows + 2;
	float *x = numbers(N_BATCH * x_stride);
	float *before = numbers(N_BATCH * y_stride);
	float *y = numbers(N_BATCH * y_stride), *one = numbers(y_stride);

	for (uint32_t n = 1; n <= N_BATCH; n++) {
		memcpy(y, before, N_BATCH * y_stride * sizeof(*y));
		k->dot(&s->w, rows->row0, rows->row1, x, x_stride, n, y,
		    y_stride);
		for (uint32_t b = 0; b < n; b++) {
			memcpy(one, before + b * y_stride,
			    y_stride * sizeof(*one));
			k->dot(&s->w, rows->row0, rows->row1, x + b * x_stride,
			    x_stride, 1, one, y_stride);
			assert_memory_equal(one, y + b * y_stride,
			    y_stride * sizeof(*one));
		}
		assert_memory_equal(y + n * y_stride, before + n * y_stride,
		    (N_BATCH - n) * y_stride * sizeof(*y));
	}
	/* one row at a time is the same, too: threads' shares may differ */
	for (uint32_t r = rows->row0; r < rows->row1; r++) {
		k->dot(&s->w, r, r + 1, x, x_stride, 1, one, y_stride);
		assert_memory_equal(one + r, y + r, sizeof(*y));
	}
	for (uint32_t b = 0; b < N_BATCH; b++) {
		for (uint32_t r = rows->row0; r < rows->row1; r++) {
			double sum = 0, size = 0;

			for (uint32_t c = 0; c < n_cols; c++) {
				double part =
				    (double)x[b * x_stride + c] *
				    (double)s->values[(size_t)r * n_cols + c];

				sum += part;
				size += fabs(part);
			}
			assert_near(y[b * y_stride + r], sum, size, n_cols);
		}
	}
	free(x);
	free(before);
	free(y);
	free(one);
}

static void
kernel_dot__any_shape__is_the_product(void **state)
{
	(void)state;
	for_each(false, check_dot);
}

static void
check_expand(const struct kernel *k, const struct sample *s,
    const struct rows *rows)
{
	uint32_t n_cols = s->w.n_cols, n = rows->row1 - rows->row0;
	float *to = numbers((size_t)n * n_cols);
	float last = to[(size_t)n * n_cols];

	for (uint32_t from = 0; from < n_cols; from += 1 + from / 3) {
		for (uint32_t end = from; end <= n_cols; end += 1 + end / 2) {
			size_t width = end - from;

			k->expand(&s->w, rows->row0, n, from, end, to);
			for (uint32_t r = 0; r < n; r++)
				assert_memory_equal(to + r * width,
				    s->values +
					(size_t)(rows->row0 + r) * n_cols +
					from,
				    width * sizeof(*to));
		}
	}
	k->expand(&s->w, rows->row0, n, 0, n_cols, to);
	assert_memory_equal(to, s->values + (size_t)rows->row0 * n_cols,
	    (size_t)n * n_cols * sizeof(*to));
	assert_memory_equal(to + (size_t)n * n_cols, &last, sizeof(last));
	free(to);
}

static void
kernel_expand__any_columns__are_exact(void **state)
{
	(void)state;
	for_each(false, check_expand);
	for_each(true, check_expand);
}

static void
kernel_norm__any_width__is_within_rounding(void **state)
{
	const struct kernel *k;

	(void)state;
	random_state = 2;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		for (size_t c = 0; c < ARRAY_LEN(widths); c++) {
			uint32_t n = widths[c];
			float *x = numbers(n), *gain = numbers(n);
			float *bias = numbers(n), *y = numbers(n + 1);
			float last = y[n];
			double mean = 0, variance = 0;

			for (uint32_t j = 0; j < n; j++) {
				x[j] = x[j] * 5 + 3;
				mean += (double)x[j] / n;
			}
			for (uint32_t j = 0; j < n; j++)
				variance += ((double)x[j] - mean) *
					    ((double)x[j] - mean) / n;
			k->norm(x, gain, bias, n, 1e-5F, y);
			for (uint32_t j = 0; j < n; j++) {
				double d = ((double)x[j] - mean) /
					   sqrt(variance + 1e-5);

				assert_true(fabs((double)y[j] -
						 (d * (double)gain[j] +
						     (double)bias[j])) < 2e-5);
			}
			assert_memory_equal(y + n, &last, sizeof(last));
			/* in place */
			k->norm(x, gain, bias, n, 1e-5F, x);
			assert_memory_equal(x, y, n * sizeof(*x));
			free(x);
			free(gain);
			free(bias);
			free(y);
		}
	}
}

static void
kernel_norm__no_variance__is_the_bias(void **state)
{
	const struct kernel *k;

	(void)state;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		float x[11], gain[11], bias[11], y[11];

		for (unsigned j = 0; j < 11; j++) {
			x[j] = 4;
			gain[j] = 2;
			bias[j] = (float)j;
		}
		k->norm(x, gain, bias, 11, 1e-5F, y);
		assert_memory_equal(y, bias, sizeof(y));
	}
}

static void
kernel_gelu__any_number__is_near_the_formula(void **state)
{
	const struct kernel *k;

	(void)state;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		/* as a vector's part and as the rest behind one */
		for (unsigned at = 0; at < 11; at++) {
			for (int step = -4000; step <= 4000; step += 7) {
				float x[11] = { 0 };
				double u, expected;

				x[at] = (float)step / 200;
				u = (double)x[at];
				u = 0.7978845608028654 *
				    (u + 0.044715 * u * u * u);
				/* half of it would cancel out far below 0 */
				expected = (double)x[at] / (1 + exp(-2 * u));
				k->gelu(x, 11);
				assert_true(fabs((double)x[at] - expected) <=
					    2e-6 * fabs(expected) + 1e-9);
				assert_true(x[(at + 1) % 11] <= 0 &&
					    x[(at + 1) % 11] >= 0);
			}
		}
	}
}

static void
kernel_gelu__far_out__is_the_number_or_nothing(void **state)
{
	float none[1] = { 0 };
	const float large[4] = { 20, 1e3F, 1e15F, INFINITY };
	const struct kernel *k;

	(void)state;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		for (unsigned j = 0; j < 4; j++) {
			float x[3] = { large[j], j < 3 ? -large[j] : -1e15F,
				NAN };

			k->gelu(x, 3);
			assert_memory_equal(&x[0], &large[j], sizeof(*x));
			assert_true(fabsf(x[1]) < 1e-15F);
			assert_true(isnan(x[2]));
		}
		k->gelu(none, 0);
	}
}

static void
kernel_exp_sum__any_number__is_near_libm(void **state)
{
	const struct kernel *k;
	double largest = 0;

	(void)state;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		for (int step = -86000; step <= 0; step += 11) {
			float x[9];
			double sum = 0, error;
			float got;

			for (unsigned j = 0; j < 9; j++) {
				x[j] = (float)step / 1000 + 1.5F -
				       (float)j * 0.011F;
				sum += exp((double)x[j] - 1.5);
			}
			error = exp((double)x[8] - 1.5);
			got = k->exp_sum(x, 9, 1.5F);
			error = fabs((double)x[8] - error) / error;
			largest = fmax(largest, error);
			assert_true(fabs((double)got - sum) <= 1e-5 * sum);
		}
	}
	/* x - max is rounded by 4e-6 near -86 */
	assert_true(largest < 8e-6);
}

/* Without the rounding of x - max: the error that kernel_body.h states. */
static void
kernel_exp_sum__exact_differences__are_within_its_error(void **state)
{
	const struct kernel *k;

	(void)state;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		double largest = 0;

		for (int step = -87 * 4096; step <= 0; step++) {
			float x = (float)step / 4096;
			double expected = exp((double)x);

			(void)k->exp_sum(&x, 1, 0);
			largest = fmax(largest,
			    fabs((double)x - expected) / expected);
		}
		assert_true(largest < 1.5e-7);
	}
}

static void
kernel_exp_sum__edges__are_one_and_zero(void **state)
{
	const struct kernel *k;

	(void)state;
	for (unsigned i = 0; (k = kernel_at(i)) != NULL; i++) {
		float x[10] = { 3, -INFINITY, -1e30F, -84.1F, 3, 3, 3, 3, 3,
			-FLT_MAX };
		float sum = k->exp_sum(x, 10, 3);

		assert_true(x[0] >= 1 && x[0] <= 1);
		assert_true(x[1] >= 0 && x[1] <= 0);
		assert_true(x[2] >= 0 && x[2] <= 0);
		assert_true(x[3] >= 0 && x[3] <= 0);
		assert_true(x[9] >= 0 && x[9] <= 0);
		assert_true(sum >= 6 && sum <= 6);
		sum = k->exp_sum(x, 0, 3);
		assert_true(sum >= 0 && sum <= 0);
	}
}

static void
kernel_best__any_machine__is_the_first(void **state)
{
	unsigned n = 0;

	(void)state;
	assert_ptr_equal(kernel_best(), kernel_at(0));
	while (kernel_at(n))
		n++;
	assert_true(n >= 1);
	assert_string_equal(kernel_at(n - 1)->name, "any");
	assert_null(kernel_at(n + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_mul_add__any_shape__is_the_product),
		cmocka_unit_test(kernel_dot__any_shape__is_the_product),
		cmocka_unit_test(kernel_expand__any_columns__are_exact),
		cmocka_unit_test(kernel_norm__any_width__is_within_rounding),
		cmocka_unit_test(kernel_norm__no_variance__is_the_bias),
		cmocka_unit_test(kernel_gelu__any_number__is_near_the_formula),
		cmocka_unit_test(
		    kernel_gelu__far_out__is_the_number_or_nothing),
		cmocka_unit_test(kernel_exp_sum__any_number__is_near_libm),
		cmocka_unit_test(
		    kernel_exp_sum__exact_differences__are_within_its_error),
		cmocka_unit_test(kernel_exp_sum__edges__are_one_and_zero),
		cmocka_unit_test(kernel_best__any_machine__is_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
