/* SPDX-License-Identifier: MIT */
/* Streams that the pump reads: their ends, errors, the shutdown, many at once.
 * What comes first is said by the tests; where times are real, bounds are wide
 * and waits short. */
#include "httpc_stream.h"

#include "support/fixture_script.h"

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
	rq = chat(&c, "sim-pace:20:1000", true);
	rq->client_fd = fds[0];
	seen.close_fd = fds[1];
	assert_int_equal(perform(rq, &seen), ERR_CLIENT_CLOSED);
	assert_true(res.is_client_gone);
	assert_int_equal(seen.n_gone, 1);
	/* Promised are 200 ms, of 20 each. */
	assert_true(seen.n_reads <= 20);
	(void)close(fds[0]);
}

static void
httpc_pump__slow_upstreams_beside_a_fast_one__do_not_hold_its_end(void **state)
{
	struct stream s[3];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		stream_init(&s[i]);
		stream_open(&s[i]);
		assert_int_equal(s[i].n_pumped, 1);
	}
	stream_say(&s[0], "9\r\nhalf"); /* a chunk that lacks the rest */
	stream_await(&s[0], 4);

	/* Each ends while those before it are open. */
	for (size_t i = ARRAY_LEN(s) - 1; i > 0; i--) {
		stream_say(&s[i], STREAM_END);
		stream_join(&s[i]);
		assert_int_equal(s[i].err, OK);
		assert_int_equal(s[i].res.phase, HTTPC_DONE);
	}
	assert_int_not_equal(pthread_tryjoin_np(s[0].thread, NULL), 0);
	stream_say(&s[0], "-done\r\n" STREAM_END);
	stream_join(&s[0]);
	assert_int_equal(s[0].err, OK);
	assert_string_equal(s[0].body, "abhalf-done");
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		(void)close(s[i].fd);
}

static bool
has_c(struct str bytes)
{
	return str_find(bytes, 'c') < bytes.n;
}

/* What to fail with is its context. */
static enum err
fail_at_c(struct stream *s, struct str bytes, struct error *err)
{
	const enum err *code = s->hook_ctx;

	return has_c(bytes) ? error_set(err, *code, "by the test") : OK;
}

static enum err journal_full = ERR_JOURNAL_FULL;
static enum err client_closed = ERR_CLIENT_CLOSED;

/* A callback's error in the middle of an answer, or at its very end. */
static void
assert_error_ends_it(const char *last)
{
	struct stream s, next;

	stream_init(&s);
	s.hook = fail_at_c;
	s.hook_ctx = &journal_full;
	stream_open(&s);
	stream_say(&s, last);
	stream_join(&s);

	assert_int_equal(s.err, ERR_JOURNAL_FULL);
	assert_string_equal(s.e.internal, "by the test");
	assert_string_equal(s.body, "abc");
	assert_int_equal(s.n_pumped, 2);
	assert_int_equal(s.res.phase, HTTPC_BODY);
	assert_false(s.res.is_client_gone);
	stream_await_close(&s);
	stream_init(&next);
	stream_open(&next);
	stream_say(&next, STREAM_END);
	stream_join(&next);
	assert_int_equal(next.err, OK);
	assert_false(next.res.is_reused);
	(void)close(next.fd);
}

static void
httpc_pump__callback_fails__its_error_is_returned(void **state)
{
	(void)state;
	assert_error_ends_it("1\r\nc\r\n");
	assert_error_ends_it("1\r\nc\r\n" STREAM_END);
}

