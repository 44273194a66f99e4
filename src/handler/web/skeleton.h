/* SPDX-License-Identifier: MIT */
/* The page to copy; a real page is declared in web.h and page.h. */
#ifndef TG_HANDLER_WEB_SKELETON_H
#define TG_HANDLER_WEB_SKELETON_H

#include "handler/handler.h"
#include "http/tmpl.h"

extern const struct tmpl_page page_skeleton;
handler_fn web_skeleton_show;

#endif
