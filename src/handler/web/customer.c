/* SPDX-License-Identifier: MIT */
/* The operator's pages of customers. */
#include "domain/customer.h"

#include "base/cidr.h"
#include "handler/web/admin_list.h"
#include "handler/web/budget_fields.h"
#include "handler/web/limit_fields.h"
#include "handler/web/manage.h"
#include "handler/web/view.h"
#include "handler/web/web.h"

static const char *const state_options[] = { "active|active",
	"suspended|suspended: its keys are refused", NULL };
static const char *const billing_options[] = {
	"postpaid|postpaid: usage is billed",
	"prepaid|prepaid: usage is spent "
	"from a balance",
	NULL
};

/* clang-format off */
static const struct form_field fields[] = {
	{ .name = "name", .label = "Name", .control = FORM_TEXT, .flags = FORM_NEEDED },
	{ .name = "email", .label = "E-mail address", .control = FORM_EMAIL, .flags = FORM_NEEDED | FORM_NEW,
	  .hint = "Of its owner, who is made with it." },
	{ .name = "company", .label = "Company", .control = FORM_TEXT, .flags = FORM_NULL },
	{ .name = "state", .label = "State", .control = FORM_SELECT, .flags = FORM_EDIT, .options = state_options },
	{ .name = "billing", .label = "Billing", .control = FORM_SELECT, .options = billing_options, .legend = "Money" },
	{ .name = "markup", .label = "Markup", .control = FORM_NUMBER, .flags = FORM_EDIT,
	  .hint = "Its prices are the models' prices times this: 1 is none, 1.2 is 20 per cent." },
	{ .name = "low_balance_usd", .label = "Low balance, in USD", .control = FORM_NUMBER, .flags = FORM_EDIT,
	  .hint = "Below it a prepaid balance is told of. 0: never." },
	{ .name = "webhook_url", .label = "Webhook", .control = FORM_TEXT, .flags = FORM_EDIT | FORM_NULL, .legend = "Notices",
	  .hint = "An https address that notices are sent to, signed." },
	BUDGET_FIELDS,
	LIMIT_FIELDS("key_model", "Limits of each key, each model apart"),
	LIMIT_FIELDS("key", "Limits of each key, all models together"),
	LIMIT_FIELDS("customer", "Limits of its keys together"),
	LIMIT_FIELDS("model", "Limits of all users of a model together, as its keys meet them"),
	LIMIT_FIELDS("address", "Limits of one client address"),
	LIMIT_FIELDS_MORE("0: no limit. Empty: as the service's default says."),
};
/* clang-format on */
_Static_assert(ARRAY_LEN(fields) <= FORM_FIELD_MAX, "fields of a customer");

static void
defaults(void *row)
{
	struct customer_row *c = row;

	c->c.markup_ppm = MARKUP_NONE_PPM;
	c->c.low_balance_ppm = CUSTOMER_LOW_BALANCE_PPM;
	c->c.is_active = true;
}

/* Networks that webhooks may point to. */
static enum err
extra(struct app *app, const struct request *rq, struct manager *m,
    struct error *e)
{
	struct cidr_list *networks = arena_new(rq->arena, struct cidr_list);

	if (!networks)
		return error_arena(e, rq->arena);
	m->extra = networks;
	return cidr_list_parse(rq->arena,
	    str_from(conf_text(app->conf, CONF_WEBHOOKS_NETWORKS)), networks,
	    e);
}

static const struct web_thing customer = {
	.resource = &customer_resource,
	.path = "customers",
	.list_path = "customers",
	.list_name = "Customers",
	.new_title = "New customer",
	.fields = fields,
	.n_fields = ARRAY_LEN(fields),
	.made = "customer_made",
	.saved = "customer_saved",
	.ended = "customer_ended",
	.end_verb = "close",
	.end_name = "Close this customer",
	.end_text = "Its keys and members stop working for good. Its usage and "
		    "its ledger stay, and can be exported. This can't be "
		    "undone.",
	.extra = extra,
	.defaults = defaults,
};

WEB_THING_HANDLERS(customer, &customer)

static enum err
rows(struct app *app, const struct manager *m, const struct admin_list_ask *ask,
    struct tval *list, uint64_t *ret_last, struct error *e)
{
	struct customer *c;
	size_t n;
	enum err err;

	(void)app;
	if (!list)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	err = store_customer_list(m->db, ask->find, ask->after,
	    ADMIN_LIST_MAX + 1, list->a, &c, &n, e);
	for (size_t i = 0; !err && i < n && i < ADMIN_LIST_MAX; i++) {
		enum customer_state state = customer_state(&c[i]);
		struct tval *cells = admin_list_row(list, c[i].customer_id,
		    c[i].name, view_customer_state_text(state),
		    state == CUSTOMER_ACTIVE);

		admin_list_text(cells, c[i].email);
		admin_list_text(cells,
		    str_from(customer_billing_names[c[i].billing]));
		admin_list_day(cells, c[i].created_at_ms);
	}
	if (!err && n > ADMIN_LIST_MAX)
		*ret_last = c[ADMIN_LIST_MAX - 1].customer_id;
	return err;
}

static const char *const heads[] = { "E-mail address", "Billing", "Since" };
static const struct admin_list customers = { "Customers",
	"Who pays. Each has members, projects and keys of its own.",
	"New customer", "new", "customers", heads, ARRAY_LEN(heads), rows,
	WEB_FIND_CUSTOMER,
	"There is no customer yet. One comes before members, keys and usage.",
	NULL, NULL };

enum err
web_customer_list(struct app *app, const struct request *rq,
    struct response *rs, struct error *e)
{
	return web_admin_list(app, rq, rs, &customers, e);
}
