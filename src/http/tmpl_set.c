/* SPDX-License-Identifier: MIT */
/*
 * A set of templates: sorted by name, filled once, then only read. It is
 * counted by its holders, so that a new set can take its place while pages
 * are still rendered with the old one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "http/tmpl_priv.h"

#define TEMPLATES_MAX  256
#define FOLDERS_MAX    8
#define FILE_BYTES_MAX MIB(1)

struct tmpl_set {
	struct arena arena;
	atomic_uint refs;
	size_t n;
	struct tmpl *item[TEMPLATES_MAX];
};

/* a <=> b, as memcmp() with the shorter one first. */
static int
name_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

/* Position of name, or where it belongs. */
static size_t
position(const struct tmpl_set *set, struct str name, bool *ret_is_there)
{
	size_t lo = 0, hi = set->n;
	*ret_is_there = false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = name_cmp(set->item[mid]->name, name);
		if (c == 0) {
			*ret_is_there = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct tmpl *
tmpl_find(const struct tmpl_set *set, struct str name)
{
	bool is_there;
	size_t at = position(set, name, &is_there);
	return is_there ? set->item[at] : NULL;
}

bool
tmpl_set_has(const struct tmpl_set *set, struct str name)
{
	return tmpl_find(set, name) != NULL;
}

enum err
tmpl_set_new(struct tmpl_set **ret, struct error *e)
{
	struct tmpl_set *set = calloc(1, sizeof(*set));
	if (!set)
		return error_set(e, ERR_NO_MEMORY, "no memory for templates");
	arena_init(&set->arena, TMPL_SET_BYTES_MAX);
	set->arena.full_err = ERR_NO_MEMORY;
	atomic_init(&set->refs, 1);
	*ret = set;
	return OK;
}

struct tmpl_set *
tmpl_set_ref(struct tmpl_set *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

void
tmpl_set_unref(struct tmpl_set *set)
{
	if (!set)
		return;
	if (atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) > 1)
		return;
	arena_fini(&set->arena);
	free(set);
}

/* place: what messages call the template. */
static enum err
add(struct tmpl_set *set, struct str name, struct str place, struct str text,
    struct error *e)
{
	bool is_there;
	size_t at = position(set, name, &is_there);
	if (is_there)
		return error_set(e, ERR_CONFIG,
		    "%" PRI_STR ":1: a second template of that name",
		    STR_ARG(place));
	if (set->n == TEMPLATES_MAX)
		return error_set(e, ERR_CONFIG, "more than %d templates",
		    TEMPLATES_MAX);
	struct tmpl *t = arena_new(&set->arena, struct tmpl);
	if (!t)
		return error_arena(e, &set->arena);
	t->name = arena_strdup(&set->arena, name);
	t->place = arena_strdup(&set->arena, place);
	t->source = arena_strdup(&set->arena, text);
	if (set->arena.sticky)
		return error_arena(e, &set->arena);
	enum err err = tmpl_parse(t, &set->arena, e);
	if (err)
		return err;
	memmove(&set->item[at + 1], &set->item[at],
	    (set->n - at) * sizeof(set->item[0]));
	set->item[at] = t;
	set->n++;
	return OK;
}

enum err
tmpl_set_add(struct tmpl_set *set, struct str name, struct str text,
    struct error *e)
{
	return add(set, name, name, text, e);
}

static enum err
io_error(struct error *e, const char *path)
{
	return error_set(e, ERR_IO, "%s: error %d of the system", path, errno);
}

static enum err
read_all(int fd, const char *path, struct buf *b, struct error *e)
{
	for (;;) {
		char *p = buf_room(b, 4096);
		if (!p)
			return error_set(e, ERR_CONFIG,
			    "%s: larger than %zu bytes", path, FILE_BYTES_MAX);
		ssize_t n = read(fd, p, 4096);
		if (n == 0)
			return OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error(e, path);
		buf_grew(b, (size_t)n);
	}
}

struct loader {
	struct tmpl_set *set;
	struct arena scratch;
	size_t skip; /* of a path: the folder and its slash */
	struct error *e;
};

static enum err
load_file(struct loader *l, const char *path)
{
	struct arena_mark mark = arena_mark(&l->scratch);
	struct buf b;
	buf_init(&b, &l->scratch, FILE_BYTES_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return io_error(l->e, path);
	enum err err = read_all(fd, path, &b, l->e);
	(void)close(fd); /* only read from */
	if (err)
		return err;
	struct str place = str_from(path);
	struct str name = str_skip(place, l->skip);
	name.n -= S(".html").n;
	if (!str_is_utf8(buf_str(&b)))
		return error_set(l->e, ERR_CONFIG, "%s:1: not UTF-8", path);
	err = add(l->set, name, place, buf_str(&b), l->e);
	arena_rewind(&l->scratch, mark);
	return err;
}

static enum err load_folder(struct loader *l, const char *dir, unsigned depth);

static enum err
load_entry(struct loader *l, const char *dir, const char *name, unsigned depth)
{
	if (name[0] == '.')
		return OK;
	struct str path = arena_printf(&l->scratch, "%s/%s", dir, name);
	if (!path.p)
		return error_arena(l->e, &l->scratch);
	struct stat st;
	if (stat(path.p, &st) != 0)
		return io_error(l->e, path.p);
	if (S_ISDIR(st.st_mode))
		return load_folder(l, path.p, depth + 1);
	if (!str_ends(path, S(".html")))
		return OK;
	return load_file(l, path.p);
}

static enum err
load_folder(struct loader *l, const char *dir, unsigned depth)
{
	if (depth > FOLDERS_MAX)
		return error_set(l->e, ERR_CONFIG,
		    "%s: folders nest deeper than %d", dir, FOLDERS_MAX);
	DIR *d = opendir(dir);
	if (!d)
		return io_error(l->e, dir);
	enum err err = OK;
	while (!err) {
		errno = 0;
		const struct dirent *entry = readdir(d);
		if (!entry && errno)
			err = io_error(l->e, dir);
		if (!entry)
			break;
		err = load_entry(l, dir, entry->d_name, depth);
	}
	(void)closedir(d); /* only read from */
	return err;
}

enum err
tmpl_set_load(const char *dir, struct tmpl_set **ret, struct error *e)
{
	struct tmpl_set *set;
	enum err err = tmpl_set_new(&set, e);
	if (err)
		return err;
	struct loader l = { .set = set, .skip = strlen(dir) + 1, .e = e };
	arena_init(&l.scratch, TMPL_SET_BYTES_MAX);
	err = load_folder(&l, dir, 0);
	arena_fini(&l.scratch);
	if (!err && set->n == 0)
		err = error_set(e, ERR_CONFIG, "%s: no templates", dir);
	if (err) {
		tmpl_set_unref(set);
		return err;
	}
	*ret = set;
	return OK;
}
