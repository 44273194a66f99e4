/* SPDX-License-Identifier: MIT */
/* What commands use: database, secrets, the host's map, the audit log. */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/admin_priv.h"
#include "domain/host.h"
#include "domain/hostmap.h"
#include "domain/key.h"

struct arena *
admin_arena(struct admin *ad)
{
	return &ad->arena;
}

const struct conf *
admin_conf(const struct admin *ad)
{
	return ad->conf;
}

bool
admin_is_json(const struct admin *ad)
{
	return ad->is_json;
}

void
admin_db_options(const struct admin *ad, struct db_options *ret)
{
	db_options_of(ad->conf, ret);
}

enum err
admin_db(struct admin *ad, struct db **ret, struct error *e)
{
	struct db_options opt;

	if (!ad->db) {
		admin_db_options(ad, &opt);
		ad->db = db_new(&opt);
		if (!ad->db)
			return error_set(e, ERR_NO_MEMORY, "no memory");
	}
	*ret = ad->db;
	return db_connect(ad->db, e);
}

enum err
admin_keys(struct admin *ad, const struct crypto_keys **ret, struct error *e)
{
	enum err err = OK;

	if (!ad->keys.pepper)
		err = crypto_keys_load(ad->conf, &ad->keys, e);
	*ret = &ad->keys;
	return err;
}

/* Commands work without it: the workers' pollers find out by themselves. */
struct hostmap *
admin_map(struct admin *ad)
{
	struct error why;

	if (!ad->is_map_tried &&
	    hostmap_open(conf_text(ad->conf, CONF_STATE_DIR), false, &ad->map,
		&why))
		ad->map = NULL;
	ad->is_map_tried = true;
	return ad->map;
}

enum err
admin_key_ops(struct admin *ad, struct key_ops *ret, struct error *e)
{
	const struct crypto_keys *keys;
	enum err err = admin_keys(ad, &keys, e);

	*ret = (struct key_ops){
		.map = admin_map(ad),
		.pepper = keys->pepper,
		.pepper_id = keys->pepper_id,
	};
	return err ? err : admin_db(ad, &ret->db, e);
}

void
admin_catalogue_changed(struct admin *ad)
{
	if (admin_map(ad))
		hostmap_slot_bump(ad->map, GENERATION_CATALOGUE);
}

/* {"account":"ada","host":"web1"}: who ran the command and where, as the system
 * knows them. */
struct str
admin_account(struct admin *ad)
{
	struct passwd pw, *found = NULL;
	char text[1024];
	struct buf b;
	struct str ret = { NULL, 0 };
	char host[HOST_NAME_BYTES];
	struct error why;

	host_name(host);
	buf_init(&b, &ad->arena, KIB(2));
	buf_add(&b, S("{\"account\":"));
	if (getpwuid_r(getuid(), &pw, text, sizeof(text), &found) == 0 && found)
		buf_json_string(&b, str_from(pw.pw_name));
	else
		buf_addf(&b, "\"%u\"", (unsigned)getuid());
	buf_add(&b, S(",\"host\":"));
	buf_json_string(&b, str_from(host));
	buf_add_char(&b, '}');
	if (buf_finish(&b, &ret, &why))
		return (struct str){ NULL, 0 };
	return ret;
}

static struct audit
line(struct admin *ad, const char *action, const char *object,
    uint64_t object_id)
{
	return (struct audit){
		.actor = AUDIT_COMMAND,
		.action = str_from(action),
		.object = str_from(object),
		.object_id = object_id,
		.is_success = true,
		.detail = admin_account(ad),
	};
}

enum err
admin_audit_ahead(struct admin *ad, const char *action, const char *object,
    uint64_t object_id, struct str what, struct error *e)
{
	struct audit a = line(ad, action, object, object_id);
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	a.detail = store_audit_detail(&a, what, admin_arena(ad));
	return err ? err : store_audit_insert(db, &a, e);
}

enum err
admin_audit(struct admin *ad, const char *action, const char *object,
    uint64_t object_id, uint64_t customer_id, struct error *e)
{
	struct audit a = line(ad, action, object, object_id);
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	a.customer_id = customer_id;
	if (!err)
		err = store_audit_insert(db, &a, e);
	return err ? error_prefix(e, "done, but not in the audit log") : OK;
}

void
admin_context_fini(struct admin *ad)
{
	db_free(ad->db);
	hostmap_close(ad->map);
	crypto_keys_free(&ad->keys);
	conf_free(ad->conf);
	arena_wipe(&ad->secrets);
	arena_fini(&ad->secrets);
	arena_wipe(&ad->arena); /* new keys and passwords were printed */
	arena_fini(&ad->arena);
}
