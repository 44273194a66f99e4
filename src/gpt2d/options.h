/* SPDX-License-Identifier: MIT */
/* tollgate-gpt2's command line. */
#ifndef TG_GPT2D_OPTIONS_H
#define TG_GPT2D_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "gpt2/model.h"
#include "gpt2/sampler.h"

enum options_mode {
	OPTIONS_SERVE,
	OPTIONS_GENERATE,
	OPTIONS_HELP,
	OPTIONS_VERSION,
};

struct options {
	enum options_mode mode;
	const char *dir;
	const char *socket;         /* or */
	struct str address;         /* p NULL: not given */
	struct str model_name;      /* the folder's, if nothing else is said */
	const char *tokenizer_file; /* NULL: none is written */
	bool is_preloaded;
	uint64_t n_threads, batch_max, queue_max;
	uint64_t drain_s;
	enum gpt2_precision precision;
	enum log_level log_level;
	/* of OPTIONS_GENERATE */
	struct str text;
	uint64_t max_length_tok, max_new_tok; /* 0: the context's end */
	struct sampling sampling;
	bool has_seed;
};

extern const char options_help[];

/**
 * Errors: ERR_BAD_PARAM, in words for whoever typed it.
 * Memory: views of argv.
 */
enum err options_read(int argc, char **argv, struct options *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
