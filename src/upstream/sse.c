/* SPDX-License-Identifier: MIT */
#include "upstream/sse.h"

#include <string.h>

void
sse_init(struct sse *s, struct arena *a, size_t event_max_bytes,
    sse_event_fn *fn, void *ctx)
{
	*s = (struct sse){
		.a = a,
		.fn = fn,
		.ctx = ctx,
		.event_max_bytes = event_max_bytes,
		.is_line_start = true,
	};
	buf_init(&s->held, a, event_max_bytes);
	buf_init(&s->joined, a, event_max_bytes);
}

/* First CR or LF from p, or end. */
static const char *
line_end(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));
	const char *stop = lf ? lf : end;
	const char *cr = memchr(p, '\r', (size_t)(stop - p));

	return cr ? cr : stop;
}

/*
 * Look for the blank line that ends an event. Returns the place behind it,
 * or NULL when it is not in p..end; where the search stands is kept in s.
 */
static const char *
event_end(struct sse *s, const char *p, const char *end)
{
	while (p < end) {
		if (s->after_cr) {
			s->after_cr = false;
			if (*p == '\n') {
				p++;
				continue;
			}
		}
		if (*p != '\n' && *p != '\r') {
			s->is_line_start = false;
			p = line_end(p, end);
			continue;
		}
		if (!s->is_line_start) {
			s->is_line_start = true;
			s->after_cr = *p++ == '\r';
			continue;
		}
		/* A LF that belongs to this CR may not be here yet; it then
		 * goes out in front of the next event. */
		if (*p == '\r' && end - p > 1 && p[1] == '\n')
			return p + 2;
		s->after_cr = *p == '\r';
		return p + 1;
	}
	return NULL;
}

/* Value behind "field:" and one space, if line has that field. */
static bool
field_value(struct str line, struct str field, struct str *ret)
{
	if (!str_starts(line, field))
		return false;
	line = str_skip(line, field.n);
	if (line.n && *line.p != ':')
		return false;
	line = str_skip(line, 1);
	*ret = str_skip(line, line.n && *line.p == ' ' ? 1 : 0);
	return true;
}

static void
add_data(struct sse *s, struct sse_event *ev, struct str value)
{
	if (!ev->has_data) {
		ev->has_data = true;
		ev->data = value;
		return;
	}
	if (s->joined.n == 0)
		buf_add(&s->joined, ev->data);
	buf_add_char(&s->joined, '\n');
	buf_add(&s->joined, value);
	ev->data = buf_str(&s->joined);
}

static void
read_line(struct sse *s, struct sse_event *ev, struct str line)
{
	struct str value;

	if (line.n == 0 || *line.p == ':')
		return;
	if (field_value(line, S("data"), &value)) {
		add_data(s, ev, value);
	} else if (field_value(line, S("event"), &value)) {
		ev->has_fields = ev->has_fields || ev->name.p;
		ev->name = value;
	} else {
		ev->has_fields = true;
	}
}

static enum err
dispatch(struct sse *s, struct str raw, bool is_cut, struct error *e)
{
	struct sse_event ev = { .raw = raw, .is_cut = is_cut };
	const char *p = raw.p, *end = raw.p + raw.n;

	if (raw.n > s->event_max_bytes)
		return error_set(e, ERR_UPSTREAM, "an event of %zu bytes",
		    raw.n);
	if (!s->is_begun && raw.n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	s->is_begun = true;
	buf_reset(&s->joined);
	while (p < end) {
		const char *stop = line_end(p, end);

		read_line(s, &ev, str_make(p, (size_t)(stop - p)));
		p = stop < end ? stop + 1 : stop;
	}
	if (s->joined.sticky)
		return error_set(e, s->joined.sticky, "event of %zu bytes",
		    raw.n);
	return s->fn(s->ctx, &ev, e);
}

static enum err
hold(struct sse *s, struct str part, struct error *e)
{
	buf_add(&s->held, part);
	if (s->held.sticky == ERR_TOO_LARGE)
		return error_set(e, ERR_UPSTREAM,
		    "an event of more than %zu bytes", s->event_max_bytes);
	if (s->held.sticky)
		return error_set(e, s->held.sticky, "no room for an event");
	return OK;
}

enum err
sse_feed(struct sse *s, struct str chunk, struct error *e)
{
	const char *p = chunk.p, *end = chunk.p + chunk.n;

	while (p < end) {
		const char *stop = event_end(s, p, end);
		struct str part = str_make(p,
		    (size_t)((stop ? stop : end) - p));
		enum err err;

		if (!stop)
			return hold(s, part, e);
		p = stop;
		if (s->held.n) {
			err = hold(s, part, e);
			if (err)
				return err;
			part = buf_str(&s->held);
		}
		err = dispatch(s, part, false, e);
		if (err)
			return err;
		buf_reset(&s->held);
		s->is_line_start = true;
	}
	return OK;
}

enum err
sse_finish(struct sse *s, struct error *e)
{
	struct str rest = buf_str(&s->held);
	enum err err = OK;

	for (size_t i = 0; i < rest.n; i++) {
		if (rest.p[i] == '\n' || rest.p[i] == '\r')
			continue;
		err = dispatch(s, rest, true, e);
		break;
	}
	buf_reset(&s->held);
	return err;
}
