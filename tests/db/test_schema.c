/* SPDX-License-Identifier: MIT */
/* What every table owes, read from information_schema and EXPLAIN. */
#include "db/fixture_db.h"

#include <stdio.h>

#include "base/histogram.h"
#include "store/db_priv.h"
#include "store/usage.h"

#define TABLES                                                          \
 " FROM information_schema.tables t WHERE t.table_schema = 'tollgate' " \
 "AND t.table_type = 'BASE TABLE' "

static struct db *root;

static int
setup(void **state)
{
	if (fixture_setup(state) != 0)
		return -1;
	root = fixture_connect(FIXTURE_ROOT);
	fixture_sql(root, "USE tollgate");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	db_free(root);
	return 0;
}

static void
schema__every_table__has_both_times_in_utc_microseconds(void **state)
{
	uint64_t n_tables = fixture_number(root, "SELECT COUNT(*)" TABLES);

	(void)state;
	assert_in_range(n_tables, 25, 100);
	for (int i = 0; i < 2; i++)
		assert_int_equal(n_tables,
		    fixture_number(root,
			i == 0
			    ? "SELECT COUNT(*) FROM information_schema.columns "
			      "WHERE table_schema = 'tollgate' AND column_name = "
			      "'created_at' AND column_type = 'datetime(6)' AND "
			      "is_nullable = 'NO' AND column_default LIKE "
			      "'current_timestamp(6)%' AND table_name <> "
			      "'ps_model_usage'"
			    : "SELECT COUNT(*) FROM information_schema.columns "
			      "WHERE table_schema = 'tollgate' AND column_name = "
			      "'updated_at' AND column_type = 'datetime(6)' AND "
			      "is_nullable = 'NO' AND column_default LIKE "
			      "'current_timestamp(6)%' AND extra LIKE "
			      "'%on update current_timestamp(6)%' AND table_name "
			      "<> 'ps_model_usage'"));
}

static void
schema__every_table__is_innodb_with_binary_collation(void **state)
{
	(void)state;
	assert_int_equal(0,
	    fixture_number(root,
		"SELECT COUNT(*)" TABLES
		"AND (t.engine <> 'InnoDB' OR t.table_collation <> "
		"'utf8mb4_bin')"));
}

static void
schema__money_columns__hold_twelve_decimals(void **state)
{
	(void)state;
	assert_int_equal(0,
	    fixture_number(root,
		"SELECT COUNT(*) FROM information_schema.columns WHERE "
		"table_schema = 'tollgate' AND column_name LIKE '%\\_usd' AND "
		"column_type <> IF(table_name IN ('usage_monthly', 'usage_callers', "
		"'usage_totals', 'usage_sums', 'usage_ranks'), 'decimal(26,12)', 'decimal(20,12)')"));
}

/* Columns that name a row of another table, but on usage_records (which is
 * partitioned), in the keys of rollups other than their customer (0 there is
 * no row; in the two of totals that is so of customers, too, and nothing looks
 * for a customer in usage_ranks), and where the kind of thing stands beside the
 * id. */
static void
schema__references__have_foreign_keys(void **state)
{
	(void)state;
	assert_int_equal(0,
	    fixture_number(root,
		"SELECT COUNT(*) FROM information_schema.columns c JOIN "
		"information_schema.tables t ON t.table_schema = "
		"c.table_schema AND t.table_name = c.table_name AND "
		"t.table_type = 'BASE TABLE' WHERE c.table_schema = "
		"'tollgate' AND c.table_name <> 'usage_records' AND "
		"c.column_name IN ('customer_id', 'user_id', 'api_key_id', "
		"'model_id', 'provider_id', 'project_id', 'agent_id', "
		"'connector_id', 'debit_account_id', 'credit_account_id', "
		"'rate_limit_tier') AND NOT (c.table_name LIKE 'usage%' AND "
		"(c.column_name <> 'customer_id' OR c.table_name IN "
		"('usage_totals', 'usage_sums', 'usage_ranks', 'usage_refusal_totals'))) AND NOT (c.extra LIKE "
		"'%auto_increment%') AND NOT EXISTS (SELECT 1 FROM "
		"information_schema.key_column_usage k WHERE k.table_schema = "
		"c.table_schema AND k.table_name = c.table_name AND "
		"k.column_name = c.column_name AND k.referenced_table_name IS "
		"NOT NULL)"));
}

