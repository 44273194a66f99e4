/* SPDX-License-Identifier: MIT */
/*
 * Metering under kill -9, without a web server: writers with threads and two
 * flushers of one folder are killed at random and started again, MariaDB is
 * restarted half-way. In the end every request that was answered has its one
 * row, every stream that delivered something has one that says at least so
 * much, and reconcile finds nothing.
 *
 *   journal_crash [kills]      through tests/fault/journal_crash.t
 */
#include "support/cmocka_tg.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "db/fixture_db.h"
#include "domain/flush.h"
#include "domain/reconcile.h"
#include "journal/reader.h"
#include "journal/writer.h"
#include "store/usage.h"

#define N_WRITERS  4
#define N_FLUSHERS 2
#define N_CHILDREN (N_WRITERS + N_FLUSHERS)
#define N_THREADS  4
#define PAUSE_US   700 /* of a writer's thread between two requests */

static unsigned n_kills = 20;

/* What the children need to know; set before they are forked. */
struct setting {
	char dir[64];
	char ack_path[96];
	uint64_t customer_id, user_id, key_id, model_id;
};
static struct setting setting;

/* One line of the log of what clients have seen. */
struct ack {
	struct uuid7 id;
	uint64_t delivered_tok; /* 0: the whole answer */
};

static void
pause_us(long us)
{
	const struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	(void)nanosleep(&t, NULL);
}

/* --- a writer ----------------------------------------------------------- */

struct writer {
	struct journal *j;
	int ack_fd;
};

static atomic_bool is_asked_to_end; /* lock-free: set by a handler */

static void
on_term(int sig)
{
	(void)sig;
	atomic_store(&is_asked_to_end, true);
}

static void
tell(const struct writer *w, const struct uuid7 *id, uint64_t delivered_tok)
{
	const struct ack ack = { *id, delivered_tok };

	if (write(w->ack_fd, &ack, sizeof(ack)) != (ssize_t)sizeof(ack))
		_exit(3);
}

static void
one_request(const struct writer *w)
{
	struct journal_open o = { .request_id = uuid7_new(clock_now_ms()),
		.start_ms = clock_now_ms(),
		.customer_id = setting.customer_id,
		.user_id = setting.user_id,
		.api_key_id = setting.key_id,
		.model_id = setting.model_id,
		.price_version_id = 1,
		.markup_ppm = 1100000,
		.prompt_tok = rng_below(1000),
		.is_stream = rng_below(4) == 0,
		.price = { 3, 5, 7 },
		.model_requested = S("m"),
		.provider_used = S("p") };
	struct journal_settle s = { .request_id = o.request_id,
		.latency_ms = rng_below(500),
		.ttft_ms = -1,
		.attempts = 1 };
	struct journal_progress p = { o.request_id, 0, true, false, 0 };
	struct error e;
	uint32_t slot = 0;

	if (journal_write_open(w->j, &o, &slot, &e) != OK) {
		pause_us(5000);
		return;
	}
	for (unsigned i = 0; o.is_stream && i < 5; i++) {
		p.delivered_tok += 10;
		if (journal_write_progress(w->j, slot, &p, &e) != OK)
			break;
		tell(w, &o.request_id, p.delivered_tok);
		pause_us(PAUSE_US);
	}
	s.tok[TOK_NORMAL][TOK_IN] = o.prompt_tok;
	s.tok[TOK_NORMAL][TOK_OUT] = 50;
	s.cost_pusd = 1 + rng_below(1000000);
	if (!o.is_stream && rng_below(20) == 0)
		s.refuse_reason = S("rate_limit_exceeded");
	if (journal_write_settle(w->j, slot, &s, &e) != OK)
		_exit(4);
	if (s.refuse_reason.n == 0)
		tell(w, &o.request_id, 0);
}

static void *
writer_thread(void *arg)
{
	while (!atomic_load(&is_asked_to_end)) {
		one_request(arg);
		pause_us(PAUSE_US);
	}
	return NULL;
}

static void *
sync_thread(void *arg)
{
	journal_sync_run(arg);
	return NULL;
}

