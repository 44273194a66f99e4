/* SPDX-License-Identifier: MIT */
#include "domain/record.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/money.h"
#include "ext/crypto.h"

#define TEXT_BYTES_MAX MIB(1)
#define NAMES_MAX      64
#define ITEM_BYTES_MAX 64

_Static_assert(RECORD_ETAG_BYTES == 2 + 32 + 2, "quotes, 16 bytes, a NUL");

/* ---- where a member is ---- */

static const void *
at(const struct record_member *m, const void *row)
{
	return (const char *)row + m->off;
}

static uint64_t
u64_of(const struct record_member *m, const void *row)
{
	uint64_t v;

	memcpy(&v, at(m, row), sizeof(v));
	return v;
}

static int64_t
i64_of(const struct record_member *m, const void *row)
{
	int64_t v;

	memcpy(&v, at(m, row), sizeof(v));
	return v;
}

static struct str
str_of(const struct record_member *m, const void *row)
{
	struct str v;

	memcpy(&v, at(m, row), sizeof(v));
	return v;
}

static unsigned
enum_of(const struct record_member *m, const void *row)
{
	unsigned v;

	memcpy(&v, at(m, row), sizeof(v));
	return v;
}

static bool
bool_of(const struct record_member *m, const void *row)
{
	bool v;

	memcpy(&v, at(m, row), sizeof(v));
	return v;
}

/* ---- writing ---- */

static void
write_bits(const struct record_member *m, uint64_t bits, struct json_out *j)
{
	json_out_array(j);
	for (unsigned i = 0; i < m->n_names; i++)
		if (bits & UINT64_C(1) << i)
			json_out_str(j, str_from(m->names[i]));
	json_out_array_end(j);
}

static void
write_items(const struct record_member *m, struct str list, struct json_out *j)
{
	struct str item;

	if (!list.p) {
		json_out_null(j);
		return;
	}
	json_out_array(j);
	while (list.n && str_split(&list, ',', &item)) {
		if (m->kind == RECORD_IDS)
			json_out_raw(j, item);
		else
			json_out_str(j, item);
	}
	json_out_array_end(j);
}

/* As an exact decimal: 1250000 is 1.25. */
static void
write_ppm(int64_t ppm, struct json_out *j)
{
	char text[MONEY_TEXT_BYTES];

	if (ppm < 0) {
		json_out_null(j);
		return;
	}
	money_to_text(ppm * 1000000, text);
	json_out_raw(j, str_from(text));
}

static void
write_text(struct str s, bool is_json, struct json_out *j)
{
	if (!s.p)
		json_out_null(j);
	else if (is_json)
		json_out_raw(j, s);
	else
		json_out_str(j, s);
}

static void
write_number(const struct record_member *m, const void *row, struct json_out *j)
{
	int64_t v = i64_of(m, row);

	if ((m->kind == RECORD_COUNT && v < 0) ||
	    (m->kind != RECORD_COUNT && v == 0))
		json_out_null(j);
	else if (m->kind == RECORD_TIME)
		json_out_time(j, v);
	else
		json_out_i64(j, v);
}

static const struct limit_set *
limits_of(const struct record_member *m, const void *row)
{
	return (const struct limit_set *)at(m, row);
}

static void
write_limits(const struct limit_set *set, struct json_out *j)
{
	json_out_object(j);
	for (unsigned i = 0; i < LIMIT__METRICS; i++)
		if (limit_set_states(set, i))
			json_out_member_u64(j, limit_metric_names[i],
			    (uint64_t)set->max[i]);
	json_out_object_end(j);
}

static void
write_limit(int64_t max, struct json_out *j)
{
	if (max < 0)
		json_out_null(j);
	else
		json_out_i64(j, max);
}

static void
write_member(const struct record_member *m, const void *row, struct json_out *j)
{
	json_out_key(j, m->name);
	switch (m->kind) {
	case RECORD_ID:
	case RECORD_COUNT:
	case RECORD_TIME:
		write_number(m, row, j);
		break;
	case RECORD_U64:
		json_out_u64(j, u64_of(m, row));
		break;
	case RECORD_TEXT:
		write_text(str_of(m, row), false, j);
		break;
	case RECORD_JSON:
	case RECORD_OWN:
		write_text(str_of(m, row), true, j);
		break;
	case RECORD_BOOL:
		json_out_bool(j, bool_of(m, row));
		break;
	case RECORD_ENUM:
		json_out_str(j, str_from(m->names[enum_of(m, row)]));
		break;
	case RECORD_BITS:
		write_bits(m, u64_of(m, row), j);
		break;
	case RECORD_TEXTS:
	case RECORD_IDS:
		write_items(m, str_of(m, row), j);
		break;
	case RECORD_PPM:
		write_ppm(i64_of(m, row), j);
		break;
	case RECORD_LIMIT:
		write_limit(limit_set_get(limits_of(m, row), m->metric), j);
		break;
	case RECORD_LIMITS:
		write_limits(limits_of(m, row), j);
		break;
	}
}

