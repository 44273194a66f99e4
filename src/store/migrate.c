/* SPDX-License-Identifier: MIT */
#include "store/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/rng.h"
#include "store/lease.h"
#include "store/partition.h"

#define FILES_MAX      500
#define FILE_BYTES_MAX MIB(4)
#define LEASE_TTL_MS   600000
#define LEASE_POLL_MS  200

/* A file of the folder. */
struct file {
	uint64_t version;
	struct str name;
	struct str text;
	uint8_t checksum[32];
};

/* A row of schema_migrations. */
struct applied {
	uint64_t version;
	struct str name;
	uint8_t checksum[32];
	uint64_t statements_done;
	int64_t finished_at_ms; /* 0: it broke off */
};
static const struct db_field applied_fields[] = {
	DB_FIELD(struct applied, version, U64),
	DB_FIELD(struct applied, name, STR),
	DB_FIELD(struct applied, checksum, B32),
	DB_FIELD(struct applied, statements_done, U64),
	DB_FIELD(struct applied, finished_at_ms, TIME),
};
static const struct db_map applied_map = DB_MAP(struct applied, applied_fields);

struct checksum_row {
	uint8_t checksum[32];
};
static const struct db_field checksum_fields[] = {
	DB_FIELD(struct checksum_row, checksum, B32),
};
static const struct db_map checksum_map = DB_MAP(struct checksum_row,
    checksum_fields);

struct run {
	struct db *db;
	const struct migrate_options *opt;
	struct arena *a;
	struct lease lease;
	bool was_cut; /* the run before never gave its lease back */
	struct file *files;
	size_t n_files;
	struct applied *applied;
	size_t n_applied;
};

/* Where the scanner of migrate_next_statement() is. */
enum scan {
	SCAN_PLAIN,
	SCAN_QUOTE,
	SCAN_LINE_COMMENT,
	SCAN_BLOCK_COMMENT
};

static bool
starts_at(struct str s, size_t i, const char *two)
{
	return i + 1 < s.n && s.p[i] == two[0] && s.p[i + 1] == two[1];
}

/* Whether nothing but space follows up to the end of the line. */
static bool
ends_line(struct str s, size_t i)
{
	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r'))
		i++;
	return i == s.n || s.p[i] == '\n';
}

