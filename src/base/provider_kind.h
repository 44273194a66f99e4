/* SPDX-License-Identifier: MIT */
/*
 * The kinds of providers, which database and wire formats share. The numbers
 * are those of providers.kind, an ENUM: append, never reorder.
 */
#ifndef TG_BASE_PROVIDER_KIND_H
#define TG_BASE_PROVIDER_KIND_H

enum provider_kind {
	PROVIDER_OPENAI,
	PROVIDER_ANTHROPIC,
	PROVIDER_HUGGINGFACE,
	PROVIDER_LOCAL,
	PROVIDER__N
};

/* The texts of the ENUM column, in the same order. */
#define PROVIDER_KIND_NAMES                     \
 {                                              \
  "openai", "anthropic", "huggingface", "local" \
 }

#endif
