/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/file.h"
#include "journal/writer_priv.h"
#include "unit/journal/rig.h"

/* Read a whole small file; write it back. */
static uint8_t *
slurp(const char *path, size_t *ret_n)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *p;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*ret_n = (size_t)st.st_size;
	p = malloc(*ret_n);
	assert_non_null(p);
	assert_int_equal(read(fd, p, *ret_n), st.st_size);
	(void)close(fd);
	return p;
}

static void
put_back(const char *path, const uint8_t *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	(void)close(fd);
}

static void
file__cut_at_every_byte__only_what_was_cut_is_lost(void **state)
{
	struct rig *f = *state;
	char path[JOURNAL_PATH_BYTES];
	struct journal_series id;
	uint32_t from;
	uint8_t *p;
	size_t n;

	rig_begin(f);
	id = *journal_id(f->j);
	rig_requests(f, 1, 3);
	from = f->j->cur.off;
	rig_requests(f, 4, 1);
	n = f->j->cur.off;
	rig_crash(f);
	rig_path(f, &id, 1, path);
	p = slurp(path, &(size_t){ 0 });

	for (size_t cut = from; cut <= n; cut++) {
		struct counts c;

		put_back(path, p, cut);
		c = rig_count(f, &id, true);
		assert_int_equal(c.n[JOURNAL_SETTLE], cut == n ? 4 : 3);
		assert_int_equal(c.damage.n_corrupt, 0);
		assert_true(c.damage.torn_bytes <= cut - from);
	}
	free(p);
}

static void
file__any_bit_flipped__costs_that_record_and_is_counted(void **state)
{
	struct rig *f = *state;
	char path[JOURNAL_PATH_BYTES];
	struct journal_series id;
	uint8_t *p;
	size_t n;

	rig_begin(f);
	id = *journal_id(f->j);
	rig_requests(f, 1, 3);
	n = f->j->cur.off;
	rig_crash(f);
	rig_path(f, &id, 1, path);
	p = slurp(path, &(size_t){ 0 });

	for (size_t bit = 0; bit < 8 * n; bit++) {
		struct counts c;
		unsigned total;

		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		put_back(path, p, n);
		c = rig_count(f, &id, true);
		total = c.n[JOURNAL_OPEN] + c.n[JOURNAL_SETTLE];
		/* A damaged header costs nothing but is reported. */
		assert_int_equal(total, bit / 8 < JOURNAL_HEADER_BYTES ? 6 : 5);
		assert_true(c.damage.n_corrupt == 1 || c.damage.torn_bytes > 0);
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(p);
}

static void
middle__blanked__is_skipped_when_the_series_is_dead(void **state)
{
	struct rig *f = *state;
	char path[JOURNAL_PATH_BYTES];
	struct journal_series id;
	struct counts c;
	uint8_t zeros[4096] = { 0 };
	uint32_t at;
	int fd;

	rig_begin(f);
	id = *journal_id(f->j);
	rig_requests(f, 1, 10);
	at = f->j->cur.off;
	rig_requests(f, 11, 100);
	rig_crash(f);
	rig_path(f, &id, 1, path);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), at), sizeof(zeros));
	(void)close(fd);

	c = rig_count(f, &id, true);
	assert_int_equal(c.damage.n_corrupt, 1);
	assert_true(c.damage.corrupt_bytes >= sizeof(zeros));
	assert_true(c.n[JOURNAL_SETTLE] > 90 && c.n[JOURNAL_SETTLE] < 110);
	assert_int_equal(c.last_settle, 110);
}

static void
live__unfinished_record__is_waited_for(void **state)
{
	struct rig *f = *state;
	struct journal_reader *r = NULL;
	struct journal_rec rec;
	uint8_t whole[JOURNAL_RECORD_MAX];
	size_t n;
	int fd;

	rig_begin(f);
	rig_requests(f, 1, 2);
	n = f->j->cur.off;
	/* Take half of the last record away again. */
	fd = f->j->cur.fd;
	assert_int_equal(pread(fd, whole, 64, (off_t)n - 64), 64);
	assert_int_equal(pwrite(fd, (uint8_t[64]){ 0 }, 64, (off_t)n - 64), 64);
	assert_ok(journal_reader_new(f->dir, journal_id(f->j), 0, &r, &f->e));
	for (unsigned i = 0; i < 3; i++)
		assert_ok(journal_reader_next(r, false, &rec, &f->e));

	assert_int_equal(journal_reader_next(r, false, &rec, &f->e),
	    ERR_NOT_FOUND);
	assert_int_equal(pwrite(fd, whole, 64, (off_t)n - 64), 64);
	assert_ok(journal_reader_next(r, false, &rec, &f->e));
	assert_int_equal(rec.type, JOURNAL_SETTLE);
	assert_int_equal(journal_reader_damage(r)->n_corrupt, 0);
	journal_reader_free(r);
}

static void
reader__position_kept__goes_on_there(void **state)
{
	struct rig *f = *state;
	struct journal_reader *r = NULL;
	struct journal_rec rec;
	journal_pos pos;

	rig_begin(f);
	rig_requests(f, 1, 2);
	assert_ok(journal_reader_new(f->dir, journal_id(f->j), 0, &r, &f->e));
	assert_ok(journal_reader_next(r, false, &rec, &f->e));
	pos = rec.next;
	journal_reader_free(r);

	assert_ok(journal_reader_new(f->dir, journal_id(f->j), pos, &r, &f->e));
	assert_ok(journal_reader_next(r, false, &rec, &f->e));
	assert_int_equal(rec.pos, pos);
	assert_int_equal(rec.type, JOURNAL_SETTLE);
	journal_reader_free(r);
}

