/* SPDX-License-Identifier: MIT */
/* The header lines that go to a provider. Of the client's own none does but
 * what is let through here. */
#include "handler/forward_priv.h"

#include "domain/catalogue.h"

/* Source: Anthropic's API reference, versions; what each changed is in its
 * migration guide, read 2026-11. */
static const struct forward_version versions[] = {
	{ STR_INIT("2023-06-01"), true },
	{ STR_INIT("2026-10-21"), false },
};

bool
forward_version_of(const struct request *rq, struct forward_version *ret)
{
	struct str sent = request_header(rq, "anthropic-version");

	*ret = versions[0];
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		if (!str_eq(sent, versions[i].name))
			continue;
		*ret = versions[i];
		return true;
	}
	return !sent.p;
}

/* Whether an operator lets this beta through. */
static bool
is_allowed(const struct conf *conf, struct str beta)
{
	struct str list = str_from(conf_text(conf, CONF_UPSTREAM_BETAS)), item;

	while (str_split(&list, ',', &item))
		if (str_eq(str_trim(item), beta))
			return true;
	return false;
}

/* "anthropic-beta: …" with those of the client's betas that are allowed;
 * empty: none is. */
static struct str
beta_line(struct attempt *at)
{
	struct str sent = request_header(at->rq, "anthropic-beta"), beta;
	bool has_any = false;
	struct buf b;

	if (!sent.n)
		return S("");
	buf_init(&b, at->rs->arena, sent.n + KIB(1));
	buf_add(&b, S("anthropic-beta: "));
	while (str_split(&sent, ',', &beta)) {
		beta = str_trim(beta);
		if (beta.n == 0 || !is_allowed(at->app->conf, beta))
			continue;
		buf_add(&b, has_any ? S(",") : S(""));
		buf_add(&b, beta);
		has_any = true;
	}
	buf_add_char(&b, '\0');
	return has_any ? buf_str(&b) : S("");
}

static void
add(struct forward_headers *to, const char *line)
{
	ASSERT(to->n < FORWARD_HEADERS_MAX);
	to->line[to->n++] = line;
}

enum err
forward_headers_make(struct attempt *at, struct forward_headers *ret,
    struct error *e)
{
	const struct catalogue_provider *provider = at->deployment->provider;
	struct arena *a = at->rs->arena;
	struct forward_headers to = { .n = 0 };
	struct forward_version version;
	struct str betas;

	add(&to, "Content-Type: application/json");
	add(&to, arena_printf(a, "x-request-id: %s", at->rq->id_text).p);
	if (provider->auth_line)
		add(&to, provider->auth_line);
	if (at->p->op == WIRE_MESSAGE || at->p->op == WIRE_COUNT) {
		(void)forward_version_of(at->rq, &version);
		add(&to, arena_printf(a, "anthropic-version: %" PRI_STR,
			     STR_ARG(version.name))
			     .p);
		betas = beta_line(at);
		if (betas.n)
			add(&to, betas.p);
	}
	if (a->sticky)
		return error_arena(e, a);
	*ret = to;
	return OK;
}
