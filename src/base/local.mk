# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/arena.c \
	src/base/arena.h \
	src/base/attr.h \
	src/base/buf.c \
	src/base/buf.h \
	src/base/cidr.c \
	src/base/cidr.h \
	src/base/clock.c \
	src/base/clock.h \
	src/base/conf.c \
	src/base/conf.h \
	src/base/config.def \
	src/base/crc32.c \
	src/base/crc32.h \
	src/base/err.c \
	src/base/err.h \
	src/base/error_json.c \
	src/base/error_json.h \
	src/base/errors.def \
	src/base/hex.c \
	src/base/hex.h \
	src/base/histogram.c \
	src/base/histogram.h \
	src/base/json_out.c \
	src/base/json_out.h \
	src/base/json_scan.c \
	src/base/json_scan.h \
	src/base/json_walk.c \
	src/base/log.c \
	src/base/log.h \
	src/base/mapfile.c \
	src/base/mapfile.h \
	src/base/money.c \
	src/base/money.h \
	src/base/provider_kind.h \
	src/base/rng.c \
	src/base/rng.h \
	src/base/secret.c \
	src/base/secret.h \
	src/base/str.c \
	src/base/str.h \
	src/base/tok_class.h \
	src/base/uuid7.c \
	src/base/uuid7.h