static void
crash__next_file_not_begun__ends_in_the_last_used(void **state)
{
	struct rig *f = *state;
	struct journal_series id;
	struct journal_entry *list = NULL;
	struct counts c;
	size_t n = 0;

	rig_begin(f);
	id = *journal_id(f->j);
	rig_requests(f, 1, 5);
	f->j->wants_next = true;
	assert_ok(journal_make_next(f->j, &f->e));
	rig_crash(f);

	c = rig_count(f, &id, true);
	assert_int_equal(journal_pos_file(c.end), 1);
	assert_int_equal(c.n[JOURNAL_SETTLE], 5);
	assert_ok(journal_trim(f->dir, &id, c.end, &f->e));
	assert_ok(journal_list(f->dir, &list, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(list[0].last_no, 1);
	assert_int_equal(list[0].size_bytes, journal_pos_offset(c.end));
	free(list);
}

static void
crash__between_carrying_and_mark__reads_on_without_damage(void **state)
{
	struct rig *f = *state;
	struct journal_series id;
	struct journal_open o = rig_open(900);
	struct journal_file cur;
	struct counts c;
	uint32_t slot = 0;

	rig_begin(f);
	id = *journal_id(f->j);
	rig_requests(f, 1, 5);
	assert_ok(journal_write_open(f->j, &o, &slot, &f->e));
	f->j->wants_next = true;
	assert_ok(journal_make_next(f->j, &f->e));
	cur = f->j->cur;
	f->j->cur.off = (uint32_t)f->j->opt.file_bytes - 16; /* force it */
	rig_requests(f, 6, 1);
	/* Unwrite the mark. */
	assert_int_equal(pwrite(f->j->old_fds[0], (uint8_t[16]){ 0 }, 16,
			     (off_t)f->j->opt.file_bytes - 16),
	    16);
	rig_crash(f);

	(void)cur;
	c = rig_count(f, &id, true);
	assert_int_equal(c.n[JOURNAL_SETTLE], 6);
	assert_int_equal(c.n[JOURNAL_OPEN], 8); /* 900 twice */
	assert_int_equal(c.damage.n_corrupt, 0);
}

static void
file__missing_in_the_middle__is_counted(void **state)
{
	struct rig *f = *state;
	struct journal_series id;
	char path[JOURNAL_PATH_BYTES];
	struct counts c;

	rig_begin(f);
	id = *journal_id(f->j);
	rig_requests(f, 1, 3000);
	assert_true(f->j->cur.no > 3);
	rig_crash(f);
	rig_path(f, &id, 2, path);
	assert_int_equal(unlink(path), 0);

	c = rig_count(f, &id, true);
	assert_int_equal(c.damage.n_missing, 1);
	assert_int_equal(c.last_settle, 3000);
	assert_true(c.n[JOURNAL_SETTLE] < 3000);
}

static void
list__two_series__are_told_apart(void **state)
{
	struct rig *f = *state;
	struct journal *other = NULL;
	struct journal_entry *list = NULL;
	struct counts c;
	size_t n = 0;
	bool is_live = false;

	rig_begin(f);
	rig_requests(f, 1, 3);
	assert_ok(journal_open_series(f->dir, &f->opt, &other, &f->e));
	assert_ok(journal_list(f->dir, &list, &n, &f->e));

	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list[i].first_no, 1);
		assert_ok(
		    journal_is_live(f->dir, &list[i].id, &is_live, &f->e));
		assert_true(is_live);
	}
	c = rig_count(f, journal_id(other), false);
	assert_int_equal(c.n[JOURNAL_OPEN], 0);
	free(list);
	journal_close(&other);
}

static void
remove__whole_series__leaves_nothing(void **state)
{
	struct rig *f = *state;
	struct journal_entry *list = NULL;
	struct journal_series id;
	size_t n = 1;

	rig_begin(f);
	id = *journal_id(f->j);
	rig_requests(f, 1, 3);
	rig_crash(f);

	assert_ok(journal_remove(f->dir, &id, 1, 2, true, &f->e));
	assert_ok(journal_list(f->dir, &list, &n, &f->e));
	assert_int_equal(n, 0);
}

static void
unfinished_file__of_a_dead_worker__is_removed(void **state)
{
	struct rig *f = *state;
	char path[JOURNAL_PATH_BYTES], id[JOURNAL_SERIES_TEXT_BYTES];
	int fd;

	rig_begin(f);
	journal_series_format(journal_id(f->j), id);
	(void)snprintf(path, sizeof(path), "%s/%s.0000000009.tmp", f->dir, id);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	(void)close(fd);

	assert_ok(journal_remove_unfinished(f->dir, &f->e));
	assert_int_equal(access(path, F_OK), 0);
	rig_crash(f);
	assert_ok(journal_remove_unfinished(f->dir, &f->e));
	assert_int_equal(access(path, F_OK), -1);
}

#define TEST(name) \
 cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(file__cut_at_every_byte__only_what_was_cut_is_lost),
		TEST(file__any_bit_flipped__costs_that_record_and_is_counted),
		TEST(middle__blanked__is_skipped_when_the_series_is_dead),
		TEST(live__unfinished_record__is_waited_for),
		TEST(reader__position_kept__goes_on_there),
		TEST(crash__next_file_not_begun__ends_in_the_last_used),
		TEST(crash__between_carrying_and_mark__reads_on_without_damage),
		TEST(file__missing_in_the_middle__is_counted),
		TEST(list__two_series__are_told_apart),
		TEST(remove__whole_series__leaves_nothing),
		TEST(unfinished_file__of_a_dead_worker__is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
