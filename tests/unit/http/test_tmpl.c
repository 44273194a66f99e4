/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/tmpl.h"

struct fixture {
	struct arena a;
	struct tmpl_set *set;
	struct tval *root;
	struct error e;
};

/* A small shop of values that the cases below draw on. */
static struct tval *
values(struct arena *a)
{
	struct tval *root = tval_object(a);
	tval_set_text(root, "name", S("Ada & <Co> \"x\" 'y'"));
	tval_set_text(root, "empty", S(""));
	tval_set_textf(root, "count", "%d", 1234);
	tval_set_bool(root, "yes", true);
	tval_set_bool(root, "no", false);
	struct tval *keys = tval_set_list(root, "keys");
	struct tval *key = tval_push_object(keys);
	tval_set_text(key, "label", S("alpha"));
	struct tval *limits = tval_set_list(key, "limits");
	tval_push_text(limits, S("60"));
	tval_push_text(limits, S("600"));
	key = tval_push_object(keys);
	tval_set_text(key, "label", S("beta"));
	tval_set_list(key, "limits");
	tval_set_list(root, "nothing");
	struct tval *owner = tval_set_object(root, "owner");
	tval_set_text(owner, "name", S("Grace"));
	tval_set_text(tval_set_object(owner, "office"), "city", S("Bern"));
	tval_set_text(root, "page", S("body"));
	return root;
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	arena_init(&f->a, MIB(1));
	assert_ok(tmpl_set_new(&f->set, &f->e));
	f->root = values(&f->a);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	tmpl_set_unref(f->set);
	arena_fini(&f->a);
	free(f);
	return 0;
}

static void
add(struct fixture *f, const char *name, const char *text)
{
	enum err err = tmpl_set_add(f->set, str_from(name), str_from(text),
	    &f->e);
	if (err)
		fail_msg("%s", f->e.internal);
}

static struct str
render(struct fixture *f, const char *name)
{
	struct buf b;
	struct str got;
	buf_init(&b, &f->a, KIB(64));
	assert_ok(tmpl_render(f->set, str_from(name), f->root, &b, &f->e));
	assert_ok(buf_finish(&b, &got, &f->e));
	return got;
}

static void
assert_renders(struct fixture *f, const char *text, const char *expected)
{
	static unsigned n;
	char name[32];
	(void)snprintf(name, sizeof(name), "case %u", n++);
	add(f, name, text);
	struct str got = render(f, name);
	if (!str_eq(got, str_from(expected)))
		fail_msg("\"%s\" gave \"%" PRI_STR "\" instead of \"%s\"", text,
		    STR_ARG(got), expected);
}

static void
assert_refused(struct fixture *f, const char *text, const char *message)
{
	struct error e = { 0 };
	assert_int_equal(tmpl_set_add(f->set, S("bad"), str_from(text), &e),
	    ERR_CONFIG);
	assert_string_equal(e.internal, message);
	assert_false(tmpl_set_has(f->set, S("bad")));
}

static void
values__in_text__are_escaped_for_both_kinds_of_quotes(void **state)
{
	struct fixture *f = *state;

	assert_renders(f, "<i title='{{name}}'>",
	    "<i title='Ada &amp; &lt;Co&gt; &quot;x&quot; &#39;y&#39;'>");
	assert_renders(f, "{{{name}}}|{{& name }}",
	    "Ada & <Co> \"x\" 'y'|Ada & <Co> \"x\" 'y'");
	assert_renders(f, "{{count}} {{missing}}{{owner}}{{yes}}.", "1234 .");
}

static void
names__with_dots__resolve_strictly_after_the_first_part(void **state)
{
	struct fixture *f = *state;

	assert_renders(f, "{{owner.office.city}}", "Bern");
	assert_renders(f, "{{#owner}}{{name}} {{office.name}}{{/owner}}",
	    "Grace ");
	assert_renders(f,
	    "{{#owner.office}}{{city}} {{count}}{{/owner.office}}",
	    "Bern 1234");
}

static void
sections__by_their_value__repeat_or_vanish(void **state)
{
	struct fixture *f = *state;

	assert_renders(f,
	    "{{#keys}}{{label}}:{{#limits}} {{.}}{{/limits}}"
	    "{{^limits}} none{{/limits}};{{/keys}}",
	    "alpha: 60 600;beta: none;");
	assert_renders(f, "{{#no}}a{{/no}}{{^no}}b{{/no}}", "b");
	assert_renders(f, "{{#yes}}a{{/yes}}{{^yes}}b{{/yes}}", "a");
	assert_renders(f, "{{#empty}}a{{/empty}}{{^empty}}b{{/empty}}", "b");
	assert_renders(f, "{{#nothing}}a{{/nothing}}{{^nothing}}b{{/nothing}}",
	    "b");
}

