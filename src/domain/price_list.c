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

	if (money_from_number(text, &pusd, e) || pusd < 0)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' must be an amount in USD such as 0.15.", name);
	if (!is_per_token && pusd % TOK_PER_MTOK)
		return error_public(e, ERR_BAD_PARAM, name,
		    "'%s' may have at most 6 decimals per million tokens.",
		    name);
	*ret_pusd = is_per_token ? pusd : pusd / TOK_PER_MTOK;
	return OK;
}

static enum err
fill_context(struct price *p, enum tok_context context,
    const bool is_given[TOK_CLASS__MAX], struct error *e)
{
	for (size_t c = 0; c < TOK_CLASS__MAX; c++) {
		enum tok_class base = price_classes[c].otherwise;

		if (is_given[c])
			continue;
		if (context == TOK_NORMAL && base == c)
			return error_public(e, ERR_BAD_PARAM,
			    price_classes[c].names[context],
			    "The price '%s' is missing.",
			    price_classes[c].names[context]);
		p->tok_pusd[context][c] = is_given[base]
					      ? p->tok_pusd[context][base]
					      : p->tok_pusd[TOK_NORMAL][c];
	}
	return OK;
}

enum err
price_fill(struct price *p, bool is_given[TOK_CONTEXT__MAX][TOK_CLASS__MAX],
    struct error *e)
{
	enum err err = fill_context(p, TOK_NORMAL, is_given[TOK_NORMAL], e);

	return err ? err : fill_context(p, TOK_LONG, is_given[TOK_LONG], e);
}

enum err
price_read_all(struct str texts[TOK_CONTEXT__MAX][TOK_CLASS__MAX],
    bool is_per_token, struct price *ret, struct error *e)
{
	bool is_given[TOK_CONTEXT__MAX][TOK_CLASS__MAX] = { 0 };
	struct price p = *ret;
	enum err err = OK;

	for (size_t x = 0; x < TOK_CONTEXT__MAX; x++)
		for (size_t c = 0; c < TOK_CLASS__MAX && !err; c++) {
			is_given[x][c] = texts[x][c].p != NULL;
			if (is_given[x][c])
				err = price_read(texts[x][c],
				    price_classes[c].names[x], is_per_token,
				    &p.tok_pusd[x][c], e);
		}
	if (!err)
		err = price_fill(&p, is_given, e);
	if (!err)
		*ret = p;
	return err;
}

static void
write_one(struct json_out *j, const char *name, int64_t pusd)
{
	int64_t per_mtok_pusd;

	if (__builtin_mul_overflow(pusd, TOK_PER_MTOK, &per_mtok_pusd))
		json_out_member_null(j, name);
	else
		json_out_member_usd(j, name, per_mtok_pusd);
}

void
price_write(struct json_out *j, const struct price *p)
{
	json_out_object(j);
	for (size_t i = 0; i < TOK_CONTEXT__MAX; i++)
		for (size_t c = 0; c < TOK_CLASS__MAX; c++)
			write_one(j, price_classes[c].names[i],
			    p->tok_pusd[i][c]);
	json_out_member_usd(j, "request", p->request_pusd);
	json_out_object_end(j);
}
