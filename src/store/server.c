/* SPDX-License-Identifier: MIT */
#include "store/server.h"

struct variable {
	struct str name;
	struct str value;
};
static const struct db_field variable_fields[] = {
	DB_FIELD(struct variable, name, STR),
	DB_FIELD(struct variable, value, STR),
};
static const struct db_map variable_map = DB_MAP(struct variable,
    variable_fields);

struct instant {
	int64_t now_ms;
};
static const struct db_field instant_fields[] = {
	DB_FIELD(struct instant, now_ms, TIME),
};
static const struct db_map instant_map = DB_MAP(struct instant, instant_fields);

struct peak {
	uint64_t n;
};
static const struct db_field peak_fields[] = {
	DB_FIELD(struct peak, n, U64),
};
static const struct db_map peak_map = DB_MAP(struct peak, peak_fields);

static enum err
variables_read(struct db *db, struct arena *a, struct server_facts *ret,
    struct error *e)
{
	struct variable *v = NULL;
	size_t n = 0;
	enum err err = db_all(db, STMT_SERVER_VARIABLES, DB_IN_NONE, a,
	    &variable_map, &v, &n, e);

	for (size_t i = 0; i < n && !err; i++) {
		/* The isolation has one name in MySQL, another in MariaDB
		 * before 11.1, and both since. */
		if (str_eq_nocase(v[i].name,
			S("innodb_flush_log_at_trx_commit")))
			ret->flush_log = v[i].value;
		else
			ret->isolation = v[i].value;
	}
	return err;
}

enum err
store_server_facts(struct db *db, struct arena *a, struct server_facts *ret,
    struct error *e)
{
	struct instant instant = { 0 };
	enum err err = db_server_version(db, a, &ret->version, e);

	ret->flush_log = ret->isolation = (struct str){ NULL, 0 };
	if (!err)
		err = variables_read(db, a, ret, e);
	if (!err)
		err = db_one(db, STMT_PRICE_NOW, DB_IN_NONE, a, &instant_map,
		    &instant, e);
	ret->now_ms = instant.now_ms;
	return err;
}

enum err
store_server_peak(struct db *db, struct arena *a, uint64_t *ret_n,
    struct error *e)
{
	struct peak peak = { 0 };
	enum err err = db_one(db, STMT_SERVER_PEAK, DB_IN_NONE, a, &peak_map,
	    &peak, e);

	*ret_n = peak.n;
	return err;
}
