/* SPDX-License-Identifier: MIT */
#include "upstream/provider.h"

/* sun_path without its NUL. */
#define UNIX_PATH_MAX_BYTES 107
#define URL_MAX_BYTES       1024

#define OP(id)       (1u << WIRE_##id)
#define OPS_OPENAI   (OP(CHAT) | OP(COMPLETION) | OP(EMBEDDING) | OP(RESPONSE))
#define OPS_MESSAGES (OP(MESSAGE) | OP(COUNT))

static const struct provider_info infos[PROVIDER__N] = {
#define PROVIDER(id, kind_name, op_bits, auth_id, chat) \
 [PROVIDER_##id] = {                                    \
	 .name = kind_name,                             \
	 .ops = op_bits,                                \
	 .auth = PROVIDER_AUTH_##auth_id,               \
	 .limit_member = { [WIRE_CHAT] = chat,          \
	     [WIRE_COMPLETION] = "max_tokens",          \
	     [WIRE_RESPONSE] = "max_output_tokens",     \
	     [WIRE_MESSAGE] = "max_tokens" },           \
 },
#include "upstream/providers.def"
};

/* An operation's part of the path, and what a server without a path of its
 * own has before it. */
#define PATH_PREFIX "/v1"
static const struct str op_paths[] = {
	[WIRE_CHAT] = STR_INIT("/chat/completions"),
	[WIRE_COMPLETION] = STR_INIT("/completions"),
	[WIRE_EMBEDDING] = STR_INIT("/embeddings"),
	[WIRE_RESPONSE] = STR_INIT("/responses"),
	[WIRE_MESSAGE] = STR_INIT("/messages"),
	[WIRE_COUNT] = STR_INIT("/messages/count_tokens"),
	[WIRE_GENERATE] = STR_INIT("/generate"),
};

const struct provider_info *
provider_info(enum provider_kind kind)
{
	if ((unsigned)kind >= ARRAY_LEN(infos) || !infos[kind].name)
		return NULL;
	return &infos[kind];
}

bool
provider_kind_from(struct str name, enum provider_kind *ret)
{
	for (unsigned i = 0; i < ARRAY_LEN(infos); i++) {
		if (!infos[i].name || !str_eq(name, str_from(infos[i].name)))
			continue;
		*ret = (enum provider_kind)i;
		return true;
	}
	return false;
}

enum err
provider_unsupported(enum provider_kind kind, struct error *e)
{
	return error_set(e, ERR_MODEL_DOWN,
	    "providers of kind %u cannot be spoken to yet", (unsigned)kind);
}

/* Behind the scheme; an empty view when it is none of ours. */
static struct str
without_scheme(struct str url)
{
	if (str_starts(url, S("https://")))
		return str_skip(url, 8);
	if (str_starts(url, S("http://")))
		return str_skip(url, 7);
	return (struct str){ NULL, 0 };
}

static bool
is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

/* What is wrong with an address that has no query; NULL: nothing is. */
static const char *
fault_of(struct str url)
{
	struct str rest = str_skip(url, 5), host;

	if (!is_printable(url))
		return "holds a space or special character";
	if (str_starts(url, S("unix:")))
		return str_starts(rest, S("/")) && rest.n <= UNIX_PATH_MAX_BYTES
			   ? NULL
			   : "needs a full path of at most 107 bytes after "
			     "unix:";
	rest = without_scheme(url);
	if (rest.n == 0 || *rest.p == '/' || *rest.p == ':')
		return "must begin with https://, http:// or unix:/";
	if (url.n > URL_MAX_BYTES)
		return "is too long";
	if (str_find(url, '?') < url.n || str_find(url, '#') < url.n)
		return "must not have a query or fragment";
	host = str_make(rest.p, str_find(rest, '/'));
	if (str_find(host, '@') < host.n)
		return "must not hold a user or password";
	return NULL;
}

enum err
provider_check_url(struct str base_url, struct error *e)
{
	const char *fault = fault_of(base_url);

	return fault ? error_public(e, ERR_BAD_PARAM, "base_url",
			   "The address %s.", fault)
		     : OK;
}

/* Whose part base_url ends with already; WIRE_OP__MAX when nobody's. */
static enum wire_op
op_at_end(struct str base_url)
{
	/* The longer part first: one is the other's ending. */
	for (unsigned i = 0; i < WIRE_OP__MAX; i++)
		if (str_ends(base_url, op_paths[i]))
			return (enum wire_op)i;
	return WIRE_OP__MAX;
}

static struct str
without_query(struct str url)
{
	return str_make(url.p, str_find(url, '?'));
}

enum wire_op
provider_url_op(struct str url)
{
	return op_at_end(without_query(url));
}

/* And of one that may have a query. */
static const char *
exact_fault_of(struct str api_url)
{
	struct str path = without_query(api_url), host = without_scheme(path);
	bool has_query = path.n < api_url.n;
	const char *fault = fault_of(path);

	if (fault)
		return fault;
	if (!is_printable(api_url))
		return "holds a space or special character";
	if (api_url.n > URL_MAX_BYTES)
		return "is too long";
	if (str_find(api_url, '#') < api_url.n)
		return "must not have a fragment";
	if (has_query && str_starts(api_url, S("unix:")))
		return "must not have a query after unix:/path";
	if (has_query && str_find(host, '/') == host.n)
		return "has a query but no path: a / belongs before the ?";
	return NULL;
}

