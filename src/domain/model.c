/* SPDX-License-Identifier: MIT */
#include "domain/model.h"

#include "base/conf.h"
#include "domain/hostmap.h"
#include "domain/model_folder.h"
#include "domain/model_priv.h"
#include "domain/price_set.h"
#include "domain/provider_key.h"
#include "domain/tokenizers.h"
#include "upstream/provider.h"

#define COUNT_MAX      INT64_C(1000000000)
#define CONNECT_MS_MAX 120000
#define WAIT_MS_MAX    3600000
#define TIMEOUT_MS_MIN 10
#define PUSD_PER_PPM   1000000

/* ---- settings ---- */

#define SETTING(name, member, min, max)              \
 {                                                   \
  name, offsetof(struct model, member), (min), (max) \
 }
const struct model_setting model_settings[] = {
	SETTING("context_length", context_length, 1, COUNT_MAX),
	SETTING("max_output", max_output_tok, 1, COUNT_MAX),
	SETTING("default_max_output", default_max_output_tok, 1, COUNT_MAX),
	SETTING("long_context_threshold", long_context_threshold_tok, 0,
	    COUNT_MAX),
	SETTING("connect_ms", connect_ms, TIMEOUT_MS_MIN, CONNECT_MS_MAX),
	SETTING("first_byte_ms", first_byte_ms, TIMEOUT_MS_MIN, WAIT_MS_MAX),
	SETTING("idle_ms", idle_ms, TIMEOUT_MS_MIN, WAIT_MS_MAX),
};
const size_t n_model_settings = ARRAY_LEN(model_settings);

/* OpenAI's bounds. */
const struct model_fraction model_fractions[] = {
	{ "default_temperature",
	    offsetof(struct model, default_temperature_ppm), 2000000 },
	{ "default_top_p", offsetof(struct model, default_top_p_ppm), 1000000 },
};
const size_t n_model_fractions = ARRAY_LEN(model_fractions);

int64_t *
model_setting_of(struct model *m, const struct model_setting *s)
{
	return (int64_t *)(void *)((char *)m + s->off);
}

int64_t *
model_fraction_of(struct model *m, const struct model_fraction *f)
{
	return (int64_t *)(void *)((char *)m + f->off);
}

static enum err
bad_fraction(const struct model_fraction *f, struct error *e)
{
	char max[MONEY_TEXT_BYTES];

	model_fraction_text(f->max_ppm, max);
	return error_public(e, ERR_BAD_PARAM, f->name,
	    "'%s' must be a number from 0 to %s with at most 6 decimals.",
	    f->name, max);
}

enum err
model_fraction_read(const struct model_fraction *f, struct str text,
    int64_t *ret_ppm, struct error *e)
{
	int64_t pusd;

	if (money_from_decimal(text, &pusd, e) || pusd < 0 ||
	    pusd % PUSD_PER_PPM || pusd / PUSD_PER_PPM > f->max_ppm)
		return bad_fraction(f, e);
	*ret_ppm = pusd / PUSD_PER_PPM;
	return OK;
}

void
model_fraction_text(int64_t ppm, char ret[MONEY_TEXT_BYTES])
{
	money_to_text(ppm * PUSD_PER_PPM, ret);
}

void
model_init(struct model *m, struct str name)
{
	*m = (struct model){
		.name = name,
		.description = S(""),
		.is_enabled = true,
		.allowed_members = S(""),
	};
	for (size_t i = 0; i < n_model_settings; i++)
		*model_setting_of(m, &model_settings[i]) = -1;
	for (size_t i = 0; i < n_model_fractions; i++)
		*model_fraction_of(m, &model_fractions[i]) = -1;
}

static enum err
check_numbers(const struct model *m, struct error *e)
{
	struct model copy = *m;

	for (size_t i = 0; i < n_model_settings; i++) {
		const struct model_setting *s = &model_settings[i];
		int64_t v = *model_setting_of(&copy, s);

		if (v != -1 && (v < s->min || v > s->max))
			return error_public(e, ERR_BAD_PARAM, s->name,
			    "'%s' must be a whole number from %lld to %lld.",
			    s->name, (long long)s->min, (long long)s->max);
	}
	for (size_t i = 0; i < n_model_fractions; i++) {
		const struct model_fraction *f = &model_fractions[i];
		int64_t v = *model_fraction_of(&copy, f);

		if (v < -1 || v > f->max_ppm)
			return bad_fraction(f, e);
	}
	return OK;
}

static enum err
too_much(const char *name, const char *than, struct error *e)
{
	return error_public(e, ERR_BAD_PARAM, name,
	    "'%s' must not be larger than '%s'.", name, than);
}