static void
view__ps_model_usage__has_document_004s_columns_in_order(void **state)
{
	static const char *const columns[] = { "id", "user_id", "created_at",
		"updated_at", "model_id", "token_in_count",
		"token_in_cached_context_count", "long_context_token_in_count",
		"long_context_token_in_cached_context_count", "token_out_count",
		"token_out_reasoning_count", "token_out_audio_count",
		"token_out_image_count", "long_context_token_out_count",
		"long_context_token_out_reasoning_count",
		"long_context_token_out_audio_count",
		"long_context_token_out_image_count", "agent_id",
		"connector_id" };
	MYSQL_RES *res;

	(void)state;
	fixture_sql(root, "SELECT * FROM ps_model_usage LIMIT 0");
	res = mysql_store_result(&root->my);
	assert_int_equal(mysql_num_fields(res), ARRAY_LEN(columns));
	for (unsigned i = 0; i < ARRAY_LEN(columns); i++)
		assert_string_equal(mysql_fetch_field_direct(res, i)->name,
		    columns[i]);
	mysql_free_result(res);
}

/* By information_schema, and no account of ours may write to it. */
static void
view__ps_model_usage__numbers_are_integers_only_two_are_optional(void **state)
{
	(void)state;
	assert_int_equal(19,
	    fixture_number(root,
		"SELECT COUNT(*) FROM information_schema.columns WHERE "
		"table_schema = 'tollgate' AND table_name = 'ps_model_usage' "
		"AND ordinal_position <= 19"));
	assert_int_equal(17,
	    fixture_number(root,
		"SELECT COUNT(*) FROM information_schema.columns WHERE "
		"table_schema = 'tollgate' AND table_name = 'ps_model_usage' "
		"AND data_type IN ('int', 'bigint')"));
	assert_int_equal(2,
	    fixture_number(root,
		"SELECT COUNT(*) FROM information_schema.columns WHERE "
		"table_schema = 'tollgate' AND table_name = 'ps_model_usage' "
		"AND column_name IN ('agent_id', 'connector_id') AND "
		"is_nullable = 'YES' AND ordinal_position >= 18"));
	assert_int_equal(2,
	    fixture_number(root,
		"SELECT COUNT(*) FROM information_schema.columns WHERE "
		"table_schema = 'tollgate' AND table_name = 'ps_model_usage' "
		"AND is_nullable = 'YES'"));
	assert_int_equal(0,
	    fixture_number(root,
		"SELECT COUNT(*) FROM information_schema.table_privileges "
		"WHERE table_schema = 'tollgate' AND table_name = "
		"'ps_model_usage' AND privilege_type <> 'SELECT' AND grantee "
		"LIKE '%''tollgate''%'"));
}

static void
rollups__bucket_columns__are_as_many_as_the_histogram_has(void **state)
{
	(void)state;
	assert_int_equal(12 * HISTOGRAM_N,
	    fixture_number(root,
		"SELECT COUNT(*) FROM information_schema.columns WHERE "
		"table_schema = 'tollgate' AND table_name IN ('usage_hourly', "
		"'usage_daily', 'usage_monthly', 'usage_callers', "
		"'usage_totals', 'usage_sums') AND (column_name REGEXP '^latency_h[0-9]{2}$' "
		"OR column_name REGEXP '^ttft_h[0-9]{2}$')"));
}

static void
usage_records__partitions__are_first_months_and_max(void **state)
{
	(void)state;
	assert_int_equal(3 + 12,
	    fixture_number(root,
		"SELECT COUNT(*) FROM information_schema.partitions WHERE "
		"table_schema = 'tollgate' AND table_name = 'usage_records' "
		"AND partition_name REGEXP "
		"'^(p_first|p_max|p[0-9]{6})$'"));
}

static void
fill_usage(void)
{
	static struct usage_row rows[2000];
	struct fixture f;

	fixture_init(&f, FIXTURE_APP);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		rows[i] = fixture_usage(i % 97 + 1, i % 193 + 1, i % 89 + 1);
		rows[i].user_id = i % 101 + 1;
		rows[i].agent_id = i % 103 + 1;
		rows[i].connector_id = i % 107 + 1;
	}
	assert_db_ok(&f, store_usage_insert(f.db, rows, ARRAY_LEN(rows), &f.e));
	fixture_fini(&f);
	fixture_sql(root, "ANALYZE TABLE usage_records");
	mysql_free_result(mysql_store_result(&root->my));
}

