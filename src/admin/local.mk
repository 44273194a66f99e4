# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/admin/libadmin.a
src_admin_libadmin_a_SOURCES = \
	src/admin/journal.c \
	src/admin/journal.h \
	src/admin/model_process.c \
	src/admin/model_process.h \
	src/admin/model_spawn.c \
	src/admin/model_spawn.h \
	src/admin/reconcile.c \
	src/admin/reconcile.h

bin_PROGRAMS += src/admin/tollgate
src_admin_tollgate_SOURCES = \
	src/admin/admin.h \
	src/admin/admin_priv.h \
	src/admin/audit.c \
	src/admin/books.c \
	src/admin/commands.c \
	src/admin/commands.def \
	src/admin/config.c \
	src/admin/context.c \
	src/admin/credit.c \
	src/admin/customer.c \
	src/admin/customer_export.c \
	src/admin/doctor.c \
	src/admin/doctor.h \
	src/admin/doctor_db.c \
	src/admin/doctor_host.c \
	src/admin/duties.c \
	src/admin/file.c \
	src/admin/file.h \
	src/admin/help.c \
	src/admin/key.c \
	src/admin/key_manage.c \
	src/admin/key_read.h \
	src/admin/budget.c \
	src/admin/label.c \
	src/admin/limits.c \
	src/admin/limits.h \
	src/admin/lookup.c \
	src/admin/lookup.h \
	src/admin/main.c \
	src/admin/migrate.c \
	src/admin/model.c \
	src/admin/model_serve.c \
	src/admin/model_table.c \
	src/admin/model_table.h \
	src/admin/model_wait.c \
	src/admin/model_wait.h \
	src/admin/notice.c \
	src/admin/operator.c \
	src/admin/options.c \
	src/admin/output.c \
	src/admin/price.c \
	src/admin/price_import.c \
	src/admin/provider.c \
	src/admin/provider_test.c \
	src/admin/record.c \
	src/admin/tier.c \
	src/admin/tokens.c \
	src/admin/usage.c \
	src/admin/usage_filter.c \
	src/admin/usage_filter.h \
	src/admin/usage_history.c \
	src/admin/usage_list.c \
	src/admin/user.c \
	src/admin/user_link.c
src_admin_tollgate_LDADD = src/admin/libadmin.a \
	src/domain/libdomain.a src/upstream/libupstream.a \
	src/store/libstore.a src/journal/libjournal.a src/ext/libext.a \
	src/tokenizer/libtokenizer.a src/base/libbase.a \
	$(SODIUM_LIBS) $(OATH_LIBS) $(QRENCODE_LIBS) $(UNISTRING_LIBS) $(MEMCACHED_LIBS) $(MYSQL_LIBS) $(JSONC_LIBS) \
	$(CURL_LIBS)
