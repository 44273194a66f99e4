/* SPDX-License-Identifier: MIT */
/*
 * Writes a GPT-2 checkpoint with random weights in Hugging Face's format:
 * config.json, model.safetensors, vocab.json, merges.txt. The same options
 * give the same bytes. For tests and benches: what such a model says is
 * noise, but it costs what a trained one costs.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BYTE_TOKENS  256
#define VOCAB_MAX    400000
#define WORD_BYTES   8
#define TENSOR_NAMES 64
#define CHUNK        8192

enum dtype {
	F32,
	F16,
	BF16
};
static const char *const dtype_names[] = { "F32", "F16", "BF16" };
static const size_t dtype_bytes[] = { 4, 2, 2 };

struct options {
	uint64_t n_vocab, n_embd, n_layer, n_head, n_pos, n_inner, seed;
	double sigma; /* of the matrices; biases have a tenth */
	enum dtype dtype;
	const char *prefix; /* before each tensor's name */
	bool has_eos;
	const char *dir;
};

static const char help[] =
    "usage: gpt2_random [options] DIR\n"
    "\n"
    "Writes a GPT-2 checkpoint with random weights (Hugging Face's format) to\n"
    "DIR, which is made if it is not there.\n"
    "\n"
    "  --n-vocab N    tokens: 256 bytes, made-up ones, <|endoftext|> (300)\n"
    "  --n-embd N     width (32)\n"
    "  --n-layer N    layers (2)\n"
    "  --n-head N     heads (2)\n"
    "  --n-pos N      context (128)\n"
    "  --n-inner N    width of the feed-forward layers (4 x n_embd)\n"
    "  --seed N       (1)\n"
    "  --sigma S      standard deviation of the weights (0.02)\n"
    "  --dtype D      F32, F16 or BF16 (F32)\n"
    "  --prefix TEXT  before tensors' names, such as \"transformer.\"\n"
    "  --no-eos       config.json names no end of text\n"
    "  --gpt2         the shape of GPT-2 124M; other options after it\n"
    "\n"
    "Memory stays small; the 124M shape in F32 writes 498 MB.\n";

static void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, "gpt2_random: %s: %s\n", what, why);
	exit(1);
}

/* ---- the command line ---- */

static uint64_t
number(const char *name, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || v < min || v > max)
		die(name, "not a number within its bounds");
	return v;
}

static enum dtype
dtype_of(const char *text)
{
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(text, dtype_names[i]) == 0)
			return (enum dtype)i;
	die("--dtype", "F32, F16 or BF16");
	return F32;
}

static void
take(struct options *o, int c, const char *text)
{
	switch (c) {
	case 'v':
		o->n_vocab = number("--n-vocab", text, 258, VOCAB_MAX);
		break;
	case 'e':
		o->n_embd = number("--n-embd", text, 1, 16384);
		break;
	case 'l':
		o->n_layer = number("--n-layer", text, 1, 512);
		break;
	case 'h':
		o->n_head = number("--n-head", text, 1, 16384);
		break;
	case 'p':
		o->n_pos = number("--n-pos", text, 1, 65536);
		break;
	case 'i':
		o->n_inner = number("--n-inner", text, 1, 65536);
		break;
	case 's':
		o->seed = number("--seed", text, 0, UINT64_MAX);
		break;
	case 'S':
		o->sigma = strtod(text, NULL);
		break;
	case 'd':
		o->dtype = dtype_of(text);
		break;
	case 'P':
		o->prefix = text;
		break;
	case 'E':
		o->has_eos = false;
		break;
	case 'G':
		o->n_vocab = 50257;
		o->n_embd = 768;
		o->n_layer = o->n_head = 12;
		o->n_pos = 1024;
		break;
	case 'H':
		(void)fputs(help, stdout);
		exit(0);
	default:
		(void)fputs(help, stderr);
		exit(2);
	}
}

static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "n-vocab", required_argument, NULL, 'v' },
		{ "n-embd", required_argument, NULL, 'e' },
		{ "n-layer", required_argument, NULL, 'l' },
		{ "n-head", required_argument, NULL, 'h' },
		{ "n-pos", required_argument, NULL, 'p' },
		{ "n-inner", required_argument, NULL, 'i' },
		{ "seed", required_argument, NULL, 's' },
		{ "sigma", required_argument, NULL, 'S' },
		{ "dtype", required_argument, NULL, 'd' },
		{ "prefix", required_argument, NULL, 'P' },
		{ "no-eos", no_argument, NULL, 'E' },
		{ "gpt2", no_argument, NULL, 'G' },
		{ "help", no_argument, NULL, 'H' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		take(o, c, optarg);
	if (optind + 1 != argc)
		take(o, '?', NULL);
	o->dir = argv[optind];
	if (o->n_embd % o->n_head != 0)
		die("--n-head", "does not divide n_embd");
	if (!o->n_inner)
		o->n_inner = 4 * o->n_embd;
}

