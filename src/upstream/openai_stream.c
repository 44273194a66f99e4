/* SPDX-License-Identifier: MIT */
#include "base/json_scan.h"
#include "upstream/event.h"
#include "upstream/openai.h"
#include "upstream/openai_text.h"

/* Chunks have about eight members; what lies beyond is passed on unread. */
#define CHUNK_MEMBERS_MAX 24

/* The members of one chunk that matter here. */
struct chunk {
	struct json_scan scan;
	struct json_member members[CHUNK_MEMBERS_MAX];
	const struct json_member *usage, *choices, *error;
	size_t usage_at; /* index of usage */
};

void
openai_stream_init(struct openai_stream *st, struct arena *a, bool hides_usage,
    const struct tokenizer *t)
{
	*st = (struct openai_stream){ .a = a, .hides_usage = hides_usage };
	openai_texts_init(&st->texts, a, t);
	/* An event and what is cut out of it; the event itself is bounded. */
	buf_init(&st->scratch, a, SIZE_MAX / 4);
	buf_init(&st->trimmed, a, SIZE_MAX / 4);
}

static bool
chunk_read(struct chunk *c, struct str data)
{
	c->scan = (struct json_scan){
		.depth_max = JSON_SCAN_DEPTH_MAX,
		.members = c->members,
		.members_cap = CHUNK_MEMBERS_MAX,
	};
	c->usage = c->choices = c->error = NULL;
	if (!json_scan(&c->scan, data) || c->scan.kind != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < c->scan.n_members && i < CHUNK_MEMBERS_MAX;
	     i++) {
		const struct json_member *m = &c->members[i];

		if (str_eq(m->name, S("usage"))) {
			c->usage = m;
			c->usage_at = i;
		} else if (str_eq(m->name, S("choices"))) {
			c->choices = m;
		} else if (str_eq(m->name, S("error"))) {
			c->error = m;
		}
	}
	return true;
}

/*
 * `text`, which the chunk was read from or lies in, without its usage member:
 * from the comma before it, or to the comma behind it if it is the first.
 */
static struct str
without_usage(struct buf *b, const struct chunk *c, struct str text)
{
	size_t i = c->usage_at;
	const char *from = c->usage->name.p - 1;
	const char *to = c->usage->value.p + c->usage->value.n;

	if (i > 0)
		from = c->members[i - 1].value.p + c->members[i - 1].value.n;
	else if (c->scan.n_members > 1)
		to = c->members[1].name.p - 1;
	buf_reset(b);
	buf_add(b, str_make(text.p, (size_t)(from - text.p)));
	buf_add(b, str_make(to, (size_t)(text.p + text.n - to)));
	return buf_str(b);
}

/* Whether the event's bytes are those of its data and nothing else. */
static bool
is_plain(const struct sse_event *ev)
{
	return !ev->has_fields && ev->name.n == 0 && ev->data.p >= ev->raw.p &&
	       ev->data.p + ev->data.n <= ev->raw.p + ev->raw.n;
}

static void
hide_usage(struct openai_stream *st, const struct chunk *c, size_t n_choices,
    const struct sse_event *ev, struct openai_out *out)
{
	if (!c->usage || c->error)
		return;
	if (c->usage->kind != JSON_NULL) {
		if (n_choices == 0)
			out->pass = OPENAI_HIDE;
	} else if (is_plain(ev)) {
		out->raw = without_usage(&st->scratch, c, ev->raw);
	} else {
		out->data = without_usage(&st->trimmed, c, ev->data);
	}
}

static void
read_chunk(struct openai_stream *st, const struct chunk *c,
    const struct sse_event *ev, struct openai_out *out)
{
	struct openai_choices choices = { 0 };

	if (c->error && c->error->kind != JSON_NULL) {
		st->is_error = true;
		out->is_error = true;
	}
	if (c->choices && c->choices->kind == JSON_ARRAY)
		openai_choices_read(c->choices->value,
		    st->texts.t && !st->is_unheard ? openai_texts_add : NULL,
		    &st->texts, &choices);
	if (!st->is_unheard)
		st->texts.n_bytes += choices.text_bytes;
	if (choices.has_finish)
		st->is_finished = true;
	if (c->usage && usage_read_openai(c->usage->value, &st->usage))
		st->has_usage = true;
	else if (c->usage && c->usage->kind != JSON_NULL)
		st->has_bad_usage = true;
	/* With choices it is a sum so far, as some servers add to each chunk. */
	if (c->usage && c->usage->kind != JSON_NULL && choices.n == 0) {
		st->is_usage_repeated |= st->has_last_usage;
		st->has_last_usage = true;
	}
	if (st->hides_usage)
		hide_usage(st, c, choices.n, ev, out);
}

/* "[DONE]", a chunk, or garbage. */
static void
read_untyped(struct openai_stream *st, const struct sse_event *ev,
    struct openai_out *out)
{
	struct chunk c;

	if (str_eq(str_trim(ev->data), S("[DONE]"))) {
		st->is_done = true;
		out->pass = OPENAI_FINISH;
	} else if (chunk_read(&c, ev->data)) {
		read_chunk(st, &c, ev, out);
	} else {
		out->is_garbage = true;
	}
}

/* ---- events with a type ---- */

