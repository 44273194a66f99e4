/* SPDX-License-Identifier: MIT */
/* A row written as JSON. */
#include "base/money.h"
#include "domain/record_priv.h"

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
	int64_t v = record_i64(m, row);

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
	return (const struct limit_set *)record_at(m, row);
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

void
record_write_member(const struct record_member *m, const void *row,
    struct json_out *j)
{
	json_out_key(j, m->name);
	switch (m->kind) {
	case RECORD_ID:
	case RECORD_COUNT:
	case RECORD_TIME:
		write_number(m, row, j);
		break;
	case RECORD_U64:
		json_out_u64(j, record_u64(m, row));
		break;
	case RECORD_TEXT:
		write_text(record_str(m, row), false, j);
		break;
	case RECORD_JSON:
	case RECORD_OWN:
		write_text(record_str(m, row), true, j);
		break;
	case RECORD_BOOL:
		json_out_bool(j, record_bool(m, row));
		break;
	case RECORD_ENUM:
		json_out_str(j, str_from(m->names[record_enum(m, row)]));
		break;
	case RECORD_BITS:
		write_bits(m, record_u64(m, row), j);
		break;
	case RECORD_TEXTS:
	case RECORD_IDS:
		write_items(m, record_str(m, row), j);
		break;
	case RECORD_PPM:
		write_ppm(record_i64(m, row), j);
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
			record_write_member(&t->members[i], row, j);
}

struct str
record_member_text(const struct record_member *m, const void *row,
    struct arena *a)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, a, RECORD_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	record_write_member(m, row, &j);
	json_out_object_end(&j);
	return buf_str(&b);
}

struct str
record_value(const struct record_member *m, const void *row, struct arena *a)
{
	struct str text = record_member_text(m, row, a); /* {"name":value} */
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
		return record_str(m, row);
	/* Times and names of ours: nothing in them is escaped. */
	return json.n >= 2 ? str_make(json.p + 1, json.n - 2) : json;
}
