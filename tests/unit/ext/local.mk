# SPDX-License-Identifier: MIT
UNIT_EXT_TESTS = \
	tests/unit/ext/test_crypto \
	tests/unit/ext/test_http1 \
	tests/unit/ext/test_httpc \
	tests/unit/ext/test_httpc_client \
	tests/unit/ext/test_httpc_names \
	tests/unit/ext/test_httpc_pool \
	tests/unit/ext/test_httpc_pump \
	tests/unit/ext/test_httpc_slow_client \
	tests/unit/ext/test_json \
	tests/unit/ext/test_mcache \
	tests/unit/ext/test_sendmail \
	tests/unit/ext/test_totp
check_PROGRAMS += $(UNIT_EXT_TESTS)
TESTS += $(UNIT_EXT_TESTS)

UNIT_EXT_LIBS = src/ext/libext.a src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_ext_test_crypto_LDADD = $(UNIT_EXT_LIBS) $(SODIUM_LIBS)
tests_unit_ext_test_http1_LDADD = $(UNIT_EXT_LIBS)
tests_unit_ext_test_json_LDADD = $(UNIT_EXT_LIBS) $(JSONC_LIBS)
tests_unit_ext_test_sendmail_LDADD = $(UNIT_EXT_LIBS)
tests_unit_ext_test_totp_LDADD = $(UNIT_EXT_LIBS) $(OATH_LIBS) $(QRENCODE_LIBS)
tests_unit_ext_test_mcache_LDADD = $(UNIT_EXT_LIBS) $(MEMCACHED_LIBS)

UNIT_EXT_HTTPC_FIXTURE = \
	tests/unit/ext/httpc_fixture.c \
	tests/unit/ext/httpc_fixture.h
UNIT_EXT_HTTPC_STREAM = \
	tests/unit/ext/httpc_stream.c \
	tests/unit/ext/httpc_stream.h \
	$(UNIT_EXT_HTTPC_FIXTURE)
UNIT_EXT_HTTPC_LIBS = $(UNIT_EXT_LIBS) $(CURL_LIBS)
tests_unit_ext_test_httpc_SOURCES = \
	tests/unit/ext/test_httpc.c $(UNIT_EXT_HTTPC_FIXTURE)
tests_unit_ext_test_httpc_LDADD = $(UNIT_EXT_HTTPC_LIBS)
tests_unit_ext_test_httpc_client_SOURCES = \
	tests/unit/ext/test_httpc_client.c $(UNIT_EXT_HTTPC_FIXTURE)
tests_unit_ext_test_httpc_client_LDADD = $(UNIT_EXT_HTTPC_LIBS)
tests_unit_ext_test_httpc_names_SOURCES = \
	tests/unit/ext/test_httpc_names.c $(UNIT_EXT_HTTPC_FIXTURE)
tests_unit_ext_test_httpc_names_LDADD = $(UNIT_EXT_HTTPC_LIBS)
tests_unit_ext_test_httpc_pool_SOURCES = \
	tests/unit/ext/test_httpc_pool.c $(UNIT_EXT_HTTPC_FIXTURE)
tests_unit_ext_test_httpc_pool_LDADD = $(UNIT_EXT_HTTPC_LIBS)
tests_unit_ext_test_httpc_pump_SOURCES = \
	tests/unit/ext/test_httpc_pump.c $(UNIT_EXT_HTTPC_STREAM)
tests_unit_ext_test_httpc_pump_LDADD = $(UNIT_EXT_HTTPC_LIBS)
tests_unit_ext_test_httpc_slow_client_SOURCES = \
	tests/unit/ext/test_httpc_slow_client.c $(UNIT_EXT_HTTPC_STREAM)
tests_unit_ext_test_httpc_slow_client_LDADD = $(UNIT_EXT_HTTPC_LIBS)
