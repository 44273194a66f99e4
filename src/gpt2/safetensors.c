/* SPDX-License-Identifier: MIT */
/* The header is scanned where it stands; only the table is allocated. */
#include "gpt2/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_scan.h"

#define LENGTH_BYTES 8

struct dtype_name {
	struct str name;
	enum safetensors_dtype dtype;
	unsigned n_bytes;
};

static const struct dtype_name dtype_names[] = {
	{ STR_INIT("F32"), SAFETENSORS_F32, 4 },
	{ STR_INIT("F16"), SAFETENSORS_F16, 2 },
	{ STR_INIT("BF16"), SAFETENSORS_BF16, 2 },
	{ STR_INIT("F64"), SAFETENSORS_OTHER, 8 },
	{ STR_INIT("I64"), SAFETENSORS_OTHER, 8 },
	{ STR_INIT("U64"), SAFETENSORS_OTHER, 8 },
	{ STR_INIT("I32"), SAFETENSORS_OTHER, 4 },
	{ STR_INIT("U32"), SAFETENSORS_OTHER, 4 },
	{ STR_INIT("I16"), SAFETENSORS_OTHER, 2 },
	{ STR_INIT("U16"), SAFETENSORS_OTHER, 2 },
	{ STR_INIT("I8"), SAFETENSORS_OTHER, 1 },
	{ STR_INIT("U8"), SAFETENSORS_OTHER, 1 },
	{ STR_INIT("BOOL"), SAFETENSORS_OTHER, 1 },
	{ STR_INIT("F8_E4M3"), SAFETENSORS_OTHER, 1 },
	{ STR_INIT("F8_E5M2"), SAFETENSORS_OTHER, 1 },
};

/* What is wrong with a tensor, its name cut to what a line can hold. */
static enum err
bad_tensor(const struct safetensors_tensor *t, const char *why, struct error *e)
{
	int n = t->name.n < 80 ? (int)t->name.n : 80;

	return error_set(e, ERR_CONFIG, "tensor \"%.*s\": %s", n, t->name.p,
	    why);
}

static const struct dtype_name *
dtype_find(const struct json_member *m)
{
	for (size_t i = 0; i < ARRAY_LEN(dtype_names); i++) {
		struct str name = dtype_names[i].name;

		/* the value has its quotes */
		if (m->kind == JSON_STRING && m->value.n == name.n + 2 &&
		    memcmp(m->value.p + 1, name.p, name.n) == 0)
			return &dtype_names[i];
	}
	return NULL;
}

/* Numbers of an array into ret[0..max); false = it is not one of those. */
static bool
read_numbers(const struct json_member *array, uint64_t *ret, size_t max,
    size_t *ret_n)
{
	struct json_walk walk;
	struct json_member m;
	size_t n = 0;

	if (array->kind != JSON_ARRAY)
		return false;
	json_walk_init(&walk, array->value);
	while (json_walk_next(&walk, &m)) {
		if (n == max || m.kind != JSON_NUMBER ||
		    !str_to_u64(m.value, 0, INT64_MAX, &ret[n]))
			return false;
		n++;
	}
	*ret_n = n;
	return true;
}

static enum err
read_shape(struct safetensors_tensor *t, const struct json_member *shape,
    struct error *e)
{
	size_t n_dims;

	if (!read_numbers(shape, t->dims, SAFETENSORS_DIMS_MAX, &n_dims))
		return bad_tensor(t, "its shape is no short list of sizes", e);
	t->n_dims = (uint32_t)n_dims;
	t->n = 1;
	for (size_t i = 0; i < n_dims; i++) {
		if (__builtin_mul_overflow(t->n, t->dims[i], &t->n))
			return bad_tensor(t, "its shape is too large", e);
	}
	return OK;
}

static enum err
read_tensor(struct safetensors_tensor *t, const struct json_member *m,
    struct str data, struct error *e)
{
	struct json_member dtype, shape, place;
	const struct dtype_name *kind;
	uint64_t ends[2], n_bytes;
	size_t n_ends;
	enum err err;