struct json_member
event_member(const struct event *ev, struct str name)
{
	struct json_member found = { .kind = JSON_NONE };

	for (size_t i = 0; i < ev->scan.n_members && i < EVENT_MEMBERS_MAX; i++)
		if (str_eq(ev->members[i].name, name))
			found = ev->members[i];
	return found;
}

void
event_text(struct openai_stream *st, enum openai_text_kind kind,
    uint64_t choice, uint64_t call, const struct json_member *m)
{
	struct openai_finder f = event_finder(st, choice);

	openai_found(&f, kind, call, m);
	event_found(st, &f);
}

struct openai_finder
event_finder(struct openai_stream *st, uint64_t choice)
{
	return (struct openai_finder){
		.on_text = st->texts.t && !st->is_unheard ? openai_texts_add
							  : NULL,
		.ctx = &st->texts,
		.choice = choice,
	};
}

void
event_found(struct openai_stream *st, const struct openai_finder *f)
{
	if (!st->is_unheard)
		st->texts.n_bytes += f->text_bytes;
}

/* Of the letters that such names have, so that it can stand in a line. */
static struct str
plain_type(const struct json_member *m)
{
	struct str type = { NULL, 0 };

	if (m->kind != JSON_STRING)
		return type;
	type = str_make(m->value.p + 1, m->value.n - 2);
	for (size_t i = 0; i < type.n; i++)
		if (type.p[i] != '_' && type.p[i] != '.' &&
		    (type.p[i] < 'a' || type.p[i] > 'z'))
			return (struct str){ NULL, 0 };
	return type;
}

static bool
event_read(struct event *ev, struct str data)
{
	struct json_member type;

	ev->scan = (struct json_scan){
		.depth_max = JSON_SCAN_DEPTH_MAX,
		.members = ev->members,
		.members_cap = EVENT_MEMBERS_MAX,
	};
	if (!json_scan(&ev->scan, data) || ev->scan.kind != JSON_OBJECT)
		return false;
	ev->json = str_make(ev->scan.inner.p - 1, ev->scan.inner.n + 2);
	type = event_member(ev, S("type"));
	ev->type = plain_type(&type);
	return true;
}

/* Returns the event's type. Some servers end with [DONE] here, too; it says
 * nothing that the event before it did not. */
static struct str
read_typed(struct openai_stream *st, const struct sse_event *sse, event_fn *fn,
    struct openai_out *out)
{
	struct event ev;

	if (str_eq(str_trim(sse->data), S("[DONE]"))) {
		out->pass = st->is_done ? OPENAI_HIDE : OPENAI_FINISH;
		st->is_done = true;
	} else if (event_read(&ev, sse->data)) {
		fn(st, &ev, out);
		return ev.type;
	} else {
		out->is_garbage = true;
	}
	return (struct str){ NULL, 0 };
}

/* ---- what goes on ---- */

static void
add_data_lines(struct buf *b, struct str data)
{
	struct str line;

	buf_add(b, S("data: "));
	while (str_split(&data, '\n', &line)) {
		buf_add(b, line);
		buf_add(b, data.p ? S("\ndata: ") : S("\n"));
	}
}

/* The event anew, from what was understood of it. */
static struct str
written_anew(struct openai_stream *st, struct str name, struct str data)
{
	struct buf *b = &st->scratch;

	buf_reset(b);
	if (name.n) {
		buf_add(b, S("event: "));
		buf_add(b, name);
		buf_add(b, S("\n"));
	}
	add_data_lines(b, data);
	buf_add(b, S("\n"));
	return buf_str(b);
}

static void
read_event(struct openai_stream *st, const struct sse_event *ev,
    struct openai_out *out)
{
	struct str type = { NULL, 0 };

	switch (st->op) {
	case WIRE_RESPONSE:
		type = read_typed(st, ev, responses_event, out);
		break;
	case WIRE_MESSAGE:
		type = read_typed(st, ev, anthropic_event, out);
		break;
	case WIRE_CHAT:
	case WIRE_COMPLETION:
	case WIRE_EMBEDDING:
	case WIRE_COUNT:
	case WIRE_GENERATE:
	case WIRE_OP__MAX:
		read_untyped(st, ev, out);
		break;
	}
	if (out->is_garbage) {
		st->is_garbage = true;
		out->pass = OPENAI_HIDE;
	}
	if (out->pass != OPENAI_HIDE &&
	    (ev->has_fields || !str_eq(ev->name, type) ||
		out->data.p != ev->data.p))
		out->raw = written_anew(st, type, out->data);
}

enum err
openai_stream_event(struct openai_stream *st, const struct sse_event *ev,
    struct openai_out *ret, struct error *e)
{
	struct openai_out out = { .pass = OPENAI_PASS,
		.raw = ev->raw,
		.data = ev->data };

	if (ev->has_data) {
		st->n_events++;
		read_event(st, ev, &out);
	} else if (ev->has_fields || ev->name.n) {
		out.pass = OPENAI_HIDE; /* it would mean nothing, or "retry" */
	}
	if (st->scratch.sticky || st->trimmed.sticky)
		return error_set(e,
		    st->scratch.sticky ? st->scratch.sticky
				       : st->trimmed.sticky,
		    "no room for an event");
	if (st->a->sticky)
		return error_arena(e, st->a);
	*ret = out;
	return OK;
}
