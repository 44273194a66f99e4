/* SPDX-License-Identifier: MIT */
#include "http/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

/* Pause when the process or the host has no descriptor or memory left. */
#define RETRY_MS    50
/* Threads that wait in accept(2) at a time. Between the two numbers none is
 * parked or woken, so that a steady load, which goes up and down by a dozen
 * requests, does neither. */
#define WAITING_MIN 2
#define WAITING_MAX 16

/* Nobody else sends it, and by default it does nothing. (Sent by somebody to a
 * thread that reads a request, it would break that off.) */
#define WAKE_SIGNAL SIGURG

static int listen_fd = -1;
static atomic_bool is_stopping;
/* Until when (monotonic) waiting connections are served while stopping. */
static _Atomic int64_t serve_until_ms;

/* A thread in accept_next(); on its own stack. */
struct waiter {
	pthread_t thread;
	struct waiter *prev, *next; /* of those in accept(2) */
	struct waiter *below;       /* of those parked */
	sem_t is_called;
};

static struct {
	pthread_mutex_t mutex;
	struct waiter *waiting;
	struct waiter *parked; /* the last one first */
	unsigned n_waiting;    /* those called back are counted already */
	unsigned n_parked;
} crowd = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void
on_wake(int sig)
{
	(void)sig; /* its arrival interrupts accept(2); nothing else to do */
}

enum err
accept_init(int fd, struct error *e)
{
	struct sigaction wake = { .sa_handler = on_wake };
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return error_errno(e, ERR_IO, "listening socket %d", fd);
	if ((flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return error_errno(e, ERR_IO, "listening socket %d", fd);
	if (sigaction(WAKE_SIGNAL, &wake, NULL) < 0)
		return error_errno(e, ERR_INTERNAL, "sigaction");
	listen_fd = fd;
	atomic_store(&is_stopping, false);
	return OK;
}

/*
 * The signal must not break off a read or write of libfcgi's. It is sent only
 * to threads that are listed as waiting, and only while stopping: until then
 * it stays open, which saves two system calls a request.
 */
static void
set_wake_open(bool is_open)
{
	static _Thread_local bool was_open;
	sigset_t wake;

	if (is_open == was_open)
		return;
	sigemptyset(&wake);
	sigaddset(&wake, WAKE_SIGNAL);
	(void)pthread_sigmask(is_open ? SIG_UNBLOCK : SIG_BLOCK, &wake, NULL);
	was_open = is_open;
}

/* With crowd.mutex held and a thread parked. */
static void
call_one(void)
{
	struct waiter *w = crowd.parked;

	crowd.parked = w->below;
	crowd.n_parked--;
	crowd.n_waiting++;
	(void)sem_post(&w->is_called); /* it can't go on without the mutex */
}

/* With crowd.mutex held, also on return. */
static void
park(struct waiter *w)
{
	(void)sem_init(&w->is_called, 0, 0); /* can't fail with these values */
	w->below = crowd.parked;
	crowd.parked = w;
	crowd.n_parked++;
	(void)pthread_mutex_unlock(&crowd.mutex);
	while (sem_wait(&w->is_called) != 0)
		; /* a signal */
	(void)pthread_mutex_lock(&crowd.mutex);
	(void)sem_destroy(&w->is_called);
}

static void
join_waiting(struct waiter *w)
{
	w->thread = pthread_self();
	w->prev = NULL;
	(void)pthread_mutex_lock(&crowd.mutex);
	if (crowd.n_waiting >= WAITING_MAX && !atomic_load(&is_stopping))
		park(w);
	else
		crowd.n_waiting++;
	w->next = crowd.waiting;
	if (w->next)
		w->next->prev = w;
	crowd.waiting = w;
	(void)pthread_mutex_unlock(&crowd.mutex);
}

static void
leave_waiting(struct waiter *w)
{
	bool may_be_woken;

	(void)pthread_mutex_lock(&crowd.mutex);
	if (w->prev)
		w->prev->next = w->next;
	else
		crowd.waiting = w->next;
	if (w->next)
		w->next->prev = w->prev;
	crowd.n_waiting--;
	if (crowd.n_waiting < WAITING_MIN && crowd.parked)
		call_one();
	may_be_woken = atomic_load(&is_stopping);
	(void)pthread_mutex_unlock(&crowd.mutex);
	if (may_be_woken)
		set_wake_open(false);
}

void
accept_counts(unsigned *ret_waiting, unsigned *ret_parked)
{
	(void)pthread_mutex_lock(&crowd.mutex);
	*ret_waiting = crowd.n_waiting;
	*ret_parked = crowd.n_parked;
	(void)pthread_mutex_unlock(&crowd.mutex);
}

static bool
is_queue_waiting(void)
{
	struct pollfd p = { listen_fd, POLLIN, 0 };

	return clock_mono_ms() < atomic_load(&serve_until_ms) &&
	       poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}

static bool
may_accept(void)
{
	return !atomic_load(&is_stopping) || is_queue_waiting();
}

/* Whether accepting is worth another try after this error. */
static bool
may_retry(int error)
{
	const struct timespec pause = { 0, RETRY_MS * 1000000L };

	switch (error) {
	case EBADF:
	case EINVAL:
	case ENOTSOCK:
	case EOPNOTSUPP:
	case EFAULT:
		return false;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EAGAIN:
		(void)nanosleep(&pause, NULL); /* shorter is fine */
		return true;
	default:
		return true; /* EINTR, ECONNABORTED, network errors */
	}
}

static int
accept_one(void)
{
	for (;;) {
		int fd = -1;

		errno = EINTR;
		if (may_accept())
			fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (!may_accept())
			return ACCEPT_STOPPED;
		if (!may_retry(errno))
			return ACCEPT_FAILED;
	}
}

int
accept_next(void)
{
	struct waiter w;
	int fd;

	join_waiting(&w);
	set_wake_open(true);
	fd = accept_one();
	leave_waiting(&w);
	return fd;
}

void
accept_stop(int64_t queue_ms)
{
	atomic_store(&serve_until_ms, clock_mono_ms() + queue_ms);
	(void)pthread_mutex_lock(&crowd.mutex);
	atomic_store(&is_stopping, true);
	while (crowd.parked)
		call_one();
	(void)pthread_mutex_unlock(&crowd.mutex);
}

void
accept_wake(void)
{
	(void)pthread_mutex_lock(&crowd.mutex);
	for (struct waiter *w = crowd.waiting; w; w = w->next)
		(void)pthread_kill(w->thread, WAKE_SIGNAL);
	(void)pthread_mutex_unlock(&crowd.mutex);
}