static void
httpc_pump__write_to_the_client_fails__cancels_or_drains(void **state)
{
	struct stream s, next;

	(void)state;
	stream_init(&s);
	s.hook = fail_at_c;
	s.hook_ctx = &client_closed;
	stream_open(&s);
	stream_say_chunk(&s, "c");
	stream_join(&s);
	assert_int_equal(s.err, ERR_CLIENT_CLOSED);
	assert_int_equal(s.n_gone, 1);
	stream_await_close(&s);

	stream_init(&s);
	s.hook = fail_at_c;
	s.hook_ctx = &client_closed;
	s.rq.drain_ms = 3600000;
	stream_open(&s);
	stream_say_chunk(&s, "c");
	stream_await(&s, 1);
	stream_say_chunk(&s, "d");
	stream_await(&s, 1);
	stream_say(&s, STREAM_END);
	stream_join(&s);
	assert_int_equal(s.err, OK);
	assert_true(s.res.is_client_gone);
	assert_int_equal(s.n_gone, 1);
	assert_int_equal(s.n_pumped, 3);
	assert_string_equal(s.body, "abcd");

	/* The answer was read whole: its connection is good for another. */
	stream_init(&next);
	next.fd = s.fd;
	stream_open(&next);
	stream_say(&next, STREAM_END);
	stream_join(&next);
	assert_int_equal(next.err, OK);
	assert_true(next.res.is_reused);
	(void)close(next.fd);
}

static void
httpc_pool_abort__lent_stream_is_silent__ends(void **state)
{
	struct stream s;

	(void)state;
	stream_init(&s);
	s.rq.drain_ms = 3600000;
	stream_open(&s);
	assert_int_equal(s.n_pumped, 1);

	httpc_pool_abort(pool);

	stream_join(&s);
	assert_int_equal(s.err, ERR_SHUTTING_DOWN);
	assert_int_equal(s.res.phase, HTTPC_BODY);
	assert_string_equal(s.body, "ab");
	stream_await_close(&s);
}

static void
httpc_pool_abort__lent_stream_is_busy__ends(void **state)
{
	struct stream s;

	(void)state;
	stream_init(&s);
	stream_open(&s);
	assert_int_equal(s.n_pumped, 1);

	httpc_pool_abort(pool);

	/* Until it has ended, the next chunk comes as soon as one was read. */
	while (!atomic_load(&s.is_over)) {
		(void)send(s.fd, "1\r\nc\r\n", 6, MSG_NOSIGNAL);
		stream_await(&s, 1);
	}
	stream_join(&s);
	assert_int_equal(s.err, ERR_SHUTTING_DOWN);
	stream_await_close(&s);
}

static void
httpc_pump__client_is_cut_in_silence__ends(void **state)
{
	struct stream s;
	int fds[2];

	(void)state;
	make_client(fds);
	stream_init(&s);
	s.rq.client_fd = fds[0];
	stream_open(&s);
	assert_int_equal(s.n_pumped, 1);

	(void)shutdown(fds[0], SHUT_RDWR); /* on our side: by a shutdown */

	stream_join(&s);
	assert_int_equal(s.err, ERR_CLIENT_CLOSED);
	assert_int_equal(s.n_gone, 1);
	stream_await_close(&s);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* More than the pump is told of at a time. */
#define N_STREAMS 100

/* Stops the pump at a 'c' until the test lets it go on. */
static enum err
wait_at_c(struct stream *s, struct str bytes, struct error *err)
{
	(void)err;
	while (has_c(bytes) && sem_wait(s->hook_ctx) != 0)
		continue;
	return OK;
}

/* One stream in four ends, breaks off, fails in the callback, goes on. */
static void
say_what_comes(struct stream *s, size_t i)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "3\r\n%03zu\r\n%s%s", i,
	    i % 4 == 2 ? "1\r\nc\r\n" : "", i % 4 == 0 ? STREAM_END : "");
	stream_say(s, text);
	if (i % 4 == 1)
		(void)shutdown(s->fd, SHUT_WR);
}

static void
assert_came(const struct stream *s, size_t i)
{
	static const enum err expected[] = { OK, ERR_UPSTREAM, ERR_JOURNAL_FULL,
		OK };
	char text[64];

	(void)snprintf(text, sizeof(text), "ab%03zu%s", i,
	    i % 4 == 2   ? "c"
	    : i % 4 == 3 ? "end"
			 : "");
	assert_string_equal(s->body, text);
	assert_int_equal(s->err, expected[i % 4]);
	/* Lent it was. A machine that is busy may keep the pump from it until
	 * it counts as silent; its own thread reads the rest then. */
	assert_true(s->n_pumped >= 1);
}

