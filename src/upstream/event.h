/* SPDX-License-Identifier: MIT */
/* Events whose data has a "type": OpenAI's responses, Anthropic's messages.
 * Within upstream/. */
#ifndef TG_UPSTREAM_EVENT_H
#define TG_UPSTREAM_EVENT_H

#include "base/json_scan.h"
#include "upstream/openai.h"
#include "upstream/openai_text.h"

/* They have five members or so; what lies beyond is passed on unread. */
#define EVENT_MEMBERS_MAX 24

struct event {
	struct json_scan scan;
	struct json_member members[EVENT_MEMBERS_MAX];
	struct str json; /* the object */
	struct str type; /* without quotes; empty: none, or an odd one */
};

/** The last member of that name; kind JSON_NONE: there is none. */
struct json_member event_member(const struct event *ev, struct str name);

/** A text has come: it counts as delivered unless the client has left. */
void event_text(struct openai_stream *st, enum openai_text_kind kind,
    uint64_t choice, uint64_t call, const struct json_member *m);
/** The same for what a finder finds; begin, let it find, end. */
struct openai_finder event_finder(struct openai_stream *st, uint64_t choice);
void event_found(struct openai_stream *st, const struct openai_finder *f);

/** What an event means for the stream. */
typedef void event_fn(struct openai_stream *st, const struct event *ev,
    struct openai_out *out);
event_fn responses_event;
event_fn anthropic_event;

#endif
