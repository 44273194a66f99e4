/* SPDX-License-Identifier: MIT */
#include "httpc_fixture.h"

#include <stdio.h>
#include <sys/socket.h>

/* A test that waits for what never comes ends its program, after as much time
 * as none needs however slow the machine. */
#define HANG_S 120

struct fixture_sim sim;
struct httpc_pool *pool;
struct error e;
struct httpc_result res;

enum err
answer(enum err err)
{
	return err ? error_set(&e, err, "by the test") : OK;
}

static void
on_sent(void *ctx)
{
	struct seen *seen = ctx;

	seen->n_sent++;
	seen->is_sent_by_caller = pthread_equal(pthread_self(), seen->caller);
	seen->is_sent_first = seen->n_head == 0;
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

static void
close_once(struct seen *seen)
{
	if (seen->close_fd)
		(void)close(seen->close_fd);
	seen->close_fd = 0;
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
	seen->n_reads++;
	close_once(seen);
	return answer(seen->body_err);
}

static enum err
on_tick(void *ctx, struct error *err)
{
	struct seen *seen = ctx;

	(void)err;
	seen->n_tick++;
	close_once(seen);
	return answer(seen->tick_err);
}

static void
on_client_gone(void *ctx)
{
	struct seen *seen = ctx;

	seen->n_gone++;
}

struct httpc_request
request_to(const char *url)
{
	return (struct httpc_request){
		.method = "GET",
		.url = url,
		.connect_ms = PATIENCE_MS,
		.first_byte_ms = PATIENCE_MS,
		.idle_ms = PATIENCE_MS,
		.client_fd = -1,
	};
}

enum err
perform(const struct httpc_request *rq, struct seen *seen)
{
	struct httpc_callbacks cb = {
		.ctx = seen,
		.on_sent = on_sent,
		.on_head = on_head,
		.on_body = on_body,
		.on_tick = on_tick,
		.on_client_gone = on_client_gone,
	};

	seen->caller = pthread_self();
	error_clear(&e);
	return httpc_perform(pool, rq, &cb, &res, &e);
}

static const char *const json_header[] = { "Content-Type: application/json" };

struct httpc_request *
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

void
make_client(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

int
httpc_setup(void **state)
{
	struct httpc_pool_conf conf = { .idle_max = 4, .has_pump = true };

	(void)state;
	(void)alarm(HANG_S);
	assert_ok(httpc_pool_new(&conf, &pool, &e));
	return 0;
}

int
httpc_teardown(void **state)
{
	(void)state;
	httpc_pool_free(pool);
	(void)alarm(0);
	return 0;
}

void
httpc_fixture_start(void)
{
	struct error err;

	(void)signal(SIGPIPE, SIG_IGN);
	fixture_sim_start(&sim);
	if (httpc_global_init(&err))
		exit(1);
}

void
httpc_fixture_stop(void)
{
	httpc_global_fini();
	fixture_sim_stop(&sim);
}
