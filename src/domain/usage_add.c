/* SPDX-License-Identifier: MIT */
#include "domain/usage_add.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json_out.h"
#include "base/money.h"
#include "domain/budget_move.h"
#include "domain/price.h"
#include "domain/principal.h"
#include "domain/usage_ids.h"
#include "store/db.h"
#include "store/ledger.h"
#include "store/price.h"
#include "store/rollup.h"

#define CAUSE_BYTES     32 /* a new id, zeros, customer id */
#define AUDIT_BYTES_MAX KIB(32)

struct work {
	struct manager m; /* db is the transaction's */
	struct usage_add *u;
	struct arena *a;
	struct usage_view *rows;
	struct usage_ids ids;
};

/* ---- rows ---- */

static enum err
whose(struct work *w, const struct usage_event *ev, struct usage_row *row,
    struct error *e)
{
	const struct principal *who = w->m.who;
	bool is_key = who && who->kind == PRINCIPAL_KEY;
	const struct usage_known *user;
	enum err err;

	row->user_id = ev->user_id ? ev->user_id : is_key ? who->user_id : 0;
	if (!row->user_id)
		return error_public(e, ERR_BAD_PARAM, "user_id",
		    "'user_id' is needed.");
	err = usage_ids_find(&w->ids, USAGE_THING_USER, row->user_id, 0, &user,
	    e);
	if (err)
		return err;
	row->customer_id = user->customer_id;
	row->api_key_id = ev->api_key_id ? ev->api_key_id
			  : is_key       ? who->api_key_id
					 : 0;
	row->project_id = ev->project_id ? ev->project_id
			  : is_key       ? who->project_id
					 : 0;
	row->agent_id = ev->agent_id;
	row->connector_id = ev->connector_id;
	err = usage_ids_check(&w->ids, USAGE_THING_KEY, row->api_key_id,
	    row->customer_id, e);
	if (!err)
		err = usage_ids_check(&w->ids, USAGE_THING_PROJECT,
		    row->project_id, row->customer_id, e);
	if (!err)
		err = usage_ids_check(&w->ids, USAGE_THING_AGENT, row->agent_id,
		    row->customer_id, e);
	if (!err)
		err = usage_ids_check(&w->ids, USAGE_THING_CONNECTOR,
		    row->connector_id, row->customer_id, e);
	return err;
}

static enum err
set_cost(struct work *w, const struct usage_known *model, struct usage_row *row,
    struct error *e)
{
	const struct price *price = NULL;
	const struct usage_known *customer;
	struct tokens used;
	struct cost cost;
	enum err err = usage_ids_find(&w->ids, USAGE_THING_CUSTOMER,
	    row->customer_id, 0, &customer, e);

	if (err)
		return err;
	row->markup_ppm = customer->markup_ppm;
	row->cost_pusd = row->provider_cost_pusd = DB_MONEY_NULL;
	for (size_t i = 0; i < model->n_prices && !price; i++)
		if (model->prices[i].effective_from_ms <=
		    row->request_timestamp_ms)
			price = &model->prices[i];
	if (!price)
		return OK;
	memcpy(used.tok, row->tok, sizeof(used.tok));
	err = price_reported(price, &used, row->status, row->markup_ppm, &cost,
	    e);
	if (err)
		return err;
	row->price_version_id = price->price_version_id;
	row->cost_pusd = cost.charged_pusd;
	row->provider_cost_pusd = cost.provider_pusd;
	return OK;
}

static enum err
make_row(struct work *w, const struct usage_event *ev, struct usage_row *row,
    struct error *e)
{
	int64_t time_ms = ev->time_ms ? ev->time_ms : w->m.now_ms;
	const struct usage_known *model;
	enum err err;

	*row = (struct usage_row){
		/* So ids and times are in the same order, as of requests. */
		.request_id = uuid7_new(time_ms),
		.request_timestamp_ms = time_ms,
		.model_id = ev->model_id,
		.status = ev->status,
		.usage_source = ev->usage_source,
		.origin = USAGE_API,
		.latency_ms = ev->latency_ms,
		.time_to_first_token_ms = ev->time_to_first_token_ms,
		.attempts = 1,
	};
	memcpy(row->tok, ev->tok, sizeof(row->tok));
	err = whose(w, ev, row, e);
	if (!err)
		err = usage_ids_find(&w->ids, USAGE_THING_MODEL, ev->model_id,
		    0, &model, e);
	if (err)
		return err;
	row->model_requested = model->name;
	return set_cost(w, model, row, e);
}

