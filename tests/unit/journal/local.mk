# SPDX-License-Identifier: MIT
UNIT_JOURNAL_TESTS = \
	tests/unit/journal/test_reader \
	tests/unit/journal/test_record \
	tests/unit/journal/test_threads \
	tests/unit/journal/test_writer
check_PROGRAMS += $(UNIT_JOURNAL_TESTS)
TESTS += $(UNIT_JOURNAL_TESTS)

UNIT_JOURNAL_RIG = \
	tests/unit/journal/rig.c \
	tests/unit/journal/rig.h
UNIT_JOURNAL_LIBS = \
	src/journal/libjournal.a \
	src/base/libbase.a \
	$(CMOCKA_LIBS)
tests_unit_journal_test_reader_SOURCES = \
	tests/unit/journal/test_reader.c $(UNIT_JOURNAL_RIG)
tests_unit_journal_test_reader_LDADD = $(UNIT_JOURNAL_LIBS)
tests_unit_journal_test_record_SOURCES = \
	tests/unit/journal/test_record.c $(UNIT_JOURNAL_RIG)
tests_unit_journal_test_record_LDADD = $(UNIT_JOURNAL_LIBS)
tests_unit_journal_test_threads_SOURCES = \
	tests/unit/journal/test_threads.c $(UNIT_JOURNAL_RIG)
tests_unit_journal_test_threads_LDADD = $(UNIT_JOURNAL_LIBS)
tests_unit_journal_test_writer_SOURCES = \
	tests/unit/journal/test_writer.c $(UNIT_JOURNAL_RIG)
tests_unit_journal_test_writer_LDADD = $(UNIT_JOURNAL_LIBS)
