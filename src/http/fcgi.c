/* SPDX-License-Identifier: MIT */
/*
 * What libfcgi 2.4 leaves to us: time-outs, and errors that a later success
 * hides. We accept ourselves (accept.c) and hand it the descriptor in ipcFd
 * with keepConnection set, which makes FCGX_Accept_r go straight to reading
 * the request; on a protocol error it falls through to accept(-1) and returns.
 * These members, and a stream's FCGI_errno, are declared below "don't use", so
 * this is the one file that may depend on them.
 */
#include "http/fcgi.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/accept.h"

/* Longest wait for the web server: for the next byte of a request, and for
 * room to write the next byte of an answer (a slow reader behind lighttpd's
 * back-pressure). */
#define READ_TIMEOUT_S  60
#define WRITE_TIMEOUT_S 120
/* How long, and how much of, an unwanted body is read so that the answer is
 * not lost with a connection that is reset under the web server. */
#define DRAIN_MS        2000
#define DRAIN_BYTES     MIB(64)
#define DRAIN_READ_MS   500

struct fcgi {
	struct conn base;
	FCGX_Request rq;
	bool is_body_read;
	/* The open connection, for fcgi_cut(); -1 = none. By the time it is
	 * cut nothing new is accepted, so that a number which was closed
	 * just now cannot have become another request's. */
	_Atomic int cut_fd;
};

enum err
fcgi_global_init(int fd, struct error *e)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	/* It reads these once. Its close waits for the peer's EOF. */
	if (setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "100", 1) < 0)
		return error_errno(e, ERR_NO_MEMORY, "setenv");
	if (FCGX_Init() != 0)
		return error_set(e, ERR_INTERNAL, "FCGX_Init failed");
	/* After FCGX_Init, which installs handlers of its own. */
	if (sigaction(SIGPIPE, &ignore, NULL) < 0)
		return error_errno(e, ERR_INTERNAL, "sigaction");
	return accept_init(fd, e);
}

/*
 * The seam's operations.
 */

static ssize_t
fcgi_read(struct conn *c, void *p, size_t n)
{
	struct fcgi *f = (struct fcgi *)c;
	int want = n > INT32_MAX ? INT32_MAX : (int)n;
	int got;

	if (f->is_body_read)
		return 0;
	got = FCGX_GetStr(p, want, f->rq.in);
	if (got > 0)
		return got;
	f->is_body_read = true;
	return FCGX_GetError(f->rq.in) ? -1 : 0;
}

/* FCGX_FFlush returns 0 again after its first failure, so only the stream's
 * error tells. Not by FCGX_GetError(): that is a call into another library,
 * four times for an event of a stream. */
static bool
is_out_good(const struct fcgi *f)
{
	return f->rq.out->FCGI_errno == 0;
}

static bool
fcgi_write(struct conn *c, const void *p, size_t n)
{
	struct fcgi *f = (struct fcgi *)c;
	const char *rest = p;

	while (n > 0 && is_out_good(f)) {
		int part = n > MIB(1) ? (int)MIB(1) : (int)n;

		if (FCGX_PutStr(rest, part, f->rq.out) < part)
			return false;
		rest += part;
		n -= (size_t)part;
	}
	return is_out_good(f);
}

static bool
fcgi_flush(struct conn *c)
{
	struct fcgi *f = (struct fcgi *)c;

	(void)FCGX_FFlush(f->rq.out); /* see is_out_good() */
	return is_out_good(f);
}

static int
fcgi_fd(struct conn *c)
{
	return ((struct fcgi *)c)->rq.ipcFd;
}

