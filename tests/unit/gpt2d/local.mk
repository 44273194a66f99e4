# SPDX-License-Identifier: MIT
UNIT_GPT2D_TESTS = \
	tests/unit/gpt2d/test_answer \
	tests/unit/gpt2d/test_chat \
	tests/unit/gpt2d/test_completion \
	tests/unit/gpt2d/test_logprobs \
	tests/unit/gpt2d/test_prompt \
	tests/unit/gpt2d/test_reply
check_PROGRAMS += $(UNIT_GPT2D_TESTS)
TESTS += $(UNIT_GPT2D_TESTS)

UNIT_GPT2D_LIBS = src/gpt2d/libgpt2d.a src/tokenizer/libtokenizer.a \
	src/base/libbase.a $(UNISTRING_LIBS) $(CMOCKA_LIBS)
tests_unit_gpt2d_test_answer_SOURCES = \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/test_answer.c
tests_unit_gpt2d_test_answer_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_chat_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_completion_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_logprobs_SOURCES = \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/test_logprobs.c
tests_unit_gpt2d_test_logprobs_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_prompt_SOURCES = \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/test_prompt.c
tests_unit_gpt2d_test_prompt_LDADD = $(UNIT_GPT2D_LIBS)
tests_unit_gpt2d_test_reply_SOURCES = \
	tests/unit/gpt2d/fixture_tokenizer.h \
	tests/unit/gpt2d/test_reply.c
tests_unit_gpt2d_test_reply_LDADD = $(UNIT_GPT2D_LIBS)
