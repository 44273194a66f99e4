/* SPDX-License-Identifier: MIT */
/* Options that say which usage is meant. */
#ifndef TG_ADMIN_USAGE_FILTER_H
#define TG_ADMIN_USAGE_FILTER_H

#include "admin/admin.h"
#include "store/usage_page.h"

/* clang-format off */
/* Behind --from and --to, which each command explains. */
#define USAGE_FILTER_OPTIONS \
	{ "customer", "ID|EMAIL", "Only this customer's.", false }, \
	{ "key", "ID|PUBLIC_ID", "Only with this API key.", false }, \
	{ "user", "ID|EMAIL", "Only on this user.", false }, \
	{ "project", "ID", "Only of this project.", false }, \
	{ "agent", "ID", "Only on this agent.", false }, \
	{ "connector", "ID", "Only on this connector.", false }, \
	{ "model", "NAME|ID", "Only of this model.", false }, \
	{ "provider", "NAME", "Only of this provider.", false }, \
	{ "status", "STATUS", "Only what ended so.", false }
/* clang-format on */

/** The ids that --user, --key, --model and the three labels give; those that
 * are not given stay. Errors: ERR_NOT_FOUND; of usage. */
enum err usage_option_user(struct admin *ad, uint64_t *ret,
    struct error *e) ATTR_MUST_CHECK;
enum err usage_option_key(struct admin *ad, uint64_t *ret,
    struct error *e) ATTR_MUST_CHECK;
enum err usage_option_model(struct admin *ad, uint64_t *ret,
    struct error *e) ATTR_MUST_CHECK;
enum err usage_option_labels(struct admin *ad, uint64_t *project,
    uint64_t *agent, uint64_t *connector, struct error *e) ATTR_MUST_CHECK;

/** All of them, from --from (a day before --to) to --to (now). */
enum err usage_options_filter(struct admin *ad, int64_t now_ms,
    struct usage_filter *f, struct error *e) ATTR_MUST_CHECK;

#endif
