/* SPDX-License-Identifier: MIT */
/* What a body gives, read into a row. */
#include "base/clock.h"
#include "base/money.h"
#include "domain/record_priv.h"

#define NAMES_MAX      64
#define ITEM_BYTES_MAX 64

struct reading {
	const struct record_input *in;
	struct arena *a;
	char *row;
	struct error *e;
};

static enum err
read_enum(const struct record_member *m, const struct json *body, void *ret,
    struct error *e)
{
	struct str name;
	enum err err = json_get_str(body, m->name, 1, 64, &name, e);

	for (unsigned i = 0; i < m->n_names && !err; i++)
		if (str_eq(name, str_from(m->names[i]))) {
			memcpy(ret, &i, sizeof(i));
			return OK;
		}
	return err ? err
		   : error_public(e, ERR_BAD_PARAM, m->name,
			 "'%s' has a value that is not one of its choices.",
			 m->name);
}

static enum err
read_bits(const struct record_member *m, const struct json *body, void *ret,
    struct error *e)
{
	const struct json *list;
	uint64_t bits = 0;
	enum err err = json_get_array(body, m->name, m->n_names, &list, e);

	for (size_t k = 0; !err && k < json_array_len(list); k++) {
		struct str name;
		unsigned i = 0;

		err = json_as_str(json_array_at(list, k), m->name, 1, 32, &name,
		    e);
		while (!err && i < m->n_names &&
		       !str_eq(name, str_from(m->names[i])))
			i++;
		if (!err && i == m->n_names)
			err = error_public(e, ERR_BAD_PARAM, m->name,
			    "'%s' holds a name that is not one of its choices.",
			    m->name);
		bits |= err ? 0 : UINT64_C(1) << i;
	}
	if (!err)
		memcpy(ret, &bits, sizeof(bits));
	return err;
}

static enum err
read_texts(const struct reading *r, const struct record_member *m,
    const struct json *body, void *ret)
{
	const struct json *list;
	struct str text = { "", 0 };
	struct buf b;
	enum err err = json_get_array(body, m->name, m->max, &list, r->e);

	buf_init(&b, r->a, RECORD_TEXT_BYTES_MAX);
	for (size_t k = 0; !err && k < json_array_len(list); k++) {
		struct str item;

		err = json_as_str(json_array_at(list, k), m->name, 1,
		    ITEM_BYTES_MAX, &item, r->e);
		if (!err && str_find(item, ',') < item.n)
			err = error_public(r->e, ERR_BAD_PARAM, m->name,
			    "'%s' holds a text with a comma.", m->name);
		if (k)
			buf_add_char(&b, ',');
		if (!err)
			buf_add(&b, item);
	}
	if (!err && b.n)
		err = buf_finish(&b, &text, r->e);
	if (!err)
		memcpy(ret, &text, sizeof(text));
	return err;
}

static enum err
read_time(const struct reading *r, const struct record_member *m,
    const struct json *body, void *ret)
{
	struct str text;
	int64_t ms;
	enum err err = json_get_str(body, m->name, 1, 40, &text, r->e);

	if (err)
		return err;
	err = record_check_time(m, clock_parse(text, &ms) ? ms : 0,
	    r->in->now_ms, r->e);
	if (err)
		return err;
	memcpy(ret, &ms, sizeof(ms));
	return OK;
}

static enum err
read_ppm(const struct record_member *m, const struct json *body, void *ret,
    struct error *e)
{
	struct str text;
	int64_t pusd;
	uint64_t ppm;
	enum err err = json_get_decimal(body, m->name, &text, e);

	if (err)
		return err;
	if (money_from_decimal(text, &pusd, e) != OK || pusd < 0 ||
	    pusd % 1000000 != 0 || (uint64_t)pusd / 1000000 > m->max)
		return error_public(e, ERR_BAD_PARAM, m->name,
		    "%s must be a decimal number of at most six places.",
		    m->name);
	ppm = (uint64_t)pusd / 1000000;
	memcpy(ret, &ppm, sizeof(ppm));
	return OK;
}

static enum err
read_number(const struct record_member *m, const struct json *body, void *ret,
    struct error *e)
{
	uint64_t v;
	enum err err = json_get_u64(body, m->name, m->min, m->max, &v, e);

	if (!err)
		memcpy(ret, &v, sizeof(v)); /* max is INT64_MAX at most */
	return err;
}

static enum err
read_bool(const struct record_member *m, const struct json *body, void *ret,
    struct error *e)
{
	bool v;
	enum err err = json_get_bool(body, m->name, &v, e);

	if (!err)
		memcpy(ret, &v, sizeof(v));
	return err;
}

static enum err
read_text(const struct record_member *m, const struct json *body, void *ret,
    struct error *e)
{
	struct str v;
	enum err err = json_get_str(body, m->name, m->min, m->max, &v, e);

	if (!err)
		err = record_check_text(m, v, e);
	if (!err)
		memcpy(ret, &v, sizeof(v));
	return err;
}

static enum err
read_limit(const struct record_member *m, const struct json *body,
    struct limit_set *ret, struct error *e)
{
	uint64_t v;
	enum err err = json_get_u64(body, m->name, m->min, m->max, &v, e);

	if (!err)
		limit_set_put(ret, m->metric, (int64_t)v);
	return err;
}

enum err
record_limits_read(const struct json *body, const char *member,
    struct limit_set *ret, struct error *e)
{
	const struct json *inner;
	enum err err = json_get_object(body, member, &inner, e);

