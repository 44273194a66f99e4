/* SPDX-License-Identifier: MIT */
#include "handler/web/audit_view.h"

#include "base/buf.h"
#include "base/json_scan.h"
#include "handler/web/view.h"

#define MANY 3 /* changes that stand open */

/* "null", "" and "[]" say that there is nothing. */
static bool
is_nothing(const struct json_member *m)
{
	return m->kind == JSON_NULL || m->kind == JSON_NONE ||
	       str_eq(m->value, S("\"\"")) || str_eq(m->value, S("[]"));
}

/* "amount_usd: 5, period: month"; what lies deeper stays as it is. */
static struct str
object_text(struct arena *a, struct str object)
{
	struct json_member m;
	struct json_walk w;
	struct buf b;

	buf_init(&b, a, KIB(8));
	json_walk_init(&w, object);
	while (json_walk_next(&w, &m)) {
		if (is_nothing(&m))
			continue;
		buf_add(&b, buf_str(&b).n ? S(", ") : S(""));
		buf_add(&b, m.name);
		buf_add(&b, S(": "));
		buf_add(&b, m.kind == JSON_STRING ? json_unescape(a, m.value)
						  : m.value);
	}
	return buf_str(&b);
}

static struct str
value_text(struct arena *a, const struct json_member *m)
{
	if (is_nothing(m))
		return S("nothing");
	if (m->kind == JSON_OBJECT)
		return object_text(a, m->value);
	return m->kind == JSON_STRING ? json_unescape(a, m->value) : m->value;
}

/* before, after NULL: there is no such side. */
static void
push(struct tval *list, struct str name, const struct json_member *before,
    const struct json_member *after)
{
	struct tval *o = tval_push_object(list);

	if (!o)
		return;
	tval_set_text(o, "name", name);
	tval_set_bool(o, "has_before", before != NULL);
	tval_set_text(o, "before", before ? value_text(o->a, before) : S(""));
	tval_set_bool(o, "has_after", after != NULL);
	tval_set_text(o, "after", after ? value_text(o->a, after) : S(""));
}

/* Of {"before":…,"after":…}, one of which may be null. */
static void
push_sides(struct tval *list, struct str detail)
{
	struct json_member before, after, m, other;
	bool has_before = json_walk_find(detail, S("before"), &before) &&
			  before.kind == JSON_OBJECT;
	bool has_after = json_walk_find(detail, S("after"), &after) &&
			 after.kind == JSON_OBJECT;
	struct json_walk w;

	if (!has_before && !has_after)
		return;
	json_walk_init(&w, has_after ? after.value : before.value);
	while (json_walk_next(&w, &m)) {
		if (has_before && has_after) {
			if (!json_walk_find(before.value, m.name, &other))
				other =
				    (struct json_member){ .kind = JSON_NULL };
			push(list, m.name, &other, &m);
		} else if (!is_nothing(&m)) {
			push(list, m.name, has_after ? NULL : &m,
			    has_after ? &m : NULL);
		}
	}
}

void
audit_changes_add(struct tval *o, struct str detail)
{
	struct tval *list = tval_set_list(o, "changes");
	struct json_scan s = { .depth_max = JSON_SCAN_DEPTH_MAX };
	struct json_member m;
	struct json_walk w;
	size_t n = 0;

	if (list && detail.n && json_scan(&s, detail) &&
	    s.kind == JSON_OBJECT) {
		push_sides(list, detail);
		json_walk_init(&w, detail);
		while (json_walk_next(&w, &m)) {
			if (str_eq(m.name, S("operator")) &&
			    m.kind == JSON_OBJECT)
				push_sides(list, m.value);
			else if (!str_eq(m.name, S("before")) &&
				 !str_eq(m.name, S("after")) && !is_nothing(&m))
				push(list, m.name, NULL, &m);
		}
		for (struct tval_item *i = list->first; i; i = i->next)
			n++;
	}
	tval_set_bool(o, "has_changes", n > 0);
	tval_set_bool(o, "has_many", n > MANY);
	view_count(o, "n_changes", n);
}
