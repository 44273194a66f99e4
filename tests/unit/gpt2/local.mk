# SPDX-License-Identifier: MIT
UNIT_GPT2_TESTS = \
	tests/unit/gpt2/test_config \
	tests/unit/gpt2/test_convert \
	tests/unit/gpt2/test_engine \
	tests/unit/gpt2/test_golden \
	tests/unit/gpt2/test_kernel \
	tests/unit/gpt2/test_model \
	tests/unit/gpt2/test_safetensors \
	tests/unit/gpt2/test_sampler \
	tests/unit/gpt2/test_scheduler \
	tests/unit/gpt2/test_scheduler_queue \
	tests/unit/gpt2/test_team \
	tests/unit/gpt2/test_text
check_PROGRAMS += $(UNIT_GPT2_TESTS)
TESTS += $(UNIT_GPT2_TESTS)

UNIT_GPT2_LIBS = src/gpt2/libgpt2.a src/tokenizer/libtokenizer.a \
	src/base/libbase.a $(OPENBLAS_LIBS) $(UNISTRING_LIBS) $(CMOCKA_LIBS) \
	-lm
tests_unit_gpt2_test_config_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_convert_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_engine_SOURCES = \
	tests/unit/gpt2/gpt2_fixture.h \
	tests/unit/gpt2/test_engine.c
tests_unit_gpt2_test_engine_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_golden_SOURCES = \
	tests/unit/gpt2/gpt2_fixture.h \
	tests/unit/gpt2/test_golden.c
tests_unit_gpt2_test_golden_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_kernel_SOURCES = \
	tests/unit/gpt2/gpt2_fixture.h \
	tests/unit/gpt2/test_kernel.c
tests_unit_gpt2_test_kernel_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_model_SOURCES = \
	tests/unit/gpt2/gpt2_fixture.h \
	tests/unit/gpt2/test_model.c
tests_unit_gpt2_test_model_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_safetensors_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_sampler_LDADD = $(UNIT_GPT2_LIBS)
UNIT_GPT2_SCHEDULER = \
	tests/unit/gpt2/gpt2_fixture.h \
	tests/unit/gpt2/scheduler_fixture.c \
	tests/unit/gpt2/scheduler_fixture.h
UNIT_GPT2_SEAMS = $(AM_LDFLAGS) \
	-Wl,--wrap=gpt2_seq_copy -Wl,--wrap=gpt2_seq_new \
	-Wl,--wrap=text_out_add
tests_unit_gpt2_test_scheduler_SOURCES = \
	tests/unit/gpt2/test_scheduler.c $(UNIT_GPT2_SCHEDULER)
tests_unit_gpt2_test_scheduler_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_scheduler_LDFLAGS = $(UNIT_GPT2_SEAMS)
tests_unit_gpt2_test_scheduler_queue_SOURCES = \
	tests/unit/gpt2/test_scheduler_queue.c $(UNIT_GPT2_SCHEDULER)
tests_unit_gpt2_test_scheduler_queue_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_scheduler_queue_LDFLAGS = $(UNIT_GPT2_SEAMS)
tests_unit_gpt2_test_team_LDADD = $(UNIT_GPT2_LIBS)
tests_unit_gpt2_test_text_LDADD = $(UNIT_GPT2_LIBS)

EXTRA_DIST += \
	tests/golden/gpt2 \
	tests/golden/gpt2.py