/* The index that EXPLAIN names for the first table. */
static void
assert_index(const char *query, const char *index)
{
	MYSQL_RES *res;
	MYSQL_ROW row;
	int found = 0;

	fixture_sql(root, query);
	res = mysql_store_result(&root->my);
	row = mysql_fetch_row(res);
	for (unsigned i = 0; i < mysql_num_fields(res); i++) {
		if (strcmp(mysql_fetch_field_direct(res, i)->name, "key") != 0)
			continue;
		if (!row[i] || strcmp(row[i], index) != 0)
			print_message("# %s: %s\n", query,
			    row[i] ? row[i] : "none");
		assert_non_null(row[i]);
		assert_string_equal(row[i], index);
		found = 1;
	}
	mysql_free_result(res);
	assert_true(found);
}

static void
usage_records__each_filter__uses_its_index(void **state)
{
	static const char *const filters[][2] = { { "customer_id",
						      "usage_customer" },
		{ "user_id", "usage_user" }, { "model_id", "usage_model" },
		{ "agent_id", "usage_agent" },
		{ "connector_id", "usage_connector" },
		{ "api_key_id", "usage_key" },
		{ "request_id", "usage_request" }, { "usage_id", "PRIMARY" } };
	char query[200];

	(void)state;
	fill_usage();
	for (unsigned i = 0; i < ARRAY_LEN(filters); i++) {
		(void)snprintf(query, sizeof(query),
		    "EXPLAIN SELECT * FROM usage_records WHERE %s = 5",
		    filters[i][0]);
		if (strcmp(filters[i][0], "request_id") == 0)
			(void)snprintf(query, sizeof(query),
			    "EXPLAIN SELECT * FROM usage_records WHERE "
			    "request_id = UNHEX('"
			    "00112233445566778899aabbccddeeff')");
		assert_index(query, filters[i][1]);
	}
	assert_index("EXPLAIN SELECT * FROM ps_model_usage WHERE agent_id = 5",
	    "usage_agent");
	assert_index("EXPLAIN SELECT * FROM ps_model_usage WHERE id = 5",
	    "PRIMARY");
}

static void
other_tables__each_look_up__uses_its_index(void **state)
{
	(void)state;
	assert_index("EXPLAIN SELECT * FROM usage_daily WHERE customer_id = 5 "
		     "AND day = '2026-01-01' AND project_id = 0",
	    "PRIMARY");
	assert_index("EXPLAIN SELECT * FROM usage_totals WHERE customer_id = 0 "
		     "AND period = 'day' AND start > '2026-01-01'",
	    "PRIMARY");
	assert_index("EXPLAIN SELECT * FROM usage_refusals WHERE customer_id = "
		     "5 AND hour >= '2026-01-01'",
	    "PRIMARY");
	assert_index("EXPLAIN SELECT * FROM usage_refusal_totals WHERE "
		     "customer_id = 5 AND period = 'day' AND start >= "
		     "'2026-01-01'",
	    "PRIMARY");
	assert_index("EXPLAIN SELECT * FROM usage_refusal_keys WHERE "
		     "customer_id = 5 AND period = 'day' AND start >= "
		     "'2026-01-01'",
	    "PRIMARY");
	assert_index("EXPLAIN SELECT * FROM usage_hourly WHERE hour < "
		     "'2026-01-01'",
	    "usage_hour");
	assert_index("EXPLAIN SELECT * FROM audit_log WHERE customer_id = 5 "
		     "ORDER BY created_at DESC, audit_id DESC LIMIT 9",
	    "audit_customer");
	assert_index("EXPLAIN SELECT * FROM sessions WHERE expires_at < NOW()",
	    "session_expiry");
}

static void
assert_denied(struct db *db, const char *text)
{
	struct error e;

	assert_int_equal(ERR_DB_DOWN,
	    db_run_script_statement(db, str_from(text), &e));
	assert_non_null(strstr(e.internal, "denied"));
}

/* A transfer between those accounts, "one" and "other" being the customer's,
 * or what else stands there. */
