/* SPDX-License-Identifier: MIT */
/* Template text: it parses or is refused with a place; what parses renders
 * within its bound, and twice alike. */
#include "fuzz/fuzz.h"

#include "base/arena.h"
#include "base/buf.h"
#include "http/tmpl.h"

#define OUT_MAX KIB(256)

static struct tval *
values(struct arena *a)
{
	struct tval *root = tval_object(a);
	tval_set_text(root, "a", S("<&>\"'"));
	tval_set_bool(root, "b", true);
	struct tval *list = tval_set_list(root, "c");
	tval_push_text(list, S("1"));
	struct tval *item = tval_push_object(list);
	tval_set_text(item, "a", S("2"));
	tval_set_text(tval_set_object(root, "d"), "e", S("t"));
	return root;
}

static enum err
render(const struct tmpl_set *set, struct arena *a, struct str *ret)
{
	struct error e;
	struct buf b;
	buf_init(&b, a, OUT_MAX);
	enum err err = tmpl_render(set, S("t"), values(a), &b, &e);
	if (err)
		return err;
	return buf_finish(&b, ret, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct error e = { .code = OK };
	struct tmpl_set *set;
	struct arena a;
	struct str first, second;
	struct str text = str_make((const char *)p, n);

	ASSERT(tmpl_set_new(&set, &e) == OK);
	arena_init(&a, MIB(4));
	enum err err = tmpl_set_add(set, S("t"), text, &e);
	if (err) {
		ASSERT(err == ERR_CONFIG || err == ERR_NO_MEMORY);
		ASSERT(err != ERR_CONFIG || e.internal[0] == 't');
	} else {
		err = render(set, &a, &first);
		ASSERT(render(set, &a, &second) == err);
		ASSERT(err || str_eq(first, second));
	}
	arena_fini(&a);
	tmpl_set_unref(set);
	return 0;
}