void
record_write(const struct record_type *t, const void *row, bool to_operator,
    struct json_out *j)
{
	for (size_t i = 0; i < t->n_members; i++)
		if (!(t->members[i].flags & RECORD_UNSHOWN) &&
		    (to_operator || !(t->members[i].flags & RECORD_HIDDEN)))
			write_member(&t->members[i], row, j);
}

/* ---- reading ---- */

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

	buf_init(&b, r->a, TEXT_BYTES_MAX);
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
check_time(const struct record_member *m, int64_t ms, int64_t now_ms,
    struct error *e)
{
	if (ms > now_ms)
		return OK;
	return error_public(e, ERR_BAD_PARAM, m->name,
	    "%s must be a future time such as 2030-01-31T00:00:00Z.", m->name);
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
	err = check_time(m, clock_parse(text, &ms) ? ms : 0, r->in->now_ms,
	    r->e);
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

static bool
is_control(const struct record_member *m, char c)
{
	if ((m->flags & RECORD_LINES) && (c == '\n' || c == '\t'))
		return false;
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static enum err
check_text(const struct record_member *m, struct str v, struct error *e)
{
	if (v.n < m->min || v.n > m->max || !str_is_utf8(v))
		return error_public(e, ERR_BAD_PARAM, m->name,
		    "%s must be text of %llu to %llu bytes.", m->name,
		    (unsigned long long)m->min, (unsigned long long)m->max);
	for (size_t i = 0; i < v.n; i++)
		if (is_control(m, v.p[i]))
			return error_public(e, ERR_BAD_PARAM, m->name,
			    "%s holds a control character.", m->name);
	if (m->min && str_trim(v).n == 0)
		return error_public(e, ERR_BAD_PARAM, m->name,
		    "%s must not be blank.", m->name);
	return OK;
}

static enum err
read_text(const struct record_member *m, const struct json *body, void *ret,
    struct error *e)
{
	struct str v;
	enum err err = json_get_str(body, m->name, m->min, m->max, &v, e);

	if (!err)
		err = check_text(m, v, e);
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

/* ---- comparing ---- */

/* A member's JSON by itself. */
static struct str
text_of(const struct record_member *m, const void *row, struct arena *a)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, a, TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	write_member(m, row, &j);
	json_out_object_end(&j);
	return buf_str(&b);
}

struct str
record_value(const struct record_member *m, const void *row, struct arena *a)
{
	struct str text = text_of(m, row, a); /* {"name":value} */
	size_t n_name = strlen(m->name) + 4;

	if (text.n <= n_name) /* it did not fit: the arena says so */
		return S("null");
	return str_make(text.p + n_name, text.n - n_name - 1);
}

struct str
record_text(const struct record_member *m, const void *row, struct arena *a)
{
	struct str json = record_value(m, row, a);

	if (m->kind == RECORD_TEXT)
		return str_of(m, row);
	/* Times and names of ours: nothing in them is escaped. */
	return json.n >= 2 ? str_make(json.p + 1, json.n - 2) : json;
}

void
record_etag(const struct record_type *t, const void *row, struct arena *a,
    char ret[RECORD_ETAG_BYTES])
{
	uint8_t digest[16];
	struct json_out j;
	struct str text;
	struct buf b;

	buf_init(&b, a, TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	for (size_t i = 0; i < t->n_members; i++)
		if (!(t->members[i].flags & RECORD_LIVE))
			write_member(&t->members[i], row, &j);
	json_out_object_end(&j);
	text = buf_str(&b);
	crypto_checksum(text.p, text.n, digest, sizeof(digest));
	ret[0] = '"';
	hex_encode(digest, sizeof(digest), ret + 1);
	memcpy(ret + 33, "\"", 2);
}

enum err
record_match(struct str if_match, const char *etag, struct error *e)
{
	struct str item;

	if (!if_match.p || str_eq(str_trim(if_match), S("*")))
		return OK;
	/* Our tags hold no comma, so cutting at one can hide none of them. */
	while (str_split(&if_match, ',', &item))
		if (str_eq(str_trim(item), str_from(etag)))
			return OK;
	return error_set(e, ERR_PRECONDITION, "If-Match is not %s", etag);
}

struct comparison {
	const struct record_type *t;
	const void *before, *after;
	struct arena *a;
};

static bool
is_changed(const struct comparison *c, const struct record_member *m)
{
	if (m->flags & RECORD_LIVE)
		return false;
	if (!c->before || !c->after)
		return true;
	return !str_eq(text_of(m, c->before, c->a), text_of(m, c->after, c->a));
}

/* Those that differ: hidden, RECORD_HIDDEN, or 0 for the others. */
static void
write_side(const struct comparison *c, const void *row, unsigned hidden,
    struct json_out *j)
{
	const struct record_member *m = c->t->members;

	if (!row) {
		json_out_null(j);
		return;
	}
	json_out_object(j);
	for (size_t i = 0; i < c->t->n_members; i++)
		if ((m[i].flags & RECORD_HIDDEN) == hidden &&
		    is_changed(c, &m[i]))
			write_member(&m[i], row, j);
	json_out_object_end(j);
}

/* v: as u64_of() gives it. */
static enum err
check_number(const struct record_member *m, uint64_t v, struct error *e)
{
	if (v >= m->min && v <= m->max)
		return OK;
	return error_public(e, ERR_BAD_PARAM, m->name,
	    "%s must be a number from %llu to %llu.", m->name,
	    (unsigned long long)m->min, (unsigned long long)m->max);
}

/* Bounds of a value that stands in row. What is null was let through, or
 * cleared, by whoever filled row. */
static enum err
check_member(const struct record_member *m, const void *row, int64_t now_ms,
    struct error *e)
{
	switch (m->kind) {
	case RECORD_TEXT:
		return str_of(m, row).p ? check_text(m, str_of(m, row), e) : OK;
	case RECORD_TIME:
		return i64_of(m, row) ? check_time(m, i64_of(m, row), now_ms, e)
				      : OK;
	case RECORD_COUNT:
		return i64_of(m, row) < 0 ? OK
					  : check_number(m, u64_of(m, row), e);
	case RECORD_U64:
	case RECORD_PPM:
		return check_number(m, u64_of(m, row), e);
	case RECORD_ID:
	case RECORD_BOOL:
	case RECORD_ENUM:
	case RECORD_BITS:
	case RECORD_TEXTS:
	case RECORD_IDS:
	case RECORD_LIMIT:
	case RECORD_LIMITS:
	case RECORD_JSON:
	case RECORD_OWN:
		break; /* no bounds, or the resource's own check has them */
	}
	return OK;
}

enum err
record_check(const struct record_type *t, const void *before, const void *row,
    int64_t now_ms, struct arena *a, struct error *e)
{
	const struct comparison c = { t, before, row, a };
	unsigned flag = before ? RECORD_SET : RECORD_NEW;
	enum err err = OK;

	for (size_t i = 0; i < t->n_members && !err; i++)
		if ((t->members[i].flags & flag) &&
		    is_changed(&c, &t->members[i]))
			err = check_member(&t->members[i], row, now_ms, e);
	return err;
}

static void
write_sides(const struct comparison *c, unsigned hidden, struct json_out *j)
{
	json_out_key(j, "before");
	write_side(c, c->before, hidden, j);
	json_out_key(j, "after");
	write_side(c, c->after, hidden, j);
}

static bool
is_any_hidden_changed(const struct comparison *c)
{
	const struct record_member *m = c->t->members;

	for (size_t i = 0; i < c->t->n_members; i++)
		if ((m[i].flags & RECORD_HIDDEN) && is_changed(c, &m[i]))
			return true;
	return false;
}

struct str
record_changes(const struct record_type *t, const void *before,
    const void *after, struct arena *a)
{
	const struct comparison c = { t, before, after, a };
	struct str text = { NULL, 0 };
	struct json_out j;
	struct error e;
	struct buf b;

	buf_init(&b, a, TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	write_sides(&c, 0, &j);
	if (is_any_hidden_changed(&c)) {
		json_out_key(&j, "operator");
		json_out_object(&j);
		write_sides(&c, RECORD_HIDDEN, &j);
		json_out_object_end(&j);
	}
	json_out_object_end(&j);
	if (buf_finish(&b, &text, &e))
		return (struct str){ NULL, 0 };
	return text;
}

bool
record_is_unchanged(struct str changes)
{
	return str_eq(changes, S("{\"before\":{},\"after\":{}}"));
}
