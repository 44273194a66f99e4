# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	bench/RESULTS.md \
	bench/lib/classes.py \
	bench/lib/gateway.sh \
	bench/lib/gpt2.py \
	bench/lib/gpt2.sh \
	bench/lib/keys.sh \
	bench/lib/lighthouse.mjs \
	bench/lib/lighthouse.sh \
	bench/lib/limits.sh \
	bench/lib/pages.sh \
	bench/lib/refusals.py \
	bench/lib/refusals.sh \
	bench/lib/sign_ins.py \
	bench/lib/targets.sh \
	bench/lib/tokenizer.py \
	bench/lib/tokenizer.sh \
	bench/lib/usage.sh \
	bench/lib/usage_rows.sh \
	bench/run
