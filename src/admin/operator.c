/* SPDX-License-Identifier: MIT */
/* tollgate operator add, list, revoke: keys tga_… */
#include "domain/operator_key.h"

#include "admin/key_read.h"

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
	struct operator_key row = { .name = admin_opt(ad, "name") };
	char text[KEY_TEXT_BYTES] = "";
	struct key_manager km = { .text = text };
	struct manager m;
	enum err err = admin_opt_time(ad, "expires", &row.expires_at_ms, e);

	if (!err)
		err = key_manager_of(ad, &km, &m, e);
	if (!err)
		err = resource_create(&operator_key_resource, &m,
		    admin_arena(ad), &row, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", row.operator_key_id);
	admin_str(ad, "name", row.name);
	admin_str(ad, "key", str_from(text));
	admin_time(ad, "expires_at", row.expires_at_ms);
	admin_note(ad, "\nThe key is shown this once: keep it now.");
	secret_wipe(text, sizeof(text));
	return OK;
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
	struct key_manager km = { 0 };
	struct operator_key row;
	struct manager m;
	uint64_t id;
	enum err err;

	if (!str_to_u64(admin_arg(ad, 0), 1, UINT32_MAX, &id))
		return admin_usage(e, "ID must be a number");
	err = key_manager_of(ad, &km, &m, e);
	if (!err)
		err = resource_archive(&operator_key_resource, &m, id,
		    admin_arena(ad), &row, e);
	if (err)
		return err;
	admin_rec(ad);
	admin_u64(ad, "id", id);
	admin_bool(ad, "is_active", false);
	return OK;
}
