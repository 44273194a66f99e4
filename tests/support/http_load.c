/* SPDX-License-Identifier: MIT */
/*
 * http_load: closed-loop load and concurrent streams against an HTTP server,
 * measured from one thread; see http_load --help.
 */
#include "http_load.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define TICK_MS    5 /* how often idle and late clients are looked at */

static bool
set_up(struct load *l)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl); /* as many as may be */
	}
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->clients = calloc((size_t)l->opt.clients, sizeof(*l->clients));
	if (l->epoll_fd < 0 || !l->clients) {
		perror("http_load");
		return false;
	}
	l->begin_ns = load_now_ns();
	l->measure_ns = l->begin_ns + (int64_t)l->opt.warmup_ms * 1000000;
	if (l->opt.duration_ms)
		l->end_ns = l->measure_ns +
			    (int64_t)l->opt.duration_ms * 1000000;
	for (uint64_t i = 0; i < l->opt.clients; i++) {
		struct load_client *c = &l->clients[i];
		uint64_t wait_us = l->opt.ramp_ms * 1000 * i / l->opt.clients;
		c->fd = -1;
		c->phase = LOAD_IDLE;
		c->start_at_ns = l->begin_ns + (int64_t)wait_us * 1000;
	}
	return true;
}

/* SIGINT and SIGTERM become readable; data.ptr NULL marks them. */
static bool
watch_signals(struct load *l)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0 || epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		perror("signalfd");
		return false;
	}
	return true;
}

static void
tick(struct load *l, int64_t now_ns)
{
	for (uint64_t i = 0; i < l->opt.clients; i++)
		load_client_tick(l, &l->clients[i], now_ns);
}

static void
run(struct load *l)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t tick_ns = 0;

	while (l->finished_clients < l->opt.clients) {
		int n = epoll_wait(l->epoll_fd, events, EVENTS_MAX, TICK_MS);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				load_client_event(l, events[i].data.ptr);
			else
				return;
		}
		int64_t now_ns = load_now_ns();
		if (now_ns - tick_ns >= TICK_MS * 1000000) {
			tick(l, now_ns);
			tick_ns = now_ns;
		}
	}
}

static int
tear_down(struct load *l)
{
	int rc = 0;

	for (uint64_t i = 0; i < l->opt.clients; i++) {
		if (l->clients[i].fd >= 0)
			(void)close(l->clients[i].fd);
		sbuf_fini(&l->clients[i].out);
		load_response_fini(&l->clients[i].rs);
	}
	if (l->opt.record && fclose(l->opt.record) != 0) {
		perror("http_load: record");
		rc = 1;
	}
	sbuf_fini(&l->opt.head);
	sbuf_fini(&l->opt.body);
	free(l->clients);
	free(l);
	return rc;
}

int
main(int argc, char **argv)
{
	struct load *l = calloc(1, sizeof(*l));

	if (!l)
		return 1;
	if (!load_options_read(argc, argv, &l->opt))
		return 2;
	if (!set_up(l) || !watch_signals(l))
		return 1;
	run(l);
	load_report(l);
	return tear_down(l);
}
