# SPDX-License-Identifier: MIT
# Against a real server that each .t starts for itself; tools/check runs them.
EXTRA_DIST += \
	tests/db/correct.t \
	tests/db/db.t \
	tests/db/flush.t \
	tests/db/migrate.t \
	tests/db/mysql8.t \
	tests/db/mysql8/go.mod \
	tests/db/mysql8/go.sum \
	tests/db/mysql8/main.go \
	tests/db/pages.t \
	tests/db/schema.t \
	tests/db/server.sh \
	tests/db/stmts.t \
	tests/db/store.t \
	tests/db/torture.t

DB_TEST_LDADD = src/store/libstore.a src/base/libbase.a $(MYSQL_LIBS) \
	$(CMOCKA_LIBS)
DB_FIXTURE = \
	tests/db/fixture_db.c \
	tests/db/fixture_db.h
FLUSH_TEST_LDADD = src/domain/libdomain.a src/journal/libjournal.a \
	$(DB_TEST_LDADD)
FLUSH_FIXTURE = \
	tests/db/fixture_flush.c \
	tests/db/fixture_flush.h \
	$(DB_FIXTURE) \
	$(UNIT_JOURNAL_RIG)
BUDGET_FIXTURE = \
	tests/db/fixture_budget.c \
	tests/db/fixture_budget.h \
	$(FLUSH_FIXTURE)
STORE_FIXTURE = \
	tests/db/fixture_store.c \
	tests/db/fixture_store.h \
	$(DB_FIXTURE)
SUMS_FIXTURE = \
	tests/db/fixture_sums.c \
	tests/db/fixture_sums.h \
	$(DB_FIXTURE)
BOOKS_FIXTURE = \
	tests/db/fixture_books.c \
	tests/db/fixture_books.h \
	$(STORE_FIXTURE)

if HAVE_CMOCKA
check_PROGRAMS += \
	tests/db/test_budget \
	tests/db/test_budget_doubt \
	tests/db/test_budget_told \
	tests/db/test_db \
	tests/db/test_db_pool \
	tests/db/test_db_txn \
	tests/db/test_db_value \
	tests/db/test_flush \
	tests/db/test_flush_files \
	tests/db/test_flush_sum \
	tests/db/test_flush_recovery \
	tests/db/test_flush_reject \
	tests/db/test_key_manage \
	tests/db/test_key_page \
	tests/db/test_migrate \
	tests/db/test_migrate_sums \
	tests/db/test_newest_page \
	tests/db/test_notice \
	tests/db/test_prune \
	tests/db/test_refusal_report \
	tests/db/test_rerate \
	tests/db/test_schema \
	tests/db/test_sign_in \
	tests/db/test_stmts \
	tests/db/test_store \
	tests/db/test_store_audit \
	tests/db/test_store_books \
	tests/db/test_store_customer \
	tests/db/test_store_host \
	tests/db/test_store_idempotency \
	tests/db/test_store_key \
	tests/db/test_store_key_change \
	tests/db/test_store_limit \
	tests/db/test_store_manage \
	tests/db/test_store_usage \
	tests/db/test_torture \
	tests/db/test_usage_page \
	tests/db/test_usage_report \
	tests/db/test_usage_series_load

tests_db_test_budget_SOURCES = tests/db/test_budget.c $(BUDGET_FIXTURE)
tests_db_test_budget_LDADD = src/domain/libdomain.a src/ext/libext.a \
	src/journal/libjournal.a $(DB_TEST_LDADD) $(JSONC_LIBS) $(SODIUM_LIBS) $(OATH_LIBS) $(QRENCODE_LIBS)
tests_db_test_budget_doubt_SOURCES = tests/db/test_budget_doubt.c $(DB_FIXTURE)
tests_db_test_budget_doubt_LDADD = $(tests_db_test_budget_LDADD)
tests_db_test_budget_doubt_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=store_budget_lease,--wrap=store_budget_return
tests_db_test_budget_told_SOURCES = tests/db/test_budget_told.c $(BUDGET_FIXTURE)
tests_db_test_budget_told_LDADD = $(tests_db_test_budget_LDADD)
tests_db_test_db_SOURCES = tests/db/test_db.c $(DB_FIXTURE)
tests_db_test_db_LDADD = $(DB_TEST_LDADD)
tests_db_test_db_pool_SOURCES = tests/db/test_db_pool.c $(DB_FIXTURE)
tests_db_test_db_pool_LDADD = $(DB_TEST_LDADD)
tests_db_test_db_txn_SOURCES = tests/db/test_db_txn.c $(DB_FIXTURE)
tests_db_test_db_txn_LDADD = $(DB_TEST_LDADD)
tests_db_test_db_value_SOURCES = tests/db/test_db_value.c $(DB_FIXTURE)
tests_db_test_db_value_LDADD = $(DB_TEST_LDADD)
tests_db_test_flush_SOURCES = tests/db/test_flush.c $(FLUSH_FIXTURE)
tests_db_test_flush_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_flush_files_SOURCES = tests/db/test_flush_files.c $(FLUSH_FIXTURE)
tests_db_test_flush_files_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_flush_sum_SOURCES = tests/db/test_flush_sum.c $(FLUSH_FIXTURE)
tests_db_test_flush_sum_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_flush_recovery_SOURCES = \
	tests/db/test_flush_recovery.c $(FLUSH_FIXTURE)
