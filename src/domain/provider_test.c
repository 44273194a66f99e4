/* SPDX-License-Identifier: MIT */
#include "domain/provider_test.h"

#include <string.h>

#include "base/conf.h"
#include "base/json_out.h"
#include "domain/model.h"
#include "domain/price.h"
#include "domain/provider_key.h"
#include "ext/httpc.h"
#include "store/audit.h"
#include "store/customer.h"
#include "upstream/openai.h"
#include "upstream/provider.h"

#define ANSWER_BYTES_MAX MIB(1)
#define BODY_BYTES_MAX   KIB(16)
#define SECRET_BYTES_MAX KIB(64)
#define ERROR_CODE_MAX   48
#define QUESTION         "Say in one word that you are there."
/* Source: Anthropic's API reference, versions, read 2026-11. */
#define VERSION_LINE     "anthropic-version: 2023-06-01"

struct answer {
	int status;
	struct buf body;
	struct arena *a;
};

static enum err
on_head(void *ctx, const struct httpc_head *head, struct error *e)
{
	struct answer *x = ctx;

	(void)e;
	x->status = httpc_head_status(head);
	buf_init(&x->body, x->a, ANSWER_BYTES_MAX);
	return OK;
}

static enum err
on_body(void *ctx, struct str bytes, struct error *e)
{
	struct answer *x = ctx;

	(void)e;
	buf_add(&x->body, bytes); /* max_bytes bounds it */
	return OK;
}

/* ---- the question ---- */

static enum wire_op
op_of(const struct provider_test_ask *ask)
{
	enum provider_kind kind = ask->provider->kind;
	enum wire_op op = WIRE_OP__MAX;

	if (ask->deployment->api_url.p)
		op = provider_exact_op(kind, ask->deployment->api_url);
	if (op != WIRE_OP__MAX)
		return op;
	return kind == PROVIDER_ANTHROPIC ? WIRE_MESSAGE : WIRE_CHAT;
}

static const char *
limit_member(enum provider_kind kind, enum wire_op op)
{
	const struct provider_info *info = provider_info(kind);

	if (op == WIRE_CHAT && info && info->limit_member[op])
		return info->limit_member[op];
	return op == WIRE_RESPONSE ? "max_output_tokens" : "max_tokens";
}

static void
put_messages(struct json_out *j)
{
	json_out_key(j, "messages");
	json_out_array(j);
	json_out_object(j);
	json_out_member_str(j, "role", S("user"));
	json_out_member_str(j, "content", S(QUESTION));
	json_out_object_end(j);
	json_out_array_end(j);
}

static enum err
build_body(const struct provider_test_ask *ask, enum wire_op op,
    struct arena *a, struct str *ret, struct error *e)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, a, BODY_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_member_str(&j, "model", ask->deployment->upstream_name);
	if (op == WIRE_CHAT || op == WIRE_MESSAGE)
		put_messages(&j);
	else
		json_out_member_str(&j,
		    op == WIRE_COMPLETION ? "prompt" : "input", S(QUESTION));
	if (op == WIRE_RESPONSE)
		json_out_member_bool(&j, "store", false);
	if (op != WIRE_EMBEDDING)
		json_out_member_u64(&j, limit_member(ask->provider->kind, op),
		    PROVIDER_TEST_OUT_TOK);
	json_out_object_end(&j);
	return buf_finish(&b, ret, e);
}

static uint64_t
pick_ms(int64_t of_model, const struct conf *conf, enum conf_id id)
{
	return of_model >= 0 ? (uint64_t)of_model : conf_u64(conf, id);
}

/* NULL: the provider has no credential. */
static enum err
auth_line(const struct provider *p, const struct crypto_key *seal,
    struct arena *secrets, const char **ret, struct error *e)
{
	struct str key = { NULL, 0 };
	enum err err = OK;

	*ret = NULL;
	if (p->api_key_sealed.p)
		err = provider_key_open(secrets, seal, p->provider_id,
		    p->api_key_sealed, &key, e);
	if (err || !key.n)
		return err;
	return provider_auth_line(secrets, p->kind, key, ret, e);
}

/* ---- the answer ---- */

/* Whole characters. */
static struct str
begin_of(struct str text)
{
	size_t n = text.n;

	if (n <= PROVIDER_TEST_WORDS_BYTES)
		return text;
	n = PROVIDER_TEST_WORDS_BYTES;
	while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	return str_make(text.p, n);
}

static struct str
plain_code(struct str code)
{
	if (code.n > ERROR_CODE_MAX)
		return S("");
	for (size_t i = 0; i < code.n; i++)
		if (code.p[i] < 0x21 || code.p[i] > 0x7e)
			return S("");
	return code;
}

static void
set_usage(const struct provider_test_ask *ask, const struct usage *u,
    struct provider_test *ret)
{
	struct error e = { 0 };
	struct tokens t = { 0 };
	struct cost cost;

