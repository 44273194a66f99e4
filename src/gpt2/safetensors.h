/* SPDX-License-Identifier: MIT */
/*
 * The safetensors format: a JSON header that says where each tensor's bytes
 * are. A file is mapped, never copied, and nothing in it is believed.
 * Source: github.com/huggingface/safetensors, "Format" (read 2026-11).
 */
#ifndef TG_GPT2_SAFETENSORS_H
#define TG_GPT2_SAFETENSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define SAFETENSORS_DIMS_MAX    8
#define SAFETENSORS_TENSORS_MAX 65536
#define SAFETENSORS_HEADER_MAX  MIB(100) /* the format's own limit */

/* Those that are told apart; `OTHER` has a known size and isn't read. */
enum safetensors_dtype {
	SAFETENSORS_F32,
	SAFETENSORS_F16,
	SAFETENSORS_BF16,
	SAFETENSORS_OTHER,
};

struct safetensors_tensor {
	struct str name; /* as in the file, escapes and all */
	enum safetensors_dtype dtype;
	uint32_t n_dims; /* 0 = one number */
	uint64_t dims[SAFETENSORS_DIMS_MAX];
	uint64_t n;       /* elements */
	uint64_t begin;   /* in the data, bytes */
	uint64_t n_bytes; /* n times the element's size */
	const void *data; /* row-major, little-endian, any alignment */
};

struct safetensors {
	struct safetensors_tensor *tensors; /* by place in the file */
	size_t n_tensors;
	struct arena arena; /* holds them */
	void *map;          /* NULL = somebody else's memory */
	size_t map_bytes;
};

/**
 * Map the file at path and check its header: well-formed JSON, names that
 * differ, known types, sizes that fit the shapes, and data that the tensors
 * fill without a gap or an overlap. Whoever replaces the file while it is
 * mapped must rename another over it.
 * Errors: ERR_NOT_FOUND; ERR_CONFIG with the reason; ERR_IO; ERR_NO_MEMORY.
 * Memory: safetensors_close().
 */
enum err safetensors_open(const char *path, struct safetensors *ret,
    struct error *e) ATTR_MUST_CHECK;
/** The same of bytes in memory, which must stay. */
enum err safetensors_from_bytes(struct str file, struct safetensors *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Fine on a zeroed struct. */
void safetensors_close(struct safetensors *st);

/** NULL = there is none of that name. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *st,
    struct str name);

#endif
