/* SPDX-License-Identifier: MIT */
/*
 * Operations to text. Names are looked for in the scopes from the inside
 * out; what a partial is indented by travels as a chain, outermost first.
 */
#include "http/tmpl_priv.h"

struct scope {
	const struct tval *value;
	const struct scope *outer;
};

struct indent {
	struct str text;
	const struct indent *outer;
};

struct render {
	const struct tmpl_set *set;
	struct buf *b;
	struct error *e;
	unsigned depth;
};

/* A run of operations, what they see and by how much they are moved. */
struct frame {
	const struct tmpl *t;
	size_t from, to;
	const struct scope *scope;
	const struct indent *indent;
};

static enum err run(struct render *r, const struct frame *f);

static const struct tval *
look_up(const struct tmpl_name *name, const struct scope *scope)
{
	if (name->n_part == 0)
		return scope->value;
	const struct tval *v = NULL;
	for (; scope && !v; scope = scope->outer)
		v = tval_get(scope->value, name->part[0]);
	for (size_t i = 1; i < name->n_part && v; i++)
		v = tval_get(v, name->part[i]);
	return v;
}

static void
put_indent(struct buf *b, const struct indent *indent)
{
	if (!indent)
		return;
	put_indent(b, indent->outer);
	buf_add(b, indent->text);
}

static void
put_text(struct buf *b, const struct tmpl_op *op, const struct indent *indent)
{
	if (!indent) {
		buf_add(b, op->text);
		return;
	}
	if (op->starts_line)
		put_indent(b, indent);
	struct str rest = op->text;
	while (rest.n > 0) {
		size_t n = str_find(rest, '\n');
		n += n < rest.n;
		buf_add(b, str_make(rest.p, n));
		rest = str_skip(rest, n);
		if (rest.n > 0)
			put_indent(b, indent);
	}
}

static enum err
run_section(struct render *r, const struct frame *f, size_t at)
{
	const struct tmpl_op *op = &f->t->ops[at];
	const struct tval *v = look_up(&op->name, f->scope);
	struct scope inner = { v, f->scope };
	struct frame body = { f->t, at + 1, op->end, &inner, f->indent };

	if (op->kind == TMPL_OP_INVERTED) {
		body.scope = f->scope;
		return tval_is_true(v) ? OK : run(r, &body);
	}
	if (!tval_is_true(v))
		return OK;
	if (v->kind != TVAL_LIST)
		return run(r, &body);
	for (const struct tval_item *i = v->first; i; i = i->next) {
		inner.value = i->value;
		enum err err = run(r, &body);
		if (err)
			return err;
	}
	return OK;
}

static enum err
run_partial(struct render *r, const struct frame *f, const struct tmpl_op *op)
{
	struct str name = op->name.full;
	if (op->kind == TMPL_OP_DYNAMIC) {
		const struct tval *v = look_up(&op->name, f->scope);
		if (!v || v->kind != TVAL_TEXT)
			return OK;
		name = v->text;
	}
	const struct tmpl *t = tmpl_find(r->set, name);
	if (!t)
		return OK;
	struct indent more = { op->indent, f->indent };
	struct frame body = { t, 0, t->n_ops, f->scope,
		op->indent.n > 0 ? &more : f->indent };
	return run(r, &body);
}

static void
put_value(struct render *r, const struct frame *f, const struct tmpl_op *op)
{
	const struct tval *v = look_up(&op->name, f->scope);
	if (!v || v->kind != TVAL_TEXT)
		return;
	if (op->kind == TMPL_OP_RAW)
		buf_add(r->b, v->text);
	else
		buf_html(r->b, v->text);
}

static enum err
run(struct render *r, const struct frame *f)
{
	if (r->depth == TMPL_DEPTH_MAX)
		return error_set(r->e, ERR_INTERNAL,
		    "%" PRI_STR ": templates nest deeper than %d",
		    STR_ARG(f->t->place), TMPL_DEPTH_MAX);
	r->depth++;
	enum err err = OK;
	for (size_t i = f->from; i < f->to && !err; i++) {
		const struct tmpl_op *op = &f->t->ops[i];
		switch (op->kind) {
		case TMPL_OP_TEXT:
			put_text(r->b, op, f->indent);
			break;
		case TMPL_OP_VALUE:
		case TMPL_OP_RAW:
			put_value(r, f, op);
			break;
		case TMPL_OP_SECTION:
		case TMPL_OP_INVERTED:
			err = run_section(r, f, i);
			i = op->end - 1;
			break;
		case TMPL_OP_PARTIAL:
		case TMPL_OP_DYNAMIC:
			err = run_partial(r, f, op);
			break;
		}
	}
	r->depth--;
	return err;
}

enum err
tmpl_render(const struct tmpl_set *set, struct str name,
    const struct tval *root, struct buf *b, struct error *e)
{
	const struct tmpl *t = tmpl_find(set, name);
	if (!t)
		return error_set(e, ERR_CONFIG,
		    "there is no template \"%" PRI_STR "\"", STR_ARG(name));
	struct render r = { .set = set, .b = b, .e = e };
	struct scope scope = { root, NULL };
	struct frame f = { t, 0, t->n_ops, &scope, NULL };
	return run(&r, &f);
}
