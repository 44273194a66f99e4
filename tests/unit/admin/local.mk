# SPDX-License-Identifier: MIT
UNIT_ADMIN_TESTS = \
	tests/unit/admin/test_journal
check_PROGRAMS += $(UNIT_ADMIN_TESTS)
TESTS += $(UNIT_ADMIN_TESTS)

tests_unit_admin_test_journal_SOURCES = \
	tests/unit/admin/test_journal.c $(UNIT_JOURNAL_RIG)
tests_unit_admin_test_journal_LDADD = src/admin/libadmin.a \
	$(UNIT_JOURNAL_LIBS)
