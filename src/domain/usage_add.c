/* SPDX-License-Identifier: MIT */
#include "domain/usage_add.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "domain/budget_move.h"
#include "domain/price.h"
#include "domain/principal.h"
#include "domain/usage_text.h"
#include "store/customer.h"
#include "store/db.h"
#include "store/key.h"
#include "store/label.h"
#include "store/ledger.h"
#include "store/model.h"
#include "store/price.h"
#include "store/rollup.h"
#include "store/user.h"

#define CAUSE_BYTES 32 /* a new id, zeros, customer id */

/* ---- reading ---- */

struct usage_event
usage_event_init(void)
{
	return (struct usage_event){ .time_to_first_token_ms = -1 };
}

enum event_kind {
	EVENT_ID,
	EVENT_NUMBER, /* int64_t below 0: unknown */
	EVENT_TIME,
	EVENT_STATUS,
	EVENT_SOURCE,
};

struct event_member {
	const char *name;
	enum event_kind kind;
	size_t off;
};

#define AT(m) offsetof(struct usage_event, m)
static const struct event_member event_members[] = {
	{ "user_id", EVENT_ID, AT(user_id) },
	{ "api_key_id", EVENT_ID, AT(api_key_id) },
	{ "project_id", EVENT_ID, AT(project_id) },
	{ "agent_id", EVENT_ID, AT(agent_id) },
	{ "connector_id", EVENT_ID, AT(connector_id) },
	{ "model_id", EVENT_ID, AT(model_id) },
	{ "request_timestamp", EVENT_TIME, AT(time_ms) },
	{ "request_status", EVENT_STATUS, AT(status) },
	{ "usage_source", EVENT_SOURCE, AT(usage_source) },
	{ "latency_ms", EVENT_NUMBER, AT(latency_ms) },
	{ "time_to_first_token_ms", EVENT_NUMBER, AT(time_to_first_token_ms) },
};
#undef AT

#define N_TOKEN_NAMES (TOK_CONTEXT__MAX * TOK_CLASS__MAX)
#define N_NAMES       (ARRAY_LEN(event_members) + N_TOKEN_NAMES)

static enum err
check_names(const struct json *body, struct error *e)
{
	const char *names[N_NAMES];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(event_members); i++)
		names[n++] = event_members[i].name;
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			names[n++] = usage_token_names[x][i];
	return json_only(body, names, n, e);
}

static enum err
read_time(const struct json *body, const char *name, int64_t now_ms, void *to,
    struct error *e)
{
	struct str text;
	int64_t ms;
	enum err err = json_get_str(body, name, 1, 40, &text, e);

	if (err)
		return err;
	if (!clock_parse(text, &ms) || ms > now_ms + USAGE_ADD_AHEAD_MS ||
	    ms < now_ms - USAGE_ADD_AGE_MS)
		return error_public(e, ERR_BAD_PARAM, name,
		    "%s must be a time such as 2026-01-31T00:00:00Z, of the "
		    "last 366 days.",
		    name);
	memcpy(to, &ms, sizeof(ms));
	return OK;
}

static enum err
read_name(const struct json *body, const char *name, const char *const *names,
    unsigned n, void *to, struct error *e)
{
	struct str text;
	enum err err = json_get_str(body, name, 1, 40, &text, e);

	for (unsigned i = 0; i < n && !err; i++)
		if (str_eq(text, str_from(names[i]))) {
			memcpy(to, &i, sizeof(i));
			return OK;
		}
	return err ? err
		   : error_public(e, ERR_BAD_PARAM, name,
			 "'%s' has a value that is not one of its choices.",
			 name);
}

static enum err
read_member(const struct json *body, const struct event_member *m,
    int64_t now_ms, char *to, struct error *e)
{
	uint64_t v = 0;
	enum err err = OK;

	switch (m->kind) {
	case EVENT_ID:
		err = json_get_u64(body, m->name, 1, UINT32_MAX, &v, e);
		break;
	case EVENT_NUMBER:
		err = json_get_u64(body, m->name, 0, UINT32_MAX, &v, e);
		break;
	case EVENT_TIME:
		return read_time(body, m->name, now_ms, to, e);
	case EVENT_STATUS:
		return read_name(body, m->name, usage_status_names,
		    USAGE_STATUS__MAX, to, e);
	case EVENT_SOURCE:
		return read_name(body, m->name, usage_source_names,
		    USAGE_FROM__MAX, to, e);
	}
	if (!err)
		memcpy(to, &v, sizeof(v));
	return err;
}

enum err
usage_event_read(const struct json *body, int64_t now_ms,
    struct usage_event *ret, struct error *e)
{
	enum err err = check_names(body, e);

