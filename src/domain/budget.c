/* SPDX-License-Identifier: MIT */
#include "domain/budget.h"

#include <string.h>

#include "base/money.h"
#include "domain/budget_period.h"
#include "ext/json.h"
#include "store/ledger.h"

#define JSON_BYTES KIB(1)

/* ---- reading ---- */

static enum err
add_percent(uint64_t v[BUDGET_NOTIFY_MAX], size_t *n, uint64_t percent,
    struct error *e)
{
	size_t at = 0;

	while (at < *n && v[at] < percent)
		at++;
	if (at < *n && v[at] == percent)
		return OK;
	if (*n == BUDGET_NOTIFY_MAX)
		return error_public(e, ERR_BAD_PARAM, "notify_at_percent",
		    "notify_at_percent may hold %d numbers at most.",
		    BUDGET_NOTIFY_MAX);
	memmove(v + at + 1, v + at, (*n - at) * sizeof(*v));
	v[at] = percent;
	++*n;
	return OK;
}

static enum err
join(struct arena *a, const uint64_t *v, size_t n, struct str *ret,
    struct error *e)
{
	struct buf b;

	buf_init(&b, a, BUDGET_NOTIFY_BYTES);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&b, ',');
		buf_add_u64(&b, v[i]);
	}
	*ret = S("");
	return n ? buf_finish(&b, ret, e) : OK;
}

enum err
budget_notify_parse(struct arena *a, struct str text, struct str *ret,
    struct error *e)
{
	uint64_t v[BUDGET_NOTIFY_MAX], percent;
	struct str item;
	size_t n = 0;
	enum err err = OK;

	while (!err && text.n && str_split(&text, ',', &item)) {
		if (!str_to_u64(item, 1, BUDGET_PERCENT_MAX, &percent))
			return error_public(e, ERR_BAD_PARAM,
			    "notify_at_percent",
			    "notify_at_percent holds whole numbers from 1 to "
			    "%d.",
			    BUDGET_PERCENT_MAX);
		err = add_percent(v, &n, percent, e);
	}
	return err ? err : join(a, v, n, ret, e);
}

enum err
budget_amount_parse(struct str text, int64_t *ret_pusd, struct error *e)
{
	if (money_from_decimal(text, ret_pusd, e) != OK || *ret_pusd < 0 ||
	    *ret_pusd > BUDGET_AMOUNT_MAX_PUSD)
		return error_public(e, ERR_BAD_PARAM, "amount_usd",
		    "amount_usd must be from 0 to 1000000, with 12 decimals "
		    "at most.");
	return OK;
}

static enum err
read_choice(const struct json *o, const char *name, const char *const *names,
    unsigned n, unsigned *ret, struct error *e)
{
	struct str text;
	enum err err;

	if (!json_has(o, name))
		return OK;
	err = json_get_str(o, name, 1, 16, &text, e);
	for (unsigned i = 0; i < n && !err; i++)
		if (str_eq(text, str_from(names[i]))) {
			*ret = i;
			return OK;
		}
	return err ? err
		   : error_public(e, ERR_BAD_PARAM, name,
			 "'%s' has a value that is not one of its choices.",
			 name);
}

static enum err
read_notify(const struct json *o, struct arena *a, struct str *ret,
    struct error *e)
{
	uint64_t v[BUDGET_NOTIFY_MAX], percent;
	const struct json *list;
	size_t n = 0;
	enum err err;

	*ret = S(BUDGET_NOTIFY_DEFAULT);
	if (!json_has(o, "notify_at_percent"))
		return OK;
	err = json_get_array(o, "notify_at_percent", BUDGET_NOTIFY_MAX, &list,
	    e);
	for (size_t i = 0; !err && i < json_array_len(list); i++) {
		err = json_as_u64(json_array_at(list, i), "notify_at_percent",
		    1, BUDGET_PERCENT_MAX, &percent, e);
		if (!err)
			err = add_percent(v, &n, percent, e);
	}
	return err ? err : join(a, v, n, ret, e);
}