static void
httpc_pump__something_comes_for_many_at_once__each_has_its_own(void **state)
{
	static struct stream first, s[N_STREAMS];
	sem_t gate;

	(void)state;
	assert_int_equal(sem_init(&gate, 0, 0), 0);
	stream_init(&first);
	first.hook = wait_at_c;
	first.hook_ctx = &gate;
	stream_open(&first);
	for (size_t i = 0; i < N_STREAMS; i++) {
		stream_init(&s[i]);
		s[i].hook = fail_at_c;
		s[i].hook_ctx = &journal_full;
		stream_open(&s[i]);
	}
	stream_say(&first, "1\r\nc\r\n" STREAM_END);
	for (size_t i = 0; i < N_STREAMS; i++)
		say_what_comes(&s[i], i);
	(void)sem_post(&gate);

	for (size_t i = 0; i < N_STREAMS; i++)
		if (i % 4 != 3)
			stream_join(&s[i]);
	for (size_t i = 3; i < N_STREAMS; i += 4) {
		stream_say(&s[i], "3\r\nend\r\n" STREAM_END);
		stream_join(&s[i]);
	}
	stream_join(&first);
	assert_int_equal(first.err, OK);
	for (size_t i = 0; i < N_STREAMS; i++) {
		assert_came(&s[i], i);
		(void)close(s[i].fd);
	}
	(void)close(first.fd);
	(void)sem_destroy(&gate);
}

#define IDLE_MS 2000

struct hold {
	sem_t held, gate;
};

static enum err
hold_at_c(struct stream *s, struct str bytes, struct error *err)
{
	struct hold *h = s->hook_ctx;

	(void)err;
	if (!has_c(bytes))
		return OK;
	(void)sem_post(&h->held);
	while (sem_wait(&h->gate) != 0)
		continue;
	return OK;
}

/* Timed, because a time-out is what it is about: the pump stands still for
 * longer than that. What comes does so while it stands, and nothing is to come
 * afterwards, so that no other moment matters. */
static void
httpc_pump__it_was_held_up__what_came_meanwhile_is_no_silence(void **state)
{
	struct stream first, s;
	struct hold h;

	(void)state;
	assert_int_equal(sem_init(&h.held, 0, 0), 0);
	assert_int_equal(sem_init(&h.gate, 0, 0), 0);
	stream_init(&first);
	first.hook = hold_at_c;
	first.hook_ctx = &h;
	stream_open(&first);
	stream_init(&s);
	s.rq.idle_ms = IDLE_MS;
	stream_open(&s);
	stream_say(&first, "1\r\nc\r\n" STREAM_END);
	assert_int_equal(sem_wait(&h.held), 0);
	stream_say_chunk(&s, "d");
	stream_say(&s, STREAM_END);
	(void)usleep((IDLE_MS + 500) * 1000);
	(void)sem_post(&h.gate);

	stream_join(&s);
	stream_join(&first);
	assert_int_equal(s.err, OK);
	assert_string_equal(s.body, "abd");
	assert_int_equal(first.err, OK);
	(void)close(s.fd);
	(void)close(first.fd);
	(void)sem_destroy(&h.gate);
	(void)sem_destroy(&h.held);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, stream_setup, stream_teardown)
	const struct CMUnitTest tests[] = {
		T(httpc_pump__end_behind_the_last_bytes__is_whole_or_broken),
		T(httpc_pump__client_leaves_in_mid_stream__cancels),
		T(httpc_pump__slow_upstreams_beside_a_fast_one__do_not_hold_its_end),
		T(httpc_pump__callback_fails__its_error_is_returned),
		T(httpc_pump__write_to_the_client_fails__cancels_or_drains),
		T(httpc_pool_abort__lent_stream_is_silent__ends),
		T(httpc_pool_abort__lent_stream_is_busy__ends),
		T(httpc_pump__client_is_cut_in_silence__ends),
		T(httpc_pump__something_comes_for_many_at_once__each_has_its_own),
		T(httpc_pump__it_was_held_up__what_came_meanwhile_is_no_silence),
	};
	int n_failed;

	httpc_fixture_start();
	n_failed = cmocka_run_group_tests(tests, NULL, NULL);
	httpc_fixture_stop();
	return n_failed;
}
