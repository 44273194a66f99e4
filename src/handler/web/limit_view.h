/* SPDX-License-Identifier: MIT */
/* Limits in words, with who states each. */
#ifndef TG_HANDLER_WEB_LIMIT_VIEW_H
#define TG_HANDLER_WEB_LIMIT_VIEW_H

#include "http/tval.h"
#include "store/key.h"
#include "store/report.h"

/**
 * A row for each limit that somebody states: `limits` of o, a list of
 * {name, value, from}, and `has_limits`.
 * @layers     of the key; of a customer all but its own are empty
 * @defaults   limits.* of the configuration
 * @tier_name  of the key; may be empty
 */
void web_limits_view(struct tval *o,
    const struct limit_set layers[KEY_LIMITS__N],
    const struct limit_set *defaults, struct str tier_name);
/** The first few of those in force of a key, a text each: "60 requests a minute,
 * each model apart"; then "and 4 more". */
void web_limits_push(struct tval *list, const struct limit_set *set);

/** What a refusal's reason, as errors.def has it, means; "": nothing known. */
const char *web_refusal_text(struct str reason);
/** The same; NULL: its answer was no 429, so no limit or budget refused. */
const char *web_limit_refusal_text(struct str reason);
/** Make refusals by day those of all days: by reason, the most frequent first,
 * in the same array. Gives how many are left. */
size_t web_refusals_sum_up(struct report_refusal *rows, size_t n);

#define LIMITS_KEYS(path)                                                   \
 { path "has_limits", TVAL_BOOL }, { path "limits", TVAL_LIST },            \
     { path "limits.name", TVAL_TEXT }, { path "limits.value", TVAL_TEXT }, \
 {                                                                          \
  path "limits.from", TVAL_TEXT                                             \
 }

#endif
