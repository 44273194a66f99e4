/* SPDX-License-Identifier: MIT */
#include "fake_store.h"

#include <string.h>

#include "base/clock.h"
#include "domain/catalogue.h"
#include "store/budget.h"
#include "store/customer.h"
#include "store/db_pool.h"
#include "store/host.h"
#include "store/key.h"
#include "store/name.h"
#include "store/usage_page.h"

/* They take what the store's functions take, and need little of it. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

struct fake_store fake;

void
fake_store_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.name = "Analytical Engines Ltd";
	fake.n_customers = 3;
	fake.users[0] = (struct user){ .user_id = FAKE_OWNER,
		.customer_id = FAKE_CUSTOMER,
		.name = S("Ada"),
		.email = S(FAKE_EMAIL),
		.role = USER_OWNER,
		.is_active = true,
		.customer_is_active = true };
	fake.users[1] = fake.users[0];
	fake.users[1].user_id = FAKE_OPERATOR;
	fake.users[1].customer_id = 0;
	fake.users[1].email = S(FAKE_OPERATOR_EMAIL);
	fake.users[1].role = USER_OPERATOR;
}

enum err
db_pool_take(struct db_pool *pool, int64_t wait_ms, struct db **ret_db,
    struct error *e)
{
	if (fake.is_down)
		return error_set(e, ERR_DB_DOWN, "10.1.2.3: refused");
	*ret_db = NULL;
	return OK;
}

void
db_pool_give(struct db_pool *pool, struct db *db)
{
}

enum err
db_snapshot(struct db *db, db_txn_fn *fn, void *arg, struct error *e)
{
	return fn(db, arg, e);
}

enum err
db_txn(struct db *db, db_txn_fn *fn, void *arg, struct error *e)
{
	return fn(db, arg, e);
}

/* The customer, its keys, its usage. */

enum err
store_customer_by_id(struct db *db, uint64_t customer_id, struct arena *a,
    struct customer *ret, struct error *e)
{
	if (customer_id != FAKE_CUSTOMER && customer_id != FAKE_OTHER)
		return error_set(e, ERR_NOT_FOUND, "no such customer");
	*ret = (struct customer){ .customer_id = customer_id,
		.name = str_from(fake.name),
		.email = S(FAKE_EMAIL),
		.company = S("Engines"),
		.markup_ppm = 1000000,
		.is_active = true,
		.created_at_ms = FAKE_NOW_MS - 90 * DAY_MS };
	return OK;
}

enum err
store_customer_list(struct db *db, struct str find, uint64_t after_id,
    uint64_t limit, struct arena *a, struct customer **ret, size_t *ret_n,
    struct error *e)
{
	size_t n = fake.n_customers < limit ? fake.n_customers : (size_t)limit;
	struct customer *c = arena_array(a, struct customer, n);
	if (!c)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++) {
		enum err err = store_customer_by_id(db, FAKE_CUSTOMER, a, &c[i],
		    e);
		if (err)
			return err;
		c[i].customer_id = after_id + 1 + i;
		c[i].is_active = i != 1;
		c[i].archived_at_ms = i == 2 ? FAKE_NOW_MS : 0;
	}
	*ret = c;
	*ret_n = n;
	return OK;
}

/* A month with a weekly rhythm, a growing trend and one bad day. */
static struct report_day
day_numbers(int64_t day_ms)
{
	int64_t day = day_ms / DAY_MS;
	struct report_day d = { .day_ms = day * DAY_MS };
	if (fake.is_empty || day % 11 == 4)
		return d;
	bool is_weekend = day % 7 == 2 || day % 7 == 3;
	d.requests = (uint64_t)(420 + day % 30 * 21 + day % 5 * 37) /
		     (is_weekend ? 3 : 1);
	d.failed_requests = day % 13 == 5 ? d.requests / 4 : d.requests / 150;
	d.in_tok = d.requests * 812 + (uint64_t)day % 97;
	d.out_tok = d.requests * 167 + (uint64_t)day % 89;
	d.cost_pusd = (int64_t)(d.in_tok * 150000 + d.out_tok * 600000);
	return d;
}