enum err
provider_check_api_url(struct str api_url, struct error *e)
{
	const char *fault = exact_fault_of(api_url);

	return fault ? error_public(e, ERR_BAD_PARAM, "api_url",
			   "'api_url' %s.", fault)
		     : OK;
}

enum provider_kind
provider_url_kind(struct str url)
{
	switch (provider_url_op(url)) {
	case WIRE_CHAT:
	case WIRE_COMPLETION:
	case WIRE_EMBEDDING:
	case WIRE_RESPONSE:
		return PROVIDER_OPENAI;
	case WIRE_MESSAGE:
		return PROVIDER_ANTHROPIC;
	case WIRE_COUNT:    /* counting is not serving */
	case WIRE_GENERATE: /* tells nothing by itself */
	case WIRE_OP__MAX:
		break;
	}
	return PROVIDER__N;
}

enum wire_op
provider_exact_op(enum provider_kind kind, struct str api_url)
{
	enum wire_op given = provider_url_op(api_url);

	if (str_starts(api_url, S("unix:")))
		return WIRE_OP__MAX;
	/* Others have a path of that name, too. */
	if (given == WIRE_GENERATE && kind != PROVIDER_HUGGINGFACE)
		given = WIRE_OP__MAX;
	if (given != WIRE_OP__MAX)
		return given;
	if (kind == PROVIDER_ANTHROPIC)
		return WIRE_MESSAGE;
	return kind == PROVIDER_HUGGINGFACE ? WIRE_GENERATE : WIRE_CHAT;
}

static enum err
wrong_op(struct error *e)
{
	return error_public(e, ERR_UNSUPPORTED_PARAM, "model",
	    "This model does not serve this kind of request.");
}

enum err
provider_target_exact(struct arena *a, enum provider_kind kind,
    struct str api_url, enum wire_op op, struct provider_target *ret,
    struct error *e)
{
	struct provider_target t = { NULL, NULL };
	enum wire_op served = provider_exact_op(kind, api_url);
	enum err err = provider_check_api_url(api_url, e);

	if (err)
		return err;
	if (served == WIRE_OP__MAX)
		return provider_target(a, api_url, op, ret, e);
	if (served != op)
		return wrong_op(e);
	t.url = arena_cstr(a, api_url);
	if (!t.url)
		return error_arena(e, a);
	*ret = t;
	return OK;
}

enum err
provider_check_key(struct str key, struct error *e)
{
	if (key.n <= PROVIDER_KEY_BYTES && is_printable(key))
		return OK;
	return error_public(e, ERR_BAD_PARAM, "api_key",
	    "'api_key' must not be longer than %d bytes and must not hold "
	    "spaces or special characters.",
	    PROVIDER_KEY_BYTES);
}

enum err
provider_target(struct arena *a, struct str base_url, enum wire_op op,
    struct provider_target *ret, struct error *e)
{
	struct provider_target t = { NULL, NULL };
	const char *prefix = op == WIRE_GENERATE ? "" : PATH_PREFIX;
	struct str base = base_url, path;
	enum wire_op given;
	enum err err = provider_check_url(base_url, e);

	if (err)
		return err;
	if (str_starts(base_url, S("unix:"))) {
		t.unix_path = arena_cstr(a, str_skip(base_url, 5));
		if (!t.unix_path)
			return error_arena(e, a);
		base = S("http://localhost");
	}
	while (str_ends(base, S("/")))
		base.n--;
	given = op_at_end(base);
	if (given != WIRE_OP__MAX && given != op)
		return wrong_op(e);
	path = without_scheme(base);
	t.url = arena_printf(a, "%" PRI_STR "%s%s", STR_ARG(base),
	    str_find(path, '/') == path.n ? prefix : "",
	    given == op ? "" : op_paths[op].p)
		    .p;
	if (!t.url)
		return error_arena(e, a);
	*ret = t;
	return OK;
}

enum err
provider_auth_line(struct arena *a, enum provider_kind kind, struct str key,
    const char **ret, struct error *e)
{
	const struct provider_info *info = provider_info(kind);
	const char *line = NULL;

	if (!info)
		return provider_unsupported(kind, e);
	if (key.n == 0) {
		*ret = NULL;
		return OK;
	}
	if (!is_printable(key))
		return error_set(e, ERR_CONFIG,
		    "a provider's key holds a space or special character");
	switch (info->auth) {
	case PROVIDER_AUTH_X_API_KEY:
		line = arena_printf(a, "x-api-key: %" PRI_STR, STR_ARG(key)).p;
		break;
	case PROVIDER_AUTH_BEARER:
		line = arena_printf(a, "Authorization: Bearer %" PRI_STR,
		    STR_ARG(key))
			   .p;
		break;
	}
	if (!line)
		return error_arena(e, a);
	*ret = line;
	return OK;
}
