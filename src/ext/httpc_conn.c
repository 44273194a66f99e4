/* SPDX-License-Identifier: MIT */
/* One connection to a provider. */
#include "ext/httpc_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/clock.h"

#define CONNECT_MS   5000
#define CURL_MORE_MS 60000

/* The one place where sockets are made: none may leak into a child, and an
 * address can be refused after its name was looked up. */
static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct httpc_pool *pool = ctx;

	(void)purpose;
	if (pool->allow_peer &&
	    !pool->allow_peer(pool->allow_ctx, &addr->addr, addr->addrlen))
		return CURL_SOCKET_BAD;
	return socket(addr->family, addr->socktype | SOCK_CLOEXEC,
	    addr->protocol);
}

/*
 * curl believes a file and a folder, if its TLS library knows folders: ca_file
 * comes in place of both. Of the system's two the folder is enough, where there
 * is one: in it TLS reads the certificates that a connection needs. The file it
 * reads whole and keeps, which is 50 ms and 1 MB for each connection.
 */
static bool
set_authorities(CURL *easy, const struct httpc_pool *pool)
{
	CURLcode code;

	if (!pool->ca_file)
		return !pool->has_ca_folder ||
		       !curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	if (curl_easy_setopt(easy, CURLOPT_CAINFO, pool->ca_file))
		return false;
	code = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	return !code || code == CURLE_NOT_BUILT_IN;
}

static uint64_t
connect_ms_of(const struct httpc_request *rq)
{
	return rq->connect_ms ? rq->connect_ms : CONNECT_MS;
}

static bool
set_options(struct httpc_conn *conn, const struct httpc_request *rq)
{
	struct httpc_pool *pool = conn->pool;
	/* It is the one below that counts: see wait_connecting(). */
	long curl_ms = (long)connect_ms_of(rq) + CURL_MORE_MS;
	CURL *easy = conn->easy;

	return !curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) &&
	       !curl_easy_setopt(easy, CURLOPT_URL, rq->url) &&
	       !curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH,
		   rq->unix_path) &&
	       !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, curl_ms) &&
	       !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) &&
	       !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
	       !curl_easy_setopt(easy, CURLOPT_PROXY, "") &&
	       !curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
		   (long)CURL_HTTP_VERSION_1_1) &&
	       !curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
		   (long)HTTPC_BUF_BYTES) &&
	       !curl_easy_setopt(easy, CURLOPT_SHARE, pool->share) &&
	       !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, conn->why) &&
	       !curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION,
		   open_socket) &&
	       !curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, pool) &&
	       set_authorities(easy, pool);
}

static struct httpc_conn *
conn_new(struct httpc_pool *pool, const struct httpc_url *url,
    const struct httpc_request *rq)
{
	/* The buffer need not be clear. */
	struct httpc_conn *conn = malloc(sizeof(*conn));

	if (!conn)
		return NULL;
	memset(conn, 0, offsetof(struct httpc_conn, buf));
	conn->pool = pool;
	conn->origin = url->origin;
	conn->is_tls = url->is_tls;
	conn->fd = -1;
	conn->multi = curl_multi_init();
	conn->easy = curl_easy_init();
	if (!conn->multi || !conn->easy || !set_options(conn, rq) ||
	    curl_multi_add_handle(conn->multi, conn->easy)) {
		httpc_conn_free(conn);
		return NULL;
	}
	return conn;
}

void
httpc_conn_free(struct httpc_conn *conn)
{
	if (!conn)
		return;
	if (conn->multi && conn->easy) /* closes the connection */
		(void)curl_multi_remove_handle(conn->multi, conn->easy);
	if (conn->easy)
		curl_easy_cleanup(conn->easy);
	if (conn->multi)
		(void)curl_multi_cleanup(conn->multi); /* it is empty */
	free(conn);
}

/* Let curl go on; whether it is done, and how that ended. */
static bool
is_done(struct httpc_conn *conn, CURLcode *ret)
{
	int n_running, n_left;
	CURLMsg *msg;

	if (curl_multi_perform(conn->multi, &n_running)) {
		*ret = CURLE_OUT_OF_MEMORY;
		return true;
	}
	msg = curl_multi_info_read(conn->multi, &n_left);
	if (!msg || msg->msg != CURLMSG_DONE)
		return false;
	*ret = msg->data.result;
	return true;
}

/* Until there is something for curl to do, or for us. The time is ours, as
 * curl would wait for its resolver when it is over (httpc_reap.c). */
static void
wait_connecting(struct httpc_call *c, int64_t began_us)
{
	struct curl_waitfd client = { c->rq->client_fd, CURL_WAIT_POLLIN, 0 };
	bool is_watched = c->watch == HTTPC_POLLED;
	uint64_t connect_ms = connect_ms_of(c->rq);
	int wait_ms = httpc_check_times(c);
	int64_t left_us = began_us + (int64_t)connect_ms * 1000 -
			  clock_mono_us();

	if (!c->err && left_us <= 0)
		c->err = error_set(c->e, ERR_UPSTREAM_TIMEOUT,
		    "not connected within %llu ms",
		    (unsigned long long)connect_ms);
	if (c->err)
		return;
	if (left_us < (int64_t)wait_ms * 1000)
		wait_ms = (int)(left_us + 999) / 1000;
	if (curl_multi_poll(c->conn->multi, &client, is_watched, wait_ms, NULL))
		c->err = error_set(c->e, ERR_INTERNAL, "curl_multi_poll");
	else if (is_watched && client.revents)
		httpc_look_at_client(c);
}

