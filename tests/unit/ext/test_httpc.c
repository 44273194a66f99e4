/* SPDX-License-Identifier: MIT */
/* The client for providers, against the simulator and scripted servers.
 * Times are real here: bounds are wide, waits short. */
#include "support/cmocka_tg.h"

#include <pthread.h>

#include "base/clock.h"
#include "ext/httpc.h"
#include "support/fixture_script.h"
#include "support/fixture_sim.h"

static struct fixture_sim sim;
static struct httpc_pool *pool;
static struct error e;
static struct httpc_result res;

/* What the callbacks saw, and what they shall answer. */
struct seen {
	unsigned n_head, n_tick, n_gone;
	int status;
	char content_type[64], retry_after[16];
	char body[4096];
	size_t n_body; /* even beyond body[] */
	enum err head_err, body_err, tick_err;
	int close_fd; /* closed at the first byte of the body; 0 = none */
};

static enum err
answer(enum err err)
{
	return err ? error_set(&e, err, "by the test") : OK;
}

static void
copy_header(const struct httpc_head *head, const char *name, char *ret,
    size_t cap)
{
	struct str value = httpc_head_get(head, name);

	(void)snprintf(ret, cap, "%" PRI_STR, STR_ARG(value));
}

static enum err
on_head(void *ctx, const struct httpc_head *head, struct error *err)
{
	struct seen *seen = ctx;

	(void)err;
	seen->n_head++;
	seen->status = httpc_head_status(head);
	copy_header(head, "Content-Type", seen->content_type,
	    sizeof(seen->content_type));
	copy_header(head, "retry-after", seen->retry_after,
	    sizeof(seen->retry_after));
	return answer(seen->head_err);
}

static enum err
on_body(void *ctx, struct str bytes, struct error *err)
{
	struct seen *seen = ctx;
	size_t room = sizeof(seen->body) - 1;

	(void)err;
	if (seen->n_body < room) {
		size_t n = bytes.n < room - seen->n_body ? bytes.n
							 : room - seen->n_body;

		memcpy(seen->body + seen->n_body, bytes.p, n);
	}
	seen->n_body += bytes.n;
	if (seen->close_fd) {
		(void)close(seen->close_fd);
		seen->close_fd = 0;
	}
	return answer(seen->body_err);
}

static enum err
on_tick(void *ctx, struct error *err)
{
	struct seen *seen = ctx;

	(void)err;
	seen->n_tick++;
	return answer(seen->tick_err);
}

static void
on_client_gone(void *ctx)
{
	struct seen *seen = ctx;

	seen->n_gone++;
}

static struct httpc_request
request_to(const char *url)
{
	return (struct httpc_request){
		.method = "GET",
		.url = url,
		.connect_ms = 1000,
		.first_byte_ms = 3000,
		.idle_ms = 3000,
		.client_fd = -1,
	};
}

static enum err
perform(const struct httpc_request *rq, struct seen *seen)
{
	struct httpc_callbacks cb = {
		.ctx = seen,
		.on_head = on_head,
		.on_body = on_body,
		.on_tick = on_tick,
		.on_client_gone = on_client_gone,
	};

	error_clear(&e);
	return httpc_perform(pool, rq, &cb, &res, &e);
}

/* A chat request to the simulator, `model` saying how it shall behave. */
struct chat {
	struct httpc_request rq;
	struct str piece;
	char body[256];
	char url[128];
};

static const char *const json_header[] = { "Content-Type: application/json" };

static struct httpc_request *
chat(struct chat *c, const char *model, bool is_stream)
{
	(void)snprintf(c->body, sizeof(c->body),
	    "{\"model\":\"%s\",\"stream\":%s,\"messages\":[]}", model,
	    is_stream ? "true" : "false");
	(void)snprintf(c->url, sizeof(c->url), "%s/v1/chat/completions",
	    sim.tcp_url);
	c->piece = str_from(c->body);
	c->rq = request_to(c->url);
	c->rq.method = "POST";
	c->rq.headers = json_header;
	c->rq.n_headers = 1;
	c->rq.body = &c->piece;
	c->rq.n_body = 1;
	c->rq.is_stream = is_stream;
	return &c->rq;
}

