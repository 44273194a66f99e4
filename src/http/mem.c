/* SPDX-License-Identifier: MIT */
#include "http/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static ssize_t
mem_read(struct conn *c, void *p, size_t n)
{
	struct conn_mem *m = (struct conn_mem *)c;
	size_t left = m->body.n - m->n_read;

	if (left == 0)
		return m->is_body_broken ? -1 : 0;
	if (n > left)
		n = left;
	if (m->read_max && n > m->read_max)
		n = m->read_max;
	memcpy(p, m->body.p + m->n_read, n);
	m->n_read += n;
	return (ssize_t)n;
}

static bool
mem_write(struct conn *c, const void *p, size_t n)
{
	struct conn_mem *m = (struct conn_mem *)c;

	if (m->is_gone || (m->gone_after && m->n_out + n > m->gone_after)) {
		m->is_gone = true;
		return false;
	}
	if (m->out_cap - m->n_out < n) {
		m->out_cap = (m->out_cap + n) * 2;
		m->out = realloc(m->out, m->out_cap);
		ASSERT(m->out);
	}
	if (n)
		memcpy(m->out + m->n_out, p, n);
	m->n_out += n;
	return true;
}

static bool
mem_flush(struct conn *c)
{
	struct conn_mem *m = (struct conn_mem *)c;

	m->n_flushes++;
	return !m->is_gone;
}

static int
mem_fd(struct conn *c)
{
	return ((struct conn_mem *)c)->client_fd;
}

static bool
mem_is_gone(struct conn *c)
{
	return ((struct conn_mem *)c)->is_gone;
}

static const struct conn_ops mem_ops = {
	.read = mem_read,
	.write = mem_write,
	.flush = mem_flush,
	.fd = mem_fd,
	.is_gone = mem_is_gone,
};

void
conn_mem_init(struct conn_mem *m, struct str body)
{
	*m = (struct conn_mem){
		.base = { &mem_ops },
		.body = body,
		.client_fd = -1,
	};
}

void
conn_mem_fini(struct conn_mem *m)
{
	free(m->out);
	m->out = NULL;
}

struct str
conn_mem_out(const struct conn_mem *m)
{
	return str_make(m->out, m->n_out);
}

struct str
conn_mem_out_body(const struct conn_mem *m)
{
	struct str out = conn_mem_out(m);
	size_t end = str_find_str(out, S("\r\n\r\n"));

	if (end == out.n)
		return (struct str){ NULL, 0 };
	return str_skip(out, end + 4);
}

struct str
conn_mem_out_header(const struct conn_mem *m, const char *name)
{
	struct str rest = conn_mem_out(m);
	struct str wanted = str_from(name);
	struct str line;

	rest.n = str_find_str(rest, S("\r\n\r\n"));
	while (str_split(&rest, '\n', &line)) {
		size_t colon = str_find(line, ':');

		if (!str_eq_nocase(str_make(line.p, colon), wanted))
			continue;
		line = str_skip(line, colon + 1);
		if (str_ends(line, S("\r")))
			line.n--;
		return str_trim(line);
	}
	return (struct str){ NULL, 0 };
}

int
conn_mem_out_status(const struct conn_mem *m)
{
	uint64_t status;

	if (!str_to_u64(conn_mem_out_header(m, "status"), 100, 599, &status))
		return 0;
	return (int)status;
}
