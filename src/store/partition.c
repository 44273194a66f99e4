/* SPDX-License-Identifier: MIT */
#include "store/partition.h"

#include "base/buf.h"
#include "base/clock.h"
#include "store/db_priv.h"

struct partition {
	struct str name; /* p_first, pYYYYMM …, p_max */
};
static const struct db_field partition_fields[] = {
	DB_FIELD(struct partition, name, STR),
};
static const struct db_map partition_map = DB_MAP(struct partition,
    partition_fields);

/* Months since year 0, so that the next month is + 1. */
static int
month_of(int64_t time_ms)
{
	struct clock_parts c;

	clock_split(time_ms, &c);
	return c.year * 12 + c.month - 1;
}

/* The month of a partition's name, or -1. */
static int
month_of_name(struct str name)
{
	uint64_t number;

	if (name.n != 7 || name.p[0] != 'p' ||
	    !str_to_u64(str_skip(name, 1), 190001, 999912, &number))
		return -1;
	return (int)(number / 100 * 12 + number % 100 - 1);
}

/* The last month that has a partition, or -1. */
static enum err
last_month(struct db *db, struct arena *a, int *ret, struct error *e)
{
	struct partition *p;
	size_t n;
	enum err err = db_all(db, STMT_PARTITION_LIST, DB_IN_NONE, a,
	    &partition_map, &p, &n, e);

	if (err != OK)
		return err;
	*ret = -1;
	for (size_t i = 0; i < n; i++)
		if (month_of_name(p[i].name) >= 0)
			*ret = month_of_name(p[i].name);
	return OK;
}

enum err
partition_ensure(struct db *db, int64_t now_ms, struct arena *a,
    struct error *e)
{
	int from, to = month_of(now_ms) + PARTITION_MONTHS_AHEAD;
	struct str text;
	struct buf b;
	enum err err = last_month(db, a, &from, e);

	if (err != OK)
		return err;
	from = from < 0 ? month_of(now_ms) : from + 1;
	if (from > to)
		return OK;
	buf_init(&b, a, KIB(64));
	buf_add(&b, str_from(db_texts[TEXT_PARTITION_ADD]));
	for (int m = from; m <= to; m++)
		buf_addf(&b,
		    "PARTITION p%04d%02d VALUES LESS THAN ('%04d-%02d-01'), ",
		    m / 12, m % 12 + 1, (m + 1) / 12, (m + 1) % 12 + 1);
	buf_add(&b, str_from(db_texts[TEXT_PARTITION_LAST]));
	err = buf_finish(&b, &text, e);
	if (err != OK)
		return err;
	return db_run_script_statement(db, text, e);
}

enum err
partition_merge(struct db *db, int64_t before_ms, struct arena *a,
    size_t *ret_n, struct error *e)
{
	int before = month_of(before_ms), last = -1;
	struct partition *p;
	struct str text;
	struct buf b;
	size_t n, n_merged = 0;
	enum err err = db_all(db, STMT_PARTITION_LIST, DB_IN_NONE, a,
	    &partition_map, &p, &n, e);

	if (err != OK)
		return err;
	buf_init(&b, a, KIB(64));
	buf_add(&b, str_from(db_texts[TEXT_PARTITION_MERGE]));
	buf_add(&b, S("p_first"));
	for (size_t i = 0; i < n; i++) {
		int month = month_of_name(p[i].name);

		if (month < 0 || month >= before)
			continue;
		buf_addf(&b, ", %" PRI_STR, STR_ARG(p[i].name));
		last = month;
		n_merged++;
	}
	*ret_n = n_merged;
	if (n_merged == 0)
		return OK;
	buf_addf(&b,
	    " INTO (PARTITION p_first VALUES LESS THAN ('%04d-%02d-01'))",
	    (last + 1) / 12, (last + 1) % 12 + 1);
	err = buf_finish(&b, &text, e);
	return err ? err : db_run_script_statement(db, text, e);
}
