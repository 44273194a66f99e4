/* SPDX-License-Identifier: MIT */
/* Times in their reader's zone, at once for a whole page: so no page needs to
 * know of zones. */
#include "base/clock.h"
#include "base/zone.h"
#include "handler/web/view.h"

#define DEPTH_MAX 16 /* of the values of a page */

static struct tval *
member(const struct tval *o, struct str key)
{
	for (struct tval_item *i = o->first; i; i = i->next)
		if (str_eq(i->key, key))
			return i->value;
	return NULL;
}

/* "22 Nov 2026, 00:41:05", not "22 Nov 2026, 00:41". */
static bool
has_seconds(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == ':';
	return n == 2;
}

/* What view_time() or view_second() made, unless it is not set. */
static void
set_text(const struct tval *o, const struct zone *z)
{
	struct tval *text = member(o, S("text"));
	const struct tval *is_set = member(o, S("is_set"));
	const struct tval *iso = member(o, S("iso"));
	struct str abbreviation, local;
	int64_t time_ms;

	if (!text || !is_set || !iso || !is_set->flag ||
	    !clock_parse(iso->text, &time_ms))
		return;
	time_ms += zone_offset_s(z, time_ms, &abbreviation) * 1000;
	local = has_seconds(text->text) ? view_second_text(o->a, time_ms)
					: view_time_text(o->a, time_ms);
	text->text = arena_printf(o->a, "%" PRI_STR " %" PRI_STR,
	    STR_ARG(local), STR_ARG(abbreviation));
}

void
view_to_zone(const struct tval *root, const struct zone *z)
{
	const struct tval_item *next[DEPTH_MAX];
	size_t depth = 0;

	if (!z->data.n || !root)
		return;
	next[0] = root->first;
	for (;;) {
		const struct tval *v;

		while (depth && !next[depth])
			depth--;
		if (!next[depth])
			return;
		v = next[depth]->value;
		next[depth] = next[depth]->next;
		if (!v || (v->kind != TVAL_OBJECT && v->kind != TVAL_LIST))
			continue;
		if (v->kind == TVAL_OBJECT)
			set_text(v, z);
		if (depth + 1 < DEPTH_MAX)
			next[++depth] = v->first;
	}
}