static int
setup(void **state)
{
	struct httpc_pool_conf conf = { .idle_max = 4, .has_pump = true };

	(void)state;
	assert_ok(httpc_pool_new(&conf, &pool, &e));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	httpc_pool_free(pool);
	return 0;
}

static void
httpc_perform__plain_answer__comes_whole(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_ok(perform(chat(&c, "sim-fixed:3", false), &seen));

	assert_int_equal(res.status, 200);
	assert_int_equal(res.phase, HTTPC_DONE);
	assert_int_equal(res.n_sent, 1);
	assert_false(res.is_reused);
	assert_false(res.is_client_gone);
	assert_int_equal(res.body_bytes, seen.n_body);
	assert_true(res.first_byte_us > 0);
	assert_true(res.total_us >= res.first_byte_us);
	assert_int_equal(seen.n_head, 1);
	assert_int_equal(seen.status, 200);
	assert_string_equal(seen.content_type, "application/json");
	assert_non_null(strstr(seen.body, "\"usage\""));
}

static void
httpc_perform__second_request__uses_the_kept_connection(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-fixed", false);
	rq->url = "http://localhost/v1/chat/completions";
	rq->unix_path = sim.unix_path;
	assert_ok(perform(rq, &seen));
	assert_false(res.is_reused);
	assert_ok(perform(rq, &seen));
	assert_true(res.is_reused);
	assert_int_equal(res.connect_us, 0);
	/* Another place is another connection. */
	assert_ok(perform(chat(&c, "sim-fixed", false), &seen));
	assert_false(res.is_reused);
	assert_ok(perform(chat(&c, "sim-fixed", false), &seen));
	assert_true(res.is_reused);
}

static void
httpc_perform__no_idle_connections_allowed__each_is_new(void **state)
{
	struct httpc_pool_conf conf = { .idle_max = 0 };
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	httpc_pool_free(pool);
	assert_ok(httpc_pool_new(&conf, &pool, &e));

	for (int i = 0; i < 3; i++) {
		assert_ok(perform(chat(&c, "sim-fixed", false), &seen));
		assert_false(res.is_reused);
	}
}

static void
httpc_perform__kept_connection_was_closed__a_new_one_is_made(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_ok(perform(chat(&c, "sim-drops", false), &seen));
		assert_int_equal(res.status, 200);
		(void)usleep(5000);
	}
}

static void
httpc_perform__kept_connection_dies_on_use__the_resend_is_told(void **state)
{
	static const struct fixture_step steps[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", false },
		{ "", true },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb", false },
		{ NULL, false },
	};
	struct fixture_script script;
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;

	(void)state;
	fixture_script_start(&script, steps);
	rq = request_to(script.url);
	assert_ok(perform(&rq, &seen));
	assert_int_equal(res.n_sent, 1);

	assert_ok(perform(&rq, &seen));

	assert_int_equal(res.n_sent, 2);
	assert_string_equal(seen.body, "ab");
	httpc_pool_free(pool);
	pool = NULL;
	fixture_script_stop(&script);
}

static void
httpc_perform__error_status__is_an_answer_like_any(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_ok(perform(chat(&c, "sim-429:7", false), &seen));
	assert_int_equal(res.status, 429);
	assert_string_equal(seen.retry_after, "7");
	assert_non_null(strstr(seen.body, "\"error\""));
	assert_ok(perform(chat(&c, "sim-500", true), &seen));
	assert_int_equal(res.status, 500);
}

static void
httpc_perform__redirect__is_not_followed(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_ok(perform(chat(&c, "sim-redirect", false), &seen));
	assert_int_equal(res.status, 302);
	assert_int_equal(seen.n_head, 1);
}

static void
httpc_perform__interim_answers__are_passed_over(void **state)
{
	static const struct fixture_step steps[] = {
		{ "HTTP/1.1 100 Continue\r\n\r\n"
		  "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
		  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
		    true },
		{ NULL, false },
	};
	struct fixture_script script;
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;

	(void)state;
	fixture_script_start(&script, steps);
	rq = request_to(script.url);
	assert_ok(perform(&rq, &seen));
	assert_int_equal(res.status, 200);
	assert_int_equal(seen.n_head, 1);
	fixture_script_stop(&script);
}

