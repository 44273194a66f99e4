/* SPDX-License-Identifier: MIT */
#include "domain/notice.h"

#include <string.h>

#include "base/clock.h"
#include "store/notice.h"

static const struct notice_info infos[NOTICE__N] = {
#define NOTICE(id, kind, subject, text) { kind, subject, text },
#include "domain/notices.def"
#undef NOTICE
};

const struct notice_info *
notice_info(enum notice_kind kind)
{
	return &infos[kind];
}

enum err
notice_kind_find(struct str name, enum notice_kind *ret, struct error *e)
{
	for (unsigned i = 0; i < NOTICE__N; i++) {
		if (!str_eq(name, str_from(infos[i].kind)))
			continue;
		*ret = (enum notice_kind)i;
		return OK;
	}
	return error_set(e, ERR_NOT_FOUND, "no notices of kind %" PRI_STR,
	    STR_ARG(name));
}

static bool
is_cause(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n > 0 && s.n <= NOTICE_CAUSE_BYTES;
}

enum err
notice_add(struct db *db, const struct notice *n, bool *ret_is_new,
    struct error *e)
{
	struct uuid7 uid = uuid7_new(clock_now_ms());
	struct notice_row row = {
		.customer_id = n->customer_id,
		.kind = str_from(infos[n->kind].kind),
		.cause = n->cause,
		.payload = n->payload,
	};
	struct error conflict;
	enum err err;

	if (!is_cause(n->cause))
		return error_set(e, ERR_BAD_PARAM, "cause of a notice");
	if (n->payload.n < 2 || n->payload.n > NOTICE_PAYLOAD_BYTES)
		return error_set(e, ERR_BAD_PARAM, "payload of a notice");
	memcpy(row.uid, uid.b, sizeof(row.uid));
	err = store_notice_insert(db, &row, &conflict);
	if (err && err != ERR_CONFLICT) {
		*e = conflict;
		return err;
	}
	if (ret_is_new)
		*ret_is_new = err == OK;
	return OK;
}
