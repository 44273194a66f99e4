/* SPDX-License-Identifier: MIT */
/* CGI parameters, one a line ("NAME=value"), then an empty line and the
 * body: what is accepted keeps the promises of http/request.h. */
#include "fuzz/fuzz.h"

#include "base/arena.h"
#include "http/cookie.h"
#include "http/mem.h"
#include "http/request.h"
#include "http/route_match.h"

#define LINES_MAX (REQUEST_N_CGI_MAX + 2)
#define BODY_MAX  KIB(4)

static const struct route_pattern table[] = {
	{ METHOD_GET, "/a/{x}" },
	{ METHOD_POST, "/a/{x}/b" },
	{ METHOD_GET, "/{p}/{q}/{r}/{s}/{t}" },
};

/* Lines as strings of their own; the rest of the input is the body. */
static struct str
cut_lines(struct arena *a, struct str text, const char **cgi)
{
	struct str line;
	size_t n = 0;

	while (str_split(&text, '\n', &line) && line.n > 0)
		if (n < LINES_MAX - 1 && arena_cstr(a, line))
			cgi[n++] = arena_cstr(a, line);
	cgi[n] = NULL;
	return text;
}

static void
check_accepted(const struct request *rq)
{
	ASSERT(rq->path.n > 0 && rq->path.p[0] == '/');
	ASSERT(rq->raw_path.n > 0 && rq->raw_path.p[0] == '/');
	ASSERT(str_is_utf8(rq->path));
	ASSERT(str_find_str(rq->path, S("/../")) == rq->path.n);
	for (size_t i = 0; i < rq->path.n; i++)
		ASSERT((unsigned char)rq->path.p[i] >= ' ');
	ASSERT(rq->client_addr.n > 0);
}

static void
use(struct request *rq, struct str body)
{
	struct route_hit hit;
	struct conn_mem m;
	struct error e;
	enum err code = route_match(table, ARRAY_LEN(table), rq->method,
	    rq->raw_path, rq->arena, &hit, &e);

	ASSERT(code == OK || code == ERR_NOT_FOUND || code == ERR_METHOD);
	ASSERT(hit.n_params <= REQUEST_PATH_PARAM_MAX);
	(void)cookie_get(rq, "sid");
	(void)request_api_key(rq);
	(void)request_wants_html(rq);
	(void)request_has_media_type(rq, "application/json");
	conn_mem_init(&m, body);
	rq->conn = &m.base;
	code = request_read_body(rq, BODY_MAX, &e);
	ASSERT(code != OK || str_eq(rq->body, body));
	conn_mem_fini(&m);
	request_wipe_credentials(rq);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cidr any = { .n_bits = 0 };
	struct cidr_list trusted = { &any, 1 };
	struct request_env env = { S(""), &trusted };
	struct arena a;
	struct request rq;
	struct error e;
	const char **cgi;
	struct str body;
	enum err code;

	arena_init(&a, MIB(8));
	cgi = arena_array(&a, const char *, LINES_MAX);
	body = cut_lines(&a, str_make((const char *)p, n), cgi);
	code = request_parse(&rq, &a, cgi, &env, &e);
	if (code == OK) {
		check_accepted(&rq);
		use(&rq, body);
	} else {
		ASSERT(code == ERR_BAD_REQUEST || code == ERR_TOO_LARGE ||
		       code == ERR_NOT_FOUND || code == ERR_NO_MEMORY);
	}
	arena_fini(&a);
	return 0;
}