static void
httpc_perform__nobody_listens__is_a_connect_error(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;
	char url[64];
	int fd = fixture_listen(1, url, sizeof(url));

	(void)state;
	(void)close(fd);
	rq = request_to(url);
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_CONNECT);
	assert_int_equal(res.phase, HTTPC_CONNECT);
	assert_int_equal(res.n_sent, 0);

	rq.unix_path = "/nonexistent/tollgate.sock";
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_CONNECT);
	rq = request_to("ftp://127.0.0.1/");
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_CONNECT);
	rq = request_to("http://name.invalid/");
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_CONNECT);
	assert_int_equal(seen.n_head, 0);
}

static void
httpc_perform__nobody_accepts__is_a_timeout_before_sending(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct sockaddr_in addr;
	struct httpc_request rq;
	socklen_t len = sizeof(addr);
	int fill[4], fd;
	char url[64];

	(void)state;
	fd = fixture_listen(0, url, sizeof(url));
	assert_int_equal(getsockname(fd, (void *)&addr, &len), 0);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (void *)&addr, sizeof(addr));
	}
	rq = request_to(url);
	rq.connect_ms = 100;

	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM_TIMEOUT);

	assert_int_equal(res.phase, HTTPC_CONNECT);
	assert_true(res.total_us < 1000000);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		(void)close(fill[i]);
	(void)close(fd);
}

static bool
refuse_all(void *ctx, const struct sockaddr *addr, size_t addr_bytes)
{
	unsigned *n_asked = ctx;

	assert_non_null(addr);
	assert_true(addr_bytes >= sizeof(struct sockaddr_in));
	++*n_asked;
	return false;
}

static void
httpc_perform__address_not_allowed__is_never_connected_to(void **state)
{
	unsigned n_asked = 0;
	struct httpc_pool_conf conf = {
		.idle_max = 4,
		.allow_peer = refuse_all,
		.allow_ctx = &n_asked,
	};
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	httpc_pool_free(pool);
	assert_ok(httpc_pool_new(&conf, &pool, &e));
	assert_int_equal(perform(chat(&c, "sim-fixed", false), &seen),
	    ERR_UPSTREAM_CONNECT);
	assert_int_equal(n_asked, 1);
}

static void
httpc_perform__no_first_byte__is_a_timeout(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-hang", false);
	rq->first_byte_ms = 100;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM_TIMEOUT);
	assert_int_equal(res.phase, HTTPC_WAIT);
	assert_true(res.total_us >= 100000);
	assert_true(res.total_us < 1000000);
	/* The connection is not used again. */
	assert_ok(perform(chat(&c, "sim-fixed", false), &seen));
	assert_false(res.is_reused);
}

static void
httpc_perform__silence_inside_the_answer__is_a_timeout(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-hang-mid:2", true);
	rq->idle_ms = 100;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM_TIMEOUT);
	assert_int_equal(res.phase, HTTPC_BODY);
	assert_int_equal(res.status, 200);
	assert_true(seen.n_body > 0);
	assert_true(res.total_us < 1000000);
}

static void
httpc_perform__slow_but_steady_answer__is_no_timeout(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-pace:30:10", true);
	rq->idle_ms = 150;
	rq->first_byte_ms = 150;
	assert_ok(perform(rq, &seen));
	assert_true(res.total_us > 200000);
	assert_ok(perform(chat(&c, "sim-drip:0+sim-fixed:2", false), &seen));
}

static void
httpc_perform__broken_answers__are_upstream_errors(void **state)
{
	static const char *const texts[] = {
		"SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nContent-Le",
		"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nx",
		"",
	};
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fixture_step steps[] = { { texts[i], true },
			{ NULL, false } };
		struct fixture_script script;
		enum err err;

		fixture_script_start(&script, steps);
		rq = request_to(script.url);
		err = perform(&rq, &seen);
		if (err != ERR_UPSTREAM)
			fail_msg("%d for %s", (int)err, texts[i]);
		assert_true(e.internal[0] != '\0');
		assert_true(res.phase != HTTPC_CONNECT);
		assert_true(res.phase != HTTPC_DONE);
		fixture_script_stop(&script);
	}
}