static void
writer_main(void)
{
	const struct journal_options opt = { .max_bytes = MIB(256),
		.file_bytes = KIB(64), /* many rotations */
		.sync_ms = 10,
		.open_max = N_THREADS + 1,
		.is_any_filesystem = true };
	struct writer w;
	pthread_t threads[N_THREADS], syncer;
	struct error e;

	(void)signal(SIGTERM, on_term);
	w.ack_fd = open(setting.ack_path, O_WRONLY | O_APPEND);
	if (w.ack_fd < 0 ||
	    journal_open_series(setting.dir, &opt, &w.j, &e) != OK)
		_exit(2);
	(void)pthread_create(&syncer, NULL, sync_thread, w.j);
	for (unsigned i = 0; i < N_THREADS; i++)
		(void)pthread_create(&threads[i], NULL, writer_thread, &w);
	for (unsigned i = 0; i < N_THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	journal_sync_stop(w.j);
	(void)pthread_join(syncer, NULL);
	journal_close(&w.j);
	_exit(0);
}

/* --- a flusher ---------------------------------------------------------- */

static struct flush_options
flush_options(const struct db_options *db)
{
	return (struct flush_options){ .journal_dir = setting.dir,
		.db = db,
		.interval_ms = 5,
		.batch_rows = 50, /* many transactions to be killed in */
		.keep_s = 3600,
		.max_bytes = MIB(256) };
}

static struct flusher *the_flusher;

static void *
flusher_thread(void *arg)
{
	flusher_run(arg);
	return NULL;
}

static void
flusher_main(void)
{
	struct db_options db = fixture_options(FIXTURE_APP);
	struct flush_options opt = flush_options(&db);
	struct error e;
	pthread_t thread;

	(void)signal(SIGTERM, on_term);
	db.query_timeout_s = 5;
	if (flusher_new(&opt, &the_flusher, &e) != OK)
		_exit(2);
	(void)pthread_create(&thread, NULL, flusher_thread, the_flusher);
	while (!atomic_load(&is_asked_to_end))
		pause_us(10000);
	flusher_stop(the_flusher);
	(void)pthread_join(thread, NULL);
	flusher_free(the_flusher);
	_exit(0);
}

/* --- the killer ---------------------------------------------------------- */

static pid_t
start(unsigned i)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* A test that fails leaves nobody behind. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (i < N_WRITERS)
			writer_main();
		flusher_main();
	}
	return pid;
}

