/* SPDX-License-Identifier: MIT */
/* A real TCP connection on loopback, looked at from beside. */
#include "support/cmocka_tg.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "http/peer.h"
#include "http/request.h"

struct fixture {
	struct arena arena;
	int listener, client, server;
	struct request rq;
	struct peer peer;
	char texts[4][64];
	const char *cgi[7];
};

static uint16_t
port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t n = sizeof(a);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	return ntohs(a.sin_port);
}

/* A client connected to a server, and the request that says so. */
static void
connect_pair(struct fixture *f)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&a, sizeof(a)),
	    0);
	assert_int_equal(listen(f->listener, 1), 0);
	a.sin_port = htons(port_of(f->listener));
	f->client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(f->client, (struct sockaddr *)&a, sizeof(a)),
	    0);
	f->server = accept(f->listener, NULL, NULL);
	assert_true(f->server >= 0);
}

static void
parse(struct fixture *f, uint16_t client_port, const char *client)
{
	struct request_env env = { S(""), NULL };
	struct cidr_list none = { 0 };
	struct error e;
	unsigned n = 0;

	env.trusted_proxies = &none;
	(void)snprintf(f->texts[0], 64, "REMOTE_ADDR=%s", client);
	(void)snprintf(f->texts[1], 64, "REMOTE_PORT=%u", client_port);
	(void)snprintf(f->texts[2], 64, "SERVER_ADDR=127.0.0.1");
	(void)snprintf(f->texts[3], 64, "SERVER_PORT=%u", port_of(f->listener));
	f->cgi[n++] = "REQUEST_METHOD=GET";
	f->cgi[n++] = "REQUEST_URI=/";
	for (unsigned i = 0; i < 4; i++)
		f->cgi[n++] = f->texts[i];
	f->cgi[n] = NULL;
	assert_ok(request_parse(&f->rq, &f->arena, f->cgi, &env, &e));
	peer_init(&f->peer, &f->rq);
}

static int
set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	arena_init(&f.arena, MIB(1));
	connect_pair(&f);
	parse(&f, port_of(f.client), "127.0.0.1");
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->client >= 0)
		close(f->client);
	close(f->server);
	close(f->listener);
	arena_fini(&f->arena);
	return 0;
}

/* Until the server's end has seen what the client did. */
static void
wait_for_news(struct fixture *f)
{
	struct pollfd p = { f->server, POLLIN | POLLRDHUP, 0 };

	assert_int_equal(poll(&p, 1, 5000), 1);
}

static void
peer_is_gone__client_waits__is_not(void **state)
{
	struct fixture *f = *state;

	assert_true(f->peer.is_usable);
	assert_false(peer_is_gone(&f->peer));
	assert_true(f->peer.was_found);
	assert_false(peer_is_gone(&f->peer));
}

static void
peer_is_gone__client_closed__is(void **state)
{
	struct fixture *f = *state;

	assert_false(peer_is_gone(&f->peer));
	close(f->client);
	f->client = -1;
	wait_for_news(f);

	assert_true(peer_is_gone(&f->peer));
}

static void
peer_is_gone__closed_before_the_first_look__is(void **state)
{
	struct fixture *f = *state;

	close(f->client);
	f->client = -1;
	wait_for_news(f);

	assert_true(peer_is_gone(&f->peer));
}

static void
peer_is_gone__client_reset__is(void **state)
{
	struct fixture *f = *state;
	struct linger hard = { 1, 0 };

	assert_false(peer_is_gone(&f->peer));
	assert_int_equal(setsockopt(f->client, SOL_SOCKET, SO_LINGER, &hard,
			     sizeof(hard)),
	    0);
	close(f->client);
	f->client = -1;
	wait_for_news(f);

	assert_true(peer_is_gone(&f->peer));
}

static void
peer_is_gone__no_such_connection__is_not_and_asks_no_more(void **state)
{
	struct fixture *f = *state;

	parse(f, 1, "127.0.0.1");
	assert_false(peer_is_gone(&f->peer));
	assert_false(f->peer.is_usable);
	parse(f, port_of(f->client), "192.0.2.1");
	assert_false(peer_is_gone(&f->peer));
}

static void
peer_init__no_addresses__is_unusable(void **state)
{
	struct fixture *f = *state;

	parse(f, port_of(f->client), "not-an-address");
	assert_false(f->peer.is_usable);
	parse(f, port_of(f->client), "::1"); /* of another family */
	assert_false(f->peer.is_usable);
	assert_false(peer_is_gone(&f->peer));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(peer_is_gone__client_waits__is_not),
		T(peer_is_gone__client_closed__is),
		T(peer_is_gone__closed_before_the_first_look__is),
		T(peer_is_gone__client_reset__is),
		T(peer_is_gone__no_such_connection__is_not_and_asks_no_more),
		T(peer_init__no_addresses__is_unusable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
