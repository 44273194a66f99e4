/* SPDX-License-Identifier: MIT */
/* What making and changing a model share. Within domain/model*.c. */
#ifndef TG_DOMAIN_MODEL_PRIV_H
#define TG_DOMAIN_MODEL_PRIV_H

#include "domain/model.h"

/** What stands in the audit log. @before  NULL: it was made. Memory: scratch
 * in a. */
enum err model_audit(struct db *db, const struct model_ops *ops,
    const char *action, const struct model_change *before,
    const struct model_change *now, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** The database's slot moved with the change; this moves the host's. */
void model_changed(const struct model_ops *ops);

/**
 * Bounds of texts and numbers, and whether the settings can hold together.
 * @before  NULL: it is to be made
 * @a       scratch
 * Errors: ERR_BAD_PARAM with the setting's name.
 */
enum err model_check(const struct model_change *before,
    const struct model_change *now, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** What model_check() asks of numbers and of settings together. */
enum err model_check_settings(const struct model *m,
    struct error *e) ATTR_MUST_CHECK;

/**
 * A local model's context is its checkpoint's, or less; not set: all of it.
 * @own  the checkpoint's; -1: it does not say
 * Errors: ERR_BAD_PARAM "context_length".
 */
enum err model_fit_context(struct model *m, int64_t own,
    struct error *e) ATTR_MUST_CHECK;

/** Whether a model may be served by a provider that is there. Errors:
 * ERR_BAD_PARAM "provider". */
enum err model_check_provider(const struct provider *p, uint64_t model_id,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Whether a model can be served by an address that is called as given.
 * @is_kind_given  else the address must tell what is spoken there
 * Errors: ERR_BAD_PARAM "api_url".
 */
enum err model_check_address(struct str api_url, enum provider_kind kind,
    bool is_kind_given, struct error *e) ATTR_MUST_CHECK;

#endif
