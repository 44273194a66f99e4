/* SPDX-License-Identifier: MIT */
#include "gpt2d/server_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define EVENTS_MAX        64
/* A client that neither sends nor takes anything for so long is cut; one
 * whose answer isn't ready yet doesn't count. */
#define IDLE_S            75U
/* Connections besides those whose answers run or wait: idle ones, and those
 * that are told that the queue is full. Beyond them clients wait unanswered. */
#define EXTRA_CONNECTIONS 4096
/* After a cut: for the last bytes to leave. */
#define CUT_MS            1000

/* ---- wake-ups from other threads ---- */

static void
ring(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static uint64_t
answer_bell(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n) ? n : 0;
}

void
server_wake_call(void *ctx, bool is_over)
{
	struct call *c = ctx;
	struct server *s = c->server;
	bool is_first;

	(void)pthread_mutex_lock(&s->wake_lock);
	is_first = !s->woken && !s->is_load_over;
	c->is_woken_over |= is_over;
	if (!c->is_woken) {
		c->is_woken = true;
		c->wake_next = NULL;
		*s->woken_end = c;
		s->woken_end = &c->wake_next;
	}
	(void)pthread_mutex_unlock(&s->wake_lock);
	if (is_first)
		ring(s->wake_fd);
}

void
server_wake_loaded(void *ctx)
{
	struct server *s = ctx;

	(void)pthread_mutex_lock(&s->wake_lock);
	s->is_load_over = true;
	(void)pthread_mutex_unlock(&s->wake_lock);
	ring(s->wake_fd);
}

void
server_stop(struct server *s)
{
	ring(s->stop_fd);
}

static struct call *
next_woken(struct server *s, bool *ret_is_over)
{
	struct call *c;

	(void)pthread_mutex_lock(&s->wake_lock);
	c = s->woken;
	if (c) {
		s->woken = c->wake_next;
		if (!s->woken)
			s->woken_end = &s->woken;
		c->is_woken = false;
		*ret_is_over = c->is_woken_over;
	}
	(void)pthread_mutex_unlock(&s->wake_lock);
	return c;
}

static void
take_wakes(struct server *s)
{
	bool is_load_over, is_over = false;
	struct call *c = next_woken(s, &is_over);

	for (; c; c = next_woken(s, &is_over))
		call_news(c, is_over);
	(void)pthread_mutex_lock(&s->wake_lock);
	is_load_over = s->is_load_over;
	s->is_load_over = false;
	(void)pthread_mutex_unlock(&s->wake_lock);
	for (c = is_load_over ? s->calls : NULL; c; c = c->next)
		if (c->stage == CALL_LOADING)
			call_resume(c);
}

/* ---- the watch ---- */

static bool
watch_fd(struct server *s, int fd, void *tag)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = tag };

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

int
server_socket_of(const struct call *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->conn,
	    MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

void
server_watch(struct server *s, struct call *c)
{
	struct epoll_event ev = { .events = EPOLLRDHUP, .data.ptr = c };

	if (!c->is_watched && !c->has_left)
		c->is_watched = epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD,
				    server_socket_of(c), &ev) == 0;
}

void
server_unwatch(struct server *s, struct call *c)
{
	struct epoll_event unused = { .events = 0 };

	if (c->is_watched)
		(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, server_socket_of(c),
		    &unused);
	c->is_watched = false;
}

/* ---- its life ---- */

static void
log_library(void *cls, const char *fmt, va_list ap)
{
	char text[256];

	(void)cls;
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut */
	log_event(LOG_LEVEL_DEBUG, "microhttpd", "%s", text);
}

static enum err
start_daemon(struct server *s, struct error *e)
{
	const union MHD_DaemonInfo *info;

	s->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
				      MHD_USE_ERROR_LOG,
	    0, NULL, NULL, call_on_request, s, MHD_OPTION_EXTERNAL_LOGGER,
	    log_library, NULL, MHD_OPTION_LISTEN_SOCKET, s->opts.listen->fd,
	    MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned)(s->opts.batch_max + s->opts.queue_max +
		       EXTRA_CONNECTIONS),
	    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_NOTIFY_COMPLETED,
	    call_on_completed, NULL, MHD_OPTION_NOTIFY_CONNECTION,
	    client_on_connection, s, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
	    MHD_OPTION_END);
	if (!s->mhd)
		return error_set(e, ERR_IO, "libmicrohttpd does not start");
	info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || !watch_fd(s, info->epoll_fd, s->mhd))
		return error_set(e, ERR_IO, "libmicrohttpd has no epoll set");
	return OK;
}

