/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "http/accept.h"

#define N_THREADS     64
/* What src/http/accept.c allows, and when it calls for more. */
#define WAITING_MOST  16
#define WAITING_LEAST 2

struct taker {
	pthread_t id;
	atomic_int n_taken;
	atomic_int held_fd; /* a connection it holds until told; -1: none */
	atomic_bool may_go_on;
	atomic_int end; /* what accept_next() ended with; 0: not yet */
};

struct place {
	struct sockaddr_un addr;
	socklen_t addr_bytes;
	int fd;
	struct taker takers[N_THREADS];
};

static void
pause_shortly(void)
{
	const struct timespec t = { 0, 1000000 };

	(void)nanosleep(&t, NULL);
}

/* Take connections, and hold each until may_go_on. */
static void *
take(void *arg)
{
	struct taker *t = arg;
	int fd;

	while ((fd = accept_next()) >= 0) {
		atomic_fetch_add(&t->n_taken, 1);
		atomic_store(&t->held_fd, fd);
		while (!atomic_exchange(&t->may_go_on, false))
			pause_shortly();
		atomic_store(&t->held_fd, -1);
		(void)close(fd);
	}
	atomic_store(&t->end, fd);
	return NULL;
}

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct error e;
	sigset_t all;

	assert_non_null(p);
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &all, NULL), 0);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(p->fd >= 0);
	p->addr.sun_family = AF_UNIX; /* the kernel gives a name */
	assert_int_equal(bind(p->fd, (struct sockaddr *)&p->addr,
			     sizeof(sa_family_t)),
	    0);
	p->addr_bytes = sizeof(p->addr);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&p->addr,
			     &p->addr_bytes),
	    0);
	assert_int_equal(listen(p->fd, 128), 0);
	assert_ok(accept_init(p->fd, &e));
	for (size_t i = 0; i < N_THREADS; i++) {
		p->takers[i].held_fd = -1;
		assert_int_equal(pthread_create(&p->takers[i].id, NULL, take,
				     &p->takers[i]),
		    0);
	}
	*state = p;
	return 0;
}

static size_t
n_held(struct place *p)
{
	size_t n = 0;

	for (size_t i = 0; i < N_THREADS; i++)
		n += atomic_load(&p->takers[i].held_fd) >= 0;
	return n;
}

/* alarm() in main() ends a wait in vain. */
static void
wait_for_held(struct place *p, size_t n)
{
	while (n_held(p) != n)
		pause_shortly();
}

static void
wait_for_counts(unsigned want_waiting, unsigned want_parked)
{
	unsigned waiting, parked;

	for (;;) {
		accept_counts(&waiting, &parked);
		if (waiting == want_waiting && parked == want_parked)
			return;
		pause_shortly();
	}
}

static int
connect_one(struct place *p)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&p->addr,
			     p->addr_bytes),
	    0);
	return fd;
}

static void
let_all_go(struct place *p)
{
	for (size_t i = 0; i < N_THREADS; i++)
		if (atomic_load(&p->takers[i].held_fd) >= 0)
			atomic_store(&p->takers[i].may_go_on, true);
	wait_for_held(p, 0);
}

static void
wait_for_ended(struct place *p, size_t want)
{
	size_t n;

	do {
		n = 0;
		for (size_t i = 0; i < N_THREADS; i++)
			n += atomic_load(&p->takers[i].end) != 0;
		accept_wake();
		pause_shortly();
	} while (n < want);
}

static int
teardown(void **state)
{
	struct place *p = *state;

	accept_stop(0);
	let_all_go(p); /* after a failure */
	wait_for_ended(p, N_THREADS);
	for (size_t i = 0; i < N_THREADS; i++)
		(void)pthread_join(p->takers[i].id, NULL);
	(void)close(p->fd);
	free(p);
	return 0;
}

static void
accept_next__many_threads__few_wait_in_accept(void **state)
{
	(void)state;
	wait_for_counts(WAITING_MOST, N_THREADS - WAITING_MOST);
}