enum err
model_check_settings(const struct model *m, struct error *e)
{
	enum err err = check_numbers(m, e);

	if (err)
		return err;
	if (m->tokenizer.n > 0 && !tokenizers_is_name(m->tokenizer))
		return error_public(e, ERR_BAD_PARAM, "tokenizer",
		    "'tokenizer' is not a name.");
	if (m->max_output_tok >= 0 && m->context_length >= 0 &&
	    m->max_output_tok > m->context_length)
		return too_much("max_output", "context_length", e);
	if (m->max_output_tok >= 0 &&
	    m->default_max_output_tok > m->max_output_tok)
		return too_much("default_max_output", "max_output", e);
	if (m->context_length >= 0 &&
	    m->default_max_output_tok > m->context_length)
		return too_much("default_max_output", "context_length", e);
	return OK;
}

/* ---- what every change ends with ---- */

void
model_changed(const struct model_ops *ops)
{
	if (ops->map)
		hostmap_slot_bump(ops->map, GENERATION_CATALOGUE);
}

/* ---- making one ---- */

struct create_arg {
	const struct model_ops *ops;
	struct arena *a;
	struct model_new *n;
	struct model_folder folder;
};

enum err
model_fit_context(struct model *m, int64_t own, struct error *e)
{
	if (m->context_length < 0)
		m->context_length = own;
	if (own > 0 && m->context_length > own)
		return error_public(e, ERR_BAD_PARAM, "context_length",
		    "'context_length' must not be larger than the model's own, "
		    "%lld.",
		    (long long)own);
	return OK;
}

/* Before the database is asked for anything. */
static enum err
check_local(struct create_arg *c, struct error *e)
{
	struct model *m = &c->n->model;
	enum err err = model_folder_find(conf_text(c->ops->conf,
					     CONF_MODELS_DIR),
	    c->n->model_path, c->a, &c->folder, e);

	if (err)
		return err;
	return model_fit_context(m, c->folder.context_length, e);
}

enum err
model_check_address(struct str api_url, enum provider_kind kind,
    bool is_kind_given, struct error *e)
{
	const struct provider_info *info = provider_info(kind);
	enum err err = provider_check_api_url(api_url, e);

	if (err || str_starts(api_url, S("unix:")))
		return err;
	if (info && !(info->ops & 1u << provider_exact_op(kind, api_url)))
		return error_public(e, ERR_BAD_PARAM, "api_url",
		    "'api_url' ends in what providers of kind '%s' are not "
		    "asked.",
		    info->name);
	if (provider_url_kind(api_url) != PROVIDER__N)
		return OK;
	/* A server of one's own has OpenAI's paths, so this is its base. */
	if (kind == PROVIDER_LOCAL)
		return error_public(e, ERR_BAD_PARAM, "api_url",
		    "'api_url' is called as given: of kind local it must end "
		    "in /completions, /chat/completions or /embeddings. A base "
		    "address is a provider's.");
	if (!is_kind_given)
		return error_public(e, ERR_BAD_PARAM, "api_url",
		    "'api_url' does not tell its wire format: it should end in "
		    "/chat/completions, /completions, /embeddings, /responses "
		    "or /messages; or give 'kind'.");
	return OK;
}

static enum err
check_external(struct model_new *n, struct error *e)
{
	enum err err = provider_check_key(n->api_key, e);

	if (err)
		return err;
	if (!n->is_kind_given)
		n->kind = provider_url_kind(n->api_url);
	if (n->kind == PROVIDER__N)
		n->kind = PROVIDER_OPENAI;
	if (!provider_info(n->kind))
		return error_public(e, ERR_BAD_PARAM, "kind",
		    "Providers of kind '%s' cannot be spoken to yet.",
		    provider_kind_names[n->kind]);
	return model_check_address(n->api_url, n->kind, n->is_kind_given, e);
}

static enum err
check_new(struct create_arg *c, struct error *e)
{
	struct model_new *n = c->n;

	switch (n->place) {
	case MODEL_LOCAL:
		return check_local(c, e);
	case MODEL_EXTERNAL:
		return check_external(n, e);
	case MODEL_PROVIDER:
		return OK; /* the provider is known to the database */
	}
	return error_set(e, ERR_INTERNAL, "no such place");
}

/* scheme://host[:port] of an address. */
static struct str
origin_of(struct str url)
{
	size_t host = str_find_str(url, S("://"));

	if (host == url.n) /* unix:/path */
		return url;
	host += 3;
	return str_make(url.p, host + str_find(str_skip(url, host), '/'));
}

/* The model's own name, unless that is too long or somebody has it. */
static enum err
name_provider(struct db *db, struct create_arg *c, struct provider *p,
    struct error *e)
{
	const struct model *m = &c->n->model;
	struct provider other;
	enum err err = OK;

