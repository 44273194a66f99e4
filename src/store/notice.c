/* SPDX-License-Identifier: MIT */
#include "store/notice.h"

#include <string.h>

#include "store/store_priv.h"

#define ROUTED_AT_ONCE 100

const char *const notice_channel_names[NOTICE_CHANNEL__N] = { "email",
	"webhook" };
const char *const notice_state_names[NOTICE_STATE__N] = { "pending", "sent",
	"dead" };

static const struct db_field notice_fields[] = {
	DB_FIELD(struct notice_row, notice_id, U64),
	DB_FIELD(struct notice_row, uid, B16),
	DB_FIELD(struct notice_row, customer_id, ID),
	DB_FIELD(struct notice_row, user_id, ID),
	DB_FIELD(struct notice_row, kind, STR),
	DB_FIELD(struct notice_row, cause, STR),
	DB_FIELD(struct notice_row, payload, STR),
	DB_FIELD(struct notice_row, link, BYTES),
	DB_FIELD(struct notice_row, created_at_ms, TIME),
	DB_FIELD(struct notice_row, webhook_url, STR),
};
static const struct db_map notice_map = DB_MAP(struct notice_row,
    notice_fields);

static const struct db_field recipient_fields[] = {
	DB_FIELD(struct notice_recipient, email, STR),
};
static const struct db_map recipient_map = DB_MAP(struct notice_recipient,
    recipient_fields);

enum err
store_notice_insert(struct db *db, const struct notice_row *n, struct error *e)
{
	if (n->user_id || n->customer_id == 0)
		return db_exec(db, STMT_NOTICE_INSERT_FOR_USER,
		    DB_IN(db_b16(n->uid), db_str(n->kind), db_str(n->cause),
			db_str(n->payload), db_bytes(n->link),
			db_u64(n->user_id)),
		    NULL, e);
	return db_exec(db, STMT_NOTICE_INSERT,
	    DB_IN(db_b16(n->uid), db_u64(n->customer_id), db_str(n->kind),
		db_str(n->cause), db_str(n->payload)),
	    NULL, e);
}

enum err
store_notice_by_id(struct db *db, uint64_t notice_id, struct arena *a,
    struct notice_row *ret, struct error *e)
{
	return db_one(db, STMT_NOTICE_BY_ID, DB_IN(db_u64(notice_id)), a,
	    &notice_map, ret, e);
}

enum err
store_notice_recipients(struct db *db, uint64_t customer_id, uint64_t user_id,
    struct arena *a, struct notice_recipient **ret, size_t *ret_n,
    struct error *e)
{
	if (user_id)
		return db_all(db, STMT_NOTICE_RECIPIENT_USER,
		    DB_IN(db_u64(user_id)), a, &recipient_map, ret, ret_n, e);
	return db_all(db, STMT_NOTICE_RECIPIENTS,
	    DB_IN(DB_TWICE(db_u64(customer_id))), a, &recipient_map, ret, ret_n,
	    e);
}

/* ---- routing ---- */

struct routed {
	uint64_t notice_id;
};
static const struct db_field routed_fields[] = {
	DB_FIELD(struct routed, notice_id, U64),
};
static const struct db_map routed_map = DB_MAP(struct routed, routed_fields);

struct routing {
	struct arena *a;
	bool has_email;
	uint64_t n;
};

static enum err
route_one(struct db *db, uint64_t notice_id, bool has_email, struct error *e)
{
	struct db_in in = DB_IN(db_u64(notice_id));
	enum err err = OK;

	if (has_email)
		err = db_exec(db, STMT_NOTICE_ROUTE_EMAIL, in, NULL, e);
	if (!err)
		err = db_exec(db, STMT_NOTICE_ROUTE_WEBHOOK, in, NULL, e);
	return err ? err : db_exec(db, STMT_NOTICE_ROUTED, in, NULL, e);
}

static enum err
route_txn(struct db *db, void *arg, struct error *e)
{
	struct routing *r = arg;
	struct routed *rows = NULL;
	size_t n = 0;
	enum err err = db_all(db, STMT_NOTICE_UNROUTED,
	    DB_IN(db_u64(ROUTED_AT_ONCE)), r->a, &routed_map, &rows, &n, e);

	for (size_t i = 0; i < n && !err; i++)
		err = route_one(db, rows[i].notice_id, r->has_email, e);
	r->n = n;
	return err;
}

enum err
store_notice_route(struct db *db, bool has_email, uint64_t *ret_n,
    struct error *e)
{
	struct arena a;
	struct routing r = { .a = &a, .has_email = has_email };
	enum err err;

