/* SPDX-License-Identifier: MIT */
/* Where a webhook may point to, by what it says and by what its name turns out
 * to be. CHECKLIST S11. */
#include "support/cmocka_tg.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "domain/webhook_url.h"
#include "ext/httpc.h"

static struct cidr_list none = { NULL, 0 };

static void
webhook_url__public__passes(void **state)
{
	static const char *const urls[] = { "https://example.com",
		"https://hooks.example.com/a/b?c=d&e=%20",
		"https://example.com:8443/", "https://EXAMPLE.com/",
		"https://1.1.1.1/x", "https://8.8.8.8:444?x",
		"https://[2606:4700:4700::1111]:8443/",
		"https://1and1.example/", "https://xn--bcher-kva.example/" };
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		if (webhook_url_check(str_from(urls[i]), &none, &e))
			fail_msg("%s: %s", urls[i], e.public_text);
}

static void
webhook_url__anything_else__is_refused(void **state)
{
	static const char *const urls[] = { "", "https://", "https:///x",
		"http://example.com/", "ftp://example.com/",
		"file:///etc/passwd", "HTTPS://example.com/",
		" https://example.com/",
		/* users, ports, characters */
		"https://user@example.com/", "https://u:p@example.com/",
		"https://example.com@127.0.0.1/", "https://example.com:0/",
		"https://example.com:65536/", "https://example.com:/",
		"https://example.com:80a/", "https://example.com\\@10.0.0.1/",
		"https://example.com/#x", "https://example.com/a b",
		"https://example.com/\r\nX: y", "https://exam_ple.com/",
		"https://ex\303\244mple.com/", "https://example.com%2f/",
		"https://.example.com/", "https://example.com./",
		/* this host and this network, by name */
		"https://localhost/", "https://x.localhost/",
		"https://LOCALHOST:8443/", "https://printer/",
		"https://printer.local/", "https://metadata.google.internal/",
		"https://router.lan/", "https://db.corp/", "https://nas.home/",
		/* by address */
		"https://127.0.0.1/", "https://127.255.255.254/",
		"https://0.0.0.0/", "https://10.0.0.1/", "https://100.64.0.1/",
		"https://100.100.100.200/", "https://169.254.169.254/",
		"https://172.16.0.1/", "https://172.31.255.255/",
		"https://192.0.0.192/", "https://192.0.2.1/",
		"https://192.88.99.1/", "https://192.168.1.1/",
		"https://198.18.0.1/", "https://198.51.100.1/",
		"https://203.0.113.1/", "https://224.0.0.1/",
		"https://240.0.0.1/", "https://255.255.255.255/",
		"https://168.63.129.16/", "https://[::]/", "https://[::1]/",
		"https://[fe80::1]/", "https://[fe80::1%25eth0]/",
		"https://[fc00::1]/", "https://[fd00:ec2::254]/",
		"https://[ff02::1]/", "https://[2001:db8::1]/",
		"https://[2001::1]/", "https://[2002:7f00:1::1]/",
		"https://[64:ff9b::7f00:1]/",
		"https://[64:ff9b::169.254.169.254]/",
		"https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
		"https://[::ffff:10.0.0.1]/", "https://[::127.0.0.1]/",
		/* by other notations of an address */
		"https://2130706433/", "https://017700000001/",
		"https://0x7f000001/", "https://0x7f.0.0.1/",
		"https://0177.0.0.1/", "https://127.1/", "https://127.0.1/",
		"https://1.1.1.1.1/", "https://1.1.1.01/", "https://8.8.8/",
		"https://[1.1.1.1]:x/", "https://[::1/", "https://::1/",
		"https://[]/" };
	char text[WEBHOOK_URL_BYTES + 2] = "https://example.com/";
	struct error e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		if (webhook_url_check(str_from(urls[i]), &none, &e) !=
		    ERR_BAD_PARAM)
			fail_msg("%s passed", urls[i]);
		assert_string_equal(e.param, "webhook_url");
	}
	memset(text + 20, 'a', sizeof(text) - 21);
	assert_int_equal(webhook_url_check(str_from(text), &none, &e),
	    ERR_BAD_PARAM);
	assert_ok(
	    webhook_url_check(str_make(text, WEBHOOK_URL_BYTES), &none, &e));
}

static void
webhook_url__allowed_network__lets_its_addresses_through(void **state)
{
	struct cidr_list list;
	struct arena a;
	struct error e;

	(void)state;
	arena_init(&a, KIB(4));
	assert_ok(cidr_list_parse(&a, S("10.1.0.0/16, ::1"), &list, &e));
	assert_ok(webhook_url_check(S("https://10.1.2.3/"), &list, &e));
	assert_ok(
	    webhook_url_check(S("https://[::ffff:10.1.2.3]/"), &list, &e));
	assert_ok(webhook_url_check(S("https://[::1]/"), &list, &e));
	assert_int_equal(webhook_url_check(S("https://10.2.0.1/"), &list, &e),
	    ERR_BAD_PARAM);
	assert_int_equal(webhook_url_check(S("https://127.0.0.1/"), &list, &e),
	    ERR_BAD_PARAM);
	arena_fini(&a);
}

/* A server on 127.0.0.1, which a name below localhost stands for. */
static int
listen_locally(char ret_url[64])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	(void)snprintf(ret_url, 64, "http://rebound.localhost:%u/",
	    (unsigned)ntohs(at.sin_port));
	return fd;
}

static enum err
perform(struct cidr_list *allowed, const char *url, struct error *e)
{
	struct httpc_pool_conf conf = { .allow_peer = webhook_peer_is_ok,
		.allow_ctx = allowed };
	struct httpc_request rq = { .method = "GET",
		.url = url,
		.total_ms = 300,
		.client_fd = -1 };
	struct httpc_callbacks cb = { .ctx = NULL };
	struct httpc_pool *pool;
	struct httpc_result res;
	enum err err;

	assert_ok(httpc_pool_new(&conf, &pool, e));
	err = httpc_perform(pool, &rq, &cb, &res, e);
	httpc_pool_free(pool);
	return err;
}

static void
webhook_peer__name_that_resolves_to_loopback__is_never_connected_to(
    void **state)
{
	struct cidr_list allowed;
	struct arena a;
	struct error e;
	char url[64];
	int fd = listen_locally(url);

	(void)state;
	assert_ok(httpc_global_init(&e));
	arena_init(&a, KIB(4));
	assert_int_equal(perform(&none, url, &e), ERR_UPSTREAM_CONNECT);
	assert_int_equal(accept(fd, NULL, NULL), -1);

	/* And the test would have seen a connection. */
	assert_ok(cidr_list_parse(&a, S("127.0.0.1"), &allowed, &e));
	assert_int_equal(perform(&allowed, url, &e), ERR_UPSTREAM_TIMEOUT);
	assert_true(accept(fd, NULL, NULL) >= 0);
	arena_fini(&a);
	(void)close(fd);
	httpc_global_fini();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(webhook_url__public__passes),
		cmocka_unit_test(webhook_url__anything_else__is_refused),
		cmocka_unit_test(
		    webhook_url__allowed_network__lets_its_addresses_through),
		cmocka_unit_test(
		    webhook_peer__name_that_resolves_to_loopback__is_never_connected_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
