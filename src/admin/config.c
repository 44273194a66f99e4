/* SPDX-License-Identifier: MIT */
/* tollgate config */
#include <stdio.h>

#include "admin/admin_priv.h"
#include "base/hex.h"
#include "base/json_out.h"

#define TEXT_MAX_BYTES KIB(256)

const struct admin_option admin_config_options[] = {
	{ "new-secrets", NULL,
	    "Print lines with new values for auth.pepper and seal.key.",
	    false },
	ADMIN_OPTIONS_END,
};

static void
secret_line(struct buf *b, const char *name)
{
	uint8_t bytes[32];
	char hex[2 * sizeof(bytes) + 1];

	crypto_random(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), hex);
	buf_addf(b, "%s=%s\n", name, hex);
	secret_wipe(bytes, sizeof(bytes));
	secret_wipe(hex, sizeof(hex));
}

/* As it can be appended to the file, so no JSON. */
static void
new_secrets(struct buf *b)
{
	buf_add(b, S("# Without these, no key can be checked and no provider's "
		     "credential read.\n# Keep them as long as the database, "
		     "and apart from it.\n"));
	secret_line(b, "TOLLGATE_AUTH_PEPPER");
	secret_line(b, "TOLLGATE_SEAL_KEY");
}

static const char *
kind_name(enum conf_kind kind)
{
	switch (kind) {
	case CONF_KIND_U64:
		return "number";
	case CONF_KIND_BOOL:
		return "on or off";
	case CONF_KIND_TEXT:
		return "text";
	case CONF_KIND_PATH:
		return "path";
	case CONF_KIND_LIST:
		return "list";
	case CONF_KIND_ENUM:
		return "choice";
	}
	return "";
}

static struct str
value_text(const struct conf *c, enum conf_id id, struct arena *a)
{
	const struct conf_row *row = &conf_rows()[id];
	struct str rest = str_from(row->unit), choice = { NULL, 0 };

	if (row->is_secret)
		return conf_is_set(c, id) ? S("***") : S("");
	switch (row->kind) {
	case CONF_KIND_U64:
		return arena_printf(a, "%llu",
		    (unsigned long long)conf_u64(c, id));
	case CONF_KIND_BOOL:
		return conf_bool(c, id) ? S("on") : S("off");
	case CONF_KIND_ENUM:
		for (unsigned i = 0; i <= conf_enum(c, id); i++)
			if (!str_split(&rest, '|', &choice))
				break;
		return choice;
	case CONF_KIND_TEXT:
	case CONF_KIND_PATH:
	case CONF_KIND_LIST:
		break;
	}
	return str_from(conf_text(c, id));
}

static void
setting(struct admin *ad, enum conf_id id)
{
	const struct conf_row *row = &conf_rows()[id];
	char env[CONF_ENV_NAME_BYTES];
	bool is_number = row->kind == CONF_KIND_U64;

	conf_env_name(row, env);
	admin_rec(ad);
	admin_str(ad, "name", str_from(row->name));
	admin_str(ad, "variable", str_from(env));
	admin_str(ad, "kind", str_from(kind_name(row->kind)));
	admin_str(ad, "unit", str_from(row->unit));
	admin_count(ad, "min", is_number ? (int64_t)row->min : -1);
	admin_count(ad, "max", is_number ? (int64_t)row->max : -1);
	admin_str(ad, "default", str_from(row->default_text));
	admin_str(ad, "value", value_text(ad->conf, id, &ad->arena));
	admin_bool(ad, "is_set", conf_is_set(ad->conf, id));
	admin_bool(ad, "reloadable", row->is_reloadable);
	admin_bool(ad, "secret", row->is_secret);
	admin_str(ad, "doc", str_from(row->doc));
}

enum err
admin_config(struct admin *ad, struct error *e)
{
	struct str text;
	struct buf b;
	enum err err;

	if (ad->is_json && !admin_has(ad, "new-secrets")) {
		admin_list(ad);
		for (unsigned id = 0; id < CONF__MAX; id++)
			setting(ad, (enum conf_id)id);
		return OK;
	}
	buf_init(&b, &ad->arena, TEXT_MAX_BYTES);
	if (admin_has(ad, "new-secrets"))
		new_secrets(&b);
	else
		conf_print(ad->conf, &b);
	err = buf_finish(&b, &text, e);
	if (!err)
		admin_raw(ad, text);
	return err;
}
