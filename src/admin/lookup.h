/* SPDX-License-Identifier: MIT */
/* Things that an operator names by number or by name. Each: ERR_NOT_FOUND
 * with words that say what was looked for. Memory: in the arena of ad. */
#ifndef TG_ADMIN_LOOKUP_H
#define TG_ADMIN_LOOKUP_H

#include "admin/admin.h"
#include "store/customer.h"
#include "store/key.h"
#include "store/model.h"
#include "store/provider.h"
#include "store/user.h"

enum err lookup_customer(struct admin *ad, struct str id_or_email,
    struct customer *ret, struct error *e) ATTR_MUST_CHECK;
enum err lookup_key(struct admin *ad, struct str id_or_public_id,
    struct key *ret, struct error *e) ATTR_MUST_CHECK;
enum err lookup_model(struct admin *ad, struct str name_or_id,
    struct model *ret, struct error *e) ATTR_MUST_CHECK;
enum err lookup_provider(struct admin *ad, struct str name,
    struct provider *ret, struct error *e) ATTR_MUST_CHECK;
enum err lookup_user(struct admin *ad, struct str email, struct user *ret,
    struct error *e) ATTR_MUST_CHECK;
/** tier_id of a named tier. */
enum err lookup_tier(struct admin *ad, struct str name, uint64_t *ret_tier_id,
    struct error *e) ATTR_MUST_CHECK;

#endif
