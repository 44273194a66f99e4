/* SPDX-License-Identifier: MIT */
/*
 * One client: connect, send, read, count, again.  A kept connection that the
 * server closes before the first byte of an answer is tried once more on a
 * new one, as HTTP clients do.
 */
#include "http_load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define BACKOFF_NS 10000000 /* 10 ms before a client tries again */

int64_t
load_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* can't fail */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool
may_start(const struct load *l, int64_t now_ns)
{
	if (l->opt.requests_max && l->started >= l->opt.requests_max)
		return false;
	return !l->end_ns || now_ns < l->end_ns;
}

static void
disconnect(struct load_client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd); /* nothing to be done about an error */
	c->fd = -1;
	c->reused = false;
}

static void
watch(struct load *l, struct load_client *c, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events | EPOLLRDHUP,
		.data.ptr = c };

	(void)epoll_ctl(l->epoll_fd, op, c->fd, &ev);
}

static void
finish(struct load *l, struct load_client *c)
{
	disconnect(c);
	if (c->phase != LOAD_FINISHED)
		l->finished_clients++;
	c->phase = LOAD_FINISHED;
}

static void
write_record(struct load *l, const struct load_client *c)
{
	const struct load_response *rs = &c->rs;

	if (!l->opt.record || !rs->has_head || (!rs->complete && !rs->body_n))
		return;
	if (rs->request_id.n)
		(void)fwrite(rs->request_id.p, 1, rs->request_id.n,
		    l->opt.record);
	else
		(void)fputc('-', l->opt.record);
	/* a full disk shows when the file is closed */
	(void)fprintf(l->opt.record, " %u %s %llu\n", rs->status,
	    rs->complete ? "complete" : "partial", (unsigned long long)c->mark);
}

static bool
is_counted(const struct load *l, int64_t now_ns)
{
	return now_ns >= l->measure_ns &&
	       (!l->end_ns || now_ns < l->end_ns || l->opt.stream);
}

static void
count_stream(struct load *l, const struct load_client *c)
{
	const struct load_response *rs = &c->rs;

	l->events += rs->events;
	l->content_events += rs->content_events;
	l->done += rs->done_seen;
	if (!rs->first_event_ns)
		return;
	hist_add(&l->gap_us, rs->gap_max_us);
	hist_add(&l->first_event_us,
	    (uint64_t)(rs->first_event_ns - c->t0_ns) / 1000);
	if (rs->gap_max_us > l->opt.stall_ms * 1000)
		l->stalled++;
}

/* An answer has ended, properly or not. */
static void
count_answer(struct load *l, const struct load_client *c, int64_t now_ns)
{
	const struct load_response *rs = &c->rs;
	bool whole = rs->complete && (!l->opt.stream || rs->done_seen);

	write_record(l, c);
	if (!is_counted(l, now_ns))
		return;
	l->last_ns = now_ns;
	if (rs->has_head) {
		l->answered++;
		l->statuses[rs->status]++;
	}
	l->completed += whole;
	l->failed += !whole;
	if (rs->first_byte_ns)
		hist_add(&l->ttfb_us,
		    (uint64_t)(rs->first_byte_ns - c->t0_ns) / 1000);
	if (whole)
		hist_add(&l->latency_us, (uint64_t)(now_ns - c->t0_ns) / 1000);
	if (rs->is_sse)
		count_stream(l, c);
}

/* Go on with the next request, or stop. */
static void
next(struct load *l, struct load_client *c, int64_t now_ns, int64_t pause_ns)
{
	if (!may_start(l, now_ns)) {
		finish(l, c);
		return;
	}
	c->phase = LOAD_IDLE;
	c->start_at_ns = now_ns + pause_ns;
	if (!pause_ns)
		load_client_start(l, c, now_ns);
}

static void
fail(struct load *l, struct load_client *c, enum load_error why)
{
	int64_t now_ns = load_now_ns();

	if (is_counted(l, now_ns))
		l->errors[why]++;
	count_answer(l, c, now_ns);
	disconnect(c);
	next(l, c, now_ns, BACKOFF_NS);
}

/* The next line of the headers that take turns. */
static void
add_header(struct load *l, struct sbuf *out)
{
	char line[1024];

	if (!fgets(line, sizeof(line), l->opt.headers)) {
		rewind(l->opt.headers);
		if (!fgets(line, sizeof(line), l->opt.headers))
			return;
	}
	sbuf_add(out, line, strcspn(line, "\r\n"));
	sbuf_lit(out, "\r\n");
}

static void
build_request(struct load *l, struct load_client *c)
{
	c->out.n = 0;
	c->out_at = 0;
	sbuf_add(&c->out, l->opt.head.p, l->opt.head.n);
	if (l->opt.marks) {
		sbuf_lit(&c->out, "X-Request-Mark: ");
		sbuf_add_u64(&c->out, c->mark);
		sbuf_lit(&c->out, "\r\n");
	}
	if (l->opt.headers)
		add_header(l, &c->out);
	sbuf_lit(&c->out, "\r\n");
	sbuf_add(&c->out, l->opt.body.p, l->opt.body.n);
}

