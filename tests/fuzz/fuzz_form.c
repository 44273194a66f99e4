/* SPDX-License-Identifier: MIT */
/* Query strings and forms: what is read is UTF-8 without NUL, and written
 * again as a link it reads the same. */
#include "fuzz/fuzz.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/cidr.h"
#include "http/form.h"
#include "http/param.h"
#include "http/url.h"

#define OUT_MAX MIB(1)

static const struct param_spec spec[] = {
	{ "n", PARAM_U64, 1, 100, NULL, false },
	{ "t", PARAM_TEXT, 1, 20, NULL, false },
	{ "at", PARAM_TIME, 0, 0, NULL, false },
	{ "by", PARAM_ENUM, 0, 0, "day|model", false },
	{ "on", PARAM_BOOL, 0, 0, NULL, true },
};

/* Write a value as a link's argument and read it again. */
static void
check_round_trip(struct arena *a, struct str value)
{
	struct str text, back;
	struct error e;
	struct buf b;
	struct url u;

	buf_init(&b, a, OUT_MAX);
	url_begin(&u, &b, S(""), "/x");
	url_arg(&u, "v", value);
	ASSERT(buf_finish(&b, &text, &e) == OK);
	ASSERT(str_find(text, '\n') == text.n);
	ASSERT(form_get(a, str_skip(text, 3), "v", &back, &e) == OK);
	ASSERT(str_eq(back, value));
}

static void
check_pairs(struct arena *a, struct str text)
{
	struct str name, value;
	struct error e;
	struct form f;
	bool more = true;

	form_init(&f, a, text);
	while (form_next(&f, &more, &name, &value, &e) == OK && more) {
		ASSERT(str_is_utf8(name) && str_is_utf8(value));
		ASSERT(str_find(value, '\0') == value.n);
		check_round_trip(a, value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make((const char *)p, n);
	struct param_value values[ARRAY_LEN(spec)];
	struct cidr_list list;
	struct arena a;
	struct error e;

	arena_init(&a, MIB(16));
	check_pairs(&a, text);
	if (param_parse(&a, spec, ARRAY_LEN(spec), text, values, &e) == OK) {
		ASSERT(!values[0].is_set ||
		       (values[0].u64 >= 1 && values[0].u64 <= 100));
		ASSERT(!values[3].is_set || values[3].u64 < 2);
		ASSERT(values[4].is_set && values[4].u64 < 2);
	}
	if (cidr_list_parse(&a, text, &list, &e) == OK)
		for (size_t i = 0; i < list.n; i++)
			ASSERT(cidr_contains(&list.v[i], &list.v[i].addr));
	if (url_is_local_path(text))
		ASSERT(text.p[0] == '/' && (text.n < 2 || text.p[1] != '/'));
	arena_fini(&a);
	return 0;
}
