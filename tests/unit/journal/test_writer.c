/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/writer_priv.h"
#include "unit/journal/rig.h"

/* System calls that fail when told so. */
static int fail_pwrite, fail_sync, fail_allocate;
static bool is_short; /* the failing write takes half of the bytes first */

static ssize_t
fake_pwrite(int fd, const void *p, size_t n, off_t off)
{
	if (fail_pwrite == 0)
		return pwrite(fd, p, n, off);
	if (is_short && n > 8) {
		is_short = false;
		return pwrite(fd, p, n / 2, off);
	}
	errno = fail_pwrite;
	fail_pwrite = 0; /* wiping succeeds */
	return -1;
}

static int
fake_fdatasync(int fd)
{
	if (fail_sync == 0)
		return fdatasync(fd);
	errno = fail_sync;
	return -1;
}

static int
fake_fallocate(int fd, off_t off, off_t n)
{
	return fail_allocate ? fail_allocate : posix_fallocate(fd, off, n);
}

static const struct journal_io fake_io = { fake_pwrite, fake_fdatasync,
	fake_fallocate };

static int
setup(void **state)
{
	fail_pwrite = fail_sync = fail_allocate = 0;
	is_short = false;
	return rig_setup(state);
}

static void
open_series__new__has_a_locked_allocated_file(void **state)
{
	struct rig *f = *state;
	char path[JOURNAL_PATH_BYTES];
	struct stat st;
	bool is_live = false;

	rig_begin(f);

	rig_path(f, journal_id(f->j), 1, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, f->j->opt.file_bytes);
	assert_true(st.st_blocks * 512 >= st.st_size);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(fcntl(f->j->cur.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(f->j->lock_fd, F_GETFD) & FD_CLOEXEC,
	    FD_CLOEXEC);
	assert_ok(journal_is_live(f->dir, journal_id(f->j), &is_live, &f->e));
	assert_true(is_live);
}

static void
lock_file__removed__files_still_tell_life(void **state)
{
	struct rig *f = *state;
	char path[JOURNAL_PATH_BYTES];
	struct journal_series id;
	bool is_live = false;

	rig_begin(f);
	id = *journal_id(f->j);
	journal_lock_path(path, f->dir, &id);
	assert_int_equal(unlink(path), 0);

	assert_ok(journal_is_live(f->dir, &id, &is_live, &f->e));
	assert_true(is_live);
	rig_crash(f);
	assert_ok(journal_is_live(f->dir, &id, &is_live, &f->e));
	assert_false(is_live);
}

static void
requests__written__are_read_back(void **state)
{
	struct rig *f = *state;
	struct counts c;

	rig_begin(f);
	rig_requests(f, 1, 20);

	c = rig_count(f, journal_id(f->j), false);
	assert_int_equal(c.n[JOURNAL_OPEN], 20);
	assert_int_equal(c.n[JOURNAL_SETTLE], 20);
	assert_int_equal(c.last_settle, 20);
	assert_int_equal(c.damage.n_corrupt, 0);
}

static void
close__in_order__marks_the_end_and_trims(void **state)
{
	struct rig *f = *state;
	struct journal_series id;
	char path[JOURNAL_PATH_BYTES];
	struct counts c;
	struct stat st;
	bool is_live = true;

	rig_begin(f);
	id = *journal_id(f->j);
	rig_requests(f, 1, 3);
	journal_close(&f->j);

	c = rig_count(f, &id, true);
	assert_int_equal(c.n[JOURNAL_SETTLE], 3);
	assert_int_equal(c.n[JOURNAL_END], 1);
	rig_path(f, &id, 1, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, journal_pos_offset(c.end));
	assert_ok(journal_is_live(f->dir, &id, &is_live, &f->e));
	assert_false(is_live);
}

static void
rotation__with_an_open_request__repeats_it(void **state)
{
	struct rig *f = *state;
	struct journal_open o = rig_open(1000000);
	struct journal_progress p = { rig_id(1000000), 17, true, false, 0 };
	struct journal_reader *r = NULL;
	struct journal_rec rec;
	struct counts c;
	uint32_t slot = 0;

	rig_begin(f);
	assert_ok(journal_write_open(f->j, &o, &slot, &f->e));
	assert_ok(journal_write_progress(f->j, slot, &p, &f->e));
	rig_requests(f, 1, 1200);
	assert_true(f->j->stats.n_files >= 2);

	/* The newest file alone knows what is open. */
	assert_ok(journal_reader_new(f->dir, journal_id(f->j),
	    journal_pos_make(f->j->cur.no, 0), &r, &f->e));
	assert_ok(journal_reader_next(r, false, &rec, &f->e));
	assert_int_equal(rec.type, JOURNAL_OPEN);
	assert_true(journal_decode_open(rec.payload, &o));
	assert_memory_equal(&o.request_id, &p.request_id, 16);
	assert_ok(journal_reader_next(r, false, &rec, &f->e));
	assert_true(journal_decode_progress(rec.payload, &p));
	assert_int_equal(p.delivered_tok, 17);
	journal_reader_free(r);
	c = rig_count(f, journal_id(f->j), false);
	assert_int_equal(c.n[JOURNAL_SETTLE], 1200);
	assert_int_equal(c.damage.n_corrupt + c.damage.n_missing, 0);
}

static void
file_full__no_next_file__refuses_opens_but_takes_all_settles(void **state)
{
	struct rig *f = *state;
	struct journal_settle s = rig_settle(1);
	struct journal_open o = rig_open(1);
	uint32_t slots[8] = { 0 }, other = 0;
	struct counts c;
	enum err err;
	unsigned n = 0;

	f->opt.file_bytes = 0;           /* the smallest that holds open_max */
	memset(s.tok, 1, sizeof(s.tok)); /* as long as settles get */
	s.tok[TOK_NORMAL][TOK_OUT] = 3;
	s.provider_used = s.error_code = s.refuse_reason = S(
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	rig_begin(f);
	for (unsigned i = 0; i < 7; i++)
		assert_ok(journal_write_open(f->j, &o, &slots[i], &f->e));
	while ((err = journal_write_open(f->j, &o, &other, &f->e)) == OK) {
		assert_ok(journal_write_settle(f->j, other, &s, &f->e));
		n++;
	}

	assert_true(n > 1);
	assert_int_equal(err, ERR_JOURNAL_FULL);
	assert_false(journal_has_room(f->j));
	for (unsigned i = 0; i < 7; i++)
		assert_ok(journal_write_settle(f->j, slots[i], &s, &f->e));
	assert_true(f->j->wants_next);
	assert_ok(journal_make_next(f->j, &f->e));
	assert_true(journal_has_room(f->j));
	assert_ok(journal_write_open(f->j, &o, &other, &f->e));
	c = rig_count(f, journal_id(f->j), false);
	assert_int_equal(c.n[JOURNAL_SETTLE], n + 7);
}

static void
open__more_than_open_max__is_refused(void **state)
{
	struct rig *f = *state;
	struct journal_open o = rig_open(1);
	struct journal_settle s = rig_settle(1);
	uint32_t slot = 0;

	rig_begin(f);
	for (unsigned i = 0; i < f->opt.open_max; i++)
		assert_ok(journal_write_open(f->j, &o, &slot, &f->e));

	assert_int_equal(journal_write_open(f->j, &o, &slot, &f->e),
	    ERR_JOURNAL_FULL);
	assert_ok(journal_write_settle(f->j, slot, &s, &f->e));
	assert_ok(journal_write_open(f->j, &o, &slot, &f->e));
}

static void
progress__only_reserved_room_left__is_refused(void **state)
{
	struct rig *f = *state;
	struct journal_open o = rig_open(1);
	struct journal_progress p = { rig_id(1), 1, true, false, 0 };
	struct journal_settle s = rig_settle(1);
	uint32_t slot = 0;
	enum err err;

	f->opt.file_bytes = 0;
	rig_begin(f);
	assert_ok(journal_write_open(f->j, &o, &slot, &f->e));
	do
		err = journal_write_progress(f->j, slot, &p, &f->e);
	while (err == OK);

	assert_int_equal(err, ERR_JOURNAL_FULL);
	assert_ok(journal_write_settle(f->j, slot, &s, &f->e));
}

static void
write__short_then_no_space__leaves_no_trace(void **state)
{
	struct rig *f = *state;
	struct journal_open o = rig_open(2);
	struct counts c;
	uint32_t slot = 0;

	rig_begin(f);
	rig_requests(f, 1, 1);
	journal_set_io_for_test(f->j, &fake_io);
	fail_pwrite = ENOSPC;
	is_short = true;

	assert_int_equal(journal_write_open(f->j, &o, &slot, &f->e),
	    ERR_JOURNAL_FULL);
	c = rig_count(f, journal_id(f->j), true);
	assert_int_equal(c.damage.torn_bytes, 0);
	rig_requests(f, 3, 1);
	c = rig_count(f, journal_id(f->j), true);
	assert_int_equal(c.n[JOURNAL_SETTLE], 2);
	assert_int_equal(c.n[JOURNAL_OPEN], 2);
	assert_int_equal(c.damage.n_corrupt, 0);
	assert_int_equal(c.damage.torn_bytes, 0);
}

static void
settle__write_fails_once__can_be_repeated(void **state)
{
	struct rig *f = *state;
	struct journal_open o = rig_open(1);
	struct journal_settle s = rig_settle(1);
	struct counts c;
	uint32_t slot = 0;

	rig_begin(f);
	assert_ok(journal_write_open(f->j, &o, &slot, &f->e));
	journal_set_io_for_test(f->j, &fake_io);
	fail_pwrite = ENOSPC;

	assert_int_equal(journal_write_settle(f->j, slot, &s, &f->e),
	    ERR_JOURNAL_FAILED);
	assert_ok(journal_write_settle(f->j, slot, &s, &f->e));
	c = rig_count(f, journal_id(f->j), false);
	assert_int_equal(c.n[JOURNAL_SETTLE], 1);
}

static void
rotation__carrying_fails__starts_over_with_a_new_file(void **state)
{
	struct rig *f = *state;
	struct journal_open o = rig_open(5000);
	struct counts c;
	uint32_t slot = 0, no;

	rig_begin(f);
	assert_ok(journal_write_open(f->j, &o, &slot, &f->e));
	rig_requests(f, 1, 300);
	if (f->j->next.fd < 0) {
		f->j->wants_next = true;
		assert_ok(journal_make_next(f->j, &f->e));
	}
	f->j->cur.off = (uint32_t)f->j->opt.file_bytes - 64; /* all but full */
	no = f->j->cur.no;
	journal_set_io_for_test(f->j, &fake_io);
	fail_pwrite = ENOSPC;
	is_short = true;

	assert_int_equal(journal_write_open(f->j, &o, &slot, &f->e),
	    ERR_JOURNAL_FULL);
	assert_int_equal(f->j->cur.no, no);
	assert_true(f->j->next.fd < 0);
	f->j->wants_next = true;
	assert_ok(journal_make_next(f->j, &f->e));
	assert_ok(journal_write_open(f->j, &o, &slot, &f->e));
	assert_int_equal(f->j->cur.no, no + 1);
	/* All that follows the gap made above is in the second file. */
	c = rig_count(f, journal_id(f->j), true);
	assert_int_equal(c.n[JOURNAL_OPEN], 301 + 2);
}

static void
fdatasync__fails__no_more_opens_for_good(void **state)
{
	struct rig *f = *state;
	struct journal_open o = rig_open(1);
	struct journal_settle s = rig_settle(1);
	uint32_t slot = 0, other = 0;

	rig_begin(f);
	assert_ok(journal_write_open(f->j, &o, &slot, &f->e));
	journal_set_io_for_test(f->j, &fake_io);
	fail_sync = EIO;
	assert_int_equal(journal_sync_now(f->j, &f->e), ERR_JOURNAL_FAILED);
	fail_sync = 0;

	assert_int_equal(journal_write_open(f->j, &o, &other, &f->e),
	    ERR_JOURNAL_FAILED);
	assert_int_equal(journal_sync_now(f->j, &f->e), ERR_JOURNAL_FAILED);
	assert_false(journal_has_room(f->j));
	assert_ok(journal_write_settle(f->j, slot, &s, &f->e));
}

static void
next_file__disk_full__is_refused_until_space_returns(void **state)
{
	struct rig *f = *state;

	rig_begin(f);
	journal_set_io_for_test(f->j, &fake_io);
	fail_allocate = ENOSPC;
	f->j->wants_next = true;

	assert_int_equal(journal_make_next(f->j, &f->e), ERR_JOURNAL_FULL);
	assert_true(f->j->wants_next);
	fail_allocate = 0;
	assert_ok(journal_make_next(f->j, &f->e));
	assert_true(f->j->next.fd >= 0);
}

static void
open_series__no_room__takes_requests_when_there_is(void **state)
{
	struct rig *f = *state;
	struct journal_open o = rig_open(1);
	struct journal_series id;
	uint32_t slot = 0;

	f->opt.max_bytes = 1;
	rig_begin(f);
	id = *journal_id(f->j);
	assert_false(journal_has_room(f->j));
	assert_int_equal(journal_write_open(f->j, &o, &slot, &f->e),
	    ERR_JOURNAL_FULL);
	assert_ok(journal_sync_now(f->j, &f->e));

	f->j->opt.max_bytes = MIB(64);
	assert_ok(journal_make_next(f->j, &f->e));
	assert_true(journal_has_room(f->j));
	rig_requests(f, 1, 2);
	journal_close(&f->j);
	assert_int_equal(rig_count(f, &id, true).n[JOURNAL_SETTLE], 2);
}

static void
max_bytes__reached_by_all_series__no_further_file(void **state)
{
	struct rig *f = *state;
	struct journal *other = NULL;

	f->opt.max_bytes = 3 * f->opt.file_bytes;
	rig_begin(f);
	assert_ok(journal_open_series(f->dir, &f->opt, &other, &f->e));
	f->j->wants_next = true;
	assert_ok(journal_make_next(f->j, &f->e));
	other->wants_next = true;

	assert_int_equal(journal_make_next(other, &f->e), ERR_JOURNAL_FULL);
	journal_close(&other);
}

static void
check_dir__missing_parent_or_file__is_explained(void **state)
{
	struct rig *f = *state;

	assert_int_equal(journal_check_dir("/nonexistent/journal", &f->e),
	    ERR_CONFIG);
	assert_int_equal(journal_check_dir("/etc/passwd", &f->e), ERR_CONFIG);
}

static void
check_dir__tmpfs__is_refused(void **state)
{
	struct rig *f = *state;
	char dir[] = "/dev/shm/tg-journal-XXXXXX";

	if (!mkdtemp(dir)) /* no tmpfs here to test with */
		return;
	assert_int_equal(journal_check_dir(dir, &f->e), ERR_CONFIG);
	assert_non_null(strstr(f->e.internal, "tmpfs"));
	(void)rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(open_series__new__has_a_locked_allocated_file),
		TEST(lock_file__removed__files_still_tell_life),
		TEST(requests__written__are_read_back),
		TEST(close__in_order__marks_the_end_and_trims),
		TEST(rotation__with_an_open_request__repeats_it),
		TEST(
		    file_full__no_next_file__refuses_opens_but_takes_all_settles),
		TEST(open__more_than_open_max__is_refused),
		TEST(progress__only_reserved_room_left__is_refused),
		TEST(write__short_then_no_space__leaves_no_trace),
		TEST(settle__write_fails_once__can_be_repeated),
		TEST(rotation__carrying_fails__starts_over_with_a_new_file),
		TEST(fdatasync__fails__no_more_opens_for_good),
		TEST(next_file__disk_full__is_refused_until_space_returns),
		TEST(open_series__no_room__takes_requests_when_there_is),
		TEST(max_bytes__reached_by_all_series__no_further_file),
		TEST(check_dir__missing_parent_or_file__is_explained),
		TEST(check_dir__tmpfs__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
