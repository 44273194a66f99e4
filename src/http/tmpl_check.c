/* SPDX-License-Identifier: MIT */
/*
 * Templates against the keys that their pages declare. By the specification
 * a misspelt key renders as nothing; here it stops the start.
 */
#include "http/tmpl_priv.h"

/* The longest declared path, and the deepest chain of partials. */
#define PATH_BYTES_MAX    256
#define PARTIALS_DEEP_MAX 16

/* The path of the section that the operations are in; "" is the root. */
struct place {
	char text[PATH_BYTES_MAX];
	size_t n;
	const struct place *outer;
};

struct check {
	const struct tmpl_set *set;
	const struct tmpl_page *page;
	struct error *e;
	unsigned depth;
};

struct stretch {
	const struct tmpl *t;
	size_t from, to;
	const struct place *place;
};

static enum err check_ops(struct check *c, const struct stretch *s);

static const struct tmpl_key *
find_in(const struct tmpl_key *keys, size_t n, struct str path)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(str_from(keys[i].path), path))
			return &keys[i];
	return NULL;
}

static const struct tmpl_key *
find_key(const struct tmpl_page *page, struct str path)
{
	const struct tmpl_key *k = find_in(page->keys, page->n_keys, path);
	return k ? k : find_in(page->common, page->n_common, path);
}

/* ret = outer.name; "." stands as "outer." */
static bool
join(const struct place *outer, struct str name, struct place *ret)
{
	struct buf b;
	buf_init_fixed(&b, ret->text, sizeof(ret->text));
	buf_add(&b, str_make(outer->text, outer->n));
	if (outer->n > 0)
		buf_add_char(&b, '.');
	if (!str_eq(name, S(".")))
		buf_add(&b, name);
	ret->n = b.n;
	ret->outer = outer;
	return b.sticky == OK;
}

static enum err
fail(struct check *c, const struct stretch *s, const struct tmpl_op *op,
    const char *what)
{
	return error_set(c->e, ERR_CONFIG,
	    "%" PRI_STR ":%u: \"%" PRI_STR "\" %s", STR_ARG(s->t->place),
	    op->line, STR_ARG(op->name.full), what);
}

/* The key that a name means, and its path from the root. */
static enum err
resolve(struct check *c, const struct stretch *s, const struct tmpl_op *op,
    const struct tmpl_key **ret_key, struct place *ret)
{
	const struct place *p = s->place;
	for (; p; p = p->outer) {
		if (!join(p, op->name.full, ret))
			return fail(c, s, op, "is too long");
		*ret_key = find_key(c->page, str_make(ret->text, ret->n));
		if (*ret_key || op->name.n_part == 0)
			break;
	}
	if (!*ret_key)
		return fail(c, s, op, "is no key of this page");
	ret->outer = s->place;
	return OK;
}

static enum err
check_section(struct check *c, const struct stretch *s, size_t at)
{
	const struct tmpl_op *op = &s->t->ops[at];
	const struct tmpl_key *key = NULL;
	struct place inner;
	enum err err = resolve(c, s, op, &key, &inner);
	if (err)
		return err;
	struct stretch body = { s->t, at + 1, op->end, s->place };
	bool opens = key->kind == TVAL_LIST || key->kind == TVAL_OBJECT;
	if (op->kind == TMPL_OP_SECTION && opens)
		body.place = &inner;
	return check_ops(c, &body);
}

static enum err
check_partial(struct check *c, const struct stretch *s,
    const struct tmpl_op *op)
{
	struct str name = op->name.full;
	if (op->kind == TMPL_OP_DYNAMIC) {
		if (!str_eq(name, S("page")))
			return fail(c, s, op, "is not the page's body");
		name = str_from(c->page->body);
	}
	const struct tmpl *t = tmpl_find(c->set, name);
	if (!t)
		return fail(c, s, op, "names no template");
	if (c->depth == PARTIALS_DEEP_MAX)
		return fail(c, s, op, "includes itself");
	c->depth++;
	struct stretch all = { t, 0, t->n_ops, s->place };
	enum err err = check_ops(c, &all);
	c->depth--;
	return err;
}

