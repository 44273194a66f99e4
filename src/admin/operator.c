/* SPDX-License-Identifier: MIT */
/* tollgate operator add, list, revoke: keys tga_… */
#include "admin/admin.h"
#include "domain/key.h"
#include "store/operator_key.h"

const struct admin_option admin_operator_add_options[] = {
	{ "name", "NAME", "Whose key it is.", true },
	{ "expires", "TIME", "When it ends (never).", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_operator_list_options[] = {
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_operator_revoke_options[] = {
	ADMIN_OPTIONS_END,
};

enum err
admin_operator_add(struct admin *ad, struct error *e)
{
	char text[KEY_TEXT_BYTES];
	struct key_ops ops;
	int64_t expires_at_ms = 0;
	uint64_t id;
	enum err err = admin_opt_time(ad, "expires", &expires_at_ms, e);

	if (!err)
		err = admin_key_ops(ad, &ops, e);
	if (!err)
		err = key_create_operator(&ops, admin_opt(ad, "name"),
		    expires_at_ms, text, &id, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", id);
	admin_str(ad, "name", admin_opt(ad, "name"));
	admin_str(ad, "key", str_from(text));
	admin_time(ad, "expires_at", expires_at_ms);
	admin_note(ad, "\nThe key is shown this once: keep it now.");
	secret_wipe(text, sizeof(text));
	return admin_audit(ad, "operator.add", "operator_key", id, 0, e);
}

enum err
admin_operator_list(struct admin *ad, struct error *e)
{
	struct operator_key *keys = NULL;
	struct db *db;
	size_t n = 0;
	enum err err = admin_db(ad, &db, e);

	if (!err)
		err = store_operator_key_list(db, admin_arena(ad), &keys, &n,
		    e);
	admin_list(ad);
	for (size_t i = 0; i < n && !err; i++) {
		admin_rec(ad);
		admin_u64(ad, "id", keys[i].operator_key_id);
		admin_str(ad, "name", keys[i].name);
		admin_str(ad, "public_id", keys[i].public_id);
		admin_bool(ad, "is_active",
		    keys[i].is_active && !keys[i].revoked_at_ms);
		admin_time(ad, "created_at", keys[i].created_at_ms);
		admin_time(ad, "expires_at", keys[i].expires_at_ms);
		admin_time(ad, "revoked_at", keys[i].revoked_at_ms);
		admin_time(ad, "last_used_at", keys[i].last_used_at_ms);
	}
	return err;
}

enum err
admin_operator_revoke(struct admin *ad, struct error *e)
{
	struct key_ops ops;
	uint64_t id;
	enum err err;

	if (!str_to_u64(admin_arg(ad, 0), 1, UINT32_MAX, &id))
		return admin_usage(e, "ID must be a number");
	err = admin_key_ops(ad, &ops, e);
	if (!err)
		err = key_revoke_operator(&ops, id, e);
	if (err == ERR_NOT_FOUND)
		return error_set(e, err, "no such operator's key");
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", id);
	admin_bool(ad, "is_active", false);
	return admin_audit(ad, "operator.revoke", "operator_key", id, 0, e);
}
