/* SPDX-License-Identifier: MIT */
/* The load tool's command line. */
#include "http_load.h"

#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define CLIENTS_MAX  100000u
#define BODY_MAX     67108864u
#define REQUESTS_MAX 4000000000u
#define MS_MAX       86400000u /* one day */

static const char usage_text[] =
    "usage: http_load [options] http://HOST:PORT/PATH\n"
    "\n"
    "Loads an HTTP/1.1 server from one thread and prints one JSON object.\n"
    "\n"
    "  --mode closed|stream   closed (default): each client sends its next\n"
    "                         request when it has the answer; stream: one\n"
    "                         request for each client, an answer is complete\n"
    "                         when data: [DONE] was seen\n"
    "  --clients N            connections at a time (1)\n"
    "  --duration SECONDS     start no request after this time\n"
    "  --requests N           start no more than N; in stream mode CLIENTS\n"
    "                         unless there is a duration\n"
    "  --warmup SECONDS       don't count what is answered before (0)\n"
    "  --ramp-ms MS           start the clients spread over this time (0)\n"
    "  --timeout-ms MS        of one request (30000)\n"
    "  --stall-ms MS          a longer gap between events is a stall (200)\n"
    "  --abort-after K        leave after K content events\n"
    "  --no-keepalive         a connection for each request\n"
    "  --method NAME          GET, or POST when there is a body\n"
    "  --header 'NAME: VALUE' may be repeated\n"
    "  --headers FILE         its lines are headers, for a request each, in turn\n"
    "  --body FILE            the request's body, or\n"
    "  --data TEXT            the same from the command line\n"
    "  --unix PATH            connect to a unix socket; HOST is only named\n"
    "  --marks                X-Request-Mark: 1, 2, 3, ... on the requests\n"
    "  --record FILE          a line for each answer that had a status and\n"
    "                         was whole or had body bytes: x-request-id (or\n"
    "                         -), status, complete or partial, the mark\n"
    "\n"
    "Times count from the beginning of the request, on a new connection from\n"
    "connect(). Percentiles are within 0.2 %. max_gap_us holds each stream's\n"
    "longest gap between two events. SIGINT and SIGTERM end it early, with\n"
    "its summary. Exit status: 0 ran, 1 could not, 2 usage.\n";

struct reader {
	struct load_options *opt;
	struct sbuf headers;
	const char *url;
	const char *unix_path;
	const char *record;
};

static bool
complain(const char *what, const char *text)
{
	(void)fprintf(stderr, "http_load: %s: %s\n", what, text);
	return false;
}

static bool
read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;

	if (!slice_u64((struct slice){ text, strlen(text) }, max, &v) ||
	    v < min)
		return complain("bad number", text);
	*ret = v;
	return true;
}

/* Seconds with up to three decimals, as ms. */
static bool
read_seconds(const char *text, uint64_t *ret)
{
	size_t n = strcspn(text, ".");
	struct slice whole = { text, n };
	struct slice part = { text + n, strlen(text + n) };
	uint64_t s, ms = 0;

	if (part.n) {
		part.p++;
		part.n--;
		if (part.n > 3 || !slice_u64(part, 999, &ms))
			return complain("bad duration", text);
		for (size_t i = part.n; i < 3; i++)
			ms *= 10;
	}
	if (!slice_u64(whole, MS_MAX / 1000, &s))
		return complain("bad duration", text);
	*ret = s * 1000 + ms;
	return true;
}

static bool
read_file(const char *path, struct sbuf *ret)
{
	FILE *f = fopen(path, "rb");
	char buffer[65536 / 8];
	size_t n;

	if (!f) {
		perror(path);
		return false;
	}
	ret->n = 0;
	while (
	    (n = fread(buffer, 1, sizeof(buffer), f)) > 0 && ret->n <= BODY_MAX)
		sbuf_add(ret, buffer, n);
	bool ok = !ferror(f) && ret->n <= BODY_MAX && !ret->failed;
	(void)fclose(f); /* was only read */
	return ok || complain("can't be read, or too large", path);
}

enum {
	OPT_MODE,
	OPT_CLIENTS,
	OPT_DURATION,
	OPT_REQUESTS,
	OPT_WARMUP,
	OPT_RAMP,
	OPT_TIMEOUT,
	OPT_STALL,
	OPT_ABORT,
	OPT_NO_KEEPALIVE,
	OPT_METHOD,
	OPT_HEADER,
	OPT_HEADERS,
	OPT_BODY,
	OPT_DATA,
	OPT_UNIX,
	OPT_MARKS,
	OPT_RECORD,
	OPT_HELP
};

static const struct option options[] = {
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "clients", required_argument, NULL, OPT_CLIENTS },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "requests", required_argument, NULL, OPT_REQUESTS },
	{ "warmup", required_argument, NULL, OPT_WARMUP },
	{ "ramp-ms", required_argument, NULL, OPT_RAMP },
	{ "timeout-ms", required_argument, NULL, OPT_TIMEOUT },
	{ "stall-ms", required_argument, NULL, OPT_STALL },
	{ "abort-after", required_argument, NULL, OPT_ABORT },
	{ "no-keepalive", no_argument, NULL, OPT_NO_KEEPALIVE },
	{ "method", required_argument, NULL, OPT_METHOD },
	{ "header", required_argument, NULL, OPT_HEADER },
	{ "headers", required_argument, NULL, OPT_HEADERS },
	{ "body", required_argument, NULL, OPT_BODY },
	{ "data", required_argument, NULL, OPT_DATA },
	{ "unix", required_argument, NULL, OPT_UNIX },
	{ "marks", no_argument, NULL, OPT_MARKS },
	{ "record", required_argument, NULL, OPT_RECORD },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static bool