	ret->has_usage = true;
	ret->in_tok = usage_in_tok(u);
	ret->out_tok = usage_out_tok(u);
	memcpy(t.tok[TOK_NORMAL], u->n_tok, sizeof(u->n_tok));
	if (!ask->price ||
	    price_charge(ask->price, &t, MARKUP_NONE_PPM, &cost, &e))
		return;
	ret->has_cost = true;
	ret->cost_pusd = cost.provider_pusd;
}

static void
read_answer(const struct provider_test_ask *ask, enum wire_op op,
    const struct answer *x, struct arena *a, struct provider_test *ret)
{
	struct openai_answer parsed;
	struct error e = { 0 };
	struct str words;

	wire_answer_read(op, buf_str(&x->body), &parsed);
	ret->is_good = x->status == 200 && parsed.is_json && !parsed.is_error;
	if (!ret->is_good) {
		ret->error_code = plain_code(parsed.error_code);
		return;
	}
	if (parsed.has_usage)
		set_usage(ask, &parsed.usage, ret);
	if (op != WIRE_EMBEDDING &&
	    openai_answer_text(a, &parsed, &words, &e) == OK)
		ret->words = begin_of(words);
}

static enum err
perform(const struct provider_test_ask *ask, const struct conf *conf,
    struct httpc_pool *http, const char *auth, struct arena *a,
    struct provider_test *ret, struct error *e)
{
	const struct deployment *d = ask->deployment;
	enum wire_op op = op_of(ask);
	struct answer x = { .a = a };
	struct httpc_callbacks callbacks = { .ctx = &x,
		.on_head = on_head,
		.on_body = on_body };
	struct provider_target target;
	struct httpc_result result;
	const char *headers[3] = { "Content-Type: application/json" };
	size_t n = 1;
	struct str body;
	enum err err = d->api_url.p
			   ? provider_target_exact(a, ask->provider->kind,
				 d->api_url, op, &target, e)
			   : provider_target(a, ask->provider->base_url, op,
				 &target, e);

	if (!err)
		err = build_body(ask, op, a, &body, e);
	if (err)
		return err;
	if (auth)
		headers[n++] = auth;
	if (op == WIRE_MESSAGE)
		headers[n++] = VERSION_LINE;
	buf_init(&x.body, a, ANSWER_BYTES_MAX);
	ret->why = httpc_perform(http,
	    &(struct httpc_request){
		.method = "POST",
		.url = target.url,
		.unix_path = target.unix_path,
		.headers = headers,
		.n_headers = n,
		.body = &body,
		.n_body = 1,
		.connect_ms = pick_ms(ask->model->connect_ms, conf,
		    CONF_UPSTREAM_CONNECT_MS),
		.total_ms = PROVIDER_TEST_MS,
		.max_bytes = ANSWER_BYTES_MAX,
		.client_fd = -1,
	    },
	    &callbacks, &result, e);
	ret->status = result.status;
	ret->first_byte_us = result.first_byte_us;
	ret->total_us = result.total_us;
	if (ret->why)
		error_clear(e);
	else
		read_answer(ask, op, &x, a, ret);
	return a->sticky ? error_arena(e, a) : OK;
}

enum err
provider_test_run(const struct provider_test_ask *ask,
    const struct crypto_key *seal, const struct conf *conf,
    struct httpc_pool *http, struct arena *a, struct provider_test *ret,
    struct error *e)
{
	struct arena secrets;
	const char *auth = NULL;
	enum err err;

	*ret = (struct provider_test){ .words = S(""), .error_code = S("") };
	arena_init(&secrets, SECRET_BYTES_MAX);
	err = auth_line(ask->provider, seal, &secrets, &auth, e);
	if (!err)
		err = perform(ask, conf, http, auth, a, ret, e);
	arena_wipe(&secrets);
	arena_fini(&secrets);
	return err;
}

enum err
provider_test_audit(struct db *db, const struct audit *who,
    const struct provider_test_ask *ask, const struct provider_test *t,
    struct arena *a, struct error *e)
{
	struct audit row = *who;
	struct json_out j;
	struct str detail;
	struct buf b;
	enum err err;

	buf_init(&b, a, KIB(4));
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_member_u64(&j, "model_id", ask->model->model_id);
	json_out_member_i64(&j, "status", t->status);
	json_out_object_end(&j);
	err = buf_finish(&b, &detail, e);
	if (err)
		return err;
	row.action = S("provider.test");
	row.object = S("provider");
	row.object_id = ask->provider->provider_id;
	row.is_success = t->is_good;
	row.detail = store_audit_detail(who, detail, a);
	return row.detail.p ? store_audit_insert(db, &row, e)
			    : error_arena(e, a);
}
