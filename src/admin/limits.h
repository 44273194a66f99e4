/* SPDX-License-Identifier: MIT */
/* The option --limit of tiers, customers and keys, and how limits are shown. */
#ifndef TG_ADMIN_LIMITS_H
#define TG_ADMIN_LIMITS_H

#include "admin/admin.h"
#include "base/limit_set.h"

#define LIMITS_OPTION                                                      \
 {                                                                         \
  "limit", "LIST",                                                         \
      "Other limits, with commas, such as "                                \
      "key.tokens.minute=90000,key.concurrent=8; none for a number takes " \
      "it away.",                                                          \
      false                                                                \
 }

/** What --per-minute, --per-hour and --limit give into set; the rest stays.
 * Errors: of admin_usage(). */
enum err limits_read(struct admin *ad, struct limit_set *set,
    struct error *e) ATTR_MUST_CHECK;
/** The members rate_limit_per_minute, _per_hour and limits of the record. */
void limits_show(struct admin *ad, const struct limit_set *set);
/** "a=1,b=2"; empty: nothing is stated. Memory: in the command's arena. */
struct str limits_text(struct admin *ad, const struct limit_set *set);
/** The same without the two that have members of their own. */
struct str limits_others_text(struct admin *ad, const struct limit_set *set);

#endif