enum err
budget_member_read(const struct json *body, const char *name, struct arena *a,
    void *member, struct error *e)
{
	static const char *const names[] = { "amount_usd", "period", "kind",
		"notify_at_percent" };
	struct budget_member *m = member;
	unsigned period = BUDGET_MONTH, kind = BUDGET_HARD;
	const struct json *o;
	struct str amount;
	enum err err;

	m->is_given = true;
	m->has_terms = false;
	if (!json_has(body, name))
		return OK; /* null */
	err = json_get_object(body, name, &o, e);
	if (!err)
		err = json_only(o, names, ARRAY_LEN(names), e);
	if (!err)
		err = json_get_decimal(o, "amount_usd", &amount, e);
	if (!err)
		err = budget_amount_parse(amount, &m->terms.amount_pusd, e);
	if (!err)
		err = read_choice(o, "period", budget_period_names,
		    BUDGET_PERIOD__N, &period, e);
	if (!err)
		err = read_choice(o, "kind", budget_kind_names, BUDGET_KIND__N,
		    &kind, e);
	if (!err)
		err = read_notify(o, a, &m->terms.notify, e);
	m->terms.period = (enum budget_period)period;
	m->terms.kind = (enum budget_kind)kind;
	m->has_terms = !err;
	return err;
}

/* ---- showing ---- */

static void
write_terms(const struct budget_terms *t, struct json_out *j)
{
	struct str list = t->notify, item;

	json_out_member_usd(j, "amount_usd", t->amount_pusd);
	json_out_member_str(j, "period",
	    str_from(budget_period_names[t->period]));
	json_out_member_str(j, "kind", str_from(budget_kind_names[t->kind]));
	json_out_key(j, "notify_at_percent");
	json_out_array(j);
	while (list.n && str_split(&list, ',', &item))
		json_out_raw(j, item);
	json_out_array_end(j);
}

void
budget_write(const struct budget *b, int64_t now_ms, struct json_out *j)
{
	int64_t resets_ms = budget_resets_ms(b->terms.period, now_ms);
	int64_t left_pusd;
	struct error ignored;

	if (money_sub(b->terms.amount_pusd, b->spent_pusd, &left_pusd,
		&ignored) != OK ||
	    left_pusd < 0)
		left_pusd = 0;
	write_terms(&b->terms, j);
	json_out_member_usd(j, "spent_usd", b->spent_pusd);
	json_out_member_usd(j, "remaining_usd", left_pusd);
	if (resets_ms)
		json_out_member_time(j, "resets_at", resets_ms);
	else
		json_out_member_null(j, "resets_at");
}

static enum err
show(const struct budget *b, int64_t now_ms, struct arena *a,
    struct budget_member *ret, struct error *e)
{
	struct json_out j;
	struct buf buf;
	enum err err;

	buf_init(&buf, a, JSON_BYTES);
	json_out_init(&j, &buf);
	json_out_object(&j);
	budget_write(b, now_ms, &j);
	json_out_object_end(&j);
	err = buf_finish(&buf, &ret->shown, e);
	if (err)
		return err;
	buf_init(&buf, a, JSON_BYTES);
	json_out_init(&j, &buf);
	json_out_object(&j);
	write_terms(&b->terms, &j);
	json_out_object_end(&j);
	ret->has_terms = true;
	ret->terms = b->terms;
	return buf_finish(&buf, &ret->settings, e);
}

enum err
budget_members_load(struct db *db, enum budget_scope scope, uint64_t tenant,
    int64_t now_ms, const struct budget_rows *rows, struct arena *a,
    struct error *e)
{
	const struct budget_starts starts = budget_starts_of(now_ms);
	char *row = rows->rows;
	struct budget *v = NULL;
	size_t n = 0, k = 0;
	uint64_t from = 0, to = 0;
	enum err err;

