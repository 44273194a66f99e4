/* SPDX-License-Identifier: MIT */
#include "store/report.h"

#include "base/clock.h"
#include "store/fields.h"
#include "store/rollup.h"

static const struct db_field totals_fields[] = {
	DB_FIELD(struct report_totals, requests, U64),
	DB_FIELD(struct report_totals, failed_requests, U64),
	DB_FIELD(struct report_totals, unpriced_requests, U64),
	DB_FIELD(struct report_totals, estimated_requests, U64),
	DB_FIELD(struct report_totals, in_tok, U64),
	DB_FIELD(struct report_totals, out_tok, U64),
	DB_FIELD(struct report_totals, cost_pusd, MONEY),
	DB_FIELDS_HIST(struct report_totals, latency),
	DB_FIELDS_HIST(struct report_totals, ttft),
};
static const struct db_map totals_map = DB_MAP(struct report_totals,
    totals_fields);

static const struct db_field pulse_fields[] = {
	DB_FIELD(struct report_pulse, requests, U64),
	DB_FIELD(struct report_pulse, unpriced_requests, U64),
	DB_FIELD(struct report_pulse, cost_pusd, MONEY),
	DB_FIELD(struct report_pulse, refusals, U64),
	DB_FIELD(struct report_pulse, credited_pusd, MONEY),
	DB_FIELD(struct report_pulse, budgets_at_ms, TIME),
	DB_FIELD(struct report_pulse, delayed_since_ms, TIME),
};
static const struct db_map pulse_map = DB_MAP(struct report_pulse,
    pulse_fields);

static const struct db_field day_fields[] = {
	DB_FIELD(struct report_day, day_ms, DAY),
	DB_FIELD(struct report_day, requests, U64),
	DB_FIELD(struct report_day, failed_requests, U64),
	DB_FIELD(struct report_day, unpriced_requests, U64),
	DB_FIELD(struct report_day, in_tok, U64),
	DB_FIELD(struct report_day, out_tok, U64),
	DB_FIELD(struct report_day, cost_pusd, MONEY),
};
static const struct db_map day_map = DB_MAP(struct report_day, day_fields);

static const struct db_field model_fields[] = {
	DB_FIELD(struct report_model, model_id, U64),
	DB_FIELD(struct report_model, name, STR),
	DB_FIELD(struct report_model, requests, U64),
	DB_FIELD(struct report_model, failed_requests, U64),
	DB_FIELD(struct report_model, unpriced_requests, U64),
	DB_FIELD(struct report_model, in_tok, U64),
	DB_FIELD(struct report_model, out_tok, U64),
	DB_FIELD(struct report_model, cost_pusd, MONEY),
	DB_FIELD(struct report_model, latency_ms, U64),
};
static const struct db_map model_map = DB_MAP(struct report_model,
    model_fields);

static const struct db_field refusal_fields[] = {
	DB_FIELD(struct report_refusal, day_ms, DAY),
	DB_FIELD(struct report_refusal, reason, STR),
	DB_FIELD(struct report_refusal, refusals, U64),
};
static const struct db_map refusal_map = DB_MAP(struct report_refusal,
    refusal_fields);

enum err
store_report_totals(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t to_ms, struct report_totals *ret, struct error *e)
{
	struct report_totals totals;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(16));
	err = db_one(db, STMT_REPORT_TOTALS,
	    DB_IN(db_u64(customer_id), db_day(from_ms), db_day(to_ms)), &a,
	    &totals_map, &totals, e);
	if (err == OK)
		*ret = totals;
	arena_fini(&a);
	return err;
}

enum err
store_report_pulse(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t refused_ms, struct report_pulse *ret, struct error *e)
{
	struct arena a;
	enum err err;

	arena_init(&a, KIB(16));
	err = db_one(db, STMT_REPORT_PULSE,
	    DB_IN(db_u64(customer_id),
		db_time(rollup_start_ms(refused_ms, ROLLUP_HOUR)),
		db_u64(customer_id), db_u64(customer_id), db_u64(customer_id),
		db_day(rollup_start_ms(from_ms, ROLLUP_MONTH))),
	    &a, &pulse_map, ret, e);
	arena_fini(&a);
	return err;
}

enum err
store_report_spent_before(struct db *db, uint64_t customer_id, int64_t month_ms,
    int64_t *ret_pusd, struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct report_totals, cost_pusd, MONEY),
	};
	static const struct db_map map = DB_MAP(struct report_totals, fields);
	struct report_totals sum;
	struct arena a;
	enum err err;

	arena_init(&a, KIB(16));
	err = db_one(db, STMT_REPORT_SPENT_BEFORE,
	    DB_IN(db_u64(customer_id),
		db_day(rollup_start_ms(month_ms, ROLLUP_MONTH))),
	    &a, &map, &sum, e);
	if (!err)
		*ret_pusd = sum.cost_pusd;
	arena_fini(&a);
	return err;
}

enum err
store_report_days(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t to_ms, struct arena *a, struct report_day **ret, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_REPORT_DAYS,
	    DB_IN(db_u64(customer_id), db_day(from_ms), db_day(to_ms)), a,
	    &day_map, ret, ret_n, e);
}

enum err
store_report_models(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t to_ms, struct arena *a, struct report_model **ret, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_REPORT_MODELS,
	    DB_IN(db_u64(customer_id), db_day(from_ms), db_day(to_ms)), a,
	    &model_map, ret, ret_n, e);
}

enum err
store_report_refusals(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t to_ms, struct arena *a, struct report_refusal **ret, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_REPORT_REFUSALS,
	    DB_IN(db_u64(customer_id), db_day(from_ms), db_day(to_ms)), a,
	    &refusal_map, ret, ret_n, e);
}
