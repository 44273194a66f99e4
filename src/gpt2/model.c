/* SPDX-License-Identifier: MIT */
/*
 * Names and shapes of the tensors: transformers' GPT2LMHeadModel, with or
 * without its prefix "transformer.". What isn't named here is ignored (the
 * published checkpoints have masks among their weights).
 */
#include "gpt2/model.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpt2/config.h"
#include "gpt2/convert.h"
#include "gpt2/model_priv.h"

#define NAME_BYTES  64
/* Of each converted matrix; a huge page's alignment lets the kernel use one. */
#define OWNED_ALIGN MIB(2)

/* Memory of the model's own; NULL = there is none. */
static void *
own(struct gpt2_model *m, size_t n_bytes)
{
	size_t n = (n_bytes + OWNED_ALIGN - 1) / OWNED_ALIGN * OWNED_ALIGN;
	void *p;

	if (n_bytes < OWNED_ALIGN / 8) /* small: not a huge page each */
		n = (n_bytes + 63) / 64 * 64;
	if (m->n_owned == m->owned_cap)
		return NULL;
	p = aligned_alloc(n % OWNED_ALIGN == 0 ? OWNED_ALIGN : 64, n ? n : 64);
	if (!p)
		return NULL;
	if (n % OWNED_ALIGN == 0)
		(void)madvise(p, n, MADV_HUGEPAGE); /* a wish */
	m->owned[m->n_owned++] = p;
	return p;
}

static enum err
find(const struct gpt2_model *m, const char *name, uint64_t rows, uint64_t cols,
    const struct safetensors_tensor **ret, struct error *e)
{
	char prefixed[sizeof("transformer.") + NAME_BYTES];
	const struct safetensors_tensor *t;
	bool fits;

	t = safetensors_find(&m->file, str_from(name));
	if (!t) {
		(void)snprintf(prefixed, sizeof(prefixed), "transformer.%s",
		    name);
		t = safetensors_find(&m->file, str_from(prefixed));
	}
	if (!t)
		return error_set(e, ERR_CONFIG, "there is no tensor \"%s\"",
		    name);
	fits = rows == 0
		   ? t->n_dims == 1 && t->dims[0] == cols
		   : t->n_dims == 2 && t->dims[0] == rows && t->dims[1] == cols;
	if (!fits)
		return error_set(e, ERR_CONFIG,
		    "tensor \"%s\" has not the shape that config.json gives "
		    "it (%llu x %llu)",
		    name, (unsigned long long)rows, (unsigned long long)cols);
	if (t->dtype == SAFETENSORS_OTHER)
		return error_set(e, ERR_CONFIG,
		    "tensor \"%s\" is neither F32, F16 nor BF16", name);
	*ret = t;
	return OK;
}

/* A tensor as floats: in the file, if they are there. */
static enum err
floats(struct gpt2_model *m, const struct safetensors_tensor *t,
    const float **ret, struct error *e)
{
	float *copy;

	if (t->dtype == SAFETENSORS_F32 &&
	    (uintptr_t)t->data % sizeof(float) == 0) {
		*ret = t->data;
		return OK;
	}
	copy = own(m, t->n * sizeof(float));
	if (!copy)
		return error_set(e, ERR_NO_MEMORY, "weights");
	convert_to_f32(t->dtype, t->data, t->n, copy);
	*ret = copy;
	return OK;
}

static enum err
load_floats(struct gpt2_model *m, const char *name, uint32_t rows,
    uint32_t cols, const float **ret, struct error *e)
{
	const struct safetensors_tensor *t;
	enum err err = find(m, name, rows, cols, &t, e);

	return err ? err : floats(m, t, ret, e);
}

static void
reduce_block(const float *from, size_t n, enum gpt2_precision precision,
    void *data, size_t at, float *scale)
{
	if (precision == GPT2_INT8) {
		*scale = convert_to_int8(from, n, (int8_t *)data + at);
		return;
	}
	for (size_t i = 0; i < n; i++)
		((uint16_t *)data)[at + i] = convert_to_bf16(from[i]);
}

/* One row at a time goes through `row`, [n_cols]. */
static void
reduce_rows(const struct safetensors_tensor *t, const struct matrix *w,
    void *data, float *scales, float *row)
{
	uint32_t n = w->n_cols;
	size_t from_bytes = t->dtype == SAFETENSORS_F32 ? 4 : 2;

	for (size_t r = 0; r < w->n_rows; r++) {
		convert_to_f32(t->dtype,
		    (const char *)t->data + r * n * from_bytes, n, row);
		for (uint32_t c = 0; c < n; c += MATRIX_BLOCK)
			reduce_block(row + c, matrix_block_width(w, c),
			    w->precision, data, matrix_at(w, r, c),
			    scales ? scales + matrix_scale_at(w, r, c) : NULL);
	}
}

