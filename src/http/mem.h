/* SPDX-License-Identifier: MIT */
/*
 * A transport in memory, for tests: the request comes from arrays, the
 * response is captured, and the client can be made to leave.
 */
#ifndef TG_HTTP_MEM_H
#define TG_HTTP_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "http/conn.h"

struct conn_mem {
	struct conn base;
	struct str body;
	size_t n_read;
	size_t read_max;     /* bytes per read; 0 = no bound */
	bool is_body_broken; /* the body ends in an error */
	size_t gone_after;   /* writes fail beyond this; 0 = never */
	bool is_gone;        /* what is_gone() says */
	int client_fd;       /* what fd() says; -1 unless set */
	char *out;           /* all that was written; malloc */
	size_t n_out, out_cap;
	size_t n_flushes;
};

void conn_mem_init(struct conn_mem *m, struct str body);
void conn_mem_fini(struct conn_mem *m);
/** Everything written: "Status: …" head, empty line, body. */
struct str conn_mem_out(const struct conn_mem *m);
/** The body of what was written; {NULL, 0} when there is no head. */
struct str conn_mem_out_body(const struct conn_mem *m);
/** Value of a response header; {NULL, 0} when absent. */
struct str conn_mem_out_header(const struct conn_mem *m, const char *name);
/** The status that was written; 0 when there is none. */
int conn_mem_out_status(const struct conn_mem *m);

#endif
