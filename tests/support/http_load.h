/* SPDX-License-Identifier: MIT */
/*
 * The load tool's own types.  One thread, one epoll loop; a client is a
 * connection that sends a request, reads its answer and goes on.
 */
#ifndef TG_SUPPORT_HTTP_LOAD_H
#define TG_SUPPORT_HTTP_LOAD_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#include "hist.h"
#include "sbuf.h"

#define LOAD_HEAD_MAX 65536u    /* bytes of a response head */
#define LOAD_LINE_MAX 16777216u /* bytes of an SSE line */
#define LOAD_STATUS_N 600

struct load_options {
	bool stream;
	bool keepalive;
	bool marks;
	uint64_t clients;
	uint64_t requests_max; /* of all clients together, 0: no limit */
	uint64_t duration_ms;  /* 0: until requests_max */
	uint64_t warmup_ms;
	uint64_t ramp_ms; /* clients start spread over this time */
	uint64_t timeout_ms;
	uint64_t stall_ms;
	uint64_t abort_after; /* events, 0: never */
	struct sbuf head;     /* request line and headers, no empty line */
	struct sbuf body;
	struct sockaddr_storage addr;
	socklen_t addr_n;
	const char *method;
	FILE *headers; /* a line for each request, again from the beginning */
	FILE *record;
};

enum load_phase {
	LOAD_IDLE,
	LOAD_CONNECTING,
	LOAD_SENDING,
	LOAD_READING,
	LOAD_FINISHED
};

enum load_framing {
	FRAME_LENGTH,
	FRAME_CHUNKED,
	FRAME_CLOSE
};

/** A response as it is parsed. */
struct load_response {
	struct sbuf head;
	struct sbuf line;        /* chunk-size line or SSE line under way */
	struct slice request_id; /* in head */
	unsigned status;
	enum load_framing framing;
	bool has_head;
	bool is_sse;
	bool complete;
	bool closes;
	bool done_seen; /* data: [DONE] */
	uint64_t left;  /* bytes of the body or chunk */
	enum {
		CHUNK_SIZE,
		CHUNK_DATA,
		CHUNK_END,
		CHUNK_TRAILER
	} chunk;
	struct sbuf chunk_line;
	uint64_t body_n;
	uint64_t events;
	uint64_t content_events;
	uint64_t gap_max_us;
	int64_t first_byte_ns;
	int64_t first_event_ns;
	int64_t last_event_ns;
};

enum load_error {
	LOAD_E_CONNECT,
	LOAD_E_CLOSED,
	LOAD_E_TIMEOUT,
	LOAD_E_PARSE,
	LOAD_E_N
};

struct load_client {
	int fd;
	enum load_phase phase;
	bool reused;         /* the connection has answered before */
	int64_t start_at_ns; /* when an idle client goes on */
	int64_t t0_ns;       /* connect or send began */
	int64_t sent_ns;     /* the request was handed to the kernel */
	uint64_t mark;
	struct sbuf out;
	size_t out_at;
	struct load_response rs;
};

struct load {
	struct load_options opt;
	struct load_client *clients;
	int epoll_fd;
	int64_t begin_ns;
	int64_t measure_ns; /* end of the warm-up */
	int64_t end_ns;     /* no request starts after this; 0: no end */
	uint64_t started;
	uint64_t finished_clients;
	/* counted within the measured time */
	uint64_t answered;
	uint64_t completed;
	uint64_t failed;
	uint64_t aborted;
	uint64_t connects;
	uint64_t retried; /* a kept connection was closed under a request */
	uint64_t errors[LOAD_E_N];
	uint64_t statuses[LOAD_STATUS_N];
	uint64_t events;
	uint64_t content_events;
	uint64_t done;
	uint64_t stalled;
	int64_t last_ns; /* last counted answer */
	struct hist latency_us;
	struct hist ttfb_us;
	struct hist first_event_us;
	struct hist gap_us;
};

/* http_load_options.c */

/** Read the command line; exits by itself on --help.  False: bad usage. */
bool load_options_read(int argc, char **argv, struct load_options *ret);

/* http_load_response.c */

/** Ready for the next response; keeps the buffers. */
void load_response_reset(struct load_response *rs);

void load_response_fini(struct load_response *rs);

/**
 * Take bytes that arrived at now_ns.  False: not HTTP.  rs->complete is set
 * at the end of the response.
 */
bool load_response_feed(struct load_response *rs, const char *p, size_t n,
    int64_t now_ns);

/* http_load_client.c */

/** Start or go on with a client; it waits for epoll when it returns. */
void load_client_start(struct load *l, struct load_client *c, int64_t now_ns);

void load_client_event(struct load *l, struct load_client *c);

/** Give up on requests that last too long, start idle clients that are due. */
void load_client_tick(struct load *l, struct load_client *c, int64_t now_ns);

int64_t load_now_ns(void);

/* http_load_report.c */

/** The summary as one JSON object on stdout. */
void load_report(const struct load *l);

#endif
