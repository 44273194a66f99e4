# SPDX-License-Identifier: MIT
UNIT_DAEMON_TESTS = \
	tests/unit/daemon/test_dispatch \
	tests/unit/daemon/test_listen \
	tests/unit/daemon/test_routes
check_PROGRAMS += $(UNIT_DAEMON_TESTS)
TESTS += $(UNIT_DAEMON_TESTS)

UNIT_DAEMON_LIBS = $(src_daemon_tollgate_fcgi_LDADD) $(CMOCKA_LIBS)
tests_unit_daemon_test_dispatch_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_daemon_test_listen_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_daemon_test_routes_LDADD = $(UNIT_DAEMON_LIBS)
