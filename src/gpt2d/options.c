/* SPDX-License-Identifier: MIT */
#include "gpt2d/options.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "gpt2/scheduler.h"
#include "gpt2/team.h"

#define THREADS_MAX   TEAM_THREADS_MAX
#define BATCH_DEFAULT 8
#define QUEUE_DEFAULT 256
#define DRAIN_S       30
#define DRAIN_S_MAX   3600
#define TOK_MAX       1000000

const char options_help[] =
    "usage: tollgate-gpt2 --model DIR --socket PATH [options]\n"
    "       tollgate-gpt2 --model DIR --listen 127.0.0.1:PORT [options]\n"
    "       tollgate-gpt2 --model DIR --generate TEXT [options]\n"
    "\n"
    "Serves a GPT-2 checkpoint in Hugging Face's format (config.json,\n"
    "model.safetensors, vocab.json, merges.txt) as OpenAI's API does, or\n"
    "completes one text.\n"
    "\n"
    "  --model DIR          the checkpoint's folder\n"
    "  --socket PATH        listen on a unix socket (mode 0660)\n"
    "  --listen ADDR:PORT   listen on a loopback address; port 0: a free one\n"
    "  --model-name NAME    what clients call it (the folder's name)\n"
    "  --preload            load the weights first, then listen; else the\n"
    "                       first request waits for them\n"
    "  --tokenizer-file F   write the model's tokenizer there, for tollgate\n"
    "                       to count by what it sent\n"
    "  --threads N          compute threads (one a CPU)\n"
    "  --max-batch N        answers written at once, 1..64 (8); the largest n\n"
    "  --queue N            requests that may wait, 0..4096 (256); beyond\n"
    "                       them clients get 503\n"
    "  --precision P        f32, bf16 or int8 (f32)\n"
    "  --drain-seconds N    time to finish answers after SIGTERM (30); a\n"
    "                       second SIGTERM cuts them\n"
    "  --log-level L        error, warn, info or debug (info)\n"
    "\n"
    "  --generate TEXT      complete TEXT, print the completion and exit\n"
    "  --max-length N       tokens of text and completion together\n"
    "  --max-tokens N       tokens of the completion\n"
    "  --temperature T      0..2 (1); 0: always the likeliest token\n"
    "  --top-k N            0: all (0)\n"
    "  --top-p P            above 0, to 1 (1)\n"
    "  --repetition-penalty R   0.1..10 (1)\n"
    "  --seed N             the same seed gives the same text\n"
    "\n"
    "  --help, --version\n"
    "\n"
    "Limits: a request's body has 1 MiB and must be there 75 s after its\n"
    "head, or the client gets 413 or 408; those of all requests together\n"
    "have 64 MiB, or it gets 503.\n";

struct words {
	char **p;
	int n, at;
	struct str name; /* of the option in hand */
	struct str value;
};

/* ---- values ---- */

static enum err
take_u64(const struct words *w, uint64_t min, uint64_t max, uint64_t *ret,
    struct error *e)
{
	if (str_to_u64(w->value, min, max, ret))
		return OK;
	return error_set(e, ERR_BAD_PARAM,
	    "--%" PRI_STR " takes a whole number from %llu to %llu",
	    STR_ARG(w->name), (unsigned long long)min, (unsigned long long)max);
}

static enum err
take_float(const struct words *w, double min, double max, float *ret,
    struct error *e)
{
	char *end; /* a word's end has its NUL */
	double v = strtod(w->value.p, &end);

	if (w->value.n > 0 && *end == '\0' && v >= min && v <= max) {
		*ret = (float)v;
		return OK;
	}
	return error_set(e, ERR_BAD_PARAM,
	    "--%" PRI_STR " takes a number from %g to %g", STR_ARG(w->name),
	    min, max);
}

static enum err
take_name(const struct words *w, const char *const *names, size_t n,
    unsigned *ret, struct error *e)
{
	for (unsigned i = 0; i < n; i++) {
		if (str_eq(w->value, str_from(names[i]))) {
			*ret = i;
			return OK;
		}
	}
	return error_set(e, ERR_BAD_PARAM, "--%" PRI_STR " can't be %" PRI_STR,
	    STR_ARG(w->name), STR_ARG(w->value));
}

/* ---- options ---- */

typedef enum err take_fn(struct options *o, const struct words *w,
    struct error *e);

static enum err
take_model(struct options *o, const struct words *w, struct error *e)
{
	(void)e;
	o->dir = w->value.p;
	return OK;
}

