/* SPDX-License-Identifier: MIT */
/*
 * A safetensors file: as it is, and the input as a header before as many bytes
 * of data as its first two bytes say. What is accepted fills the data without
 * a gap, and none of it lies outside.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>

#include "gpt2/safetensors.h"

static void
check_tensor(const struct safetensors *st, size_t i, struct str file)
{
	const struct safetensors_tensor *t = &st->tensors[i];
	const char *data = t->data;
	uint64_t n = 1;

	ASSERT(t->n_dims <= SAFETENSORS_DIMS_MAX);
	for (uint32_t d = 0; d < t->n_dims; d++)
		n *= t->dims[d];
	ASSERT(n == t->n);
	if (t->dtype == SAFETENSORS_F32)
		ASSERT(t->n_bytes == 4 * n);
	else if (t->dtype != SAFETENSORS_OTHER)
		ASSERT(t->n_bytes == 2 * n);
	else
		ASSERT(t->n_bytes >= n);
	ASSERT(data >= file.p && data + t->n_bytes <= file.p + file.n);
	/* read what it says it has */
	for (uint64_t at = 0; at < t->n_bytes; at++)
		ASSERT(data[at] == file.p[(size_t)(data - file.p) + at]);
	ASSERT(safetensors_find(st, t->name) == t);
	if (i > 0)
		ASSERT(t->begin ==
		       st->tensors[i - 1].begin + st->tensors[i - 1].n_bytes);
	else
		ASSERT(t->begin == 0);
}

static void
check(struct str file)
{
	struct safetensors st;
	struct error e;
	enum err err = safetensors_from_bytes(file, &st, &e);

	ASSERT(err == OK || err == ERR_CONFIG || err == ERR_NO_MEMORY);
	if (err) {
		ASSERT(e.internal[0] != '\0');
		return;
	}
	ASSERT(st.n_tensors <= SAFETENSORS_TENSORS_MAX && !st.map);
	for (size_t i = 0; i < st.n_tensors; i++)
		check_tensor(&st, i, file);
	safetensors_close(&st);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t n_data, n_file;
	char *file;

	check(str_make((const char *)p, n));
	if (n < 2)
		return 0;
	n_data = (size_t)p[0] | (size_t)p[1] << 8;
	n -= 2;
	n_file = 8 + n + n_data;
	file = calloc(1, n_file);
	ASSERT(file);
	for (unsigned i = 0; i < 8; i++)
		file[i] = (char)((uint64_t)n >> (8 * i));
	memcpy(file + 8, p + 2, n);
	check(str_make(file, n_file));
	free(file);
	return 0;
}
