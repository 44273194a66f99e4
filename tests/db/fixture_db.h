/* SPDX-License-Identifier: MIT */
/*
 * A migrated database on the private server of the .t files here, with the two
 * accounts of sql/accounts.sql and the rights of sql/grants.sql.
 */
#ifndef TG_TESTS_DB_FIXTURE_DB_H
#define TG_TESTS_DB_FIXTURE_DB_H

#include "support/cmocka_tg.h"

#include "store/db.h"

/* 2026-11-22T10:30:00.123Z */
#define FIXTURE_TIME_MS INT64_C(1795343400123)

enum fixture_account {
	FIXTURE_ROOT,
	FIXTURE_APP,
	FIXTURE_MIGRATE
};

/* Prints a TAP skip and ends the program when there is no server. */
void fixture_need_server(void);
/* "stop" or "start" the server. */
void fixture_server(const char *verb);

struct db_options fixture_options(enum fixture_account account);
/* A connection object of that account; fails the test when it can't be. */
struct db *fixture_connect(enum fixture_account account);

/* Drop and make the database and the accounts; no tables. */
void fixture_make_database(void);
/* As above, migrated, with grants. For cmocka's group set-up too. */
int fixture_setup(void **state);

/* Folder sql/schema of the source tree. */
const char *fixture_schema_dir(void);
/* Run a whole SQL file, a few words in it replaced. */
void fixture_run_file(struct db *db, const char *path);
/* Run one statement; fails the test when it fails. */
void fixture_sql(struct db *db, const char *text);
/* One number, or the first column of the first row as a number. */
uint64_t fixture_number(struct db *db, const char *text);

/* What most tests need beside a connection. */
struct fixture {
	struct db *db;
	struct arena a;
	struct error e;
};
void fixture_init(struct fixture *f, enum fixture_account account);
void fixture_fini(struct fixture *f);

/* A customer with owner and accounts; its name and e-mail made of n. */
uint64_t fixture_customer(struct fixture *f, unsigned n);
/* A model with a provider and a deployment. */
uint64_t fixture_model(struct fixture *f, const char *name);
/* A key of the customer that may use everything. */
uint64_t fixture_key(struct fixture *f, uint64_t customer_id, unsigned n);

/* A usage row of that customer and key, with a new request id. */
struct usage_row;
struct usage_row fixture_usage(uint64_t customer_id, uint64_t api_key_id,
    uint64_t model_id);

#define assert_db_ok(f, expr)                                                 \
 do {                                                                         \
  enum err assert_err_ = (expr);                                              \
  if (assert_err_ != OK)                                                      \
   print_message("# %s: %s\n", err_info(assert_err_)->name, (f)->e.internal); \
  assert_int_equal(assert_err_, OK);                                          \
 } while (0)

#endif