static enum err
reduce(struct gpt2_model *m, const struct safetensors_tensor *t,
    struct matrix *w, struct error *e)
{
	size_t n = (size_t)w->n_rows * w->n_cols;
	float *row = malloc(w->n_cols * sizeof(*row));
	float *scales = NULL;
	void *data;

	data = own(m, w->precision == GPT2_BF16 ? 2 * n : n);
	if (w->precision == GPT2_INT8)
		scales = own(m,
		    w->n_rows * matrix_blocks(w->n_cols) * sizeof(*scales));
	if (!row || !data || (w->precision == GPT2_INT8 && !scales)) {
		free(row);
		return error_set(e, ERR_NO_MEMORY, "weights");
	}
	reduce_rows(t, w, data, scales, row);
	free(row);
	w->data = data;
	w->scales = scales;
	return OK;
}

static uint64_t
matrix_bytes(const struct matrix *w)
{
	uint64_t n = (uint64_t)w->n_rows * w->n_cols;

	switch (w->precision) {
	case GPT2_F32:
		return 4 * n;
	case GPT2_BF16:
		return 2 * n;
	case GPT2_INT8:
		return n + 4 * w->n_rows * matrix_blocks(w->n_cols);
	}
	return 0;
}

static enum err
load_matrix(struct gpt2_model *m, const char *name, uint32_t rows,
    uint32_t cols, enum gpt2_precision precision, bool is_in_panels,
    struct matrix *ret, struct error *e)
{
	const struct safetensors_tensor *t;
	const float *data;
	enum err err = find(m, name, rows, cols, &t, e);

	if (err)
		return err;
	*ret = (struct matrix){
		.precision = precision,
		.is_in_panels = is_in_panels,
		.n_rows = rows,
		.n_cols = cols,
	};
	if (precision == GPT2_F32) {
		err = floats(m, t, &data, e);
		if (!err)
			ret->data = data;
	} else {
		err = reduce(m, t, ret, e);
	}
	if (!err)
		m->decode_bytes += matrix_bytes(ret);
	return err;
}

/* The parts of a layer, in the order in which they are loaded. */
struct loading {
	struct gpt2_model *model;
	enum gpt2_precision precision;
	uint32_t layer;
	enum err err; /* of the first that failed; then nothing is done */
	struct error *e;
};

static const char *
part_name(const struct loading *l, const char *part, char *ret)
{
	(void)snprintf(ret, NAME_BYTES, "h.%u.%s", l->layer, part);
	return ret;
}

static void
load_linear(struct loading *l, const char *weight, const char *bias,
    uint32_t n_in, uint32_t n_out, struct linear *ret)
{
	char name[NAME_BYTES];

	if (!l->err)
		l->err = load_matrix(l->model, part_name(l, weight, name), n_in,
		    n_out, l->precision, l->precision != GPT2_F32, &ret->w,
		    l->e);
	if (!l->err)
		l->err = load_floats(l->model, part_name(l, bias, name), 0,
		    n_out, &ret->bias, l->e);
}

static void
load_norm(struct loading *l, const char *weight, const char *bias,
    struct norm *ret)
{
	uint32_t n = l->model->config.n_embd;
	char name[NAME_BYTES];

	if (!l->err)
		l->err = load_floats(l->model, part_name(l, weight, name), 0, n,
		    &ret->gain, l->e);
	if (!l->err)
		l->err = load_floats(l->model, part_name(l, bias, name), 0, n,
		    &ret->bias, l->e);
}

static enum err
load_layer(struct gpt2_model *m, uint32_t i, enum gpt2_precision precision,
    struct error *e)
{
	struct loading l = { m, precision, i, OK, e };
	uint32_t n = m->config.n_embd, n_inner = m->config.n_inner;
	struct layer *to = &m->layers[i];

	load_norm(&l, "ln_1.weight", "ln_1.bias", &to->norm1);
	load_linear(&l, "attn.c_attn.weight", "attn.c_attn.bias", n, 3 * n,
	    &to->qkv);
	load_linear(&l, "attn.c_proj.weight", "attn.c_proj.bias", n, n,
	    &to->proj);
	load_norm(&l, "ln_2.weight", "ln_2.bias", &to->norm2);
	load_linear(&l, "mlp.c_fc.weight", "mlp.c_fc.bias", n, n_inner,
	    &to->up);
	load_linear(&l, "mlp.c_proj.weight", "mlp.c_proj.bias", n_inner, n,
	    &to->down);
	return l.err;
}

