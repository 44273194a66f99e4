/* SPDX-License-Identifier: MIT */
#include "db/fixture_db.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "store/customer.h"
#include "store/db_priv.h"
#include "store/deployment.h"
#include "store/key.h"
#include "store/migrate.h"
#include "store/model.h"
#include "store/provider.h"
#include "store/usage.h"

void
fixture_need_server(void)
{
	if (getenv("TOLLGATE_TEST_SOCKET"))
		return;
	printf("1..0 # SKIP run through tests/db/*.t\n");
	exit(0);
}

void
fixture_server(const char *verb)
{
	char command[300];

	(void)snprintf(command, sizeof(command), "%s %s",
	    getenv("TOLLGATE_TEST_CTL"), verb);
	assert_int_equal(system(command), 0);
}

struct db_options
fixture_options(enum fixture_account account)
{
	static const char *const users[] = { "root", "tollgate",
		"tollgate_migrate" };
	static const char *const passwords[] = { "", "change-me-workers",
		"change-me-migrate" };

	return (struct db_options){
		.socket = getenv("TOLLGATE_TEST_SOCKET"),
		.user = users[account],
		.password = passwords[account],
		.name = account == FIXTURE_ROOT ? NULL : "tollgate",
		.connect_timeout_s = 2,
		.query_timeout_s = 300,
	};
}

struct db *
fixture_connect(enum fixture_account account)
{
	struct db_options opt = fixture_options(account);
	struct db *db = db_new(&opt);
	struct error e;

	if (db_connect(db, &e) != OK) {
		print_message("# %s\n", e.internal);
		fail();
	}
	return db;
}

void
fixture_sql(struct db *db, const char *text)
{
	struct error e;

	if (db_run_script_statement(db, str_from(text), &e) == OK)
		return;
	print_message("# %s: %s\n", text, e.internal);
	fail();
}

uint64_t
fixture_number(struct db *db, const char *text)
{
	MYSQL_RES *res;
	MYSQL_ROW row;
	uint64_t n;

	fixture_sql(db, text);
	res = mysql_store_result(&db->my);
	assert_non_null(res);
	row = mysql_fetch_row(res);
	assert_non_null(row);
	n = row[0] ? strtoull(row[0], NULL, 10) : 0;
	mysql_free_result(res);
	return n;
}

const char *
fixture_schema_dir(void)
{
	static _Thread_local char path[512];

	(void)snprintf(path, sizeof(path), "%s/sql/schema",
	    getenv("TG_SRCDIR"));
	return path;
}

void
fixture_run_file(struct db *db, const char *path)
{
	static char text[65536], full[512];
	struct str rest, statement;
	char one[8192];
	FILE *in;

	(void)snprintf(full, sizeof(full), "%s/%s", getenv("TG_SRCDIR"), path);
	in = fopen(full, "r");
	assert_non_null(in);
	rest = str_make(text, fread(text, 1, sizeof(text), in));
	fclose(in);
	while (migrate_next_statement(&rest, &statement)) {
		(void)snprintf(one, sizeof(one), "%" PRI_STR,
		    STR_ARG(statement));
		fixture_sql(db, one);
	}
}

void
fixture_make_database(void)
{
	struct db *root = fixture_connect(FIXTURE_ROOT);

	fixture_sql(root, "DROP DATABASE IF EXISTS tollgate");
	fixture_sql(root, "DROP USER IF EXISTS 'tollgate'@'localhost'");
	fixture_sql(root, "DROP USER IF EXISTS 'tollgate_migrate'@'localhost'");
	fixture_run_file(root, "sql/accounts.sql");
	db_free(root);
}

int
fixture_setup(void **state)
{
	struct migrate_options opt = { .dir = fixture_schema_dir() };
	struct db *root, *migrate;
	struct error e;

	(void)state;
	fixture_make_database();
	migrate = fixture_connect(FIXTURE_MIGRATE);
	if (migrate_run(migrate, &opt, &e) != OK) {
		print_message("# %s\n", e.internal);
		return -1;
	}
	db_free(migrate);
	root = fixture_connect(FIXTURE_ROOT);
	fixture_run_file(root, "sql/grants.sql");
	db_free(root);
	return 0;
}

void
fixture_init(struct fixture *f, enum fixture_account account)
{
	memset(f, 0, sizeof(*f));
	f->db = fixture_connect(account);
	arena_init(&f->a, MIB(64));
}

void
fixture_fini(struct fixture *f)
{
	db_free(f->db);
	arena_fini(&f->a);
}

uint64_t
fixture_customer(struct fixture *f, unsigned n)
{
	struct customer c = { .company = S("ACME"), .markup_ppm = 1000000 };
	uint64_t id, owner;

	c.name = arena_printf(&f->a, "Customer %u", n);
	c.email = arena_printf(&f->a, "c%u@example.org", n);
	assert_db_ok(f, store_customer_insert(f->db, &c, &id, &owner, &f->e));
	return id;
}

uint64_t
fixture_model(struct fixture *f, const char *name)
{
	struct provider p = { .name = str_from(name),
		.kind = PROVIDER_OPENAI,
		.base_url = S("https://example.org"),
		.is_enabled = true };
	struct model m = { .name = str_from(name),
		.allowed_members = S(""),
		.description = S("a model"),
		.is_enabled = true,
		.context_length = 1024,
		.default_max_output_tok = -1,
		.max_output_tok = -1,
		.long_context_threshold_tok = -1,
		.default_temperature_ppm = -1,
		.default_top_p_ppm = -1,
		.connect_ms = -1,
		.first_byte_ms = -1,
		.idle_ms = -1 };
	struct deployment d = { .upstream_name = S("up"),
		.weight = 1,
		.is_enabled = true };
	uint64_t id;

	assert_db_ok(f,
	    store_provider_insert(f->db, &p, &d.provider_id, &f->e));
	assert_db_ok(f, store_model_insert(f->db, &m, &d.model_id, &f->e));
	assert_db_ok(f, store_deployment_insert(f->db, &d, &id, &f->e));
	return d.model_id;
}

uint64_t
fixture_key(struct fixture *f, uint64_t customer_id, unsigned n)
{
	struct key_new k = { .customer_id = customer_id,
		.pepper_id = 1,
		.name = S("key"),
		.scopes = KEY_SCOPE_INFER | KEY_SCOPE_USAGE_READ,
		.all_models = true };
	uint64_t id;

	k.public_id = arena_printf(&f->a, "K%09u", n);
	rng_bytes(k.digest, sizeof(k.digest));
	memcpy(k.digest, &n, sizeof(n));
	assert_db_ok(f, store_key_insert(f->db, &k, &id, &f->e));
	return id;
}

struct usage_row
fixture_usage(uint64_t customer_id, uint64_t api_key_id, uint64_t model_id)
{
	return (struct usage_row){ .request_id = uuid7_new(FIXTURE_TIME_MS),
		.request_timestamp_ms = FIXTURE_TIME_MS,
		.customer_id = customer_id,
		.api_key_id = api_key_id,
		.user_id = 1,
		.model_id = model_id,
		.model_requested = S("a-model"),
		.provider_id = 1,
		.provider_used = S("a-provider"),
		.tok = { { [TOK_IN] = 100, [TOK_OUT] = 20 } },
		.cost_pusd = 1234567,
		.provider_cost_pusd = 1000000,
		.price_version_id = 1,
		.markup_ppm = 1234567,
		.status = USAGE_OK,
		.usage_source = USAGE_FROM_PROVIDER,
		.origin = USAGE_GATEWAY,
		.latency_ms = 250,
		.time_to_first_token_ms = 40,
		.attempts = 1 };
}