/* ---- files ---- */

static FILE *
create(const struct options *o, const char *name)
{
	char path[4096];
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s", o->dir, name) >=
	    (int)sizeof(path))
		die(o->dir, "too long");
	f = fopen(path, "wb");
	if (!f)
		die(path, strerror(errno));
	return f;
}

static void
finish(FILE *f, const char *name)
{
	bool is_bad = ferror(f) != 0;

	if (fclose(f) != 0 || is_bad)
		die(name, "not written");
}

static void
write_config(const struct options *o)
{
	FILE *f = create(o, "config.json");
	char eos[32] = "null";

	if (o->has_eos)
		(void)snprintf(eos, sizeof(eos), "%" PRIu64, o->n_vocab - 1);
	(void)fprintf(f,
	    "{\n"
	    "  \"activation_function\": \"gelu_new\",\n"
	    "  \"architectures\": [\"GPT2LMHeadModel\"],\n"
	    "  \"bos_token_id\": %s,\n"
	    "  \"eos_token_id\": %s,\n"
	    "  \"layer_norm_epsilon\": 1e-05,\n"
	    "  \"model_type\": \"gpt2\",\n"
	    "  \"n_ctx\": %" PRIu64 ",\n"
	    "  \"n_embd\": %" PRIu64 ",\n"
	    "  \"n_head\": %" PRIu64 ",\n"
	    "  \"n_inner\": %" PRIu64 ",\n"
	    "  \"n_layer\": %" PRIu64 ",\n"
	    "  \"n_positions\": %" PRIu64 ",\n"
	    "  \"tie_word_embeddings\": true,\n"
	    "  \"vocab_size\": %" PRIu64 "\n"
	    "}\n",
	    eos, eos, o->n_pos, o->n_embd, o->n_head, o->n_inner, o->n_layer,
	    o->n_pos, o->n_vocab);
	finish(f, "config.json");
}

/* ---- the vocabulary ---- */

/* Merges that come first, so that small vocabularies know some English. */
static const char *const common[][2] = {
	{ "\xc4\xa0", "t" },
	{ "h", "e" },
	{ "\xc4\xa0", "a" },
	{ "i", "n" },
	{ "\xc4\xa0t", "he" },
	{ "r", "e" },
	{ "o", "n" },
	{ "e", "r" },
	{ "n", "d" },
	{ "\xc4\xa0", "s" },
	{ "\xc4\xa0", "o" },
	{ "in", "g" },
};
#define N_COMMON (sizeof(common) / sizeof(common[0]))

/* Letters by how often English has them. */
static const char letters[] = "etaoinshrdlcumwfgypbvkjxqz";

struct merge {
	char left[WORD_BYTES], right[WORD_BYTES];
};

static bool
is_common(const struct merge *m)
{
	char a[2 * WORD_BYTES], b[2 * WORD_BYTES];

	(void)snprintf(a, sizeof(a), "%s%s", m->left, m->right);
	for (size_t i = 0; i < N_COMMON; i++) {
		(void)snprintf(b, sizeof(b), "%s%s", common[i][0],
		    common[i][1]);
		if (strcmp(a, b) == 0)
			return true;
	}
	return false;
}

/*
 * The i-th of the made-up words, all there are by length: a letter behind a
 * space, two letters, two behind a space, three, ... Each is a shorter one
 * and a letter.
 */
static struct merge
word(uint64_t i)
{
	uint64_t n_words = 26;
	size_t n_letters = 1;
	bool has_space = true;
	struct merge m = { "", "" };
	size_t at = 0;

	while (i >= n_words) {
		i -= n_words;
		if (has_space) {
			n_letters++;
			n_words *= 26;
		}
		has_space = !has_space;
	}
	if (has_space) {
		memcpy(m.left, "\xc4\xa0", 2);
		at = 2;
	}
	for (size_t k = n_letters; k-- > 0; i /= 26)
		if (k + 1 == n_letters)
			m.right[0] = letters[i % 26];
		else
			m.left[at + k] = letters[i % 26];
	return m;
}

