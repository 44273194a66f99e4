/* SPDX-License-Identifier: MIT */
/*
 * Names of providers while the name server is silent. The program gives itself
 * a network, and in it a name server that hears and answers nothing; where it
 * may not, there are no tests.
 */
#include "httpc_fixture.h"

#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

/* So long resolvers wait until they ask again: longer than any request here
 * takes. After the second time they give up. */
#define AGAIN_S "10"

static int server_fd;

static bool
replace_file(const struct fixture_dir *dir, const char *target,
    const char *text)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir->path,
	    strrchr(target, '/') + 1);
	f = fopen(path, "w");
	return f && fputs(text, f) >= 0 && fclose(f) == 0 &&
	       mount(path, target, "none", MS_BIND, NULL) == 0;
}

static bool
replace_files(const struct fixture_dir *dir)
{
	return replace_file(dir, "/etc/resolv.conf",
		   "nameserver 127.0.0.1\n"
		   "options attempts:2 timeout:" AGAIN_S "\n") &&
	       (access("/etc/nsswitch.conf", F_OK) != 0 ||
		   replace_file(dir, "/etc/nsswitch.conf", "hosts: dns\n"));
}

static bool
is_listening(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_port = htons(53) };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return server_fd >= 0 && ioctl(server_fd, SIOCSIFFLAGS, &lo) == 0 &&
	       bind(server_fd, (void *)&addr, sizeof(addr)) == 0;
}

/* A network and mounts of our own: root may have them, others as the root of
 * a user namespace, if the host lets them. */
static bool
has_own_network(const struct fixture_dir *dir)
{
	int flags = CLONE_NEWNS | CLONE_NEWNET;

	return (unshare(flags) == 0 || unshare(flags | CLONE_NEWUSER) == 0) &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       replace_files(dir) && is_listening();
}

/* Queries that wait for an answer. */
static struct {
	struct sockaddr_in from;
	unsigned char bytes[512];
	size_t n;
} open_queries[16];
static size_t n_open;

/* "No such name" to all that were asked: curl's threads can end. */
static void
answer_all(void)
{
	while (n_open) {
		unsigned char *bytes = open_queries[--n_open].bytes;

		bytes[2] |= 0x80; /* RFC 1035, 4.1.1: an answer, */
		bytes[3] = 3;     /* name error */
		assert_true(sendto(server_fd, bytes, open_queries[n_open].n, 0,
				(void *)&open_queries[n_open].from,
				sizeof(open_queries[0].from)) > 0);
	}
}

/* Whether a packet asks for the address of X.example, X being `letter`. */
static bool
is_query(const unsigned char *bytes, ssize_t n, char letter)
{
	/* 12 bytes of header, 1 X 7 example 0, the type: RFC 1035, 4.1. */
	return n >= 27 && bytes[12] == 1 && bytes[13] == letter &&
	       bytes[23] == 0 && bytes[24] == 1;
}

/* Take queries for X.example off the server's socket: one, for which it waits,
 * or all that are there. How many there were. */
static unsigned
take_queries(char letter, bool may_wait)
{
	unsigned n_queries = 0;

	for (;;) {
		socklen_t n_from = sizeof(open_queries[0].from);
		unsigned char *bytes = open_queries[n_open].bytes;
		ssize_t n = recvfrom(server_fd, bytes,
		    sizeof(open_queries[0].bytes), may_wait ? 0 : MSG_DONTWAIT,
		    (void *)&open_queries[n_open].from, &n_from);

		if (n <= 0)
			break;
		open_queries[n_open].n = (size_t)n;
		assert_true(++n_open < ARRAY_LEN(open_queries));
		n_queries += is_query(bytes, n, letter);
		if (may_wait && n_queries)
			break;
	}
	return n_queries;
}

static void
httpc_perform__name_server_is_silent__is_a_timeout(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq = request_to("http://a.example/");

	(void)state;
	rq.connect_ms = 100;

	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_TIMEOUT);

	assert_int_equal(res.phase, HTTPC_CONNECT);
	/* The resolver is still waiting for its first answer. */
	assert_int_equal(take_queries('a', true), 1);
	assert_int_equal(take_queries('a', false), 0);
}

static void *
close_when_asked(void *arg)
{
	int *fd = arg;

	(void)take_queries('b', true);
	(void)close(*fd);
	return NULL;
}

static void
httpc_perform__client_leaves_while_a_name_is_looked_up__cancels(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq = request_to("http://b.example/");
	pthread_t thread;
	int fds[2];

	(void)state;
	make_client(fds);
	rq.client_fd = fds[0];
	rq.connect_ms = 3600000;
	rq.first_byte_ms = 0;
	assert_int_equal(pthread_create(&thread, NULL, close_when_asked,
			     &fds[1]),
	    0);

	assert_int_equal(perform(&rq, &seen), ERR_CLIENT_CLOSED);

	(void)pthread_join(thread, NULL);
	assert_int_equal(take_queries('b', false), 0);
	(void)close(fds[0]);
}

static void *
abort_when_asked(void *arg)
{
	(void)take_queries('c', true);
	httpc_pool_abort(arg);
	return NULL;
}

static void
httpc_pool_abort__name_is_looked_up__ends(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq = request_to("http://c.example/");
	pthread_t thread;

	(void)state;
	rq.connect_ms = 3600000;
	rq.first_byte_ms = 0;
	assert_int_equal(pthread_create(&thread, NULL, abort_when_asked, pool),
	    0);

	assert_int_equal(perform(&rq, &seen), ERR_SHUTTING_DOWN);

	(void)pthread_join(thread, NULL);
	assert_int_equal(take_queries('c', false), 0);
}

/* The pool waits for curl's threads, so they must have their answers. */
static int
teardown(void **state)
{
	answer_all();
	return httpc_teardown(state);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, httpc_setup, teardown)
	const struct CMUnitTest tests[] = {
		T(httpc_perform__name_server_is_silent__is_a_timeout),
		T(httpc_perform__client_leaves_while_a_name_is_looked_up__cancels),
		T(httpc_pool_abort__name_is_looked_up__ends),
	};
	struct fixture_dir dir;
	struct error err;
	int n_failed;

	fixture_dir_make(&dir);
	if (!has_own_network(&dir)) {
		puts("1..0 # SKIP no network of its own is allowed");
		fixture_dir_remove(&dir);
		return 0;
	}
	if (httpc_global_init(&err))
		return 1;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_global_fini();
	fixture_dir_remove(&dir);
	return n_failed;
}
