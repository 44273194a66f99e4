# SPDX-License-Identifier: MIT
UNIT_DOMAIN_TESTS = \
	tests/unit/domain/test_admission \
	tests/unit/domain/test_attribution \
	tests/unit/domain/test_budget \
	tests/unit/domain/test_budget_book \
	tests/unit/domain/test_budget_book_threads \
	tests/unit/domain/test_customer \
	tests/unit/domain/test_forecast \
	tests/unit/domain/test_hostmap \
	tests/unit/domain/test_key \
	tests/unit/domain/test_key_cache \
	tests/unit/domain/test_key_cache_threads \
	tests/unit/domain/test_key_changed \
	tests/unit/domain/test_key_layers \
	tests/unit/domain/test_key_refused \
	tests/unit/domain/test_key_table \
	tests/unit/domain/test_limit \
	tests/unit/domain/test_limit_auth \
	tests/unit/domain/test_limit_commands \
	tests/unit/domain/test_limit_running \
	tests/unit/domain/test_limit_shared \
	tests/unit/domain/test_limit_workers \
	tests/unit/domain/test_meter \
	tests/unit/domain/test_model \
	tests/unit/domain/test_model_folder \
	tests/unit/domain/test_model_server \
	tests/unit/domain/test_notice_text \
	tests/unit/domain/test_price \
	tests/unit/domain/test_price_feed \
	tests/unit/domain/test_price_list \
	tests/unit/domain/test_record \
	tests/unit/domain/test_resource \
	tests/unit/domain/test_tokenizers \
	tests/unit/domain/test_tries \
	tests/unit/domain/test_usage_add \
	tests/unit/domain/test_usage_dimensions \
	tests/unit/domain/test_usage_golden \
	tests/unit/domain/test_usage_series \
	tests/unit/domain/test_usage_tally \
	tests/unit/domain/test_usage_text \
	tests/unit/domain/test_webhook_url
check_PROGRAMS += $(UNIT_DOMAIN_TESTS)
TESTS += $(UNIT_DOMAIN_TESTS)

UNIT_DOMAIN_LIBS = src/domain/libdomain.a src/journal/libjournal.a \
	src/ext/libext.a src/tokenizer/libtokenizer.a src/base/libbase.a \
	$(CMOCKA_LIBS) $(SODIUM_LIBS) $(OATH_LIBS) $(QRENCODE_LIBS) $(MEMCACHED_LIBS) $(UNISTRING_LIBS)
UNIT_DOMAIN_BUDGET_BOOK = \
	tests/unit/domain/budget_book_fixture.c \
	tests/unit/domain/budget_book_fixture.h
UNIT_DOMAIN_KEY_CACHE = \
	tests/unit/domain/key_cache_fixture.c \
	tests/unit/domain/key_cache_fixture.h
UNIT_DOMAIN_LIMIT = \
	tests/unit/domain/limit_fixture.c \
	tests/unit/domain/limit_fixture.h
tests_unit_domain_test_admission_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_domain_test_attribution_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_attribution_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_us
tests_unit_domain_test_budget_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_domain_test_budget_book_SOURCES = \
	tests/unit/domain/test_budget_book.c $(UNIT_DOMAIN_BUDGET_BOOK)
tests_unit_domain_test_budget_book_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_budget_book_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_us
tests_unit_domain_test_budget_book_threads_SOURCES = \
	tests/unit/domain/test_budget_book_threads.c $(UNIT_DOMAIN_BUDGET_BOOK)
tests_unit_domain_test_budget_book_threads_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_budget_book_threads_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_us
tests_unit_domain_test_customer_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_forecast_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_hostmap_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_key_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_key_cache_SOURCES = \
	tests/unit/domain/test_key_cache.c $(UNIT_DOMAIN_KEY_CACHE)
tests_unit_domain_test_key_cache_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_key_cache_threads_SOURCES = \
	tests/unit/domain/test_key_cache_threads.c $(UNIT_DOMAIN_KEY_CACHE)
tests_unit_domain_test_key_cache_threads_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_key_changed_SOURCES = \
	tests/unit/domain/test_key_changed.c $(UNIT_DOMAIN_KEY_CACHE)
tests_unit_domain_test_key_changed_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_key_layers_SOURCES = \
	tests/unit/domain/test_key_layers.c $(UNIT_DOMAIN_KEY_CACHE)
tests_unit_domain_test_key_layers_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_key_refused_SOURCES = \
	tests/unit/domain/test_key_refused.c $(UNIT_DOMAIN_KEY_CACHE)
tests_unit_domain_test_key_refused_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_key_table_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_limit_SOURCES = \
	tests/unit/domain/test_limit.c $(UNIT_DOMAIN_LIMIT)
tests_unit_domain_test_limit_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_limit_auth_SOURCES = \
	tests/unit/domain/test_limit_auth.c $(UNIT_DOMAIN_LIMIT)
tests_unit_domain_test_limit_auth_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_limit_commands_SOURCES = \
	tests/unit/domain/test_limit_commands.c $(UNIT_DOMAIN_LIMIT)
tests_unit_domain_test_limit_commands_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_limit_running_SOURCES = \
	tests/unit/domain/test_limit_running.c $(UNIT_DOMAIN_LIMIT)
tests_unit_domain_test_limit_running_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_limit_shared_SOURCES = \
	tests/unit/domain/test_limit_shared.c $(UNIT_DOMAIN_LIMIT)
tests_unit_domain_test_limit_shared_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_limit_workers_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_meter_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_model_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_domain_test_model_folder_LDADD = $(UNIT_DOMAIN_LIBS) $(JSONC_LIBS)
tests_unit_domain_test_model_server_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_notice_text_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_domain_test_webhook_url_LDADD = $(UNIT_DOMAIN_LIBS) $(CURL_LIBS)
tests_unit_domain_test_price_feed_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_price_list_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_price_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_record_LDADD = $(UNIT_DOMAIN_LIBS) $(JSONC_LIBS)
tests_unit_domain_test_resource_LDADD = $(UNIT_DOMAIN_LIBS) $(JSONC_LIBS)
tests_unit_domain_test_tokenizers_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_tokenizers_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_us
tests_unit_domain_test_tries_LDADD = $(UNIT_DOMAIN_LIBS)
tests_unit_domain_test_usage_add_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_domain_test_usage_dimensions_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_domain_test_usage_series_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_domain_test_usage_tally_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_domain_test_usage_text_LDADD = $(UNIT_DAEMON_LIBS)
tests_unit_domain_test_usage_golden_LDADD = src/domain/libdomain.a \
	src/upstream/libupstream.a $(UNIT_DOMAIN_LIBS)
EXTRA_DIST += tests/golden/usage