/* GPT-2 writes a byte as a character: printable ones of Latin-1 as they are,
 * the others from U+0100 on; and numbers them in that order. */
static void
write_byte_tokens(FILE *f)
{
	unsigned id = 0, other = 0x100;

	for (int pass = 0; pass < 2; pass++) {
		for (unsigned b = 0; b < 256; b++) {
			bool is_plain = (b >= '!' && b <= '~') ||
					(b >= 0xa1 && b <= 0xac) || b >= 0xae;
			unsigned c = is_plain ? b : other;

			if (is_plain != (pass == 0))
				continue;
			if (!is_plain)
				other++;
			(void)fprintf(f, id ? ",\"" : "{\"");
			if (c == '"' || c == '\\')
				(void)fputc('\\', f);
			if (c < 0x80)
				(void)fputc((int)c, f);
			else
				(void)fprintf(f, "%c%c", (int)(0xc0 | c >> 6),
				    (int)(0x80 | (c & 0x3f)));
			(void)fprintf(f, "\":%u", id++);
		}
	}
}

static void
write_vocabulary(const struct options *o)
{
	FILE *vocab = create(o, "vocab.json");
	FILE *merges = create(o, "merges.txt");
	uint64_t id = BYTE_TOKENS, n = 0;

	write_byte_tokens(vocab);
	(void)fputs("#version: 0.2\n", merges);
	for (; id < o->n_vocab - 1; n++) {
		struct merge m;

		if (n < N_COMMON) {
			(void)snprintf(m.left, sizeof(m.left), "%s",
			    common[n][0]);
			(void)snprintf(m.right, sizeof(m.right), "%s",
			    common[n][1]);
		} else {
			m = word(n - N_COMMON);
			if (is_common(&m))
				continue;
		}
		(void)fprintf(vocab, ",\"%s%s\":%" PRIu64, m.left, m.right,
		    id++);
		(void)fprintf(merges, "%s %s\n", m.left, m.right);
	}
	(void)fprintf(vocab, ",\"<|endoftext|>\":%" PRIu64 "}\n", id);
	finish(vocab, "vocab.json");
	finish(merges, "merges.txt");
}

/* ---- the weights ---- */

struct tensor {
	char name[TENSOR_NAMES];
	uint64_t rows, columns; /* rows 0: a vector */
	double mean, sigma;
};

struct tensors {
	struct tensor *p;
	size_t n;
};

static void
add(struct tensors *t, const char *name, uint64_t rows, uint64_t columns,
    double mean, double sigma)
{
	struct tensor *new = &t->p[t->n++];

	*new = (struct tensor){ "", rows, columns, mean, sigma };
	(void)snprintf(new->name, sizeof(new->name), "%s", name);
}

static void
add_pair(struct tensors *t, const struct options *o, int layer,
    const char *part, uint64_t rows, uint64_t columns)
{
	char name[TENSOR_NAMES], place[32] = "";

	if (layer >= 0)
		(void)snprintf(place, sizeof(place), "h.%d.", layer);
	(void)snprintf(name, sizeof(name), "%s%s.weight", place, part);
	if (rows)
		add(t, name, rows, columns, 0, o->sigma);
	else
		add(t, name, 0, columns, 1, o->sigma); /* a norm */
	(void)snprintf(name, sizeof(name), "%s%s.bias", place, part);
	add(t, name, 0, columns, 0, o->sigma / 10);
}

static struct tensors
list_tensors(const struct options *o)
{
	struct tensors t = { calloc(4 + 12 * o->n_layer, sizeof(*t.p)), 0 };
	uint64_t e = o->n_embd;

	if (!t.p)
		die("tensors", "no memory");
	add(&t, "wte.weight", o->n_vocab, e, 0, o->sigma);
	add(&t, "wpe.weight", o->n_pos, e, 0, o->sigma);
	for (int i = 0; i < (int)o->n_layer; i++) {
		add_pair(&t, o, i, "ln_1", 0, e);
		add_pair(&t, o, i, "attn.c_attn", e, 3 * e);
		add_pair(&t, o, i, "attn.c_proj", e, e);
		add_pair(&t, o, i, "ln_2", 0, e);
		add_pair(&t, o, i, "mlp.c_fc", e, o->n_inner);
		add_pair(&t, o, i, "mlp.c_proj", o->n_inner, e);
	}
	add_pair(&t, o, -1, "ln_f", 0, e);
	return t;
}

static uint64_t
tensor_len(const struct tensor *t)
{
	return (t->rows ? t->rows : 1) * t->columns;
}

