/* SPDX-License-Identifier: MIT */
/* Forms and the API's bodies: what is shown, what is sent, what is refused. */
#include "support/cmocka_tg.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "handler/web/form.h"

static const char *const kinds[] = { "hard|refuse", "soft|notify", NULL };
static const char *const scopes[] = { "infer|Infer", "usage:read|Read usage",
	"manage|Manage", NULL };

static const struct form_field fields[] = {
	{ .name = "name",
	    .label = "Name",
	    .control = FORM_TEXT,
	    .flags = FORM_NEEDED },
	{ .name = "email",
	    .label = "E-mail",
	    .control = FORM_EMAIL,
	    .flags = FORM_NEW },
	{ .name = "is_active",
	    .label = "Active",
	    .control = FORM_CHECK,
	    .flags = FORM_EDIT },
	{ .name = "expires_at",
	    .label = "Expires",
	    .control = FORM_TIME,
	    .flags = FORM_NULL },
	{ .name = "scopes",
	    .label = "Scopes",
	    .control = FORM_CHECKS,
	    .options = scopes },
	{ .name = "models",
	    .label = "Models",
	    .control = FORM_LINES,
	    .flags = FORM_NULL },
	{ .name = "project_id",
	    .label = "Project",
	    .control = FORM_SELECT,
	    .flags = FORM_NULL | FORM_NUMBERS },
	{ .name = "budget/amount_usd",
	    .label = "Amount",
	    .control = FORM_NUMBER,
	    .flags = FORM_GROUP },
	{ .name = "budget/kind",
	    .label = "Kind",
	    .control = FORM_SELECT,
	    .options = kinds },
	{ .name = "budget/notify_at_percent",
	    .label = "Notices",
	    .control = FORM_COMMAS },
	{ .name = "rate_limits/key.requests.minute",
	    .label = "A minute",
	    .control = FORM_NUMBER,
	    .flags = FORM_NULL },
	{ .name = "rate_limits/key.requests.day",
	    .label = "A day",
	    .control = FORM_NUMBER,
	    .flags = FORM_NULL },
};

#define ROW                                                            \
 "{\"name\":\"alpha\",\"is_active\":true,\"expires_at\":"              \
 "\"2027-01-31T23:59:30Z\",\"scopes\":[\"infer\",\"manage\"],"         \
 "\"models\":[\"a\",\"b\"],\"project_id\":7,\"budget\":{"              \
 "\"amount_usd\":10.5,\"kind\":\"soft\",\"notify_at_percent\":[50,90]" \
 ",\"spent_usd\":1},\"rate_limits\":{\"key.requests.minute\":60}}"

struct rig {
	struct arena a;
	struct error e;
	struct web_form f, shown;
};

static int
set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	arena_init(&r->a, MIB(8));
	*state = r;
	return 0;
}

static int
tear_down(void **state)
{
	struct rig *r = *state;

	arena_fini(&r->a);
	free(r);
	return 0;
}

static void
begin(struct rig *r, bool is_new)
{
	assert_ok(web_form_init(&r->f, fields, ARRAY_LEN(fields), is_new, &r->a,
	    &r->e));
	assert_ok(web_form_init(&r->shown, fields, ARRAY_LEN(fields), is_new,
	    &r->a, &r->e));
}

static void
assert_body(struct rig *r, bool is_new, const char *sent, const char *wanted)
{
	struct str body;

	begin(r, is_new);
	if (!is_new)
		assert_ok(web_form_fill(&r->shown, S(ROW), &r->a, &r->e));
	assert_ok(web_form_read(&r->f, str_from(sent), &r->a, &r->e));
	assert_ok(web_form_body(&r->f, is_new ? NULL : &r->shown, S(""), &r->a,
	    &body, &r->e));
	assert_str_is(body, wanted);
}

static void
assert_refused(struct rig *r, const char *sent, const char *param)
{
	struct str body;
	enum err err;

	begin(r, true);
	error_clear(&r->e);
	err = web_form_read(&r->f, str_from(sent), &r->a, &r->e);
	if (!err)
		err = web_form_body(&r->f, NULL, S(""), &r->a, &body, &r->e);
	assert_int_equal(err, ERR_BAD_PARAM);
	assert_string_equal(r->e.param, param);
}

/* What a browser sends of the form that shows ROW. */
#define SENT                                                        \
 "csrf=x&etag=%22abc%22&name=alpha&is_active=true&expires_at="      \
 "2027-01-31T23%3A59&scopes=infer&scopes=manage&models=a%0D%0Ab"    \
 "&project_id=7&budget%2Famount_usd=10.5&budget%2Fkind=soft"        \
 "&budget%2Fnotify_at_percent=50%2C+90"                             \
 "&rate_limits%2Fkey.requests.minute=60&rate_limits%2Fkey.requests" \
 ".day="

