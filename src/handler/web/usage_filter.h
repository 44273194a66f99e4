/* SPDX-License-Identifier: MIT */
/*
 * What the pages of usage share: a time, filters by each dimension, and the
 * names of what they mean. All of it stands in the address, written by a form
 * that needs no script.
 */
#ifndef TG_HANDLER_WEB_USAGE_FILTER_H
#define TG_HANDLER_WEB_USAGE_FILTER_H

#include "handler/web/called.h"
#include "handler/web/place.h"
#include "http/param.h"
#include "http/url.h"
#include "store/name.h"
#include "store/usage_summary.h"

enum web_range {
	WEB_RANGE_24H,
	WEB_RANGE_7D,
	WEB_RANGE_30D,
	WEB_RANGE_MONTH,
	WEB_RANGE_LAST_MONTH,
	WEB_RANGE_12M,
	WEB_RANGE_CUSTOM,
	WEB_RANGE__N
};

/* clang-format off */
/* Their places are known to usage_filter.c. */
#define WEB_USAGE_ID(n) { .name = n, .type = PARAM_U64, .min = 1, .max = UINT32_MAX }
/* What is typed instead, by web_called_find(). */
#define WEB_USAGE_CALLED(n) { .name = n, .type = PARAM_TEXT, .min = 1, .max = WEB_CALLED_BYTES }
/* Which time the form had filled in a date for. */
#define WEB_USAGE_SHOWN(n) { .name = n, .type = PARAM_TIME }
#define WEB_USAGE_PARAMS \
	{ .name = "range", .type = PARAM_ENUM, .choices = "24h|7d|30d|month|last-month|12m|custom" }, \
	{ .name = "from", .type = PARAM_TIME }, { .name = "to", .type = PARAM_TIME }, \
	WEB_USAGE_ID("api_key_id"), WEB_USAGE_ID("user_id"), WEB_USAGE_ID("project_id"), \
	WEB_USAGE_ID("agent_id"), WEB_USAGE_ID("connector_id"), WEB_USAGE_ID("model_id"), \
	WEB_USAGE_ID("provider_id"), \
	{ .name = "request_status", .type = PARAM_ENUM, \
	  .choices = "ok|upstream_error|timeout|client_closed|interrupted" }, \
	WEB_USAGE_CALLED("api_key"), WEB_USAGE_CALLED("user"), WEB_USAGE_CALLED("project"), \
	WEB_USAGE_CALLED("agent"), WEB_USAGE_CALLED("connector"), \
	WEB_USAGE_SHOWN("shown_from"), WEB_USAGE_SHOWN("shown_to")
#define WEB_USAGE_N_PARAMS 18
/* Behind those, of everybody's usage. */
#define WEB_USAGE_ADMIN_PARAMS WEB_USAGE_ID("customer_id"), WEB_USAGE_CALLED("customer")
#define WEB_USAGE_N_ADMIN_PARAMS 2
/* clang-format on */

struct web_usage_filter {
	struct usage_filter filter;
	enum web_range range;
	struct param_value *v; /* of WEB_USAGE_PARAMS */
	bool is_admin;   /* of everybody, with WEB_USAGE_ADMIN_PARAMS, too */
	bool is_unclear; /* something typed means nothing, or several */
	struct str why_not[NAME__N]; /* ... of this kind; n == 0: not so */
	struct name *names[NAME__N]; /* known ones, by id */
	size_t n_names[NAME__N];
	bool has_more[NAME__N];        /* than can be chosen */
	struct name *choices[NAME__N]; /* by name */
	size_t n_choices[NAME__N];
};

/**
 * The time and the filters that the parameters say. Dates that are given hold,
 * whatever range is named beside them; but for those that the form itself had
 * filled in, which give way to another range.
 * @v           WEB_USAGE_N_PARAMS values, which must live as long as ret
 * @if_unsaid   the range unless the parameters name one
 * @customer_id whose; 0: everybody's, for operators, of whom a parameter may
 *              choose one
 * Errors: ERR_BAD_PARAM "from", "to".
 */
enum err web_usage_filter_read(struct param_value *v, enum web_range if_unsaid,
    uint64_t customer_id, int64_t now_ms, struct web_usage_filter *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Find what is typed, which then stands in v as if it were chosen; check whose
 * the filters' ids are, and load what can be chosen: the newest forty of each
 * kind, of one customer; models and providers that were used in the last 12
 * months.
 * Errors: ERR_NOT_FOUND. Memory: in a.
 */
enum err web_usage_filter_load(struct web_usage_filter *f,
    const struct manager *m, struct arena *a, struct error *e) ATTR_MUST_CHECK;
/** Put more names beside those that are known. Memory: in a. */
enum err web_usage_names_add(struct web_usage_filter *f, enum name_kind kind,
    const struct name *more, size_t n, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** Learn the names of more ids; 0 among them is left out. Memory: in a. */
enum err web_usage_names(struct web_usage_filter *f, const struct manager *m,
    enum name_kind kind, const uint64_t *ids, size_t n, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** A name; "#12" of what has none, "none" of 0. Memory: in a. */
struct str web_usage_name(const struct web_usage_filter *f, enum name_kind kind,
    uint64_t id, struct arena *a);

/** "Upstream error" of "upstream_error", as the filter calls it. */
struct str web_usage_status_text(const char *status);

/** Time and filters as arguments of a link. @without  a parameter left out,
 * or NULL */
void web_usage_filter_args(const struct web_usage_filter *f, struct url *u,
    const char *without);

/** The same of another time, which begins and ends at full hours. */
void web_usage_filter_args_at(const struct web_usage_filter *f, struct url *u,
    int64_t from_ms, int64_t to_ms);

/** A choice of a form: "word|what it says", then NULL. */
void web_usage_select(struct tval *list, const char *name, const char *label,
    const char *const *options, struct str chosen);
/** The status of the page: 400 if something is unclear, which it says. */
int web_usage_filter_status(const struct web_usage_filter *f);
/** For what has no form to say so. Errors: ERR_BAD_PARAM if is_unclear. */
enum err web_usage_filter_clear(const struct web_usage_filter *f,
    struct error *e) ATTR_MUST_CHECK;
/** Add `filters`, `from`, `to`, `is_custom`, `has_filters`, `is_unclear`. */
void web_usage_filter_add(struct tval *o, const struct web_usage_filter *f);

#define WEB_USAGE_SELECT_KEYS(path)                                \
 { path, TVAL_LIST }, { path ".name", TVAL_TEXT },                 \
     { path ".label", TVAL_TEXT }, { path ".options", TVAL_LIST }, \
     { path ".options.value", TVAL_TEXT },                         \
     { path ".options.text", TVAL_TEXT },                          \
 {                                                                 \
  path ".options.is_on", TVAL_BOOL                                 \
 }
#define WEB_USAGE_FILTER_KEYS                                                \
 WEB_USAGE_SELECT_KEYS("filters"), { "filters.or_name", TVAL_TEXT },         \
     { "filters.or_label", TVAL_TEXT }, { "filters.or_text", TVAL_TEXT },    \
     { "filters.or_message", TVAL_TEXT }, { "is_unclear", TVAL_BOOL },       \
     { "from", TVAL_TEXT }, { "to", TVAL_TEXT }, { "is_custom", TVAL_BOOL }, \
     { "shown_from", TVAL_TEXT }, { "shown_to", TVAL_TEXT },                 \
 {                                                                           \
  "has_filters", TVAL_BOOL                                                   \
 }
extern const char *const web_range_options[];
/** The range's word in addresses. */
struct str web_usage_range(const struct web_usage_filter *f);

#endif
