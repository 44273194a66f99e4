# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/gpt2/libgpt2.a
src_gpt2_libgpt2_a_SOURCES = \
	src/gpt2/config.c \
	src/gpt2/config.h \
	src/gpt2/convert.c \
	src/gpt2/convert.h \
	src/gpt2/decode.c \
	src/gpt2/engine.c \
	src/gpt2/engine.h \
	src/gpt2/engine_priv.h \
	src/gpt2/kernel.c \
	src/gpt2/kernel.h \
	src/gpt2/kernel_any.c \
	src/gpt2/kernel_avx2.c \
	src/gpt2/kernel_body.h \
	src/gpt2/kernel_panels.h \
	src/gpt2/kernel_priv.h \
	src/gpt2/kernel_rows.h \
	src/gpt2/kernel_vector.h \
	src/gpt2/model.c \
	src/gpt2/model.h \
	src/gpt2/model_priv.h \
	src/gpt2/prefill.c \
	src/gpt2/safetensors.c \
	src/gpt2/safetensors.h \
	src/gpt2/sampler.c \
	src/gpt2/sampler.h \
	src/gpt2/scheduler.c \
	src/gpt2/scheduler.h \
	src/gpt2/team.c \
	src/gpt2/team.h \
	src/gpt2/text.c \
	src/gpt2/text.h
