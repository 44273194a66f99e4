/* SPDX-License-Identifier: MIT */
#include "domain/prune.h"

#include "base/clock.h"
#include "store/partition.h"

#define KEEP_MIN_MS (8 * DAY_MS) /* what a restored backup may need */
#define RETRIES_MAX 20           /* of one step, each being a few already */

enum err
prune_check(int64_t before_ms, int64_t now_ms, int64_t keep_ms, struct error *e)
{
	char text[CLOCK_TEXT_BYTES];
	struct clock_parts c;
	int64_t last_ms = now_ms -
			  (keep_ms > KEEP_MIN_MS ? keep_ms : KEEP_MIN_MS);

	clock_split(before_ms, &c);
	if (c.day != 1 || before_ms % DAY_MS != 0)
		return error_set(e, ERR_BAD_PARAM, "not the start of a month");
	clock_format(last_ms, text);
	if (before_ms > last_ms)
		return error_set(e, ERR_BAD_PARAM,
		    "requests after %s may be in journals that are kept: "
		    "prune earlier months only",
		    text);
	return OK;
}

/* From the first row on, until there is none: rows may come late. */
static enum err
close_all(struct db *db, int64_t before_ms, struct arena *a, uint64_t *ret_rows,
    struct error *e)
{
	uint64_t after = 0;
	unsigned retries = 0;
	size_t n = 1;

	*ret_rows = 0;
	while (n > 0) {
		enum err err = store_prune_step(db, before_ms, &after, a, &n,
		    e);

		if (err == ERR_DB_RETRY && retries++ < RETRIES_MAX)
			continue;
		if (err)
			return err;
		retries = 0;
		*ret_rows += n;
	}
	return OK;
}

enum err
prune_run(struct db *db, int64_t before_ms, struct arena *a,
    struct prune_result *ret, struct error *e)
{
	uint64_t n = 1;
	enum err err = OK;

	*ret = (struct prune_result){ 0, 0 };
	while (!err && n > 0) {
		err = close_all(db, before_ms, a, &n, e);
		ret->rows += n;
	}
	return err ? err
		   : partition_merge(db, before_ms, a, &ret->partitions, e);
}
