/* SPDX-License-Identifier: MIT */
/*
 * A new key, as the API's body asks for it: the same for POST /api/keys and
 * for the form of a page, which is that body in other clothes.
 */
#ifndef TG_HANDLER_KEY_MAKE_H
#define TG_HANDLER_KEY_MAKE_H

#include "domain/key_manage.h"
#include "handler/manager.h"

struct key_make {
	struct app *app;
	struct arena *a;
	struct key_row row;
	struct str customer_email; /* p == NULL: the row has its customer */
	struct limit_set in_force; /* once it is made */
};

/**
 * Read the body.
 * @m    from manager_begin(): an expiry must be later than its now_ms
 * @ret  keeps app and a
 * Errors: ERR_BAD_REQUEST; ERR_BAD_PARAM naming the member.
 * Memory: texts in a, or in body.
 */
enum err key_make_read(struct app *app, const struct manager *m,
    struct arena *a, struct str body, struct key_make *ret,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Make it, with its line in the audit log.
 * @m                 its extra is used meanwhile
 * @wanted_public_id  p == NULL: it is drawn
 * @ret_text          the key, shown once and kept nowhere; wipe it after use,
 *                    also when this failed
 * Errors: ERR_NOT_FOUND no such customer; ERR_BAD_PARAM a reference;
 *         ERR_FORBIDDEN who asks has less; ERR_CONFLICT the customer takes no
 *         keys, or the wanted id is taken.
 */
enum err key_make(struct manager *m, struct key_make *k,
    struct str wanted_public_id, char ret_text[KEY_TEXT_BYTES],
    struct error *e) ATTR_MUST_CHECK;

#endif
