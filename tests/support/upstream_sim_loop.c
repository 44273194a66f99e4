/* SPDX-License-Identifier: MIT */
/*
 * One thread's event loop.  The first thread accepts and deals connections
 * out to the thread that has fewest, so that load is even at any number of
 * clients; after that a connection never changes its thread.
 */
#include "upstream_sim.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX   256
#define READ_MIN     4096u    /* bytes of room before a read */
#define OUT_KEEP_MAX 1048576u /* bytes of an idle output buffer */
#define NS_PER_S     1000000000

enum io {
	IO_OK,
	IO_LATER,
	IO_ERROR
};

static void
list_add(struct sim_conn *c)
{
	struct sim_thread *th = c->th;

	pthread_mutex_lock(&th->conns_lock);
	c->next = th->conns;
	if (c->next)
		c->next->prev = c;
	th->conns = c;
	pthread_mutex_unlock(&th->conns_lock);
}

static void
list_drop(struct sim_conn *c)
{
	struct sim_thread *th = c->th;

	pthread_mutex_lock(&th->conns_lock);
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		th->conns = c->next;
	pthread_mutex_unlock(&th->conns_lock);
}

static void
conn_close(struct sim_conn *c)
{
	list_drop(c);
	sim_timer_drop(&c->th->timers, c);
	atomic_fetch_sub(&c->th->n_conns, 1);
	(void)close(c->fd); /* nothing to be done about an error */
	sbuf_fini(&c->in);
	sbuf_fini(&c->out);
	free(c);
}

/* The client left before its answer ended. */
static void
conn_abort(struct sim_conn *c, int64_t now_ns)
{
	struct sim *sim = c->th->sim;

	if (c->answering) {
		atomic_fetch_add(&c->th->stats.aborted, 1);
		atomic_store(&sim->last_abort_ms,
		    (now_ns - c->an.t0_ns) / 1000000);
		atomic_store(&sim->last_abort_events, c->an.ev);
	}
	conn_close(c);
}

static void
conn_reset(struct sim_conn *c)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	conn_close(c);
}

static void
want_out(struct sim_conn *c, bool wanted)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET,
		.data.ptr = c };

	if (wanted == c->wants_out)
		return;
	if (wanted)
		ev.events |= EPOLLOUT;
	c->wants_out = wanted;
	(void)epoll_ctl(c->th->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev);
}

/* How much the next write may take. */
static size_t
write_size(const struct sim_conn *c)
{
	size_t left = c->out.n - c->out_at;

	if (c->out_at < c->out_whole)
		return c->out_whole - c->out_at;
	return c->unit && c->unit < left ? c->unit : left;
}

static enum io
conn_flush(struct sim_conn *c, int64_t now_ns)
{
	if (c->out.failed)
		return IO_ERROR;
	while (c->out_at < c->out.n) {
		ssize_t n = send(c->fd, c->out.p + c->out_at, write_size(c),
		    MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			want_out(c, true);
			return IO_LATER;
		}
		if (n < 0)
			return IO_ERROR;
		c->out_at += (size_t)n;
		if (c->answering && c->an.plan.drip && c->an.plan.drip_ms &&
		    c->out_at < c->out.n) {
			sim_timer_set(&c->th->timers, c,
			    now_ns + (int64_t)c->an.plan.drip_ms * 1000000);
			return IO_LATER;
		}
	}
	want_out(c, false);
	c->out.n = 0;
	c->out_at = 0;
	c->out_whole = 0;
	if (c->out.cap > OUT_KEEP_MAX)
		sbuf_fini(&c->out);
	return IO_OK;
}

/* Read once.  IO_LATER: nothing there; IO_ERROR: the client is gone. */
static enum io
conn_read(struct sim_conn *c)
{
	if (!c->readable)
		return IO_LATER;
	if (!sbuf_reserve(&c->in, READ_MIN))
		return IO_ERROR;

	size_t room = c->in.cap - c->in.n;
	ssize_t n = recv(c->fd, c->in.p + c->in.n, room, 0);
	if (n < 0 && errno == EINTR)
		return IO_OK;
	if (n < 0 && errno == EAGAIN) {
		c->readable = false;
		return IO_LATER;
	}
	if (n <= 0)
		return IO_ERROR;
	if ((size_t)n < room && !c->peer_left)
		c->readable = false; /* the next byte makes a new event */
	c->in.n += (size_t)n;
	return IO_OK;
}