static enum err
take_socket(struct options *o, const struct words *w, struct error *e)
{
	(void)e;
	o->socket = w->value.p;
	return OK;
}

static enum err
take_tokenizer_file(struct options *o, const struct words *w, struct error *e)
{
	(void)e;
	o->tokenizer_file = w->value.p;
	return OK;
}

static enum err
take_listen(struct options *o, const struct words *w, struct error *e)
{
	(void)e;
	o->address = w->value;
	return OK;
}

static enum err
take_model_name(struct options *o, const struct words *w, struct error *e)
{
	o->model_name = w->value;
	if (w->value.n == 0 || !str_is_utf8(w->value))
		return error_set(e, ERR_BAD_PARAM, "--model-name is no name");
	return OK;
}

static enum err
take_preload(struct options *o, const struct words *w, struct error *e)
{
	(void)w;
	(void)e;
	o->is_preloaded = true;
	return OK;
}

static enum err
take_threads(struct options *o, const struct words *w, struct error *e)
{
	return take_u64(w, 1, THREADS_MAX, &o->n_threads, e);
}

static enum err
take_batch(struct options *o, const struct words *w, struct error *e)
{
	return take_u64(w, 1, SCHEDULER_BATCH_MAX, &o->batch_max, e);
}

static enum err
take_queue(struct options *o, const struct words *w, struct error *e)
{
	return take_u64(w, 0, SCHEDULER_QUEUE_MAX, &o->queue_max, e);
}

static enum err
take_drain(struct options *o, const struct words *w, struct error *e)
{
	return take_u64(w, 0, DRAIN_S_MAX, &o->drain_s, e);
}

static enum err
take_precision(struct options *o, const struct words *w, struct error *e)
{
	static const char *const names[] = {
		[GPT2_F32] = "f32",
		[GPT2_BF16] = "bf16",
		[GPT2_INT8] = "int8",
	};
	unsigned v = 0;
	enum err err = take_name(w, names, ARRAY_LEN(names), &v, e);

	o->precision = (enum gpt2_precision)v;
	return err;
}

static enum err
take_log_level(struct options *o, const struct words *w, struct error *e)
{
	static const char *const names[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARN] = "warn",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};
	unsigned v = 0;
	enum err err = take_name(w, names, ARRAY_LEN(names), &v, e);

	o->log_level = (enum log_level)v;
	return err;
}

static enum err
take_generate(struct options *o, const struct words *w, struct error *e)
{
	(void)e;
	o->mode = OPTIONS_GENERATE;
	o->text = w->value;
	return OK;
}

static enum err
take_max_length(struct options *o, const struct words *w, struct error *e)
{
	return take_u64(w, 1, TOK_MAX, &o->max_length_tok, e);
}

static enum err
take_max_tokens(struct options *o, const struct words *w, struct error *e)
{
	return take_u64(w, 1, TOK_MAX, &o->max_new_tok, e);
}

static enum err
take_temperature(struct options *o, const struct words *w, struct error *e)
{
	return take_float(w, 0, 2, &o->sampling.temperature, e);
}

static enum err
take_top_k(struct options *o, const struct words *w, struct error *e)
{
	uint64_t v = 0;
	enum err err = take_u64(w, 0, GPT2_VOCABULARY_MAX, &v, e);

	o->sampling.top_k = (uint32_t)v;
	return err;
}

static enum err
take_top_p(struct options *o, const struct words *w, struct error *e)
{
	return take_float(w, 1e-6, 1, &o->sampling.top_p, e);
}

static enum err
take_repetition(struct options *o, const struct words *w, struct error *e)
{
	return take_float(w, 0.1, 10, &o->sampling.repetition_penalty, e);
}

static enum err
take_seed(struct options *o, const struct words *w, struct error *e)
{
	o->has_seed = true;
	return take_u64(w, 0, UINT64_MAX, &o->sampling.seed, e);
}

static enum err
take_help(struct options *o, const struct words *w, struct error *e)
{
	(void)w;
	(void)e;
	o->mode = OPTIONS_HELP;
	return OK;
}

static enum err
take_version(struct options *o, const struct words *w, struct error *e)
{
	(void)w;
	(void)e;
	o->mode = OPTIONS_VERSION;
	return OK;
}

enum option_use {
	FLAG,
	VALUE
};