tests_db_test_flush_recovery_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_flush_reject_SOURCES = \
	tests/db/test_flush_reject.c $(FLUSH_FIXTURE)
tests_db_test_flush_reject_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_key_manage_SOURCES = tests/db/test_key_manage.c $(STORE_FIXTURE)
tests_db_test_key_manage_LDADD = $(tests_db_test_budget_LDADD)
tests_db_test_migrate_SOURCES = tests/db/test_migrate.c $(DB_FIXTURE)
tests_db_test_migrate_LDADD = $(DB_TEST_LDADD)
tests_db_test_migrate_sums_SOURCES = tests/db/test_migrate_sums.c $(SUMS_FIXTURE)
tests_db_test_migrate_sums_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_notice_SOURCES = tests/db/test_notice.c $(STORE_FIXTURE)
tests_db_test_notice_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_prune_SOURCES = tests/db/test_prune.c $(BOOKS_FIXTURE)
tests_db_test_prune_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_refusal_report_SOURCES = \
	tests/db/test_refusal_report.c $(SUMS_FIXTURE)
tests_db_test_refusal_report_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_rerate_SOURCES = tests/db/test_rerate.c $(BOOKS_FIXTURE)
tests_db_test_rerate_LDADD = $(tests_db_test_budget_LDADD)
tests_db_test_schema_SOURCES = tests/db/test_schema.c $(DB_FIXTURE)
tests_db_test_schema_LDADD = $(DB_TEST_LDADD)
tests_db_test_sign_in_SOURCES = tests/db/test_sign_in.c $(DB_FIXTURE)
tests_db_test_sign_in_LDADD = $(tests_db_test_budget_LDADD)
tests_db_test_stmts_SOURCES = tests/db/test_stmts.c $(DB_FIXTURE)
tests_db_test_stmts_LDADD = $(DB_TEST_LDADD)
tests_db_test_store_SOURCES = tests/db/test_store.c $(STORE_FIXTURE)
tests_db_test_store_LDADD = $(DB_TEST_LDADD)
tests_db_test_store_audit_SOURCES = tests/db/test_store_audit.c $(STORE_FIXTURE)
tests_db_test_store_audit_LDADD = $(DB_TEST_LDADD)
tests_db_test_store_books_SOURCES = tests/db/test_store_books.c $(BOOKS_FIXTURE)
tests_db_test_store_books_LDADD = $(DB_TEST_LDADD)
tests_db_test_store_customer_SOURCES = \
	tests/db/test_store_customer.c $(STORE_FIXTURE)
tests_db_test_store_customer_LDADD = $(DB_TEST_LDADD)
tests_db_test_store_host_SOURCES = tests/db/test_store_host.c $(STORE_FIXTURE)
tests_db_test_store_host_LDADD = $(DB_TEST_LDADD)
tests_db_test_store_key_SOURCES = tests/db/test_store_key.c $(STORE_FIXTURE)
tests_db_test_store_key_LDADD = $(DB_TEST_LDADD)
tests_db_test_store_key_change_SOURCES = \
	tests/db/test_store_key_change.c $(STORE_FIXTURE)
tests_db_test_store_key_change_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_store_idempotency_SOURCES = \
	tests/db/test_store_idempotency.c $(STORE_FIXTURE)
tests_db_test_store_idempotency_LDADD = $(DB_TEST_LDADD)
tests_db_test_store_limit_SOURCES = tests/db/test_store_limit.c $(STORE_FIXTURE)
tests_db_test_store_limit_LDADD = $(DB_TEST_LDADD)
tests_db_test_key_page_SOURCES = tests/db/test_key_page.c $(STORE_FIXTURE)
tests_db_test_key_page_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_newest_page_SOURCES = \
	tests/db/test_newest_page.c $(STORE_FIXTURE)
tests_db_test_newest_page_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_store_manage_SOURCES = \
	tests/db/test_store_manage.c $(STORE_FIXTURE)
tests_db_test_store_manage_LDADD = $(DB_TEST_LDADD)
tests_db_test_store_usage_SOURCES = tests/db/test_store_usage.c $(DB_FIXTURE)
tests_db_test_store_usage_LDADD = $(DB_TEST_LDADD)
tests_db_test_usage_page_SOURCES = tests/db/test_usage_page.c $(SUMS_FIXTURE)
tests_db_test_usage_page_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_usage_report_SOURCES = tests/db/test_usage_report.c \
	$(SUMS_FIXTURE)
tests_db_test_usage_report_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_usage_series_load_SOURCES = tests/db/test_usage_series_load.c \
	$(SUMS_FIXTURE)
tests_db_test_usage_series_load_LDADD = $(FLUSH_TEST_LDADD)
tests_db_test_torture_SOURCES = tests/db/test_torture.c $(DB_FIXTURE) \
	$(UNIT_HANDLER_TORTURE)
tests_db_test_torture_LDADD = $(UNIT_DAEMON_LIBS)
endif
