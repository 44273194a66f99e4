# SPDX-License-Identifier: MIT
noinst_LIBRARIES += src/handler/web/libweb.a
src_handler_web_libweb_a_SOURCES = \
	src/handler/web/admin_list.c \
	src/handler/web/admin_list.h \
	src/handler/web/audit.c \
	src/handler/web/audit_actor.c \
	src/handler/web/audit_actor.h \
	src/handler/web/audit_view.c \
	src/handler/web/audit_view.h \
	src/handler/web/billing.c \
	src/handler/web/budget_fields.h \
	src/handler/web/budget_view.c \
	src/handler/web/budget_view.h \
	src/handler/web/called.c \
	src/handler/web/called.h \
	src/handler/web/chart.c \
	src/handler/web/chart.h \
	src/handler/web/code.c \
	src/handler/web/cookies.c \
	src/handler/web/cookies.h \
	src/handler/web/customer.c \
	src/handler/web/customers.c \
	src/handler/web/dashboard.c \
	src/handler/web/dashboard.h \
	src/handler/web/dashboard_chart.c \
	src/handler/web/dashboard_data.c \
	src/handler/web/dashboard_data.h \
	src/handler/web/dashboard_view.c \
	src/handler/web/docs.c \
	src/handler/web/docs_data.h \
	src/handler/web/done.def \
	src/handler/web/door.c \
	src/handler/web/door.h \
	src/handler/web/error.c \
	src/handler/web/factor.c \
	src/handler/web/fields.c \
	src/handler/web/find.c \
	src/handler/web/find.h \
	src/handler/web/forgot.c \
	src/handler/web/form.c \
	src/handler/web/form.h \
	src/handler/web/form_body.c \
	src/handler/web/form_fill.c \
	src/handler/web/form_page.c \
	src/handler/web/form_page.h \
	src/handler/web/form_priv.h \
	src/handler/web/form_read.c \
	src/handler/web/form_view.c \
	src/handler/web/gate.c \
	src/handler/web/key.c \
	src/handler/web/key.h \
	src/handler/web/key_act.c \
	src/handler/web/key_form.c \
	src/handler/web/key_limits.c \
	src/handler/web/key_list.c \
	src/handler/web/key_new.c \
	src/handler/web/key_show.c \
	src/handler/web/label.c \
	src/handler/web/limit.c \
	src/handler/web/limit_fields.h \
	src/handler/web/limit_view.c \
	src/handler/web/limit_view.h \
	src/handler/web/login.c \
	src/handler/web/logout.c \
	src/handler/web/manage.c \
	src/handler/web/manage.h \
	src/handler/web/member.c \
	src/handler/web/member.h \
	src/handler/web/member_link.c \
	src/handler/web/model.c \
	src/handler/web/model_form.c \
	src/handler/web/model_health.c \
	src/handler/web/nav.c \
	src/handler/web/nav.def \
	src/handler/web/nav.h \
	src/handler/web/page.c \
	src/handler/web/page.h \
	src/handler/web/pages.c \
	src/handler/web/password.c \
	src/handler/web/place.c \
	src/handler/web/place.h \
	src/handler/web/playground.c \
	src/handler/web/playground.h \
	src/handler/web/playground_ask.c \
	src/handler/web/playground_view.c \
	src/handler/web/price.c \
	src/handler/web/price_import.c \
	src/handler/web/price_view.c \
	src/handler/web/price_view.h \
	src/handler/web/provider.c \
	src/handler/web/provider_test.c \
	src/handler/web/remote.c \
	src/handler/web/request.c \
	src/handler/web/request.h \
	src/handler/web/request_cost.c \
	src/handler/web/request_list.c \
	src/handler/web/request_row.c \
	src/handler/web/settings.c \
	src/handler/web/settings.h \
	src/handler/web/settings_password.c \
	src/handler/web/settings_profile.c \
	src/handler/web/settings_sessions.c \
	src/handler/web/skeleton.h \
	src/handler/web/system.c \
	src/handler/web/system_data.c \
	src/handler/web/system_data.h \
	src/handler/web/tier.c \
	src/handler/web/usage.c \
	src/handler/web/usage.h \
	src/handler/web/usage_chart.c \
	src/handler/web/usage_filter.c \
	src/handler/web/usage_filter.h \
	src/handler/web/usage_groups.c \
	src/handler/web/usage_names.c \
	src/handler/web/usage_view.c \
	src/handler/web/view.c \
	src/handler/web/view.h \
	src/handler/web/view_zone.c \
	src/handler/web/web.h

# The API reference's data, of the API's description and the table of routes.
nodist_src_handler_web_libweb_a_SOURCES = src/handler/web/docs_data.c
CLEANFILES += src/handler/web/docs_data.c
src/handler/web/docs_data.c: tools/api-reference doc/openapi.yaml src/daemon/routes.def
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(PYTHON3) $(srcdir)/tools/api-reference $(srcdir)/doc/openapi.yaml \
		$(srcdir)/src/daemon/routes.def >$@.new && mv $@.new $@
