/* SPDX-License-Identifier: MIT */
/* What the playground shows, as a page and for the page's script. */
#include "base/clock.h"
#include "handler/web/page.h"
#include "handler/web/playground.h"
#include "handler/web/request.h"
#include "handler/web/view.h"

#define FACTS_MAX   (TOK_CLASS__MAX + 4)
#define EVENT_BYTES KIB(4)

/* clang-format off */
static const struct tmpl_key playground_keys[] = {
	VIEW_TIME_KEYS("as_of"),
	{ "has_keys", TVAL_BOOL }, { "has_more_keys", TVAL_BOOL }, { "new_key_href", TVAL_TEXT },
	{ "action_href", TVAL_TEXT }, { "requests_href", TVAL_TEXT },
	{ "key", TVAL_OBJECT },
	{ "key.name", TVAL_TEXT }, { "key.label", TVAL_TEXT }, { "key.options", TVAL_LIST },
	{ "key.options.value", TVAL_TEXT }, { "key.options.text", TVAL_TEXT }, { "key.options.is_on", TVAL_BOOL },
	{ "is_chosen", TVAL_BOOL }, { "key_name", TVAL_TEXT }, { "key_href", TVAL_TEXT },
	{ "obstacle", TVAL_TEXT }, { "can_ask", TVAL_BOOL }, { "has_models", TVAL_BOOL },
	FORM_KEYS("form"),
	{ "advice", TVAL_TEXT }, { "limits_href", TVAL_TEXT }, { "is_about_limits", TVAL_BOOL },
	{ "has_answer", TVAL_BOOL }, { "answer", TVAL_TEXT },
	{ "has_facts", TVAL_BOOL },
	{ "facts", TVAL_LIST }, { "facts.name", TVAL_TEXT }, { "facts.text", TVAL_TEXT },
	{ "request_id", TVAL_TEXT }, { "request_href", TVAL_TEXT },
};
/* clang-format on */
const struct tmpl_page page_playground = PAGE("dashboard/playground",
    playground_keys);

/* ---- what a request was ---- */

struct fact {
	struct str name, text;
};
struct facts {
	size_t n;
	struct fact v[FACTS_MAX];
};

static void
add(struct facts *to, struct str name, struct str text)
{
	ASSERT(to->n < FACTS_MAX);
	to->v[to->n++] = (struct fact){ name, text };
}

/* Until it is settled, the time up to now. */
static int64_t
duration_ms(const struct meter *m)
{
	return m->state == METER_SETTLED
		   ? m->latency_ms
		   : (clock_mono_us() - m->start_us) / 1000;
}

static void
facts_of(const struct meter *m, struct arena *a, struct facts *ret)
{
	static const char *const sources[USAGE_FROM__MAX] = { "by the provider",
		"by this gateway", "estimated" };

	ret->n = 0;
	for (unsigned c = 0; c < TOK_CLASS__MAX; c++) {
		uint64_t n = m->used.tok[TOK_NORMAL][c] +
			     m->used.tok[TOK_LONG][c];

		if (n || c == TOK_IN || c == TOK_OUT)
			add(ret,
			    arena_printf(a, "%s tokens",
				request_class_names[c]),
			    view_count_text(a, n));
	}
	add(ret, S("Counted"), str_from(sources[m->source]));
	add(ret, S("Cost"), view_money_text(a, m->cost.charged_pusd));
	add(ret, S("Time to first token"),
	    view_duration_text(a, meter_first_ms(m)));
	add(ret, S("Duration"), view_duration_text(a, duration_ms(m)));
}

/* ---- what to do about a refusal ---- */

