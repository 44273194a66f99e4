/* SPDX-License-Identifier: MIT */
/* The fields of the member `rate_limits`, wherever a thing has one. */
#ifndef TG_HANDLER_WEB_LIMIT_FIELDS_H
#define TG_HANDLER_WEB_LIMIT_FIELDS_H

#include "handler/web/form.h"

extern const char *const web_limit_windows[];

/* clang-format off */
#define LIMIT_FIELD(name_, label_, legend_, fold_, hint_) \
	{ .name = "rate_limits/" name_, .label = label_, .control = FORM_NUMBER, \
	  .flags = FORM_NULL | FORM_SMALL | (fold_), .legend = legend_, .hint = hint_ }
#define LIMIT_FIELDS(scope, title) \
	LIMIT_FIELD(scope ".requests.minute", "Requests a minute", title, FORM_FOLD, NULL), \
	LIMIT_FIELD(scope ".requests.hour", "Requests an hour", NULL, 0, NULL), \
	LIMIT_FIELD(scope ".requests.day", "Requests a day", NULL, 0, NULL), \
	LIMIT_FIELD(scope ".tokens.minute", "Tokens a minute", NULL, 0, NULL), \
	LIMIT_FIELD(scope ".tokens.hour", "Tokens an hour", NULL, 0, NULL), \
	LIMIT_FIELD(scope ".tokens.day", "Tokens a day", NULL, 0, NULL)
/* What has no window. @hint_  what 0 and nothing stand for */
#define LIMIT_FIELDS_MORE(hint_) \
	LIMIT_FIELD("key.concurrent", "Requests at once", "More about limits", FORM_FOLD, hint_), \
	{ .name = "rate_limits/sliding", .label = "Windows", .control = FORM_SELECT, \
	  .flags = FORM_NULL | FORM_NUMBERS | FORM_SMALL, .options = web_limit_windows }
/* clang-format on */

#endif
