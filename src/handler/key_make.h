/* SPDX-License-Identifier: MIT */
/*
 * A new key, as the API's body asks for it: the same for POST /api/keys and
 * for the form of a page, which is that body in other clothes.
 */
#ifndef TG_HANDLER_KEY_MAKE_H
#define TG_HANDLER_KEY_MAKE_H

#include "domain/key_manage.h"
#include "handler/manager.h"
#include "store/customer.h"

struct key_make {
	struct key_new key;
	struct str customer_email; /* p == NULL: key.customer_id is given */
	struct str tier_name;
	struct customer customer;
	struct limit_set in_force; /* once it is made */
	struct budget_member budget;
};

/**
 * Read the body, and check that whoever asks may grant that.
 * @now_ms  an expiry must be later
 * Errors: ERR_BAD_REQUEST; ERR_BAD_PARAM and ERR_FORBIDDEN naming the member.
 * Memory: texts in a, or in body.
 */
enum err key_make_read(struct app *app, struct arena *a, struct str body,
    int64_t now_ms, struct key_make *ret, struct error *e) ATTR_MUST_CHECK;
/**
 * Make it, with its line in the audit log.
 * @m         from manager_begin(); its extra is used meanwhile
 * @ret_text  the key, shown once and kept nowhere; wipe it after use, also
 *            when this failed
 * Errors: ERR_NOT_FOUND no such customer; ERR_BAD_PARAM a reference;
 *         ERR_CONFLICT the customer takes no keys.
 */
enum err key_make(struct app *app, struct manager *m, struct arena *a,
    struct key_make *k, char ret_text[KEY_TEXT_BYTES], uint64_t *ret_id,
    struct error *e) ATTR_MUST_CHECK;

#endif
