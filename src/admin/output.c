/* SPDX-License-Identifier: MIT */
/* Records as text or JSON. They are kept until the command has succeeded, so
 * that nothing half done is printed; of long lists a page at a time, so that
 * their length takes no memory. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "admin/admin_priv.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/money.h"

#define OUTPUT_MAX_BYTES MIB(64)

void
admin_list(struct admin *ad)
{
	ad->out.is_list = true;
}

void
admin_rec(struct admin *ad)
{
	struct admin_output *out = &ad->out;
	struct admin_record *r = arena_new(&ad->arena, struct admin_record);

	if (!r)
		return; /* admin_print() reports the arena's error */
	r->end = &r->first;
	if (!out->first)
		out->end = &out->first;
	*out->end = r;
	out->end = &r->next;
	out->last = r;
	out->n++;
}

/* text is kept in the arena or static. */
static void
member_add(struct admin *ad, const char *name, struct str text, bool is_quoted)
{
	struct admin_record *r = ad->out.last;
	struct admin_member *m = arena_new(&ad->arena, struct admin_member);

	ASSERT(r || ad->arena.sticky);
	if (!m || !r)
		return;
	m->name = name;
	m->text = text;
	m->is_quoted = is_quoted;
	*r->end = m;
	r->end = &m->next;
	r->n++;
}

static void
nothing_add(struct admin *ad, const char *name)
{
	member_add(ad, name, (struct str){ NULL, 0 }, false);
}

void
admin_str(struct admin *ad, const char *name, struct str value)
{
	if (value.p)
		member_add(ad, name, arena_strdup(&ad->arena, value), true);
	else
		nothing_add(ad, name);
}

void
admin_u64(struct admin *ad, const char *name, uint64_t value)
{
	member_add(ad, name,
	    arena_printf(&ad->arena, "%llu", (unsigned long long)value), false);
}

void
admin_count(struct admin *ad, const char *name, int64_t value)
{
	if (value < 0)
		nothing_add(ad, name);
	else
		admin_u64(ad, name, (uint64_t)value);
}

void
admin_bool(struct admin *ad, const char *name, bool value)
{
	member_add(ad, name, value ? S("true") : S("false"), false);
}

void
admin_time(struct admin *ad, const char *name, int64_t time_ms)
{
	char text[CLOCK_TEXT_BYTES];

	if (time_ms == 0) {
		nothing_add(ad, name);
		return;
	}
	clock_format(time_ms, text);
	admin_str(ad, name, str_from(text));
}

void
admin_usd(struct admin *ad, const char *name, int64_t amount_pusd)
{
	char text[MONEY_TEXT_BYTES];

	money_to_text(amount_pusd, text);
	member_add(ad, name, arena_strdup(&ad->arena, str_from(text)), false);
}

void
admin_number(struct admin *ad, const char *name, const char *text)
{
	if (!text)
		nothing_add(ad, name);
	else
		member_add(ad, name, arena_strdup(&ad->arena, str_from(text)),
		    false);
}

void
admin_note(struct admin *ad, const char *fmt, ...)
{
	char line[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap); /* cut */
	va_end(ap);
	ad->out.notes = arena_printf(&ad->arena, "%" PRI_STR "%s\n",
	    STR_ARG(ad->out.notes), line);
}

void
admin_raw(struct admin *ad, struct str bytes)
{
	ad->out.raw = bytes;
}

void
admin_fail(struct admin *ad)
{
	ad->has_failed = true;
}

static void
json_record(struct json_out *j, const struct admin_record *r)
{
	json_out_object(j);
	for (const struct admin_member *m = r->first; m; m = m->next) {
		json_out_key(j, m->name);
		if (!m->text.p)
			json_out_null(j);
		else if (m->is_quoted)
			json_out_str(j, m->text);
		else
			json_out_raw(j, m->text);
	}
	json_out_object_end(j);
}

static void
print_json(const struct admin_output *out, struct buf *b)
{
	struct json_out j;

	json_out_init(&j, b);
	if (out->first) {
		json_record(&j, out->first);
	} else {
		json_out_object(&j);
		json_out_object_end(&j);
	}
	buf_add_char(b, '\n');
}

static void
print_json_list(const struct admin_output *out, bool is_end, struct buf *b)
{
	bool is_first = !out->is_begun;

	if (is_first)
		buf_add_char(b, '[');
	for (const struct admin_record *r = out->first; r; r = r->next) {
		struct json_out j;

		if (!is_first)
			buf_add_char(b, ',');
		is_first = false;
		json_out_init(&j, b);
		json_record(&j, r);
	}
	if (is_end)
		buf_add(b, S("]\n"));
}

