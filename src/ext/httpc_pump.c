/* SPDX-License-Identifier: MIT */
/*
 * The pump: one thread that reads the streams of all others, which sleep
 * meanwhile. With many streams the costly part of an event is not its bytes
 * but waking a thread for them; the pump is woken once for whatever has come.
 *
 * It must never wait for anybody: where a stream needs to (its client takes
 * no more bytes), where something is due, and at its end, the call goes back
 * to its own thread. A call has one owner at a time, so what it and its
 * callbacks use needs no locks: the pump's lock and the call's semaphore hand
 * it over.
 */
#include "ext/httpc_priv.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* A stream that is silent for so long goes back to its thread, where a tick
 * may be due. */
#define SILENCE_MS       250
/*
 * While there is always more to read, so many events are served in so much
 * time. A pump that never rests writes as fast as it can: a web server that
 * shares its cores then has hundreds of answers to pass on before it looks at
 * a new request. Small portions at a steady pace keep that queue short, and
 * what a stream's provider sends meanwhile is read, and passed on, in one
 * piece, which is less work for all. The price: each of N streams is read once
 * in N / 8 ms, if the core is free by then. (A late start is not made up for:
 * beside busy neighbours portions without a rest soon cost the pump its turn,
 * and streams stood still.)
 */
#define PORTION_EVENTS   8
#define PORTION_US       1000
/* How often all calls are looked at. */
#define LOOK_US          (HTTPC_LOOK_MS / 2 * 1000)
/* Reads of one stream in a row; a faster one is read by its own thread. */
#define READS_MAX        8
/* A unix socket that poll(2) calls writable is a quarter full at most
 * (unix_writable() in Linux, net/unix/af_unix.c), so this much fits that is
 * written unseen, kept back, and read next. Each write is counted with what
 * the kernel adds. Other sockets promise less. */
#define SNDBUF_MIN_BYTES 212992
#define ROOM_BYTES       KIB(48)
#define OVERHEAD_BYTES   KIB(4)

struct httpc_pump {
	pthread_t thread;
	bool has_thread;
	int epoll_fd;
	int wake_fd;
	pthread_mutex_t lock;
	struct httpc_call *calls; /* under the lock */
	atomic_bool is_stopping;
};

bool
httpc_pump_may_lend(const struct httpc_call *c)
{
	int domain = 0, n_bytes = 0;
	socklen_t n_domain = sizeof(domain), n_n = sizeof(n_bytes);

	if (!c->pool->pump || !c->rq->is_stream)
		return false;
	if (c->rq->client_fd < 0)
		return true;
	return getsockopt(c->rq->client_fd, SOL_SOCKET, SO_DOMAIN, &domain,
		   &n_domain) == 0 &&
	       domain == AF_UNIX &&
	       getsockopt(c->rq->client_fd, SOL_SOCKET, SO_SNDBUF, &n_bytes,
		   &n_n) == 0 &&
	       n_bytes >= SNDBUF_MIN_BYTES;
}

bool
httpc_pump_is_too_much(const struct httpc_call *c)
{
	return c->cb->n_held && c->cb->n_held(c->cb->ctx) > ROOM_BYTES;
}

/* Whether what the next read brings can be written without waiting. */
static bool
has_client_room(struct httpc_call *c)
{
	struct pollfd pfd = { .fd = c->rq->client_fd, .events = POLLOUT };

	if (httpc_pump_is_too_much(c))
		return false;
	if (c->watch == HTTPC_UNWATCHED || c->n_unsure < ROOM_BYTES)
		return true;
	if (poll(&pfd, 1, 0) == 0)
		return false;
	c->n_unsure = 0;
	return true;
}

static void
unlink_call(struct httpc_pump *pump, struct httpc_call *c)
{
	*c->pump_at = c->pump_next;
	if (c->pump_next)
		c->pump_next->pump_at = c->pump_at;
	/* It is registered; the descriptor stays open until it is back. */
	(void)epoll_ctl(pump->epoll_fd, EPOLL_CTL_DEL, c->conn->fd, NULL);
}

/* From here on the call is not the pump's any more. */
static void
give_back(struct httpc_pump *pump, struct httpc_call *c)
{
	(void)pthread_mutex_lock(&pump->lock);
	unlink_call(pump, c);
	(void)pthread_mutex_unlock(&pump->lock);
	(void)sem_post(&c->back);
}

/* Whether the pump has no more to do for c. */
static bool
is_over(const struct httpc_call *c)
{
	return c->err || c->in.is_whole || c->wants_thread;
}

static void
read_once(struct httpc_call *c)
{
	uint64_t before = c->res->body_bytes;

	c->wants_thread = !has_client_room(c);
	if (c->wants_thread)
		return;
	httpc_read(c, false);
	c->n_unsure += (size_t)(c->res->body_bytes - before) + OVERHEAD_BYTES;
}

/* Something has come for c; is_end: the connection's end as well, for which
 * there will be no other event. */
static void
serve(struct httpc_pump *pump, struct httpc_call *c, bool is_end)
{
	for (int i = 0; i == 0 || (!is_over(c) && !c->in.is_dry); i++) {
		if (i == READS_MAX)
			c->wants_thread = true;
		else
			read_once(c);
	}
	if (is_end && !is_over(c))
		read_once(c);
	if (is_over(c))
		give_back(pump, c);
}

/* Whether c's own thread has to see to it. */
static bool
needs_thread(struct httpc_call *c, int64_t now_us)
{
	if ((now_us - c->heard_us >= SILENCE_MS * 1000 &&
		now_us - c->lent_us >= SILENCE_MS * 1000) ||
	    atomic_load(&c->pool->is_aborted))
		return true;
	httpc_look_in_time(c, now_us);
	return c->err != OK;
}