static void
httpc_perform__closed_without_an_answer__tells_that_it_was_sent(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_int_equal(perform(chat(&c, "sim-close:0", false), &seen),
	    ERR_UPSTREAM);
	assert_int_equal(res.phase, HTTPC_WAIT);
	assert_int_equal(perform(chat(&c, "sim-close:2", true), &seen),
	    ERR_UPSTREAM);
	assert_int_equal(res.phase, HTTPC_BODY);
	assert_int_equal(perform(chat(&c, "sim-reset:2", true), &seen),
	    ERR_UPSTREAM);
}

static void
httpc_perform__too_long_answer__is_cut(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-huge:1000000", false);
	rq->max_bytes = 100000;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM);
	assert_true(seen.n_body <= 100000);
	rq->max_bytes = 2000000;
	assert_ok(perform(rq, &seen));
}

static void
httpc_perform__compressed_unasked__is_an_upstream_error(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct chat c;

	(void)state;
	assert_int_equal(perform(chat(&c, "sim-gzip", false), &seen),
	    ERR_UPSTREAM);
	assert_int_equal(seen.n_head, 0);
}

/* What the simulator received last. */
static void
fetch_last(struct seen *seen)
{
	struct httpc_request rq;
	char url[128];

	(void)snprintf(url, sizeof(url), "%s/__sim/last", sim.tcp_url);
	rq = request_to(url);
	assert_ok(perform(&rq, seen));
	seen->body[seen->n_body < sizeof(seen->body) ? seen->n_body
						     : sizeof(seen->body) - 1] =
	    '\0';
}

static void
httpc_perform__request__is_what_was_given_and_no_more(void **state)
{
	const char *headers[] = { "Content-Type: application/json",
		"Authorization: Bearer sk-test", "X-Request-Id: 7" };
	struct str pieces[] = { STR_INIT("{\"model\":"), STR_INIT(""),
		STR_INIT("\"m\",\"messages\":[]"), STR_INIT("}") };
	struct seen seen = { .n_head = 0 }, last = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "x", false);
	rq->headers = headers;
	rq->n_headers = 3;
	rq->body = pieces;
	rq->n_body = ARRAY_LEN(pieces);
	assert_ok(perform(rq, &seen));

	fetch_last(&last);
	assert_non_null(strstr(last.body, "POST /v1/chat/completions"));
	assert_non_null(strstr(last.body, "\r\nAuthorization: Bearer sk-test"));
	assert_non_null(strstr(last.body, "\r\nX-Request-Id: 7"));
	assert_non_null(strstr(last.body, "\r\nAccept-Encoding: identity"));
	assert_null(strstr(last.body, "Expect"));
	assert_null(strstr(last.body, "User-Agent"));
	assert_non_null(strstr(last.body, "\r\nContent-Length: 27\r\n"));
	assert_non_null(
	    strstr(last.body, "\r\n\r\n{\"model\":\"m\",\"messages\":[]}"));
}

static void
httpc_perform__large_body__is_sent_whole_in_one_or_more_pieces(void **state)
{
	size_t n = MIB(3);
	char *text = malloc(n);
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct str pieces[4];
	struct chat c;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	pieces[0] = S(
	    "{\"model\":\"sim-fixed:1\",\"messages\":[{\"content\":\"");
	pieces[1] = str_make(text, n / 2);
	pieces[2] = str_make(text + n / 2, n / 2);
	pieces[3] = S("\"}]}");
	rq = chat(&c, "x", false);
	rq->body = pieces;
	rq->n_body = 4;
	for (int i = 0; i < 2; i++) {
		assert_ok(perform(rq, &seen));
		assert_int_equal(res.status, 200);
	}
	memcpy(text, pieces[0].p, pieces[0].n);
	memcpy(text + n - 4, pieces[3].p, 4);
	pieces[0] = str_make(text, n);
	rq->n_body = 1;
	assert_ok(perform(rq, &seen));
	assert_int_equal(res.status, 200);
	free(text);
}

/* A client's connection: [0] is watched, [1] is the client's end. */
static void
make_client(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void *
close_soon(void *arg)
{
	int *fd = arg;

	(void)usleep(50000);
	(void)close(*fd);
	return NULL;
}

static void
httpc_perform__client_leaves_in_silence__cancels_at_once(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	pthread_t thread;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	rq = chat(&c, "sim-hang", false);
	rq->client_fd = fds[0];
	assert_int_equal(pthread_create(&thread, NULL, close_soon, &fds[1]), 0);

	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);

	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 1);
	assert_true(res.total_us < 250000); /* 50 ms until it leaves */
	(void)pthread_join(thread, NULL);
	(void)close(fds[0]);
}

