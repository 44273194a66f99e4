# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/journal/libjournal.a
src_journal_libjournal_a_SOURCES = \
	src/journal/file.c \
	src/journal/file.h \
	src/journal/list.c \
	src/journal/reader.c \
	src/journal/reader.h \
	src/journal/record.c \
	src/journal/record.h \
	src/journal/series.c \
	src/journal/sync.c \
	src/journal/writer.c \
	src/journal/writer.h \
	src/journal/writer_priv.h
