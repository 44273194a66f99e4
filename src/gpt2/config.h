/* SPDX-License-Identifier: MIT */
/* What a checkpoint's config.json says, and whether we can serve that. */
#ifndef TG_GPT2_CONFIG_H
#define TG_GPT2_CONFIG_H

#include "base/err.h"
#include "base/str.h"
#include "gpt2/model.h"

#define GPT2_CONFIG_BYTES_MAX KIB(64) /* of config.json */

/**
 * Read config.json. Absent members have transformers' defaults, which are
 * GPT-2 small's. Other architectures, and variants of GPT-2 that compute
 * something else, are refused with the member that says so.
 * Errors: ERR_CONFIG.
 */
enum err gpt2_config_parse(struct str json, struct gpt2_config *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
