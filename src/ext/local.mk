# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/ext/libext.a
src_ext_libext_a_SOURCES = \
	src/ext/crypto.c \
	src/ext/crypto.h \
	src/ext/httpc.h \
	src/ext/json.h \
	src/ext/mcache.c \
	src/ext/mcache.h
