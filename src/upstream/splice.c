/* SPDX-License-Identifier: MIT */
#include "upstream/splice.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

void
splice_init(struct splice *s, struct arena *a, const struct body *body)
{
	*s = (struct splice){ .a = a, .body = body };
}

static void
stick(struct splice *s, enum err code, struct str name)
{
	if (s->sticky)
		return;
	s->sticky = code;
	s->failed_name = name;
}

static const struct splice_edit *
edit_of(const struct splice *s, struct str name)
{
	for (size_t i = 0; i < s->n_edits; i++)
		if (str_eq(s->edits[i].name, name))
			return &s->edits[i];
	return NULL;
}

static void
set(struct splice *s, struct str name, struct str value)
{
	size_t i = 0;

	while (i < s->n_edits && !str_eq(s->edits[i].name, name))
		i++;
	ASSERT(i < SPLICE_EDITS_MAX);
	s->edits[i] = (struct splice_edit){ .name = name, .value = value };
	if (i == s->n_edits)
		s->n_edits++;
}

void
splice_set_raw(struct splice *s, struct str name, struct str value)
{
	if (!value.p)
		stick(s, s->a->sticky ? s->a->sticky : ERR_NO_MEMORY, name);
	else
		set(s, name, value);
}

void
splice_set_str(struct splice *s, struct str name, struct str value)
{
	struct error e;
	struct str json;
	struct buf b;

	buf_init(&b, s->a, 6 * value.n + 2);
	buf_json_string(&b, value);
	if (buf_finish(&b, &json, &e))
		stick(s, e.code, name);
	else
		set(s, name, json);
}

void
splice_set_u64(struct splice *s, struct str name, uint64_t value)
{
	splice_set_raw(s, name,
	    arena_printf(s->a, "%llu", (unsigned long long)value));
}

void
splice_set_bool(struct splice *s, struct str name, bool value)
{
	splice_set_raw(s, name, value ? S("true") : S("false"));
}

void
splice_remove(struct splice *s, struct str name)
{
	set(s, name, (struct str){ NULL, 0 });
}

/* The pieces of the result, in order. */
struct piece_list {
	struct str *pieces;
	size_t n, cap, n_bytes;
};

static void
add_piece(struct piece_list *l, const char *p, size_t n)
{
	if (n == 0)
		return;
	l->n_bytes += n;
	/* Neighbours in the source stay one piece. */
	if (l->n && l->pieces[l->n - 1].p + l->pieces[l->n - 1].n == p) {
		l->pieces[l->n - 1].n += n;
		return;
	}
	ASSERT(l->n < l->cap);
	l->pieces[l->n++] = str_make(p, n);
}

static void
add_str(struct piece_list *l, struct str s)
{
	add_piece(l, s.p, s.n);
}

/*
 * The members that stay, with what is written between them: the gap before
 * a member holds one comma, and goes out unless the member is the first.
 * Returns the end of the last original member.
 */
static const char *
add_kept(const struct splice *s, struct piece_list *l, bool *ret_any)
{
	const struct body *b = s->body;
	const char *behind = b->inner.p;

	for (size_t i = 0; i < b->n_members; i++) {
		const struct json_member *m = &b->members[i];
		const struct splice_edit *edit = edit_of(s, m->name);
		const char *name = m->name.p - 1;

		if (!edit || edit->value.p) {
			if (*ret_any || i == 0)
				add_piece(l, behind, (size_t)(name - behind));
			add_piece(l, name, (size_t)(m->value.p - name));
			add_str(l, edit ? edit->value : m->value);
			*ret_any = true;
		}
		behind = m->value.p + m->value.n;
	}
	return behind;
}

static void
add_new(const struct splice *s, struct piece_list *l, bool any)
{
	for (size_t i = 0; i < s->n_edits; i++) {
		const struct splice_edit *edit = &s->edits[i];

		if (!edit->value.p || body_member(s->body, edit->name))
			continue;
		add_str(l, any ? S(",\"") : S("\""));
		add_str(l, edit->name);
		add_str(l, S("\":"));
		add_str(l, edit->value);
		any = true;
	}
}

static enum err
copy_pieces(struct splice *s, struct piece_list *l, struct error *e)
{
	char *copy = arena_alloc(s->a, l->n_bytes);
	size_t n = 0;

	if (!copy)
		return error_arena(e, s->a);
	for (size_t i = 0; i < l->n; i++) {
		memcpy(copy + n, l->pieces[i].p, l->pieces[i].n);
		n += l->pieces[i].n;
	}
	l->pieces[0] = str_make(copy, n);
	l->n = 1;
	return OK;
}

static enum err
failed(const struct splice *s, struct error *e)
{
	char name[sizeof(e->param)];

	if (s->sticky != ERR_BAD_PARAM && s->sticky != ERR_BAD_JSON)
		return error_set(e, s->sticky, "no room to splice a body");
	(void)snprintf(name, sizeof(name), "%" PRI_STR,
	    STR_ARG(s->failed_name));
	return error_public(e, ERR_BAD_PARAM, name,
	    "'%s' must be a small object without repeated names.", name);
}

enum err
splice_build(struct splice *s, struct splice_out *ret, struct error *e)
{
	const struct body *b = s->body;
	struct piece_list l = { NULL, 0, 0, 0 };
	const char *behind;
	bool any = false;

	if (s->sticky)
		return failed(s, e);
	/* Head and tail; around each edit up to four pieces. */
	l.cap = 4 + 4 * SPLICE_EDITS_MAX + 2 * b->n_members;
	l.pieces = arena_array(s->a, struct str, l.cap);
	if (!l.pieces)
		return error_arena(e, s->a);
	add_piece(&l, b->text.p, (size_t)(b->inner.p - b->text.p));
	behind = add_kept(s, &l, &any);
	add_new(s, &l, any);
	add_piece(&l, behind, (size_t)(b->text.p + b->text.n - behind));
	if (l.n > 1 && l.n_bytes <= SPLICE_COPY_MAX) {
		enum err err = copy_pieces(s, &l, e);

		if (err)
			return err;
	}
	*ret = (struct splice_out){ l.pieces, l.n, l.n_bytes };
	return OK;
}

void
splice_set_inner(struct splice *s, struct str name, struct str inner,
    struct str value)
{
	const struct json_member *m = body_value(s->body, name);
	struct splice_out out;
	struct splice nested;
	struct error e;
	struct body b;

	if (!m) {
		splice_set_raw(s, name,
		    arena_printf(s->a, "{\"%" PRI_STR "\":%" PRI_STR "}",
			STR_ARG(inner), STR_ARG(value)));
		return;
	}
	if (m->kind != JSON_OBJECT) {
		stick(s, ERR_BAD_PARAM, name);
		return;
	}
	if (body_scan(s->a, m->value, &b, &e)) {
		stick(s, e.code, name);
		return;
	}
	splice_init(&nested, s->a, &b);
	splice_set_raw(&nested, inner, value);
	if (splice_build(&nested, &out, &e))
		stick(s, e.code, name);
	else if (out.n_pieces != 1)
		stick(s, ERR_BAD_PARAM, name); /* options of more than 64 KiB */
	else
		set(s, name, out.pieces[0]);
}