static void
httpc_perform__client_leaves_leaving_bytes_unread__is_noticed_too(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	pthread_t thread;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	assert_int_equal(write(fds[1], "x", 1), 1);
	rq = chat(&c, "sim-hang", false);
	rq->client_fd = fds[0];
	assert_int_equal(pthread_create(&thread, NULL, close_soon, &fds[1]), 0);

	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);

	assert_true(res.total_us < 400000);
	(void)pthread_join(thread, NULL);
	(void)close(fds[0]);
}

static void
httpc_perform__client_is_gone_already__nothing_is_sent(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	(void)close(fds[1]);
	rq = chat(&c, "sim-fixed", false);
	rq->client_fd = fds[0];
	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);
	assert_int_equal(res.n_sent, 0);
	assert_int_equal(res.phase, HTTPC_CONNECT);
	(void)close(fds[0]);
}

static void
httpc_perform__client_leaves_with_drain__the_answer_is_read_on(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	rq = chat(&c, "sim-pace:10:10", true);
	rq->client_fd = fds[0];
	rq->drain_ms = 3000;
	seen.close_fd = fds[1];

	assert_ok(perform(rq, &seen));

	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 1);
	assert_non_null(strstr(seen.body, "[DONE]"));
	(void)close(fds[0]);
}

static void
httpc_perform__drain_takes_too_long__ends(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	rq = chat(&c, "sim-pace:20:500", true);
	rq->client_fd = fds[0];
	rq->drain_ms = 100;
	seen.close_fd = fds[1];

	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);

	assert_true(res.total_us >= 100000);
	assert_true(res.total_us < 1000000);
	(void)close(fds[0]);
}

static void
httpc_perform__write_to_the_client_fails__cancels_or_drains(void **state)
{
	struct seen seen = { .body_err = ERR_CLIENT_CLOSED };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-pace:50:20", true);
	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);
	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 1);
	assert_true(res.total_us < 900000);

	seen.n_body = 0;
	rq = chat(&c, "sim-pace:10:10", true);
	rq->drain_ms = 3000;
	assert_ok(perform(rq, &seen));
	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 2);
	assert_non_null(strstr(seen.body, "[DONE]"));
}

static void
httpc_perform__callback_fails__its_error_is_returned(void **state)
{
	struct seen seen = { .head_err = ERR_JOURNAL_FULL };
	struct chat c;

	(void)state;
	assert_int_equal(perform(chat(&c, "sim-fixed", false), &seen),
	    ERR_JOURNAL_FULL);
	assert_string_equal(e.internal, "by the test");
	assert_int_equal(seen.n_body, 0);

	seen.head_err = OK;
	seen.body_err = ERR_UPSTREAM;
	assert_int_equal(perform(chat(&c, "sim-fixed", false), &seen),
	    ERR_UPSTREAM);
	assert_false(res.is_client_gone);
}

static void
httpc_perform__silence__ticks(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;

	(void)state;
	rq = chat(&c, "sim-delay:200", false);
	rq->tick_ms = 40;
	assert_ok(perform(rq, &seen));
	assert_in_range(seen.n_tick, 1, 5);

	/* A tick is no sign of life of the provider. */
	rq = chat(&c, "sim-hang", false);
	rq->tick_ms = 40;
	rq->first_byte_ms = 150;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM_TIMEOUT);

	rq = chat(&c, "sim-hang-mid:1", true);
	rq->tick_ms = 40;
	rq->idle_ms = 150;
	assert_int_equal(perform(rq, &seen), ERR_UPSTREAM_TIMEOUT);

	rq = chat(&c, "sim-hang", false);
	rq->tick_ms = 40;
	seen.tick_err = ERR_CLIENT_CLOSED;
	rq->first_byte_ms = 3000;
	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);
	assert_true(res.total_us < 1000000);

	/* A busy stream has none. */
	seen.n_tick = 0;
	rq = chat(&c, "sim-pace:10:20", true);
	rq->tick_ms = 1000;
	assert_ok(perform(rq, &seen));
	assert_int_equal(seen.n_tick, 0);
}

