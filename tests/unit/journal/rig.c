/* SPDX-License-Identifier: MIT */
#include "unit/journal/rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/writer_priv.h"
#include "support/cmocka_tg.h"

int
rig_setup(void **state)
{
	struct rig *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->dir, "/tmp/tg-journal-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->opt = (struct journal_options){
		.max_bytes = MIB(64),
		.file_bytes = KIB(256),
		.sync_ms = 5,
		.open_max = 8,
		.is_any_filesystem = true,
	};
	*state = f;
	return 0;
}

int
rig_teardown(void **state)
{
	struct rig *f = *state;
	DIR *d = opendir(f->dir);
	const struct dirent *entry;

	journal_close(&f->j);
	while (d && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	}
	(void)closedir(d);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

struct uuid7
rig_id(uint64_t n)
{
	struct uuid7 id = { { 0 } };

	for (unsigned i = 0; i < 8; i++)
		id.b[15 - i] = (uint8_t)(n >> (8 * i));
	return id;
}

struct journal_open
rig_open(uint64_t n)
{
	return (struct journal_open){
		.request_id = rig_id(n),
		.start_ms = 1700000000000 + (int64_t)n,
		.customer_id = 11,
		.user_id = 13,
		.api_key_id = 14,
		.model_id = 15,
		.provider_id = 16,
		.deployment_id = 17,
		.price_version_id = 20,
		.markup_ppm = 1000000,
		.prompt_tok = n,
		.is_stream = n % 2 == 1,
		.price = { 3, 5, 7 },
		.model_requested = S("gpt2-mini"),
		.provider_used = S("local"),
	};
}

struct journal_settle
rig_settle(uint64_t n)
{
	struct journal_settle s = {
		.request_id = rig_id(n),
		.latency_ms = 120,
		.ttft_ms = -1,
		.cost_pusd = 1234567,
		.provider_cost_pusd = 7654,
		.status = USAGE_OK,
		.source = USAGE_FROM_PROVIDER,
		.attempts = 1,
	};

	s.tok[TOK_NORMAL][TOK_IN] = n;
	s.tok[TOK_NORMAL][TOK_OUT] = 2 * n + 1;
	return s;
}

void
rig_begin(struct rig *f)
{
	assert_ok(journal_open_series(f->dir, &f->opt, &f->j, &f->e));
}

void
rig_crash(struct rig *f)
{
	struct journal *j = f->j;

	f->j = NULL;
	(void)close(j->cur.fd);
	if (j->next.fd >= 0)
		(void)close(j->next.fd);
	for (unsigned i = 0; i < j->n_old; i++)
		(void)close(j->old_fds[i]);
	(void)close(j->lock_fd);
	free(j->carry);
	free(j->slots);
	free(j);
}

void
rig_requests(struct rig *f, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++) {
		struct journal_open o = rig_open(i);
		struct journal_settle s = rig_settle(i);
		uint32_t slot = 0;

		if (f->j->wants_next)
			assert_ok(journal_make_next(f->j, &f->e));
		assert_ok(journal_write_open(f->j, &o, &slot, &f->e));
		assert_ok(journal_write_settle(f->j, slot, &s, &f->e));
	}
}

static void
check_settle(struct counts *c, const struct journal_rec *rec)
{
	struct journal_settle s;

	assert_true(journal_decode_settle(rec->payload, &s));
	c->last_settle = 0;
	for (unsigned i = 8; i < 16; i++)
		c->last_settle = c->last_settle << 8 | s.request_id.b[i];
	assert_int_equal(s.tok[TOK_NORMAL][TOK_OUT], 2 * c->last_settle + 1);
}

struct counts
rig_count(const struct rig *f, const struct journal_series *s, bool is_final)
{
	struct counts c = { .end = 0 };
	struct journal_reader *r = NULL;
	struct journal_rec rec;
	struct error e;
	enum err err;

	assert_ok(journal_reader_new(f->dir, s, 0, &r, &e));
	while ((err = journal_reader_next(r, is_final, &rec, &e)) == OK) {
		c.n[rec.type]++;
		if (rec.type == JOURNAL_SETTLE)
			check_settle(&c, &rec);
	}
	assert_int_equal(err, ERR_NOT_FOUND);
	c.damage = *journal_reader_damage(r);
	c.end = journal_reader_pos(r);
	journal_reader_free(r);
	return c;
}

void
rig_path(const struct rig *f, const struct journal_series *s, uint32_t file_no,
    char ret[JOURNAL_PATH_BYTES])
{
	journal_file_path(ret, f->dir, s, file_no);
}
