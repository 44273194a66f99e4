/* SPDX-License-Identifier: MIT */
#include "domain/price_list.h"

#include "base/money.h"
#include "store/price.h"

#define TOK_PER_MTOK 1000000

#define NAMED(name)  \
 {                   \
  name, "long_" name \
 }
const struct price_class price_classes[TOK_CLASS__MAX] = {
	[TOK_IN] = { NAMED("input"), TOK_IN },
	[TOK_IN_CACHED] = { NAMED("cached_input"), TOK_IN },
	[TOK_CACHE_WRITE] = { NAMED("cache_write"), TOK_IN },
	[TOK_IN_AUDIO] = { NAMED("audio_input"), TOK_IN },
	[TOK_OUT] = { NAMED("output"), TOK_OUT },
	[TOK_OUT_REASONING] = { NAMED("reasoning"), TOK_OUT },
	[TOK_OUT_AUDIO] = { NAMED("audio_output"), TOK_OUT },
	[TOK_OUT_IMAGE] = { NAMED("image_output"), TOK_OUT },
};

enum err
price_read(struct str text, const char *name, bool is_per_token,
    int64_t *ret_pusd, struct error *e)
{
	int64_t pusd;

	if (money_from_decimal(text, &pusd, e) || pusd < 0)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be an amount in USD such as 0.15.", name);
	if (!is_per_token && pusd % TOK_PER_MTOK)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' may have at most 6 decimals per million tokens.",
		    name);
	*ret_pusd = is_per_token ? pusd : pusd / TOK_PER_MTOK;
	return OK;
}

/* Prices of one context; what is left out follows from what is there. */
static enum err
read_context(const struct str texts[TOK_CLASS__MAX], enum tok_context context,
    bool is_per_token, struct price *p, struct error *e)
{
	enum err err = OK;

	for (size_t c = 0; c < TOK_CLASS__MAX && !err; c++)
		if (texts[c].p)
			err = price_read(texts[c],
			    price_classes[c].names[context], is_per_token,
			    &p->tok_pusd[context][c], e);
	for (size_t c = 0; c < TOK_CLASS__MAX && !err; c++) {
		enum tok_class base = price_classes[c].otherwise;

		if (texts[c].p)
			continue;
		if (context == TOK_NORMAL && base == c)
			return error_public(e, ERR_BAD_PARAM,
			    price_classes[c].names[context],
			    "The price '%s' is missing.",
			    price_classes[c].names[context]);
		p->tok_pusd[context][c] = texts[base].p
					      ? p->tok_pusd[context][base]
					      : p->tok_pusd[TOK_NORMAL][c];
	}
	return err;
}

enum err
price_read_all(struct str texts[TOK_CONTEXT__MAX][TOK_CLASS__MAX],
    bool is_per_token, struct price *ret, struct error *e)
{
	struct price p = *ret;
	enum err err = read_context(texts[TOK_NORMAL], TOK_NORMAL, is_per_token,
	    &p, e);

	if (!err)
		err = read_context(texts[TOK_LONG], TOK_LONG, is_per_token, &p,
		    e);
	if (!err)
		*ret = p;
	return err;
}