static void
lines__of_lone_tags__leave_nothing_behind(void **state)
{
	struct fixture *f = *state;

	assert_renders(f,
	    "<ul>\n\t{{#keys}}\n\t<li>{{label}}\n\t{{/keys}}\n</ul>",
	    "<ul>\n\t<li>alpha\n\t<li>beta\n</ul>");
	assert_renders(f, "a\r\n  {{! two\n lines }} \r\nb", "a\r\nb");
	assert_renders(f, "a {{! here }}\nb", "a \nb");
}

static void
delimiters__once_set__hold_to_the_end_of_the_template(void **state)
{
	struct fixture *f = *state;

	add(f, "inner", "{{count}} <%count%>");
	assert_renders(f, "{{=<% %>=}}<%count%> {{count}} <%>inner%>",
	    "1234 {{count}} 1234 <%count%>");
	assert_renders(f, "{{=| |=}}|{name}|", "Ada & <Co> \"x\" 'y'");
}

static void
partials__alone_on_a_line__take_its_indentation(void **state)
{
	struct fixture *f = *state;

	add(f, "row", "<li>\n  {{label}}\n{{>end}}\n");
	add(f, "end", "</li>\n\n");
	assert_renders(f, "{{#keys}}\n  {{>row}}\n{{/keys}}\n.",
	    "  <li>\n    alpha\n  </li>\n  \n"
	    "  <li>\n    beta\n  </li>\n  \n.");
	assert_renders(f, "({{>no such}})", "()");
}

static void
dynamic_names__of_a_layout__bring_in_the_page(void **state)
{
	struct fixture *f = *state;

	add(f, "body", "<p>{{count}}</p>\n");
	assert_renders(f, "<main>\n {{>*page}}\n</main>",
	    "<main>\n <p>1234</p>\n</main>");
	assert_renders(f, "[{{>*missing}}{{>*yes}}]", "[]");
}

static void
recursion__without_end__is_an_error(void **state)
{
	struct fixture *f = *state;
	struct buf b;

	add(f, "loop", "x{{>loop}}");
	buf_init(&b, &f->a, KIB(64));

	assert_int_equal(tmpl_render(f->set, S("loop"), f->root, &b, &f->e),
	    ERR_INTERNAL);
	assert_int_equal(b.n, TMPL_DEPTH_MAX);
}

static void
output__beyond_its_maximum__shows_in_buf_finish(void **state)
{
	struct fixture *f = *state;
	struct buf b;
	struct str got;

	add(f, "long", "{{#keys}}{{name}}{{/keys}}");
	buf_init(&b, &f->a, 8);
	assert_ok(tmpl_render(f->set, S("long"), f->root, &b, &f->e));

	assert_int_not_equal(buf_finish(&b, &got, &f->e), OK);
}

static void
parse__bad_templates__are_refused_with_their_line(void **state)
{
	struct fixture *f = *state;

	assert_refused(f, "a\n{{#x}}\n",
	    "bad:2: the section \"x\" is not closed");
	assert_refused(f, "\n\n{{/x}}",
	    "bad:3: \"x\" is closed but was not opened");
	assert_refused(f, "{{#x}}\n{{#y}}{{/x}}",
	    "bad:2: \"x\" is closed inside \"y\" of line 2");
	assert_refused(f, "\n{{x", "bad:2: a tag is not closed");
	assert_refused(f, "{{{x}}", "bad:1: a tag is not closed");
	assert_refused(f, "{{ }}", "bad:1: a tag without a name");
	assert_refused(f, "{{>}}", "bad:1: a partial without a name");
	assert_refused(f, "{{a..b}}", "bad:1: \"a..b\" is no name");
	assert_refused(f, "{{a.}}", "bad:1: \"a.\" is no name");
	assert_refused(f, "{{.a}}", "bad:1: \".a\" is no name");
	assert_refused(f, "{{a b}}", "bad:1: white space in the name \"a b\"");
	assert_refused(f, "{{=<%=}}", "bad:1: \"<%\" are no two delimiters");
	assert_refused(f, "{{=a b c=}}",
	    "bad:1: \"a b c\" are no two delimiters");
	assert_refused(f, "{{<x}}{{/x}}",
	    "bad:1: blocks and parents are not known");
	assert_refused(f, "{{a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a}}",
	    "bad:1: more than 16 parts in a name");
}

