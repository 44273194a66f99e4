/* SPDX-License-Identifier: MIT */
/* Operators' keys tga_…, as they are managed. */
#ifndef TG_DOMAIN_OPERATOR_KEY_H
#define TG_DOMAIN_OPERATOR_KEY_H

#include "domain/resource.h"
#include "store/operator_key.h"

/* Rows: struct operator_key. Made and revoked, never changed; extra is a
 * struct key_manager. */
extern const struct resource operator_key_resource;

#endif
