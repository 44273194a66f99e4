/* SPDX-License-Identifier: MIT */
/* Which encoding a model has, by its name: encodings.def. */
#ifndef TG_TOKENIZER_ENCODING_H
#define TG_TOKENIZER_ENCODING_H

#include "base/str.h"

/**
 * The encoding of a model, by its name at the provider; a fine-tuned one's
 * ("ft:gpt-4o-mini:…") is its base's. Empty when the table has none.
 */
struct str encoding_of_model(struct str model);

#endif
