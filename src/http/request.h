/* SPDX-License-Identifier: MIT */
/*
 * One request as the handlers see it: parsed once from the CGI parameters,
 * then only read. Everything it points to lies in its arena, copies of the
 * parameters included. What is ambiguous is refused here (400), so that
 * nothing behind this point has to guess. Spec: RFC 3875 (CGI), RFC 9110.
 */
#ifndef TG_HTTP_REQUEST_H
#define TG_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cidr.h"
#include "base/err.h"
#include "base/str.h"
#include "base/uuid7.h"

struct conn;

/* Longest REQUEST_URI; lighttpd's own default for a header field. */
#define REQUEST_TARGET_MAX     8192
/* CGI parameters of one request, and their bytes. Web servers bound both:
 * lighttpd sends 64 KiB at most, Apache 100 headers of 8 KiB. */
#define REQUEST_N_CGI_MAX      512
#define REQUEST_CGI_BYTES_MAX  KIB(1024)
#define REQUEST_PATH_PARAM_MAX 4

enum http_method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_OTHER,
};

/* One CGI parameter, such as REQUEST_URI or HTTP_COOKIE. */
struct request_cgi {
	struct str name;
	struct str value;
};

struct request {
	struct arena *arena;
	struct conn *conn;

	struct uuid7 id;
	char id_text[UUID7_TEXT_BYTES];
	int64_t start_mono_us; /* when its headers were complete */
	int64_t start_ms;      /* the same on the wall clock */

	enum http_method method;
	struct str method_text;
	struct str target;   /* REQUEST_URI as it came */
	struct str raw_path; /* still percent-encoded; base path removed */
	struct str path;     /* decoded: UTF-8 without control characters,
				"." and ".." segments; for people and logs */
	struct str query;    /* behind the first '?', still encoded */

	/* Values of the route's {names}, decoded, in the route's order. */
	struct str path_param[REQUEST_PATH_PARAM_MAX];
	unsigned n_path_params;
	struct str route; /* the route's path with its {names}; empty = none */

	/* The client's address: REMOTE_ADDR, or what a trusted proxy says.
	 * client_addr is its text, or "unknown" when has_client_ip is false
	 * (a web server on a unix socket of its own, say). */
	struct cidr_addr client_ip;
	bool has_client_ip;
	struct str client_addr;
	bool is_tls;

	bool has_content_length;
	uint64_t content_length; /* as declared; the body decides */

	struct str body; /* empty until the gate has read it */
	bool is_body_read;

	const struct request_cgi *cgi;
	size_t n_cgi;
};

/* What parsing depends on beside the parameters. */
struct request_env {
	struct str base_path; /* "" or "/ai": no slash at the end */
	const struct cidr_list *trusted_proxies;
};

/**
 * Fill rq from CGI parameters.
 *
 * @a        the request's arena; keeps copies of all that is used
 * @cgi      "NAME=value" strings, NULL at the end; the first of two equal
 *           names counts, and those that decide about framing, routing or
 *           identity must not differ
 *
 * Sets id, times, method, path, query, address and lengths; body and route stay
 * empty. On an error rq->id, times, method and cgi are set, so
 * that the refusal can be logged and answered.
 * Errors: ERR_BAD_REQUEST (no or bad REQUEST_URI, CONTENT_LENGTH that is no
 *         number, bad escapes, NUL, control characters, ".." segments);
 *         ERR_NOT_FOUND (outside the base path); ERR_TOO_LARGE.
 * Source: RFC 3875; ../doc/architecture.md "Requests".
 */
enum err request_parse(struct request *rq, struct arena *a,
    const char *const *cgi, const struct request_env *env,
    struct error *e) ATTR_MUST_CHECK;

/** A CGI parameter by its exact name; {NULL, 0} when absent. */
struct str request_cgi(const struct request *rq, const char *name);

/**
 * A header by its name in any case ("content-type"); {NULL, 0} when absent,
 * {non-NULL, 0} when empty. Content-Type and Content-Length are found too.
 */
struct str request_header(const struct request *rq, const char *name);

/**
 * The API key that came with the request: the token of "Authorization:
 * Bearer", else X-API-Key; {NULL, 0} when there is neither. Its shape is
 * not checked.
 */
struct str request_api_key(const struct request *rq);

/** Overwrite the copies of keys and cookies: nothing may ask for them
 * afterwards. */
void request_wipe_credentials(struct request *rq);

/** Whether Content-Type is this media type, parameters aside. */
bool request_has_media_type(const struct request *rq, const char *type);

/** Whether the client prefers HTML: its Accept lists text/html. */
bool request_wants_html(const struct request *rq);

/**
 * Read the body to its end into the arena; done once, by the gate.
 *
 * @max_bytes  more is ERR_TOO_LARGE, found out before it is all read
 *
 * Errors: ERR_TOO_LARGE; ERR_SHORT_BODY when fewer bytes came than
 *         CONTENT_LENGTH said, or it broke off; ERR_BAD_REQUEST when more
 *         came; ERR_NO_MEMORY.
 */
enum err request_read_body(struct request *rq, size_t max_bytes,
    struct error *e) ATTR_MUST_CHECK;

/** "GET", …; METHOD_OTHER gives "OTHER". */
const char *http_method_name(enum http_method m);
enum http_method http_method_parse(struct str s);

#endif