enum err
store_report_days(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t to_ms, struct arena *a, struct report_day **ret, size_t *ret_n,
    struct error *e)
{
	size_t n = 0;
	struct report_day *days = arena_array(a, struct report_day, 400);
	if (!days)
		return error_arena(e, a);
	for (int64_t t = from_ms - from_ms % DAY_MS; t <= to_ms; t += DAY_MS) {
		days[n] = day_numbers(t);
		n += days[n].requests > 0;
	}
	*ret = days;
	*ret_n = n;
	return OK;
}

enum err
store_report_totals(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t to_ms, struct report_totals *ret, struct error *e)
{
	struct report_totals t = { .requests = 0 };
	for (int64_t day = from_ms - from_ms % DAY_MS; day <= to_ms;
	     day += DAY_MS) {
		struct report_day d = day_numbers(day);
		t.requests += d.requests;
		t.failed_requests += d.failed_requests;
		t.in_tok += d.in_tok;
		t.out_tok += d.out_tok;
		t.cost_pusd += d.cost_pusd;
	}
	t.unpriced_requests = t.requests > 5000 ? 2 : 0;
	t.estimated_requests = t.requests > 5000 ? 31 : 0;
	t.latency.n[15] = t.requests * 6 / 10;
	t.latency.n[17] = t.requests * 3 / 10;
	t.ttft.n[11] = t.requests * 8 / 10;
	t.ttft.n[14] = t.requests - t.ttft.n[11];
	t.latency.n[20] = t.requests - t.latency.n[15] - t.latency.n[17];
	*ret = t;
	return OK;
}

enum err
store_report_models(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t to_ms, struct arena *a, struct report_model **ret, size_t *ret_n,
    struct error *e)
{
	struct report_totals t;
	enum err err = store_report_totals(db, customer_id, from_ms, to_ms, &t,
	    e);
	if (err)
		return err;
	struct report_model *m = arena_array(a, struct report_model, 2);
	if (!m)
		return error_arena(e, a);
	m[0] = (struct report_model){ .model_id = 2,
		.name = S("lawgent-thinking"),
		.requests = t.requests / 3,
		.failed_requests = t.failed_requests,
		.in_tok = t.in_tok / 2,
		.out_tok = t.out_tok,
		.cost_pusd = t.cost_pusd,
		.latency_ms = t.requests / 3 * 1830 };
	m[1] = (struct report_model){ .model_id = 1,
		.name = fake.name[0] == 'A' ? S("gpt2") : str_from(fake.name),
		.requests = t.requests - t.requests / 3,
		.in_tok = t.in_tok - t.in_tok / 2,
		.latency_ms = (t.requests - t.requests / 3) * 210 };
	*ret = m;
	*ret_n = fake.is_empty ? 0 : 2;
	return OK;
}

enum err
store_report_refusals(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t to_ms, struct arena *a, struct report_refusal **ret, size_t *ret_n,
    struct error *e)
{
	struct report_refusal *r = arena_array(a, struct report_refusal, 4);
	if (!r)
		return error_arena(e, a);
	/* One of the 30 days, one of the 7, and today. */
	r[0] = (struct report_refusal){ to_ms - 20 * DAY_MS,
		S("model_not_allowed"), 9 };
	r[1] = (struct report_refusal){ to_ms - 20 * DAY_MS,
		S("rate_limit_exceeded"), 80 };
	r[2] = (struct report_refusal){ to_ms - 2 * DAY_MS,
		S("rate_limit_exceeded"), 60 };
	r[3] = (struct report_refusal){ to_ms, S("rate_limit_exceeded"), 1 };
	*ret = r;
	*ret_n = fake.is_empty ? 0 : 4;
	return OK;
}

enum err
store_report_pulse(struct db *db, uint64_t customer_id, int64_t from_ms,
    int64_t refused_ms, struct report_pulse *ret, struct error *e)
{
	fake.n_pulses++;
	*ret = (struct report_pulse){ .requests = fake.n_new_requests };
	return OK;
}

enum err
store_host_delayed_since(struct db *db, int64_t *ret_ms, struct error *e)
{
	*ret_ms = 0;
	return OK;
}

