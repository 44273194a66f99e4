/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/journal.h"
#include "unit/journal/rig.h"

/* What the command prints; freed by the caller. */
static char *
output(struct rig *r, const struct journal_show *o, enum err expected)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	enum err err;

	assert_non_null(out);
	err = admin_journal_show(o, out, &r->e);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(err, expected);
	return text;
}

static unsigned
n_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void
show__no_option__is_a_line_a_series(void **state)
{
	struct rig *r = *state;
	struct journal_show o = { .dir = r->dir };
	char *text;

	rig_begin(r);
	rig_requests(r, 1, 3);
	text = output(r, &o, OK);

	assert_int_equal(n_lines(text), 1);
	assert_non_null(strstr(text, " worker=living "));
	assert_non_null(strstr(text, " opens=3 settles=3 refusals=0 "));
	free(text);
}

static void
show__request__is_its_records(void **state)
{
	struct rig *r = *state;
	struct uuid7 id = rig_id(2);
	char id_text[UUID7_TEXT_BYTES];
	struct journal_show o = { .dir = r->dir };
	char *text;

	rig_begin(r);
	rig_requests(r, 1, 3);
	rig_crash(r);
	uuid7_format(&id, id_text);
	o.request = str_from(id_text);
	text = output(r, &o, OK);

	assert_int_equal(n_lines(text), 2);
	assert_non_null(strstr(text, " type=open "));
	assert_non_null(strstr(text, " model_requested=\"gpt2-mini\" "));
	assert_non_null(strstr(text, " type=settle "));
	assert_non_null(strstr(text, " token_out_count=5 "));
	assert_non_null(strstr(text, " cost_in_usd=0.000001234567 "));
	free(text);
}

static void
show__json__is_one_array_an_object_a_line(void **state)
{
	struct rig *r = *state;
	struct journal_show o = { .dir = r->dir,
		.is_json = true,
		.has_records = true };
	char *text;

	rig_begin(r);
	rig_requests(r, 1, 2);
	text = output(r, &o, OK);

	assert_int_equal(n_lines(text), 6);
	assert_int_equal(strncmp(text, "[\n{\"series\":\"", 13), 0);
	assert_string_equal(text + strlen(text) - 4, "}\n]\n");
	assert_non_null(strstr(text, "\"cost_in_usd\":0.000001234567,"));
	free(text);
}

static void
show__unknown_request__is_not_found(void **state)
{
	struct rig *r = *state;
	struct journal_show o = { .dir = r->dir,
		.request = S("00000000-0000-0000-0000-0000000000ff") };

	rig_begin(r);
	rig_requests(r, 1, 2);

	free(output(r, &o, ERR_NOT_FOUND));
	o.request = S("nonsense");
	free(output(r, &o, ERR_BAD_PARAM));
}

#define TEST(name) \
 cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(show__no_option__is_a_line_a_series),
		TEST(show__request__is_its_records),
		TEST(show__json__is_one_array_an_object_a_line),
		TEST(show__unknown_request__is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
