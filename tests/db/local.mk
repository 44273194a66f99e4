# SPDX-License-Identifier: MIT
# Against a real server that each .t starts for itself.
db_t_files = \
	tests/db/flush.t \
	tests/db/stmts.t
EXTRA_DIST += \
	$(db_t_files) \
	tests/db/server.sh

DB_TEST_LDADD = src/store/libstore.a src/base/libbase.a $(MYSQL_LIBS) \
	$(CMOCKA_LIBS)
DB_FIXTURE = \
	tests/db/fixture_db.c \
	tests/db/fixture_db.h

if HAVE_CMOCKA
check_PROGRAMS += \
	tests/db/test_flush \
	tests/db/test_stmts

tests_db_test_flush_SOURCES = tests/db/test_flush.c $(DB_FIXTURE) \
	$(UNIT_JOURNAL_RIG)
tests_db_test_flush_LDADD = src/domain/libdomain.a \
	src/journal/libjournal.a $(DB_TEST_LDADD)

tests_db_test_stmts_SOURCES = tests/db/test_stmts.c $(DB_FIXTURE)
tests_db_test_stmts_LDADD = $(DB_TEST_LDADD)
endif
