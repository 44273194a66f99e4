# SPDX-License-Identifier: MIT
UNIT_BASE_TESTS = \
	tests/unit/base/test_arena \
	tests/unit/base/test_buf \
	tests/unit/base/test_cidr \
	tests/unit/base/test_clock \
	tests/unit/base/test_conf \
	tests/unit/base/test_err \
	tests/unit/base/test_error_json \
	tests/unit/base/test_histogram \
	tests/unit/base/test_json_out \
	tests/unit/base/test_json_scan \
	tests/unit/base/test_limit_set \
	tests/unit/base/test_log \
	tests/unit/base/test_mapfile \
	tests/unit/base/test_money \
	tests/unit/base/test_rng \
	tests/unit/base/test_str \
	tests/unit/base/test_unix_socket \
	tests/unit/base/test_uuid7 \
	tests/unit/base/test_zone
check_PROGRAMS += $(UNIT_BASE_TESTS)
TESTS += $(UNIT_BASE_TESTS)

tests_unit_base_test_arena_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_buf_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_cidr_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_clock_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_conf_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_err_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_error_json_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_histogram_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_json_out_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_json_scan_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_limit_set_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_log_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_mapfile_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_money_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_rng_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_str_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_unix_socket_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_uuid7_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_base_test_zone_LDADD = src/base/libbase.a $(CMOCKA_LIBS)