	arena_init(&a, KIB(64));
	err = db_txn(db, route_txn, &r, e);
	arena_fini(&a);
	*ret_n = r.n;
	return err;
}

/* ---- one delivery ---- */

static const struct db_field delivery_fields[] = {
	DB_FIELD(struct notice_delivery, notice_id, U64),
	DB_FIELD_ENUM(struct notice_delivery, channel, notice_channel_names),
	DB_FIELD(struct notice_delivery, attempts, U64),
};
static const struct db_map delivery_map = DB_MAP(struct notice_delivery,
    delivery_fields);

struct claim {
	struct notice_delivery *d;
	struct arena *a;
	uint64_t lease_s;
	bool has_email;
};

static struct db_val
channel_of(const struct notice_delivery *d)
{
	return db_str(str_from(notice_channel_names[d->channel]));
}

static enum err
claim_txn(struct db *db, void *arg, struct error *e)
{
	const struct claim *c = arg;
	enum err err = db_one(db, STMT_NOTICE_DUE, DB_IN(db_bool(c->has_email)),
	    c->a, &delivery_map, c->d, e);

	if (err)
		return err;
	c->d->attempts++;
	return db_exec(db, STMT_NOTICE_CLAIM,
	    DB_IN(db_u64(c->d->attempts), db_u64(c->lease_s),
		db_u64(c->d->notice_id), channel_of(c->d)),
	    NULL, e);
}

enum err
store_notice_claim(struct db *db, bool has_email, uint64_t lease_s,
    struct notice_delivery *ret, struct error *e)
{
	struct arena a;
	struct claim c = { ret, &a, lease_s, has_email };
	enum err err;

	arena_init(&a, KIB(16));
	err = db_txn(db, claim_txn, &c, e);
	arena_fini(&a);
	return err;
}

enum err
store_notice_sent(struct db *db, const struct notice_delivery *d,
    struct error *e)
{
	return db_exec(db, STMT_NOTICE_SENT,
	    DB_IN(db_u64(d->notice_id), channel_of(d), db_u64(d->attempts)),
	    NULL, e);
}

/* Other programs speak in any encoding and are cut anywhere; the column takes
 * UTF-8 only. Anything else becomes question marks. */
static size_t
make_utf8(struct str s, char ret[NOTICE_ERROR_BYTES])
{
	size_t n = 0;

	while (s.n) {
		size_t len = str_utf8_sequence(s.p, s.n);
		size_t step = len ? len : 1;

		if (n + step > NOTICE_ERROR_BYTES)
			break;
		memcpy(ret + n, len ? s.p : "?", step);
		n += step;
		s = str_skip(s, step);
	}
	return n;
}

enum err
store_notice_failed(struct db *db, const struct notice_delivery *d,
    enum notice_state state, uint64_t again_s, struct str why, struct error *e)
{
	char text[NOTICE_ERROR_BYTES];

	why = str_make(text, make_utf8(why, text));
	return db_exec(db, STMT_NOTICE_FAILED,
	    DB_IN(db_str(str_from(notice_state_names[state])), db_u64(again_s),
		db_str(why), db_u64(d->notice_id), channel_of(d),
		db_u64(d->attempts)),
	    NULL, e);
}

struct put_off {
	uint64_t delay_s;
	uint64_t customer_id;
	uint64_t from_id; /* of notices from it on */
	uint64_t limit;
	enum notice_channel channel;
	uint64_t n;
};

static enum err
put_off_txn(struct db *db, void *arg, struct error *e)
{
	struct put_off *p = arg;

	return db_exec(db, STMT_NOTICE_PUT_OFF,
	    DB_IN(db_u64(p->delay_s),
		db_str(str_from(notice_channel_names[p->channel])),
		db_u64(p->from_id), db_u64(p->customer_id), db_u64(p->limit)),
	    &p->n, e);
}

/* All of it, a transaction of few rows after the other. */
static enum err
put_off_rest(struct db *db, struct put_off p, struct error *e)
{
	enum err err;

	p.delay_s = NOTICE_TURN_S;
	p.limit = NOTICE_PUT_OFF_MAX;
	do {
		err = db_txn(db, put_off_txn, &p, e);
	} while (!err && p.n == p.limit);
	return err;
}

