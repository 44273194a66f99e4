/* SPDX-License-Identifier: MIT */
/*
 * The Mustache specification's own cases, when its JSON files lie beside the
 * checkout (TG_MUSTACHE_SPEC, or ../shared/data/mustache-spec). They are not
 * part of this project; test_tmpl.c is.
 */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>

#include <json.h>

#include "http/tmpl.h"

static const struct {
	const char *file;
	size_t n_cases;
} files[] = {
	{ "comments.json", 12 },
	{ "delimiters.json", 14 },
	{ "interpolation.json", 42 },
	{ "inverted.json", 22 },
	{ "partials.json", 12 },
	{ "sections.json", 34 },
	{ "~dynamic-names.json", 21 },
};

static char spec_dir[4096];

static struct tval *
value_from(struct arena *a, struct json_object *j)
{
	struct tval *list = tval_list(a);
	switch (json_object_get_type(j)) {
	case json_type_object: {
		struct tval *object = tval_object(a);
		struct json_object_iterator i = json_object_iter_begin(j);
		struct json_object_iterator end = json_object_iter_end(j);
		for (; !json_object_iter_equal(&i, &end);
		     json_object_iter_next(&i))
			tval_set(object, json_object_iter_peek_name(&i),
			    value_from(a, json_object_iter_peek_value(&i)));
		return object;
	}
	case json_type_array:
		for (size_t i = 0; i < json_object_array_length(j); i++)
			tval_push(list,
			    value_from(a, json_object_array_get_idx(j, i)));
		return list;
	case json_type_boolean: {
		struct tval *o = tval_object(a);
		tval_set_bool(o, "v", json_object_get_boolean(j));
		return o->first->value;
	}
	case json_type_null: {
		struct tval *v = tval_list(a);
		v->kind = TVAL_NULL;
		return v;
	}
	case json_type_string:
	case json_type_int:
	case json_type_double:
		tval_push_text(list, str_from(json_object_get_string(j)));
		return list->first->value;
	}
	return NULL;
}

static const char *
member_text(struct json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
}

static void
add_partials(struct tmpl_set *set, struct json_object *partials)
{
	if (!partials)
		return;
	struct error e = { 0 };
	struct json_object_iterator i = json_object_iter_begin(partials);
	struct json_object_iterator end = json_object_iter_end(partials);
	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
		struct json_object *text = json_object_iter_peek_value(&i);
		assert_ok(
		    tmpl_set_add(set, str_from(json_object_iter_peek_name(&i)),
			str_from(json_object_get_string(text)), &e));
	}
}

static void
run_case(const char *file, struct json_object *c)
{
	struct error e = { 0 };
	struct arena a;
	arena_init(&a, MIB(4));
	struct tmpl_set *set;
	assert_ok(tmpl_set_new(&set, &e));
	assert_ok(tmpl_set_add(set, S("the template"),
	    str_from(member_text(c, "template")), &e));
	add_partials(set, json_object_object_get(c, "partials"));

	struct buf b;
	buf_init(&b, &a, MIB(1));
	struct tval *root = value_from(&a, json_object_object_get(c, "data"));
	assert_ok(tmpl_render(set, S("the template"), root, &b, &e));
	struct str got;
	assert_ok(buf_finish(&b, &got, &e));

	const char *expected = member_text(c, "expected");
	if (!str_eq(got, str_from(expected)))
		fail_msg("%s, %s: expected \"%s\", got \"%" PRI_STR "\"", file,
		    member_text(c, "name"), expected, STR_ARG(got));
	tmpl_set_unref(set);
	arena_fini(&a);
}

static void
run_file(const char *file, size_t n_cases)
{
	char path[4200];
	(void)snprintf(path, sizeof(path), "%s/%s", spec_dir, file);
	struct json_object *root = json_object_from_file(path);
	assert_non_null(root);
	struct json_object *cases = json_object_object_get(root, "tests");
	assert_int_equal(json_object_array_length(cases), n_cases);
	for (size_t i = 0; i < n_cases; i++)
		run_case(file, json_object_array_get_idx(cases, i));
	json_object_put(root);
}

static void
tmpl__specification__all_cases_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		run_file(files[i].file, files[i].n_cases);
}

int
main(void)
{
	const char *dir = getenv("TG_MUSTACHE_SPEC");
	const char *src = getenv("TG_SRCDIR");
	if (dir)
		(void)snprintf(spec_dir, sizeof(spec_dir), "%s", dir);
	else
		(void)snprintf(spec_dir, sizeof(spec_dir),
		    "%s/../shared/data/mustache-spec", src ? src : ".");
	char path[4200];
	(void)snprintf(path, sizeof(path), "%s/sections.json", spec_dir);
	FILE *f = fopen(path, "r");
	if (!f) {
		puts("1..0 # SKIP no Mustache specification beside us");
		return 0;
	}
	fclose(f);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tmpl__specification__all_cases_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