static bool
dial(struct load *l, struct load_client *c)
{
	const struct sockaddr *sa = (const void *)&l->opt.addr;
	int one = 1;

	c->fd = socket(sa->sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return false;
	l->connects++;
	/* fails on unix sockets, which don't delay anyway */
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	int rc = connect(c->fd, sa, l->opt.addr_n);
	if (rc != 0 && errno != EINPROGRESS)
		return false;
	c->phase = rc ? LOAD_CONNECTING : LOAD_SENDING;
	watch(l, c, EPOLL_CTL_ADD, rc ? EPOLLOUT : EPOLLIN);
	return true;
}

static void
send_more(struct load *l, struct load_client *c)
{
	while (c->out_at < c->out.n) {
		ssize_t n = send(c->fd, c->out.p + c->out_at,
		    c->out.n - c->out_at, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch(l, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
			return;
		}
		if (n < 0) {
			fail(l, c, LOAD_E_CLOSED);
			return;
		}
		c->out_at += (size_t)n;
	}
	c->phase = LOAD_READING;
	c->sent_ns = load_now_ns();
}

/* Send the request in c->out, on a new connection if there is none. */
static void
begin(struct load *l, struct load_client *c)
{
	c->out_at = 0;
	load_response_reset(&c->rs);
	if (c->fd < 0 && !dial(l, c)) {
		fail(l, c, LOAD_E_CONNECT);
		return;
	}
	if (c->phase == LOAD_CONNECTING)
		return;
	c->phase = LOAD_SENDING;
	send_more(l, c);
}

void
load_client_start(struct load *l, struct load_client *c, int64_t now_ns)
{
	if (!may_start(l, now_ns)) {
		finish(l, c);
		return;
	}
	c->mark = ++l->started;
	c->t0_ns = now_ns;
	build_request(l, c);
	begin(l, c);
}

static void
answer_done(struct load *l, struct load_client *c, int64_t now_ns)
{
	count_answer(l, c, now_ns);
	if (c->rs.closes || !l->opt.keepalive)
		disconnect(c);
	else
		c->reused = true;
	next(l, c, now_ns, 0);
}

static void
closed_by_peer(struct load *l, struct load_client *c, int64_t now_ns)
{
	if (c->rs.has_head && c->rs.framing == FRAME_CLOSE) {
		c->rs.complete = true;
		c->rs.closes = true;
		answer_done(l, c, now_ns);
	} else if (c->reused && !c->rs.first_byte_ns) {
		l->retried++;
		disconnect(c);
		begin(l, c);
	} else {
		fail(l, c, LOAD_E_CLOSED);
	}
}

/* False: the client has gone on to something else. */
static bool
read_once(struct load *l, struct load_client *c)
{
	static char buffer[65536]; /* one thread */
	ssize_t n = recv(c->fd, buffer, sizeof(buffer), 0);
	int64_t now_ns = load_now_ns();

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		closed_by_peer(l, c, now_ns);
		return false;
	}
	if (!load_response_feed(&c->rs, buffer, (size_t)n, now_ns)) {
		fail(l, c, LOAD_E_PARSE);
		return false;
	}
	if (c->rs.complete) {
		answer_done(l, c, now_ns);
		return false;
	}
	if (l->opt.abort_after && c->rs.content_events >= l->opt.abort_after) {
		l->aborted++;
		write_record(l, c);
		disconnect(c);
		next(l, c, now_ns, 0);
		return false;
	}
	return (size_t)n == sizeof(buffer);
}

void
load_client_event(struct load *l, struct load_client *c)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (c->fd < 0)
		return;
	if (c->phase == LOAD_CONNECTING) {
		(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
		if (error) {
			fail(l, c, LOAD_E_CONNECT);
			return;
		}
		c->phase = LOAD_SENDING;
		watch(l, c, EPOLL_CTL_MOD, EPOLLIN);
		send_more(l, c);
	} else if (c->phase == LOAD_SENDING) {
		watch(l, c, EPOLL_CTL_MOD, EPOLLIN);
		send_more(l, c);
	} else if (c->phase == LOAD_READING) {
		while (read_once(l, c))
			;
	} else {
		disconnect(c); /* the server closed an idle connection */
	}
}

void
load_client_tick(struct load *l, struct load_client *c, int64_t now_ns)
{
	if (c->phase == LOAD_FINISHED)
		return;
	if (c->phase == LOAD_IDLE) {
		if (now_ns >= c->start_at_ns)
			load_client_start(l, c, now_ns);
		return;
	}
	if (now_ns - c->t0_ns > (int64_t)l->opt.timeout_ms * 1000000)
		fail(l, c, LOAD_E_TIMEOUT);
}
