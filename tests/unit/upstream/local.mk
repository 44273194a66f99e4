# SPDX-License-Identifier: MIT
UNIT_UPSTREAM_TESTS = \
	tests/unit/upstream/test_body \
	tests/unit/upstream/test_openai_answer \
	tests/unit/upstream/test_openai_count \
	tests/unit/upstream/test_openai_local \
	tests/unit/upstream/test_openai_request \
	tests/unit/upstream/test_openai_sim \
	tests/unit/upstream/test_openai_stream \
	tests/unit/upstream/test_provider \
	tests/unit/upstream/test_provider_body \
	tests/unit/upstream/test_splice \
	tests/unit/upstream/test_sse \
	tests/unit/upstream/test_usage \
	tests/unit/upstream/test_wire
check_PROGRAMS += $(UNIT_UPSTREAM_TESTS)
TESTS += $(UNIT_UPSTREAM_TESTS)

UNIT_UPSTREAM_LIBS = \
	src/upstream/libupstream.a \
	src/tokenizer/libtokenizer.a \
	src/base/libbase.a \
	$(CMOCKA_LIBS) $(UNISTRING_LIBS)
tests_unit_upstream_test_body_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_openai_answer_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_openai_count_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_openai_local_LDADD = src/gpt2d/libgpt2d.a \
	$(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_openai_request_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_openai_sim_LDADD = \
	src/upstream/libupstream.a \
	src/ext/libext.a \
	src/tokenizer/libtokenizer.a \
	src/base/libbase.a \
	$(CMOCKA_LIBS) \
	$(CURL_LIBS) $(UNISTRING_LIBS)
tests_unit_upstream_test_openai_stream_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_provider_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_provider_body_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_splice_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_sse_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_usage_LDADD = $(UNIT_UPSTREAM_LIBS)
tests_unit_upstream_test_wire_LDADD = $(UNIT_UPSTREAM_LIBS)
