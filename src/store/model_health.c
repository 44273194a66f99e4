/* SPDX-License-Identifier: MIT */
#include "store/model_health.h"

#include "base/clock.h"

static const struct db_field day_fields[] = {
	DB_FIELD(struct model_day, model_id, U64),
	DB_FIELD(struct model_day, has_failed, BOOL),
	DB_FIELD(struct model_day, day_ms, TIME),
};
static const struct db_map day_map = DB_MAP(struct model_day, day_fields);

static const struct db_field last_fields[] = {
	DB_FIELD(struct model_last, time_ms, TIME),
	DB_FIELD_ENUM(struct model_last, status, usage_status_names),
	DB_FIELD(struct model_last, error_code, STR),
};
static const struct db_map last_map = DB_MAP(struct model_last, last_fields);

enum err
store_model_days(struct db *db, int64_t since_ms, struct arena *a,
    struct model_day **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_MODEL_DAYS, DB_IN(db_time(since_ms)), a,
	    &day_map, ret, ret_n, e);
}

enum err
store_model_last(struct db *db, const struct model_day *d, struct arena *a,
    struct model_last *ret, struct error *e)
{
	int64_t end_ms = d->day_ms + DAY_MS;

	return db_one(db, STMT_MODEL_LAST,
	    DB_IN(db_u64(d->model_id), db_time(d->day_ms), db_time(end_ms),
		db_bool(d->has_failed), db_u64(d->model_id), db_time(d->day_ms),
		db_time(end_ms), db_u64(MODEL_LAST_ROWS - 1),
		db_time(d->day_ms)),
	    a, &last_map, ret, e);
}