static void
write_header(const struct options *o, const struct tensors *t, FILE *f)
{
	size_t cap = 256 * (t->n + 1), n = 0;
	char *p = calloc(1, cap);
	uint8_t length[8];
	uint64_t at = 0;

	if (!p)
		die("header", "no memory");
	n += (size_t)snprintf(p + n, cap - n,
	    "{\"__metadata__\":{\"format\":\"pt\"}");
	for (size_t i = 0; i < t->n; i++) {
		uint64_t bytes = tensor_len(&t->p[i]) * dtype_bytes[o->dtype];
		char rows[32] = "";

		if (t->p[i].rows)
			(void)snprintf(rows, sizeof(rows), "%" PRIu64 ",",
			    t->p[i].rows);
		n += (size_t)snprintf(p + n, cap - n,
		    ",\"%s%s\":{\"dtype\":\"%s\",\"shape\":[%s%" PRIu64
		    "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}",
		    o->prefix, t->p[i].name, dtype_names[o->dtype], rows,
		    t->p[i].columns, at, at + bytes);
		if (n >= cap - 16)
			die("--prefix", "too long");
		at += bytes;
	}
	p[n++] = '}';
	while (n % 8 != 0)
		p[n++] = ' ';
	for (unsigned i = 0; i < 8; i++)
		length[i] = (uint8_t)(n >> (8 * i));
	(void)fwrite(length, 1, 8, f);
	(void)fwrite(p, 1, n, f);
	free(p);
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Nearly normal, mean 0, deviation 1: the sum of four uniform ones. */
static double
normal(uint64_t *state)
{
	uint64_t bits = draw(state);
	double sum = (double)(bits & 0xffff) + (double)(bits >> 16 & 0xffff) +
		     (double)(bits >> 32 & 0xffff) + (double)(bits >> 48);

	return (sum - 131070) / 37837.0; /* 65536 * sqrt(4 / 12) */
}

/* Round to nearest, ties to even, n bits off. */
static uint32_t
round_off(uint32_t v, unsigned n)
{
	uint32_t half = (uint32_t)1 << (n - 1), rest = v & (2 * half - 1);

	v >>= n;
	return v + (rest > half || (rest == half && (v & 1)));
}

/* Weights are far below what overflows. */
static uint32_t
half_of(uint32_t bits)
{
	uint32_t sign = bits >> 16 & 0x8000, mantissa = bits & 0x7fffff;
	int exponent = (int)(bits >> 23 & 0xff) - 127 + 15;

	if (exponent > 0)
		return sign |
		       round_off((uint32_t)exponent << 23 | mantissa, 13);
	if (exponent < -10)
		return sign;
	return sign | round_off(mantissa | 0x800000, (unsigned)(14 - exponent));
}

static void
write_weights(const struct options *o, const struct tensor *t, uint64_t *state,
    FILE *f)
{
	static uint8_t chunk[CHUNK * 4];
	size_t n_bytes = dtype_bytes[o->dtype], n = 0;

	for (uint64_t left = tensor_len(t); left > 0; left--) {
		float v = (float)(t->mean + t->sigma * normal(state));
		uint32_t bits;

		memcpy(&bits, &v, sizeof(bits));
		if (o->dtype == F16)
			bits = half_of(bits);
		else if (o->dtype == BF16)
			bits = round_off(bits, 16);
		for (size_t i = 0; i < n_bytes; i++)
			chunk[n++] = (uint8_t)(bits >> (8 * i));
		if (n + 4 > sizeof(chunk) || left == 1) {
			(void)fwrite(chunk, 1, n, f);
			n = 0;
		}
	}
}

static void
write_tensors(const struct options *o)
{
	FILE *f = create(o, "model.safetensors");
	struct tensors t = list_tensors(o);
	uint64_t state = o->seed;

	write_header(o, &t, f);
	for (size_t i = 0; i < t.n; i++)
		write_weights(o, &t.p[i], &state, f);
	free(t.p);
	finish(f, "model.safetensors");
}

int
main(int argc, char **argv)
{
	struct options o = {
		.n_vocab = 300,
		.n_embd = 32,
		.n_layer = 2,
		.n_head = 2,
		.n_pos = 128,
		.seed = 1,
		.sigma = 0.02,
		.prefix = "",
		.has_eos = true,
	};

	read_options(argc, argv, &o);
	if (mkdir(o.dir, 0755) < 0 && errno != EEXIST)
		die(o.dir, strerror(errno));
	write_config(&o);
	write_vocabulary(&o);
	write_tensors(&o);
	return 0;
}
