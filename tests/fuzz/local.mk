# SPDX-License-Identifier: MIT
# One target a parser: fuzz_NAME.c, seeds in corpus/NAME. Without
# --enable-fuzz, main.c replays them and mutations of them in `make check`;
# with it, run a program on a copy of its corpus: ./tests/fuzz/fuzz_body DIR
FUZZ_TARGETS = \
	tests/fuzz/fuzz_body \
	tests/fuzz/fuzz_completion \
	tests/fuzz/fuzz_form \
	tests/fuzz/fuzz_gpt2_config \
	tests/fuzz/fuzz_http1 \
	tests/fuzz/fuzz_journal \
	tests/fuzz/fuzz_key \
	tests/fuzz/fuzz_limit \
	tests/fuzz/fuzz_multipart \
	tests/fuzz/fuzz_price_feed \
	tests/fuzz/fuzz_request \
	tests/fuzz/fuzz_safetensors \
	tests/fuzz/fuzz_sse \
	tests/fuzz/fuzz_tmpl \
	tests/fuzz/fuzz_tokenizer \
	tests/fuzz/fuzz_usage \
	tests/fuzz/fuzz_vocab \
	tests/fuzz/fuzz_wire
check_PROGRAMS += $(FUZZ_TARGETS)

if TG_WITH_LIBFUZZER
FUZZ_MAIN =
else
FUZZ_MAIN = tests/fuzz/main.c
TESTS += $(FUZZ_TARGETS)
endif
EXTRA_DIST += tests/fuzz/bytes.h tests/fuzz/corpus tests/fuzz/main.c

FUZZ_UPSTREAM_LIBS = \
	src/upstream/libupstream.a \
	src/ext/libext.a \
	src/tokenizer/libtokenizer.a \
	src/base/libbase.a \
	$(JSONC_LIBS) $(UNISTRING_LIBS)

tests_fuzz_fuzz_body_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_body.c $(FUZZ_MAIN)
tests_fuzz_fuzz_body_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_body_LDADD = $(FUZZ_UPSTREAM_LIBS)
tests_fuzz_fuzz_sse_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_sse.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sse_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_sse_LDADD = $(FUZZ_UPSTREAM_LIBS)
tests_fuzz_fuzz_price_feed_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_price_feed.c $(FUZZ_MAIN)
tests_fuzz_fuzz_price_feed_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_price_feed_LDADD = src/domain/libdomain.a src/base/libbase.a
tests_fuzz_fuzz_usage_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_usage.c $(FUZZ_MAIN)
tests_fuzz_fuzz_usage_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_usage_LDADD = $(FUZZ_UPSTREAM_LIBS)
tests_fuzz_fuzz_tmpl_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_tmpl.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tmpl_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_tmpl_LDADD = src/http/libhttp.a src/base/libbase.a
tests_fuzz_fuzz_form_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_form.c $(FUZZ_MAIN)
tests_fuzz_fuzz_form_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_form_LDADD = src/http/libhttp.a src/base/libbase.a
tests_fuzz_fuzz_multipart_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_multipart.c $(FUZZ_MAIN)
tests_fuzz_fuzz_multipart_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_multipart_LDADD = src/http/libhttp.a src/base/libbase.a
tests_fuzz_fuzz_request_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_request.c $(FUZZ_MAIN)
tests_fuzz_fuzz_request_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_request_LDADD = src/http/libhttp.a src/base/libbase.a
tests_fuzz_fuzz_journal_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_journal.c $(FUZZ_MAIN)
tests_fuzz_fuzz_journal_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_journal_LDADD = src/journal/libjournal.a src/base/libbase.a
tests_fuzz_fuzz_http1_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_http1.c $(FUZZ_MAIN)
tests_fuzz_fuzz_http1_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_http1_LDADD = src/ext/libext.a src/base/libbase.a
tests_fuzz_fuzz_key_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_key.c $(FUZZ_MAIN)
tests_fuzz_fuzz_key_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_key_LDADD = src/domain/libdomain.a src/ext/libext.a \
	src/base/libbase.a $(SODIUM_LIBS)
tests_fuzz_fuzz_limit_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_limit.c $(FUZZ_MAIN)
tests_fuzz_fuzz_limit_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_limit_LDADD = src/ext/libext.a src/base/libbase.a \
	$(MEMCACHED_LIBS)
tests_fuzz_fuzz_tokenizer_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_tokenizer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_tokenizer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_tokenizer_LDADD = src/tokenizer/libtokenizer.a \
	src/base/libbase.a $(UNISTRING_LIBS)
tests_fuzz_fuzz_vocab_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_vocab.c $(FUZZ_MAIN)
tests_fuzz_fuzz_vocab_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_vocab_LDADD = src/tokenizer/libtokenizer.a \
	src/base/libbase.a $(UNISTRING_LIBS)
tests_fuzz_fuzz_gpt2_config_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_gpt2_config.c $(FUZZ_MAIN)
tests_fuzz_fuzz_gpt2_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_gpt2_config_LDADD = src/gpt2/libgpt2.a src/base/libbase.a -lm
tests_fuzz_fuzz_safetensors_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_safetensors.c $(FUZZ_MAIN)
tests_fuzz_fuzz_safetensors_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_safetensors_LDADD = src/gpt2/libgpt2.a src/base/libbase.a -lm
tests_fuzz_fuzz_completion_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_completion.c $(FUZZ_MAIN)
tests_fuzz_fuzz_completion_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_completion_LDADD = src/gpt2d/libgpt2d.a src/base/libbase.a
tests_fuzz_fuzz_wire_SOURCES = \
	tests/fuzz/fuzz.h tests/fuzz/fuzz_wire.c $(FUZZ_MAIN)
tests_fuzz_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_wire_LDADD = $(FUZZ_UPSTREAM_LIBS)
