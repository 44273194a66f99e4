/* SPDX-License-Identifier: MIT */
#include "base/json_scan.h"
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
 * The event without its usage member, when its data is one line of raw:
 * from the comma before it, or to the comma behind it if it is the first.
 */
static struct str
without_usage(struct openai_stream *st, const struct chunk *c, struct str raw)
{
	size_t i = c->usage_at;
	const char *from = c->usage->name.p - 1;
	const char *to = c->usage->value.p + c->usage->value.n;

	if (from < raw.p || to > raw.p + raw.n)
		return raw;
	if (i > 0)
		from = c->members[i - 1].value.p + c->members[i - 1].value.n;
	else if (c->scan.n_members > 1)
		to = c->members[1].name.p - 1;
	buf_reset(&st->scratch);
	buf_add(&st->scratch, str_make(raw.p, (size_t)(from - raw.p)));
	buf_add(&st->scratch, str_make(to, (size_t)(raw.p + raw.n - to)));
	return buf_str(&st->scratch);
}

static void
hide_usage(struct openai_stream *st, const struct chunk *c, size_t n_choices,
    struct openai_out *out)
{
	if (!c->usage || c->error)
		return;
	if (c->usage->kind == JSON_NULL)
		out->raw = without_usage(st, c, out->raw);
	else if (n_choices == 0)
		out->pass = OPENAI_HIDE;
}

static void
read_chunk(struct openai_stream *st, const struct chunk *c,
    struct openai_out *out)
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
	if (st->hides_usage)
		hide_usage(st, c, choices.n, out);
}

enum err
openai_stream_event(struct openai_stream *st, const struct sse_event *ev,
    struct openai_out *ret, struct error *e)
{
	struct openai_out out = { .pass = OPENAI_PASS, .raw = ev->raw };
	struct chunk c;

	if (!ev->has_data) {
		*ret = out;
		return OK;
	}
	st->n_events++;
	if (str_eq(str_trim(ev->data), S("[DONE]"))) {
		st->is_done = true;
		out.pass = OPENAI_FINISH;
	} else if (chunk_read(&c, ev->data)) {
		read_chunk(st, &c, &out);
	} else {
		st->is_garbage = true;
		out.is_garbage = true;
		out.pass = OPENAI_HIDE;
	}
	if (st->scratch.sticky)
		return error_set(e, st->scratch.sticky, "no room for an event");
	if (st->a->sticky)
		return error_arena(e, st->a);
	*ret = out;
	return OK;
}
