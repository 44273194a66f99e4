/* SPDX-License-Identifier: MIT */
/*
 * How values read on a page: numbers, money, durations, times. Exact or
 * marked; in UTC; without a locale. Texts lie in the object's arena.
 */
#ifndef TG_HANDLER_WEB_VIEW_H
#define TG_HANDLER_WEB_VIEW_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "http/tval.h"
#include "store/customer.h"

/** "12,345" */
struct str view_count_text(struct arena *a, uint64_t n);
/** "$1,234.50", "$0.000345", "-$2.00": exact, at least two decimals. */
struct str view_money_text(struct arena *a, int64_t amount_pusd);
/** "<1 ms", "412 ms", "1.24 s", "12.4 s", "2 min 5 s"; negative: "–". */
struct str view_duration_text(struct arena *a, int64_t ms);
/** "22 Nov 2026", "22 Nov", "Nov 2026", "22 Nov 2026, 00:41" */
struct str view_day_text(struct arena *a, int64_t time_ms);
struct str view_short_day_text(struct arena *a, int64_t time_ms);
struct str view_month_text(struct arena *a, int64_t time_ms);
struct str view_time_text(struct arena *a, int64_t time_ms);
/** "22 Nov 2026, 00:41:05" */
struct str view_second_text(struct arena *a, int64_t time_ms);
/** "Active", "Suspended", "Closed". */
struct str view_customer_state_text(enum customer_state s);

/*
 * The same as members of an object. What partial/money.html, time.html and
 * day.html need are objects:
 *   money  {exact: "1234.505", cents: "$1,234.50", rest: "5"}
 *   time   {is_set, iso: "2026-11-22T00:41:05Z", text}; 0 is not set
 *   day    {iso: "2026-11-22", text}
 */
void view_count(struct tval *o, const char *key, uint64_t n);
void view_money(struct tval *o, const char *key, int64_t amount_pusd);
void view_duration(struct tval *o, const char *key, int64_t ms);
void view_time(struct tval *o, const char *key, int64_t time_ms);
/* As view_time(), to the second. */
void view_second(struct tval *o, const char *key, int64_t time_ms);
void view_day(struct tval *o, const char *key, int64_t time_ms);
/* Where a time, a day or a word may stand: as view_time(), but not set, so
 * that no zone changes it; iso of a word is empty. */
void view_time_day(struct tval *o, const char *key, int64_t time_ms);
void view_time_word(struct tval *o, const char *key, struct str word);

struct zone;
/**
 * Let what view_time() and view_second() set, anywhere below root, say the time of a zone, with
 * its name; iso stays UTC, and so do days.
 */
void view_to_zone(const struct tval *root, const struct zone *z);

/* Rows of a page's key table for these objects, below `path`. */
#define VIEW_MONEY_KEYS(path)                         \
 { path, TVAL_OBJECT }, { path ".exact", TVAL_TEXT }, \
     { path ".cents", TVAL_TEXT },                    \
 {                                                    \
  path ".rest", TVAL_TEXT                             \
 }
#define VIEW_TIME_KEYS(path)                           \
 { path, TVAL_OBJECT }, { path ".is_set", TVAL_BOOL }, \
     { path ".iso", TVAL_TEXT },                       \
 {                                                     \
  path ".text", TVAL_TEXT                              \
 }
#define VIEW_DAY_KEYS(path)                         \
 { path, TVAL_OBJECT }, { path ".iso", TVAL_TEXT }, \
 {                                                  \
  path ".text", TVAL_TEXT                           \
 }

#endif
