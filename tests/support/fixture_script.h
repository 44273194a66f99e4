/* SPDX-License-Identifier: MIT */
/*
 * A server that plays a script, for what the simulator does not do: one
 * thread, one connection after the other, each answer written as it stands.
 */
#ifndef TG_TESTS_FIXTURE_SCRIPT_H
#define TG_TESTS_FIXTURE_SCRIPT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture_step {
	const char *answer; /* written when a request was read; NULL = end */
	bool closes;        /* afterwards; else the connection is kept */
};

struct fixture_script {
	const struct fixture_step *steps;
	int listen_fd;
	pthread_t thread;
	char url[64];
};

/* Read one request whose body, if any, came with it. */
static inline bool
fixture_script_read(int fd)
{
	char text[4096];
	size_t n = 0;

	while (n < sizeof(text) - 1) {
		ssize_t got = read(fd, text + n, sizeof(text) - 1 - n);

		if (got <= 0)
			return false;
		n += (size_t)got;
		text[n] = '\0';
		if (strstr(text, "\r\n\r\n"))
			return true;
	}
	return false;
}

static inline void *
fixture_script_run(void *arg)
{
	struct fixture_script *s = arg;
	const struct fixture_step *step = s->steps;
	int fd = -1;

	while (step->answer) {
		if (fd < 0)
			fd = accept(s->listen_fd, NULL, NULL);
		if (fd < 0)
			break;
		if (!fixture_script_read(fd)) {
			(void)close(fd);
			fd = -1;
			continue;
		}
		if (write(fd, step->answer, strlen(step->answer)) < 0)
			perror("script");
		if (step->closes) {
			(void)close(fd);
			fd = -1;
		}
		step++;
	}
	if (fd >= 0) {
		/* The client goes first. */
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		(void)poll(&pfd, 1, 5000);
		(void)close(fd);
	}
	return NULL;
}

/* A listening socket on a free port of 127.0.0.1; its URL in ret. */
static inline int
fixture_listen(int backlog, char *ret, size_t cap)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)&addr, sizeof(addr)) ||
	    listen(fd, backlog) || getsockname(fd, (void *)&addr, &len)) {
		perror("listen");
		exit(1);
	}
	(void)snprintf(ret, cap, "http://127.0.0.1:%u/",
	    (unsigned)ntohs(addr.sin_port));
	return fd;
}

static inline void
fixture_script_start(struct fixture_script *s, const struct fixture_step *steps)
{
	s->steps = steps;
	s->listen_fd = fixture_listen(8, s->url, sizeof(s->url));
	if (pthread_create(&s->thread, NULL, fixture_script_run, s))
		exit(1);
}

/* Call it after the client closed its connections. */
static inline void
fixture_script_stop(struct fixture_script *s)
{
	(void)shutdown(s->listen_fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->listen_fd);
}

#endif
