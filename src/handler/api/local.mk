# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/handler/api/libapi.a
src_handler_api_libapi_a_SOURCES = \
	src/handler/api/api.h \
	src/handler/api/audit.c \
	src/handler/api/cursor.c \
	src/handler/api/cursor.h \
	src/handler/api/credit.c \
	src/handler/api/customer.c \
	src/handler/api/customer_export.c \
	src/handler/api/forward.c \
	src/handler/api/forward.h \
	src/handler/api/forward_headers.c \
	src/handler/api/forward_priv.h \
	src/handler/api/forward_settle.c \
	src/handler/api/generate.c \
	src/handler/api/health.c \
	src/handler/api/idempotency.c \
	src/handler/api/idempotency.h \
	src/handler/api/inference.c \
	src/handler/api/inference.h \
	src/handler/api/key.c \
	src/handler/api/key_manage.c \
	src/handler/api/key_read.c \
	src/handler/api/key_read.h \
	src/handler/api/key_self.c \
	src/handler/api/label.c \
	src/handler/api/model.c \
	src/handler/api/model_manage.c \
	src/handler/api/model_read.c \
	src/handler/api/model_read.h \
	src/handler/api/model_write.c \
	src/handler/api/model_write.h \
	src/handler/api/notice.c \
	src/handler/api/price.c \
	src/handler/api/price_body.c \
	src/handler/api/price_body.h \
	src/handler/api/provider.c \
	src/handler/api/resource.c \
	src/handler/api/resource.h \
	src/handler/api/tier.c \
	src/handler/api/usage.c \
	src/handler/api/usage_add.c \
	src/handler/api/usage_read.c \
	src/handler/api/usage_read.h \
	src/handler/api/usage_summary.c \
	src/handler/api/user.c \
	src/handler/handler.h