static void
fill__every_kind__is_what_people_type(void **state)
{
	struct rig *r = *state;

	begin(r, false);
	assert_ok(web_form_fill(&r->f, S(ROW), &r->a, &r->e));
	assert_str_is(r->f.text[0], "alpha");
	assert_str_is(r->f.text[2], "true");
	assert_str_is(r->f.text[3], "2027-01-31T23:59");
	assert_str_is(r->f.text[4], "infer\nmanage");
	assert_str_is(r->f.text[5], "a\nb");
	assert_str_is(r->f.text[6], "7");
	assert_str_is(r->f.text[7], "10.5");
	assert_str_is(r->f.text[8], "soft");
	assert_str_is(r->f.text[9], "50, 90");
	assert_str_is(r->f.text[10], "60");
	assert_str_is(r->f.text[11], "");
}

static void
body__nothing_changed__is_empty(void **state)
{
	struct rig *r = *state;

	assert_body(r, false, SENT, "{}");
	assert_str_is(r->f.etag, "\"abc\"");
}

static void
body__one_member_changed__is_that_one(void **state)
{
	assert_body(*state, false,
	    "name=beta&is_active=true&expires_at=2027-01-31T23:59"
	    "&scopes=infer&scopes=manage&models=a%0Ab&project_id=7"
	    "&budget/amount_usd=10.5&budget/kind=soft"
	    "&budget/notify_at_percent=50, 90"
	    "&rate_limits/key.requests.minute=60",
	    "{\"name\":\"beta\"}");
}

static void
body__of_a_change__boxes_nulls_and_groups(void **state)
{
	assert_body(*state, false,
	    "name=alpha&scopes=usage:read&budget/amount_usd=20"
	    "&budget/kind=soft&budget/notify_at_percent="
	    "&rate_limits/key.requests.day=0900",
	    "{\"is_active\":false,\"expires_at\":null,"
	    "\"scopes\":[\"usage:read\"],\"models\":null,\"project_id\":null,"
	    "\"budget\":{\"amount_usd\":20,\"kind\":\"soft\"},"
	    "\"rate_limits\":{\"key.requests.minute\":null,"
	    "\"key.requests.day\":900}}");
}

static void
body__group_emptied__is_null(void **state)
{
	assert_body(*state, false,
	    "name=alpha&is_active=true&expires_at=2027-01-31T23:59"
	    "&scopes=infer&scopes=manage&models=a%0Ab&project_id=7"
	    "&budget/amount_usd=&budget/kind=hard"
	    "&rate_limits/key.requests.minute=60",
	    "{\"budget\":null}");
}

static void
body__of_a_new_thing__has_what_says_something(void **state)
{
	assert_body(*state, true,
	    "name=+alpha+&email=a%40example.org&expires_at=&models="
	    "&project_id=&budget/amount_usd=&budget/kind=hard"
	    "&rate_limits/key.requests.minute=",
	    "{\"name\":\"alpha\",\"email\":\"a@example.org\"}");
	assert_body(*state, true,
	    "name=%22%5C&budget/amount_usd=5"
	    "&budget/kind=hard"
	    "&budget/notify_at_percent=80,,90",
	    "{\"name\":\"\\\"\\\\\",\"budget\":{\"amount_usd\":5,"
	    "\"kind\":\"hard\",\"notify_at_percent\":[80,90]}}");
}

static void
body__what_is_no_number_or_time__is_refused_by_name(void **state)
{
	assert_refused(*state, "budget/amount_usd=ten", "budget/amount_usd");
	assert_refused(*state, "budget/amount_usd=1e3", "budget/amount_usd");
	assert_refused(*state, "budget/amount_usd=-1", "budget/amount_usd");
	assert_refused(*state, "budget/amount_usd=1.", "budget/amount_usd");
	assert_refused(*state, "budget/amount_usd=.5", "budget/amount_usd");
	assert_refused(*state, "budget/amount_usd=1}", "budget/amount_usd");
	assert_refused(*state, "project_id=x", "project_id");
	assert_refused(*state, "expires_at=soon", "expires_at");
	assert_refused(*state, "expires_at=2027-13-01T00:00", "expires_at");
}