	*ret = usage_event_init();
	for (size_t i = 0; i < ARRAY_LEN(event_members) && !err; i++) {
		const struct event_member *m = &event_members[i];

		if (json_has(body, m->name))
			err = read_member(body, m, now_ms, (char *)ret + m->off,
			    e);
	}
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			if (!err && json_has(body, usage_token_names[x][i]))
				err = json_get_u64(body,
				    usage_token_names[x][i], 0, UINT32_MAX,
				    &ret->tok[x][i], e);
	if (!err && !ret->model_id)
		err = error_public(e, ERR_BAD_PARAM, "model_id",
		    "'model_id' is needed.");
	return err;
}

/* ---- what ids mean ---- */

/* A batch names the same few things again and again. */
enum thing {
	THING_USER,
	THING_KEY,
	THING_PROJECT,
	THING_AGENT,
	THING_CONNECTOR,
	THING_MODEL,
	THING_CUSTOMER,
	THING__N
};

struct known {
	struct known *next;
	enum thing kind;
	uint64_t id;
	uint64_t customer_id; /* whose it is; 0: everybody's */
	struct str name;      /* of a model */
	uint64_t markup_ppm;  /* of a customer */
	struct price *prices; /* of a model, the newest first */
	size_t n_prices;
};

#define N_BUCKETS 256 /* a power of two */

struct work {
	struct manager m; /* db is the transaction's */
	struct usage_add *u;
	struct arena *a;
	struct usage_view *rows;
	struct known *known[N_BUCKETS];
	size_t at; /* the event in hand, for errors */
};

static const char *const thing_names[THING__N] = { "user_id", "api_key_id",
	"project_id", "agent_id", "connector_id", "model_id", "customer_id" };

static enum err
not_there(const struct work *w, enum thing kind, struct error *e)
{
	if (w->u->n == 1)
		return error_public(e, ERR_NOT_FOUND, thing_names[kind],
		    "%s names nothing that is there.", thing_names[kind]);
	return error_public(e, ERR_NOT_FOUND, thing_names[kind],
	    "%s of element %zu names nothing that is there.", thing_names[kind],
	    w->at);
}

static enum err
load_model(struct work *w, struct known *k, struct error *e)
{
	struct model model;
	enum err err = store_model_by_id(w->m.db, k->id, w->a, &model, e);

	if (err)
		return err;
	k->name = model.name;
	return store_price_list(w->m.db, k->id, w->a, &k->prices, &k->n_prices,
	    e);
}

static enum err
load_label(struct work *w, struct known *k, enum label_kind kind,
    struct error *e)
{
	struct label l;
	enum err err = store_label_by_id(w->m.db, kind, w->m.tenant, k->id,
	    w->a, &l, e);

	if (!err)
		k->customer_id = l.customer_id;
	return err;
}

static enum err
load_key(struct work *w, struct known *k, struct error *e)
{
	struct key key;
	enum err err = store_key_by_id(w->m.db, w->m.tenant, k->id, w->a, &key,
	    e);

	if (!err)
		k->customer_id = key.customer_id;
	return err;
}

static enum err
load_user(struct work *w, struct known *k, struct error *e)
{
	struct user user;
	enum err err = store_user_by_id(w->m.db, k->id, w->a, &user, e);

	if (err)
		return err;
	k->customer_id = user.customer_id;
	/* An operator's own account uses nothing. */
	return k->customer_id ? OK : error_set(e, ERR_NOT_FOUND, "operator");
}

static enum err
load_customer(struct work *w, struct known *k, struct error *e)
{
	struct customer c;
	enum err err = store_customer_by_id(w->m.db, k->id, w->a, &c, e);

	if (!err) {
		k->customer_id = k->id;
		k->markup_ppm = c.markup_ppm;
	}
	return err;
}

static enum err
load(struct work *w, struct known *k, struct error *e)
{
	switch (k->kind) {
	case THING_USER:
		return load_user(w, k, e);
	case THING_KEY:
		return load_key(w, k, e);
	case THING_PROJECT:
		return load_label(w, k, LABEL_PROJECT, e);
	case THING_AGENT:
		return load_label(w, k, LABEL_AGENT, e);
	case THING_CONNECTOR:
		return load_label(w, k, LABEL_CONNECTOR, e);
	case THING_MODEL:
		return load_model(w, k, e);
	case THING_CUSTOMER:
		return load_customer(w, k, e);
	case THING__N:
		break;
	}
	return error_set(e, ERR_INTERNAL, "no such kind of thing");
}

/*
 * What an id means.
 * @customer_id  whose it must be; 0: the tenant's, or anybody's
 */
