# SPDX-License-Identifier: MIT
EXTRA_DIST += \
	models/gpt2-mini/README.md \
	models/gpt2-mini/config.json \
	models/gpt2-mini/loss.csv \
	models/gpt2-mini/merges.txt \
	models/gpt2-mini/model.safetensors \
	models/gpt2-mini/vocab.json
