/* SPDX-License-Identifier: MIT */
#include "domain/price_feed.h"

#include <inttypes.h>

#include "base/json_scan.h"
#include "base/money.h"
#include "domain/price_list.h"

#define DEPTH_MAX      16
#define LONG_K_MAX     100000 /* thousands of tokens */
#define REQUEST_MEMBER "input_cost_per_request"

/* LiteLLM's names of the classes' prices; with "_above_<n>k_tokens" behind
 * them, of long context (BerriAI/litellm, model_prices_and_context_window). */
static const char *const members[TOK_CLASS__MAX] = {
	[TOK_IN] = "input_cost_per_token",
	[TOK_IN_CACHED] = "cache_read_input_token_cost",
	[TOK_CACHE_WRITE] = "cache_creation_input_token_cost",
	[TOK_IN_AUDIO] = "input_cost_per_audio_token",
	[TOK_OUT] = "output_cost_per_token",
	[TOK_OUT_REASONING] = "output_cost_per_reasoning_token",
	[TOK_OUT_AUDIO] = "output_cost_per_audio_token",
	[TOK_OUT_IMAGE] = "output_cost_per_image_token",
};

/* What is there besides prices and says nothing about them. */
static const char *const no_prices[] = { "comment", "deprecation_date",
	"litellm_provider", "max_input_tokens", "max_output_tokens",
	"max_tokens", "metadata", "mode", "output_vector_size", "rpm", "source",
	"tool_use_system_prompt_tokens", "tpm" };

struct reader {
	struct arena *a;
	struct price_feed_entry *entry;
	bool is_given[TOK_CONTEXT__MAX][TOK_CLASS__MAX];
	bool is_embedding;
};

/* The first reason stands. */
static void
unusable(struct reader *r, struct str why)
{
	if (!r->entry->unusable.p)
		r->entry->unusable = why;
}

static void
ignore(struct reader *r, struct str name)
{
	struct price_feed_entry *x = r->entry;

	if (x->n_ignored == 0)
		x->ignored = arena_array(r->a, struct str,
		    PRICE_FEED_IGNORED_MAX);
	if (x->ignored && x->n_ignored < PRICE_FEED_IGNORED_MAX)
		x->ignored[x->n_ignored] = name;
	x->n_ignored++;
}

/* "_above_200k_tokens" is 200000; 0: it is none of these. */
static int64_t
threshold_of(struct str suffix)
{
	struct str above = S("_above_"), tokens = S("k_tokens");
	uint64_t k;

	if (!str_starts(suffix, above) || !str_ends(suffix, tokens) ||
	    suffix.n <= above.n + tokens.n)
		return 0;
	suffix = str_skip(suffix, above.n);
	suffix.n -= tokens.n;
	return str_to_u64(suffix, 1, LONG_K_MAX, &k) ? (int64_t)k * 1000 : 0;
}

/* Which price a member is; false: none. */
static bool
find_price(struct str name, enum tok_context *ret_context, size_t *ret_class,
    int64_t *ret_threshold)
{
	for (size_t c = 0; c < TOK_CLASS__MAX; c++) {
		struct str member = str_from(members[c]);

		if (!str_starts(name, member))
			continue;
		*ret_class = c;
		*ret_context = name.n == member.n ? TOK_NORMAL : TOK_LONG;
		*ret_threshold = threshold_of(str_skip(name, member.n));
		if (*ret_context == TOK_NORMAL || *ret_threshold > 0)
			return true;
	}
	return false;
}

static bool
read_amount(struct reader *r, const struct json_member *m, int64_t *ret_pusd)
{
	struct error why;

	if (m->kind != JSON_NUMBER) {
		unusable(r, arena_printf(r->a, "%" PRI_STR " is no number",
				STR_ARG(m->name)));
		return false;
	}
	if (money_from_number(m->value, ret_pusd, &why) || *ret_pusd < 0) {
		unusable(r, arena_printf(r->a,
				"%" PRI_STR " is %" PRI_STR
				": not 0 or more with at most 12 decimals",
				STR_ARG(m->name), STR_ARG(m->value)));
		return false;
	}
	return true;
}

/* Prices beyond a second threshold are not ours to choose between. */
static bool
is_other_threshold(const struct price_feed_entry *x, int64_t threshold_tok)
{
	return x->has_long && x->long_threshold_tok != threshold_tok;
}

static void
take_price(struct reader *r, const struct json_member *m,
    enum tok_context context, size_t class, int64_t threshold_tok)
{
	struct price_feed_entry *x = r->entry;

	if (m->kind == JSON_NULL)
		return;
	if (context == TOK_LONG && is_other_threshold(x, threshold_tok)) {
		ignore(r, m->name);
		return;
	}
	if (r->is_given[context][class]) {
		unusable(r, arena_printf(r->a, "%" PRI_STR " is there twice",
				STR_ARG(m->name)));
		return;
	}
	if (!read_amount(r, m, &x->price.tok_pusd[context][class]))
		return;
	r->is_given[context][class] = true;
	if (context == TOK_LONG) {
		x->has_long = true;
		x->long_threshold_tok = threshold_tok;
	}
}

