# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/http/libhttp.a
src_http_libhttp_a_SOURCES = \
	src/http/tmpl.h \
	src/http/tmpl_check.c \
	src/http/tmpl_parse.c \
	src/http/tmpl_priv.h \
	src/http/tmpl_render.c \
	src/http/tmpl_set.c \
	src/http/tval.c \
	src/http/tval.h
