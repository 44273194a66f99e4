/* SPDX-License-Identifier: MIT */
#include "gpt2d/vocabulary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpt2d/prompt.h"
#include "tokenizer/build.h"

#define FILE_MAX_BYTES MIB(64)

static enum err
read_all(int fd, struct arena *a, const char *path, struct str *ret,
    struct error *e)
{
	struct stat st;
	size_t n = 0;
	char *p;

	if (fstat(fd, &st) < 0)
		return error_errno(e, ERR_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_BAD_PARAM, "%s is not a file", path);
	if (st.st_size > (off_t)FILE_MAX_BYTES)
		return error_set(e, ERR_TOO_LARGE, "%s is larger than %zu MiB",
		    path, FILE_MAX_BYTES >> 20);
	p = arena_array(a, char, (size_t)st.st_size);
	if (!p)
		return error_arena(e, a);
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, p + n, (size_t)st.st_size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_errno(e, ERR_IO, "%s", path);
		n += (size_t)got;
	}
	*ret = str_make(p, n);
	return OK;
}

static enum err
read_file(const char *dir, const char *name, struct arena *a, struct str *ret,
    struct error *e)
{
	char path[PATH_MAX];
	enum err err;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return error_set(e, ERR_NOT_FOUND, "the folder's name is long");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_errno(e,
		    errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
							: ERR_IO,
		    "%s", path);
	err = read_all(fd, a, path, ret, e);
	(void)close(fd);
	return err;
}

/* In an arena of its own: building needs several times the room. */
static enum err
build(struct vocabulary *v, const char *dir, struct arena *a, struct error *e)
{
	struct tokenizer_source source = { .name = "model",
		.rule = SPLIT_GPT2 };
	struct str image;
	char *p;

	if (read_file(dir, "vocab.json", a, &source.vocab, e) ||
	    read_file(dir, "merges.txt", a, &source.merges, e) ||
	    tokenizer_build(&source, a, &image, e))
		return e->code;
	arena_init(&v->arena, image.n + KIB(64));
	p = arena_alloc(&v->arena, image.n);
	if (!p)
		return error_arena(e, &v->arena);
	memcpy(p, image.p, image.n);
	v->image = str_make(p, image.n);
	return tokenizer_from_image(v->image, &v->tokenizer, e);
}

enum err
vocabulary_init(struct vocabulary *v, const char *dir, struct error *e)
{
	struct arena a;
	enum err err;

	*v = (struct vocabulary){ .tokenizer = NULL };
	arena_init(&v->arena, KIB(64));
	arena_init(&a, TOKENIZER_BUILD_BYTES);
	err = build(v, dir, &a, e);
	arena_fini(&a);
	if (!err) {
		v->longest_token = prompt_longest_token(v->tokenizer);
		token_sizes_init(&v->sizes, v->tokenizer);
	}
	return err;
}

static bool
is_written(const struct vocabulary *v, const char *path)
{
	FILE *f = fopen(path, "rb");
	char part[KIB(4)];
	size_t at = 0, n = 0;

	if (!f)
		return false;
	while ((n = fread(part, 1, sizeof(part), f)) > 0) {
		if (n > v->image.n - at ||
		    memcmp(part, v->image.p + at, n) != 0)
			break;
		at += n;
	}
	(void)fclose(f); /* it was only read */
	return n == 0 && at == v->image.n;
}

/* Renamed when it is whole: workers may have the old one mapped. */
enum err
vocabulary_write(const struct vocabulary *v, const char *path, struct error *e)
{
	char part[PATH_MAX];
	bool is_bad;
	FILE *f;

	if (is_written(v, path))
		return OK;
	if (snprintf(part, sizeof(part), "%s.%ld.part", path, (long)getpid()) >=
	    (int)sizeof(part))
		return error_set(e, ERR_IO, "%s is a long name", path);
	f = fopen(part, "wb");
	if (!f)
		return error_errno(e, ERR_IO, "%s", part);
	is_bad = fwrite(v->image.p, 1, v->image.n, f) != v->image.n ||
		 fchmod(fileno(f), 0644) != 0;
	is_bad |= fclose(f) != 0;
	if (is_bad || rename(part, path) != 0) {
		(void)error_errno(e, ERR_IO, "%s", path);
		(void)unlink(part);
		return ERR_IO;
	}
	return OK;
}

void
vocabulary_fini(struct vocabulary *v)
{
	tokenizer_close(v->tokenizer);
	arena_fini(&v->arena);
}
