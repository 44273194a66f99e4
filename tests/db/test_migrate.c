/* SPDX-License-Identifier: MIT */
/* Migrations: in order, once though they are killed, refused when edited, one
 * run at a time. */
#include "db/fixture_db.h"

#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/lease.h"
#include "store/migrate.h"
#include "store/partition.h"
#include "support/fixture_dir.h"

static void
split__semicolons_in_texts_and_comments__do_not_end_a_statement(void **state)
{
	struct str one,
	    rest = S("-- a; comment;\n"
		     "/* and; */ SELECT ';\n;' AS x, \"it\"\";\n\";\n"
		     "INSERT INTO t VALUES ('it''s;\n', 'a\\';\n'); \n"
		     "# last;\n"
		     "SELECT 1; SELECT 2 -- no end;\n"
		     ", `a;\n` /* ; */ ;\n"
		     "SELECT 3\n"
		     "-- end\n");

	(void)state;
	assert_true(migrate_next_statement(&rest, &one));
	assert_str_is(one, "SELECT ';\n;' AS x, \"it\"\";\n\"");
	assert_true(migrate_next_statement(&rest, &one));
	assert_str_is(one, "INSERT INTO t VALUES ('it''s;\n', 'a\\';\n')");
	assert_true(migrate_next_statement(&rest, &one));
	assert_str_is(one, "SELECT 1; SELECT 2 -- no end;\n, `a;\n` /* ; */ ");
	assert_true(migrate_next_statement(&rest, &one));
	assert_true(str_starts(one, S("SELECT 3\n")));
	assert_false(migrate_next_statement(&rest, &one));
}

static void
split__nothing_but_space_and_comments__is_no_statement(void **state)
{
	static const char *const texts[] = { "", " \n\t", "-- x", "/* x",
		"# x\n\n/* y */\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str one, rest = str_from(texts[i]);

		assert_false(migrate_next_statement(&rest, &one));
	}
}

