/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "gpt2/safetensors.h"
#include "support/fixture_dir.h"

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(32));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* A file of this header and n_data bytes, which are 0, 1, 2, ... */
static struct str
file_of(struct str header, size_t n_data)
{
	struct buf b;

	buf_init(&b, &arena, MIB(8));
	for (unsigned i = 0; i < 8; i++)
		buf_add_char(&b, (char)((uint64_t)header.n >> (8 * i)));
	buf_add(&b, header);
	for (size_t i = 0; i < n_data; i++)
		buf_add_char(&b, (char)i);
	return buf_str(&b);
}

static void
assert_refused(struct str file, const char *why)
{
	struct safetensors st = { 0 };
	struct error e;

	assert_int_equal(safetensors_from_bytes(file, &st, &e), ERR_CONFIG);
	assert_string_equal(e.internal, why);
	assert_int_equal(st.n_tensors, 0);
	assert_null(st.tensors);
}

#define TENSOR(name, dtype, shape, offsets)               \
 "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape \
 ",\"data_offsets\":" offsets "}"

static void
safetensors_from_bytes__good_files__have_their_tensors(void **state)
{
	struct str file =
	    file_of(S("{\"__metadata__\":{\"format\":\"pt\"}," TENSOR("late",
			"F16", "[2,3]", "[28,40]") "," TENSOR("early", "F32",
			"[7]", "[0,28]") "," TENSOR("one", "BF16", "[]",
			"[40,42]") "}  "),
		42);
	const struct safetensors_tensor *t;
	struct safetensors st;
	struct error e;

	(void)state;
	assert_ok(safetensors_from_bytes(file, &st, &e));
	assert_int_equal(st.n_tensors, 3);
	assert_str_is(st.tensors[0].name, "early");
	assert_str_is(st.tensors[1].name, "late");
	assert_str_is(st.tensors[2].name, "one");

	t = safetensors_find(&st, S("late"));
	assert_ptr_equal(t, &st.tensors[1]);
	assert_int_equal(t->dtype, SAFETENSORS_F16);
	assert_int_equal(t->n_dims, 2);
	assert_int_equal(t->dims[0], 2);
	assert_int_equal(t->dims[1], 3);
	assert_int_equal(t->n, 6);
	assert_int_equal(t->n_bytes, 12);
	assert_int_equal(*(const char *)t->data, 28);

	t = safetensors_find(&st, S("one"));
	assert_int_equal(t->dtype, SAFETENSORS_BF16);
	assert_int_equal(t->n_dims, 0);
	assert_int_equal(t->n, 1);
	assert_null(safetensors_find(&st, S("__metadata__")));
	assert_null(safetensors_find(&st, S("lat")));
	safetensors_close(&st);
	assert_int_equal(st.n_tensors, 0);
	safetensors_close(&st);
}