	if (!err)
		err = json_only(inner, limit_metric_names, LIMIT__METRICS, e);
	for (unsigned i = 0; i < LIMIT__METRICS && !err; i++) {
		const char *name = limit_metric_names[i];
		uint64_t v;

		if (json_has_null(inner, name))
			limit_set_put(ret, i, LIMIT_UNSTATED);
		if (!json_has(inner, name))
			continue;
		err = json_get_u64(inner, name, 0,
		    (uint64_t)limit_metric_max(i), &v, e);
		if (!err)
			limit_set_put(ret, i, (int64_t)v);
	}
	return err;
}

/* What null stands for. */
static void
clear(const struct record_member *m, char *row)
{
	static const struct str none = { NULL, 0 };
	static const int64_t nothing = -1;
	static const uint64_t zero = 0;
	char *to = row + m->off;

	switch (m->kind) {
	case RECORD_TEXT:
	case RECORD_TEXTS:
	case RECORD_IDS:
	case RECORD_JSON:
		memcpy(to, &none, sizeof(none));
		break;
	case RECORD_COUNT:
		memcpy(to, &nothing, sizeof(nothing));
		break;
	case RECORD_ID:
	case RECORD_TIME:
		memcpy(to, &zero, sizeof(zero));
		break;
	case RECORD_LIMIT:
		limit_set_put((void *)to, m->metric, LIMIT_UNSTATED);
		break;
	case RECORD_LIMITS:
		memset(to, 0, sizeof(struct limit_set));
		break;
	case RECORD_U64:
	case RECORD_BOOL:
	case RECORD_ENUM:
	case RECORD_BITS:
	case RECORD_PPM:
	case RECORD_OWN:
		break; /* never null */
	}
}

static enum err
read_member(const struct reading *r, const struct record_member *m,
    const struct json *body)
{
	void *to = r->row + m->off;

	if (m->kind == RECORD_OWN)
		return json_has(body, m->name) || json_has_null(body, m->name)
			   ? m->read(body, m->name, r->a, to, r->e)
			   : OK;
	if (json_has_null(body, m->name) && (m->flags & RECORD_NULL))
		clear(m, r->row);
	if (!json_has(body, m->name) &&
	    (!json_has_null(body, m->name) || (m->flags & RECORD_NULL)))
		return OK;
	switch (m->kind) {
	case RECORD_ID:
	case RECORD_COUNT:
	case RECORD_U64:
		return read_number(m, body, to, r->e);
	case RECORD_TEXT:
		return read_text(m, body, to, r->e);
	case RECORD_BOOL:
		return read_bool(m, body, to, r->e);
	case RECORD_TIME:
		return read_time(r, m, body, to);
	case RECORD_ENUM:
		return read_enum(m, body, to, r->e);
	case RECORD_BITS:
		return read_bits(m, body, to, r->e);
	case RECORD_TEXTS:
		return read_texts(r, m, body, to);
	case RECORD_PPM:
		return read_ppm(m, body, to, r->e);
	case RECORD_LIMIT:
		return read_limit(m, body, to, r->e);
	case RECORD_LIMITS:
		return record_limits_read(body, m->name, to, r->e);
	case RECORD_IDS:
	case RECORD_JSON:
	case RECORD_OWN:
		break;
	}
	return error_set(r->e, ERR_INTERNAL, "%s can't be read", m->name);
}

static bool
may_give(const struct record_member *m, const struct record_input *in)
{
	return (m->flags & in->flag) &&
	       (!(m->flags & RECORD_OPERATOR) || in->is_operator);
}

/* The one list of what may be given: all else is refused by its name. */
static enum err
check_names(const struct record_type *t, const struct json *body,
    const struct record_input *in, struct error *e)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	ASSERT(t->n_members + in->n_others <= NAMES_MAX);
	for (size_t i = 0; i < t->n_members; i++)
		if (may_give(&t->members[i], in))
			names[n++] = t->members[i].name;
	for (size_t i = 0; i < in->n_others; i++)
		names[n++] = in->others[i];
	return json_only(body, names, n, e);
}

/* A limit by a name of its own and in the object, too: which holds? */
static enum err
check_once(const struct record_type *t, const struct record_member *m,
    const struct json *body, struct error *e)
{
	const char *name = limit_metric_names[m->metric];
	bool is_given = json_has(body, m->name) || json_has_null(body, m->name);

	for (size_t i = 0; i < t->n_members && is_given; i++) {
		const struct record_member *all = &t->members[i];
		const struct json *inner = json_member(body, all->name);

		if (all->kind == RECORD_LIMITS && all->off == m->off && inner &&
		    (json_has(inner, name) || json_has_null(inner, name)))
			return error_public(e, ERR_BAD_PARAM, m->name,
			    "%s is %s: give one of them.", m->name, name);
	}
	return OK;
}

enum err
record_read(const struct record_type *t, const struct json *body,
    const struct record_input *in, struct arena *a, void *row, struct error *e)
{
	struct reading r = { .in = in, .a = a, .row = row, .e = e };
	enum err err = check_names(t, body, in, e);

	for (size_t i = 0; i < t->n_members && !err; i++) {
		const struct record_member *m = &t->members[i];

		if (!may_give(m, in))
			continue;
		if (in->flag == RECORD_NEW && (m->flags & RECORD_NEEDED) &&
		    !json_has(body, m->name))
			return error_public(e, ERR_BAD_PARAM, m->name,
			    "'%s' is needed.", m->name);
		if (m->kind == RECORD_LIMIT)
			err = check_once(t, m, body, e);
		if (err)
			return err;
		err = read_member(&r, m, body);
	}
	return err;
}