/* clang-format off */
static const struct {
	const char *name;
	enum option_use use;
	take_fn *fn;
} table[] = {
	{ "drain-seconds",      VALUE, take_drain },
	{ "generate",           VALUE, take_generate },
	{ "help",               FLAG,  take_help },
	{ "listen",             VALUE, take_listen },
	{ "log-level",          VALUE, take_log_level },
	{ "max-batch",          VALUE, take_batch },
	{ "max-length",         VALUE, take_max_length },
	{ "max-tokens",         VALUE, take_max_tokens },
	{ "model",              VALUE, take_model },
	{ "model-name",         VALUE, take_model_name },
	{ "precision",          VALUE, take_precision },
	{ "preload",            FLAG,  take_preload },
	{ "queue",              VALUE, take_queue },
	{ "repetition-penalty", VALUE, take_repetition },
	{ "seed",               VALUE, take_seed },
	{ "socket",             VALUE, take_socket },
	{ "temperature",        VALUE, take_temperature },
	{ "threads",            VALUE, take_threads },
	{ "tokenizer-file",     VALUE, take_tokenizer_file },
	{ "top-k",              VALUE, take_top_k },
	{ "top-p",              VALUE, take_top_p },
	{ "version",            FLAG,  take_version },
};
/* clang-format on */

static enum err
take_value(struct words *w, bool has_value, enum option_use use,
    struct error *e)
{
	if (use == FLAG && has_value)
		return error_set(e, ERR_BAD_PARAM,
		    "--%" PRI_STR " takes no value", STR_ARG(w->name));
	if (use == FLAG || has_value)
		return OK;
	if (w->at == w->n)
		return error_set(e, ERR_BAD_PARAM,
		    "--%" PRI_STR " needs a value", STR_ARG(w->name));
	w->value = str_from(w->p[w->at++]);
	return OK;
}

static enum err
take_word(struct options *o, struct words *w, struct error *e)
{
	struct str word = str_from(w->p[w->at++]);
	size_t eq;

	w->name = str_skip(word, 2);
	eq = str_find(w->name, '=');
	w->value = str_skip(w->name, eq + 1);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		bool has_value = eq < w->name.n;

		if (!str_starts(word, S("--")) ||
		    !str_eq(str_make(w->name.p, eq), str_from(table[i].name)))
			continue;
		w->name.n = eq;
		if (take_value(w, has_value, table[i].use, e))
			return e->code;
		return table[i].fn(o, w, e);
	}
	return error_set(e, ERR_BAD_PARAM, "%" PRI_STR " is no option",
	    STR_ARG(word));
}

/* "gpt2" of "/srv/models/gpt2/". */
static struct str
folder_name(const char *dir)
{
	struct str path = str_from(dir);
	size_t at;

	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	for (at = path.n; at > 0 && path.p[at - 1] != '/'; at--)
		;
	path = str_skip(path, at);
	return path.n ? path : S("gpt2");
}

static enum err
check_together(struct options *o, struct error *e)
{
	bool is_serving = o->mode == OPTIONS_SERVE;

	if (o->mode == OPTIONS_HELP || o->mode == OPTIONS_VERSION)
		return OK;
	if (!o->dir)
		return error_set(e, ERR_BAD_PARAM, "--model is needed");
	if (is_serving ? !o->socket == !o->address.p
		       : o->socket || o->address.p)
		return error_set(e, ERR_BAD_PARAM,
		    "one of --socket, --listen and --generate is needed");
	if (!o->model_name.p)
		o->model_name = folder_name(o->dir);
	return OK;
}

/* Those that this process may run on: a container's, too. */
static uint64_t
count_cpus(void)
{
	cpu_set_t cpus;
	int n = sched_getaffinity(0, sizeof(cpus), &cpus) == 0
		    ? CPU_COUNT(&cpus)
		    : 1;

	return n < THREADS_MAX ? (uint64_t)n : THREADS_MAX;
}

enum err
options_read(int argc, char **argv, struct options *ret, struct error *e)
{
	struct words w = { .p = argv, .n = argc, .at = 1 };
	enum err err = OK;

	*ret = (struct options){
		.n_threads = count_cpus(),
		.batch_max = BATCH_DEFAULT,
		.queue_max = QUEUE_DEFAULT,
		.drain_s = DRAIN_S,
		.log_level = LOG_LEVEL_INFO,
		.sampling = SAMPLING_DEFAULT,
	};
	while (!err && w.at < w.n)
		err = take_word(ret, &w, e);
	return err ? err : check_together(ret, e);
}
