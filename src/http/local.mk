# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/http/libhttp.a
src_http_libhttp_a_SOURCES = \
	src/http/accept.c \
	src/http/accept.h \
	src/http/conn.h \
	src/http/cookie.c \
	src/http/cookie.h \
	src/http/fcgi.c \
	src/http/fcgi.h \
	src/http/form.c \
	src/http/form.h \
	src/http/mem.c \
	src/http/mem.h \
	src/http/multipart.c \
	src/http/multipart.h \
	src/http/param.c \
	src/http/param.h \
	src/http/request.c \
	src/http/request.h \
	src/http/request_body.c \
	src/http/peer.c \
	src/http/peer.h \
	src/http/request_client.c \
	src/http/request_priv.h \
	src/http/request_target.c \
	src/http/response.c \
	src/http/response.h \
	src/http/response_send.c \
	src/http/route_match.c \
	src/http/route_match.h \
	src/http/tmpl.h \
	src/http/tmpl_check.c \
	src/http/tmpl_parse.c \
	src/http/tmpl_priv.h \
	src/http/tmpl_render.c \
	src/http/tmpl_set.c \
	src/http/tval.c \
	src/http/tval.h \
	src/http/url.c \
	src/http/url.h