static void
httpc_pump__end_behind_the_last_bytes__is_whole_or_broken(void **state)
{
	static const struct fixture_step steps[] = {
		{ "HTTP/1.1 200 OK\r\n\r\nall of it", true },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall", true },
		{ NULL, false },
	};
	struct fixture_script script;
	struct seen seen = { .n_head = 0 };
	struct httpc_request rq;

	(void)state;
	fixture_script_start(&script, steps);
	rq = request_to(script.url);
	rq.is_stream = true;
	assert_ok(perform(&rq, &seen));
	assert_string_equal(seen.body, "all of it");
	assert_int_equal(perform(&rq, &seen), ERR_UPSTREAM);
	assert_int_equal(res.phase, HTTPC_BODY);
	fixture_script_stop(&script);
}

static void
httpc_pump__client_leaves_in_mid_stream__cancels(void **state)
{
	struct seen seen = { .n_head = 0 };
	struct httpc_request *rq;
	struct chat c;
	int fds[2];

	(void)state;
	make_client(fds);
	rq = chat(&c, "sim-pace:20:500", true);
	rq->client_fd = fds[0];
	seen.close_fd = fds[1];
	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);
	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 1);
	assert_true(res.total_us < 1000000);
	(void)close(fds[0]);
}

/* A client that reads nothing until it is told to; what is for it is eight
 * times as much as comes, kept back until there are hold_bytes of it. */
struct slow_client {
	int fds[2];
	size_t hold_bytes, n_held;
	enum err err;
};

static enum err
write_much(void *ctx, struct str bytes, struct error *err)
{
	struct slow_client *slow = ctx;
	static const char filler[KIB(4)];

	(void)err;
	slow->n_held += 8 * bytes.n;
	if (slow->n_held < slow->hold_bytes)
		return OK;
	while (slow->n_held) {
		size_t n = slow->n_held < sizeof(filler) ? slow->n_held
							 : sizeof(filler);
		ssize_t got = write(slow->fds[0], filler, n);

		if (got <= 0)
			return answer(ERR_CLIENT_CLOSED);
		slow->n_held -= (size_t)got;
	}
	return OK;
}

static size_t
n_held(void *ctx)
{
	const struct slow_client *slow = ctx;

	return slow->n_held;
}

static void *
serve_slow_client(void *arg)
{
	struct slow_client *slow = arg;
	struct httpc_callbacks cb = { .ctx = slow,
		.on_body = write_much,
		.n_held = n_held };
	struct httpc_result result;
	struct error err;
	struct httpc_request *rq;
	struct chat c;

	rq = chat(&c, "sim-pace:1:300", true);
	rq->client_fd = slow->fds[0];
	slow->err = httpc_perform(pool, rq, &cb, &result, &err);
	return NULL;
}

/* They do when there is no room for it any more. */
static void
assert_others_go_on(size_t hold_bytes)
{
	struct slow_client slow = { .hold_bytes = hold_bytes };
	struct seen seen = { .n_head = 0 };
	char sink[KIB(4)];
	struct pollfd room;
	pthread_t thread;
	struct chat c;
	ssize_t n;

	make_client(slow.fds);
	assert_int_equal(pthread_create(&thread, NULL, serve_slow_client,
			     &slow),
	    0);
	room = (struct pollfd){ slow.fds[0], POLLOUT, 0 };
	while (poll(&room, 1, 0) > 0)
		(void)usleep(1000);

	assert_ok(perform(chat(&c, "sim-pace:5:10", true), &seen));
	assert_non_null(strstr(seen.body, "[DONE]"));

	do
		n = recv(slow.fds[1], sink, sizeof(sink), MSG_DONTWAIT);
	while (n > 0 || pthread_tryjoin_np(thread, NULL) != 0);
	assert_int_equal(slow.err, OK);
	(void)close(slow.fds[0]);
	(void)close(slow.fds[1]);
}

static void
httpc_pump__client_takes_nothing__others_go_on(void **state)
{
	(void)state;
	assert_others_go_on(1);
}

static void
httpc_pump__much_is_kept_back_for_it__others_go_on(void **state)
{
	(void)state;
	assert_others_go_on(KIB(300));
}

static void *
abort_soon(void *arg)
{
	(void)usleep(50000);
	httpc_pool_abort(arg);
	return NULL;
}