enum err
server_new(const struct server_options *opts, struct server **ret,
    struct error *e)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s)
		return error_set(e, ERR_NO_MEMORY, "no memory for the server");
	s->opts = *opts;
	s->is_loopback = !opts->listen->file.path;
	s->woken_end = &s->woken;
	s->created_s = clock_now_ms() / 1000;
	(void)pthread_mutex_init(&s->wake_lock, NULL); /* Linux: cannot fail */
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->wake_fd < 0 || s->stop_fd < 0 ||
	    !watch_fd(s, s->wake_fd, &s->wake_fd) ||
	    !watch_fd(s, s->stop_fd, &s->stop_fd))
		(void)error_errno(e, ERR_IO, "epoll");
	else if (start_daemon(s, e) == OK) {
		*ret = s;
		return OK;
	}
	server_free(s);
	return e->code;
}

static void
stop_listening(struct server *s)
{
	if (s->is_draining)
		return;
	listen_unlink(s->opts.listen);
	if (s->mhd)
		(void)MHD_quiesce_daemon(s->mhd);
	(void)close(s->opts.listen->fd);
	s->opts.listen->fd = -1;
}

void
server_free(struct server *s)
{
	if (!s)
		return;
	stop_listening(s);
	if (s->mhd)
		MHD_stop_daemon(s->mhd);
	if (s->epoll_fd >= 0)
		(void)close(s->epoll_fd);
	if (s->wake_fd >= 0)
		(void)close(s->wake_fd);
	if (s->stop_fd >= 0)
		(void)close(s->stop_fd);
	(void)pthread_mutex_destroy(&s->wake_lock);
	free(s);
}

/* ---- the loop ---- */

static void
drain(struct server *s)
{
	listen_unlink(s->opts.listen);
	(void)MHD_run(s->mhd); /* whoever has connected already */
	stop_listening(s);
	s->is_draining = true;
	s->drain_end_ms = clock_mono_ms() + s->opts.drain_ms;
	log_event(LOG_LEVEL_INFO, "draining", "what runs may finish");
}

/* Every job ends now, and everybody who waits is told. */
static void
cut(struct server *s)
{
	struct error e;

	log_event(LOG_LEVEL_WARN, "drain_cut", "open requests are cut");
	s->drain_end_ms = clock_mono_ms() + CUT_MS;
	s->is_cut = true;
	if (loader_state(s->opts.loader) == LOADER_READY)
		loader_end_jobs(s->opts.loader);
	error_clear(&e);
	(void)error_set(&e, ERR_SHUTTING_DOWN, "cut");
	for (struct call *c = s->calls; c; c = c->next)
		call_refuse_loading(c, &e);
	take_wakes(s);
}

static void
stop(struct server *s, uint64_t n_times)
{
	bool was_draining = s->is_draining;

	if (!was_draining && n_times)
		drain(s);
	if (!s->is_cut && (was_draining ? n_times > 0 : n_times > 1))
		cut(s);
}

/* Of two times to wait, each of which may be none (below 0). */
static int64_t
sooner_ms(int64_t a_ms, int64_t b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

static int
wait_ms(struct server *s)
{
	MHD_UNSIGNED_LONG_LONG library_ms;
	int64_t ms = client_wait_ms(s);

	if (MHD_get_timeout(s->mhd, &library_ms) == MHD_YES)
		ms = sooner_ms(ms, library_ms > IDLE_S * 1000
				       ? IDLE_S * 1000
				       : (int64_t)library_ms);
	if (s->is_draining) {
		int64_t left_ms = s->drain_end_ms - clock_mono_ms();

		ms = sooner_ms(ms, left_ms > 0 ? left_ms : 0);
	}
	return (int)(ms < INT32_MAX ? ms : INT32_MAX);
}

static void
run_once(struct server *s)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, wait_ms(s));
	uint64_t n_stops = 0;

	for (int i = 0; i < n; i++) {
		void *tag = events[i].data.ptr;

		if (tag == &s->wake_fd)
			(void)answer_bell(s->wake_fd);
		else if (tag == &s->stop_fd)
			n_stops = answer_bell(s->stop_fd);
		else if (tag != s->mhd)
			call_left(tag);
	}
	/* No call is freed before this. */
	take_wakes(s);
	(void)MHD_run(s->mhd);
	client_cut_late(s);
	stop(s, n_stops);
}

static bool
has_ended(struct server *s)
{
	if (!s->is_draining)
		return false;
	if (!s->calls)
		return true;
	if (clock_mono_ms() < s->drain_end_ms)
		return false;
	if (s->is_cut)
		return true;
	cut(s);
	return false;
}

void
server_run(struct server *s)
{
	while (!has_ended(s))
		run_once(s);
	if (!s->is_cut && loader_state(s->opts.loader) == LOADER_READY)
		loader_end_jobs(s->opts.loader);
	s->is_cut = true;
}