/* ---- books ---- */

static int
compare_customers(const void *a, const void *b)
{
	const struct ledger_usage *x = a, *y = b;

	return (x->customer_id > y->customer_id) -
	       (x->customer_id < y->customer_id);
}

static struct str
cause_of(struct arena *a, const struct uuid7 *id, uint64_t customer_id)
{
	uint8_t *p = arena_alloc(a, CAUSE_BYTES);

	if (!p)
		return (struct str){ NULL, 0 };
	memset(p, 0, CAUSE_BYTES);
	memcpy(p, id->b, UUID7_BYTES);
	for (unsigned i = 0; i < 8; i++)
		p[24 + i] = (uint8_t)(customer_id >> (56 - 8 * i));
	return str_make((const char *)p, CAUSE_BYTES);
}

static enum err
post_ledger(struct work *w, const struct usage_row *rows, size_t n,
    struct error *e)
{
	struct ledger_usage *posts = arena_array(w->a, struct ledger_usage, n);
	struct uuid7 id = uuid7_new(w->m.now_ms);
	size_t n_in = 0, n_out = 0;

	if (!posts)
		return error_arena(e, w->a);
	for (size_t i = 0; i < n; i++)
		if (rows[i].cost_pusd != DB_MONEY_NULL)
			posts[n_in++] = (struct ledger_usage){
				.customer_id = rows[i].customer_id,
				.amount_pusd = rows[i].cost_pusd
			};
	qsort(posts, n_in, sizeof(*posts), compare_customers);
	for (size_t i = 0; i < n_in; i++) {
		struct ledger_usage *last = &posts[n_out ? n_out - 1 : 0];
		enum err err = OK;

		if (n_out > 0 && last->customer_id == posts[i].customer_id)
			err = money_add(last->amount_pusd, posts[i].amount_pusd,
			    &last->amount_pusd, e);
		else
			posts[n_out++] = posts[i];
		if (err)
			return err;
	}
	for (size_t i = 0; i < n_out; i++) {
		posts[i].cause = cause_of(w->a, &id, posts[i].customer_id);
		if (!posts[i].cause.p)
			return error_arena(e, w->a);
	}
	return n_out ? store_ledger_usage(w->m.db, posts, n_out, w->a, e) : OK;
}

static enum err
move_budgets(struct work *w, const struct usage_row *rows, size_t n,
    struct error *e)
{
	struct budget_event *v = arena_array(w->a, struct budget_event, n);
	size_t n_out = 0;

	if (!v)
		return error_arena(e, w->a);
	for (size_t i = 0; i < n; i++)
		if (rows[i].cost_pusd != DB_MONEY_NULL && rows[i].cost_pusd)
			v[n_out++] = (struct budget_event){
				.customer_id = rows[i].customer_id,
				.project_id = rows[i].project_id,
				.api_key_id = rows[i].api_key_id,
				.time_ms = rows[i].request_timestamp_ms,
				.change_pusd = rows[i].cost_pusd,
			};
	return n_out ? budget_move(w->m.db, v, n_out, w->a, e) : OK;
}

static enum err
write_rows(struct work *w, struct error *e)
{
	size_t n = w->u->n;
	struct usage_row *rows = arena_array(w->a, struct usage_row, n);
	enum err err = OK;

	w->rows = arena_array(w->a, struct usage_view, n);
	if (!rows || !w->rows)
		return error_arena(e, w->a);
	for (w->ids.at = 0; w->ids.at < n && !err; w->ids.at++)
		err = make_row(w, &w->u->events[w->ids.at], &rows[w->ids.at],
		    e);
	for (size_t i = 0; i < n && !err; i++)
		w->rows[i].row = rows[i];
	if (!err)
		err = store_usage_insert(w->m.db, rows, n, e);
	/* Before the sums are locked: a customer's flusher waits for those. */
	if (!err)
		err = store_usage_posted(w->m.db, w->a, w->rows, n, e);
	if (!err)
		err = store_rollup_usage(w->m.db, rows, n, w->a, e);
	if (!err)
		err = post_ledger(w, rows, n, e);
	return err ? err : move_budgets(w, rows, n, e);
}

