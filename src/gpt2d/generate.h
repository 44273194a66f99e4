/* SPDX-License-Identifier: MIT */
/* One completion to standard output, without a server. */
#ifndef TG_GPT2D_GENERATE_H
#define TG_GPT2D_GENERATE_H

#include <stdio.h>

#include "base/err.h"
#include "gpt2d/loader.h"
#include "gpt2d/options.h"
#include "gpt2d/vocabulary.h"

/**
 * Complete o->text and write the completion to f as it comes.
 * @engine  of a ready loader
 * Errors: of prompt_encode() and scheduler_submit(); ERR_NO_MEMORY; ERR_IO
 *         f takes no more.
 */
enum err generate(const struct options *o, const struct vocabulary *v,
    const struct engine *engine, FILE *f, struct error *e) ATTR_MUST_CHECK;

#endif