static const char *
advice_on(enum err code)
{
	switch ((int)code) {
	case ERR_RATE_LIMITED:
		return "Wait, or have the limit raised.";
	case ERR_TOKENS_OVER_LIMIT:
		return "Ask for fewer output tokens, or shorten the prompt.";
	case ERR_QUOTA:
		return "Wait until the budget begins anew, ask for fewer "
		       "output tokens, or have the budget raised.";
	case ERR_BALANCE:
		return "Credit has to be added before this key can ask again.";
	case ERR_ADDRESS_FORBIDDEN:
		return "The key's settings say from where it may be used.";
	case ERR_MODEL_FORBIDDEN:
	case ERR_MODEL_NOT_FOUND:
	case ERR_NOT_PRICED:
		return "Choose another model or key.";
	case ERR_MODEL_DOWN:
	case ERR_UPSTREAM:
	case ERR_UPSTREAM_CONNECT:
	case ERR_UPSTREAM_STATUS:
	case ERR_UPSTREAM_TIMEOUT:
		return "Try again in a moment, or choose another model.";
	case ERR_OVERLOADED:
	case ERR_JOURNAL_FULL:
	case ERR_JOURNAL_FAILED:
	case ERR_LIMITS_DOWN:
	case ERR_SHUTTING_DOWN:
		return "Try again in a moment.";
	default:
		return "";
	}
}

static bool
is_about_limits(enum err code)
{
	return code == ERR_RATE_LIMITED || code == ERR_TOKENS_OVER_LIMIT ||
	       code == ERR_QUOTA || code == ERR_BALANCE;
}

/* The provider's own words are the better ones. */
static struct str
advice_text(const struct playground *p, const struct error *refused)
{
	if (!refused)
		return S("");
	return p->said.n ? p->said : str_from(advice_on(refused->code));
}

/* ---- the page ---- */

static void
add_keys(struct tval *o, const struct playground *p)
{
	struct tval *key = tval_set_object(o, "key");
	struct tval *list = tval_set_list(key, "options");

	tval_set_text(key, "name", S("key_id"));
	tval_set_text(key, "label", S("Ask under the API key"));
	for (size_t i = 0; i < p->n_keys; i++) {
		struct tval *item = tval_push_object(list);
		uint64_t id = 0;

		tval_set_text(item, "value", p->keys[i].value);
		tval_set_text(item, "text", p->keys[i].text);
		tval_set_bool(item, "is_on",
		    str_to_u64(p->keys[i].value, 1, UINT32_MAX, &id) &&
			id == p->v.id);
	}
	tval_set_bool(o, "has_keys", p->n_keys > 0);
	tval_set_bool(o, "has_more_keys", p->has_more_keys);
}

static void
add_form(struct tval *o, const struct playground *p,
    const struct error *refused)
{
	struct str obstacle = p->v.id ? playground_obstacle(p) : S("");
	bool has_models = false;

	for (size_t i = 0; i < p->v.form.n_fields; i++)
		has_models = has_models || p->v.form.n_options[i] > 0;
	tval_set_bool(o, "is_chosen", p->v.id != 0);
	tval_set_text(o, "key_name", p->v.id ? p->v.row.k.name : S(""));
	tval_set_text(o, "key_href", web_key_href(&p->v, p->v.id, NULL));
	tval_set_text(o, "obstacle", obstacle);
	tval_set_bool(o, "has_models", has_models);
	tval_set_bool(o, "can_ask", p->v.id && has_models && !obstacle.n);
	web_form_view(tval_set_object(o, "form"), &p->v.form, refused);
	tval_set_text(o, "advice", advice_text(p, refused));
	tval_set_bool(o, "is_about_limits",
	    refused && is_about_limits(refused->code));
}

