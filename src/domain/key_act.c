/* SPDX-License-Identifier: MIT */
/* What is done to one key that is there: a new secret, on and off. */
#include "domain/key_manage_priv.h"

struct rotation {
	uint64_t grace_s;
	char *text;
};

static enum err
rotate(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct key_manager *km = m->extra;
	const struct rotation *rot = arg;
	const struct key_row *k = row;
	struct key_rotation change = {
		.api_key_id = k->k.api_key_id,
		.customer_id = k->k.customer_id,
		.grace_s = rot->grace_s,
		.pepper_id = km->ops.pepper_id,
	};
	enum key_state state = key_state(&k->k, m->now_ms);
	enum err err;

	(void)r;
	if (state == KEY_REVOKED || state == KEY_EXPIRED)
		return error_public(e, ERR_CONFLICT, NULL,
		    "That key is revoked or expired.");
	err = key_cover_change(m, a, k, k, e);
	if (err)
		return err;
	key_draw(&km->ops, (struct str){ NULL, 0 }, rot->text,
	    &change.public_id, change.digest);
	return store_key_rotate(m->db, &change, e);
}

enum err
key_rotate(const struct manager *m, uint64_t api_key_id, uint64_t grace_s,
    char ret_text[KEY_TEXT_BYTES], struct arena *a, struct key_row *ret,
    struct error *e)
{
	static const struct resource_act act = { "rotate", rotate, false };
	struct rotation arg = { grace_s, ret_text };

	return resource_act(&key_resource, m, api_key_id, &act, &arg, a, ret,
	    e);
}

static enum err
flip(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, void *arg, struct error *e)
{
	const struct key_row *k = row;
	const int *want = arg;
	bool turns_on = *want < 0 ? !k->k.is_active : *want;
	bool is_active;
	enum err err = turns_on ? key_cover_change(m, a, k, k, e) : OK;

	(void)r;
	if (err)
		return err;
	err = store_key_toggle(m->db, m->tenant, k->k.api_key_id, *want,
	    &is_active, e);
	return err == ERR_CONFLICT ? error_public(e, err, NULL,
					 "That key is revoked or expired.")
				   : err;
}

enum err
key_switch(const struct manager *m, uint64_t api_key_id, int want,
    struct arena *a, struct key_row *ret, struct error *e)
{
	static const struct resource_act act = { "toggle", flip, false };

	return resource_act(&key_resource, m, api_key_id, &act, &want, a, ret,
	    e);
}
