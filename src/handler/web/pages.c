/* SPDX-License-Identifier: MIT */
/* Every page there is, for the check of their templates. */
#include "handler/web/page.h"
#include "handler/web/web.h"

static const struct tmpl_page *const pages[] = {
	&page_admin_list,
	&page_audit,
	&page_billing,
	&page_customers,
	&page_dashboard,
	&page_docs,
	&page_error,
	&page_factor,
	&page_factor_codes,
	&page_forgot,
	&page_form,
	&page_key,
	&page_key_list,
	&page_key_new,
	&page_key_secret,
	&page_limits,
	&page_link,
	&page_login,
	&page_login_code,
	&page_login_password,
	&page_login_remote,
	&page_members,
	&page_model_health,
	&page_model_list,
	&page_playground,
	&page_price_import,
	&page_price_plan,
	&page_prices,
	&page_provider_test,
	&page_request,
	&page_requests,
	&page_settings,
	&page_system,
	&page_usage,
};

enum err
web_templates_check(const struct tmpl_set *set, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		enum err err = tmpl_check(set, pages[i], e);
		if (err)
			return err;
	}
	return OK;
}