/* Length of the comment or space at the front of s. */
static size_t
blank_at(struct str s)
{
	size_t n;

	if (s.n == 0)
		return 0;
	if (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\n' || s.p[0] == '\r')
		return 1;
	if (starts_at(s, 0, "--") || s.p[0] == '#') {
		n = str_find(s, '\n');
		return n < s.n ? n + 1 : n;
	}
	if (starts_at(s, 0, "/*")) {
		n = str_find_str(s, S("*/"));
		return n < s.n ? n + 2 : n;
	}
	return 0;
}

/* Position after the byte at i, and what state the scanner is in there. */
static size_t
step(struct str s, size_t i, enum scan *state, char *quote)
{
	char c = s.p[i];

	switch (*state) {
	case SCAN_PLAIN:
		if (c == '\'' || c == '"' || c == '`') {
			*state = SCAN_QUOTE;
			*quote = c;
		} else if (starts_at(s, i, "--") || c == '#') {
			*state = SCAN_LINE_COMMENT;
		} else if (starts_at(s, i, "/*")) {
			*state = SCAN_BLOCK_COMMENT;
			return i + 2;
		}
		return i + 1;
	case SCAN_QUOTE:
		/* A doubled quote closes and opens again: the same to us. */
		if (c == '\\' && *quote != '`')
			return i + 2 < s.n ? i + 2 : s.n;
		if (c == *quote)
			*state = SCAN_PLAIN;
		return i + 1;
	case SCAN_LINE_COMMENT:
		if (c == '\n')
			*state = SCAN_PLAIN;
		return i + 1;
	case SCAN_BLOCK_COMMENT:
		if (starts_at(s, i, "*/")) {
			*state = SCAN_PLAIN;
			return i + 2;
		}
		return i + 1;
	}
	return i + 1;
}

bool
migrate_next_statement(struct str *rest, struct str *ret)
{
	enum scan state = SCAN_PLAIN;
	char quote = 0;
	size_t n, i = 0;

	for (n = blank_at(*rest); n > 0; n = blank_at(*rest))
		*rest = str_skip(*rest, n);
	if (rest->n == 0)
		return false;
	while (i < rest->n) {
		if (state == SCAN_PLAIN && rest->p[i] == ';' &&
		    ends_line(*rest, i + 1)) {
			*ret = str_make(rest->p, i);
			*rest = str_skip(*rest, i + 1);
			return true;
		}
		i = step(*rest, i, &state, &quote);
	}
	*ret = *rest;
	*rest = str_skip(*rest, rest->n);
	return true;
}

static enum err
checksum(struct run *r, struct file *f, struct error *e)
{
	struct checksum_row row;
	enum err err = db_one(r->db, STMT_MIGRATION_CHECKSUM,
	    DB_IN(db_bytes(f->text)), r->a, &checksum_map, &row, e);

	if (err == OK)
		memcpy(f->checksum, row.checksum, sizeof(f->checksum));
	return err;
}

static enum err
read_open(struct run *r, struct file *f, FILE *in, struct error *e)
{
	struct stat st;
	char *text;

	if (fstat(fileno(in), &st) != 0 || st.st_size > (off_t)FILE_BYTES_MAX)
		return error_set(e, ERR_IO, "too large");
	text = arena_alloc(r->a, (size_t)st.st_size);
	if (!text)
		return error_arena(e, r->a);
	if (fread(text, 1, (size_t)st.st_size, in) != (size_t)st.st_size)
		return error_set(e, ERR_IO, "short read");
	f->text = str_make(text, (size_t)st.st_size);
	return OK;
}

static enum err
read_file(struct run *r, struct file *f, struct error *e)
{
	struct str path = arena_printf(r->a, "%s/%" PRI_STR, r->opt->dir,
	    STR_ARG(f->name));
	enum err err;
	FILE *in;

	if (!path.p)
		return error_arena(e, r->a);
	in = fopen(path.p, "re");
	if (!in)
		return error_set(e, ERR_IO, "%s: errno %d", path.p, errno);
	err = read_open(r, f, in, e);
	(void)fclose(in); /* only read */
	if (err != OK)
		(void)error_prefix(e, "%s", path.p);
	return err;
}

/* "NNNN_name.sql", NNNN from 0000. */
static bool
parse_name(struct str name, uint64_t *ret_version)
{
	return name.n > 9 && name.p[4] == '_' && str_ends(name, S(".sql")) &&
	       str_to_u64(str_make(name.p, 4), 0, 9999, ret_version);
}

static int
file_compare(const void *pa, const void *pb)
{
	const struct file *a = pa, *b = pb;

	return (a->version > b->version) - (a->version < b->version);
}

static enum err
list_files(struct run *r, DIR *dir, struct error *e)
{
	const struct dirent *entry;
	uint64_t version;

	while ((entry = readdir(dir)) != NULL) {
		struct str name = str_from(entry->d_name);

		if (!parse_name(name, &version))
			continue;
		if (r->n_files == FILES_MAX)
			return error_set(e, ERR_IO, "too many SQL files");
		name = arena_strdup(r->a, name);
		if (!name.p)
			return error_arena(e, r->a);
		r->files[r->n_files++] = (struct file){ .version = version,
			.name = name };
	}
	qsort(r->files, r->n_files, sizeof(r->files[0]), file_compare);
	return OK;
}

static enum err
read_folder(struct run *r, struct error *e)
{
	DIR *dir = opendir(r->opt->dir);
	enum err err;

	if (!dir)
		return error_set(e, ERR_IO, "%s: errno %d", r->opt->dir, errno);
	r->files = arena_array(r->a, struct file, FILES_MAX);
	err = r->files ? list_files(r, dir, e) : error_arena(e, r->a);
	(void)closedir(dir); /* only read */
	for (size_t i = 0; err == OK && i < r->n_files; i++) {
		if (i > 0 && r->files[i].version == r->files[i - 1].version)
			return error_set(e, ERR_CONFLICT,
			    "%" PRI_STR " and %" PRI_STR
			    " have the same number",
			    STR_ARG(r->files[i - 1].name),
			    STR_ARG(r->files[i].name));
		err = read_file(r, &r->files[i], e);
		if (err == OK)
			err = checksum(r, &r->files[i], e);
	}
	if (err == OK && (r->n_files == 0 || r->files[0].version != 0))
		return error_set(e, ERR_IO, "%s: no 0000_….sql there",
		    r->opt->dir);
	return err;
}

/* A statement of a file that is applied. */
struct statement {
	const struct file *file;
	uint64_t no; /* from 1 */
	struct str text;
	bool may_be_done; /* a run was cut off before it could be recorded */
};

/* Run it and record it. */
static enum err
run_statement(struct db *db, void *arg, struct error *e)
{
	const struct statement *s = arg;
	int64_t start_ms = clock_mono_ms();
	enum err err = db_run_script_statement(db, s->text, e);

	if (err != OK && s->may_be_done && db_script_was_done(db, s->text)) {
		error_clear(e);
		err = OK;
	}
	return err ? err
		   : db_exec(db, STMT_MIGRATION_STEP,
			 DB_IN(db_u64(s->no),
			     db_u64((uint64_t)(clock_mono_ms() - start_ms)),
			     db_u64(s->file->version)),
			 NULL, e);
}

/* Changing rows can be taken back until it is recorded. Data definition
 * commits by itself, and the server ends it though we are gone. */
static bool
is_of_rows(struct str text)
{
	static const char *const verbs[] = { "INSERT", "UPDATE", "DELETE",
		"REPLACE" };

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (str_starts(text, str_from(verbs[i])))
			return true;
	return false;
}

/* Those that are not recorded. @before  NULL: none is */
static enum err
run_statements(struct run *r, const struct file *f,
    const struct applied *before, struct error *e)
{
	const uint64_t done = before ? before->statements_done : 0;
	struct statement s = { .file = f };
	struct str rest = f->text;

	for (s.no = 1; migrate_next_statement(&rest, &s.text); s.no++) {
		enum err err;

		if (s.no <= done)
			continue;
		s.may_be_done = before && r->was_cut && s.no == done + 1 &&
				!is_of_rows(s.text);
		err = store_lease_renew(r->db, &r->lease, LEASE_TTL_MS, e);
		if (err == OK)
			err = is_of_rows(s.text)
				  ? db_txn(r->db, run_statement, &s, e)
				  : run_statement(r->db, &s, e);
		if (err != OK) {
			(void)error_prefix(e, "%" PRI_STR ": statement %llu",
			    STR_ARG(f->name), (unsigned long long)s.no);
			return err;
		}
	}
	return OK;
}

/* What this needs itself, before there is a lease or a record. */
static enum err
run_first(struct run *r, struct error *e)
{
	const struct file *f = &r->files[0];
	struct str rest = f->text, text;
	enum err err = OK;

	while (err == OK && migrate_next_statement(&rest, &text))
		err = db_run_script_statement(r->db, text, e);
	if (err != OK)
		(void)error_prefix(e, "%" PRI_STR, STR_ARG(f->name));
	return err;
}

static const struct applied *
find_applied(const struct run *r, uint64_t version)
{
	for (size_t i = 0; i < r->n_applied; i++)
		if (r->applied[i].version == version)
			return &r->applied[i];
	return NULL;
}

static bool
has_file(const struct run *r, uint64_t version)
{
	for (size_t i = 0; i < r->n_files; i++)
		if (r->files[i].version == version)
			return true;
	return false;
}

/* Refuse what was applied and is not what is in the folder now. */
static enum err
compare_applied(const struct run *r, struct error *e)
{
	for (size_t i = 0; i < r->n_applied; i++)
		if (!has_file(r, r->applied[i].version))
			return error_set(e, ERR_CONFLICT,
			    "the database has %" PRI_STR
			    ", which is not in %s: "
			    "it was made by a newer version",
			    STR_ARG(r->applied[i].name), r->opt->dir);
	for (size_t i = 0; i < r->n_files; i++) {
		const struct applied *done = find_applied(r,
		    r->files[i].version);

		if (done && done->finished_at_ms != 0 &&
		    memcmp(done->checksum, r->files[i].checksum, 32) != 0)
			return error_set(e, ERR_CONFLICT,
			    "%" PRI_STR " was edited after it was applied",
			    STR_ARG(r->files[i].name));
	}
	return OK;
}

static void
report(const struct run *r, const struct file *f, bool is_now, int64_t ms)
{
	if (r->opt->report)
		r->opt->report(r->opt->report_arg, f->name, is_now, ms);
}

/* One file; one that broke off goes on after its last finished statement. */
static enum err
apply(struct run *r, const struct file *f, struct error *e)
{
	const struct applied *before = find_applied(r, f->version);
	int64_t start_ms = clock_mono_ms();
	enum err err;

	if (before && before->finished_at_ms != 0) {
		report(r, f, false, 0);
		return OK;
	}
	err = db_exec(r->db, STMT_MIGRATION_START,
	    DB_IN(db_u64(f->version), db_str(f->name), db_b32(f->checksum)),
	    NULL, e);
	if (err == OK)
		err = run_statements(r, f, before, e);
	if (err == OK)
		err = db_exec(r->db, STMT_MIGRATION_FINISH,
		    DB_IN(db_u64(f->version)), NULL, e);
	if (err == OK)
		report(r, f, true, clock_mono_ms() - start_ms);
	return err;
}

static enum err
read_applied(struct run *r, struct error *e)
{
	enum err err = db_all(r->db, STMT_MIGRATION_LIST, DB_IN_NONE, r->a,
	    &applied_map, &r->applied, &r->n_applied, e);

	return err == OK ? compare_applied(r, e) : err;
}

static enum err
apply_all(struct run *r, struct error *e)
{
	enum err err = read_applied(r, e);

	for (size_t i = 0; err == OK && i < r->n_files; i++)
		err = apply(r, &r->files[i], e);
	if (err != OK)
		return err;
	err = partition_ensure(r->db, clock_now_ms(), r->a, e);
	if (err != OK)
		(void)error_prefix(e, "partitions of usage_records");
	return err;
}

static enum err
check_all(struct run *r, struct error *e)
{
	enum err err = read_applied(r, e);

	for (size_t i = 0; err == OK && i < r->n_files; i++) {
		const struct applied *done = find_applied(r,
		    r->files[i].version);

		if (!done || done->finished_at_ms == 0)
			return error_set(e, ERR_CONFLICT,
			    "%" PRI_STR " is not applied",
			    STR_ARG(r->files[i].name));
	}
	return err;
}

/* Take the lease, waiting for another run to end. */
static enum err
take_lease(struct run *r, struct error *e)
{
	const struct timespec pause = { .tv_nsec = LEASE_POLL_MS * 1000000L };
	int64_t until_ms = clock_mono_ms() + r->opt->wait_ms;
	enum err err;

	r->lease.name = S("migrate");
	rng_bytes(r->lease.holder, sizeof(r->lease.holder));
	for (;;) {
		err = store_lease_is_kept(r->db, r->lease.name, &r->was_cut, e);
		if (err == OK)
			err = store_lease_take(r->db, &r->lease, LEASE_TTL_MS,
			    e);
		if (err != ERR_CONFLICT || clock_mono_ms() >= until_ms)
			return err;
		(void)nanosleep(&pause, NULL); /* waking early is fine */
	}
}

static enum err
run_locked(struct run *r, struct error *e)
{
	struct error ignored;
	enum err err = run_first(r, e);

	if (err == OK)
		err = take_lease(r, e);
	if (err != OK)
		return err;
	err = apply_all(r, e);
	/* A lease that cannot be given back runs out by itself. */
	(void)!store_lease_release(r->db, &r->lease, &ignored);
	return err;
}

enum err
migrate_run(struct db *db, const struct migrate_options *opt, struct error *e)
{
	struct arena a;
	struct run r = { .db = db, .opt = opt, .a = &a };
	enum err err;

	arena_init(&a, MIB(64));
	err = read_folder(&r, e);
	if (err == OK)
		err = opt->check_only ? check_all(&r, e) : run_locked(&r, e);
	arena_fini(&a);
	return err;
}
