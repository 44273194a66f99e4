# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/gpt2d/libgpt2d.a
src_gpt2d_libgpt2d_a_SOURCES = \
	src/gpt2d/answer.c \
	src/gpt2d/answer.h \
	src/gpt2d/call.c \
	src/gpt2d/call_body.c \
	src/gpt2d/call_completion.c \
	src/gpt2d/call_send.c \
	src/gpt2d/chat.c \
	src/gpt2d/chat.h \
	src/gpt2d/client.c \
	src/gpt2d/completion.c \
	src/gpt2d/completion.h \
	src/gpt2d/generate.c \
	src/gpt2d/generate.h \
	src/gpt2d/listen.c \
	src/gpt2d/listen.h \
	src/gpt2d/loader.c \
	src/gpt2d/loader.h \
	src/gpt2d/logprobs.c \
	src/gpt2d/logprobs.h \
	src/gpt2d/options.c \
	src/gpt2d/options.h \
	src/gpt2d/prompt.c \
	src/gpt2d/prompt.h \
	src/gpt2d/reply.c \
	src/gpt2d/reply.h \
	src/gpt2d/route.c \
	src/gpt2d/server.c \
	src/gpt2d/server.h \
	src/gpt2d/server_priv.h \
	src/gpt2d/vocabulary.c \
	src/gpt2d/vocabulary.h

bin_PROGRAMS += src/gpt2d/tollgate-gpt2
src_gpt2d_tollgate_gpt2_SOURCES = src/gpt2d/main.c
src_gpt2d_tollgate_gpt2_LDADD = src/gpt2d/libgpt2d.a src/gpt2/libgpt2.a \
	src/tokenizer/libtokenizer.a src/base/libbase.a \
	$(MHD_LIBS) $(UNISTRING_LIBS) $(OPENBLAS_LIBS) -lm
