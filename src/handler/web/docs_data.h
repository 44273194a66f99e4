/* SPDX-License-Identifier: MIT */
/*
 * The API reference as tools/api-reference makes it of doc/openapi.yaml and
 * routes.def when Tollgate is built: constants, though a struct tval can't
 * say so.
 */
#ifndef TG_HANDLER_WEB_DOCS_DATA_H
#define TG_HANDLER_WEB_DOCS_DATA_H

#include "base/str.h"
#include "http/tval.h"

/** What docs.html shows, but for the addresses, which depend on the host. */
extern struct tval *const docs_values;
/** doc/openapi.yaml, byte for byte. */
extern const struct str docs_yaml;

#endif