static struct str
text_of(struct reader *r, const struct json_member *m)
{
	if (m->kind != JSON_STRING)
		return (struct str){ NULL, 0 };
	return json_unescape(r->a, m->value);
}

/* Members that are known and are no price. */
static void
take_other(struct reader *r, const struct json_member *m)
{
	struct price_feed_entry *x = r->entry;
	uint64_t n;

	if (str_eq(m->name, S("litellm_provider")))
		x->provider = text_of(r, m);
	else if (str_eq(m->name, S("mode")))
		r->is_embedding = str_eq(text_of(r, m), S("embedding"));
	else if (str_eq(m->name, S("max_input_tokens")) &&
		 str_to_u64(m->value, 1, UINT32_MAX, &n))
		x->max_input_tok = (int64_t)n;
	for (size_t i = 0; i < ARRAY_LEN(no_prices); i++)
		if (str_eq(m->name, str_from(no_prices[i])))
			return;
	if (!str_starts(m->name, S("supports_")) &&
	    !str_starts(m->name, S("supported_")))
		ignore(r, m->name);
}

static void
take_member(struct reader *r, const struct json_member *m)
{
	enum tok_context context;
	int64_t threshold_tok;
	size_t class;

	if (str_eq(m->name, S(REQUEST_MEMBER))) {
		if (m->kind != JSON_NULL)
			(void)read_amount(r, m, &r->entry->price.request_pusd);
	} else if (find_price(m->name, &context, &class, &threshold_tok)) {
		take_price(r, m, context, class, threshold_tok);
	} else {
		take_other(r, m);
	}
}

/* What is left out, by the rules of price_fill(). An embedding has no output
 * to price. */
static void
fill(struct reader *r)
{
	struct price_feed_entry *x = r->entry;
	struct error e;

	if (r->is_embedding)
		r->is_given[TOK_NORMAL][TOK_OUT] = true;
	if (x->unusable.p)
		return;
	if (!r->is_given[TOK_NORMAL][TOK_IN])
		unusable(r, S("input_cost_per_token is missing"));
	else if (price_fill(&x->price, r->is_given, &e))
		unusable(r, S("output_cost_per_token is missing"));
}

static void
read_entry(struct arena *a, const struct json_member *m,
    struct price_feed_entry *x)
{
	struct reader r = { .a = a, .entry = x };
	struct json_member member;
	struct json_walk w;

	*x = (struct price_feed_entry){ .name = m->name,
		.long_threshold_tok = -1,
		.max_input_tok = -1 };
	if (m->is_name_escaped) /* the quotes stand around it */
		x->name = json_unescape(a,
		    str_make(m->name.p - 1, m->name.n + 2));
	if (m->kind != JSON_OBJECT) {
		unusable(&r, S("it is no object"));
		return;
	}
	json_walk_init(&w, m->value);
	while (json_walk_next(&w, &member))
		take_member(&r, &member);
	fill(&r);
}

static enum err
check(struct str text, struct json_scan *s, struct error *e)
{
	if (text.n > PRICE_FEED_BYTES_MAX)
		return error_set(e, ERR_TOO_LARGE,
		    "a price list may have %" PRIu64 " bytes",
		    (uint64_t)PRICE_FEED_BYTES_MAX);
	if (!json_scan(s, text))
		return error_set(e, ERR_BAD_JSON, "no JSON: %s at byte %zu",
		    s->failure, s->failure_offset);
	if (s->kind != JSON_OBJECT)
		return error_set(e, ERR_BAD_PARAM,
		    "a price list is a JSON object with a member a model");
	if (s->n_members > PRICE_FEED_ENTRIES_MAX)
		return error_set(e, ERR_TOO_LARGE,
		    "a price list may have %d entries", PRICE_FEED_ENTRIES_MAX);
	return OK;
}

enum err
price_feed_read(struct str text, struct arena *a, struct price_feed *ret,
    struct error *e)
{
	struct json_scan s = { .depth_max = DEPTH_MAX };
	struct price_feed_entry *entries;
	struct json_member m;
	struct json_walk w;
	size_t n = 0;
	enum err err = check(text, &s, e);

	if (err)
		return err;
	entries = arena_array(a, struct price_feed_entry, s.n_members);
	if (!entries)
		return error_arena(e, a);
	json_walk_init(&w, str_make(s.inner.p - 1, s.inner.n + 2));
	while (n < s.n_members && json_walk_next(&w, &m))
		/* Not a model but how one looks. */
		if (!str_eq(m.name, S("sample_spec")))
			read_entry(a, &m, &entries[n++]);
	if (a->sticky)
		return error_arena(e, a);
	*ret = (struct price_feed){ entries, n };
	return OK;
}