static enum err
load_weights(struct gpt2_model *m, enum gpt2_precision precision,
    struct error *e)
{
	const struct gpt2_config *c = &m->config;
	enum err err;

	m->owned_cap = 16 + 16 * (size_t)c->n_layer;
	m->owned = calloc(m->owned_cap, sizeof(*m->owned));
	m->layers = calloc(c->n_layer, sizeof(*m->layers));
	if (!m->owned || !m->layers)
		return error_set(e, ERR_NO_MEMORY, "layers");
	err = load_matrix(m, "wte.weight", c->n_vocab, c->n_embd, precision,
	    false, &m->tokens, e);
	if (!err)
		err = load_floats(m, "wpe.weight", c->n_pos, c->n_embd,
		    &m->positions, e);
	for (uint32_t i = 0; i < c->n_layer && !err; i++)
		err = load_layer(m, i, precision, e);
	if (!err)
		err = load_floats(m, "ln_f.weight", 0, c->n_embd, &m->norm.gain,
		    e);
	if (!err)
		err = load_floats(m, "ln_f.bias", 0, c->n_embd, &m->norm.bias,
		    e);
	return err;
}

static enum err
read_config(const char *path, struct gpt2_config *ret, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO */
	char *text;
	ssize_t n;
	enum err err;

	if (fd < 0)
		return error_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
		    "%s", path);
	text = malloc(GPT2_CONFIG_BYTES_MAX + 1);
	if (!text) {
		(void)close(fd);
		return error_set(e, ERR_NO_MEMORY, "%s", path);
	}
	n = read(fd, text, GPT2_CONFIG_BYTES_MAX + 1);
	if (n < 0)
		err = error_errno(e, ERR_IO, "%s", path);
	else if ((size_t)n > GPT2_CONFIG_BYTES_MAX)
		err = error_set(e, ERR_CONFIG, "%s is larger than %zu bytes",
		    path, GPT2_CONFIG_BYTES_MAX);
	else
		err = gpt2_config_parse(str_make(text, (size_t)n), ret, e);
	free(text);
	(void)close(fd);
	return err;
}

/* config and file; file is to be closed. */
static enum err
open_files(const char *dir, struct gpt2_config *config,
    struct safetensors *file, struct error *e)
{
	char path[4096];
	enum err err;

	if (snprintf(path, sizeof(path), "%s/model.safetensors", dir) >=
	    (int)sizeof(path))
		return error_set(e, ERR_CONFIG,
		    "the folder's name is too long");
	(void)snprintf(path, sizeof(path), "%s/config.json", dir);
	err = read_config(path, config, e);
	if (err)
		return err;
	(void)snprintf(path, sizeof(path), "%s/model.safetensors", dir);
	return safetensors_open(path, file, e);
}

enum err
gpt2_model_check(const char *dir, struct error *e)
{
	struct safetensors file = { 0 };
	struct gpt2_config config;
	enum err err = open_files(dir, &config, &file, e);

	if (!err)
		safetensors_close(&file);
	return err;
}

static enum err
open_dir(struct gpt2_model *m, const char *dir, enum gpt2_precision precision,
    struct error *e)
{
	enum err err = open_files(dir, &m->config, &m->file, e);

	if (err)
		return err;
	err = load_weights(m, precision, e);
	return err ? error_prefix(e, "%s/model.safetensors", dir) : OK;
}

enum err
gpt2_model_open(const char *dir, enum gpt2_precision precision,
    struct gpt2_model **ret, struct error *e)
{
	struct gpt2_model *m = calloc(1, sizeof(*m));
	enum err err;

	if (!m)
		return error_set(e, ERR_NO_MEMORY, "model");
	err = open_dir(m, dir, precision, e);
	if (err) {
		gpt2_model_close(m);
		return err;
	}
	/* read it now, in one go, and not page by page in the first answer */
	if (m->file.map && precision == GPT2_F32)
		(void)madvise(m->file.map, m->file.map_bytes, MADV_WILLNEED);
	*ret = m;
	return OK;
}

void
gpt2_model_close(struct gpt2_model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_owned; i++)
		free(m->owned[i]);
	free(m->owned);
	free(m->layers);
	safetensors_close(&m->file);
	free(m);
}

const struct gpt2_config *
gpt2_model_config(const struct gpt2_model *m)
{
	return &m->config;
}

uint64_t
gpt2_model_decode_bytes(const struct gpt2_model *m)
{
	return m->decode_bytes;
}
