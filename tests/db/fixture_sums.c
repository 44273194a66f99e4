/* SPDX-License-Identifier: MIT */
#include "db/fixture_sums.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/refusal.h"
#include "store/rollup.h"
#include "store/usage.h"

struct db *sums_root;

int
sums_setup(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	sums_root = fixture_connect(FIXTURE_ROOT);
	fixture_sql(sums_root, "USE tollgate");
	return 0;
}

int
sums_teardown(void **state)
{
	(void)state;
	db_free(sums_root);
	return 0;
}

void
sums_fill_usage(void)
{
	static struct usage_row rows[SUMS_USAGE_ROWS];
	struct fixture f;

	fixture_init(&f, FIXTURE_APP);
	for (unsigned i = 0; i < SUMS_USAGE_ROWS; i++) {
		struct usage_row *r = &rows[i];

		*r = fixture_usage(1 + i % 2, 1 + i % 19, 1 + i % 7);
		r->request_timestamp_ms = SUMS_FIRST_MONTH_MS +
					  i / 3 * SUMS_STEP_MS;
		r->request_id = uuid7_new(r->request_timestamp_ms);
		r->user_id = 1 + i % 17;
		r->project_id = i % 5;
		r->agent_id = i % 23;
		r->connector_id = i % 29;
		r->provider_id = i % 13 % 3; /* 0: none was reached */
		r->status = (enum usage_status)(i % USAGE_STATUS__MAX);
		r->latency_ms = i * 7919 % 30011;
		r->tok[TOK_NORMAL][TOK_IN] = i;
		r->cost_pusd = 1 + i * INT64_C(1234567);
		if (i % 11 == 0)
			r->cost_pusd = r->provider_cost_pusd = DB_MONEY_NULL;
	}
	(void)fixture_customer(&f, 1);
	(void)fixture_customer(&f, 2);
	assert_db_ok(&f, store_usage_insert(f.db, rows, SUMS_USAGE_ROWS, &f.e));
	assert_db_ok(&f,
	    store_rollup_usage(f.db, rows, SUMS_USAGE_ROWS, &f.a, &f.e));
	fixture_fini(&f);
}

void
sums_fill_refusals(void)
{
	enum {
		AT_ONCE = 160,
		N = 40 * AT_ONCE
	};
	static struct usage_refusal rows[N];
	struct fixture f;

	for (unsigned i = 0; i < N; i++)
		rows[i] = (struct usage_refusal){ .customer_id = 1 + i % 2,
			.hour_ms = SUMS_REFUSED_MS +
				   (int64_t)(i / AT_ONCE) * 37 * HOUR_MS,
			.api_key_id = 1 + i / 2 % 20,
			.model_id = 1 + i / 40 % 2,
			.reason = i / 80 % 2 ? S("rate_limit_exceeded")
					     : S("model_not_allowed"),
			.refusals = 1 + i % 7 };
	fixture_init(&f, FIXTURE_APP);
	qsort(rows, N, sizeof(rows[0]), usage_refusal_compare);
	/* A later batch adds to what is there. */
	for (int i = 0; i < 2; i++)
		assert_db_ok(&f, store_refusal_add(f.db, rows, N, &f.a, &f.e));
	fixture_fini(&f);
}

uint64_t
sums_rows_read(struct db *db)
{
	return fixture_number(db,
	    "SELECT SUM(variable_value) FROM information_schema.session_status "
	    "WHERE variable_name IN ('Handler_read_first', "
	    "'Handler_read_key', 'Handler_read_next', 'Handler_read_rnd_next')");
}
