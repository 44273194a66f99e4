/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "http/request_priv.h"
#include "http/url.h"

static const char *const method_names[] = {
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
	[METHOD_OTHER] = "OTHER",
};

/* Parameters on which framing, routing or identity rests. Two values that
 * differ mean that somebody is playing with us. */
static const struct str decisive[] = {
	STR_INIT("REQUEST_METHOD"),
	STR_INIT("REQUEST_URI"),
	STR_INIT("CONTENT_LENGTH"),
	STR_INIT("REMOTE_ADDR"),
	STR_INIT("HTTPS"),
	STR_INIT("HTTP_AUTHORIZATION"),
	STR_INIT("HTTP_X_API_KEY"),
};

const char *
http_method_name(enum http_method m)
{
	return method_names[m];
}

enum http_method
http_method_parse(struct str s)
{
	for (unsigned m = METHOD_GET; m < METHOD_OTHER; m++)
		if (str_eq(s, str_from(method_names[m])))
			return (enum http_method)m;
	return METHOD_OTHER;
}

/* Copy the parameters into the arena, as one block of text. */
static enum err
copy_cgi(struct request *rq, const char *const *cgi, struct error *e)
{
	struct request_cgi *v;
	size_t n = 0, total = 0;
	char *text;

	for (const char *const *p = cgi; *p; p++) {
		n++;
		total += strlen(*p) + 1;
		if (n > REQUEST_N_CGI_MAX || total > REQUEST_CGI_BYTES_MAX)
			return error_set(e, ERR_TOO_LARGE, "too many headers");
	}
	v = arena_array(rq->arena, struct request_cgi, n);
	text = arena_alloc(rq->arena, total);
	if (!v || !text)
		return error_arena(e, rq->arena);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(cgi[i]);
		struct str s = { memcpy(text, cgi[i], len + 1), len };
		size_t eq = str_find(s, '=');

		v[i].name = str_make(s.p, eq);
		v[i].value = str_skip(s, eq + 1);
		text += len + 1;
	}
	rq->cgi = v;
	rq->n_cgi = n;
	return OK;
}

struct str
request_cgi(const struct request *rq, const char *name)
{
	struct str wanted = str_from(name);

	for (size_t i = 0; i < rq->n_cgi; i++)
		if (str_eq(rq->cgi[i].name, wanted))
			return rq->cgi[i].value;
	return (struct str){ NULL, 0 };
}

static enum err
refuse_contradictions(const struct request *rq, struct error *e)
{
	for (size_t d = 0; d < ARRAY_LEN(decisive); d++) {
		const struct str *first = NULL;

		for (size_t i = 0; i < rq->n_cgi; i++) {
			if (!str_eq(rq->cgi[i].name, decisive[d]))
				continue;
			if (first && !str_eq(*first, rq->cgi[i].value))
				return error_set(e, ERR_BAD_REQUEST,
				    "two values of %s", decisive[d].p);
			first = &rq->cgi[i].value;
		}
	}
	return OK;
}

/* Whether a CGI name is that of a header: HTTP_CONTENT_TYPE for
 * content-type. */
static bool
is_name_of(struct str cgi_name, const char *header, size_t n)
{
	if (cgi_name.n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = header[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (c == '-')
			c = '_';
		if (cgi_name.p[i] != c)
			return false;
	}
	return true;
}

struct str
request_header(const struct request *rq, const char *name)
{
	size_t n = strlen(name);

	/* RFC 3875, 4.1.2 and 4.1.3: these two have no HTTP_ in front. */
	if (str_eq_nocase(str_make(name, n), S("content-type")))
		return request_cgi(rq, "CONTENT_TYPE");
	if (str_eq_nocase(str_make(name, n), S("content-length")))
		return request_cgi(rq, "CONTENT_LENGTH");
	for (size_t i = 0; i < rq->n_cgi; i++) {
		struct str cgi_name = rq->cgi[i].name;

		if (str_starts(cgi_name, S("HTTP_")) &&
		    is_name_of(str_skip(cgi_name, 5), name, n))
			return rq->cgi[i].value;
	}
	return (struct str){ NULL, 0 };
}

static enum err
parse_length(struct request *rq, struct error *e)
{
	struct str text = request_cgi(rq, "CONTENT_LENGTH");

	/* RFC 3875, 4.1.2: absent or empty when there is no body. */
	if (text.n == 0)
		return OK;
	if (!str_to_u64(text, 0, INT64_MAX, &rq->content_length))
		return error_public(e, ERR_BAD_REQUEST, NULL,
		    "Content-Length is not a number.");
	rq->has_content_length = true;
	return OK;
}

enum err
request_parse(struct request *rq, struct arena *a, const char *const *cgi,
    const struct request_env *env, struct error *e)
{
	enum err code;

	*rq = (struct request){
		.arena = a,
		.start_mono_us = clock_mono_us(),
		.start_ms = clock_now_ms(),
		.client_addr = S("unknown"),
		.method = METHOD_OTHER,
	};
	rq->id = uuid7_new(rq->start_ms);
	uuid7_format(&rq->id, rq->id_text);
	code = copy_cgi(rq, cgi, e);
	if (code)
		return code;
	rq->method_text = request_cgi(rq, "REQUEST_METHOD");
	rq->method = http_method_parse(rq->method_text);
	request_find_client(rq, env);
	code = refuse_contradictions(rq, e);
	if (code)
		return code;
	code = parse_length(rq, e);
	return code ? code : request_parse_target(rq, env, e);
}

struct str
request_api_key(const struct request *rq)
{
	/* Apache hands the header on under the second name after an
	 * internal redirect. */
	static const char *const names[] = {
		"HTTP_AUTHORIZATION",
		"REDIRECT_HTTP_AUTHORIZATION",
	};
	const struct str scheme = S("bearer ");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str value = str_trim(request_cgi(rq, names[i]));

		if (value.n > scheme.n &&
		    str_eq_nocase(str_make(value.p, scheme.n), scheme))
			return str_trim(str_skip(value, scheme.n));
	}
	return str_trim(request_cgi(rq, "HTTP_X_API_KEY"));
}

void
request_wipe_credentials(struct request *rq)
{
	static const struct str names[] = {
		STR_INIT("HTTP_AUTHORIZATION"),
		STR_INIT("REDIRECT_HTTP_AUTHORIZATION"),
		STR_INIT("HTTP_X_API_KEY"),
		STR_INIT("HTTP_COOKIE"),
	};

	for (size_t i = 0; i < rq->n_cgi; i++) {
		struct str value = rq->cgi[i].value;

		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			if (str_eq(rq->cgi[i].name, names[k]))
				secret_wipe((void *)(uintptr_t)value.p,
				    value.n);
	}
}

bool
request_has_media_type(const struct request *rq, const char *type)
{
	struct str value = request_header(rq, "content-type");

	value.n = str_find(value, ';');
	return str_eq_nocase(str_trim(value), str_from(type));
}

bool
request_wants_html(const struct request *rq)
{
	struct str rest = request_header(rq, "accept");
	struct str piece;

	while (str_split(&rest, ',', &piece)) {
		piece.n = str_find(piece, ';');
		if (str_eq_nocase(str_trim(piece), S("text/html")))
			return true;
	}
	return false;
}
