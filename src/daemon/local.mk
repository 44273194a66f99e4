# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/daemon/libdaemon.a
src_daemon_libdaemon_a_SOURCES = \
	src/daemon/background.c \
	src/daemon/background.h \
	src/daemon/dispatch.c \
	src/daemon/dispatch.h \
	src/daemon/finish.c \
	src/daemon/finish.h \
	src/daemon/gates.c \
	src/daemon/gates.h \
	src/daemon/listen.c \
	src/daemon/listen.h \
	src/daemon/pool.c \
	src/daemon/pool.h \
	src/daemon/refusal.c \
	src/daemon/refusal.h \
	src/daemon/routes.c \
	src/daemon/routes.def \
	src/daemon/routes.h \
	src/daemon/services.c \
	src/daemon/services.h \
	src/daemon/settings.c \
	src/daemon/settings.h \
	src/daemon/signals.c \
	src/daemon/signals.h \
	src/daemon/turn.h

# In the order of the layers, reversed.
libexec_PROGRAMS += src/daemon/tollgate.fcgi
src_daemon_tollgate_fcgi_SOURCES = src/daemon/main.c
src_daemon_tollgate_fcgi_LDADD = \
	src/daemon/libdaemon.a \
	src/handler/web/libweb.a \
	src/handler/api/libapi.a \
	src/domain/libdomain.a \
	src/upstream/libupstream.a \
	src/http/libhttp.a \
	src/store/libstore.a \
	src/journal/libjournal.a \
	src/ext/libext.a \
	src/tokenizer/libtokenizer.a \
	src/base/libbase.a \
	$(FCGI_LIBS) $(CURL_LIBS) $(MEMCACHED_LIBS) $(JSONC_LIBS) \
	$(SODIUM_LIBS) $(OATH_LIBS) $(QRENCODE_LIBS) $(MYSQL_LIBS) $(UNISTRING_LIBS)