static void
add_answer(struct tval *o, const struct playground *p, const struct meter *m)
{
	struct tval *list = tval_set_list(o, "facts");
	struct arena *a = p->v.rq->arena;
	struct facts f = { 0 };

	tval_set_bool(o, "has_answer", p->text.p != NULL);
	tval_set_text(o, "answer", p->text.p ? p->text : S(""));
	if (m)
		facts_of(m, a, &f);
	for (size_t i = 0; i < f.n; i++) {
		struct tval *item = tval_push_object(list);

		tval_set_text(item, "name", f.v[i].name);
		tval_set_text(item, "text", f.v[i].text);
	}
	tval_set_bool(o, "has_facts", m != NULL);
	tval_set_text(o, "request_id", str_from(m ? p->v.rq->id_text : ""));
	tval_set_text(o, "request_href",
	    web_place_href(p->v.app, a, &p->v.place, "requests", 0,
		m ? p->v.rq->id_text : NULL));
}

enum err
playground_page(const struct playground *p, struct response *rs, int status,
    const struct error *refused, const struct meter *m, struct error *e)
{
	const struct app *app = p->v.app;
	const struct request *rq = p->v.rq;
	struct arena *a = rq->arena;
	struct tval *o = web_place_page(app, rq, &p->v.place, &page_playground,
	    S("Playground"));

	view_second(o, "as_of", clock_now_ms());
	tval_set_text(o, "new_key_href", web_key_href(&p->v, 0, "new"));
	tval_set_text(o, "action_href",
	    web_place_href(app, a, &p->v.place, "playground", 0, NULL));
	tval_set_text(o, "requests_href",
	    web_place_href(app, a, &p->v.place, "requests", 0, NULL));
	tval_set_text(o, "limits_href",
	    web_place_href(app, a, &p->v.place, "limits", 0, NULL));
	add_keys(o, p);
	add_form(o, p, refused);
	add_answer(o, p, m);
	return web_page_send(app, rq, rs, status, &page_playground, o, e);
}

/* ---- for its script ---- */

static void
write_facts(struct json_out *j, const struct meter *m, struct arena *a)
{
	struct facts f;

	facts_of(m, a, &f);
	json_out_key(j, "facts");
	json_out_array(j);
	for (size_t i = 0; i < f.n; i++) {
		json_out_array(j);
		json_out_str(j, f.v[i].name);
		json_out_str(j, f.v[i].text);
		json_out_array_end(j);
	}
	json_out_array_end(j);
}

static void
write_error(struct json_out *j, const struct playground *p,
    const struct error *refused)
{
	struct str advice = advice_text(p, refused);
	const char *message = refused->public_text[0]
				  ? refused->public_text
				  : err_info(refused->code)->public_text;

	json_out_key(j, "error");
	json_out_object(j);
	json_out_member_str(j, "message",
	    arena_printf(p->v.rq->arena, "%s %" PRI_STR, message,
		STR_ARG(advice)));
	json_out_object_end(j);
}

enum err
playground_json(const struct playground *p, struct response *rs, int status,
    const struct error *refused, const struct meter *m, struct error *e)
{
	struct json_out j;

	response_header(rs, "cache-control", S("no-store"));
	response_json_begin(rs, &j);
	json_out_object(&j);
	if (refused)
		write_error(&j, p, refused);
	if (p->text.p)
		json_out_member_str(&j, "text", p->text);
	if (m)
		write_facts(&j, m, p->v.rq->arena);
	json_out_object_end(&j);
	return response_json(rs, status, &j, e);
}

void
playground_event(const struct playground *p, struct response *rs,
    const struct meter *m)
{
	struct error ignored;
	struct json_out j;
	struct buf b;

	if (m->state != METER_SETTLED || rs->is_client_gone)
		return;
	buf_init(&b, p->v.rq->arena, EVENT_BYTES);
	buf_add(&b, S("data: "));
	json_out_init(&j, &b);
	json_out_object(&j);
	write_facts(&j, m, p->v.rq->arena);
	json_out_object_end(&j);
	buf_add(&b, S("\n\n"));
	/* Whoever left has had the answer, and finds the rest in Requests. */
	if (!b.sticky && response_write(rs, buf_str(&b), &ignored) == OK &&
	    response_flush(rs, &ignored) == OK)
		return;
}