static void
httpc_pool_abort__running_and_later_requests__end(void **state)
{
	struct seen seen = { .n_head = 0 };
	pthread_t thread;
	struct chat c;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, abort_soon, pool), 0);
	assert_int_equal(perform(chat(&c, "sim-hang", false), &seen),
	    ERR_SHUTTING_DOWN);
	assert_true(res.total_us < 500000);
	(void)pthread_join(thread, NULL);
	assert_int_equal(perform(chat(&c, "sim-hang", false), &seen),
	    ERR_SHUTTING_DOWN);
}

#define N_THREADS 8

static void *
many_requests(void *arg)
{
	struct httpc_callbacks cb = { .ctx = NULL };
	unsigned *n_ok = arg;
	struct httpc_result result;
	struct error err;
	struct chat c;

	for (int i = 0; i < 100; i++)
		if (!httpc_perform(pool,
			chat(&c, i % 2 ? "sim-fixed" : "sim-pace:1:3", i % 2),
			&cb, &result, &err) &&
		    result.status == 200)
			++*n_ok;
	return NULL;
}

static void
httpc_perform__many_threads__share_one_pool(void **state)
{
	unsigned n_ok[N_THREADS] = { 0 };
	pthread_t threads[N_THREADS];

	(void)state;
	for (size_t i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
				     many_requests, &n_ok[i]),
		    0);
	for (size_t i = 0; i < N_THREADS; i++) {
		(void)pthread_join(threads[i], NULL);
		assert_int_equal(n_ok[i], 100);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(httpc_perform__plain_answer__comes_whole),
		T(httpc_perform__second_request__uses_the_kept_connection),
		T(httpc_perform__no_idle_connections_allowed__each_is_new),
		T(httpc_perform__kept_connection_was_closed__a_new_one_is_made),
		T(httpc_perform__kept_connection_dies_on_use__the_resend_is_told),
		T(httpc_perform__error_status__is_an_answer_like_any),
		T(httpc_perform__redirect__is_not_followed),
		T(httpc_perform__interim_answers__are_passed_over),
		T(httpc_perform__nobody_listens__is_a_connect_error),
		T(httpc_perform__nobody_accepts__is_a_timeout_before_sending),
		T(httpc_perform__address_not_allowed__is_never_connected_to),
		T(httpc_perform__no_first_byte__is_a_timeout),
		T(httpc_perform__silence_inside_the_answer__is_a_timeout),
		T(httpc_perform__slow_but_steady_answer__is_no_timeout),
		T(httpc_perform__broken_answers__are_upstream_errors),
		T(httpc_perform__closed_without_an_answer__tells_that_it_was_sent),
		T(httpc_perform__too_long_answer__is_cut),
		T(httpc_perform__compressed_unasked__is_an_upstream_error),
		T(httpc_perform__request__is_what_was_given_and_no_more),
		T(httpc_perform__large_body__is_sent_whole_in_one_or_more_pieces),
		T(httpc_perform__client_leaves_in_silence__cancels_at_once),
		T(httpc_perform__client_leaves_leaving_bytes_unread__is_noticed_too),
		T(httpc_perform__client_is_gone_already__nothing_is_sent),
		T(httpc_perform__client_leaves_with_drain__the_answer_is_read_on),
		T(httpc_perform__drain_takes_too_long__ends),
		T(httpc_perform__write_to_the_client_fails__cancels_or_drains),
		T(httpc_perform__callback_fails__its_error_is_returned),
		T(httpc_perform__silence__ticks),
		T(httpc_pump__end_behind_the_last_bytes__is_whole_or_broken),
		T(httpc_pump__client_leaves_in_mid_stream__cancels),
		T(httpc_pump__client_takes_nothing__others_go_on),
		T(httpc_pump__much_is_kept_back_for_it__others_go_on),
		T(httpc_pool_abort__running_and_later_requests__end),
		T(httpc_perform__many_threads__share_one_pool),
	};
	struct error err;
	int n_failed;

	(void)signal(SIGPIPE, SIG_IGN);
	fixture_sim_start(&sim);
	if (httpc_global_init(&err))
		return 1;
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_global_fini();
	fixture_sim_stop(&sim);
	return n_failed;
}