enum err
store_notice_behind(struct db *db, uint64_t customer_id,
    enum notice_channel channel, struct error *e)
{
	struct put_off p = { .customer_id = customer_id,
		.channel = channel,
		.limit = NOTICE_TURN_MAX };
	struct routed rest = { 0 };
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_NOTICE_DUE_BEHIND,
	    DB_IN(db_str(str_from(notice_channel_names[channel])),
		db_u64(customer_id), db_u64(NOTICE_TURN_MAX)),
	    &a, &routed_map, &rest, e);
	arena_fini(&a);
	if (err && err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	p.from_id = rest.notice_id;
	err = rest.notice_id ? put_off_rest(db, p, e) : OK;
	p.from_id = 0;
	return err ? err : db_txn(db, put_off_txn, &p, e);
}

enum err
store_notice_revive(struct db *db, uint64_t notice_id, uint64_t *ret_n,
    struct error *e)
{
	return db_exec(db, STMT_NOTICE_REVIVE, DB_IN(db_u64(notice_id)), ret_n,
	    e);
}

/* ---- looking ---- */

#define WAY_FIELDS(way)                                          \
 DB_FIELD(struct notice_view, way.state, STR),                   \
     DB_FIELD(struct notice_view, way.attempts, ID),             \
     DB_FIELD(struct notice_view, way.next_attempt_at_ms, TIME), \
     DB_FIELD(struct notice_view, way.sent_at_ms, TIME),         \
     DB_FIELD(struct notice_view, way.last_error, STR)

enum err
store_notice_page(struct db *db, const struct notice_filter *f,
    uint64_t before_id, uint64_t limit, struct arena *a,
    struct notice_view **ret, size_t *ret_n, struct newest_end *ret_end,
    struct error *e)
{
	static const struct db_field fields[] = {
		DB_FIELD(struct notice_view, notice_id, U64),
		DB_FIELD(struct notice_view, uid, B16),
		DB_FIELD(struct notice_view, customer_id, ID),
		DB_FIELD(struct notice_view, kind, STR),
		DB_FIELD(struct notice_view, payload, STR),
		DB_FIELD(struct notice_view, created_at_ms, TIME),
		WAY_FIELDS(email),
		WAY_FIELDS(webhook),
	};
	static const struct db_map map = DB_MAP(struct notice_view, fields);

	const struct db_val filters[] = { DB_TWICE(db_str(f->kind)),
		DB_TWICE(db_str(f->state)), db_u64(limit) };
	struct newest l = { .tenant = f->customer_id,
		.reach = f->customer_id ? STMT_NOTICE_REACH_CUSTOMER
					: STMT_NOTICE_REACH_ALL,
		.lead = { db_u64(f->customer_id) },
		.n_lead = f->customer_id != 0,
		.is_exact = !f->kind.p && !f->state.p,
		.from_ms = f->from_ms,
		.to_ms = f->to_ms,
		.before_id = before_id,
		.look_max = NOTICE_SEARCH_MAX };
	struct newest_in in = { .n = 0 };
	struct newest_end reach;
	enum err err = store_newest_reach(db, &l, a, &reach, e);

	if (err)
		return err;
	store_newest_add_span(&in, &l, &reach.next_id);
	store_newest_add(&in, filters, ARRAY_LEN(filters));
	err = db_all(db,
	    f->customer_id ? STMT_NOTICE_PAGE_CUSTOMER : STMT_NOTICE_PAGE_ALL,
	    (struct db_in){ in.v, in.n }, a, &map, ret, ret_n, e);
	if (!err)
		*ret_end = store_newest_end(reach,
		    limit > 0 && *ret_n == limit ? (*ret)[limit - 1].notice_id
						 : 0);
	return err;
}

enum err
store_notice_forget(struct db *db, uint64_t keep_s, uint64_t limit,
    uint64_t *ret_n, struct error *e)
{
	return db_exec(db, STMT_NOTICE_FORGET,
	    DB_IN(db_u64(keep_s), db_u64(limit)), ret_n, e);
}

static const struct db_field count_fields[] = {
	DB_FIELD(struct notice_counts, n_dead, U64),
	DB_FIELD(struct notice_counts, n_late, U64),
};
static const struct db_map count_map = DB_MAP(struct notice_counts,
    count_fields);

enum err
store_notice_counts(struct db *db, struct notice_counts *ret, struct error *e)
{
	struct arena a;
	enum err err;

	arena_init(&a, KIB(4));
	err = db_one(db, STMT_NOTICE_COUNTS, DB_IN_NONE, &a, &count_map, ret,
	    e);
	arena_fini(&a);
	return err;
}
