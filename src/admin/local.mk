# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/admin/libadmin.a
src_admin_libadmin_a_SOURCES = \
	src/admin/journal.c \
	src/admin/journal.h \
	src/admin/reconcile.c \
	src/admin/reconcile.h
