# SPDX-License-Identifier: MIT
# Tools of the tests and the benchmark. Quickstart runs the
# simulator and bench/run the load tool, hence noinst and not check.
noinst_PROGRAMS += %D%/http_load
%C%_http_load_SOURCES = \
	%D%/hist.c \
	%D%/hist.h \
	%D%/http_load.c \
	%D%/http_load.h \
	%D%/http_load_client.c \
	%D%/http_load_options.c \
	%D%/http_load_report.c \
	%D%/http_load_response.c \
	%D%/sbuf.c \
	%D%/sbuf.h

noinst_PROGRAMS += %D%/upstream_sim
%C%_upstream_sim_SOURCES = \
	%D%/jscan.c \
	%D%/jscan.h \
	%D%/sbuf.c \
	%D%/sbuf.h \
	%D%/upstream_sim.c \
	%D%/upstream_sim.h \
	%D%/upstream_sim_admin.c \
	%D%/upstream_sim_answer.c \
	%D%/upstream_sim_call.c \
	%D%/upstream_sim_error.c \
	%D%/upstream_sim_gzip.c \
	%D%/upstream_sim_http.c \
	%D%/upstream_sim_loop.c \
	%D%/upstream_sim_stream.c \
	%D%/upstream_sim_text.c \
	%D%/upstream_sim_timer.c \
	%D%/upstream_sim_typed.c \
	%D%/upstream_sim_words.c \
	%D%/upstream_sim_words.def

noinst_PROGRAMS += %D%/key_speed %D%/keys_draw %D%/limit_speed
%C%_key_speed_LDADD = src/domain/libdomain.a src/journal/libjournal.a \
	src/store/libstore.a src/ext/libext.a src/base/libbase.a \
	$(MYSQL_LIBS) $(SODIUM_LIBS) $(MEMCACHED_LIBS)
%C%_keys_draw_LDADD = src/domain/libdomain.a src/ext/libext.a \
	src/base/libbase.a $(SODIUM_LIBS)
%C%_limit_speed_LDADD = src/domain/libdomain.a src/ext/libext.a \
	src/base/libbase.a $(SODIUM_LIBS) $(MEMCACHED_LIBS)

noinst_PROGRAMS += %D%/tokens_batch %D%/tokens_speed
%C%_tokens_speed_LDADD = src/tokenizer/libtokenizer.a src/base/libbase.a \
	$(UNISTRING_LIBS)
%C%_tokens_batch_LDADD = src/tokenizer/libtokenizer.a src/base/libbase.a \
	$(UNISTRING_LIBS)

noinst_PROGRAMS += %D%/gpt2_random

EXTRA_DIST += %D%/README.md

noinst_PROGRAMS += tests/support/gpt2_probe
tests_support_gpt2_probe_SOURCES = tests/support/gpt2_probe.c
tests_support_gpt2_probe_LDADD = src/gpt2/libgpt2.a \
	src/tokenizer/libtokenizer.a src/base/libbase.a \
	$(OPENBLAS_LIBS) $(UNISTRING_LIBS) -lm

noinst_PROGRAMS += tests/support/gpt2_speed
tests_support_gpt2_speed_SOURCES = tests/support/gpt2_speed.c
tests_support_gpt2_speed_LDADD = $(tests_support_gpt2_probe_LDADD)

noinst_PROGRAMS += tests/support/gpt2_bits
tests_support_gpt2_bits_SOURCES = tests/support/gpt2_bits.c
tests_support_gpt2_bits_LDADD = $(tests_support_gpt2_probe_LDADD)