	t->name = m->name;
	if (m->kind != JSON_OBJECT ||
	    !json_walk_find(m->value, S("dtype"), &dtype) ||
	    !json_walk_find(m->value, S("shape"), &shape) ||
	    !json_walk_find(m->value, S("data_offsets"), &place))
		return bad_tensor(t, "dtype, shape or data_offsets is missing",
		    e);
	kind = dtype_find(&dtype);
	if (!kind)
		return bad_tensor(t, "its dtype is not known", e);
	t->dtype = kind->dtype;
	err = read_shape(t, &shape, e);
	if (err)
		return err;
	if (!read_numbers(&place, ends, 2, &n_ends) || n_ends != 2 ||
	    ends[0] > ends[1] || ends[1] > data.n)
		return bad_tensor(t, "data_offsets are outside of the file", e);
	if (__builtin_mul_overflow(t->n, (uint64_t)kind->n_bytes, &n_bytes) ||
	    n_bytes != ends[1] - ends[0])
		return bad_tensor(t, "shape and data_offsets disagree", e);
	t->begin = ends[0];
	t->n_bytes = n_bytes;
	t->data = data.p + ends[0];
	return OK;
}

static int
by_name(const void *left, const void *right)
{
	const struct safetensors_tensor *a = left, *b = right;
	size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
	int order = n ? memcmp(a->name.p, b->name.p, n) : 0;

	if (order != 0)
		return order;
	return a->name.n < b->name.n ? -1 : a->name.n > b->name.n;
}

/* By sorting: a hostile header has more names than can be compared each with
 * each. */
static bool
has_repeated_name(struct safetensors *st)
{
	qsort(st->tensors, st->n_tensors, sizeof(*st->tensors), by_name);
	for (size_t i = 1; i < st->n_tensors; i++) {
		if (str_eq(st->tensors[i - 1].name, st->tensors[i].name))
			return true;
	}
	return false;
}

static int
by_place(const void *left, const void *right)
{
	const struct safetensors_tensor *a = left, *b = right;

	if (a->begin != b->begin)
		return a->begin < b->begin ? -1 : 1;
	/* empty ones before the one that begins there */
	if (a->n_bytes != b->n_bytes)
		return a->n_bytes < b->n_bytes ? -1 : 1;
	return by_name(a, b);
}

/* Sorted, each begins where the one before it ends, and the last ends the
 * file: so none overlaps and no byte is hidden. */
static enum err
check_places(const struct safetensors *st, struct str data, struct error *e)
{
	uint64_t end = 0;

	for (size_t i = 0; i < st->n_tensors; i++) {
		const struct safetensors_tensor *t = &st->tensors[i];

		if (t->begin < end)
			return bad_tensor(t, "it overlaps another", e);
		if (t->begin > end)
			return bad_tensor(t, "there is a gap before it", e);
		end += t->n_bytes;
	}
	if (end != data.n)
		return error_set(e, ERR_CONFIG,
		    "%llu bytes behind the last tensor",
		    (unsigned long long)(data.n - end));
	return OK;
}

static enum err
read_header(struct safetensors *st, struct str header, struct str data,
    struct error *e)
{
	struct json_scan scan = { .depth_max = 8 };
	size_t n, n_metadata = 0;

	if (!json_scan(&scan, header))
		return error_set(e, ERR_CONFIG, "header: %s at byte %zu",
		    scan.failure, LENGTH_BYTES + scan.failure_offset);
	if (scan.kind != JSON_OBJECT)
		return error_set(e, ERR_CONFIG, "the header is no object");
	n = scan.n_members;
	if (n > SAFETENSORS_TENSORS_MAX)
		return error_set(e, ERR_CONFIG, "more than %d tensors",
		    SAFETENSORS_TENSORS_MAX);