/* S9: what the form does not have cannot be sent by it. */
static void
read__a_field_that_is_not_there__is_refused(void **state)
{
	assert_refused(*state, "name=a&role=operator", "");
	assert_refused(*state, "name=a&is_active=true", "");
	assert_refused(*state, "name=a&customer_id=9", "");
}

/* A form that was shown with it may still be open. */
static void
read__a_field_that_was_left_out_since__may_be_empty_alone(void **state)
{
	struct rig *r = *state;

	begin(r, true);
	web_form_leave_out(&r->f, "project_id");
	assert_ok(web_form_read(&r->f, S("name=a&project_id="), &r->a, &r->e));
	assert_int_equal(web_form_read(&r->f, S("name=a&project_id=7"), &r->a,
			     &r->e),
	    ERR_BAD_PARAM);
}

/* Groups: the last two of these fold away. */
static const struct form_field folded[] = {
	{ .name = "name", .label = "Name", .control = FORM_TEXT },
	{ .name = "a",
	    .label = "A",
	    .control = FORM_NUMBER,
	    .flags = FORM_FOLD,
	    .legend = "First" },
	{ .name = "b", .label = "B", .control = FORM_NUMBER },
	{ .name = "c",
	    .label = "C",
	    .control = FORM_NUMBER,
	    .flags = FORM_FOLD,
	    .legend = "Second" },
	{ .name = "d", .label = "D", .control = FORM_NUMBER },
};

/* "(1+" folds and is open, "(2-" is closed; ")" ends what was before. */
static void
assert_folds(struct rig *r, const char *sent, const struct error *refused,
    const char *wanted)
{
	struct tval *o = tval_object(&r->a);
	const struct tval *list;
	struct buf b;

	assert_ok(web_form_init(&r->f, folded, ARRAY_LEN(folded), true, &r->a,
	    &r->e));
	assert_ok(web_form_read(&r->f, str_from(sent), &r->a, &r->e));
	web_form_view(o, &r->f, refused);
	buf_init(&b, &r->a, KIB(1));
	list = tval_get(o, S("fields"));
	for (const struct tval_item *i = list->first; i; i = i->next) {
		if (tval_is_true(tval_get(i->value, S("closes"))))
			buf_add_char(&b, ')');
		if (tval_is_true(tval_get(i->value, S("folds"))))
			buf_add(&b,
			    tval_is_true(tval_get(i->value, S("is_open")))
				? S("(+")
				: S("(-"));
		buf_add(&b, tval_get(i->value, S("name"))->text);
	}
	if (tval_is_true(tval_get(o, S("ends_fold"))))
		buf_add_char(&b, ')');
	assert_str_is(buf_str(&b), wanted);
}

static void
view__groups_that_fold__are_open_where_something_is_said(void **state)
{
	struct rig *r = *state;
	struct error refused = { .code = ERR_BAD_PARAM, .param = "d" };

	assert_folds(r, "name=x", NULL, "name(-ab)(-cd)");
	assert_folds(r, "b=1", NULL, "name(+ab)(-cd)");
	assert_folds(r, "name=x", &refused, "name(-ab)(+cd)");
}

/* A project that is archived is not offered, and is not lost by a change. */
static void
fill__value_without_an_option__becomes_one(void **state)
{
	struct rig *r = *state;
	struct form_option options[] = { { S(""), S("none") },
		{ S("1"), S("One") } };
	struct str body;

	begin(r, false);
	web_form_set_options(&r->f, "project_id", options, 2);
	web_form_set_options(&r->shown, "project_id", options, 2);
	assert_ok(web_form_fill(&r->f, S(ROW), &r->a, &r->e));
	assert_ok(web_form_fill(&r->shown, S(ROW), &r->a, &r->e));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(fields[i].name, "project_id") == 0) {
			assert_int_equal(r->f.n_options[i], 3);
			assert_str_is(r->f.options[i][2].value, "7");
		}
	assert_ok(web_form_body(&r->f, &r->shown, S(""), &r->a, &body, &r->e));
	assert_str_is(body, "{}");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(fill__every_kind__is_what_people_type),
		T(body__nothing_changed__is_empty),
		T(body__one_member_changed__is_that_one),
		T(body__of_a_change__boxes_nulls_and_groups),
		T(body__group_emptied__is_null),
		T(body__of_a_new_thing__has_what_says_something),
		T(body__what_is_no_number_or_time__is_refused_by_name),
		T(read__a_field_that_is_not_there__is_refused),
		T(read__a_field_that_was_left_out_since__may_be_empty_alone),
		T(view__groups_that_fold__are_open_where_something_is_said),
		T(fill__value_without_an_option__becomes_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
