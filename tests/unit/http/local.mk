# SPDX-License-Identifier: MIT
UNIT_HTTP_TESTS = \
	tests/unit/http/test_accept \
	tests/unit/http/test_multipart \
	tests/unit/http/test_param \
	tests/unit/http/test_parse_random \
	tests/unit/http/test_peer \
	tests/unit/http/test_request \
	tests/unit/http/test_response \
	tests/unit/http/test_route_match \
	tests/unit/http/test_tmpl \
	tests/unit/http/test_tmpl_spec \
	tests/unit/http/test_url
check_PROGRAMS += $(UNIT_HTTP_TESTS)
TESTS += $(UNIT_HTTP_TESTS)

UNIT_HTTP_LIBS = src/http/libhttp.a src/base/libbase.a $(FCGI_LIBS) \
	$(CMOCKA_LIBS)
tests_unit_http_test_accept_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_http_test_multipart_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_http_test_param_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_http_test_parse_random_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_http_test_peer_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_http_test_request_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_http_test_response_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_http_test_route_match_LDADD = $(UNIT_HTTP_LIBS)
tests_unit_http_test_tmpl_LDADD = $(UNIT_HTTP_LIBS)
# json-c only to read the specification's cases.
tests_unit_http_test_tmpl_spec_LDADD = $(UNIT_HTTP_LIBS) $(JSONC_LIBS)
tests_unit_http_test_url_LDADD = $(UNIT_HTTP_LIBS)
