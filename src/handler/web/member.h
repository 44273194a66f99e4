/* SPDX-License-Identifier: MIT */
#ifndef TG_HANDLER_WEB_MEMBER_H
#define TG_HANDLER_WEB_MEMBER_H

#include "handler/web/place.h"

/** Make a link for a user of the place, and show it. */
enum err web_member_link_page(struct app *app, const struct request *rq,
    struct response *rs, const struct web_place *place, struct manager *m,
    uint64_t user_id, struct error *e) ATTR_MUST_CHECK;

#endif