	p->name = m->name;
	if (m->name.n <= PROVIDER_NAME_BYTES)
		err = store_provider_by_name(db, m->name, c->a, &other, e);
	if (err == ERR_NOT_FOUND)
		return OK;
	p->name = arena_printf(c->a, "model-%llu",
	    (unsigned long long)m->model_id);
	if (!err && !p->name.p)
		return error_arena(e, c->a);
	return err;
}

static enum err
make_provider(struct db *db, struct create_arg *c, struct provider *p,
    struct error *e)
{
	const struct model_new *n = c->n;
	bool is_local = n->place == MODEL_LOCAL;
	enum err err = name_provider(db, c, p, e);

	if (err)
		return err;
	p->kind = is_local ? PROVIDER_LOCAL : n->kind;
	p->model_id = n->model.model_id;
	p->is_enabled = true;
	p->base_url = is_local
			  ? arena_printf(c->a, "unix:%s/%llu.sock",
				conf_text(c->ops->conf, CONF_MODELS_SOCKET_DIR),
				(unsigned long long)n->model.model_id)
			  : origin_of(n->api_url);
	if (!p->base_url.p)
		return error_arena(e, c->a);
	err = provider_check_url(p->base_url, e);
	if (!err)
		err = store_provider_insert(db, p, &p->provider_id, e);
	if (!err && n->api_key.n)
		err = provider_key_store(db, c->ops->seal, p->provider_id,
		    n->api_key, e);
	return err;
}

enum err
model_check_provider(const struct provider *p, uint64_t model_id,
    struct error *e)
{
	if (p->archived_at_ms)
		return error_public(e, ERR_BAD_PARAM, "provider",
		    "There is no provider of that name.");
	if (p->model_id && p->model_id != model_id)
		return error_public(e, ERR_BAD_PARAM, "provider",
		    "That provider was made with a model and goes with it; "
		    "add one of its own.");
	return OK;
}

static enum err
find_provider(struct db *db, struct create_arg *c, struct provider *p,
    struct error *e)
{
	enum err err = store_provider_by_name(db, c->n->provider_name, c->a, p,
	    e);

	if (err == ERR_NOT_FOUND)
		return error_public(e, ERR_BAD_PARAM, "provider",
		    "There is no provider of that name.");
	if (!err)
		err = model_check_provider(p, c->n->model.model_id, e);
	if (!err && c->n->api_url.p)
		err = model_check_address(c->n->api_url, p->kind, true, e);
	return err;
}

static enum err
make_deployment(struct db *db, struct create_arg *c, struct deployment *d,
    struct error *e)
{
	const struct model_new *n = c->n;
	struct provider p = { 0 };
	enum err err = n->place == MODEL_PROVIDER ? find_provider(db, c, &p, e)
						  : make_provider(db, c, &p, e);

	if (err)
		return err;
	*d = (struct deployment){
		.model_id = n->model.model_id,
		.provider_id = p.provider_id,
		.upstream_name = n->upstream_name.n ? n->upstream_name
						    : n->model.name,
		.weight = 1,
		.is_enabled = true,
	};
	if (n->place == MODEL_LOCAL) {
		d->model_path = c->folder.relative;
		d->preload = n->preload;
	} else {
		d->api_url = n->api_url;
	}
	return store_deployment_insert(db, d, &d->deployment_id, e);
}

static enum err
make_price(struct db *db, struct create_arg *c, struct error *e)
{
	const struct model_new *n = c->n;
	struct price p = { .note = S("a local model is free") };

	if (n->price)
		p = *n->price;
	else if (n->place != MODEL_LOCAL)
		return OK;
	p.model_id = n->model.model_id;
	return price_insert(db, c->ops->who, "price.set", &p, c->a, e);
}

static enum err
create_txn(struct db *db, void *arg, struct error *e)
{
	struct create_arg *c = arg;
	struct model *m = &c->n->model;
	struct model_change made = { 0 };
	enum err err = store_model_insert(db, m, &m->model_id, e);

	if (err == ERR_CONFLICT)
		return error_public(e, err, "name",
		    "There is a model of that name, or was: an archived "
		    "model keeps its name.");
	if (!err)
		err = make_deployment(db, c, &made.deployment, e);
	made.model = *m;
	if (!err)
		err = model_audit(db, c->ops, "model.add", NULL, &made, c->a,
		    e);
	return err ? err : make_price(db, c, e);
}

enum err
model_create(const struct model_ops *ops, struct arena *a, struct model_new *n,
    struct error *e)
{
	struct create_arg c = { .ops = ops, .a = a, .n = n };
	enum err err = check_new(&c, e);

	if (!err)
		err = model_check(NULL,
		    &(struct model_change){ .model = n->model,
			.deployment = { .upstream_name = n->upstream_name,
			    .api_url = n->api_url,
			    .model_path = n->model_path } },
		    a, e);
	if (!err)
		err = db_txn(ops->db, create_txn, &c, e);
	if (!err)
		model_changed(ops);
	return err;
}
