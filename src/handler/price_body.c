/* SPDX-License-Identifier: MIT */
#include "handler/price_body.h"

#include "base/clock.h"
#include "domain/price_list.h"
#include "domain/price_set.h"

#define JSON_DEPTH 3

static enum err
read_decimal(const struct json *prices, const char *name, struct str *ret,
    struct error *e)
{
	*ret = (struct str){ NULL, 0 };
	return json_has(prices, name) ? json_get_decimal(prices, name, ret, e)
				      : OK;
}

/* Each member that prices may have. */
struct price_names {
	const char *names[TOK_CONTEXT__MAX * TOK_CLASS__MAX + 1];
	size_t n;
};

static struct price_names
price_names(void)
{
	struct price_names p = { { "request" }, 1 };

	for (size_t i = 0; i < TOK_CONTEXT__MAX; i++)
		for (size_t k = 0; k < TOK_CLASS__MAX; k++)
			p.names[p.n++] = price_classes[k].names[i];
	return p;
}

enum err
price_body_read(const struct json *body, struct price *ret, struct error *e)
{
	struct str texts[TOK_CONTEXT__MAX][TOK_CLASS__MAX], request;
	struct price_names allowed = price_names();
	const struct json *prices;
	enum err err = json_get_object(body, "prices", &prices, e);

	if (!err)
		err = json_only(prices, allowed.names, allowed.n, e);
	for (size_t i = 0; i < TOK_CONTEXT__MAX; i++)
		for (size_t k = 0; k < TOK_CLASS__MAX && !err; k++)
			err = read_decimal(prices, price_classes[k].names[i],
			    &texts[i][k], e);
	if (err)
		return err;
	*ret = (struct price){ 0 };
	err = price_read_all(texts, false, ret, e);
	if (!err)
		err = read_decimal(prices, "request", &request, e);
	if (!err && request.p)
		err = price_read(request, "request", true, &ret->request_pusd,
		    e);
	return err;
}

void
price_body_write(struct json_out *j, const struct price *p)
{
	json_out_key(j, "prices");
	if (p)
		price_write(j, p);
	else
		json_out_null(j);
}

static enum err
read_from(const struct json *body, int64_t *ret_ms, struct error *e)
{
	struct str text;
	enum err err;

	if (!json_has(body, "effective_from"))
		return OK;
	err = json_get_str(body, "effective_from", 1, 64, &text, e);
	if (!err && (!clock_parse(text, ret_ms) || *ret_ms <= 0))
		return error_public(e, ERR_BAD_PARAM, "effective_from",
		    "'effective_from' must be a time such as "
		    "2027-01-31T08:00:00Z.");
	return err;
}

enum err
price_body_version(struct str text, struct arena *a, struct price *ret,
    struct error *e)
{
	static const char *const names[] = { "model_id", "prices",
		"effective_from", "note" };
	const struct json *body;
	struct price p = { 0 };
	uint64_t model_id = 0;
	enum err err = json_parse_object(a, text, JSON_DEPTH, &body, e);

	if (!err)
		err = json_only(body, names, ARRAY_LEN(names), e);
	if (!err)
		err = json_get_u64(body, "model_id", 1, UINT32_MAX, &model_id,
		    e);
	if (!err)
		err = price_body_read(body, &p, e);
	if (!err)
		err = read_from(body, &p.effective_from_ms, e);
	if (!err && json_has(body, "note"))
		err = json_get_str(body, "note", 0, PRICE_NOTE_BYTES, &p.note,
		    e);
	p.model_id = model_id;
	if (!err)
		*ret = p;
	return err;
}