/* Forget an answered request; what was sent behind it stays. */
static void
conn_done(struct sim_conn *c)
{
	atomic_fetch_add_explicit(&c->th->stats.answered, 1,
	    memory_order_relaxed);
	sbuf_shift(&c->in, c->rq.raw_n);
	sim_http_reset(&c->rq);
	c->answering = false;
	c->unit = 0;
	if (!c->in.n && c->in.cap > OUT_KEEP_MAX)
		sbuf_fini(&c->in);
}

/* Parse, and read as long as bytes are missing. */
static enum io
conn_next_request(struct sim_conn *c, int64_t now_ns)
{
	for (;;) {
		enum sim_parse r = c->in.n ? sim_http_parse(&c->in, &c->rq,
						 c->th->sim->opt.body_max)
					   : PARSE_MORE;
		if (r == PARSE_OK) {
			sim_answer_begin(c, now_ns);
			return IO_OK;
		}
		if (r != PARSE_MORE) {
			c->rq.raw_n = c->in.n;
			sim_answer_bad(c, r == PARSE_BAD ? 400 : 413);
			return IO_OK;
		}
		if (c->rq.head_n && c->rq.expects_continue) {
			c->rq.expects_continue = false;
			sbuf_lit(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
			return IO_OK;
		}
		enum io io = conn_read(c);
		if (io != IO_OK)
			return io;
	}
}

/* A closing connection reads on a little, lest a reset eat the answer. */
static void
conn_close_gently(struct sim_conn *c)
{
	char waste[4096];

	(void)shutdown(c->fd, SHUT_WR);
	for (int i = 0; i < 64; i++) {
		if (recv(c->fd, waste, sizeof(waste), 0) <= 0)
			break;
	}
	conn_close(c);
}

/* Behind a complete answer.  False: the connection was closed. */
static bool
conn_answered(struct sim_conn *c)
{
	conn_done(c);
	if (!c->close_after)
		return true;
	conn_close_gently(c);
	return false;
}

/* Go on as far as possible.  False: the connection was closed. */
static bool
conn_pump(struct sim_conn *c, int64_t now_ns)
{
	for (;;) {
		enum io io = conn_flush(c, now_ns);
		if (io == IO_OK && !c->answering)
			io = conn_next_request(c, now_ns);
		if (io == IO_ERROR) {
			conn_abort(c, now_ns);
			return false;
		}
		if (io == IO_LATER)
			return true;
		if (!c->answering || c->out.n > c->out_at)
			continue;

		switch (sim_answer_step(c, now_ns)) {
		case STEP_MORE:
			break;
		case STEP_WAIT:
		case STEP_HANG:
			return true;
		case STEP_RESET:
			conn_reset(c);
			return false;
		case STEP_CLOSE:
			conn_close(c);
			return false;
		case STEP_DONE:
			if (!conn_answered(c))
				return false;
			break;
		}
	}
}

/* A client that half-closed gets an answer only when it's ready at once. */
static void
conn_event(struct sim_conn *c, uint32_t events, int64_t now_ns)
{
	if (events & (EPOLLIN | EPOLLRDHUP))
		c->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->peer_left = true;
	if (c->peer_left && (c->answering || events & EPOLLERR))
		conn_abort(c, now_ns);
	else if (conn_pump(c, now_ns) && c->peer_left)
		conn_abort(c, now_ns);
}

static struct sim_thread *
least_loaded(struct sim *sim)
{
	struct sim_thread *best = &sim->threads[0];

	for (size_t i = 1; i < sim->opt.n_threads; i++) {
		if (atomic_load(&sim->threads[i].n_conns) <
		    atomic_load(&best->n_conns))
			best = &sim->threads[i];
	}
	return best;
}

static void
conn_open(struct sim *sim, int fd)
{
	struct sim_thread *th = least_loaded(sim);
	struct sim_conn *c = NULL;
	int one = 1;

	if (atomic_load(&th->n_conns) * sim->opt.n_threads <
	    sim->opt.connections_max)
		c = calloc(1, sizeof(*c));
	if (!c) {
		atomic_fetch_add(&sim->refused, 1);
		(void)close(fd);
		return;
	}
	/* fails on unix sockets, which don't delay anyway */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->fd = fd;
	c->th = th;
	sim_http_reset(&c->rq);
	list_add(c);
	atomic_fetch_add(&th->n_conns, 1);
	atomic_fetch_add(&th->stats.accepted, 1);

	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET,
		.data.ptr = c };
	if (epoll_ctl(th->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		conn_close(c);
}

static void
accept_all(struct sim *sim)
{
	for (size_t i = 0; i < sim->n_listen; i++) {
		for (int k = 0; k < 64; k++) {
			int fd = accept4(sim->listen_fd[i], NULL, NULL,
			    SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd < 0)
				break; /* level-triggered: tried again */
			conn_open(sim, fd);
		}
	}
}

static void
count_timer(struct sim_stats *st, int64_t lag_ns)
{
	uint64_t lag_us = (uint64_t)lag_ns / 1000;

	atomic_fetch_add_explicit(&st->timers, 1, memory_order_relaxed);
	if (lag_us > SIM_LATE_US)
		atomic_fetch_add_explicit(&st->timers_late, 1,
		    memory_order_relaxed);
	if (lag_us > atomic_load(&st->timer_lag_max_us))
		atomic_store(&st->timer_lag_max_us, lag_us);
}

static void
run_timers(struct sim_thread *th)
{
	int64_t now_ns = sim_now_ns();

	while (th->timers.n && th->timers.at[0]->due_ns <= now_ns) {
		struct sim_conn *c = th->timers.at[0];
		count_timer(&th->stats, now_ns - c->due_ns);
		sim_timer_drop(&th->timers, c);
		(void)conn_pump(c, now_ns); /* closed or not: no matter */
		now_ns = sim_now_ns();
	}
}

/* Sleep to the nanosecond where the kernel can (Linux 5.11). */
static int
wait_events(struct sim_thread *th, struct epoll_event *events)
{
	if (!th->timers.n)
		return epoll_wait(th->epoll_fd, events, EVENTS_MAX, -1);

	int64_t left_ns = th->timers.at[0]->due_ns - sim_now_ns();
	if (left_ns < 0)
		left_ns = 0;
	struct timespec ts = { .tv_sec = left_ns / NS_PER_S,
		.tv_nsec = left_ns % NS_PER_S };
	int n = epoll_pwait2(th->epoll_fd, events, EVENTS_MAX, &ts, NULL);
	if (n >= 0 || errno != ENOSYS)
		return n;
	return epoll_wait(th->epoll_fd, events, EVENTS_MAX,
	    (int)(left_ns / 1000000) + (left_ns > 0));
}

void *
sim_loop(void *arg)
{
	struct sim_thread *th = arg;
	struct epoll_event events[EVENTS_MAX];

	while (!atomic_load(&th->sim->stops)) {
		int n = wait_events(th, events);
		int64_t now_ns = sim_now_ns();
		/* pairs with conn_open(): what it wrote is visible here */
		(void)atomic_load(&th->n_conns);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == th->sim)
				accept_all(th->sim);
			else if (events[i].data.ptr)
				conn_event(events[i].data.ptr, events[i].events,
				    now_ns);
		}
		run_timers(th);
	}
	return NULL;
}

void
sim_loop_fini(struct sim_thread *th)
{
	while (th->conns)
		conn_close(th->conns);
	free(th->timers.at);
	sbuf_fini(&th->scratch);
	sbuf_fini(&th->last);
	(void)close(th->epoll_fd);
	(void)close(th->wake_fd);
}
