# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	tests/browser/admin.mjs \
	tests/browser/admin.t \
	tests/browser/audit.mjs \
	tests/browser/audit.t \
	tests/browser/billing.mjs \
	tests/browser/billing.t \
	tests/browser/dashboard.mjs \
	tests/browser/dashboard.t \
	tests/browser/docs.mjs \
	tests/browser/docs.t \
	tests/browser/first_visit.mjs \
	tests/browser/first_visit.t \
	tests/browser/html.mjs \
	tests/browser/html.t \
	tests/browser/keys.mjs \
	tests/browser/keys.t \
	tests/browser/matrix.mjs \
	tests/browser/matrix.t \
	tests/browser/overview.mjs \
	tests/browser/overview.t \
	tests/browser/package-lock.json \
	tests/browser/package.json \
	tests/browser/pages.mjs \
	tests/browser/pictures.mjs \
	tests/browser/playground.mjs \
	tests/browser/playground.t \
	tests/browser/usage.mjs \
	tests/browser/usage.t \
	tests/browser/settings.mjs \
	tests/browser/settings.t \
	tests/browser/visit.mjs \
	tests/browser/weight.mjs \
	tests/browser/weight.t