static enum err
find(struct work *w, enum thing kind, uint64_t id, uint64_t customer_id,
    const struct known **ret, struct error *e)
{
	size_t bucket = (size_t)(id * THING__N + kind) & (N_BUCKETS - 1);
	struct known *k = w->known[bucket];
	uint64_t whose = customer_id ? customer_id : w->m.tenant;
	enum err err = OK;

	while (k && (k->id != id || k->kind != kind))
		k = k->next;
	if (!k) {
		k = arena_alloc(w->a, sizeof(*k));
		if (!k)
			return error_arena(e, w->a);
		*k = (struct known){ .next = w->known[bucket],
			.kind = kind,
			.id = id };
		err = load(w, k, e);
		if (!err)
			w->known[bucket] = k;
	}
	if (err == ERR_NOT_FOUND ||
	    (!err && whose && k->customer_id && k->customer_id != whose))
		return not_there(w, kind, e);
	*ret = k;
	return err;
}

static enum err
check(struct work *w, enum thing kind, uint64_t id, uint64_t customer_id,
    struct error *e)
{
	const struct known *k;

	return id ? find(w, kind, id, customer_id, &k, e) : OK;
}

/* ---- rows ---- */

static enum err
whose(struct work *w, const struct usage_event *ev, struct usage_row *row,
    struct error *e)
{
	const struct principal *who = w->m.who;
	bool is_key = who && who->kind == PRINCIPAL_KEY;
	const struct known *user;
	enum err err;

	row->user_id = ev->user_id ? ev->user_id : is_key ? who->user_id : 0;
	if (!row->user_id)
		return error_public(e, ERR_BAD_PARAM, "user_id",
		    "'user_id' is needed.");
	err = find(w, THING_USER, row->user_id, 0, &user, e);
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
	err = check(w, THING_KEY, row->api_key_id, row->customer_id, e);
	if (!err)
		err = check(w, THING_PROJECT, row->project_id, row->customer_id,
		    e);
	if (!err)
		err = check(w, THING_AGENT, row->agent_id, row->customer_id, e);
	if (!err)
		err = check(w, THING_CONNECTOR, row->connector_id,
		    row->customer_id, e);
	return err;
}

static enum err
set_cost(struct work *w, const struct known *model, struct usage_row *row,
    struct error *e)
{
	const struct price *price = NULL;
	const struct known *customer;
	struct tokens used;
	struct cost cost;
	enum err err = find(w, THING_CUSTOMER, row->customer_id, 0, &customer,
	    e);

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
	err = price_charge(price, &used, row->markup_ppm, &cost, e);
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
	const struct known *model;
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
		err = find(w, THING_MODEL, ev->model_id, 0, &model, e);
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
	for (w->at = 0; w->at < n && !err; w->at++)
		err = make_row(w, &w->u->events[w->at], &rows[w->at], e);
	if (!err)
		err = store_usage_insert(w->m.db, rows, n, e);
	if (!err)
		err = store_rollup_usage(w->m.db, rows, n, w->a, e);
	if (!err)
		err = post_ledger(w, rows, n, e);
	if (!err)
		err = move_budgets(w, rows, n, e);
	for (size_t i = 0; i < n && !err; i++) {
		w->rows[i].row = rows[i];
		err = store_usage_posted(w->m.db, w->a, &w->rows[i], e);
	}
	return err;
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
	err = store_idempotency_find(w->m.db, now->claim, w->a, &then, e);
	if (err)
		return err == ERR_NOT_FOUND ? OK : err;
	if (memcmp(then.body, now->body, sizeof(then.body)) != 0)
		return error_public(e, ERR_CONFLICT, "idempotency-key",
		    "That Idempotency-Key was used with another body.");
	*ret_is_known = true;
	w->u->is_replay = true;
	w->u->answer = then.answer;
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
	err = store_idempotency_insert(w->m.db, &i, e);
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
	memset(w->known, 0, sizeof(w->known));
	w->u->is_replay = false;
	err = look_back(w, &is_known, e);
	if (err || is_known)
		return err;
	err = write_rows(w, e);
	if (!err)
		err = w->u->render(w->rows, w->u->n, w->u->arg, w->a,
		    &w->u->answer, e);
	return err ? err : remember(w, e);
}

#define PURGE_ROWS 100

enum err
usage_add(const struct manager *m, struct usage_add *u, struct arena *a,
    struct error *e)
{
	struct work w = { .m = *m, .u = u, .a = a };

	ASSERT(u->n >= 1 && u->n <= USAGE_ADD_MAX);
	/* Each key that comes takes old ones along. */
	if (u->idempotency &&
	    store_idempotency_purge(m->db, PURGE_ROWS, e) != OK)
		error_clear(e);
	return db_txn(m->db, run, &w, e);
}
