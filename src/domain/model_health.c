/* SPDX-License-Identifier: MIT */
#include "domain/model_health.h"

#include <stdlib.h>

#include "base/clock.h"
#include "domain/usage_report.h"

static int
compare(const void *pa, const void *pb)
{
	const struct model_health *a = pa, *b = pb;

	if (a->model_id == b->model_id)
		return 0;
	return a->model_id < b->model_id ? -1 : 1;
}

static struct model_health *
find(struct model_health *h, size_t n, uint64_t model_id)
{
	const struct model_health key = { .model_id = model_id };

	return n ? bsearch(&key, h, n, sizeof(*h), compare) : NULL;
}

static enum err
load_rates(struct db *db, int64_t now_ms, enum model_health_span span,
    struct model_health *h, size_t n, struct arena *a, struct error *e)
{
	static const enum usage_dimension by[USAGE_BY_MAX] = { USAGE_BY_MODEL,
		USAGE_BY_NOTHING };
	static const int64_t length_ms[MODEL_HEALTH__N] = { DAY_MS,
		MODEL_HEALTH_DAYS * DAY_MS };
	const struct usage_filter f = { .from_ms = now_ms - length_ms[span],
		.to_ms = now_ms };
	struct usage_report r;
	enum err err = usage_report(db, by, &f, now_ms, a, &r, e);

	for (size_t i = 0; !err && i < r.n; i++) {
		struct model_health *m = find(h, n, r.groups[i].by[0]);

		if (!m)
			continue;
		m->requests[span] = r.groups[i].sums.requests;
		m->failed[span] = r.groups[i].failed_requests;
	}
	return err;
}

static enum err
load_last(struct db *db, const struct model_day *d,
    struct model_health_last *ret, struct arena *a, struct error *e)
{
	enum err err = store_model_last(db, d, a, &ret->last, e);

	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	ret->last.time_ms = d->day_ms;
	ret->is_day = true;
	return OK;
}

static enum err
load_lasts(struct db *db, int64_t now_ms, struct model_health *h, size_t n,
    struct arena *a, struct error *e)
{
	int64_t since_ms = rollup_start_ms(now_ms, ROLLUP_DAY) -
			   MODEL_HEALTH_DAYS * DAY_MS;
	struct model_day *days = NULL;
	size_t n_days = 0;
	enum err err = store_model_days(db, since_ms, a, &days, &n_days, e);

	for (size_t i = 0; !err && i < n_days; i++) {
		struct model_health *m = find(h, n, days[i].model_id);

		if (m)
			err = load_last(db, &days[i],
			    days[i].has_failed ? &m->failure : &m->ok, a, e);
	}
	return err;
}

enum err
model_health_load(struct db *db, int64_t now_ms, struct model_health *h,
    size_t n, struct arena *a, struct error *e)
{
	enum err err = OK;

	for (int i = 0; !err && i < MODEL_HEALTH__N; i++)
		err = load_rates(db, now_ms, (enum model_health_span)i, h, n, a,
		    e);
	return err ? err : load_lasts(db, now_ms, h, n, a, e);
}
