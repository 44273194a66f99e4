/* SPDX-License-Identifier: MIT */
/*
 * Template text to operations. What takes thought here are the lines: a tag
 * that stands alone on its line takes the whole line with it, and a partial
 * that stands alone indents every line of its source. So each operation
 * knows whether a line of the source begins at it.
 */
#include "http/tmpl_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

struct parser {
	struct tmpl *t;
	struct arena *a;
	struct error *e;
	struct str src;
	size_t pos;        /* the next byte to look at */
	size_t text_start; /* text from here on is not yet an operation */
	size_t counted;    /* lines are counted up to here */
	unsigned line;     /* of `counted` */
	struct str open, close;
	size_t depth;
	size_t stack[TMPL_NEST_MAX]; /* operations of open sections */
};

/* A tag as it stands in the text. */
struct tag {
	char sigil; /* # ^ / > & ! = {, or 0 */
	struct str content;
	size_t start, end; /* of the tag with its delimiters */
	unsigned line;
};

static enum err fail(struct parser *p, unsigned line, const char *fmt, ...)
    ATTR_PRINTF(3, 4);

static enum err
fail(struct parser *p, unsigned line, const char *fmt, ...)
{
	char text[160];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
	va_end(ap);
	return error_set(p->e, ERR_CONFIG, "%" PRI_STR ":%u: %s",
	    STR_ARG(p->t->place), line, text);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static struct str
slice(const struct parser *p, size_t from, size_t to)
{
	return str_make(p->src.p + from, to - from);
}

static unsigned
line_at(struct parser *p, size_t pos)
{
	for (; p->counted < pos; p->counted++)
		if (p->src.p[p->counted] == '\n')
			p->line++;
	return p->line;
}

static bool
begins_line(const struct parser *p, size_t pos)
{
	return pos == 0 || p->src.p[pos - 1] == '\n';
}

/* A new operation at the end of the list; NULL when the arena is full. */
static struct tmpl_op *
op_add(struct parser *p, enum tmpl_op_kind kind, unsigned line)
{
	struct tmpl *t = p->t;
	if (t->n_ops == t->ops_cap) {
		size_t cap = t->ops_cap ? t->ops_cap * 2 : 32;
		struct tmpl_op *ops = arena_array(p->a, struct tmpl_op, cap);
		if (!ops)
			return NULL;
		if (t->n_ops > 0)
			memcpy(ops, t->ops, t->n_ops * sizeof(*ops));
		t->ops = ops;
		t->ops_cap = cap;
	}
	struct tmpl_op *op = &t->ops[t->n_ops++];
	op->kind = kind;
	op->line = line;
	return op;
}

/* The text up to `to` becomes an operation; an empty one if a line of
 * content begins there, so that its indentation has a place. */
static enum err
emit_text(struct parser *p, size_t to, bool tag_follows)
{
	bool starts = begins_line(p, p->text_start);
	size_t n = to - p->text_start;
	if (n == 0 && !(starts && tag_follows))
		return OK;
	struct tmpl_op *op = op_add(p, TMPL_OP_TEXT, p->line);
	if (!op)
		return error_arena(p->e, p->a);
	op->text = slice(p, p->text_start, to);
	op->starts_line = starts;
	if (n > 0 && op->text.p[n - 1] == '\n' && tag_follows) {
		struct tmpl_op *next = op_add(p, TMPL_OP_TEXT, p->line);
		if (!next)
			return error_arena(p->e, p->a);
		next->starts_line = true;
	}
	return OK;
}

static enum err
parse_name(struct parser *p, const struct tag *tag, struct str text,
    struct tmpl_name *ret)
{
	struct str parts[TMPL_PARTS_MAX];
	*ret = (struct tmpl_name){ .full = text };
	if (str_eq(text, S(".")))
		return OK;
	if (text.n == 0)
		return fail(p, tag->line, "a tag without a name");
	size_t n = 0;
	struct str rest = text, part;
	while (str_split(&rest, '.', &part)) {
		if (part.n == 0)
			return fail(p, tag->line, "\"%" PRI_STR "\" is no name",
			    STR_ARG(text));
		for (size_t i = 0; i < part.n; i++)
			if (is_space(part.p[i]))
				return fail(p, tag->line,
				    "white space in the name \"%" PRI_STR "\"",
				    STR_ARG(text));
		if (n == TMPL_PARTS_MAX)
			return fail(p, tag->line,
			    "more than %d parts in a name", TMPL_PARTS_MAX);
		parts[n++] = part;
	}
	if (text.p[text.n - 1] == '.')
		return fail(p, tag->line, "\"%" PRI_STR "\" is no name",
		    STR_ARG(text));
	ret->part = arena_array(p->a, struct str, n);
	if (!ret->part)
		return error_arena(p->e, p->a);
	memcpy(ret->part, parts, n * sizeof(parts[0]));
	ret->n_part = n;
	return OK;
}

static enum err
set_delimiters(struct parser *p, const struct tag *tag)
{
	struct str s = tag->content;
	size_t n = 0;
	while (n < s.n && !is_space(s.p[n]))
		n++;
	struct str open = str_make(s.p, n);
	struct str close = trim(str_skip(s, n));
	bool is_bad = open.n == 0 || close.n == 0;
	for (size_t i = 0; i < close.n; i++)
		is_bad = is_bad || is_space(close.p[i]) || close.p[i] == '=';
	if (is_bad || str_find(open, '=') < open.n)
		return fail(p, tag->line,
		    "\"%" PRI_STR "\" are no two delimiters", STR_ARG(s));
	p->open = open;
	p->close = close;
	return OK;
}

static enum err
close_section(struct parser *p, const struct tag *tag)
{
	if (p->depth == 0)
		return fail(p, tag->line,
		    "\"%" PRI_STR "\" is closed but was not opened",
		    STR_ARG(tag->content));
	struct tmpl_op *op = &p->t->ops[p->stack[--p->depth]];
	if (!str_eq(op->name.full, tag->content))
		return fail(p, tag->line,
		    "\"%" PRI_STR "\" is closed inside \"%" PRI_STR
		    "\" of line %u",
		    STR_ARG(tag->content), STR_ARG(op->name.full), op->line);
	op->end = p->t->n_ops;
	return OK;
}

static enum err
add_named(struct parser *p, const struct tag *tag, enum tmpl_op_kind kind,
    struct str text, struct str indent)
{
	struct tmpl_name name;
	if (kind == TMPL_OP_PARTIAL) {
		/* A file's name: dots mean nothing in it. */
		name = (struct tmpl_name){ .full = text };
		if (text.n == 0)
			return fail(p, tag->line, "a partial without a name");
	} else {
		enum err err = parse_name(p, tag, text, &name);
		if (err)
			return err;
	}
	struct tmpl_op *op = op_add(p, kind, tag->line);
	if (!op)
		return error_arena(p->e, p->a);
	op->name = name;
	op->indent = indent;
	if (kind != TMPL_OP_SECTION && kind != TMPL_OP_INVERTED)
		return OK;
	if (p->depth == TMPL_NEST_MAX)
		return fail(p, tag->line, "more than %d sections nested",
		    TMPL_NEST_MAX);
	p->stack[p->depth++] = p->t->n_ops - 1;
	return OK;
}

static enum err
handle_tag(struct parser *p, const struct tag *tag, struct str indent)
{
	struct str s = tag->content;
	switch (tag->sigil) {
	case '!':
		return OK;
	case '=':
		return set_delimiters(p, tag);
	case '/':
		return close_section(p, tag);
	case '#':
		return add_named(p, tag, TMPL_OP_SECTION, s, indent);
	case '^':
		return add_named(p, tag, TMPL_OP_INVERTED, s, indent);
	case '&':
	case '{':
		return add_named(p, tag, TMPL_OP_RAW, s, indent);
	case '>':
		if (s.n > 0 && s.p[0] == '*')
			return add_named(p, tag, TMPL_OP_DYNAMIC,
			    trim(str_skip(s, 1)), indent);
		return add_named(p, tag, TMPL_OP_PARTIAL, s, indent);
	case '<':
	case '$':
		return fail(p, tag->line, "blocks and parents are not known");
	default:
		return add_named(p, tag, TMPL_OP_VALUE, s, indent);
	}
}

/* Read the tag whose opening delimiter is at p->pos. */
static enum err
read_tag(struct parser *p, struct tag *ret)
{
	ret->start = p->pos;
	ret->line = line_at(p, p->pos);
	size_t at = p->pos + p->open.n;
	ret->sigil = 0;
	if (at < p->src.n && p->src.p[at] && strchr("#^/>&!={<$", p->src.p[at]))
		ret->sigil = p->src.p[at++];

	char last = 0; /* what must stand before the closing delimiter */
	if (ret->sigil == '=')
		last = '=';
	if (ret->sigil == '{')
		last = '}';
	for (size_t from = at;;) {
		size_t n = str_find_str(slice(p, from, p->src.n), p->close);
		if (from + n == p->src.n)
			return fail(p, ret->line, "a tag is not closed");
		size_t stop = from + n;
		/* "}}}": the first brace is the last character inside. */
		if (last == '}' && stop + p->close.n < p->src.n &&
		    p->src.p[stop] == '}' &&
		    memcmp(p->src.p + stop + 1, p->close.p, p->close.n) == 0)
			stop++;
		if (last && (stop == at || p->src.p[stop - 1] != last)) {
			from = stop + 1;
			continue;
		}
		ret->end = stop + p->close.n;
		ret->content = trim(slice(p, at, last ? stop - 1 : stop));
		return OK;
	}
}

/* Whether the tag is alone on its line; then the line's bounds. */
static bool
stands_alone(const struct parser *p, const struct tag *tag, size_t *ret_from,
    size_t *ret_to)
{
	if (!tag->sigil || strchr("&{", tag->sigil))
		return false;
	size_t from = tag->start;
	while (from > 0 && is_blank(p->src.p[from - 1]))
		from--;
	if (!begins_line(p, from))
		return false;
	size_t to = tag->end;
	while (to < p->src.n && is_blank(p->src.p[to]))
		to++;
	if (to < p->src.n && p->src.p[to] == '\r')
		to++;
	if (to < p->src.n && p->src.p[to] != '\n')
		return false;
	*ret_from = from;
	*ret_to = to < p->src.n ? to + 1 : to;
	return true;
}

static enum err
parse_tag(struct parser *p)
{
	struct tag tag = { .start = 0 };
	enum err err = read_tag(p, &tag);
	if (err)
		return err;
	struct str indent = { NULL, 0 };
	size_t from = tag.start, to = tag.end;
	bool is_alone = stands_alone(p, &tag, &from, &to);
	if (is_alone)
		indent = slice(p, from, tag.start);
	err = emit_text(p, from, !is_alone);
	if (err)
		return err;
	p->text_start = to;
	p->pos = to;
	return handle_tag(p, &tag, indent);
}

enum err
tmpl_parse(struct tmpl *t, struct arena *a, struct error *e)
{
	struct parser p = { .t = t,
		.a = a,
		.e = e,
		.src = t->source,
		.line = 1,
		.open = S("{{"),
		.close = S("}}") };
	for (;;) {
		struct str rest = slice(&p, p.pos, p.src.n);
		size_t n = str_find_str(rest, p.open);
		if (n == rest.n)
			break;
		p.pos += n;
		enum err err = parse_tag(&p);
		if (err)
			return err;
	}
	if (p.depth > 0) {
		struct tmpl_op *op = &t->ops[p.stack[p.depth - 1]];
		return fail(&p, op->line,
		    "the section \"%" PRI_STR "\" is not closed",
		    STR_ARG(op->name.full));
	}
	return emit_text(&p, p.src.n, false);
}
