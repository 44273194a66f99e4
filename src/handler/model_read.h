/* SPDX-License-Identifier: MIT */
/* What models are made and changed by: bodies of POST and PATCH /api/models,
 * and forms. */
#ifndef TG_HANDLER_MODEL_READ_H
#define TG_HANDLER_MODEL_READ_H

#include "base/err.h"
#include "domain/model.h"
#include "ext/json.h"

/**
 * A new model, from any of three forms: model_config with model_path or with
 * api_url, the same members beside the name, or the name of a provider.
 * @price  where ret->price points if prices are given
 * Errors: ERR_BAD_JSON; ERR_BAD_PARAM with the parameter's name.
 * Memory: a; ret->api_key is to be wiped.
 */
enum err model_read_new(struct str text, struct arena *a, struct model_new *ret,
    struct price *price, struct error *e) ATTR_MUST_CHECK;

/** A PATCH's body, checked for members that it must not have. */
enum err model_read_patch(struct str body, struct arena *a,
    const struct json **ret, struct error *e) ATTR_MUST_CHECK;

/** Of a PATCH: upstream_name, and api_url, which null takes away. provider
 * is the caller's, and can't be null. */
enum err model_read_place(const struct json *body, struct deployment *d,
    struct error *e) ATTR_MUST_CHECK;
/** Settings that the body has; null sets one back. Memory: a. */
enum err model_read_settings(struct arena *a, const struct json *body,
    struct model *m, struct error *e) ATTR_MUST_CHECK;

#endif
