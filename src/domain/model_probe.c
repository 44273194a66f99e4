/* SPDX-License-Identifier: MIT */
#include "domain/model_probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char question[] = "GET /healthz HTTP/1.1\r\n"
			       "Host: localhost\r\n"
			       "Connection: close\r\n\r\n";

enum model_probe_news
model_probe_ask(struct model_probe *p, const char *socket_path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const ssize_t n = (ssize_t)sizeof(question) - 1;
	bool is_full;

	if (strlen(socket_path) >= sizeof(to.sun_path))
		return MODEL_PROBE_NOT_HEALTHY;
	memcpy(to.sun_path, socket_path, strlen(socket_path));
	p->n = 0;
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return MODEL_PROBE_NOT_HEALTHY;
	if (connect(p->fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
	    send(p->fd, question, (size_t)n, MSG_NOSIGNAL) == n)
		return MODEL_PROBE_NOTHING_YET;
	is_full = errno == EAGAIN;
	model_probe_drop(p);
	return is_full ? MODEL_PROBE_NO_ANSWER : MODEL_PROBE_NOT_HEALTHY;
}

static bool
is_ok(const struct model_probe *p)
{
	return p->n == sizeof(p->answer) &&
	       memcmp(p->answer, "HTTP/1.", 7) == 0 &&
	       memcmp(p->answer + 8, " 200 ", 5) == 0;
}

enum model_probe_news
model_probe_look(struct model_probe *p)
{
	while (p->n < sizeof(p->answer)) {
		ssize_t got = recv(p->fd, p->answer + p->n,
		    sizeof(p->answer) - p->n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return MODEL_PROBE_NOTHING_YET;
		if (got <= 0)
			break;
		p->n += (size_t)got;
	}
	model_probe_drop(p);
	if (p->n == 0)
		return MODEL_PROBE_NO_ANSWER;
	return is_ok(p) ? MODEL_PROBE_HEALTHY : MODEL_PROBE_NOT_HEALTHY;
}

void
model_probe_drop(struct model_probe *p)
{
	if (p->fd >= 0)
		(void)close(p->fd); /* nothing is kept of it */
	p->fd = -1;
}
