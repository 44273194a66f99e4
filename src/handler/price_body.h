/* SPDX-License-Identifier: MIT */
/* Prices in JSON, as models and price versions have them: USD per million
 * tokens of each class, and USD per request. */
#ifndef TG_HANDLER_PRICE_BODY_H
#define TG_HANDLER_PRICE_BODY_H

#include "base/json_out.h"
#include "ext/json.h"
#include "store/price.h"

/**
 * Read body's member `prices`, which must be there.
 * @ret  its prices only; the rest is 0
 * Errors: ERR_BAD_PARAM with the price's name.
 */
enum err price_body_read(const struct json *body, struct price *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Read a new version's body, as POST /api/prices takes it.
 * @ret  without an id; effective_from_ms 0: from now on
 * Errors: ERR_BAD_JSON; ERR_BAD_PARAM with the member's name. Memory: in a.
 */
enum err price_body_version(struct str text, struct arena *a, struct price *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Write the member `prices`; null for NULL. */
void price_body_write(struct json_out *j, const struct price *p);

#endif
