/* SPDX-License-Identifier: MIT */
/* The option --limit of tiers, customers and keys, and how limits are shown. */
#ifndef TG_ADMIN_LIMITS_H
#define TG_ADMIN_LIMITS_H

#include "admin/admin.h"
#include "store/limit.h"

#define LIMITS_MAX 64 /* numbers in one --limit */

#define LIMITS_OPTION                                                      \
 {                                                                         \
  "limit", "LIST",                                                         \
      "Other limits, with commas, such as "                                \
      "key.tokens.minute=90000,key.concurrent=8; none for a number takes " \
      "it away.",                                                          \
      false                                                                \
 }

struct limits_option {
	struct limit_change changes[LIMITS_MAX];
	size_t n;
};

/** Read --limit. Errors: of admin_usage(). */
enum err limits_read(struct admin *ad, struct limits_option *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Write what was read. */
enum err limits_write(struct admin *ad, struct limit_holder holder,
    const struct limits_option *o, struct error *e) ATTR_MUST_CHECK;
/** The member "limits" of the record: what the holder states. */
enum err limits_show(struct admin *ad, struct limit_holder holder,
    struct error *e) ATTR_MUST_CHECK;
/* Rows of many holders, in order of their ids, for a list of them. */
struct limits_rows {
	const struct limit_row *rows;
	size_t n, at;
};
/** The member "limits" of the next holder in that order. */
void limits_show_next(struct admin *ad, struct limits_rows *rows,
    struct limit_holder holder);
/** "a=1,b=2"; empty: nothing is stated. Memory: in the command's arena. */
struct str limits_text(struct admin *ad, const struct limit_set *set);

#endif
