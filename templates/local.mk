# SPDX-License-Identifier: MIT
nobase_dist_pkgdata_DATA += \
	templates/dashboard/customers.html \
	templates/dashboard/days.html \
	templates/dashboard/empty.html \
	templates/dashboard/form.html \
	templates/dashboard/keys.html \
	templates/dashboard/members.html \
	templates/dashboard/models.html \
	templates/dashboard/request.html \
	templates/dashboard/requests.html \
	templates/dashboard/show.html \
	templates/dashboard/summary.html \
	templates/dashboard/usage.html \
	templates/docs.html \
	templates/docs/block.html \
	templates/docs/object.html \
	templates/docs/operation.html \
	templates/docs/row.html \
	templates/docs/runs.html \
	templates/error.html \
	templates/layout.html \
	templates/login.html \
	templates/partial/bar.html \
	templates/partial/chart.html \
	templates/partial/fields.html \
	templates/partial/labels.html \
	templates/partial/mark.html \
	templates/partial/money.html \
	templates/partial/nav.html \
	templates/partial/patterns.html \
	templates/partial/selects.html \
	templates/partial/time.html \
	templates/partial/usage_filter.html \
	templates/static/favicon.svg \
	templates/static/tollgate.css \
	templates/static/tollgate.js