static int
compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Whose rows they are, each once; NULL: the arena is full. */
static uint64_t *
customers_of(struct work *w, size_t *ret_n)
{
	uint64_t *ids = arena_array(w->a, uint64_t, w->u->n);
	size_t n = 0;

	if (!ids)
		return NULL;
	for (size_t i = 0; i < w->u->n; i++)
		ids[i] = w->rows[i].row.customer_id;
	qsort(ids, w->u->n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < w->u->n; i++)
		if (n == 0 || ids[n - 1] != ids[i])
			ids[n++] = ids[i];
	*ret_n = n;
	return ids;
}

/* How much, whose, and by which claim it would be found again. */
static enum err
describe(struct work *w, const uint64_t *customers, size_t n, struct str *ret,
    struct error *e)
{
	char claim[2 * IDEMPOTENCY_DIGEST_BYTES + 1];
	struct json_out j;
	struct buf b;

	buf_init(&b, w->a, AUDIT_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_member_u64(&j, "events", w->u->n);
	json_out_key(&j, "customer_ids");
	json_out_array(&j);
	for (size_t i = 0; i < n; i++)
		json_out_u64(&j, customers[i]);
	json_out_array_end(&j);
	if (w->u->idempotency) {
		hex_encode(w->u->idempotency->claim, IDEMPOTENCY_DIGEST_BYTES,
		    claim);
		json_out_member_str(&j, "idempotency_claim", str_from(claim));
	}
	json_out_object_end(&j);
	return buf_finish(&b, ret, e);
}

/* One row of the audit log a call, not an event: those are rows themselves. */
static enum err
write_audit(struct work *w, struct error *e)
{
	struct audit row = w->m.audit;
	struct str changes;
	size_t n = 0;
	uint64_t *customers = customers_of(w, &n);
	enum err err;

	if (!customers)
		return error_arena(e, w->a);
	err = describe(w, customers, n, &changes, e);
	if (err)
		return err;
	row.action = S("usage.add");
	row.object = S("usage");
	row.object_id = w->u->n == 1 ? w->rows[0].usage_id : 0;
	row.customer_id = n == 1 ? customers[0] : 0;
	row.is_success = true;
	row.detail = store_audit_detail(&row, changes, w->a);
	return row.detail.p ? store_audit_insert(w->m.db, &row, e)
			    : error_arena(e, w->a);
}

/* What the same key was answered; ret_is_known false: nothing yet. */
static enum err
look_back(struct work *w, bool *ret_is_known, struct error *e)
{
	const struct idempotency *now = w->u->idempotency;
	struct idempotency then = { 0 };
	enum err err;

	*ret_is_known = false;
	if (!now)
		return OK;
	err = store_idempotency_find(w->m.db, now->claim, now->customer_id,
	    w->a, &then, e);
	if (err)
		return err == ERR_NOT_FOUND ? OK : err;
	if (memcmp(then.body, now->body, sizeof(then.body)) != 0)
		return error_public(e, ERR_IDEMPOTENCY_KEY, "idempotency-key",
		    "That Idempotency-Key was used with another body.");
	*ret_is_known = true;
	w->u->is_replay = true;
	w->u->answer = then.answer;
	w->u->first = then;
	return OK;
}

static enum err
remember(struct work *w, struct error *e)
{
	struct idempotency i;
	enum err err;

	if (!w->u->idempotency)
		return OK;
	i = *w->u->idempotency;
	i.answer = w->u->answer;
	err = store_idempotency_insert(w->m.db, &i, IDEMPOTENCY_KEEP_S, e);
	/* Somebody else has just done it: look again. */
	return err == ERR_CONFLICT
		   ? error_set(e, ERR_DB_RETRY, "the same key at once")
		   : err;
}

/* db_txn_fn: may run several times. */
static enum err
run(struct db *db, void *arg, struct error *e)
{
	struct work *w = arg;
	bool is_known;
	enum err err;

	w->m.db = db;
	w->ids =
	    (struct usage_ids){ .m = &w->m, .a = w->a, .n_events = w->u->n };
	w->u->is_replay = false;
	err = look_back(w, &is_known, e);
	if (err || is_known)
		return err;
	err = write_rows(w, e);
	if (!err)
		err = write_audit(w, e);
	if (!err)
		err = w->u->render(w->rows, w->u->n, w->u->arg, w->a,
		    &w->u->answer, e);
	return err ? err : remember(w, e);
}

enum err
usage_add(const struct manager *m, struct usage_add *u, struct arena *a,
    struct error *e)
{
	struct work w = { .m = *m, .u = u, .a = a };

	ASSERT(u->n >= 1 && u->n <= USAGE_ADD_MAX);
	return db_txn(m->db, run, &w, e);
}
