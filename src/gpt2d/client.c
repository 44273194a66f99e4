/* SPDX-License-Identifier: MIT */
/*
 * Connections, and how long a request may take to arrive on each. What
 * libmicrohttpd bounds is silence: a byte a minute would keep it waiting.
 */
#include "gpt2d/server_priv.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"

static int
socket_of(const struct client *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->conn,
	    MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

struct client *
client_of(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn,
	    MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info->socket_context;
}

/* All have the same time, so the list is in the order of its ends. */
void
client_begin_read(struct client *c)
{
	struct server *s = c->server;

	client_end_read(c);
	c->is_reading = true;
	c->until_ms = clock_mono_ms() + s->opts.read_ms;
	c->next = NULL;
	c->before = s->last_reading;
	if (c->before)
		c->before->next = c;
	else
		s->first_reading = c;
	s->last_reading = c;
}

void
client_end_read(struct client *c)
{
	struct server *s = c->server;

	if (!c->is_reading)
		return;
	c->is_reading = false;
	if (c->before)
		c->before->next = c->next;
	else
		s->first_reading = c->next;
	if (c->next)
		c->next->before = c->before;
	else
		s->last_reading = c->before;
}

void
client_on_connection(void *cls, struct MHD_Connection *conn, void **context,
    enum MHD_ConnectionNotificationCode code)
{
	struct client *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (c)
			client_end_read(c);
		free(c);
		return;
	}
	c = calloc(1, sizeof(*c));
	*context = c; /* without memory its requests are not taken */
	if (!c)
		return;
	c->server = cls;
	c->conn = conn;
	client_begin_read(c);
}

int64_t
client_wait_ms(const struct server *s)
{
	int64_t ms;

	if (!s->first_reading)
		return -1;
	ms = s->first_reading->until_ms - clock_mono_ms();
	return ms > 0 ? ms : 0;
}

/* libmicrohttpd finds the end of what it reads and closes. */
void
client_cut_late(struct server *s)
{
	while (client_wait_ms(s) == 0) {
		struct client *c = s->first_reading;

		client_end_read(c);
		if (c->call)
			call_late(c->call);
		(void)shutdown(socket_of(c), SHUT_RDWR);
	}
}