static void
safetensors_from_bytes__each_type__has_its_size(void **state)
{
	static const struct {
		const char *dtype;
		unsigned n_bytes;
		enum safetensors_dtype is;
	} cases[] = {
		{ "F32", 4, SAFETENSORS_F32 },
		{ "F16", 2, SAFETENSORS_F16 },
		{ "BF16", 2, SAFETENSORS_BF16 },
		{ "F64", 8, SAFETENSORS_OTHER },
		{ "I64", 8, SAFETENSORS_OTHER },
		{ "U64", 8, SAFETENSORS_OTHER },
		{ "I32", 4, SAFETENSORS_OTHER },
		{ "U32", 4, SAFETENSORS_OTHER },
		{ "I16", 2, SAFETENSORS_OTHER },
		{ "U16", 2, SAFETENSORS_OTHER },
		{ "I8", 1, SAFETENSORS_OTHER },
		{ "U8", 1, SAFETENSORS_OTHER },
		{ "BOOL", 1, SAFETENSORS_OTHER },
		{ "F8_E4M3", 1, SAFETENSORS_OTHER },
		{ "F8_E5M2", 1, SAFETENSORS_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str header = arena_printf(&arena,
		    "{\"x\":{\"dtype\":\"%s\",\"shape\":[3],"
		    "\"data_offsets\":[0,%u]}}",
		    cases[i].dtype, 3 * cases[i].n_bytes);
		struct safetensors st;
		struct error e;

		assert_ok(safetensors_from_bytes(file_of(header,
						     3 * cases[i].n_bytes),
		    &st, &e));
		assert_int_equal(st.tensors[0].dtype, cases[i].is);
		assert_int_equal(st.tensors[0].n_bytes, 3 * cases[i].n_bytes);
		safetensors_close(&st);
	}
}

static void
safetensors_from_bytes__nothing_or_empty_tensors__are_fine(void **state)
{
	struct safetensors st;
	struct error e;

	(void)state;
	assert_ok(safetensors_from_bytes(file_of(S("{}"), 0), &st, &e));
	assert_int_equal(st.n_tensors, 0);
	assert_null(safetensors_find(&st, S("")));
	safetensors_close(&st);

	assert_ok(
	    safetensors_from_bytes(file_of(S("{" TENSOR("b", "F32", "[1]",
					       "[0,4]") "," TENSOR("a", "F32",
					       "[0]", "[0,0]") "," TENSOR("c",
					       "F32", "[5,0]",
					       "[4,4]") "," TENSOR("d", "U8",
					       "[1]", "[4,5]") "}"),
				       5),
		&st, &e));
	assert_int_equal(st.n_tensors, 4);
	assert_str_is(st.tensors[0].name, "a");
	assert_str_is(st.tensors[1].name, "b");
	assert_str_is(st.tensors[2].name, "c");
	assert_int_equal(st.tensors[2].n, 0);
	safetensors_close(&st);
}

static void
safetensors_from_bytes__data_at_odd_places__is_told_as_it_is(void **state)
{
	struct str file =
	    file_of(S("{" TENSOR("byte", "U8", "[1]", "[0,1]") "," TENSOR("x",
			"F32", "[1]", "[1,5]") "}"),
		5);
	struct safetensors st;
	struct error e;

	(void)state;
	assert_ok(safetensors_from_bytes(file, &st, &e));
	assert_ptr_equal(st.tensors[1].data, file.p + file.n - 4);
	safetensors_close(&st);
}

static void
safetensors_from_bytes__a_wrong_length__is_refused(void **state)
{
	char bytes[16] = { 0 };

	(void)state;
	for (size_t n = 0; n < 8; n++)
		assert_refused(str_make(bytes, n), "too short for safetensors");
	assert_refused(str_make(bytes, 8),
	    "header: the text ends too early at byte 8");
	memcpy(bytes, "\x03\0\0\0\0\0\0\0{}", 10);
	assert_refused(str_make(bytes, 10),
	    "a header of 3 bytes: no safetensors file, or cut off");
	memset(bytes, 0xff, 8);
	assert_refused(str_make(bytes, 10),
	    "a header of 18446744073709551615 bytes: no safetensors file, "
	    "or cut off");
	/* the length and the eight bytes of it must not overflow */
	bytes[0] = (char)0xf8;
	assert_refused(str_make(bytes, 10),
	    "a header of 18446744073709551608 bytes: no safetensors file, "
	    "or cut off");
}

static void
safetensors_from_bytes__bad_headers__are_refused_with_the_reason(void **state)
{
	static const struct {
		const char *header;
		size_t n_data;
		const char *why;
	} cases[] = {
		{ "PK\3\4", 0, "header: a value is missing at byte 8" },
		{ "[]", 0, "the header is no object" },
		{ "{}x", 0, "header: something follows the value at byte 10" },
		{ "{\"a\":{\"b\":[[[[[[[1]]]]]]]}}", 0,
		    "header: nested too deeply at byte 24" },
		{ "{\"x\":1}", 0,
		    "tensor \"x\": dtype, shape or data_offsets is missing" },
		{ "{\"x\":{\"dtype\":\"F32\",\"shape\":[]}}", 0,
		    "tensor \"x\": dtype, shape or data_offsets is missing" },
		{ "{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4,
		    "tensor \"x\": dtype, shape or data_offsets is missing" },
		{ "{\"x\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
		    "tensor \"x\": dtype, shape or data_offsets is missing" },
		{ "{" TENSOR("x", "F32", "[1]", "[0,4]") "," TENSOR("y", "F32",
		      "[1]",
		      "[4,8]") "," TENSOR("x", "F32", "[1]", "[8,12]") "}",
		    12, "two tensors have one name" },
		{ "{\"__metadata__\":{},\"__metadata__\":{}}", 0,
		    "two tensors have one name" },
		{ "{" TENSOR("x", "F31", "[1]", "[0,4]") "}", 4,
		    "tensor \"x\": its dtype is not known" },
		{ "{" TENSOR("x", "F3", "[1]", "[0,4]") "}", 4,
		    "tensor \"x\": its dtype is not known" },
		{ "{\"x\":{\"dtype\":32,\"shape\":[1],"
		  "\"data_offsets\":[0,4]}}",
		    4, "tensor \"x\": its dtype is not known" },
		{ "{" TENSOR("x", "F32", "1", "[0,4]") "}", 4,
		    "tensor \"x\": its shape is no short list of sizes" },
		{ "{" TENSOR("x", "F32", "[-1]", "[0,4]") "}", 4,
		    "tensor \"x\": its shape is no short list of sizes" },
		{ "{" TENSOR("x", "F32", "[1.0]", "[0,4]") "}", 4,
		    "tensor \"x\": its shape is no short list of sizes" },
		{ "{" TENSOR("x", "F32", "[\"1\"]", "[0,4]") "}", 4,
		    "tensor \"x\": its shape is no short list of sizes" },
		{ "{" TENSOR("x", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4,
		    "tensor \"x\": its shape is no short list of sizes" },
		{ "{" TENSOR("x", "F32", "[18446744073709551616]", "[0,4]") "}",
		    4, "tensor \"x\": its shape is no short list of sizes" },
		{ "{" TENSOR("x", "F32", "[4294967296,4294967296]",
		      "[0,0]") "}",
		    0, "tensor \"x\": its shape is too large" },
		{ "{" TENSOR("x", "F32", "[4611686018427387904]", "[0,0]") "}",
		    0, "tensor \"x\": shape and data_offsets disagree" },
		{ "{" TENSOR("x", "F32", "[2]", "[0,4]") "}", 4,
		    "tensor \"x\": shape and data_offsets disagree" },
		{ "{" TENSOR("x", "F32", "[1]", "[0,8]") "}", 4,
		    "tensor \"x\": data_offsets are outside of the file" },
		{ "{" TENSOR("x", "F32", "[1]", "[8,12]") "}", 4,
		    "tensor \"x\": data_offsets are outside of the file" },
		{ "{" TENSOR("x", "F32", "[1]", "[4,0]") "}", 4,
		    "tensor \"x\": data_offsets are outside of the file" },
		{ "{" TENSOR("x", "F32", "[1]", "[0]") "}", 4,
		    "tensor \"x\": data_offsets are outside of the file" },
		{ "{" TENSOR("x", "F32", "[1]", "[0,4,4]") "}", 4,
		    "tensor \"x\": data_offsets are outside of the file" },
		{ "{" TENSOR("x", "F32", "[1]", "[-4,0]") "}", 4,
		    "tensor \"x\": data_offsets are outside of the file" },
		{ "{" TENSOR("x", "F32", "[1]", "[0,4]") "," TENSOR("y", "F32",
		      "[1]", "[2,6]") "}",
		    6, "tensor \"y\": it overlaps another" },
		{ "{" TENSOR("x", "F32", "[1]", "[0,4]") "," TENSOR("y", "F32",
		      "[1]", "[0,4]") "}",
		    4, "tensor \"y\": it overlaps another" },
		{ "{" TENSOR("x", "F32", "[2]", "[0,8]") "," TENSOR("y", "F32",
		      "[0]", "[4,4]") "}",
		    8, "tensor \"y\": it overlaps another" },
		{ "{" TENSOR("x", "F32", "[1]", "[0,4]") "," TENSOR("y", "F32",
		      "[1]", "[5,9]") "}",
		    9, "tensor \"y\": there is a gap before it" },
		{ "{" TENSOR("x", "F32", "[1]", "[1,5]") "}", 5,
		    "tensor \"x\": there is a gap before it" },
		{ "{" TENSOR("x", "F32", "[1]", "[0,4]") "}", 7,
		    "3 bytes behind the last tensor" },
		{ "{}", 1, "1 bytes behind the last tensor" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_refused(file_of(str_from(cases[i].header),
				   cases[i].n_data),
		    cases[i].why);
	}
}

static void
safetensors_from_bytes__a_long_name__is_cut_in_the_reason(void **state)
{
	char name[301] = "";
	struct safetensors st;
	struct error e;

	(void)state;
	memset(name, 'n', 300);
	assert_int_equal(safetensors_from_bytes(file_of(arena_printf(&arena,
							    "{\"%s\":1}", name),
						    0),
			     &st, &e),
	    ERR_CONFIG);
	name[80] = '\0';
	assert_non_null(strstr(e.internal, name));
	assert_non_null(strstr(e.internal, "\": dtype, shape"));
}

/* As many as there may be, and a name of theirs twice: neither takes the time
 * of comparing each with each. */
static struct str
many_tensors(unsigned n, unsigned last)
{
	struct buf b;

	buf_init(&b, &arena, MIB(8));
	buf_add(&b, S("{"));
	for (unsigned i = 0; i < n; i++)
		buf_addf(&b,
		    "%s\"%05u\":{\"dtype\":\"U8\",\"shape\":[1],"
		    "\"data_offsets\":[%u,%u]}",
		    i ? "," : "", i + 1 < n ? i : last, i, i + 1);
	buf_add(&b, S("}"));
	return file_of(buf_str(&b), n);
}

static void
safetensors_from_bytes__very_many_tensors__are_looked_through(void **state)
{
	unsigned n = SAFETENSORS_TENSORS_MAX;
	struct safetensors st;
	struct error e;

	(void)state;
	assert_ok(safetensors_from_bytes(many_tensors(n, n - 1), &st, &e));
	assert_int_equal(st.n_tensors, n);
	safetensors_close(&st);
	arena_reset(&arena);
	assert_refused(many_tensors(n, 7), "two tensors have one name");
	arena_reset(&arena);
	assert_refused(many_tensors(n + 1, n), "more than 65536 tensors");
}

static void
write_file(const char *path, struct str bytes)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

static void
safetensors_open__files__are_mapped_or_refused(void **state)
{
	struct fixture_dir dir;
	struct safetensors st;
	struct error e;
	char path[100];

	(void)state;
	fixture_dir_make(&dir);
	(void)snprintf(path, sizeof(path), "%s/x", dir.path);
	assert_int_equal(safetensors_open(path, &st, &e), ERR_NOT_FOUND);
	assert_int_equal(safetensors_open(dir.path, &st, &e), ERR_CONFIG);
	assert_non_null(strstr(e.internal, "is no file"));
	write_file(path, S("1234567"));
	assert_int_equal(safetensors_open(path, &st, &e), ERR_CONFIG);
	assert_non_null(strstr(e.internal, "too short for safetensors"));
	write_file(path, file_of(S("{}"), 1));
	assert_int_equal(safetensors_open(path, &st, &e), ERR_CONFIG);
	assert_non_null(strstr(e.internal, path));
	assert_non_null(strstr(e.internal, "1 bytes behind the last tensor"));

	write_file(path,
	    file_of(S("{" TENSOR("x", "U8", "[4]", "[0,4]") "}"), 4));
	assert_ok(safetensors_open(path, &st, &e));
	(void)unlink(path);
	assert_memory_equal(safetensors_find(&st, S("x"))->data, "\0\1\2\3", 4);
	safetensors_close(&st);
	assert_null(st.map);
	fixture_dir_remove(&dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    safetensors_from_bytes__good_files__have_their_tensors),
		cmocka_unit_test(
		    safetensors_from_bytes__each_type__has_its_size),
		cmocka_unit_test(
		    safetensors_from_bytes__nothing_or_empty_tensors__are_fine),
		cmocka_unit_test(
		    safetensors_from_bytes__data_at_odd_places__is_told_as_it_is),
		cmocka_unit_test(
		    safetensors_from_bytes__a_wrong_length__is_refused),
		cmocka_unit_test(
		    safetensors_from_bytes__bad_headers__are_refused_with_the_reason),
		cmocka_unit_test(
		    safetensors_from_bytes__a_long_name__is_cut_in_the_reason),
		cmocka_unit_test(
		    safetensors_from_bytes__very_many_tensors__are_looked_through),
		cmocka_unit_test(
		    safetensors_open__files__are_mapped_or_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
