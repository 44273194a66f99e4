/* SPDX-License-Identifier: MIT */
/*
 * Bytes that must not be logged or kept: their own type, which no log_ or
 * buf_ function takes, and wiping that the compiler cannot remove.
 */
#ifndef TG_BASE_SECRET_H
#define TG_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct secret {
	const uint8_t *p;
	size_t n;
};

void secret_wipe(void *p, size_t n);
/** Equal, in time that depends on n only. */
bool secret_eq(const void *a, const void *b, size_t n);

#endif