	scan = (struct json_scan){ .depth_max = 8, .members_cap = n };
	scan.members = arena_array(&st->arena, struct json_member, n);
	st->tensors = arena_array(&st->arena, struct safetensors_tensor, n);
	if (!scan.members || !st->tensors)
		return error_arena(e, &st->arena);
	if (!json_scan(&scan, header))
		return error_set(e, ERR_CONFIG, "header: %s", scan.failure);
	for (size_t i = 0; i < n; i++) {
		const struct json_member *m = &scan.members[i];
		enum err err;

		if (str_eq(m->name, S("__metadata__"))) {
			n_metadata++;
			continue;
		}
		err = read_tensor(&st->tensors[st->n_tensors], m, data, e);
		if (err)
			return err;
		st->n_tensors++;
	}
	if (n_metadata > 1 || has_repeated_name(st))
		return error_set(e, ERR_CONFIG, "two tensors have one name");
	qsort(st->tensors, st->n_tensors, sizeof(*st->tensors), by_place);
	return check_places(st, data, e);
}

enum err
safetensors_from_bytes(struct str file, struct safetensors *ret,
    struct error *e)
{
	struct safetensors st = { 0 };
	uint64_t n_header = 0;
	enum err err;

	if (file.n < LENGTH_BYTES)
		return error_set(e, ERR_CONFIG, "too short for safetensors");
	for (unsigned i = LENGTH_BYTES; i-- > 0;)
		n_header = n_header << 8 | (unsigned char)file.p[i];
	file = str_skip(file, LENGTH_BYTES);
	if (n_header > file.n || n_header > SAFETENSORS_HEADER_MAX)
		return error_set(e, ERR_CONFIG,
		    "a header of %llu bytes: no safetensors file, or cut off",
		    (unsigned long long)n_header);

	arena_init(&st.arena,
	    SAFETENSORS_TENSORS_MAX * (sizeof(struct json_member) +
					  sizeof(struct safetensors_tensor)) +
		KIB(64));
	err = read_header(&st, str_make(file.p, n_header),
	    str_skip(file, n_header), e);
	if (err) {
		arena_fini(&st.arena);
		return err;
	}
	*ret = st;
	return OK;
}

static enum err
map_file(int fd, const char *path, void **ret_map, size_t *ret_bytes,
    struct error *e)
{
	struct stat st;
	void *map;

	if (fstat(fd, &st) != 0)
		return error_errno(e, ERR_IO, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_CONFIG, "%s is no file", path);
	if (st.st_size < LENGTH_BYTES)
		return error_set(e, ERR_CONFIG, "%s: too short for safetensors",
		    path);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return error_errno(e, ERR_IO, "%s", path);
	*ret_map = map;
	*ret_bytes = (size_t)st.st_size;
	return OK;
}

enum err
safetensors_open(const char *path, struct safetensors *ret, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO */
	struct safetensors st;
	size_t n_bytes;
	enum err err;
	void *map;

	if (fd < 0)
		return error_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
		    "%s", path);
	err = map_file(fd, path, &map, &n_bytes, e);
	(void)close(fd); /* the mapping stays; nothing was written */
	if (err)
		return err;
	err = safetensors_from_bytes(str_make(map, n_bytes), &st, e);
	if (err) {
		(void)munmap(map, n_bytes);
		return error_prefix(e, "%s", path);
	}
	st.map = map;
	st.map_bytes = n_bytes;
	*ret = st;
	return OK;
}

void
safetensors_close(struct safetensors *st)
{
	arena_fini(&st->arena);
	if (st->map)
		(void)munmap(st->map, st->map_bytes);
	*st = (struct safetensors){ 0 };
}

const struct safetensors_tensor *
safetensors_find(const struct safetensors *st, struct str name)
{
	for (size_t i = 0; i < st->n_tensors; i++) {
		if (str_eq(st->tensors[i].name, name))
			return &st->tensors[i];
	}
	return NULL;
}