static void
end(pid_t pid, int sig)
{
	int status = 0;

	assert_int_equal(kill(pid, sig), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (sig == SIGKILL)
		assert_true(WIFSIGNALED(status)); /* had not ended before */
	else
		assert_int_equal(status, 0);
}

/* Stop or start the server, by what tests/db/server.sh left for that. */
static void
server(const char *verb)
{
	const char *ctl = getenv("TOLLGATE_TEST_CTL");
	int status = 0;
	pid_t pid;

	if (!ctl)
		return;
	pid = fork();
	if (pid == 0) {
		(void)execl(ctl, ctl, verb, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
kill_and_restart(void)
{
	pid_t pids[N_CHILDREN];

	for (unsigned i = 0; i < N_CHILDREN; i++)
		pids[i] = start(i);
	for (unsigned k = 0; k < n_kills; k++) {
		unsigned i = rng_below(N_CHILDREN);

		pause_us(20000 + (long)rng_below(60000));
		if (k == n_kills / 2)
			server("stop");
		end(pids[i], SIGKILL);
		pids[i] = start(i);
		if (k == n_kills / 2) {
			pause_us(500000);
			server("start");
		}
	}
	pause_us(100000);
	for (unsigned i = 0; i < N_CHILDREN; i++)
		end(pids[i], i % 2 == 0 ? SIGKILL : SIGTERM);
}

/* --- what must be true afterwards ------------------------------------------ */

struct verdict {
	uint64_t n_answered;
	uint64_t n_partial; /* streams that a kill cut short */
	uint64_t n_wrong;
};

static int
compare_acks(const void *a, const void *b)
{
	const struct ack *x = a, *y = b;
	int order = memcmp(&x->id, &y->id, sizeof(x->id));

	if (order != 0)
		return order;
	/* The whole answer (0) last, then by how much. */
	return (x->delivered_tok - 1 > y->delivered_tok - 1) -
	       (x->delivered_tok - 1 < y->delivered_tok - 1);
}

/* The row of what a client last saw of one request. */
static bool
is_right(struct fixture *f, const struct ack *last)
{
	struct usage_row row;
	enum err err = store_usage_by_request_id(f->db, &last->id, &f->a, &row,
	    &f->e);

	if (err != OK)
		return false;
	if (last->delivered_tok == 0)
		return row.status == USAGE_OK;
	return row.tok[TOK_NORMAL][TOK_OUT] >= last->delivered_tok &&
	       row.cost_pusd > 0;
}

static void
check_acks(struct fixture *f, struct verdict *v)
{
	int fd = open(setting.ack_path, O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);
	size_t n = (size_t)size / sizeof(struct ack);
	struct ack *acks = malloc((size_t)size + 1);

	assert_non_null(acks);
	assert_int_equal(pread(fd, acks, (size_t)size, 0), size);
	(void)close(fd);
	qsort(acks, n, sizeof(*acks), compare_acks);
	for (size_t i = 0; i < n; i++) {
		bool is_last = i + 1 == n ||
			       memcmp(&acks[i].id, &acks[i + 1].id, 16) != 0;

		if (!is_last)
			continue;
		v->n_answered += acks[i].delivered_tok == 0;
		v->n_partial += acks[i].delivered_tok != 0;
		v->n_wrong += !is_right(f, &acks[i]);
		arena_reset(&f->a);
	}
	free(acks);
}

/* Flush what is left; all writers are dead. */
static void
flush_rest(void)
{
	const struct db_options db = fixture_options(FIXTURE_APP);
	struct flush_options opt = flush_options(&db);
	struct flusher *f = NULL;
	struct flush_stats st;
	struct error e;
	uint64_t n = 0;

	assert_ok(flusher_new(&opt, &f, &e));
	assert_ok(flusher_lock(f, &e));
	assert_ok(flusher_pass(f, &n, &e));
	assert_ok(flusher_pass(f, &n, &e));
	assert_int_equal(n, 0);
	flusher_stats(f, &st);
	assert_int_equal(st.n_rejected, 0);
	assert_int_equal(st.n_corrupt, 0);
	flusher_free(f);
}

static void
say_reconcile(const struct reconcile *r)
{
	print_message(
	    "# %ju usage rows, %ju journaled in %ju series; "
	    "%ju faults, %ju damaged, %zu differences, %ju rejected\n",
	    (uintmax_t)r->books.usage_rows, (uintmax_t)r->n_journaled,
	    (uintmax_t)r->n_series, (uintmax_t)r->n_faults,
	    (uintmax_t)r->n_damaged, r->books.n_diffs,
	    (uintmax_t)r->books.rejected);
	for (size_t i = 0; i < r->books.n_diffs; i++)
		print_message("# check %d customer %ju: %ju/%ju requests, "
			      "%jd/%jd pusd\n",
		    (int)r->books.diffs[i].check,
		    (uintmax_t)r->books.diffs[i].customer_id,
		    (uintmax_t)r->books.diffs[i].rows_requests,
		    (uintmax_t)r->books.diffs[i].sums_requests,
		    (intmax_t)r->books.diffs[i].rows_pusd,
		    (intmax_t)r->books.diffs[i].sums_pusd);
	for (size_t i = 0; i < r->n_listed; i++)
		print_message("# %s at file %u offset %u\n",
		    reconcile_fault_names[r->faults[i].fault],
		    journal_pos_file(r->faults[i].pos),
		    journal_pos_offset(r->faults[i].pos));
}

static void
prepare(struct fixture *f)
{
	int fd;

	strcpy(setting.dir, "/tmp/tg-crash-XXXXXX");
	assert_non_null(mkdtemp(setting.dir));
	(void)snprintf(setting.ack_path, sizeof(setting.ack_path), "%s/acks",
	    setting.dir);
	fd = open(setting.ack_path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	setting.customer_id = fixture_customer(f, 1);
	setting.model_id = fixture_model(f, "crash");
	setting.key_id = fixture_key(f, setting.customer_id, 1);
	setting.user_id = fixture_number(f->db,
	    "SELECT MIN(user_id) FROM users");
}

static void
clean_up(void)
{
	struct journal_entry *v = NULL;
	size_t n = 0;
	char path[128];
	struct error e;

	assert_ok(journal_list(setting.dir, &v, &n, &e));
	for (size_t i = 0; i < n; i++)
		assert_ok(journal_remove(setting.dir, &v[i].id, v[i].first_no,
		    v[i].last_no, true, &e));
	free(v);
	assert_ok(journal_remove_unfinished(setting.dir, &e));
	(void)unlink(setting.ack_path);
	(void)snprintf(path, sizeof(path), "%s/flusher.lock", setting.dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/space.lock", setting.dir);
	(void)unlink(path);
	assert_int_equal(rmdir(setting.dir), 0);
}

static void
processes__killed_at_random__lose_and_double_nothing(void **state)
{
	struct fixture f;
	struct verdict v = { 0, 0, 0 };
	struct reconcile r;

	(void)state;
	fixture_init(&f, FIXTURE_APP);
	prepare(&f);

	kill_and_restart();
	flush_rest();

	db_free(f.db); /* the server was restarted */
	f.db = fixture_connect(FIXTURE_APP);
	check_acks(&f, &v);
	assert_ok(reconcile_run(f.db, setting.dir, &f.a, &r, &f.e));
	say_reconcile(&r);
	print_message("# %u kills, %ju answered, %ju cut short, %ju wrong\n",
	    n_kills, (uintmax_t)v.n_answered, (uintmax_t)v.n_partial,
	    (uintmax_t)v.n_wrong);
	assert_int_equal(v.n_wrong, 0);
	assert_true(v.n_answered > n_kills);
	assert_true(reconcile_is_clean(&r));
	assert_int_equal(r.books.rejected, 0);
	assert_int_equal(r.n_pending, 0);
	clean_up();
	fixture_fini(&f);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    processes__killed_at_random__lose_and_double_nothing),
	};

	fixture_need_server();
	if (argc > 1)
		n_kills = (unsigned)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
