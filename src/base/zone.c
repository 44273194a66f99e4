/* SPDX-License-Identifier: MIT */
#include "base/zone.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER         "/usr/share/zoneinfo/"
#define FILE_BYTES_MAX KIB(64)
#define HEAD_BYTES     44

/* Names as Area/City: no way out of the folder, no hidden files. */
static bool
is_name(struct str s)
{
	char before = '/';

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool is_more = (c >= '0' && c <= '9') || c == '_' || c == '-' ||
			       c == '+' || c == '/';

		if (!is_word && (!is_more || before == '/'))
			return false;
		before = c;
	}
	return s.n > 0 && s.n <= ZONE_NAME_BYTES_MAX && before != '/';
}

static int64_t
big_endian(const char *p, size_t n)
{
	uint64_t v = *p & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (unsigned char)p[i];
	return (int64_t)v;
}

/* The tables of the file's second part, whose times have 64 bits. */
struct tables {
	size_t n_times, n_types, n_chars;
	const char *times, *indexes, *types, *chars;
};

/* Where a part's body ends that begins with a head at p; SIZE_MAX: nowhere. */
static size_t
read_head(struct str s, size_t at, size_t time_bytes, struct tables *t)
{
	size_t n[6], all;
	const char *p;

	if (s.n < HEAD_BYTES || at > s.n - HEAD_BYTES ||
	    memcmp(s.p + at, "TZif", 4) != 0)
		return SIZE_MAX;
	for (size_t i = 0; i < 6; i++) {
		int64_t v = big_endian(s.p + at + 20 + 4 * i, 4);

		if (v < 0 || v > (int64_t)FILE_BYTES_MAX)
			return SIZE_MAX;
		n[i] = (size_t)v;
	}
	/* isut, isstd, leap, time, type, char */
	p = s.p + at + HEAD_BYTES;
	*t = (struct tables){ .n_times = n[3],
		.n_types = n[4],
		.n_chars = n[5],
		.times = p,
		.indexes = p + n[3] * time_bytes };
	t->types = t->indexes + n[3];
	t->chars = t->types + 6 * n[4];
	all = n[3] * (time_bytes + 1) + 6 * n[4] + n[5] +
	      n[2] * (time_bytes + 4) + n[1] + n[0];
	at += HEAD_BYTES;
	return all <= s.n - at ? at + all : SIZE_MAX;
}

static bool
read_tables(struct str s, struct tables *t)
{
	size_t second = read_head(s, 0, 4, t);

	return second != SIZE_MAX && s.p[4] >= '2' &&
	       read_head(s, second, 8, t) != SIZE_MAX && t->n_types > 0 &&
	       t->n_chars > 0 && t->chars[t->n_chars - 1] == '\0';
}

static enum err
read_file(const char *path, struct arena *a, struct str *ret, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data = NULL;
	ssize_t n = -1;

	if (fd < 0)
		return error_set(e, ERR_NOT_FOUND, "no file");
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_size <= (off_t)FILE_BYTES_MAX) {
		data = arena_alloc(a, (size_t)st.st_size);
		if (data)
			n = read(fd, data, (size_t)st.st_size);
	}
	(void)close(fd); /* read only */
	if (a->sticky)
		return error_arena(e, a);
	if (n <= 0)
		return error_set(e, ERR_NOT_FOUND, "no file of a zone");
	*ret = str_make(data, (size_t)n);
	return OK;
}

enum err
zone_load(struct str name, struct arena *a, struct zone *ret, struct error *e)
{
	struct zone z = { .name = name };
	struct tables t;
	struct str path;
	enum err err;

	if (str_eq(name, S("UTC"))) {
		*ret = z;
		return OK;
	}
	if (!is_name(name))
		return error_public(e, ERR_BAD_PARAM, "time_zone",
		    "There is no such time zone; they are named as "
		    "Europe/Berlin is.");
	path = arena_printf(a, FOLDER "%" PRI_STR, STR_ARG(name));
	if (!path.p)
		return error_arena(e, a);
	err = read_file(path.p, a, &z.data, e);
	if (err == ERR_NO_MEMORY)
		return err;
	if (err || !read_tables(z.data, &t))
		return error_public(e, ERR_BAD_PARAM, "time_zone",
		    "There is no such time zone; they are named as "
		    "Europe/Berlin is.");
	*ret = z;
	return OK;
}

/* The type in force: of the last transition that is not later. */
static size_t
type_at(const struct tables *t, int64_t time_s)
{
	size_t from = 0, to = t->n_times;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (big_endian(t->times + 8 * middle, 8) <= time_s)
			from = middle + 1;
		else
			to = middle;
	}
	return from ? (unsigned char)t->indexes[from - 1] : 0;
}

int64_t
zone_offset_s(const struct zone *z, int64_t time_ms,
    struct str *ret_abbreviation)
{
	struct tables t;
	size_t type, at;

	*ret_abbreviation = S("UTC");
	if (!z->data.n || !read_tables(z->data, &t))
		return 0;
	type = type_at(&t, time_ms / 1000);
	if (type >= t.n_types)
		return 0;
	at = (unsigned char)t.types[6 * type + 5];
	if (at < t.n_chars)
		*ret_abbreviation = str_from(t.chars + at);
	return big_endian(t.types + 6 * type, 4);
}
