# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/gpt2d/libgpt2d.a
src_gpt2d_libgpt2d_a_SOURCES = \
	src/gpt2d/answer.c \
	src/gpt2d/answer.h \
	src/gpt2d/chat.c \
	src/gpt2d/chat.h \
	src/gpt2d/completion.c \
	src/gpt2d/completion.h \
	src/gpt2d/logprobs.c \
	src/gpt2d/logprobs.h \
	src/gpt2d/prompt.c \
	src/gpt2d/prompt.h \
	src/gpt2d/reply.c \
	src/gpt2d/reply.h
