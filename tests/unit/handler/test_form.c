/* SPDX-License-Identifier: MIT */
/* Forms and the API's bodies: what is shown, what is sent, what is refused. */
#include "support/cmocka_tg.h"

#include <stdlib.h>

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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