take_number(struct load_options *opt, int which)
{
	switch (which) {
	case OPT_CLIENTS:
		return read_number(optarg, 1, CLIENTS_MAX, &opt->clients);
	case OPT_REQUESTS:
		return read_number(optarg, 1, REQUESTS_MAX, &opt->requests_max);
	case OPT_DURATION:
		return read_seconds(optarg, &opt->duration_ms);
	case OPT_WARMUP:
		return read_seconds(optarg, &opt->warmup_ms);
	case OPT_RAMP:
		return read_number(optarg, 0, MS_MAX, &opt->ramp_ms);
	case OPT_TIMEOUT:
		return read_number(optarg, 1, MS_MAX, &opt->timeout_ms);
	case OPT_STALL:
		return read_number(optarg, 1, MS_MAX, &opt->stall_ms);
	case OPT_ABORT:
		return read_number(optarg, 1, UINT32_MAX, &opt->abort_after);
	default:
		return false;
	}
}

static bool
take_option(struct reader *r, int which)
{
	struct load_options *opt = r->opt;

	switch (which) {
	case OPT_MODE:
		opt->stream = strcmp(optarg, "stream") == 0;
		return opt->stream || strcmp(optarg, "closed") == 0;
	case OPT_NO_KEEPALIVE:
		opt->keepalive = false;
		return true;
	case OPT_MARKS:
		opt->marks = true;
		return true;
	case OPT_METHOD:
		opt->method = optarg;
		return true;
	case OPT_HEADER:
		sbuf_add(&r->headers, optarg, strlen(optarg));
		sbuf_lit(&r->headers, "\r\n");
		return true;
	case OPT_HEADERS:
		opt->headers = fopen(optarg, "r");
		return opt->headers || complain("can't be read", optarg);
	case OPT_BODY:
		return read_file(optarg, &opt->body);
	case OPT_DATA:
		opt->body.n = 0;
		sbuf_add(&opt->body, optarg, strlen(optarg));
		return true;
	case OPT_UNIX:
		r->unix_path = optarg;
		return true;
	case OPT_RECORD:
		r->record = optarg;
		return true;
	case OPT_HELP:
		(void)fputs(usage_text, stdout);
		exit(0);
	default:
		return take_number(opt, which);
	}
}

static bool
resolve_unix(const char *path, struct load_options *opt)
{
	struct sockaddr_un *sa = (void *)&opt->addr;

	if (strlen(path) >= sizeof(sa->sun_path))
		return complain("path too long", path);
	sa->sun_family = AF_UNIX;
	memcpy(sa->sun_path, path, strlen(path) + 1);
	opt->addr_n = sizeof(*sa);
	return true;
}

static bool
resolve_tcp(const char *authority, struct load_options *opt)
{
	const struct addrinfo hints = { .ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	const char *colon = strrchr(authority, ':');
	char *host = strndup(authority,
	    colon ? (size_t)(colon - authority) : strlen(authority));

	if (!host)
		return complain("no memory", authority);
	int rc = getaddrinfo(host, colon ? colon + 1 : "80", &hints, &found);
	free(host);
	if (rc != 0)
		return complain(gai_strerror(rc), authority);
	memcpy(&opt->addr, found->ai_addr, found->ai_addrlen);
	opt->addr_n = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

/* Everything of the request but the mark, the empty line and the body. */
static void
build_head(struct reader *r, struct slice path, struct slice authority)
{
	struct load_options *opt = r->opt;
	struct sbuf *h = &opt->head;

	if (!opt->method)
		opt->method = opt->body.n ? "POST" : "GET";
	sbuf_add(h, opt->method, strlen(opt->method));
	sbuf_lit(h, " ");
	sbuf_add(h, path.p, path.n);
	sbuf_lit(h, " HTTP/1.1\r\nHost: ");
	sbuf_add(h, authority.p, authority.n);
	sbuf_lit(h, "\r\n");
	if (opt->body.n) {
		sbuf_lit(h, "Content-Length: ");
		sbuf_add_u64(h, opt->body.n);
		sbuf_lit(h, "\r\n");
	}
	if (!opt->keepalive)
		sbuf_lit(h, "Connection: close\r\n");
	sbuf_add(h, r->headers.p, r->headers.n);
	sbuf_fini(&r->headers);
}

static bool
take_url(struct reader *r)
{
	const char *rest = r->url + 7;

	if (strncmp(r->url, "http://", 7) != 0)
		return complain("not an http:// URL", r->url);
	size_t n = strcspn(rest, "/");
	char *authority = strndup(rest, n);
	if (!authority)
		return complain("no memory", r->url);
	bool ok = r->unix_path ? resolve_unix(r->unix_path, r->opt)
			       : resolve_tcp(authority, r->opt);
	struct slice path = { rest + n, strlen(rest + n) };
	build_head(r, path.n ? path : SLICE("/"),
	    (struct slice){ authority, n });
	free(authority);
	return ok;
}

bool
load_options_read(int argc, char **argv, struct load_options *ret)
{
	struct reader r = { .opt = ret };
	int which;

	*ret = (struct load_options){ .keepalive = true,
		.clients = 1,
		.timeout_ms = 30000,
		.stall_ms = 200 };
	while ((which = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!take_option(&r, which))
			return complain("see", "http_load --help");
	}
	if (optind + 1 != argc)
		return complain("see", "http_load --help");
	r.url = argv[optind];
	if (!ret->duration_ms && !ret->requests_max)
		ret->requests_max = ret->clients;
	if (!take_url(&r))
		return false;
	ret->record = r.record ? fopen(r.record, "w") : NULL;
	if (r.record && !ret->record) {
		perror(r.record);
		return false;
	}
	return true;
}
