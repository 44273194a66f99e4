/* SPDX-License-Identifier: MIT */
/* tollgate price set, list */
#include "store/price.h"

#include "admin/admin.h"
#include "admin/lookup.h"
#include "base/money.h"

#define TOK_PER_MTOK 1000000

#define FROM_INPUT  TOK_IN
#define FROM_OUTPUT TOK_OUT

/* Option and member of each class, and whose price it takes if it is left
 * out. */
static const struct {
	const char *option, *long_option;
	const char *member, *long_member;
	enum tok_class otherwise;
} classes[TOK_CLASS__MAX] = {
	[TOK_IN] = { "input", "long-input", "input", "long_input", TOK_IN },
	[TOK_IN_CACHED] = { "cached-input", "long-cached-input", "cached_input",
	    "long_cached_input", FROM_INPUT },
	[TOK_CACHE_WRITE] = { "cache-write", "long-cache-write", "cache_write",
	    "long_cache_write", FROM_INPUT },
	[TOK_IN_AUDIO] = { "audio-input", "long-audio-input", "audio_input",
	    "long_audio_input", FROM_INPUT },
	[TOK_OUT] = { "output", "long-output", "output", "long_output",
	    TOK_OUT },
	[TOK_OUT_REASONING] = { "reasoning", "long-reasoning", "reasoning",
	    "long_reasoning", FROM_OUTPUT },
	[TOK_OUT_AUDIO] = { "audio-output", "long-audio-output", "audio_output",
	    "long_audio_output", FROM_OUTPUT },
	[TOK_OUT_IMAGE] = { "image-output", "long-image-output", "image_output",
	    "long_image_output", FROM_OUTPUT },
};

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
	{ "model", "NAME|ID", "Model.", true },
	ADMIN_OPTIONS_END,
};

/* An option's price per token; *ret_given tells whether it was there. */
static enum err
read_price(struct admin *ad, const char *option, bool is_per_token,
    int64_t *ret_pusd, bool *ret_given, struct error *e)
{
	struct str text = admin_opt(ad, option);
	int64_t pusd;

	*ret_given = text.p != NULL;
	if (!text.p)
		return OK;
	if (money_from_decimal(text, &pusd, e) || pusd < 0)
		return admin_usage(e,
		    "--%s must be an amount in USD such as "
		    "0.15",
		    option);
	if (!is_per_token && pusd % TOK_PER_MTOK)
		return admin_usage(e,
		    "--%s: at most 6 decimals per million tokens", option);
	*ret_pusd = is_per_token ? pusd : pusd / TOK_PER_MTOK;
	return OK;
}

/* Prices of one context; what is left out follows from what is there. */
static enum err
read_context(struct admin *ad, enum tok_context context, struct price *p,
    struct error *e)
{
	bool is_per_token = admin_has(ad, "per-token");
	bool given[TOK_CLASS__MAX];
	enum err err = OK;

	for (size_t c = 0; c < TOK_CLASS__MAX && !err; c++)
		err = read_price(ad,
		    context == TOK_LONG ? classes[c].long_option
					: classes[c].option,
		    is_per_token, &p->tok_pusd[context][c], &given[c], e);
	for (size_t c = 0; c < TOK_CLASS__MAX && !err; c++) {
		enum tok_class base = classes[c].otherwise;

		if (given[c])
			continue;
		p->tok_pusd[context][c] = given[base]
					      ? p->tok_pusd[context][base]
					      : p->tok_pusd[TOK_NORMAL][c];
	}
	return err;
}

static void
price_rec(struct admin *ad, const struct price *p)
{
	admin_rec(ad);
	admin_u64(ad, "id", p->price_version_id);
	admin_u64(ad, "model_id", p->model_id);
	admin_time(ad, "effective_from", p->effective_from_ms);
	for (size_t c = 0; c < TOK_CLASS__MAX; c++)
		admin_usd(ad, classes[c].member, p->tok_pusd[TOK_NORMAL][c]);
	for (size_t c = 0; c < TOK_CLASS__MAX; c++)
		admin_usd(ad, classes[c].long_member, p->tok_pusd[TOK_LONG][c]);
	admin_usd(ad, "request", p->request_pusd);
	admin_str(ad, "note", p->note);
}

enum err
admin_price_set(struct admin *ad, struct error *e)
{
	struct price p = { .note = admin_opt(ad, "note") };
	struct model m;
	struct db *db;
	bool given;
	enum err err = read_context(ad, TOK_NORMAL, &p, e);

	if (!err)
		err = read_context(ad, TOK_LONG, &p, e);
	if (!err)
		err = read_price(ad, "request", true, &p.request_pusd, &given,
		    e);
	if (!err)
		err = admin_opt_time(ad, "from", &p.effective_from_ms, e);
	if (!err)
		err = lookup_model(ad, admin_opt(ad, "model"), &m, e);
	if (!err)
		err = admin_db(ad, &db, e);
	if (err)
		return err;
	p.model_id = m.model_id;
	err = store_price_insert(db, &p, &p.price_version_id, e);
	if (err == ERR_CONFLICT)
		return error_set(e, err, "a price from that instant exists");
	if (!err)
		err = store_price_by_id(db, p.price_version_id, admin_arena(ad),
		    &p, e);
	if (err)
		return err;
	price_rec(ad, &p);
	admin_note(ad, "\nAmounts are USD per token; request is per request.");
	admin_catalogue_changed(ad);
	return admin_audit(ad, "price.set", "price_version", p.price_version_id,
	    0, e);
}

enum err
admin_price_list(struct admin *ad, struct error *e)
{
	struct price *prices = NULL;
	struct model m;
	struct db *db;
	size_t n = 0;
	enum err err = lookup_model(ad, admin_opt(ad, "model"), &m, e);

	if (!err)
		err = admin_db(ad, &db, e);
	if (!err)
		err = store_price_list(db, m.model_id, admin_arena(ad), &prices,
		    &n, e);
	admin_list(ad);
	for (size_t i = 0; i < n && !err; i++)
		price_rec(ad, &prices[i]);
	admin_note(ad, "\nAmounts are USD per token; request is per request.");
	return err;
}
