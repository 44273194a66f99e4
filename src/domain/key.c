/* SPDX-License-Identifier: MIT */
#include "domain/key.h"

#include "base/secret.h"
#include "store/operator_key.h"

/* The public ids of two keys may meet by chance: 62^10 of them. */
#define DRAWS_MAX 3

static struct str
public_id_of(const char text[KEY_TEXT_BYTES])
{
	enum key_kind kind;
	struct str public_id = { NULL, 0 };

	ASSERT(key_text_parse(str_from(text), &kind, &public_id));
	return public_id;
}

void
key_draw(const struct key_ops *ops, struct str wanted_public_id,
    char ret_text[KEY_TEXT_BYTES], struct str *ret_public_id,
    uint8_t ret_digest[KEY_DIGEST_BYTES])
{
	key_text_generate_as(KEY_CUSTOMER, wanted_public_id, ret_text);
	key_text_digest(ops->pepper, str_from(ret_text), ret_digest);
	*ret_public_id = public_id_of(ret_text);
}

enum err
key_create(const struct key_ops *ops, struct key_new *k,
    char ret_text[KEY_TEXT_BYTES], uint64_t *ret_api_key_id, struct error *e)
{
	int draws_max = k->wanted_public_id.p ? 1 : DRAWS_MAX;
	enum err err = ERR_CONFLICT;

	for (int i = 0; i < draws_max && err == ERR_CONFLICT; i++) {
		key_draw(ops, k->wanted_public_id, ret_text, &k->public_id,
		    k->digest);
		k->pepper_id = ops->pepper_id;
		err = store_key_insert(ops->db, k, ret_api_key_id, e);
	}
	if (err)
		secret_wipe(ret_text, KEY_TEXT_BYTES);
	return err;
}

enum err
key_create_operator(const struct key_ops *ops, struct str name,
    int64_t expires_at_ms, char ret_text[KEY_TEXT_BYTES],
    uint64_t *ret_operator_key_id, struct error *e)
{
	struct operator_key_new k = {
		.name = name,
		.pepper_id = ops->pepper_id,
		.expires_at_ms = expires_at_ms,
	};
	enum err err = ERR_CONFLICT;

	for (int i = 0; i < DRAWS_MAX && err == ERR_CONFLICT; i++) {
		key_text_generate(KEY_OPERATOR, ret_text);
		key_text_digest(ops->pepper, str_from(ret_text), k.digest);
		k.public_id = public_id_of(ret_text);
		err = store_operator_key_insert(ops->db, &k,
		    ret_operator_key_id, e);
	}
	if (err)
		secret_wipe(ret_text, KEY_TEXT_BYTES);
	return err;
}
