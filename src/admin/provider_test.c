/* SPDX-License-Identifier: MIT */
/* tollgate provider test */
#include "domain/provider_test.h"

#include "admin/admin.h"
#include "admin/lookup.h"
#include "base/clock.h"
#include "domain/price.h"
#include "domain/resource.h"
#include "ext/crypto.h"
#include "ext/httpc.h"

#define US_PER_MS 1000

const struct admin_option admin_provider_test_options[] = {
	{ "model", "NAME|ID", "Model that is asked; it is served there.",
	    true },
	ADMIN_OPTIONS_END,
};

/* What is asked, as the database has it. */
struct question {
	struct provider provider;
	struct model model;
	struct deployment deployment;
	const struct price *price;
};

static enum err
load(struct admin *ad, struct db *db, struct question *q, struct error *e)
{
	struct price *prices = NULL;
	size_t n = 0;
	enum err err = lookup_provider(ad, admin_arg(ad, 0), &q->provider, e);

	if (!err)
		err = lookup_model(ad, admin_opt(ad, "model"), &q->model, e);
	if (!err)
		err = store_deployment_first(db, q->model.model_id, false,
		    admin_arena(ad), &q->deployment, e);
	if (err == ERR_NOT_FOUND ||
	    (!err && q->deployment.provider_id != q->provider.provider_id))
		return error_set(e, ERR_NOT_FOUND,
		    "%" PRI_STR " does not serve %" PRI_STR,
		    STR_ARG(q->provider.name), STR_ARG(q->model.name));
	if (!err)
		err = store_price_list(db, q->model.model_id, admin_arena(ad),
		    &prices, &n, e);
	if (!err)
		q->price = price_at(prices, n, clock_now_ms());
	return err;
}

static void
result_rec(struct admin *ad, const struct provider_test *t)
{
	static const struct str none = { NULL, 0 };

	admin_rec(ad);
	admin_bool(ad, "is_good", t->is_good);
	admin_str(ad, "failure",
	    t->why ? str_from(err_info(t->why)->name) : none);
	admin_count(ad, "status", t->status ? t->status : -1);
	admin_str(ad, "error_code", t->error_code.n ? t->error_code : none);
	admin_count(ad, "first_byte_ms",
	    t->first_byte_us ? t->first_byte_us / US_PER_MS : -1);
	admin_count(ad, "total_ms", t->total_us ? t->total_us / US_PER_MS : -1);
	admin_str(ad, "words", t->words.n ? t->words : none);
	admin_count(ad, "tokens_in", t->has_usage ? (int64_t)t->in_tok : -1);
	admin_count(ad, "tokens_out", t->has_usage ? (int64_t)t->out_tok : -1);
	if (t->has_cost)
		admin_usd(ad, "cost", t->cost_pusd);
	else
		admin_number(ad, "cost", NULL);
	if (!t->is_good)
		admin_fail(ad);
}

static enum err
ask(struct admin *ad, const struct provider_test_ask *ask,
    struct provider_test *ret, struct error *e)
{
	const struct conf *conf = admin_conf(ad);
	const struct httpc_pool_conf params = {
		.ca_file = conf_text(conf, CONF_UPSTREAM_CA),
		.user_agent = PACKAGE_NAME "/" PACKAGE_VERSION,
	};
	const struct crypto_keys *keys;
	struct httpc_pool *http = NULL;
	enum err err = admin_keys(ad, &keys, e);

	if (!err)
		err = httpc_global_init(e);
	if (err)
		return err;
	err = httpc_pool_new(&params, &http, e);
	if (!err)
		err = provider_test_run(ask, keys->seal, conf, http,
		    admin_arena(ad), ret, e);
	if (http)
		httpc_pool_free(http);
	httpc_global_fini();
	return err;
}

enum err
admin_provider_test(struct admin *ad, struct error *e)
{
	struct question q = { 0 };
	struct provider_test_ask what = { &q.provider, &q.model, &q.deployment,
		NULL };
	struct provider_test t;
	struct manager by;
	enum err err = admin_manager(ad, &by, e);

	if (!err)
		err = load(ad, by.db, &q, e);
	if (err)
		return err;
	what.price = q.price;
	err = ask(ad, &what, &t, e);
	if (err)
		return err;
	result_rec(ad, &t);
	return provider_test_audit(by.db, &by.audit, &what, &t, admin_arena(ad),
	    e);
}
