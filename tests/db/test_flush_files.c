/* SPDX-License-Identifier: MIT */
/* The journals' files: removed when they are drained, damaged, unreadable. */
#include "db/fixture_flush.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "domain/flush_backlog.h"
#include "domain/flush_priv.h"
#include "domain/reconcile.h"
#include "journal/reader.h"
#include "journal/writer_priv.h"

static unsigned
n_files(struct flush_test *x)
{
	struct journal_entry *v = NULL;
	size_t n = 0;
	unsigned n_files = 0;

	assert_ok(journal_list(x->j->dir, &v, &n, &x->e));
	for (size_t i = 0; i < n; i++) {
		if (v[i].first_no != 0)
			n_files += v[i].last_no - v[i].first_no + 1;
	}
	free(v);
	return n_files;
}

static void
drained_files__kept_long_enough__are_removed(void **state)
{
	struct flush_test *x = *state;

	rig_begin(x->j);
	(void)open_one(x, x->j->j, 9000);
	requests(x, x->j->j, 1, 2500);
	assert_true(x->j->j->stats.n_files > 2);
	assert_int_equal(pass(x), 2500);
	assert_true(n_files(x) > 2);
	x->flush.keep_s = 0;
	begin_flusher(x);
	clock_set_for_test(clock_now_ms() + 5000);

	assert_int_equal(pass(x), 0);
	clock_set_for_test(0);
	/* The one it writes and the one made ahead; the open one is known. */
	assert_true(n_files(x) <= 2);
	begin_flusher(x);
	rig_crash(x->j);
	assert_int_equal(pass(x), 1); /* 9000, interrupted */
}

/* In front of the C library's: the process dies at its first removal. */
static bool is_killed_by_unlink;

int
unlink(const char *path)
{
	if (is_killed_by_unlink)
		(void)raise(SIGKILL);
	return unlinkat(AT_FDCWD, path, 0);
}

static void
flusher_killed__between_commit_and_removal__nothing_twice(void **state)
{
	struct flush_test *x = *state;
	uint64_t n = 0;
	int status = 0;
	pid_t pid;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 2500);
	journal_close(&x->j->j);
	x->flush.keep_s = 0;
	x->flush.batch_rows = 2500; /* all that there is in one of them */
	flusher_free(x->f);         /* its lock would keep the other out */
	x->f = NULL;
	pid = fork();
	if (pid == 0) {
		struct flusher *f = NULL;

		clock_set_for_test(clock_now_ms() + 60000);
		is_killed_by_unlink = true;
		if (flusher_new(&x->flush, &f, &x->e) != OK ||
		    flusher_lock(f, &x->e) != OK)
			_exit(1);
		for (int i = 0; i < 2; i++) {
			f->kept_ms = 0; /* time to remove what is drained */
			(void)!flusher_pass(f, &n, &x->e);
		}
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(n_files(x) > 2);
	assert_int_equal(receivable(x), INT64_C(2500) * 1234567);
	assert_clean(x, 2500);

	begin_flusher(x);
	clock_set_for_test(clock_now_ms() + 60000);
	assert_int_equal(pass(x), 0);
	clock_set_for_test(0);
	assert_int_equal(n_files(x), 0);
	assert_int_equal(receivable(x), INT64_C(2500) * 1234567);
}

static void
folder_full__drained_files_make_room(void **state)
{
	struct flush_test *x = *state;

	x->flush.max_bytes = x->j->opt.max_bytes = 4 * x->j->opt.file_bytes;
	begin_flusher(x);
	rig_begin(x->j);
	for (unsigned i = 0; i < 12; i++) {
		requests(x, x->j->j, 1 + i * 300, 300);
		x->f->kept_ms = 0;
		assert_int_equal(pass(x), 300);
	}

	assert_true(x->j->j->stats.n_files > 4);
	assert_true(n_files(x) <= 4);
}

static void
damage__in_the_middle__is_told_and_the_rest_flushed(void **state)
{
	struct flush_test *x = *state;
	char path[JOURNAL_PATH_BYTES];
	struct flush_stats st;
	struct reconcile r;
	uint32_t at;
	int fd;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 10);
	at = x->j->j->cur.off;
	requests(x, x->j->j, 11, 1);
	rig_path(x->j, journal_id(x->j->j), 1, path);
	requests(x, x->j->j, 12, 10);
	rig_crash(x->j);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "damage", 6, (off_t)at + 20), 6);
	(void)close(fd);

	/* The open of request 11 is lost, so its settle is set aside. */
	assert_int_equal(pass(x), 20);
	flusher_stats(x->f, &st);
	assert_int_equal(st.n_corrupt, 1);
	assert_int_equal(st.n_rejected, 1);
	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_damaged, 1);
	assert_false(reconcile_is_clean(&r));
}

static void
one_series__unreadable__does_not_stop_the_others(void **state)
{
	struct flush_test *x = *state;
	const struct journal_series bad = { { 1, 2, 3 } };
	char path[JOURNAL_PATH_BYTES];
	struct flush_backlog b;
	struct reconcile r;

	rig_begin(x->j);
	requests(x, x->j->j, 1, 5);
	journal_file_path(path, x->j->dir, &bad, 1);
	assert_int_equal(mkdir(path, 0700), 0); /* reading it is an error */

	assert_int_equal(pass(x), 5);
	requests(x, x->j->j, 6, 5);
	assert_int_equal(pass(x), 5);
	assert_ok(reconcile_run(x->db, x->j->dir, &x->a, &r, &x->e));
	assert_int_equal(r.n_faults, 1);
	assert_int_equal(r.faults[0].fault, RECONCILE_NO_SERIES);
	assert_memory_equal(r.faults[0].series.b, bad.b, sizeof(bad.b));
	assert_int_equal(r.n_journaled, 10);
	assert_false(reconcile_is_clean(&r));
	assert_ok(flush_backlog(x->db, x->j->dir, &x->a, &b, &x->e));
	assert_int_equal(b.n_unreadable, 1);
	assert_memory_equal(b.unreadable.b, bad.b, sizeof(bad.b));
	assert_int_equal(b.oldest_ms, 0);
	assert_int_equal(rmdir(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FLUSH_TEST(drained_files__kept_long_enough__are_removed),
		FLUSH_TEST(
		    flusher_killed__between_commit_and_removal__nothing_twice),
		FLUSH_TEST(folder_full__drained_files_make_room),
		FLUSH_TEST(damage__in_the_middle__is_told_and_the_rest_flushed),
		FLUSH_TEST(one_series__unreadable__does_not_stop_the_others),
	};

	fixture_need_server();
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