static enum err
insert_transfer(struct fixture *f, uint64_t customer_id,
    const char *const side[2], const char *amount)
{
	static unsigned serial;
	char id[2][24], text[240];

	for (int i = 0; i < 2; i++) {
		bool is_one = strcmp(side[i], "one") == 0;

		(void)snprintf(text, sizeof(text),
		    "SELECT account_id FROM ledger_accounts WHERE kind = '%s' "
		    "AND customer_id = %llu",
		    is_one ? "receivable" : "revenue",
		    (unsigned long long)customer_id);
		(void)snprintf(id[i], sizeof(id[i]), "%s", side[i]);
		if (side[i][0] == 'o')
			(void)snprintf(id[i], sizeof(id[i]), "%llu",
			    (unsigned long long)fixture_number(root, text));
	}
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO ledger_transfers (debit_account_id, "
	    "credit_account_id, amount_usd, kind, cause) "
	    "VALUES (%s, %s, %s, 'usage', 'schema-%u')",
	    id[0], id[1], amount, serial++);
	return db_run_script_statement(f->db, str_from(text), &f->e);
}

/* B3: a transfer is one row with both its sides, so it can't but balance;
 * what would move nothing, or nowhere, is refused, each for that alone: one
 * that moves something from one account to the other is taken. */
static void
ledger__transfer_that_is_none__is_refused(void **state)
{
	static const struct {
		const char *sides[2], *amount;
	} none[] = { { { "one", "one" }, "5" }, { { "one", "other" }, "0" },
		{ { "one", "other" }, "-5" }, { { "one", "NULL" }, "5" },
		{ { "NULL", "other" }, "5" }, { { "one", "4000000000" }, "5" },
		{ { "4000000000", "other" }, "5" } };
	static const char *const sides[2] = { "one", "other" };
	struct fixture f;
	uint64_t id;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	id = fixture_customer(&f, 1);
	for (unsigned i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(insert_transfer(&f, id, none[i].sides,
				     none[i].amount),
		    ERR_BAD_PARAM);
	assert_db_ok(&f, insert_transfer(&f, id, sides, "5"));
	fixture_fini(&f);
}

/* B4 */
static void
history__account_of_the_workers__cannot_change_it(void **state)
{
	static const char *const tables[] = { "usage_records",
		"usage_adjustments", "usage_closings", "ledger_transfers",
		"price_versions", "usage_rejected", "audit_log" };
	struct db *db = fixture_connect(FIXTURE_APP);
	char text[100];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(tables); i++) {
		(void)snprintf(text, sizeof(text),
		    "UPDATE %s SET created_at = NOW()", tables[i]);
		assert_denied(db, text);
		(void)snprintf(text, sizeof(text), "DELETE FROM %s", tables[i]);
		assert_denied(db, text);
		(void)snprintf(text, sizeof(text), "TRUNCATE TABLE %s",
		    tables[i]);
		assert_denied(db, text);
	}
	assert_denied(db, "DELETE FROM ledger_accounts");
	assert_denied(db, "DELETE FROM ps_model_usage");
	assert_denied(db, "UPDATE ps_model_usage SET user_id = 1");
	assert_denied(db, "INSERT INTO ps_model_usage (user_id) VALUES (1)");
	assert_denied(db, "DELETE FROM customers");
	assert_denied(db, "DELETE FROM api_keys");
	assert_denied(db, "DROP TABLE leases");
	db_free(db);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    schema__every_table__has_both_times_in_utc_microseconds),
		cmocka_unit_test(
		    schema__every_table__is_innodb_with_binary_collation),
		cmocka_unit_test(schema__money_columns__hold_twelve_decimals),
		cmocka_unit_test(schema__references__have_foreign_keys),
		cmocka_unit_test(
		    view__ps_model_usage__has_document_004s_columns_in_order),
		cmocka_unit_test(
		    view__ps_model_usage__numbers_are_integers_only_two_are_optional),
		cmocka_unit_test(
		    rollups__bucket_columns__are_as_many_as_the_histogram_has),
		cmocka_unit_test(
		    usage_records__partitions__are_first_months_and_max),
		cmocka_unit_test(usage_records__each_filter__uses_its_index),
		cmocka_unit_test(other_tables__each_look_up__uses_its_index),
		cmocka_unit_test(ledger__transfer_that_is_none__is_refused),
		cmocka_unit_test(
		    history__account_of_the_workers__cannot_change_it),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, setup, teardown);
}