static bool
fcgi_is_gone(struct conn *c)
{
	struct pollfd p = { fcgi_fd(c), POLLIN | POLLRDHUP, 0 };
	char byte;
	ssize_t n;

	if (poll(&p, 1, 0) <= 0)
		return false;
	if (p.revents & (POLLERR | POLLHUP | POLLRDHUP | POLLNVAL))
		return true;
	n = recv(p.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static const struct conn_ops fcgi_ops = {
	.read = fcgi_read,
	.write = fcgi_write,
	.flush = fcgi_flush,
	.fd = fcgi_fd,
	.is_gone = fcgi_is_gone,
};

enum err
fcgi_new(struct fcgi **ret, struct error *e)
{
	struct fcgi *f = calloc(1, sizeof(*f));

	if (!f)
		return error_set(e, ERR_NO_MEMORY, "fcgi_new");
	if (FCGX_InitRequest(&f->rq, -1, 0) != 0) {
		free(f);
		return error_set(e, ERR_INTERNAL, "FCGX_InitRequest failed");
	}
	f->base.ops = &fcgi_ops;
	f->cut_fd = -1;
	*ret = f;
	return OK;
}

void
fcgi_free(struct fcgi *f)
{
	free(f);
}

/*
 * Accepting.
 */

static void
set_timeout(int fd, int option, long ms)
{
	struct timeval t = { ms / 1000, ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, option, &t, sizeof(t));
}

/* Let libfcgi read the request from fd; false when it did not get one (fd
 * is closed then). */
static bool
read_request(struct fcgi *f, int fd)
{
	set_timeout(fd, SO_RCVTIMEO, READ_TIMEOUT_S * 1000L);
	set_timeout(fd, SO_SNDTIMEO, WRITE_TIMEOUT_S * 1000L);
	f->is_body_read = false;
	atomic_store(&f->cut_fd, fd);
	f->rq.ipcFd = fd;
	f->rq.keepConnection = 1;
	f->rq.detached = 0;
	if (FCGX_Accept_r(&f->rq) != 0) {
		atomic_store(&f->cut_fd, -1);
		f->rq.ipcFd = -1;
		return false;
	}
	/* One request a connection, whatever the web server would like: a
	 * thread must not wait on an idle connection. */
	f->rq.keepConnection = 0;
	if (f->rq.role == FCGI_RESPONDER)
		return true;
	/* An authorizer's 200 would mean "let him in". */
	FCGX_Finish_r(&f->rq);
	atomic_store(&f->cut_fd, -1);
	return false;
}

enum fcgi_accept
fcgi_accept(struct fcgi *f, struct conn **ret_conn, const char *const **ret_cgi)
{
	for (;;) {
		int fd = accept_next();

		if (fd == ACCEPT_STOPPED)
			return FCGI_ACCEPT_STOPPED;
		if (fd < 0)
			return FCGI_ACCEPT_FAILED;
		if (!read_request(f, fd))
			continue;
		*ret_conn = &f->base;
		*ret_cgi = (const char *const *)f->rq.envp;
		return FCGI_ACCEPT_REQUEST;
	}
}

/* Read what is left of the body, within bounds. */
static void
drain(struct fcgi *f)
{
	int64_t until_ms = clock_mono_ms() + DRAIN_MS;
	size_t n = 0;
	char text[8192];

	set_timeout(f->rq.ipcFd, SO_RCVTIMEO, DRAIN_READ_MS);
	while (n < DRAIN_BYTES && clock_mono_ms() < until_ms) {
		ssize_t got = fcgi_read(&f->base, text, sizeof(text));

		if (got <= 0)
			return;
		n += (size_t)got;
	}
}

void
fcgi_finish(struct fcgi *f)
{
	if (!f->is_body_read) {
		(void)fcgi_flush(&f->base); /* the answer goes out first */
		drain(f);
	}
	/* Nothing is left to read, so a plain close loses nothing and the
	 * library need not wait for the peer's. */
	if (f->is_body_read)
		FCGX_Detach(&f->rq);
	FCGX_Finish_r(&f->rq);
	atomic_store(&f->cut_fd, -1);
}

void
fcgi_cut(struct fcgi *f)
{
	int fd = atomic_load(&f->cut_fd);

	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR); /* gone is fine */
}