static void
accept_next__as_many_connections_as_threads__all_taken_at_once(void **state)
{
	struct place *p = *state;
	int fds[N_THREADS];

	for (size_t i = 0; i < N_THREADS; i++)
		fds[i] = connect_one(p);
	wait_for_held(p, N_THREADS);
	wait_for_counts(0, 0);
	for (size_t i = 0; i < N_THREADS; i++)
		assert_int_equal(atomic_load(&p->takers[i].n_taken), 1);
	let_all_go(p);
	wait_for_counts(WAITING_MOST, N_THREADS - WAITING_MOST);
	for (size_t i = 0; i < N_THREADS; i++)
		(void)close(fds[i]);
}

static void
accept_next__one_connection_at_a_time__parked_threads_rest(void **state)
{
	struct place *p = *state;
	size_t n_used = 0;

	wait_for_counts(WAITING_MOST, N_THREADS - WAITING_MOST);
	for (size_t i = 0; i < 3 * N_THREADS; i++) {
		int fd = connect_one(p);

		wait_for_held(p, 1);
		let_all_go(p);
		(void)close(fd);
		wait_for_counts(WAITING_MOST, N_THREADS - WAITING_MOST);
	}
	for (size_t i = 0; i < N_THREADS; i++)
		n_used += atomic_load(&p->takers[i].n_taken) > 0;
	assert_true(n_used <= WAITING_MOST);
}

static void
accept_next__more_are_needed__the_last_parked_comes_first(void **state)
{
	struct place *p = *state;
	int fds[N_THREADS];
	bool was_used[N_THREADS];
	size_t n_again = 0;

	wait_for_counts(WAITING_MOST, N_THREADS - WAITING_MOST);
	/* Half of the threads work, and are the last to be parked. */
	for (size_t i = 0; i < N_THREADS / 2; i++)
		fds[i] = connect_one(p);
	wait_for_held(p, N_THREADS / 2);
	for (size_t i = 0; i < N_THREADS; i++)
		was_used[i] = atomic_load(&p->takers[i].held_fd) >= 0;
	let_all_go(p);
	wait_for_counts(WAITING_MOST, N_THREADS - WAITING_MOST);
	for (size_t i = 0; i < N_THREADS / 2; i++)
		(void)close(fds[i]);
	for (size_t i = 0; i < N_THREADS / 2; i++)
		fds[i] = connect_one(p);
	wait_for_held(p, N_THREADS / 2);
	/* But those that waited in accept(2) beside them. */
	for (size_t i = 0; i < N_THREADS; i++)
		n_again += was_used[i] &&
			   atomic_load(&p->takers[i].held_fd) >= 0;
	assert_true(n_again >= N_THREADS / 2 - WAITING_LEAST);
	let_all_go(p);
	for (size_t i = 0; i < N_THREADS / 2; i++)
		(void)close(fds[i]);
}

static void
accept_stop__threads_parked_waiting_and_busy__all_end(void **state)
{
	struct place *p = *state;
	int fd = connect_one(p);

	wait_for_held(p, 1);
	accept_stop(0);
	wait_for_ended(p, N_THREADS - 1);
	assert_int_equal(n_held(p), 1);
	let_all_go(p);
	wait_for_ended(p, N_THREADS);
	for (size_t i = 0; i < N_THREADS; i++)
		assert_int_equal(atomic_load(&p->takers[i].end),
		    ACCEPT_STOPPED);
	(void)close(fd);
}

static void
accept_next__socket_unusable__failed(void **state)
{
	struct place *p = *state;

	assert_true(shutdown(p->fd, SHUT_RDWR) == 0);
	wait_for_ended(p, N_THREADS);
	for (size_t i = 0; i < N_THREADS; i++)
		assert_int_equal(atomic_load(&p->takers[i].end), ACCEPT_FAILED);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(accept_next__many_threads__few_wait_in_accept),
		CASE(
		    accept_next__as_many_connections_as_threads__all_taken_at_once),
		CASE(
		    accept_next__one_connection_at_a_time__parked_threads_rest),
		CASE(accept_next__more_are_needed__the_last_parked_comes_first),
		CASE(accept_stop__threads_parked_waiting_and_busy__all_end),
		CASE(accept_next__socket_unusable__failed),
	};

	(void)alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
