/* SPDX-License-Identifier: MIT */
/* tollgate price set, list */
#include "store/price.h"

#include "admin/admin.h"
#include "admin/lookup.h"
#include "base/clock.h"
#include "domain/price.h"
#include "domain/price_list.h"
#include "domain/price_set.h"
#include "domain/resource.h"

const struct admin_option admin_price_set_options[] = {
	{ "model", "NAME|ID", "Model.", true },
	{ "input", "USD", "Per million input tokens; 0 is free.", true },
	{ "output", "USD", "Per million output tokens.", true },
	{ "cached-input", "USD", "Input from the provider's cache (input).",
	    false },
	{ "cache-write", "USD", "Input written to that cache (input).", false },
	{ "audio-input", "USD", "Audio input (input).", false },
	{ "reasoning", "USD", "Reasoning (output).", false },
	{ "audio-output", "USD", "Audio output (output).", false },
	{ "image-output", "USD", "Image output (output).", false },
	{ "request", "USD", "Per request, besides (0).", false },
	{ "long-input", "USD", "Beyond the model's long-context threshold",
	    false },
	{ "long-output", "USD", "  each class has a price of its own;", false },
	{ "long-cached-input", "USD", "  one left out is that of", false },
	{ "long-cache-write", "USD", "  long-input or long-output,", false },
	{ "long-audio-input", "USD", "  and if that is left out too,", false },
	{ "long-reasoning", "USD", "  the normal price of the class.", false },
	{ "long-audio-output", "USD", "", false },
	{ "long-image-output", "USD", "", false },
	{ "per-token", NULL, "Prices are per token, not per million.", false },
	{ "from", "TIME", "When they begin to hold (now).", false },
	{ "note", "TEXT", "Where they come from.", false },
	ADMIN_OPTIONS_END,
};
const struct admin_option admin_price_list_options[] = {
	{ "model", "NAME|ID",
	    "All that this one has had (of all models what holds and what is "
	    "to come).",
	    false },
	ADMIN_OPTIONS_END,
};

/* An option is called as the price is, with dashes. */
static struct str
price_option(struct admin *ad, const char *name)
{
	char option[32];
	size_t i = 0;

	for (; name[i] && i + 1 < sizeof(option); i++)
		option[i] = name[i] == '_' ? '-' : name[i];
	option[i] = '\0';
	return admin_opt(ad, option);
}

static enum err
read_prices(struct admin *ad, struct price *p, struct error *e)
{
	struct str texts[TOK_CONTEXT__MAX][TOK_CLASS__MAX];
	struct str request = admin_opt(ad, "request");
	enum err err;

	for (size_t i = 0; i < TOK_CONTEXT__MAX; i++)
		for (size_t c = 0; c < TOK_CLASS__MAX; c++)
			texts[i][c] = price_option(ad,
			    price_classes[c].names[i]);
	err = price_read_all(texts, admin_has(ad, "per-token"), p, e);
	if (!err && request.p)
		err = price_read(request, "request", true, &p->request_pusd, e);
	return err == ERR_BAD_PARAM ? admin_usage(e, "%s", e->public_text)
				    : err;
}

static void
amount(struct admin *ad, const char *prefix, const char *name,
    const int64_t *pusd)
{
	struct str member = arena_printf(admin_arena(ad), "%s%s", prefix, name);

	if (!member.p)
		return; /* the arena says so at the end */
	if (pusd)
		admin_usd(ad, member.p, *pusd);
	else
		admin_number(ad, member.p, NULL);
}

static void
amounts(struct admin *ad, const char *prefix, const struct price *p)
{
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (size_t c = 0; c < TOK_CLASS__MAX; c++)
			amount(ad, prefix, price_classes[c].names[x],
			    p ? &p->tok_pusd[x][c] : NULL);
	amount(ad, prefix, "request", p ? &p->request_pusd : NULL);
}

void
price_show(struct admin *ad, const struct price *p)
{
	admin_time(ad, "price_since", p ? p->effective_from_ms : 0);
	amounts(ad, "price_", p);
}

static void
price_rec(struct admin *ad, const struct price *p)
{
	admin_rec(ad);
	admin_u64(ad, "id", p->price_version_id);
	admin_u64(ad, "model_id", p->model_id);
	admin_time(ad, "effective_from", p->effective_from_ms);
	amounts(ad, "", p);
	admin_str(ad, "note", p->note);
}

enum err
admin_price_set(struct admin *ad, struct error *e)
{
	struct price p = { .note = admin_opt(ad, "note") };
	struct manager by;
	struct model m;
	enum err err = read_prices(ad, &p, e);

	if (!err)
		err = admin_opt_time(ad, "from", &p.effective_from_ms, e);
	if (!err)
		err = lookup_model(ad, admin_opt(ad, "model"), &m, e);
	if (!err)
		err = admin_manager(ad, &by, e);
	if (err)
		return err;
	p.model_id = m.model_id;
	err = price_set(by.db, by.map, &by.audit, &p, admin_arena(ad), e);
	if (err)
		return err;
	price_rec(ad, &p);
	admin_note(ad, "\nAmounts are USD per token; request is per request.");
	return OK;
}

/* As GET /api/prices lists them. */
static enum err
list(struct admin *ad, struct price **ret, size_t *ret_n, struct error *e)
{
	struct model m;
	struct db *db;
	enum err err = admin_db(ad, &db, e);

	if (!err && !admin_has(ad, "model"))
		return store_price_current(db, admin_arena(ad), ret, ret_n, e);
	if (!err)
		err = lookup_model(ad, admin_opt(ad, "model"), &m, e);
	return err ? err
		   : store_price_list(db, m.model_id, admin_arena(ad), ret,
			 ret_n, e);
}

enum err
admin_price_list(struct admin *ad, struct error *e)
{
	struct price *prices = NULL;
	int64_t now_ms = clock_now_ms();
	size_t n = 0;
	enum err err = list(ad, &prices, &n, e);

	admin_list(ad);
	for (size_t i = 0, end; i < n; i = end) {
		const struct price *in_force;

		end = i + price_same_model(&prices[i], n - i);
		in_force = price_at(&prices[i], end - i, now_ms);
		for (size_t k = i; k < end; k++) {
			price_rec(ad, &prices[k]);
			admin_bool(ad, "is_in_force", &prices[k] == in_force);
		}
	}
	admin_note(ad, "\nAmounts are USD per token; request is per request.");
	return err;
}
