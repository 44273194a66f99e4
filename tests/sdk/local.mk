# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	tests/sdk/anthropic.mjs \
	tests/sdk/anthropic.t \
	tests/sdk/openai.mjs \
	tests/sdk/openai.t \
	tests/sdk/openapi.mjs \
	tests/sdk/openapi.t \
	tests/sdk/openapi_limits.mjs \
	tests/sdk/openapi_limits.t \
	tests/sdk/package-lock.json \
	tests/sdk/package.json \
	tests/sdk/schemathesis.t \
	tests/sdk/schemathesis.txt \
	tests/sdk/schemathesis_hooks.py \
	tests/sdk/tokenizer.mjs \
	tests/sdk/tokenizer.t \
	tests/sdk/tap.mjs \
	tests/sdk/totp.mjs
