/* SPDX-License-Identifier: MIT */
/* Lower-case hexadecimal. */
#ifndef TG_BASE_HEX_H
#define TG_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/** Writes 2 * n digits and a NUL into ret. */
void hex_encode(const uint8_t *p, size_t n, char *ret);
/** Value of a digit of either case, or -1. */
int hex_digit(char c);
/** Reads exactly 2 * n digits of either case. */
bool hex_decode(struct str s, uint8_t *ret, size_t n) ATTR_MUST_CHECK;

#endif
