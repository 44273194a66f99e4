# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/upstream/libupstream.a
src_upstream_libupstream_a_SOURCES = \
	src/upstream/anthropic.c \
	src/upstream/body.c \
	src/upstream/body.h \
	src/upstream/event.h \
	src/upstream/generate_text.c \
	src/upstream/openai.h \
	src/upstream/openai_answer.c \
	src/upstream/openai_count.h \
	src/upstream/openai_local.c \
	src/upstream/openai_prompt.c \
	src/upstream/openai_request.c \
	src/upstream/openai_stream.c \
	src/upstream/openai_text.h \
	src/upstream/openai_texts.c \
	src/upstream/provider.c \
	src/upstream/provider.h \
	src/upstream/provider_params.c \
	src/upstream/providers.def \
	src/upstream/responses.c \
	src/upstream/splice.c \
	src/upstream/splice.h \
	src/upstream/sse.c \
	src/upstream/sse.h \
	src/upstream/usage.c \
	src/upstream/usage.h \
	src/upstream/wire.c \
	src/upstream/wire.h
