/* SPDX-License-Identifier: MIT */
#include "gpt2_fixture.h"

#include "base/buf.h"
#include "gpt2/convert.h"
#include "gpt2/model_priv.h"

#define SMALL "--n-vocab 300 --n-embd 12 --n-head 3 --n-layer 2 --n-pos 16"

static struct fixture_dir dir;
static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(4));
	fixture_dir_make(&dir);
	gpt2_fixture_write(dir.path, SMALL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fixture_dir_remove(&dir);
	arena_fini(&arena);
	return 0;
}

static const char *
path_of(const char *name)
{
	return arena_printf(&arena, "%s/%s", dir.path, name).p;
}

static struct str
read_file(const char *name)
{
	FILE *f = fopen(path_of(name), "rb");
	char *p = arena_alloc(&arena, MIB(1));
	size_t n;

	assert_non_null(f);
	assert_non_null(p);
	n = fread(p, 1, MIB(1), f);
	(void)fclose(f);
	return str_make(p, n);
}

static void
write_file(const char *name, struct str bytes)
{
	FILE *f = fopen(path_of(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

/* Put one text in place of another of the same length, once, in a file. */
static void
change(const char *name, const char *from, const char *to)
{
	struct str file = read_file(name);
	size_t at = str_find_str(file, str_from(from));

	assert_true(at < file.n);
	assert_int_equal(strlen(from), strlen(to));
	memcpy((char *)(uintptr_t)file.p + at, to, strlen(to));
	write_file(name, file);
}

static void
assert_refused(enum err err, const char *why)
{
	for (unsigned p = 0; p < 3; p++) {
		struct gpt2_model *m = NULL;
		struct error e;

		assert_int_equal(gpt2_model_open(dir.path,
				     (enum gpt2_precision)p, &m, &e),
		    err);
		assert_non_null(strstr(e.internal, why));
		assert_null(m);
	}
}

static struct gpt2_model *
opened(enum gpt2_precision precision)
{
	struct gpt2_model *m = NULL;
	struct error e = { .internal = "" };
	enum err err = gpt2_model_open(dir.path, precision, &m, &e);

	assert_string_equal(e.internal, "");
	assert_ok(err);
	return m;
}

static void
gpt2_model_open__a_good_folder__has_its_weights_in_the_file(void **state)
{
	struct gpt2_model *m = opened(GPT2_F32);
	const struct gpt2_config *c = gpt2_model_config(m);
	const char *map = m->file.map;
	const char *data = m->layers[1].down.w.data;

	(void)state;
	assert_int_equal(c->n_vocab, 300);
	assert_int_equal(c->n_embd, 12);
	assert_int_equal(c->n_head, 3);
	assert_int_equal(c->n_layer, 2);
	assert_int_equal(c->n_pos, 16);
	assert_int_equal(c->n_inner, 48);
	assert_int_equal(c->eos_id, 299);
	assert_int_equal(m->n_owned, 0);
	assert_true(data > map && data < map + m->file.map_bytes);
	assert_ptr_equal(m->tokens.data,
	    safetensors_find(&m->file, S("wte.weight"))->data);
	assert_int_equal(m->layers[0].qkv.w.n_rows, 12);
	assert_int_equal(m->layers[0].qkv.w.n_cols, 36);
	assert_ptr_equal(m->layers[1].norm2.gain,
	    safetensors_find(&m->file, S("h.1.ln_2.weight"))->data);
	gpt2_model_close(m);
	gpt2_model_close(NULL);
}

static void
gpt2_model_decode_bytes__each_precision__is_what_is_read(void **state)
{
	/* tokens, and in each layer 3 n^2 + n^2 + 2 * 4 n^2 */
	const uint64_t n = 300 * 12 + 2 * 12 * 12 * 12;
	/* scales of rows of 12, 36, 12, 48 and 12: one block each */
	const uint64_t n_scales = 300 + 2 * (12 + 12 + 12 + 48);
	const uint64_t expected[3] = { 4 * n, 2 * n, n + 4 * n_scales };

	(void)state;
	for (unsigned p = 0; p < 3; p++) {
		struct gpt2_model *m = opened((enum gpt2_precision)p);

		assert_int_equal(gpt2_model_decode_bytes(m), expected[p]);
		gpt2_model_close(m);
	}
}

static void
gpt2_model_open__names_with_a_prefix__are_found(void **state)
{
	struct gpt2_model *m;

	(void)state;
	gpt2_fixture_write(dir.path, SMALL " --prefix transformer.");
	m = opened(GPT2_F32);
	assert_ptr_equal(m->positions,
	    safetensors_find(&m->file, S("transformer.wpe.weight"))->data);
	gpt2_model_close(m);
	gpt2_fixture_write(dir.path, SMALL " --prefix model.");
	assert_refused(ERR_CONFIG, "there is no tensor \"wte.weight\"");
}

/* All of a model's numbers, as floats. */
static void
assert_weights(const struct matrix *w, const struct safetensors_tensor *t,
    double bound)
{
	float *values = malloc(t->n * sizeof(*values));
	float *from = malloc(t->n * sizeof(*from));

	assert_non_null(values);
	assert_non_null(from);
	convert_to_f32(t->dtype, t->data, t->n, from);
	kernel_best()->expand(w, 0, w->n_rows, 0, w->n_cols, values);
	for (uint64_t i = 0; i < t->n; i++) {
		double d = (double)values[i] - (double)from[i];

		assert_true((d < 0 ? -d : d) <= bound);
	}
	free(values);
	free(from);
}

static void
gpt2_model_open__any_file_and_precision__has_the_same_numbers(void **state)
{
	static const char *const dtypes[] = { "F32", "F16", "BF16" };
	/* of weights of sigma 0.02, none beyond 0.08 */
	static const double bounds[] = { 0, 0.08 / 512, 0.08 / 254 };

	(void)state;
	for (unsigned d = 0; d < 3; d++) {
		char options[200];

		(void)snprintf(options, sizeof(options),
		    "%s --n-inner 77 --dtype %s", SMALL, dtypes[d]);
		gpt2_fixture_write(dir.path, options);
		for (unsigned p = 0; p < 3; p++) {
			struct gpt2_model *m = opened((enum gpt2_precision)p);
			const struct safetensors *f = &m->file;
			const struct safetensors_tensor *bias =
			    safetensors_find(f, S("h.1.mlp.c_fc.bias"));
			float values[77];

			assert_weights(&m->tokens,
			    safetensors_find(f, S("wte.weight")), bounds[p]);
			assert_weights(&m->layers[1].up.w,
			    safetensors_find(f, S("h.1.mlp.c_fc.weight")),
			    bounds[p]);
			assert_weights(&m->layers[0].down.w,
			    safetensors_find(f, S("h.0.mlp.c_proj.weight")),
			    bounds[p]);
			/* biases are never reduced */
			convert_to_f32(bias->dtype, bias->data, 77, values);
			assert_memory_equal(m->layers[1].up.bias, values,
			    sizeof(values));
			gpt2_model_close(m);
		}
	}
}

/* One space more in the header: all tensors lie at odd addresses. */
static void
gpt2_model_open__data_at_odd_places__is_copied(void **state)
{
	struct str file = read_file("model.safetensors");
	struct gpt2_model *m;
	size_t n_header;
	struct buf b;

	(void)state;
	n_header = (size_t)(unsigned char)file.p[0] |
		   (size_t)(unsigned char)file.p[1] << 8;
	buf_init(&b, &arena, MIB(1));
	buf_add_char(&b, (char)(n_header + 1));
	buf_add_char(&b, (char)((n_header + 1) >> 8));
	buf_add(&b, str_make(file.p + 2, 6 + n_header));
	buf_add(&b, S(" "));
	buf_add(&b, str_skip(file, 8 + n_header));
	write_file("model.safetensors", buf_str(&b));

	m = opened(GPT2_F32);
	assert_true(m->n_owned > 0);
	assert_int_equal((uintptr_t)m->tokens.data % sizeof(float), 0);
	assert_weights(&m->tokens, safetensors_find(&m->file, S("wte.weight")),
	    0);
	gpt2_model_close(m);
	m = opened(GPT2_BF16);
	assert_weights(&m->tokens, safetensors_find(&m->file, S("wte.weight")),
	    0.08 / 512);
	gpt2_model_close(m);
}

static void
gpt2_model_open__missing_files__are_not_found(void **state)
{
	struct gpt2_model *m = NULL;
	struct error e;

	(void)state;
	assert_int_equal(gpt2_model_open("/nowhere/at/all", GPT2_F32, &m, &e),
	    ERR_NOT_FOUND);
	assert_non_null(strstr(e.internal, "/nowhere/at/all/config.json"));
	(void)unlink(path_of("model.safetensors"));
	assert_refused(ERR_NOT_FOUND, "model.safetensors");
	(void)unlink(path_of("config.json"));
	assert_refused(ERR_NOT_FOUND, "config.json");
}

static void
gpt2_model_open__a_bad_config__is_refused_with_the_reason(void **state)
{
	char *large = arena_alloc(&arena, KIB(65));

	(void)state;
	change("config.json", "gelu_new", "gelu_old");
	assert_refused(ERR_CONFIG, "activation_function is \"gelu_old\"");
	memset(large, ' ', KIB(65));
	write_file("config.json", str_make(large, KIB(64) + 1));
	assert_refused(ERR_CONFIG, "is larger than 65536 bytes");
	write_file("config.json", S(""));
	assert_refused(ERR_CONFIG, "the text ends too early");
	(void)unlink(path_of("config.json"));
	assert_int_equal(symlink("/", path_of("config.json")), 0);
	assert_refused(ERR_IO, "config.json");
}

static void
gpt2_model_open__a_long_path__is_refused(void **state)
{
	struct gpt2_model *m = NULL;
	struct error e;
	char *path = arena_alloc(&arena, 5000);

	(void)state;
	memset(path, 'd', 4999);
	assert_int_equal(gpt2_model_open(path, GPT2_F32, &m, &e), ERR_CONFIG);
	assert_string_equal(e.internal, "the folder's name is too long");
}

static void
gpt2_model_open__tensors_that_do_not_fit__are_refused(void **state)
{
	static const struct {
		const char *file, *from, *to, *why;
	} cases[] = {
		{ "config.json", "\"n_layer\": 2", "\"n_layer\": 3",
		    "there is no tensor \"h.2.ln_1.weight\"" },
		{ "config.json", "\"n_embd\": 12", "\"n_embd\": 24",
		    "tensor \"wte.weight\" has not the shape that config.json "
		    "gives it (300 x 24)" },
		{ "config.json", "\"vocab_size\": 300", "\"vocab_size\": 301",
		    "tensor \"wte.weight\" has not the shape" },
		{ "config.json", "\"n_positions\": 16", "\"n_positions\": 15",
		    "tensor \"wpe.weight\" has not the shape" },
		{ "config.json", "\"n_inner\": 48", "\"n_inner\": 49",
		    "tensor \"h.0.mlp.c_fc.weight\" has not the shape" },
		/* as if Linear's weights, which are the other way round */
		{ "model.safetensors", "[48,12]", "[12,48]",
		    "tensor \"h.0.mlp.c_proj.weight\" has not the shape" },
		{ "model.safetensors", "\"h.1.ln_2.bias\"", "\"h.1.ln_3.bias\"",
		    "there is no tensor \"h.1.ln_2.bias\"" },
		{ "model.safetensors", "\"ln_f.weight\"", "\"ln_g.weight\"",
		    "there is no tensor \"ln_f.weight\"" },
		{ "model.safetensors", "\"ln_f.bias\"", "\"ln_g.bias\"",
		    "there is no tensor \"ln_f.bias\"" },
		{ "model.safetensors", "\"F32\"", "\"I32\"",
		    "tensor \"wte.weight\" is neither F32, F16 nor BF16" },
		{ "model.safetensors", "{\"__meta", "[\"__meta", "header: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		gpt2_fixture_write(dir.path, SMALL);
		change(cases[i].file, cases[i].from, cases[i].to);
		assert_refused(ERR_CONFIG, cases[i].why);
		arena_reset(&arena);
	}
}

static void
gpt2_model_open__other_tensors__are_ignored(void **state)
{
	struct gpt2_model *m;

	(void)state;
	/* a model of one layer in the file of one of two */
	change("config.json", "\"n_layer\": 2", "\"n_layer\": 1");
	m = opened(GPT2_F32);
	assert_int_equal(gpt2_model_config(m)->n_layer, 1);
	gpt2_model_close(m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(
		    gpt2_model_open__a_good_folder__has_its_weights_in_the_file),
		TEST(gpt2_model_decode_bytes__each_precision__is_what_is_read),
		TEST(gpt2_model_open__names_with_a_prefix__are_found),
		TEST(
		    gpt2_model_open__any_file_and_precision__has_the_same_numbers),
		TEST(gpt2_model_open__data_at_odd_places__is_copied),
		TEST(gpt2_model_open__missing_files__are_not_found),
		TEST(gpt2_model_open__a_bad_config__is_refused_with_the_reason),
		TEST(gpt2_model_open__a_long_path__is_refused),
		TEST(gpt2_model_open__tensors_that_do_not_fit__are_refused),
		TEST(gpt2_model_open__other_tensors__are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
