# SPDX-License-Identifier: MIT
UNIT_GPT2D_TESTS = \
	tests/unit/gpt2d/test_answer \
	tests/unit/gpt2d/test_chat \
	tests/unit/gpt2d/test_completion \
	tests/unit/gpt2d/test_listen \
	tests/unit/gpt2d/test_loader \
	tests/unit/gpt2d/test_logprobs \
	tests/unit/gpt2d/test_options \
	tests/unit/gpt2d/test_prompt \
	tests/unit/gpt2d/test_reply \
	tests/unit/gpt2d/test_server \
	tests/unit/gpt2d/test_server_body \
	tests/unit/gpt2d/test_server_end \
	tests/unit/gpt2d/test_server_load \
	tests/unit/gpt2d/test_vocabulary
check_PROGRAMS += $(UNIT_GPT2D_TESTS)
TESTS += $(UNIT_GPT2D_TESTS)

UNIT_GPT2D_LIBS = src/gpt2d/libgpt2d.a src/tokenizer/libtokenizer.a \
	src/base/libbase.a $(MHD_LIBS) $(UNISTRING_LIBS) $(CMOCKA_LIBS)
tests_unit_gpt2d_test_answer_SOURCES = \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/test_answer.c
tests_unit_gpt2d_test_answer_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_chat_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_completion_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_listen_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_loader_SOURCES = \
	tests/unit/gpt2d/fake_engine.c \
	tests/unit/gpt2d/fake_engine.h \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/test_loader.c
tests_unit_gpt2d_test_loader_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_logprobs_SOURCES = \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/test_logprobs.c
tests_unit_gpt2d_test_logprobs_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_options_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_prompt_SOURCES = \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/test_prompt.c
tests_unit_gpt2d_test_prompt_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_reply_SOURCES = \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/test_reply.c
tests_unit_gpt2d_test_reply_LDADD = $(UNIT_GPT2D_LIBS)
UNIT_GPT2D_SERVER = \
	tests/unit/gpt2d/fake_engine.c \
	tests/unit/gpt2d/fake_engine.h \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/server_fixture.c \
	tests/unit/gpt2d/server_fixture.h
tests_unit_gpt2d_test_server_SOURCES = \
	tests/unit/gpt2d/test_server.c $(UNIT_GPT2D_SERVER)
tests_unit_gpt2d_test_server_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_server_body_SOURCES = \
	tests/unit/gpt2d/test_server_body.c $(UNIT_GPT2D_SERVER)
tests_unit_gpt2d_test_server_body_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_server_end_SOURCES = \
	tests/unit/gpt2d/test_server_end.c $(UNIT_GPT2D_SERVER)
tests_unit_gpt2d_test_server_end_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_server_load_SOURCES = \
	tests/unit/gpt2d/test_server_load.c $(UNIT_GPT2D_SERVER)
tests_unit_gpt2d_test_server_load_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_vocabulary_LDADD = $(UNIT_GPT2D_LIBS)
