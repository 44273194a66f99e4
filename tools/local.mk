# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	tools/api-reference \
	tools/check \
	tools/fetch-gpt2 \
	tools/fetch-tokenizers \
	tools/gpt2-mini/bits-per-byte \
	tools/gpt2-mini/corpus \
	tools/gpt2-mini/golden.py \
	tools/gpt2-mini/train.py \
	tools/lint/banned.awk \
	tools/lint/layers.awk \
	tools/lint/layers.txt \
	tools/lint/run \
	tools/lint/templates.awk \
	tools/lib/packages.sh \
	tools/lib/stack.sh \
	tools/lib/stack_servers.sh \
	tools/lib/stack_web.sh \
	tools/lib/supervise \
	tools/manual \
	tools/quickstart
