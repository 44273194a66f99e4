/* SPDX-License-Identifier: MIT */
/* What the command lines of gpt2_probe, gpt2_speed and gpt2_bits share. Whoever
 * includes it says TOOL_NAME first. */
#ifndef TG_TESTS_GPT2_TOOL_H
#define TG_TESTS_GPT2_TOOL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpt2/model.h"

#ifndef TOOL_NAME /* so that this header compiles alone */
# define TOOL_NAME "gpt2_tool"
#endif

static inline void
die(const char *what, const char *why)
{
	(void)fprintf(stderr, TOOL_NAME ": %s: %s\n", what, why);
	exit(1);
}

static inline uint32_t
number(const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n < min || n > max)
		die(text, "not a number within its bounds");
	return (uint32_t)n;
}

static inline enum gpt2_precision
precision_of(const char *text)
{
	static const char *const names[] = { "f32", "bf16", "int8" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0)
			return (enum gpt2_precision)i;
	}
	die(text, "no precision");
	return GPT2_F32;
}

#endif
