/* SPDX-License-Identifier: MIT */
/*
 * Limits as numbers: what can be limited, and which of it somebody states.
 * Settings, the database's rows, the command line and the limiter all speak
 * of them by the names of limit_metrics.def. What they mean when a request
 * comes is domain/limit's business.
 */
#ifndef TG_BASE_LIMIT_SET_H
#define TG_BASE_LIMIT_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Whom a counter is for. */
enum limit_scope {
	LIMIT_KEY_MODEL, /* a key, each model apart */
	LIMIT_KEY,
	LIMIT_CUSTOMER,
	LIMIT_MODEL,   /* everybody who uses the model */
	LIMIT_ADDRESS, /* of the client; /64 of IPv6 */
	LIMIT__SCOPES
};

enum limit_unit {
	LIMIT_REQUESTS,
	LIMIT_TOKENS, /* prompt and output */
	LIMIT__UNITS
};

/* Fixed windows, in UTC. */
enum limit_window {
	LIMIT_MINUTE,
	LIMIT_HOUR,
	LIMIT_DAY,
	LIMIT__WINDOWS
};

enum limit_metric {
#define LIMIT_METRIC(scope, unit, window, name, space) \
 LIMIT_##scope##_##unit##_##window,
#include "base/limit_metrics.def"
#undef LIMIT_METRIC
	LIMIT__COUNTED, /* those above are counted in windows */
	/* Requests of a key that run at once. */
	LIMIT_CONCURRENT = LIMIT__COUNTED,
	/* 1: the previous window counts by the share that is still covered. */
	LIMIT_SLIDING,
	LIMIT__METRICS
};

struct limit_metric_info {
	enum limit_scope scope;
	enum limit_unit unit;
	enum limit_window window;
	const char *name;
	const char *space; /* NULL: not counted in a window */
};

extern const struct limit_metric_info limit_metrics[LIMIT__METRICS];
/* The names alone, for columns. */
extern const char *const limit_metric_names[LIMIT__METRICS];

#define LIMIT_UNSTATED   (-1) /* look at the next layer */
/* Largest number of a limit: its product with a day's ms fits 64 bits. */
#define LIMIT_AMOUNT_MAX INT64_C(100000000000)
/* Of the two that are columns of tiers, customers and keys. */
#define LIMIT_RATE_MAX   INT64_C(1000000000)

/* What one layer states; zeroed, it says nothing. A max of 0 means that
 * nothing is enforced. */
struct limit_set {
	uint32_t stated; /* bits of enum limit_metric */
	int64_t max[LIMIT__METRICS];
};
_Static_assert(LIMIT__METRICS <= 32, "bits of limit_set.stated");

static inline bool
limit_set_states(const struct limit_set *set, enum limit_metric metric)
{
	return (set->stated & UINT32_C(1) << metric) != 0;
}

/** max < 0: says nothing any more. */
void limit_set_put(struct limit_set *set, enum limit_metric metric,
    int64_t max);
/** LIMIT_UNSTATED when nothing is said. */
int64_t limit_set_get(const struct limit_set *set, enum limit_metric metric);
/** Add what a farther layer states and set doesn't. */
void limit_set_inherit(struct limit_set *set, const struct limit_set *farther);

bool limit_metric_parse(struct str name, enum limit_metric *ret);
/** The largest number that it may have. */
int64_t limit_metric_max(enum limit_metric metric);

/* Called for each item of a list, in its order. */
typedef enum err limit_item_fn(void *ctx, enum limit_metric metric, int64_t max,
    struct error *e);
/**
 * Read "key.tokens.minute=90000, customer.requests.day=none".
 * @fn  gets each number, LIMIT_UNSTATED for none
 * Errors: ERR_BAD_PARAM with words for whoever wrote it; fn's.
 */
enum err limit_list_parse(struct str list, limit_item_fn *fn, void *ctx,
    struct error *e) ATTR_MUST_CHECK;
/** The same into a set, item by item. */
enum err limit_set_parse(struct str list, struct limit_set *set,
    struct error *e) ATTR_MUST_CHECK;

#endif
