# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/tokenizer/libtokenizer.a
src_tokenizer_libtokenizer_a_SOURCES = \
	src/tokenizer/bpe.c \
	src/tokenizer/bpe.h \
	src/tokenizer/bpe_long.c \
	src/tokenizer/build.c \
	src/tokenizer/build.h \
	src/tokenizer/encoding.c \
	src/tokenizer/encoding.h \
	src/tokenizer/encodings.def \
	src/tokenizer/split.c \
	src/tokenizer/split.h \
	src/tokenizer/table.c \
	src/tokenizer/table.h \
	src/tokenizer/tally.c \
	src/tokenizer/tally.h \
	src/tokenizer/tokenizer.c \
	src/tokenizer/tokenizer.h
