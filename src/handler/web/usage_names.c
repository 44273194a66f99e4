/* SPDX-License-Identifier: MIT */
/* Names beside the ids of usage. */
#include "handler/web/usage_filter.h"

#include <stdlib.h>
#include <string.h>

static int
compare_ids(const void *pa, const void *pb)
{
	const struct name *a = pa, *b = pb;

	if (a->id == b->id)
		return 0;
	return a->id < b->id ? -1 : 1;
}

static const struct name *
find_name(const struct web_usage_filter *f, enum name_kind kind, uint64_t id)
{
	const struct name key = { .id = id };

	return f->n_names[kind]
		   ? bsearch(&key, f->names[kind], f->n_names[kind],
			 sizeof(key), compare_ids)
		   : NULL;
}

enum err
web_usage_names_add(struct web_usage_filter *f, enum name_kind kind,
    const struct name *more, size_t n, struct arena *a, struct error *e)
{
	struct name *all = arena_array(a, struct name, f->n_names[kind] + n);

	if (!all)
		return error_arena(e, a);
	if (f->n_names[kind])
		memcpy(all, f->names[kind], f->n_names[kind] * sizeof(*all));
	if (n)
		memcpy(all + f->n_names[kind], more, n * sizeof(*all));
	f->names[kind] = all;
	f->n_names[kind] += n;
	qsort(all, f->n_names[kind], sizeof(*all), compare_ids);
	return OK;
}

static enum err
find_some(struct web_usage_filter *f, const struct manager *m,
    enum name_kind kind, const uint64_t *some, size_t n, struct arena *a,
    struct error *e)
{
	struct name *found;
	size_t n_found;
	enum err err;

	if (n == 0)
		return OK;
	err = store_name_find(m->db, kind, f->filter.customer_id, some, n, a,
	    &found, &n_found, e);
	return err ? err : web_usage_names_add(f, kind, found, n_found, a, e);
}

enum err
web_usage_names(struct web_usage_filter *f, const struct manager *m,
    enum name_kind kind, const uint64_t *all, size_t n, struct arena *a,
    struct error *e)
{
	uint64_t some[NAME_FIND_MAX];
	size_t n_some = 0;
	enum err err = OK;

	for (size_t i = 0; i < n && !err; i++) {
		if (!all[i] || find_name(f, kind, all[i]))
			continue;
		some[n_some++] = all[i];
		if (n_some < NAME_FIND_MAX)
			continue;
		err = find_some(f, m, kind, some, n_some, a, e);
		n_some = 0;
	}
	return err ? err : find_some(f, m, kind, some, n_some, a, e);
}

struct str
web_usage_name(const struct web_usage_filter *f, enum name_kind kind,
    uint64_t id, struct arena *a)
{
	const struct name *n = id ? find_name(f, kind, id) : NULL;

	if (!id)
		return S("none");
	return n && n->name.n
		   ? n->name
		   : arena_printf(a, "#%llu", (unsigned long long)id);
}