	if (rows->n == 0)
		return OK;
	memcpy(&from, row + rows->id_off, sizeof(from));
	memcpy(&to, row + (rows->n - 1) * rows->row_bytes + rows->id_off,
	    sizeof(to));
	err = store_budget_page(db, scope, tenant, from, to, &starts, a, &v, &n,
	    e);
	for (size_t i = 0; i < rows->n && !err; i++, row += rows->row_bytes) {
		struct budget_member m = { .is_given = false };
		uint64_t id;

		memcpy(&id, row + rows->id_off, sizeof(id));
		while (k < n && v[k].scope_id < id)
			k++;
		if (k < n && v[k].scope_id == id)
			err = show(&v[k], now_ms, a, &m, e);
		memcpy(row + rows->off, &m, sizeof(m));
	}
	return err;
}

enum err
budget_member_load(struct db *db, enum budget_scope scope, uint64_t id,
    int64_t now_ms, struct arena *a, struct budget_member *ret, struct error *e)
{
	struct {
		uint64_t id;
		struct budget_member m;
	} row = { .id = id };
	const struct budget_rows rows = { &row, 1, sizeof(row), 0,
		(size_t)((char *)&row.m - (char *)&row) };
	enum err err = budget_members_load(db, scope, 0, now_ms, &rows, a, e);

	*ret = row.m;
	return err;
}

/* ---- setting ---- */

static uint64_t
scope_id(const struct budget_holder *h)
{
	switch (h->scope) {
	case BUDGET_PROJECT:
		return h->project_id;
	case BUDGET_KEY:
		return h->api_key_id;
	case BUDGET_CUSTOMER:
	case BUDGET_BALANCE:
	case BUDGET_SCOPE__N:
		break;
	}
	return h->customer_id;
}

static enum err
make(struct db *db, const struct budget_holder *h,
    const struct budget_terms *terms, int64_t now_ms, struct arena *a,
    struct error *e)
{
	struct budget b = {
		.customer_id = h->customer_id,
		.scope = h->scope,
		.scope_id = scope_id(h),
		.project_id = h->scope == BUDGET_PROJECT ? h->project_id : 0,
		.api_key_id = h->scope == BUDGET_KEY ? h->api_key_id : 0,
		.terms = *terms,
	};
	enum err err = store_budget_insert(db, &b, &b.budget_id, e);
	struct budget_span span;

	if (err)
		return err;
	/* Now, so that it is shown at once what was spent before. */
	span = budget_span_of(b.budget_id, terms->period, now_ms);
	return store_budget_begin(db, &b, &span, a, e);
}

enum err
budget_set(struct db *db, const struct budget_holder *h,
    const struct budget_terms *terms, int64_t now_ms, struct arena *a,
    struct error *e)
{
	struct budget old;
	enum err err = store_ledger_lock(db, h->customer_id, e);

	if (err)
		return err;
	err = store_budget_of_scope(db, h->customer_id, h->scope, scope_id(h),
	    a, &old, e);
	if (err == ERR_NOT_FOUND)
		return terms ? make(db, h, terms, now_ms, a, e) : OK;
	if (!err && terms && old.terms.period == terms->period) {
		old.terms = *terms;
		return store_budget_update(db, &old, e);
	}
	if (!err)
		err = store_budget_delete(db, h->scope, scope_id(h), e);
	return err || !terms ? err : make(db, h, terms, now_ms, a, e);
}

enum err
budget_member_store(struct db *db, const struct budget_holder *h,
    const struct budget_member *m, int64_t now_ms, struct arena *a,
    struct error *e)
{
	if (!m->is_given)
		return OK;
	return budget_set(db, h, m->has_terms ? &m->terms : NULL, now_ms, a, e);
}

bool
budget_is_within(const struct budget_terms *terms,
    enum budget_period own_period, int64_t own_pusd)
{
	return terms && terms->kind == BUDGET_HARD &&
	       terms->period == own_period && terms->amount_pusd <= own_pusd;
}
