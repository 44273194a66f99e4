# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/domain/libdomain.a
src_domain_libdomain_a_SOURCES = \
	src/domain/admission.c \
	src/domain/admission.h \
	src/domain/app.h \
	src/domain/catalogue.c \
	src/domain/catalogue.h \
	src/domain/customer.c \
	src/domain/customer.h \
	src/domain/flush.c \
	src/domain/flush.h \
	src/domain/flush_backlog.c \
	src/domain/flush_backlog.h \
	src/domain/flush_item.c \
	src/domain/flush_keep.c \
	src/domain/flush_priv.h \
	src/domain/flush_read.c \
	src/domain/flush_txn.c \
	src/domain/generation.c \
	src/domain/generation.h \
	src/domain/hostmap.c \
	src/domain/hostmap.h \
	src/domain/key.c \
	src/domain/key.h \
	src/domain/key_cache.c \
	src/domain/key_grant.c \
	src/domain/key_load.c \
	src/domain/key_priv.h \
	src/domain/key_table.c \
	src/domain/key_text.c \
	src/domain/limit.c \
	src/domain/limit.h \
	src/domain/meter.c \
	src/domain/meter.h \
	src/domain/open_set.c \
	src/domain/open_set.h \
	src/domain/price.c \
	src/domain/price.h \
	src/domain/reconcile.c \
	src/domain/reconcile.h \
	src/domain/principal.c \
	src/domain/principal.h \
	src/domain/session.c \
	src/domain/session.h \
	src/domain/user.c \
	src/domain/user.h
