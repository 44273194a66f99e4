/* SPDX-License-Identifier: MIT */
/* The dashboard's values, apart from where they are read: for tests. */
#ifndef TG_HANDLER_WEB_DASHBOARD_H
#define TG_HANDLER_WEB_DASHBOARD_H

#include "handler/web/dashboard_data.h"
#include "http/tval.h"

/** What page_dashboard is rendered with; NULL when the arena is full.
 * @tag  by which a script asks whether it has changed */
struct tval *dashboard_view(const struct app *app, const struct request *rq,
    const struct dashboard_data *d, struct str tag);

/** Add `requests_chart` and `cost_chart`. */
void dashboard_charts_add(struct tval *o, const struct dashboard_data *d);

#endif
