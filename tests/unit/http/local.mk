# SPDX-License-Identifier: MIT
UNIT_HTTP_TESTS = \
	tests/unit/http/test_tmpl \
	tests/unit/http/test_tmpl_spec
check_PROGRAMS += $(UNIT_HTTP_TESTS)
TESTS += $(UNIT_HTTP_TESTS)

UNIT_HTTP_LIBS = src/http/libhttp.a src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_http_test_tmpl_LDADD = $(UNIT_HTTP_LIBS)
# json-c only to read the specification's cases.
tests_unit_http_test_tmpl_spec_LDADD = $(UNIT_HTTP_LIBS) $(JSONC_LIBS)
