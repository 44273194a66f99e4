/* SPDX-License-Identifier: MIT */
/* What is in force of each key of a page. */
#include "handler/key_read.h"
#include "handler/web/key.h"

static const struct key_limits *
find(const struct key_limits *rows, size_t n, uint64_t api_key_id)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].api_key_id == api_key_id)
			return &rows[i];
	return NULL;
}

enum err
web_key_limits(struct web_key *v, const struct key *keys, size_t n,
    struct limit_set *ret, struct error *e)
{
	const struct limit_set defaults = default_limits(v->app);
	struct key_limits *rows = NULL;
	size_t n_rows = 0;
	uint64_t ids[KEY_SOME_MAX];
	enum err err;

	ASSERT(n >= 1 && n <= KEY_SOME_MAX);
	for (size_t i = 0; i < n; i++)
		ids[i] = keys[i].api_key_id;
	err = store_key_limits_some(v->m.db, v->m.tenant, ids, n, v->rq->arena,
	    &rows, &n_rows, e);
	for (size_t i = 0; !err && i < n; i++) {
		const struct key_limits *of = find(rows, n_rows, ids[i]);

		if (of)
			key_limits_resolve(of->layers, &defaults, &ret[i]);
	}
	return err;
}