static enum err
check_value(struct check *c, const struct stretch *s, const struct tmpl_op *op)
{
	const struct tmpl_key *key = NULL;
	struct place where;
	enum err err = resolve(c, s, op, &key, &where);
	if (err)
		return err;
	if (key->kind != TVAL_TEXT)
		return fail(c, s, op, "is no text");
	return OK;
}

static enum err
check_ops(struct check *c, const struct stretch *s)
{
	enum err err = OK;
	for (size_t i = s->from; i < s->to && !err; i++) {
		const struct tmpl_op *op = &s->t->ops[i];
		switch (op->kind) {
		case TMPL_OP_TEXT:
			break;
		case TMPL_OP_VALUE:
			err = check_value(c, s, op);
			break;
		case TMPL_OP_RAW:
			err = fail(c, s, op, "would not be escaped");
			break;
		case TMPL_OP_SECTION:
		case TMPL_OP_INVERTED:
			err = check_section(c, s, i);
			i = op->end - 1;
			break;
		case TMPL_OP_PARTIAL:
		case TMPL_OP_DYNAMIC:
			err = check_partial(c, s, op);
			break;
		}
	}
	return err;
}

enum err
tmpl_check(const struct tmpl_set *set, const struct tmpl_page *page,
    struct error *e)
{
	const struct tmpl *t = tmpl_find(set, str_from(page->layout));
	if (!t)
		return error_set(e, ERR_CONFIG, "there is no template \"%s\"",
		    page->layout);
	struct check c = { .set = set, .page = page, .e = e };
	struct place root = { .n = 0 };
	struct stretch all = { t, 0, t->n_ops, &root };
	return check_ops(&c, &all);
}

/* Whether key stands directly below the path p ("a.b" below "a"). */
static bool
is_child(const char *key, const struct place *p, struct str *ret_name)
{
	struct str k = str_from(key);
	if (p->n > 0) {
		if (k.n <= p->n || k.p[p->n] != '.' ||
		    !str_starts(k, str_make(p->text, p->n)))
			return false;
		k = str_skip(k, p->n + 1);
	}
	*ret_name = k;
	return str_find(k, '.') == k.n;
}

static enum err check_children(struct check *c, const struct place *p,
    const struct tval *v);

static enum err
check_member(struct check *c, const struct place *p, struct str name,
    const struct tval *v)
{
	struct place path;
	if (!join(p, name, &path))
		return error_set(c->e, ERR_CONFIG, "a key is too long");
	struct str text = str_make(path.text, path.n);
	const struct tmpl_key *key = find_key(c->page, text);
	if (!key)
		return error_set(c->e, ERR_CONFIG,
		    "\"%" PRI_STR "\" is not declared", STR_ARG(text));
	if (key->kind != v->kind)
		return error_set(c->e, ERR_CONFIG,
		    "\"%" PRI_STR "\" is of another kind than declared",
		    STR_ARG(text));
	if (v->kind == TVAL_OBJECT)
		return check_children(c, &path, v);
	if (v->kind != TVAL_LIST)
		return OK;
	enum err err = OK;
	for (const struct tval_item *i = v->first; i && !err; i = i->next)
		err = i->value->kind == TVAL_OBJECT
			  ? check_children(c, &path, i->value)
			  : check_member(c, &path, S("."), i->value);
	return err;
}

static enum err
check_declared(struct check *c, const struct place *p, const struct tval *v,
    const struct tmpl_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str name;
		if (is_child(keys[i].path, p, &name) && name.n > 0 &&
		    !tval_get(v, name))
			return error_set(c->e, ERR_CONFIG,
			    "\"%s\" is declared but not set", keys[i].path);
	}
	return OK;
}

static enum err
check_children(struct check *c, const struct place *p, const struct tval *v)
{
	for (const struct tval_item *i = v->first; i; i = i->next) {
		enum err err = check_member(c, p, i->key, i->value);
		if (err)
			return err;
	}
	enum err err = check_declared(c, p, v, c->page->keys, c->page->n_keys);
	if (err)
		return err;
	return check_declared(c, p, v, c->page->common, c->page->n_common);
}

enum err
tmpl_check_values(const struct tmpl_page *page, const struct tval *root,
    struct error *e)
{
	struct check c = { .page = page, .e = e };
	struct place top = { .n = 0 };
	return check_children(&c, &top, root);
}
