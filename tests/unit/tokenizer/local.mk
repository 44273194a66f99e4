# SPDX-License-Identifier: MIT
UNIT_TOKENIZER_TESTS = \
	tests/unit/tokenizer/test_build \
	tests/unit/tokenizer/test_encoding \
	tests/unit/tokenizer/test_split \
	tests/unit/tokenizer/test_tally \
	tests/unit/tokenizer/test_tokenizer
check_PROGRAMS += $(UNIT_TOKENIZER_TESTS)
TESTS += $(UNIT_TOKENIZER_TESTS)

UNIT_TOKENIZER_LIBS = src/tokenizer/libtokenizer.a src/base/libbase.a \
	$(UNISTRING_LIBS) $(CMOCKA_LIBS)
tests_unit_tokenizer_test_build_SOURCES = \
	tests/unit/tokenizer/tokenizer_fixture.h \
	tests/unit/tokenizer/test_build.c
tests_unit_tokenizer_test_build_LDADD = $(UNIT_TOKENIZER_LIBS)
tests_unit_tokenizer_test_split_LDADD = $(UNIT_TOKENIZER_LIBS)
tests_unit_tokenizer_test_tokenizer_SOURCES = \
	tests/unit/tokenizer/tokenizer_fixture.h \
	tests/unit/tokenizer/test_tokenizer.c
tests_unit_tokenizer_test_tokenizer_LDADD = $(UNIT_TOKENIZER_LIBS)
tests_unit_tokenizer_test_encoding_LDADD = $(UNIT_TOKENIZER_LIBS)
tests_unit_tokenizer_test_tally_SOURCES = \
	tests/unit/tokenizer/tokenizer_fixture.h \
	tests/unit/tokenizer/test_tally.c
tests_unit_tokenizer_test_tally_LDADD = $(UNIT_TOKENIZER_LIBS)
