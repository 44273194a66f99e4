/* SPDX-License-Identifier: MIT */
/* What the API and the pages of keys read alike. */
#ifndef TG_HANDLER_KEY_READ_H
#define TG_HANDLER_KEY_READ_H

#include "domain/key_manage.h"
#include "ext/json.h"

struct app;
struct catalogue;

/**
 * Member allowed_models: numbers or names; each is kept once, sorted. Without
 * it, or with null, all_models is set.
 * Errors: ERR_BAD_PARAM. Memory: the list is in a.
 */
enum err key_read_models(struct arena *a, const struct catalogue *c,
    const struct json *body, struct key_row *k,
    struct error *e) ATTR_MUST_CHECK;
/** A model by its name, or by its number in digits. */
enum err key_read_model_text(const struct catalogue *c, struct str text,
    const char *param, uint64_t *ret, struct error *e) ATTR_MUST_CHECK;
/** "tg_" and what follows of the public id, or that alone.
 * Errors: ERR_BAD_PARAM "prefix". */
enum err key_read_prefix(struct str text, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;

/** Limits that hold where nobody states them. */
struct limit_set default_limits(const struct app *app);
/** What this process changes keys with; db is set later. */
struct key_manager key_manager_of(const struct app *app);

#endif
