/* SPDX-License-Identifier: MIT */
/* Every statement of stmts.def on a real server, with the rights of the
 * account that will run it. */
#include "db/fixture_db.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/db_priv.h"

static bool
type_fits(enum db_type type, enum enum_field_types field)
{
	switch (type) {
	case DB_U64:
	case DB_U32:
	case DB_I64:
	case DB_BOOL:
	case DB_ID:
	case DB_OPT:
		return field == MYSQL_TYPE_LONGLONG ||
		       field == MYSQL_TYPE_LONG || field == MYSQL_TYPE_SHORT ||
		       field == MYSQL_TYPE_TINY;
	case DB_TIME:
		return field == MYSQL_TYPE_DATETIME;
	case DB_DAY:
		return field == MYSQL_TYPE_DATE;
	case DB_MONEY:
	case DB_PPM:
		return field == MYSQL_TYPE_NEWDECIMAL ||
		       /* CASTless literals of 0 beside sums */
		       field == MYSQL_TYPE_LONGLONG;
	case DB_STR:
	case DB_BYTES:
	case DB_B16:
	case DB_B32:
	case DB_ENUM:
		return field == MYSQL_TYPE_STRING ||
		       field == MYSQL_TYPE_VAR_STRING ||
		       field == MYSQL_TYPE_BLOB ||
		       field == MYSQL_TYPE_LONG_BLOB ||
		       field == MYSQL_TYPE_MEDIUM_BLOB;
	case DB_NONE:
		break;
	}
	return false;
}

static void
check_columns(enum stmt id, MYSQL_STMT *st)
{
	const struct stmt_info *info = stmt_info(id);
	MYSQL_RES *meta = mysql_stmt_result_metadata(st);
	size_t n = stmt_types_n(info->columns);

	assert_int_equal(meta ? mysql_num_fields(meta) : 0, n);
	for (unsigned i = 0; i < n; i++) {
		const MYSQL_FIELD *field = mysql_fetch_field_direct(meta, i);

		if (!type_fits((enum db_type)info->columns[i], field->type)) {
			print_message("# %s: column %u (%s) has type %u\n",
			    info->name, i + 1, field->name, field->type);
			fail();
		}
	}
	if (meta)
		mysql_free_result(meta);
}

static void
check_prepare(struct db *db, enum stmt id, unsigned n_groups)
{
	const struct stmt_info *info = stmt_info(id);
	char *text = stmt_text(id, n_groups);
	MYSQL_STMT *st = mysql_stmt_init(&db->my);

	if (mysql_stmt_prepare(st, text, strlen(text)) != 0) {
		print_message("# %s: %s\n", info->name, mysql_stmt_error(st));
		fail();
	}
	assert_int_equal(mysql_stmt_param_count(st),
	    stmt_types_n(info->params) * (info->is_bulk ? n_groups : 1));
	check_columns(id, st);
	mysql_stmt_close(st);
	free(text);
}

static void
check_all(enum fixture_account account, bool wants_own)
{
	struct db *db = fixture_connect(account);

	for (int i = 0; i < STMT__MAX; i++) {
		const struct stmt_info *info = stmt_info((enum stmt)i);

		if ((info->access == STMT_OWN) != wants_own)
			continue;
		for (int k = 0; k < DB_SIZES; k++)
			if (info->is_bulk || k == DB_SIZES - 1)
				check_prepare(db, (enum stmt)i,
				    db_group_sizes[k]);
	}
	db_free(db);
}

static void
stmt__account_of_the_workers__prepares_with_its_counts_and_types(void **state)
{
	(void)state;
	check_all(FIXTURE_APP, false);
}

static void
stmt__account_of_migrate__prepares_with_its_counts_and_types(void **state)
{
	(void)state;
	check_all(FIXTURE_MIGRATE, true);
}

static void
stmt__marked_as_reading__only_reads(void **state)
{
	(void)state;

	for (int i = 0; i < STMT__MAX; i++) {
		const struct stmt_info *info = stmt_info((enum stmt)i);
		struct str text = str_from(info->text);

		if (info->access == STMT_RO)
			assert_true(str_starts(text, S("SELECT ")) ||
				    str_starts(text, S("SHOW ")));
		if (info->access == STMT_RW && str_starts(text, S("SELECT ")))
			assert_true(
			    str_ends(text, S(" FOR UPDATE")) ||
			    str_ends(text, S(" FOR UPDATE SKIP LOCKED")));
	}
}

/* For tests/db/mysql8: every text as it is prepared, one a line. */
static void
print_statements(void)
{
	for (int i = 0; i < TEXT__MAX; i++)
		if (i != TEXT_PARTITION_ADD && i != TEXT_PARTITION_LAST)
			printf("%s;\n", db_texts[i]);
	for (int i = 0; i < STMT__MAX; i++) {
		char *text = stmt_text((enum stmt)i, 2);

		printf("%s;\n", text);
		free(text);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    stmt__account_of_the_workers__prepares_with_its_counts_and_types),
		cmocka_unit_test(
		    stmt__account_of_migrate__prepares_with_its_counts_and_types),
		cmocka_unit_test(stmt__marked_as_reading__only_reads),
	};

	if (argc == 2 && strcmp(argv[1], "--print") == 0) {
		print_statements();
		return 0;
	}
	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
