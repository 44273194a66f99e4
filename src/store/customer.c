/* SPDX-License-Identifier: MIT */
#include "store/customer.h"

#include "store/ledger.h"
#include "store/limit.h"
#include "store/store_priv.h"
#include "store/user.h"

const char *const customer_billing_names[CUSTOMER_BILLING__N] = { "postpaid",
	"prepaid" };

static const struct db_field customer_fields[] = {
	DB_FIELD(struct customer, customer_id, U64),
	DB_FIELD(struct customer, name, STR),
	DB_FIELD(struct customer, email, STR),
	DB_FIELD(struct customer, company, STR),
	DB_FIELD(struct customer, limits, LIMITS),
	DB_FIELD(struct customer, markup_ppm, PPM),
	DB_FIELD_ENUM(struct customer, billing, customer_billing_names),
	DB_FIELD(struct customer, low_balance_ppm, PPM),
	DB_FIELD(struct customer, webhook_url, STR),
	DB_FIELD(struct customer, has_webhook_secret, BOOL),
	DB_FIELD(struct customer, is_active, BOOL),
	DB_FIELD(struct customer, created_at_ms, TIME),
	DB_FIELD(struct customer, updated_at_ms, TIME),
	DB_FIELD(struct customer, archived_at_ms, TIME),
};
static const struct db_map customer_map = DB_MAP(struct customer,
    customer_fields);

static enum err
set_limits(struct db *db, uint64_t customer_id, const struct customer *c,
    struct error *e)
{
	return store_limit_set(db,
	    (struct limit_holder){ .customer_id = customer_id }, &c->limits, e);
}

struct insert_arg {
	const struct customer *c;
	uint64_t customer_id;
	uint64_t owner_user_id;
};

static enum err
insert_txn(struct db *db, void *arg, struct error *e)
{
	struct insert_arg *i = arg;
	struct user owner = { .name = i->c->name,
		.email = i->c->email,
		.role = USER_OWNER };
	enum err err;

	err = db_insert(db, STMT_CUSTOMER_INSERT,
	    DB_IN(db_str(i->c->name), db_str(i->c->email),
		db_str(i->c->company), DB_LIMIT_COLUMNS(&i->c->limits),
		db_ppm(i->c->markup_ppm),
		db_str(str_from(customer_billing_names[i->c->billing])),
		db_ppm(i->c->low_balance_ppm), db_str(i->c->webhook_url)),
	    &i->customer_id, e);
	if (err != OK)
		return err;
	owner.customer_id = i->customer_id;
	err = store_user_insert(db, &owner, &i->owner_user_id, e);
	if (err == OK)
		err = set_limits(db, i->customer_id, i->c, e);
	if (err != OK)
		return err;
	return store_ledger_open(db, i->customer_id, e);
}

enum err
store_customer_insert(struct db *db, const struct customer *c,
    uint64_t *ret_customer_id, uint64_t *ret_owner_user_id, struct error *e)
{
	struct insert_arg arg = { .c = c };
	enum err err = db_atomic(db, insert_txn, &arg, e);

	if (err != OK)
		return err;
	*ret_customer_id = arg.customer_id;
	*ret_owner_user_id = arg.owner_user_id;
	return OK;
}

enum err
store_customer_by_id(struct db *db, uint64_t customer_id, struct arena *a,
    struct customer *ret, struct error *e)
{
	return db_one(db, STMT_CUSTOMER_BY_ID, DB_IN(db_u64(customer_id)), a,
	    &customer_map, ret, e);
}

enum err
store_customer_by_email(struct db *db, struct str email, struct arena *a,
    struct customer *ret, struct error *e)
{
	return db_one(db, STMT_CUSTOMER_BY_EMAIL, DB_IN(db_str(email)), a,
	    &customer_map, ret, e);
}

enum err
store_customer_list(struct db *db, struct str find, uint64_t after_id,
    uint64_t limit, struct arena *a, struct customer **ret, size_t *ret_n,
    struct error *e)
{
	return db_all(db, STMT_CUSTOMER_LIST,
	    DB_IN(DB_TWICE(db_str(find)), db_u64(after_id), db_u64(limit)), a,
	    &customer_map, ret, ret_n, e);
}

static enum err
update_txn(struct db *db, void *arg, struct error *e)
{
	const struct customer *c = arg;
	struct change change = { .id = STMT_CUSTOMER_UPDATE,
		.in = DB_IN(db_str(c->name), db_str(c->company),
		    DB_LIMIT_COLUMNS(&c->limits), db_ppm(c->markup_ppm),
		    db_str(str_from(customer_billing_names[c->billing])),
		    db_ppm(c->low_balance_ppm), db_str(c->webhook_url),
		    db_bool(c->is_active), db_u64(c->customer_id)),
		.slot = generation_customer_slot(c->customer_id) };
	enum err err = store_change(db, &change, e);

	return err ? err : set_limits(db, c->customer_id, c, e);
}

enum err
store_customer_update(struct db *db, const struct customer *c, struct error *e)
{
	struct customer arg = *c;

	return db_atomic(db, update_txn, &arg, e);
}

static enum err
archive_txn(struct db *db, void *arg, struct error *e)
{
	const uint64_t *customer_id = arg;
	struct change change = { .id = STMT_CUSTOMER_ARCHIVE,
		.in = DB_IN(db_u64(*customer_id)),
		.slot = generation_customer_slot(*customer_id) };
	enum err err = store_change(db, &change, e);

	if (err != OK)
		return err;
	return db_exec(db, STMT_CUSTOMER_END_SESSIONS,
	    DB_IN(db_u64(*customer_id)), NULL, e);
}

enum err
store_customer_archive(struct db *db, uint64_t customer_id, struct error *e)
{
	return db_atomic(db, archive_txn, &customer_id, e);
}

const char *const customer_state_names[CUSTOMER_STATE__N] = { "active",
	"suspended", "closed" };

enum err
store_customer_page(struct db *db, uint64_t tenant,
    const struct customer_filter *f, uint64_t after_id, uint64_t limit,
    struct arena *a, struct customer **ret, size_t *ret_n, struct error *e)
{
	return db_all(db, STMT_CUSTOMER_PAGE,
	    DB_IN(DB_TWICE(db_id(tenant)), DB_TWICE(db_str(f->email)),
		DB_TWICE(db_str(f->name)), DB_TWICE(db_str(f->company)),
		DB_TWICE(db_id(f->state)),
		DB_TWICE(db_time(f->created_from_ms)),
		DB_TWICE(db_time(f->created_to_ms)), db_u64(after_id),
		db_u64(limit)),
	    a, &customer_map, ret, ret_n, e);
}

enum err
store_customer_lock(struct db *db, uint64_t tenant, uint64_t customer_id,
    struct error *e)
{
	return store_lock(db, STMT_CUSTOMER_LOCK,
	    DB_IN(db_u64(customer_id), DB_TWICE(db_id(tenant))), e);
}
