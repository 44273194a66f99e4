/* SPDX-License-Identifier: MIT */
/*
 * Time, in one place so that tests can set it. Wall times are milliseconds
 * since 1970-01-01 UTC; monotonic times only measure durations.
 */
#ifndef TG_BASE_CLOCK_H
#define TG_BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

int64_t clock_now_ms(void);
int64_t clock_mono_us(void);
static inline int64_t
clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

/** Test seam: freeze the wall clock at now_ms; 0 lets it run again. */
void clock_set_for_test(int64_t now_ms);

/* Calendar parts of a UTC time. */
struct clock_parts {
	int year, month, day;     /* month 1..12, day 1..31 */
	int hour, minute, second; /* 0..23, 0..59, 0..59 */
	int ms;                   /* 0..999 */
};
void clock_split(int64_t time_ms, struct clock_parts *ret);
int64_t clock_join(const struct clock_parts *parts);

#define CLOCK_TEXT_BYTES 25 /* "YYYY-MM-DDTHH:MM:SS.mmmZ" and a NUL */
/** Writes "YYYY-MM-DDTHH:MM:SSZ" (20 characters and a NUL). */
void clock_format(int64_t time_ms, char ret[CLOCK_TEXT_BYTES]);
/** As clock_format(), with milliseconds: for logs. */
void clock_format_ms(int64_t time_ms, char ret[CLOCK_TEXT_BYTES]);
/**
 * Reads YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SS with optional fraction and with
 * Z, +HH:MM, -HH:MM or nothing (= UTC). Years 1970..9999, of UTC too.
 */
bool clock_parse(struct str s, int64_t *ret_ms) ATTR_MUST_CHECK;
/** The same for times where 0 says that none was given: 1970's first moment
 * is 1 ms later. */
bool clock_parse_given(struct str s, int64_t *ret_ms) ATTR_MUST_CHECK;

#define DAY_MS  ((int64_t)86400000)
#define HOUR_MS ((int64_t)3600000)

#endif