/* The customer's own budget; nothing is prepaid. */
enum err
store_budget_page(struct db *db, enum budget_scope scope, uint64_t tenant,
    uint64_t from, uint64_t to, const struct budget_starts *starts,
    struct arena *a, struct budget **ret, size_t *ret_n, struct error *e)
{
	struct budget *b = arena_new(a, struct budget);

	if (!b)
		return error_arena(e, a);
	*b = (struct budget){ .customer_id = tenant,
		.scope = scope,
		.scope_id = tenant,
		.terms = { .amount_pusd = INT64_C(9000000000000000),
		    .kind = BUDGET_HARD,
		    .period = BUDGET_MONTH },
		.spent_pusd = INT64_C(2250123400000000) };
	*ret = b;
	*ret_n = scope == BUDGET_CUSTOMER && !fake.is_empty;
	return OK;
}

enum {
	N_KEYS = 2
};

enum err
store_key_ending(struct db *db, uint64_t customer_id, int64_t to_ms,
    uint64_t limit, struct arena *a, struct key **ret, size_t *ret_n,
    struct error *e)
{
	struct key *k = arena_array(a, struct key, N_KEYS);

	if (!k)
		return error_arena(e, a);
	k[0] = (struct key){ .api_key_id = 32,
		.public_id = S("b7Lm0PzQ4a"),
		.name = S("Notebook of Grace"),
		.expires_at_ms = FAKE_NOW_MS + 2 * DAY_MS };
	k[1] = (struct key){ .api_key_id = 31,
		.public_id = S("Kq3vN8sT1x"),
		.name = fake.name[0] == 'A' ? S("Web shop, production")
					    : str_from(fake.name),
		.expires_at_ms = FAKE_NOW_MS + 9 * DAY_MS };
	*ret = k;
	*ret_n = fake.is_empty ? 0 : limit < N_KEYS ? (size_t)limit : N_KEYS;
	return OK;
}

enum err
store_key_first(struct db *db, uint64_t tenant, const struct key_filter *f,
    uint64_t limit, struct arena *a, struct key **ret, size_t *ret_n,
    uint64_t *ret_next, struct error *e)
{
	(void)f;
	*ret_next = 0;
	return store_key_ending(db, tenant, 0, limit, a, ret, ret_n, e);
}

const char *const usage_status_names[USAGE_STATUS__MAX] = { "ok",
	"upstream_error", "timeout", "client_closed", "interrupted" };

enum err
store_usage_page(struct db *db, uint64_t tenant, const struct usage_filter *f,
    struct usage_cursor after, uint64_t limit, struct arena *a,
    struct usage_view **ret, size_t *ret_n, struct usage_cursor *ret_next,
    struct error *e)
{
	struct usage_view *v = arena_array(a, struct usage_view, 2);

	if (!v)
		return error_arena(e, a);
	for (int i = 0; i < 2; i++) {
		v[i].row.api_key_id = 31;
		v[i].row.request_timestamp_ms = FAKE_NOW_MS - 42000 - i * 900;
		v[i].row.model_requested = S("gpt2");
		v[i].row.latency_ms = 412;
		v[i].row.time_to_first_token_ms = i ? -1 : 57;
		v[i].row.status = i ? USAGE_TIMEOUT : USAGE_OK;
		v[i].cost_pusd = i ? DB_MONEY_NULL : INT64_C(123400000);
	}
	*ret = v;
	*ret_next = (struct usage_cursor){ 0 };
	*ret_n = fake.is_empty ? 0 : 2;
	return OK;
}

enum err
store_name_find(struct db *db, enum name_kind kind, uint64_t customer_id,
    const uint64_t *ids, size_t n, struct arena *a, struct name **ret,
    size_t *ret_n, struct error *e)
{
	struct name *found = arena_new(a, struct name);

	if (!found)
		return error_arena(e, a);
	*found = (struct name){ ids[0], fake.name[0] == 'A'
					    ? S("Web shop, production")
					    : str_from(fake.name) };
	*ret = found;
	*ret_n = 1;
	return OK;
}