static void
look_at_all(struct httpc_pump *pump)
{
	int64_t now_us = clock_mono_us();
	struct httpc_call *c, *next;

	(void)pthread_mutex_lock(&pump->lock);
	for (c = pump->calls; c; c = next) {
		next = c->pump_next;
		if (!needs_thread(c, now_us))
			continue;
		unlink_call(pump, c);
		(void)sem_post(&c->back);
	}
	(void)pthread_mutex_unlock(&pump->lock);
}

static bool
has_calls(struct httpc_pump *pump)
{
	bool has;

	(void)pthread_mutex_lock(&pump->lock);
	has = pump->calls != NULL;
	(void)pthread_mutex_unlock(&pump->lock);
	return has;
}

static void
clear_wake(struct httpc_pump *pump)
{
	uint64_t n;

	if (read(pump->wake_fd, &n, sizeof(n)) < 0)
		return; /* somebody else's event: nothing to clear */
}

/* How long the pump may wait for events, in ms. */
static int
wait_ms(struct httpc_pump *pump, int64_t now_us, int64_t look_us)
{
	if (!has_calls(pump))
		return -1;
	return look_us > now_us ? (int)((look_us - now_us + 999) / 1000) : 0;
}

/* Wait for the end of the portion that began then. */
static void
rest(int64_t began_us)
{
	int64_t rest_us = began_us + PORTION_US - clock_mono_us();
	struct timespec pause = { .tv_nsec = (long)rest_us * 1000 };

	if (rest_us > 0)
		(void)nanosleep(&pause, NULL); /* shorter is fine */
}

static void *
pump_main(void *arg)
{
	struct httpc_pump *pump = arg;
	struct epoll_event events[PORTION_EVENTS];
	int64_t began_us, now_us = clock_mono_us();
	int64_t look_us = now_us + LOOK_US;

	(void)pthread_setname_np(pthread_self(), "pump");
	while (!atomic_load(&pump->is_stopping)) {
		int n = epoll_wait(pump->epoll_fd, events, PORTION_EVENTS,
		    wait_ms(pump, now_us, look_us));

		began_us = clock_mono_us();
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				serve(pump, events[i].data.ptr,
				    (events[i].events & ~(uint32_t)EPOLLIN) !=
					0);
			else
				clear_wake(pump);
		}
		if (n == PORTION_EVENTS)
			rest(began_us);
		now_us = clock_mono_us();
		if (now_us < look_us)
			continue;
		look_us = now_us + LOOK_US;
		look_at_all(pump);
	}
	return NULL;
}

static void
wake(struct httpc_pump *pump)
{
	uint64_t one = 1;

	if (write(pump->wake_fd, &one, sizeof(one)) < 0)
		return; /* it is awake already */
}

/* Register c's connection, under the lock; false when the kernel has no room for it. */
static bool
link_call(struct httpc_pump *pump, struct httpc_call *c, bool *ret_is_first)
{
	/* What is there is read to its end: one event for what comes next. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET,
		.data.ptr = c };

	if (epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, c->conn->fd, &event) != 0)
		return false;
	*ret_is_first = pump->calls == NULL;
	c->pump_next = pump->calls;
	if (c->pump_next)
		c->pump_next->pump_at = &c->pump_next;
	c->pump_at = &pump->calls;
	pump->calls = c;
	return true;
}

void
httpc_pump_lend(struct httpc_pump *pump, struct httpc_call *c)
{
	bool is_lent, is_first = false;

	c->lent_us = clock_mono_us();
	c->wants_thread = false;
	c->n_unsure = ROOM_BYTES;       /* its own thread may have filled it */
	(void)sem_init(&c->back, 0, 0); /* cannot fail */
	(void)pthread_mutex_lock(&pump->lock);
	is_lent = link_call(pump, c, &is_first);
	(void)pthread_mutex_unlock(&pump->lock);
	if (is_first)
		wake(pump);
	while (is_lent && sem_wait(&c->back) != 0)
		continue; /* a signal */
	if (!is_lent)
		c->wants_thread = true; /* read here, then */
	(void)sem_destroy(&c->back);
}

enum err
httpc_pump_new(struct httpc_pump **ret, struct error *e)
{
	struct httpc_pump *pump = calloc(1, sizeof(*pump));
	struct epoll_event event = { .events = EPOLLIN };
	int rc;

	if (!pump)
		return error_set(e, ERR_NO_MEMORY, "no memory for the pump");
	(void)pthread_mutex_init(&pump->lock, NULL);
	pump->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	pump->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pump->epoll_fd < 0 || pump->wake_fd < 0 ||
	    epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, pump->wake_fd, &event)) {
		httpc_pump_free(pump);
		return error_set(e, ERR_OVERLOADED,
		    "no descriptor for the pump");
	}
	rc = pthread_create(&pump->thread, NULL, pump_main, pump);
	pump->has_thread = rc == 0;
	if (rc != 0) {
		httpc_pump_free(pump);
		return error_set(e, ERR_NO_MEMORY, "the pump: error %d", rc);
	}
	*ret = pump;
	return OK;
}

void
httpc_pump_free(struct httpc_pump *pump)
{
	if (!pump)
		return;
	atomic_store(&pump->is_stopping, true);
	if (pump->has_thread) {
		wake(pump);
		(void)pthread_join(pump->thread, NULL); /* it ends now */
	}
	if (pump->epoll_fd >= 0)
		(void)close(pump->epoll_fd);
	if (pump->wake_fd >= 0)
		(void)close(pump->wake_fd);
	(void)pthread_mutex_destroy(&pump->lock);
	free(pump);
}