static enum err
map_failure(struct httpc_call *c, CURLcode code)
{
	const char *why = c->conn->why[0] ? c->conn->why
					  : curl_easy_strerror(code);

	if (code == CURLE_OUT_OF_MEMORY)
		return error_set(c->e, ERR_NO_MEMORY, "curl: %s", why);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(c->e, ERR_UPSTREAM_TIMEOUT, "curl: %s", why);
	return error_set(c->e, ERR_UPSTREAM_CONNECT, "curl: %s", why);
}

/*
 * Acknowledge every second event of a stream, not each (delayed ACKs, RFC
 * 1122, 4.2.3.2): that is a quarter of what receiving costs. Linux forgets it
 * from time to time. A unix socket has no ACKs and refuses.
 */
static void
delay_acks(const struct httpc_conn *conn)
{
	int off = 0;

	(void)setsockopt(conn->fd, IPPROTO_TCP, TCP_QUICKACK, &off,
	    sizeof(off));
}

/*
 * Without TLS bytes are read by a recv(2) that waits for them instead of one
 * behind a poll(2); it gives up soon enough to look at the client and the
 * clock.
 */
static void
make_blocking(struct httpc_conn *conn)
{
	struct timeval wait = { 0, HTTPC_LOOK_MS * 1000 };
	int flags = fcntl(conn->fd, F_GETFL);

	/* If that fails, there is a poll(2) too many. */
	if (flags >= 0 && setsockopt(conn->fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
			      sizeof(wait)) == 0)
		(void)fcntl(conn->fd, F_SETFL, flags & ~O_NONBLOCK);
}

void
httpc_conn_open(struct httpc_call *c, const struct httpc_url *url)
{
	int64_t began_us = clock_mono_us();
	CURLcode code = CURLE_OK;
	curl_socket_t fd;

	c->conn = conn_new(c->pool, url, c->rq);
	if (!c->conn) {
		c->err = error_set(c->e, ERR_OVERLOADED,
		    "no memory or descriptor for a connection");
		return;
	}
	while (!c->err && !is_done(c->conn, &code))
		wait_connecting(c, began_us);
	if (c->err) {
		c->conn->is_opening = true;
		return;
	}
	if (!code)
		code = curl_easy_getinfo(c->conn->easy, CURLINFO_ACTIVESOCKET,
		    &fd);
	if (code) {
		c->err = map_failure(c, code);
		return;
	}
	c->conn->fd = fd;
	c->conn->is_polled = true;
	if (!c->conn->is_tls)
		make_blocking(c->conn);
	c->res->connect_us = clock_mono_us() - began_us;
}

static enum httpc_io
failed(struct httpc_conn *conn, const char *why)
{
	(void)snprintf(conn->why, sizeof(conn->why), "%s", why); /* cut */
	return HTTPC_IO_FAILED;
}

static enum httpc_io
outcome_of_curl(struct httpc_conn *conn, CURLcode code, size_t n)
{
	if (code == CURLE_AGAIN)
		return HTTPC_IO_AGAIN;
	if (code && conn->why[0]) /* curl said more */
		return HTTPC_IO_FAILED;
	if (code)
		return failed(conn, curl_easy_strerror(code));
	return n ? HTTPC_IO_OK : HTTPC_IO_END;
}

static enum httpc_io
outcome_of_call(struct httpc_conn *conn, ssize_t n, size_t *ret_n)
{
	*ret_n = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return HTTPC_IO_OK;
	if (n == 0)
		return HTTPC_IO_END;
	if (errno == EAGAIN || errno == EINTR)
		return HTTPC_IO_AGAIN;
	return failed(conn,
	    errno == ECONNRESET ? "connection reset" : "connection lost");
}

enum httpc_io
httpc_conn_send(struct httpc_conn *conn, struct str bytes, size_t *ret_n)
{
	CURLcode code;

	if (!conn->is_tls)
		return outcome_of_call(conn,
		    send(conn->fd, bytes.p, bytes.n,
			MSG_DONTWAIT | MSG_NOSIGNAL),
		    ret_n);
	conn->why[0] = '\0';
	code = curl_easy_send(conn->easy, bytes.p, bytes.n, ret_n);
	return outcome_of_curl(conn, code, *ret_n);
}

enum httpc_io
httpc_conn_recv(struct httpc_conn *conn, char *buf, size_t n, bool may_wait,
    size_t *ret_n)
{
	CURLcode code;

	if (!may_wait)
		delay_acks(conn);
	if (!conn->is_tls)
		return outcome_of_call(conn,
		    recv(conn->fd, buf, n, may_wait ? 0 : MSG_DONTWAIT), ret_n);
	conn->why[0] = '\0';
	code = curl_easy_recv(conn->easy, buf, n, ret_n);
	return outcome_of_curl(conn, code, *ret_n);
}

/* What can be read before a request is the connection's end, or what nobody
 * asked for. Of TLS neither all that is readable is for us, nor all that is for
 * us still readable. */
bool
httpc_conn_is_alive(struct httpc_conn *conn)
{
	size_t n;
	char byte;

	return httpc_conn_recv(conn, &byte, 1, false, &n) == HTTPC_IO_AGAIN;
}
