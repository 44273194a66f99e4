/* SPDX-License-Identifier: MIT */
#include "domain/price_set.h"

#include "domain/hostmap.h"
#include "domain/price_list.h"
#include "domain/record.h"
#include "store/generation.h"

/* A version as the audit log shows it. */
struct price_row {
	struct price p;
	struct str prices; /* JSON */
};

#define AT(m) offsetof(struct price_row, m)
/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = AT(p.price_version_id) },
	{ .name = "model_id", .kind = RECORD_ID, .off = AT(p.model_id) },
	{ .name = "effective_from", .kind = RECORD_TIME, .off = AT(p.effective_from_ms) },
	{ .name = "prices", .kind = RECORD_JSON, .off = AT(prices) },
	{ .name = "note", .kind = RECORD_TEXT, .off = AT(p.note),
	  .flags = RECORD_NEW | RECORD_LINES, .max = PRICE_NOTE_BYTES },
};
/* clang-format on */
static const struct record_type record = { "price", "price_version", "price",
	members, ARRAY_LEN(members), sizeof(struct price_row) };

static enum err
write_audit(struct db *db, const struct audit *who, const char *action,
    const struct price *p, struct arena *a, struct error *e)
{
	struct price_row row = { .p = *p };
	struct audit audit = *who;
	struct json_out j;
	struct buf b;
	enum err err;

	buf_init(&b, a, KIB(4));
	json_out_init(&j, &b);
	price_write(&j, p);
	err = buf_finish(&b, &row.prices, e);
	if (err)
		return err;
	audit.action = str_from(action);
	audit.object = S("price_version");
	audit.object_id = p->price_version_id;
	audit.is_success = true;
	audit.detail = record_changes(&record, NULL, &row, a);
	if (audit.detail.p)
		audit.detail = store_audit_detail(who, audit.detail, a);
	return audit.detail.p ? store_audit_insert(db, &audit, e)
			      : error_arena(e, a);
}

enum err
price_insert(struct db *db, const struct audit *who, const char *action,
    struct price *p, struct arena *a, struct error *e)
{
	const struct price_row row = { .p = *p };
	struct price stored;
	uint64_t id;
	enum err err = record_check(&record, NULL, &row, 0, a, e);

	if (!err)
		err = store_price_insert(db, p, &id, e);
	if (err == ERR_BAD_PARAM && !e->public_text[0])
		return error_public(e, ERR_NOT_FOUND, "model_id",
		    "There is no such model."); /* the one reference */
	if (err == ERR_CONFLICT)
		return error_public(e, err, "effective_from",
		    "The model has a price from that very instant.");
	if (!err)
		err = store_price_by_id(db, id, a, &stored, e);
	if (!err)
		err = write_audit(db, who, action, &stored, a, e);
	if (!err)
		*p = stored;
	return err;
}

struct set_arg {
	const struct audit *who;
	const struct price *p;
	struct price stored;
	struct arena *a;
};

static enum err
set_txn(struct db *db, void *arg, struct error *e)
{
	struct set_arg *s = arg;

	s->stored = *s->p; /* a retry begins with what was asked for */
	return price_insert(db, s->who, "price.set", &s->stored, s->a, e);
}

enum err
price_set(struct db *db, struct hostmap *map, const struct audit *who,
    struct price *p, struct arena *a, struct error *e)
{
	struct set_arg arg = { .who = who, .p = p, .a = a };
	enum err err = db_txn(db, set_txn, &arg, e);

	if (err)
		return err;
	*p = arg.stored;
	if (map)
		hostmap_slot_bump(map, GENERATION_CATALOGUE);
	return OK;
}
