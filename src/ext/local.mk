# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/ext/libext.a
src_ext_libext_a_SOURCES = \
	src/ext/crypto.c \
	src/ext/crypto.h \
	src/ext/http1.c \
	src/ext/http1.h \
	src/ext/httpc.c \
	src/ext/httpc.h \
	src/ext/httpc_answer.c \
	src/ext/httpc_conn.c \
	src/ext/httpc_pool.c \
	src/ext/httpc_priv.h \
	src/ext/httpc_pump.c \
	src/ext/httpc_reap.c \
	src/ext/httpc_wait.c \
	src/ext/json.c \
	src/ext/json.h \
	src/ext/mcache.c \
	src/ext/mcache.h \
	src/ext/qr.c \
	src/ext/qr.h \
	src/ext/sendmail.c \
	src/ext/sendmail.h \
	src/ext/totp.c \
	src/ext/totp.h