static void
parse__sections_nested_too_deeply__are_refused(void **state)
{
	struct fixture *f = *state;
	struct buf b;
	struct str text;

	buf_init(&b, &f->a, KIB(4));
	for (int i = 0; i <= TMPL_NEST_MAX; i++)
		buf_add(&b, S("{{#x}}"));
	assert_ok(buf_finish(&b, &text, &f->e));

	assert_int_equal(tmpl_set_add(f->set, S("deep"), text, &f->e),
	    ERR_CONFIG);
	assert_string_equal(f->e.internal,
	    "deep:1: more than 32 sections nested");
}

static void
tmpl_set_add__a_name_twice__is_refused(void **state)
{
	struct fixture *f = *state;

	add(f, "one", "1");
	assert_int_equal(tmpl_set_add(f->set, S("one"), S("2"), &f->e),
	    ERR_CONFIG);
	assert_str_is(render(f, "one"), "1");
}

static void
tmpl_render__no_such_template__is_an_error(void **state)
{
	struct fixture *f = *state;
	struct buf b;

	buf_init(&b, &f->a, 8);
	assert_int_equal(tmpl_render(f->set, S("none"), f->root, &b, &f->e),
	    ERR_CONFIG);
}

static const struct tmpl_key page_keys[] = {
	{ "keys", TVAL_LIST },
	{ "keys.label", TVAL_TEXT },
	{ "keys.limits", TVAL_LIST },
	{ "keys.limits.", TVAL_TEXT },
	{ "owner", TVAL_OBJECT },
	{ "owner.name", TVAL_TEXT },
	{ "owner.office", TVAL_OBJECT },
	{ "owner.office.city", TVAL_TEXT },
	{ "yes", TVAL_BOOL },
	{ "no", TVAL_BOOL },
	{ "nothing", TVAL_LIST },
};
static const struct tmpl_key common_keys[] = {
	{ "name", TVAL_TEXT },
	{ "count", TVAL_TEXT },
	{ "empty", TVAL_TEXT },
	{ "page", TVAL_TEXT },
};
static const struct tmpl_page page = {
	.layout = "layout",
	.body = "body",
	.keys = page_keys,
	.n_keys = ARRAY_LEN(page_keys),
	.common = common_keys,
	.n_common = ARRAY_LEN(common_keys),
};

static const char good_body[] = "{{#keys}}{{label}}{{#limits}}{{.}}{{name}}"
				"{{/limits}}{{/keys}}{{^yes}}{{count}}{{/yes}}"
				"{{#owner}}{{office.city}}{{name}}{{/owner}}";

static void
tmpl_check__declared_keys__pass(void **state)
{
	struct fixture *f = *state;

	add(f, "layout", "{{name}}{{>*page}}");
	add(f, "body", good_body);

	if (tmpl_check(f->set, &page, &f->e))
		fail_msg("%s", f->e.internal);
}

static void
assert_check_fails(const char *body, const char *message)
{
	struct error e = { 0 };
	struct tmpl_set *set;
	assert_ok(tmpl_set_new(&set, &e));
	assert_ok(tmpl_set_add(set, S("layout"), S("\n{{>*page}}"), &e));
	assert_ok(tmpl_set_add(set, S("body"), str_from(body), &e));
	assert_ok(tmpl_set_add(set, S("self"), S("{{>self}}"), &e));

	assert_int_equal(tmpl_check(set, &page, &e), ERR_CONFIG);
	assert_string_equal(e.internal, message);
	tmpl_set_unref(set);
}

static void
tmpl_check__mistakes__are_told_with_file_and_line(void **state)
{
	(void)state;
	assert_check_fails("\n{{nmae}}",
	    "body:2: \"nmae\" is no key of this page");
	assert_check_fails("{{label}}",
	    "body:1: \"label\" is no key of this page");
	assert_check_fails("{{#keys}}{{owner.label}}{{/keys}}",
	    "body:1: \"owner.label\" is no key of this page");
	assert_check_fails("{{#keys}}{{.}}{{/keys}}",
	    "body:1: \".\" is no key of this page");
	assert_check_fails("{{keys}}", "body:1: \"keys\" is no text");
	assert_check_fails("{{yes}}", "body:1: \"yes\" is no text");
	assert_check_fails("{{#maybe}}{{/maybe}}",
	    "body:1: \"maybe\" is no key of this page");
	assert_check_fails("{{^maybe}}{{/maybe}}",
	    "body:1: \"maybe\" is no key of this page");
	assert_check_fails("{{>gone}}", "body:1: \"gone\" names no template");
	assert_check_fails("{{>*name}}",
	    "body:1: \"name\" is not the page's body");
	assert_check_fails("{{>self}}", "self:1: \"self\" includes itself");
	assert_check_fails("{{&name}}",
	    "body:1: \"name\" would not be escaped");
}

