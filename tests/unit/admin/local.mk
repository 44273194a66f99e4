# SPDX-License-Identifier: MIT
UNIT_ADMIN_TESTS = \
	tests/unit/admin/test_journal \
	tests/unit/admin/test_model_process \
	tests/unit/admin/test_model_spawn
check_PROGRAMS += $(UNIT_ADMIN_TESTS)
TESTS += $(UNIT_ADMIN_TESTS)

tests_unit_admin_test_journal_SOURCES = \
	tests/unit/admin/test_journal.c $(UNIT_JOURNAL_RIG)
tests_unit_admin_test_journal_LDADD = src/admin/libadmin.a \
	$(UNIT_JOURNAL_LIBS)
tests_unit_admin_test_model_process_LDADD = src/admin/libadmin.a \
	src/domain/libdomain.a src/ext/libext.a \
	src/tokenizer/libtokenizer.a src/base/libbase.a $(UNISTRING_LIBS) \
	$(JSONC_LIBS) $(CMOCKA_LIBS)
tests_unit_admin_test_model_spawn_LDADD = src/admin/libadmin.a \
	src/base/libbase.a $(CMOCKA_LIBS)