/* For a terminal: control characters could do anything there. */
static void
add_text(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_add_char(b, (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f
				    ? '?'
				    : s.p[i]);
}

static struct str
text_of(const struct admin_member *m)
{
	if (!m->text.p)
		return S("-");
	if (!m->is_quoted && str_eq(m->text, S("true")))
		return S("yes");
	if (!m->is_quoted && str_eq(m->text, S("false")))
		return S("no");
	return m->text;
}

static void
add_padded(struct buf *b, struct str s, size_t width, bool is_last)
{
	add_text(b, s);
	for (size_t n = s.n; n < width && !is_last; n++)
		buf_add_char(b, ' ');
	buf_add(b, is_last ? S("\n") : S("  "));
}

/* All records have the members of the first. */
static void
table_begin(struct admin_output *out, struct buf *b)
{
	size_t *width = out->width, i;

	for (const struct admin_record *r = out->first; r; r = r->next) {
		i = 0;
		for (const struct admin_member *m = r->first;
		     m && i < ADMIN_COLUMNS_MAX; m = m->next, i++) {
			if (strlen(m->name) > width[i])
				width[i] = strlen(m->name);
			if (text_of(m).n > width[i])
				width[i] = text_of(m).n;
		}
	}
	i = 0;
	for (const struct admin_member *m = out->first ? out->first->first
						       : NULL;
	     m && i < ADMIN_COLUMNS_MAX; m = m->next, i++)
		add_padded(b, str_from(m->name), width[i], !m->next);
}

/* As wide as the first page wants it. */
static void
print_table(struct admin_output *out, struct buf *b)
{
	if (!out->is_begun)
		table_begin(out, b);
	for (const struct admin_record *r = out->first; r; r = r->next) {
		size_t i = 0;

		for (const struct admin_member *m = r->first;
		     m && i < ADMIN_COLUMNS_MAX; m = m->next, i++)
			add_padded(b, text_of(m), out->width[i], !m->next);
	}
}

static void
print_lines(const struct admin_output *out, struct buf *b)
{
	size_t width = 0;

	for (const struct admin_record *r = out->first; r; r = r->next)
		for (const struct admin_member *m = r->first; m; m = m->next)
			if (strlen(m->name) > width)
				width = strlen(m->name);
	for (const struct admin_record *r = out->first; r; r = r->next)
		for (const struct admin_member *m = r->first; m; m = m->next) {
			add_padded(b, str_from(m->name), width, false);
			add_padded(b, text_of(m), 0, true);
		}
}

static enum err
send(struct admin *ad, struct buf *b, struct error *e)
{
	struct str text;
	enum err err = buf_finish(b, &text, e);

	if (err)
		return err;
	if (ad->arena.sticky)
		return error_arena(e, &ad->arena);
	if ((text.n && fwrite(text.p, 1, text.n, stdout) != text.n) ||
	    fflush(stdout) != 0)
		return error_errno(e, ERR_IO, "standard output");
	return OK;
}

enum err
admin_list_flush(struct admin *ad, struct arena_mark mark, struct error *e)
{
	struct admin_output *out = &ad->out;
	struct buf b;
	enum err err;

	if (!out->first) {
		arena_rewind(&ad->arena, mark);
		return OK;
	}
	buf_init(&b, &ad->arena, OUTPUT_MAX_BYTES);
	if (ad->is_json)
		print_json_list(out, false, &b);
	else
		print_table(out, &b);
	err = send(ad, &b, e);
	out->first = out->last = NULL;
	out->n = 0;
	out->is_begun = true;
	arena_rewind(&ad->arena, mark);
	return err;
}

enum err
admin_print(struct admin *ad, struct error *e)
{
	struct admin_output *out = &ad->out;
	struct buf b;

	buf_init(&b, &ad->arena, OUTPUT_MAX_BYTES);
	if (out->raw.p)
		buf_add(&b, out->raw);
	else if (ad->is_json && out->is_list)
		print_json_list(out, true, &b);
	else if (ad->is_json)
		print_json(out, &b);
	else if (out->is_list)
		print_table(out, &b);
	else
		print_lines(out, &b);
	if (!ad->is_json)
		buf_add(&b, out->notes);
	return send(ad, &b, e);
}