/* A folder of our own with 0000 of the project and what a test adds. */
static void
put(const struct fixture_dir *dir, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
make_folder(struct fixture_dir *dir)
{
	static char text[16384];
	char path[600];
	FILE *f;

	fixture_dir_make(dir);
	(void)snprintf(path, sizeof(path), "%s/0000_migrations.sql",
	    fixture_schema_dir());
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	put(dir, "0000_migrations.sql", text);
	put(dir, "0001_usage.sql",
	    "CREATE TABLE usage_records (t DATETIME(6) NOT NULL)\n"
	    "PARTITION BY RANGE COLUMNS (t) (\n"
	    "PARTITION p_max VALUES LESS THAN (MAXVALUE));\n");
}

struct counts {
	unsigned n_now, n_before;
};

static void
count(void *arg, struct str file, bool is_applied_now, int64_t duration_ms)
{
	struct counts *c = arg;

	(void)file;
	(void)duration_ms;
	if (is_applied_now)
		c->n_now++;
	else
		c->n_before++;
}

static enum err
run(const char *dir, struct counts *c, struct error *e)
{
	struct migrate_options opt = { .dir = dir,
		.wait_ms = 300000, /* as long as another may take */
		.report = count,
		.report_arg = c };
	struct db *db = fixture_connect(FIXTURE_MIGRATE);
	enum err err;

	memset(c, 0, sizeof(*c));
	err = migrate_run(db, &opt, e);
	db_free(db);
	return err;
}

/* How many files the schema has. */
static size_t
n_schema_files(void)
{
	char pattern[600];
	glob_t found;
	size_t n;

	(void)snprintf(pattern, sizeof(pattern), "%s/*.sql",
	    fixture_schema_dir());
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	n = found.gl_pathc;
	globfree(&found);
	return n;
}

static void
migrate__twice__applies_once(void **state)
{
	struct counts c;
	struct error e;

	(void)state;
	fixture_make_database();

	assert_ok(run(fixture_schema_dir(), &c, &e));
	assert_int_equal(c.n_now, n_schema_files());
	assert_int_equal(c.n_before, 0);
	assert_ok(run(fixture_schema_dir(), &c, &e));
	assert_int_equal(c.n_now, 0);
	assert_int_equal(c.n_before, n_schema_files());
}

static void
migrate__check_only__tells_what_is_missing(void **state)
{
	struct migrate_options opt = { .dir = fixture_schema_dir(),
		.check_only = true };
	struct fixture f;
	struct counts c;

	(void)state;
	fixture_make_database();
	fixture_init(&f, FIXTURE_MIGRATE);

	assert_int_not_equal(migrate_run(f.db, &opt, &f.e), OK);
	assert_ok(run(fixture_schema_dir(), &c, &f.e));
	assert_db_ok(&f, migrate_run(f.db, &opt, &f.e));
	fixture_sql(f.db, "DELETE FROM schema_migrations WHERE version = 7");
	assert_int_equal(migrate_run(f.db, &opt, &f.e), ERR_CONFLICT);
	assert_non_null(strstr(f.e.internal, "0007_limits.sql"));
	fixture_fini(&f);
}

static void
migrate__edited_after_it_was_applied__is_refused(void **state)
{
	struct fixture_dir dir;
	struct counts c;
	struct error e;

	(void)state;
	fixture_make_database();
	make_folder(&dir);
	put(&dir, "0002_a.sql", "CREATE TABLE a (x INT);\n");
	assert_ok(run(dir.path, &c, &e));

	put(&dir, "0002_a.sql", "CREATE TABLE a (x BIGINT);\n");
	put(&dir, "0003_b.sql", "CREATE TABLE b (x INT);\n");
	assert_int_equal(run(dir.path, &c, &e), ERR_CONFLICT);

	assert_non_null(strstr(e.internal, "0002_a.sql"));
	assert_int_equal(c.n_now, 0);
	fixture_dir_remove(&dir);
}

static void
migrate__database_of_a_newer_version__is_refused(void **state)
{
	struct fixture_dir dir;
	struct counts c;
	struct error e;
	char path[300];

	(void)state;
	fixture_make_database();
	make_folder(&dir);
	put(&dir, "0002_a.sql", "CREATE TABLE a (x INT);\n");
	assert_ok(run(dir.path, &c, &e));

	(void)snprintf(path, sizeof(path), "%s/0002_a.sql", dir.path);
	assert_ok(remove(path));
	assert_int_equal(run(dir.path, &c, &e), ERR_CONFLICT);

	assert_non_null(strstr(e.internal, "0002_a.sql"));
	fixture_dir_remove(&dir);
}

static void
migrate__two_files_of_one_number__are_refused(void **state)
{
	struct fixture_dir dir;
	struct counts c;
	struct error e;

	(void)state;
	fixture_make_database();
	make_folder(&dir);
	put(&dir, "0002_a.sql", "CREATE TABLE a (x INT);\n");
	put(&dir, "0002_b.sql", "CREATE TABLE b (x INT);\n");

	assert_int_equal(run(dir.path, &c, &e), ERR_CONFLICT);
	fixture_dir_remove(&dir);
}

static void
migrate__statement_fails__names_it_and_goes_on_there_once_mended(void **state)
{
	struct fixture_dir dir;
	struct fixture f;
	struct counts c;

	(void)state;
	fixture_make_database();
	make_folder(&dir);
	put(&dir, "0002_a.sql",
	    "CREATE TABLE a (x INT);\nCREATE TABEL b (x INT);\n");

	assert_int_equal(run(dir.path, &c, &f.e), ERR_DB_QUERY);
	assert_non_null(strstr(f.e.internal, "0002_a.sql: statement 2"));

	put(&dir, "0002_a.sql",
	    "CREATE TABLE a (x INT);\nCREATE TABLE b (x INT);\n");
	fixture_init(&f, FIXTURE_MIGRATE);
	assert_db_ok(&f, run(dir.path, &c, &f.e));
	assert_int_equal(c.n_now, 1);
	assert_int_equal(fixture_number(f.db, "SELECT COUNT(*) FROM b"), 0);
	assert_int_equal(2,
	    fixture_number(f.db,
		"SELECT statements_done FROM schema_migrations WHERE version "
		"= 2 AND finished_at IS NOT NULL"));
	fixture_fini(&f);
	fixture_dir_remove(&dir);
}

/* The run before was killed: its lease was not given back, and has run out. */
static void
keep_lease(struct db *db)
{
	fixture_sql(db, "UPDATE leases SET expires_at = NOW(6), updated_at = "
			"NOW(6) - INTERVAL 1 MINUTE WHERE name = 'migrate'");
}

static const char *const cut_statements[] = { "CREATE TABLE a (x INT);\n",
	"ALTER TABLE a ADD COLUMN y INT;\n", "ALTER TABLE a ADD KEY a_x (x);\n",
	"INSERT INTO a VALUES (1, 1);\n",
	"ALTER TABLE a ADD CONSTRAINT a_y CHECK (y > 0);\n",
	"CREATE TABLE b LIKE a;\n", "ALTER TABLE b CHANGE COLUMN x z INT;\n",
	"ALTER TABLE b DROP COLUMN y;\n", "UPDATE a SET x = x + 1;\n",
	"RENAME TABLE b TO c;\n", "DROP TABLE c;\n" };

/* A file of the first n, then one more. */
static void
put_first(const struct fixture_dir *dir, size_t n, const char *last)
{
	char text[2048] = "";

	for (size_t i = 0; i < n; i++)
		strcat(text, cut_statements[i]);
	put(dir, "0002_a.sql", strcat(text, last));
}

/* As if it was killed when the server had ended statement n, before that was
 * recorded; was_given_back: as if somebody had made the same meanwhile. */
static enum err
run_cut_behind(size_t n, bool was_given_back, struct error *e)
{
	struct fixture_dir dir;
	struct fixture f;
	struct counts c;
	enum err err;

	fixture_make_database();
	make_folder(&dir);
	put_first(&dir, n, "CREATE TABEL c (x INT);\n");
	assert_int_equal(run(dir.path, &c, e), ERR_DB_QUERY);
	fixture_init(&f, FIXTURE_MIGRATE);
	fixture_sql(f.db, "UPDATE schema_migrations SET statements_done = "
			  "statements_done - 1 WHERE version = 2");
	if (!was_given_back)
		keep_lease(f.db);
	put_first(&dir, ARRAY_LEN(cut_statements), "");
	err = run(dir.path, &c, e);
	if (err == OK)
		assert_int_equal(fixture_number(f.db, "SELECT SUM(x) FROM a"),
		    2);
	fixture_fini(&f);
	fixture_dir_remove(&dir);
	return err;
}

static void
migrate__cut_before_a_definition_is_recorded__goes_on_behind_it(void **state)
{
	struct error e;

	(void)state;
	for (size_t n = 1; n <= ARRAY_LEN(cut_statements); n++) {
		const char *last = cut_statements[n - 1];

		/* These are recorded with what they do. */
		if (last[0] == 'I' || last[0] == 'U')
			continue;
		assert_int_equal(run_cut_behind(n, false, &e), OK);
	}
}

static void
migrate__table_is_there_and_nothing_was_cut__is_refused(void **state)
{
	struct error e;

	(void)state;
	assert_int_equal(run_cut_behind(1, true, &e), ERR_DB_QUERY);
	assert_non_null(strstr(e.internal, "0002_a.sql: statement 1"));
}

#define INSERTING                                                       \
 "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE " \
 "'INSERT INTO a%'"
#define CONNECTED                                                    \
 "SELECT COUNT(*) FROM information_schema.processlist WHERE user = " \
 "'tollgate_migrate'"

static void
wait_for(struct db *db, const char *query, uint64_t value)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int64_t until_ms = clock_mono_ms() + 120000;

	while (fixture_number(db, query) != value) {
		assert_true(clock_mono_ms() < until_ms);
		(void)nanosleep(&pause, NULL);
	}
}

