# SPDX-License-Identifier: MIT
# Integration tests behind web servers: tools/check runs them.
noinst_PROGRAMS += tests/support/fcgi_probe
tests_support_fcgi_probe_SOURCES = tests/support/fcgi_probe.c
tests_support_fcgi_probe_LDADD = $(FCGI_LIBS)
noinst_PROGRAMS += tests/support/fcgi_call
tests_support_fcgi_call_SOURCES = tests/support/fcgi_call.c
noinst_PROGRAMS += tests/support/price_cases
tests_support_price_cases_SOURCES = tests/support/price_cases.c
tests_support_price_cases_LDADD = src/domain/libdomain.a \
	src/base/libbase.a
EXTRA_DIST += \
	tests/golden/gpt2-mini.json \
	tests/support/command.sh \
	tests/support/model_server \
	tests/support/systemctl \
	tests/support/tap.sh \
	tests/wire/admin.t \
	tests/wire/admin_changes.t \
	tests/wire/audit.mjs \
	tests/wire/audit.t \
	tests/wire/bad_input.mjs \
	tests/wire/bad_input.t \
	tests/wire/books.mjs \
	tests/wire/books.t \
	tests/wire/budget.mjs \
	tests/wire/budget.t \
	tests/wire/catalogue.mjs \
	tests/wire/catalogue.t \
	tests/wire/commands.t \
	tests/wire/compression.mjs \
	tests/wire/compression.t \
	tests/wire/counting.mjs \
	tests/wire/counting.t \
	tests/wire/creation.mjs \
	tests/wire/creation.t \
	tests/wire/drain.mjs \
	tests/wire/drain.t \
	tests/wire/fetch_gpt2.t \
	tests/wire/form_browser.mjs \
	tests/wire/formats.mjs \
	tests/wire/formats.t \
	tests/wire/gpt2_mini.t \
	tests/wire/gpt2_mini_bits.t \
	tests/wire/gpt2d.t \
	tests/wire/hostile.mjs \
	tests/wire/hostile.t \
	tests/wire/httpd_conf.t \
	tests/wire/idempotency.mjs \
	tests/wire/idempotency.t \
	tests/wire/inference.mjs \
	tests/wire/inference.t \
	tests/wire/install_md.t \
	tests/wire/lib.mjs \
	tests/wire/limits.t \
	tests/wire/management.mjs \
	tests/wire/management.t \
	tests/wire/model_methods.t \
	tests/wire/models.mjs \
	tests/wire/models.t \
	tests/wire/money.mjs \
	tests/wire/money.t \
	tests/wire/notices.mjs \
	tests/wire/notices.t \
	tests/wire/prices.mjs \
	tests/wire/prices.t \
	tests/wire/provider_tls.mjs \
	tests/wire/provider_tls.t \
	tests/wire/quickstart.t \
	tests/wire/quickstart_offline.t \
	tests/wire/rate_limits.mjs \
	tests/wire/rate_limits.t \
	tests/wire/revocation.mjs \
	tests/wire/revocation.t \
	tests/wire/secrets.mjs \
	tests/wire/secrets.t \
	tests/wire/seed_curl.t \
	tests/wire/seed_properties.def \
	tests/wire/seed_properties.mjs \
	tests/wire/seed_properties.t \
	tests/wire/sign_in.mjs \
	tests/wire/sign_in.t \
	tests/wire/sigchld.t \
	tests/wire/templates.mjs \
	tests/wire/templates.t \
	tests/wire/upstream_sim.t \
	tests/wire/usage.mjs \
	tests/wire/usage.t \
	tests/wire/usage_pages.mjs \
	tests/wire/usage_pages.t \
	tests/wire/worker.t
