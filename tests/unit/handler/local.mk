# SPDX-License-Identifier: MIT
UNIT_HANDLER_TESTS = \
	tests/unit/handler/test_audit_view \
	tests/unit/handler/test_chart \
	tests/unit/handler/test_form \
	tests/unit/handler/test_idempotency \
	tests/unit/handler/test_login \
	tests/unit/handler/test_pages \
	tests/unit/handler/test_torture \
	tests/unit/handler/test_view
check_PROGRAMS += $(UNIT_HANDLER_TESTS)
TESTS += $(UNIT_HANDLER_TESTS)

# The store's functions are fakes, in place of libstore.
UNIT_HANDLER_FIXTURE = \
	tests/unit/handler/fake_people.c \
	tests/unit/handler/fake_store.c \
	tests/unit/handler/fake_store.h \
	tests/unit/handler/web_fixture.c \
	tests/unit/handler/web_fixture.h
UNIT_HANDLER_LIBS = src/handler/web/libweb.a src/domain/libdomain.a \
	src/http/libhttp.a src/ext/libext.a src/base/libbase.a $(FCGI_LIBS) \
	$(SODIUM_LIBS) $(OATH_LIBS) $(QRENCODE_LIBS) $(MEMCACHED_LIBS) $(CMOCKA_LIBS)

tests_unit_handler_test_audit_view_LDADD = $(UNIT_HANDLER_LIBS)
tests_unit_handler_test_chart_LDADD = $(UNIT_HANDLER_LIBS)
tests_unit_handler_test_form_LDADD = $(UNIT_HANDLER_LIBS) $(JSONC_LIBS)
tests_unit_handler_test_idempotency_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_handler_test_view_LDADD = $(UNIT_HANDLER_LIBS)
tests_unit_handler_test_login_SOURCES = \
	tests/unit/handler/test_login.c $(UNIT_HANDLER_FIXTURE)
tests_unit_handler_test_login_LDADD = $(UNIT_HANDLER_LIBS)
tests_unit_handler_test_pages_SOURCES = \
	tests/unit/handler/test_pages.c src/handler/web/skeleton.c \
	$(UNIT_HANDLER_FIXTURE)
tests_unit_handler_test_pages_LDADD = $(UNIT_HANDLER_LIBS)

# The whole dispatcher; whoever asks is said by the test.
UNIT_HANDLER_TORTURE = \
	tests/unit/handler/torture.c \
	tests/unit/handler/torture.h
tests_unit_handler_test_torture_SOURCES = \
	tests/unit/handler/test_torture.c $(UNIT_HANDLER_TORTURE)
tests_unit_handler_test_torture_LDADD = $(UNIT_DAEMON_LIBS)

EXTRA_DIST += \
	tests/golden/web/customers.html \
	tests/golden/web/dashboard.html \
	tests/golden/web/dashboard_empty.html \
	tests/golden/web/dashboard_nasty.html \
	tests/golden/web/error_404.html \
	tests/golden/web/error_503.html \
	tests/golden/web/login.html \
	tests/golden/web/login_refused.html

update-golden: tests/unit/handler/test_pages
	TG_SRCDIR='$(abs_top_srcdir)' TG_UPDATE_GOLDEN=1 \
	    tests/unit/handler/test_pages