/* The server goes on with a statement whose client is gone. */
static void
migrate__killed_while_rows_are_added__adds_them_once(void **state)
{
	struct db *root = fixture_connect(FIXTURE_ROOT);
	struct fixture_dir dir;
	struct error e;
	struct counts c;
	pid_t pid;
	int status;

	(void)state;
	fixture_make_database();
	make_folder(&dir);
	put(&dir, "0002_a.sql",
	    "CREATE TABLE a (x INT);\n"
	    "INSERT INTO a SELECT BENCHMARK(5000000, MD5('a'));\n");
	pid = fork();
	if (pid == 0) {
		(void)!run(dir.path, &c, &e);
		_exit(0);
	}
	wait_for(root, INSERTING, 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	wait_for(root, CONNECTED, 0);
	fixture_sql(root, "USE tollgate");
	assert_int_equal(fixture_number(root, "SELECT COUNT(*) FROM a"), 0);
	keep_lease(root);

	assert_int_equal(run(dir.path, &c, &e), OK);

	assert_int_equal(fixture_number(root, "SELECT COUNT(*) FROM a"), 1);
	db_free(root);
	fixture_dir_remove(&dir);
}

static void *
run_in_thread(void *arg)
{
	struct error e;
	struct counts c;
	unsigned *n_applied = arg;

	if (run(fixture_schema_dir(), &c, &e) == OK)
		*n_applied = c.n_now;
	else
		*n_applied = 1000;
	return NULL;
}

static void
migrate__two_runs_at_once__each_file_is_applied_once(void **state)
{
	unsigned n_applied[2];
	pthread_t threads[2];

	(void)state;
	fixture_make_database();

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run_in_thread, &n_applied[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);

	assert_int_equal(n_applied[0] + n_applied[1], n_schema_files());
}

static void
migrate__another_run_holds_the_lease__waits_and_gives_up(void **state)
{
	struct migrate_options opt = { .dir = fixture_schema_dir(),
		.wait_ms = 300 };
	struct lease l = { .name = S("migrate"), .holder = { 1 } };
	struct fixture f;
	struct counts c;
	int64_t start_ms;

	(void)state;
	fixture_make_database();
	fixture_init(&f, FIXTURE_MIGRATE);
	assert_db_ok(&f, run(fixture_schema_dir(), &c, &f.e));
	assert_db_ok(&f, store_lease_take(f.db, &l, 60000, &f.e));
	start_ms = clock_mono_ms();

	assert_int_equal(migrate_run(f.db, &opt, &f.e), ERR_CONFLICT);

	assert_in_range(clock_mono_ms() - start_ms, 300, 5000);
	assert_non_null(strstr(f.e.internal, "migrate"));
	fixture_fini(&f);
}

static void
partitions__a_year_later__are_made_up_to_there(void **state)
{
	struct fixture f;
	struct counts c;
	uint64_t before;
	static const char count_text[] =
	    "SELECT COUNT(*) FROM information_schema.partitions WHERE "
	    "table_schema = 'tollgate' AND table_name = 'usage_records'";

	(void)state;
	fixture_make_database();
	fixture_init(&f, FIXTURE_MIGRATE);
	assert_db_ok(&f, run(fixture_schema_dir(), &c, &f.e));
	before = fixture_number(f.db, count_text);

	assert_db_ok(&f, partition_ensure(f.db, clock_now_ms(), &f.a, &f.e));
	assert_int_equal(fixture_number(f.db, count_text), before);
	assert_db_ok(&f,
	    partition_ensure(f.db, clock_now_ms() + 365 * DAY_MS, &f.a, &f.e));
	assert_in_range(fixture_number(f.db, count_text), before + 11,
	    before + 13);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    split__semicolons_in_texts_and_comments__do_not_end_a_statement),
		cmocka_unit_test(
		    split__nothing_but_space_and_comments__is_no_statement),
		cmocka_unit_test(migrate__twice__applies_once),
		cmocka_unit_test(migrate__check_only__tells_what_is_missing),
		cmocka_unit_test(
		    migrate__edited_after_it_was_applied__is_refused),
		cmocka_unit_test(
		    migrate__database_of_a_newer_version__is_refused),
		cmocka_unit_test(migrate__two_files_of_one_number__are_refused),
		cmocka_unit_test(
		    migrate__statement_fails__names_it_and_goes_on_there_once_mended),
		cmocka_unit_test(
		    migrate__cut_before_a_definition_is_recorded__goes_on_behind_it),
		cmocka_unit_test(
		    migrate__table_is_there_and_nothing_was_cut__is_refused),
		cmocka_unit_test(
		    migrate__killed_while_rows_are_added__adds_them_once),
		cmocka_unit_test(
		    migrate__two_runs_at_once__each_file_is_applied_once),
		cmocka_unit_test(
		    migrate__another_run_holds_the_lease__waits_and_gives_up),
		cmocka_unit_test(
		    partitions__a_year_later__are_made_up_to_there),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
