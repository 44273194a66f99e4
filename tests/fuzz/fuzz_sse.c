/* SPDX-License-Identifier: MIT */
/* Event streams: cut anywhere, they give the same events, and their raw
 * bytes are the stream's. The first byte of the input says how to cut. */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/crc32.h"
#include "upstream/openai.h"

struct seen {
	struct openai_stream st;
	struct buf raw;
	uint32_t sum; /* over names, data and flags */
	unsigned n_events;
};

static enum err
on_event(void *ctx, const struct sse_event *ev, struct error *e)
{
	struct seen *seen = ctx;
	uint32_t parts[4] = { seen->sum, crc32c(ev->data.p, ev->data.n),
		crc32c(ev->name.p, ev->name.n),
		(uint32_t)ev->has_data << 1 | ev->is_cut };
	struct openai_out out;

	seen->sum = crc32c(parts, sizeof(parts));
	seen->n_events++;
	buf_add(&seen->raw, ev->raw);
	ASSERT(openai_stream_event(&seen->st, ev, &out, e) == OK);
	/* What is written anew has a blank behind each "data:". */
	ASSERT(out.raw.n <= 2 * ev->raw.n);
	return OK;
}

static void
feed(struct arena *a, struct str text, size_t step, struct seen *seen)
{
	struct error e;
	struct sse sse;

	*seen = (struct seen){ .n_events = 0 };
	openai_stream_init(&seen->st, a, true, fuzz_bytes());
	buf_init(&seen->raw, a, MIB(1));
	sse_init(&sse, a, MIB(1), on_event, seen);
	for (size_t at = 0; at < text.n; at += step) {
		size_t n = text.n - at < step ? text.n - at : step;

		ASSERT(sse_feed(&sse, str_make(text.p + at, n), &e) == OK);
	}
	ASSERT(sse_finish(&sse, &e) == OK);
}

/* Line ends behind the last event belong to none. */
static struct str
without_end(struct str s)
{
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* A token a byte. */
static void
check_count(struct openai_texts *texts)
{
	struct openai_count n = openai_texts_count(texts);

	ASSERT(n.is_counted ? n.tok == texts->n_bytes
			    : texts->n == OPENAI_TEXTS_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen whole, cut;
	struct arena a;
	struct str text;

	if (n < 1 || n > 60000)
		return 0;
	text = str_make((const char *)p + 1, n - 1);
	arena_init(&a, MIB(16));
	feed(&a, text, text.n ? text.n : 1, &whole);
	feed(&a, text, 1 + p[0] % 32, &cut);
	ASSERT(whole.sum == cut.sum && whole.n_events == cut.n_events);
	ASSERT(str_eq(without_end(buf_str(&whole.raw)), without_end(text)));
	ASSERT(str_eq(without_end(buf_str(&cut.raw)), without_end(text)));
	ASSERT(whole.st.texts.n_bytes == cut.st.texts.n_bytes);
	check_count(&whole.st.texts);
	check_count(&cut.st.texts);
	ASSERT(whole.st.has_usage == cut.st.has_usage);
	arena_fini(&a);
	return 0;
}