static void
tmpl_check_values__what_the_table_says__passes(void **state)
{
	struct fixture *f = *state;

	if (tmpl_check_values(&page, f->root, &f->e))
		fail_msg("%s", f->e.internal);
}

static void
tmpl_check_values__too_much_too_little_or_other__is_told(void **state)
{
	struct fixture *f = *state;

	struct tval *root = values(&f->a);
	tval_set_text(root, "more", S(""));
	assert_int_equal(tmpl_check_values(&page, root, &f->e), ERR_CONFIG);
	assert_string_equal(f->e.internal, "\"more\" is not declared");

	root = values(&f->a);
	root->first = root->first->next;
	assert_int_equal(tmpl_check_values(&page, root, &f->e), ERR_CONFIG);
	assert_string_equal(f->e.internal, "\"name\" is declared but not set");

	root = values(&f->a);
	root->first->value->kind = TVAL_BOOL;
	assert_int_equal(tmpl_check_values(&page, root, &f->e), ERR_CONFIG);
	assert_string_equal(f->e.internal,
	    "\"name\" is of another kind than declared");
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
remove_file(const char *dir, const char *name)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)remove(path);
}

static void
tmpl_set_load__a_folder__names_templates_by_their_paths(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/test_tmpl.XXXXXX", sub[64], message[256];
	assert_non_null(mkdtemp(dir));
	(void)snprintf(sub, sizeof(sub), "%s/partial", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	write_file(dir, "layout.html", "{{>partial/nav}}!");
	write_file(sub, "nav.html", "{{count}}");
	write_file(dir, "style.css", "{{#");
	write_file(dir, ".hidden.html", "{{#");

	struct tmpl_set *mine = f->set;
	assert_ok(tmpl_set_load(dir, &f->set, &f->e));
	tmpl_set_unref(mine);
	assert_str_is(render(f, "layout"), "1234!");

	write_file(sub, "nav.html", "\n{{#count}}");
	struct tmpl_set *none = NULL;
	assert_int_equal(tmpl_set_load(dir, &none, &f->e), ERR_CONFIG);
	(void)snprintf(message, sizeof(message),
	    "%s/nav.html:2: the section \"count\" is not closed", sub);
	assert_string_equal(f->e.internal, message);
	write_file(sub, "nav.html", "\xff");
	assert_int_equal(tmpl_set_load(dir, &none, &f->e), ERR_CONFIG);
	assert_null(none);

	remove_file(sub, "nav.html");
	remove_file(dir, "layout.html");
	assert_int_equal(tmpl_set_load(sub, &none, &f->e), ERR_CONFIG);
	remove_file(dir, "style.css");
	remove_file(dir, ".hidden.html");
	(void)rmdir(sub);
	(void)rmdir(dir);
	assert_int_equal(tmpl_set_load(dir, &none, &f->e), ERR_IO);
}

static void
tmpl_set_unref__with_another_holder__keeps_the_set(void **state)
{
	struct fixture *f = *state;

	add(f, "one", "1");
	tmpl_set_unref(tmpl_set_ref(f->set));

	assert_str_is(render(f, "one"), "1");
}

static void
tval__a_full_arena__leaves_builders_harmless(void **state)
{
	(void)state;
	size_t n = 1;
	for (;; n++) {
		struct arena a;
		arena_init(&a, MIB(1));
		a.fail_at = n;
		(void)values(&a);
		bool done = a.sticky == OK;
		arena_fini(&a);
		if (done)
			break;
	}
	assert_true(n > 20);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(values__in_text__are_escaped_for_both_kinds_of_quotes),
		T(names__with_dots__resolve_strictly_after_the_first_part),
		T(sections__by_their_value__repeat_or_vanish),
		T(lines__of_lone_tags__leave_nothing_behind),
		T(delimiters__once_set__hold_to_the_end_of_the_template),
		T(partials__alone_on_a_line__take_its_indentation),
		T(dynamic_names__of_a_layout__bring_in_the_page),
		T(recursion__without_end__is_an_error),
		T(output__beyond_its_maximum__shows_in_buf_finish),
		T(parse__bad_templates__are_refused_with_their_line),
		T(parse__sections_nested_too_deeply__are_refused),
		T(tmpl_set_add__a_name_twice__is_refused),
		T(tmpl_render__no_such_template__is_an_error),
		T(tmpl_check__declared_keys__pass),
		T(tmpl_check__mistakes__are_told_with_file_and_line),
		T(tmpl_check_values__what_the_table_says__passes),
		T(tmpl_check_values__too_much_too_little_or_other__is_told),
		T(tmpl_set_load__a_folder__names_templates_by_their_paths),
		T(tmpl_set_unref__with_another_holder__keeps_the_set),
		T(tval__a_full_arena__leaves_builders_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
