/* SPDX-License-Identifier: MIT */
/* Between the files of keys only: how their rows are read. */
#ifndef TG_STORE_KEY_PRIV_H
#define TG_STORE_KEY_PRIV_H

#include "store/key.h"

extern const struct db_map store_key_map; /* struct key */
/* Rows of one number, read as an array of uint64_t. */
extern const struct db_map store_key_id_map;

/* clang-format off */
#define KEY_LAYER_FIELDS(S) \
	DB_FIELD(S, layers[KEY_LIMITS_OWN], LIMITS), \
	DB_FIELD(S, layers[KEY_LIMITS_TIER], LIMITS), \
	DB_FIELD(S, layers[KEY_LIMITS_USER_TIER], LIMITS), \
	DB_FIELD(S, layers[KEY_LIMITS_ROLE_TIER], LIMITS), \
	DB_FIELD(S, layers[KEY_LIMITS_CUSTOMER], LIMITS)
/* clang-format on */

/** Parameters of a statement for some keys. It has a fixed number of them: the
 * last is repeated. @n  1..KEY_SOME_MAX */
void store_key_some(const uint64_t *ids, size_t n,
    struct db_val in[KEY_SOME_MAX]);

#endif
