/* SPDX-License-Identifier: MIT */
/*
 * Request ids: UUID version 7 (RFC 9562, 5.7): 48 bits of milliseconds, then
 * random bits. Sortable by time; not a secret.
 */
#ifndef TG_BASE_UUID7_H
#define TG_BASE_UUID7_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define UUID7_BYTES      16
#define UUID7_TEXT_BYTES 37 /* 36 characters and a NUL */

struct uuid7 {
	uint8_t b[UUID7_BYTES];
};

struct uuid7 uuid7_new(int64_t now_ms);
void uuid7_format(const struct uuid7 *id, char ret[UUID7_TEXT_BYTES]);
/** When it was made, by the clock of who made it. */
int64_t uuid7_time_ms(const struct uuid7 *id);
bool uuid7_parse(struct str s, struct uuid7 *ret) ATTR_MUST_CHECK;

#endif
