/* SPDX-License-Identifier: MIT */
/* The operator's pages of tiers. */
#include "domain/tier.h"

#include "handler/web/admin_list.h"
#include "handler/web/limit_fields.h"
#include "handler/web/limit_view.h"
#include "handler/web/manage.h"
#include "handler/web/web.h"

static const char *const role_options[] = { "operator|operators",
	"owner|owners", "billing|billing", "developer|developers",
	"viewer|viewers", NULL };

/* clang-format off */
static const struct form_field fields[] = {
	{ .name = "name", .label = "Name", .control = FORM_TEXT, .flags = FORM_NEEDED | FORM_NEW,
	  .hint = "It cannot be changed later." },
	{ .name = "roles", .label = "It holds for members who are", .control = FORM_CHECKS, .options = role_options,
	  .hint = "Unless their key, or they themselves, have another tier. A role has one tier." },
	LIMIT_FIELDS("key_model", "Limits of each key, each model apart"),
	LIMIT_FIELDS("key", "Limits of each key, all models together"),
	LIMIT_FIELDS("customer", "Limits of a customer's keys together"),
	LIMIT_FIELDS("model", "Limits of all users of a model together"),
	LIMIT_FIELDS("address", "Limits of one client address"),
	LIMIT_FIELDS_MORE("0: no limit. Empty: the tier says nothing of it."),
};
/* clang-format on */
_Static_assert(ARRAY_LEN(fields) <= FORM_FIELD_MAX, "fields of a tier");

static const struct web_thing tier = {
	.resource = &tier_resource,
	.path = "tiers",
	.list_path = "tiers",
	.list_name = "Tiers",
	.new_title = "New tier",
	.intro = "A tier is a set of limits that keys, members and roles refer "
		 "to. What it leaves empty, the customer or the service says.",
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
	.made = "tier_made",
	.saved = "tier_saved",
	.ended = "tier_ended",
	.end_verb = "archive",
	.end_name = "Archive this tier",
	.end_text = "No key or member gets it from then on; those that have it "
		    "keep it.",
};

WEB_THING_HANDLERS(tier, &tier)

/* Its limits in words, a few. */
static struct str
limits_text(struct arena *a, const struct limit_set *limits)
{
	struct tval *list = tval_list(a);
	struct buf b;

	buf_init(&b, a, KIB(4));
	web_limits_push(list, limits);
	for (struct tval_item *i = list ? list->first : NULL; i; i = i->next) {
		if (b.n)
			buf_add(&b, S("; "));
		buf_add(&b, i->value->text);
	}
	return b.n ? buf_str(&b) : S("none");
}

static struct str
roles_text(struct arena *a, uint64_t roles)
{
	struct buf b;

	buf_init(&b, a, KIB(1));
	for (unsigned r = 0; r < USER__N; r++)
		if (roles & UINT64_C(1) << r)
			buf_addf(&b, "%s%s", b.n ? ", " : "",
			    user_role_names[r]);
	return buf_str(&b);
}

static enum err
rows(struct app *app, const struct manager *m, const struct admin_list_ask *ask,
    struct tval *list, uint64_t *ret_last, struct error *e)
{
	struct tier *t;
	size_t n;
	enum err err;

	(void)app;
	if (!list)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	err = store_tier_page(m->db, (struct str){ NULL, 0 }, false, ask->after,
	    ADMIN_LIST_MAX + 1, list->a, &t, &n, e);
	for (size_t i = 0; !err && i < n && i < ADMIN_LIST_MAX; i++) {
		struct tval *cells = admin_list_row(list, t[i].tier_id,
		    t[i].name, S("In use"), true);

		admin_list_text(cells, limits_text(list->a, &t[i].limits));
		admin_list_text(cells, roles_text(list->a, t[i].roles));
	}
	if (!err && n > ADMIN_LIST_MAX)
		*ret_last = t[ADMIN_LIST_MAX - 1].tier_id;
	return err;
}

static const char *const heads[] = { "Limits", "Roles" };
static const struct admin_list tiers = { "Tiers",
	"Sets of limits that keys, members and roles refer to.", "New tier",
	"new", "tiers", heads, ARRAY_LEN(heads), rows, NULL,
	"There is no tier yet. None is needed: keys and customers can have "
	"limits of their own. A tier says some once for many.",
	NULL, NULL };

enum err
web_tier_list(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	return web_admin_list(app, rq, rs, &tiers, e);
}
