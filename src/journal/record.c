/* SPDX-License-Identifier: MIT */
#include "journal/record.h"

#include <string.h>

#include "base/crc32.h"

/* Where the next member goes; the caller's memory is large enough. */
struct out {
	uint8_t *p;
	size_t n;
};

static void
put(struct out *o, uint64_t v, size_t n_bytes)
{
	for (size_t i = 0; i < n_bytes; i++)
		o->p[o->n++] = (uint8_t)(v >> (8 * i));
}

static void
put_u64(struct out *o, uint64_t v)
{
	put(o, v, 8);
}

static void
put_i64(struct out *o, int64_t v)
{
	put(o, (uint64_t)v, 8);
}

static void
put_id(struct out *o, const struct uuid7 *id)
{
	memcpy(o->p + o->n, id->b, UUID7_BYTES);
	o->n += UUID7_BYTES;
}

/* One byte of length and the text, cut to max bytes before a character. */
static void
put_text(struct out *o, struct str s, size_t max)
{
	size_t n = s.n;

	if (n > max) {
		n = max;
		while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--;
	}
	o->p[o->n++] = (uint8_t)n;
	if (n > 0)
		memcpy(o->p + o->n, s.p, n);
	o->n += n;
}

/* What is left to read; is_bad sticks. */
struct in {
	const uint8_t *p;
	size_t n;
	bool is_bad;
};

static struct in
in_from(struct str payload)
{
	return (struct in){ (const uint8_t *)payload.p, payload.n, false };
}

static uint64_t
get(struct in *in, size_t n_bytes)
{
	uint64_t v = 0;

	if (in->n < n_bytes) {
		in->is_bad = true;
		return 0;
	}
	for (size_t i = 0; i < n_bytes; i++)
		v |= (uint64_t)in->p[i] << (8 * i);
	in->p += n_bytes;
	in->n -= n_bytes;
	return v;
}

static uint64_t
get_u64(struct in *in)
{
	return get(in, 8);
}

static int64_t
get_i64(struct in *in)
{
	return (int64_t)get(in, 8);
}

static void
get_id(struct in *in, struct uuid7 *ret)
{
	if (in->n < UUID7_BYTES) {
		in->is_bad = true;
		return;
	}
	memcpy(ret->b, in->p, UUID7_BYTES);
	in->p += UUID7_BYTES;
	in->n -= UUID7_BYTES;
}

static struct str
get_text(struct in *in, size_t max)
{
	size_t n = get(in, 1);
	struct str s = { (const char *)in->p, n };

	if (in->is_bad || n > max || in->n < n) {
		in->is_bad = true;
		return (struct str){ NULL, 0 };
	}
	in->p += n;
	in->n -= n;
	return s;
}

static void
put_rate(struct out *o, const struct journal_rate *r)
{
	put_i64(o, r->in_pusd);
	put_i64(o, r->out_pusd);
	put_i64(o, r->request_pusd);
}

static void
get_rate(struct in *in, struct journal_rate *ret)
{
	ret->in_pusd = get_i64(in);
	ret->out_pusd = get_i64(in);
	ret->request_pusd = get_i64(in);
}

/* Bits of the open's flags on disk. */
#define OPEN_STREAM 1u
#define OPEN_LONG   2u

size_t
journal_encode_open(const struct journal_open *r, uint8_t *ret)
{
	struct out o = { ret, 0 };
	unsigned flags = 0;

	flags |= r->is_stream ? OPEN_STREAM : 0;
	flags |= r->is_long ? OPEN_LONG : 0;
	put_id(&o, &r->request_id);
	put_i64(&o, r->start_ms);
	put_u64(&o, r->customer_id);
	put_u64(&o, r->project_id);
	put_u64(&o, r->user_id);
	put_u64(&o, r->api_key_id);
	put_u64(&o, r->model_id);
	put_u64(&o, r->provider_id);
	put_u64(&o, r->deployment_id);
	put_u64(&o, r->agent_id);
	put_u64(&o, r->connector_id);
	put_u64(&o, r->price_version_id);
	put(&o, r->markup_ppm, 4);
	put_u64(&o, r->prompt_tok);
	put_i64(&o, r->hold_pusd);
	put(&o, flags, 1);
	put_rate(&o, &r->price);
	put_rate(&o, &r->provider_price);
	put_text(&o, r->model_requested, JOURNAL_MODEL_MAX);
	put_text(&o, r->provider_used, JOURNAL_PROVIDER_MAX);
	put(&o, r->n_budgets, 1);
	for (unsigned i = 0; i < r->n_budgets; i++)
		put(&o, r->budget_id[i], 4);
	return o.n;
}

/* Payloads of before there were budgets end before them. */
static void
get_budgets(struct in *in, struct journal_open *ret)
{
	ret->n_budgets = in->n ? (unsigned)get(in, 1) : 0;
	if (ret->n_budgets > JOURNAL_BUDGETS_MAX) {
		in->is_bad = true;
		return;
	}
	for (unsigned i = 0; i < ret->n_budgets; i++)
		ret->budget_id[i] = (uint32_t)get(in, 4);
}

bool
journal_decode_open(struct str payload, struct journal_open *ret)
{
	struct in in = in_from(payload);
	unsigned flags;

	get_id(&in, &ret->request_id);
	ret->start_ms = get_i64(&in);
	ret->customer_id = get_u64(&in);
	ret->project_id = get_u64(&in);
	ret->user_id = get_u64(&in);
	ret->api_key_id = get_u64(&in);
	ret->model_id = get_u64(&in);
	ret->provider_id = get_u64(&in);
	ret->deployment_id = get_u64(&in);
	ret->agent_id = get_u64(&in);
	ret->connector_id = get_u64(&in);
	ret->price_version_id = get_u64(&in);
	ret->markup_ppm = (uint32_t)get(&in, 4);
	ret->prompt_tok = get_u64(&in);
	ret->hold_pusd = get_i64(&in);
	flags = (unsigned)get(&in, 1);
	ret->is_stream = (flags & OPEN_STREAM) != 0;
	ret->is_long = (flags & OPEN_LONG) != 0;
	get_rate(&in, &ret->price);
	get_rate(&in, &ret->provider_price);
	ret->model_requested = get_text(&in, JOURNAL_MODEL_MAX);
	ret->provider_used = get_text(&in, JOURNAL_PROVIDER_MAX);
	get_budgets(&in, ret);
	return !in.is_bad;
}

/* Bits of the progress's flags on disk. */
#define PROGRESS_OUTPUT  1u
#define PROGRESS_COUNTED 2u

size_t
journal_encode_progress(const struct journal_progress *r, uint8_t *ret)
{
	struct out o = { ret, 0 };
	unsigned flags = 0;

	flags |= r->has_output ? PROGRESS_OUTPUT : 0;
	flags |= r->is_counted ? PROGRESS_COUNTED : 0;
	put_id(&o, &r->request_id);
	put_u64(&o, r->delivered_tok);
	put(&o, flags, 1);
	if (r->is_counted)
		put_u64(&o, r->prompt_tok);
	return o.n;
}

bool
journal_decode_progress(struct str payload, struct journal_progress *ret)
{
	struct in in = in_from(payload);
	unsigned flags;

	get_id(&in, &ret->request_id);
	ret->delivered_tok = get_u64(&in);
	flags = (unsigned)get(&in, 1);
	ret->has_output = (flags & PROGRESS_OUTPUT) != 0;
	ret->is_counted = (flags & PROGRESS_COUNTED) != 0;
	ret->prompt_tok = ret->is_counted ? get_u64(&in) : 0;
	return !in.is_bad;
}

/* The counts that are not 0, behind a bit mask of which those are. */
static void
put_tok(struct out *o, const struct journal_settle *r)
{
	const uint64_t *tok = &r->tok[0][0];
	unsigned n_tok = TOK_CONTEXT__MAX * TOK_CLASS__MAX;
	unsigned mask = 0;

	for (unsigned i = 0; i < n_tok; i++)
		mask |= tok[i] != 0 ? 1u << i : 0;
	put(o, mask, 2);
	for (unsigned i = 0; i < n_tok; i++) {
		if (tok[i] != 0)
			put_u64(o, tok[i]);
	}
}

static void
get_tok(struct in *in, struct journal_settle *ret)
{
	uint64_t *tok = &ret->tok[0][0];
	unsigned n_tok = TOK_CONTEXT__MAX * TOK_CLASS__MAX;
	unsigned mask = (unsigned)get(in, 2);

	_Static_assert(TOK_CONTEXT__MAX * TOK_CLASS__MAX <= 16, "16-bit mask");
	for (unsigned i = 0; i < n_tok; i++)
		tok[i] = (mask & 1u << i) != 0 ? get_u64(in) : 0;
}

size_t
journal_encode_settle(const struct journal_settle *r, uint8_t *ret)
{
	struct out o = { ret, 0 };

	put_id(&o, &r->request_id);
	put_i64(&o, r->latency_ms);
	put_i64(&o, r->ttft_ms);
	put_tok(&o, r);
	put_i64(&o, r->cost_pusd);
	put_i64(&o, r->provider_cost_pusd);
	put(&o, r->status, 1);
	put(&o, r->source, 1);
	put(&o, r->attempts, 4);
	put(&o, r->flags, 4);
	put(&o, r->is_unpriced, 1);
	put_u64(&o, r->provider_id);
	put_u64(&o, r->deployment_id);
	put_u64(&o, r->price_version_id);
	put_text(&o, r->provider_used, JOURNAL_PROVIDER_MAX);
	put_text(&o, r->error_code, JOURNAL_CODE_MAX);
	put_text(&o, r->refuse_reason, JOURNAL_REASON_MAX);
	put_i64(&o, r->hold_pusd);
	return o.n;
}

bool
journal_decode_settle(struct str payload, struct journal_settle *ret)
{
	struct in in = in_from(payload);
	uint64_t status, source;

	get_id(&in, &ret->request_id);
	ret->latency_ms = get_i64(&in);
	ret->ttft_ms = get_i64(&in);
	get_tok(&in, ret);
	ret->cost_pusd = get_i64(&in);
	ret->provider_cost_pusd = get_i64(&in);
	status = get(&in, 1);
	source = get(&in, 1);
	ret->attempts = (uint32_t)get(&in, 4);
	ret->flags = (uint32_t)get(&in, 4);
	ret->is_unpriced = get(&in, 1) != 0;
	ret->provider_id = get_u64(&in);
	ret->deployment_id = get_u64(&in);
	ret->price_version_id = get_u64(&in);
	ret->provider_used = get_text(&in, JOURNAL_PROVIDER_MAX);
	ret->error_code = get_text(&in, JOURNAL_CODE_MAX);
	ret->refuse_reason = get_text(&in, JOURNAL_REASON_MAX);
	ret->hold_pusd = in.n ? get_i64(&in) : 0;
	if (in.is_bad || status >= USAGE_STATUS__MAX ||
	    source >= USAGE_FROM__MAX)
		return false;
	ret->status = (enum usage_status)status;
	ret->source = (enum usage_source)source;
	return true;
}

size_t
journal_encode_refuse(const struct journal_refuse *r, uint8_t *ret)
{
	struct out o = { ret, 0 };

	put_i64(&o, r->time_ms);
	put_u64(&o, r->customer_id);
	put_u64(&o, r->api_key_id);
	put_u64(&o, r->model_id);
	put_text(&o, r->reason, JOURNAL_REASON_MAX);
	return o.n;
}

bool
journal_decode_refuse(struct str payload, struct journal_refuse *ret)
{
	struct in in = in_from(payload);

	ret->time_ms = get_i64(&in);
	ret->customer_id = get_u64(&in);
	ret->api_key_id = get_u64(&in);
	ret->model_id = get_u64(&in);
	ret->reason = get_text(&in, JOURNAL_REASON_MAX);
	return !in.is_bad;
}

/* Offsets in the frame. */
enum {
	FRAME_LEN = 4,
	FRAME_TYPE = 6,
	FRAME_TAG = 8
};

size_t
journal_frame(uint8_t *rec, enum journal_type type, size_t payload_bytes,
    uint64_t tag)
{
	size_t total = journal_record_bytes(payload_bytes);
	size_t used = JOURNAL_FRAME_BYTES + payload_bytes;
	struct out o = { rec, FRAME_LEN };

	put(&o, payload_bytes, 2);
	put(&o, type, 1);
	put(&o, 0, 1);
	put_u64(&o, tag);
	memset(rec + used, 0, total - used);
	o.n = 0;
	put(&o, crc32c(rec + FRAME_LEN, total - FRAME_LEN), 4);
	return total;
}

size_t
journal_unframe(const uint8_t *p, size_t n, uint64_t tag,
    enum journal_type *ret_type, struct str *ret_payload)
{
	struct in in = { p, n, false };
	uint64_t crc, len, type, zero;
	size_t total;

	if (n < JOURNAL_FRAME_BYTES)
		return 0;
	crc = get(&in, 4);
	len = get(&in, 2);
	type = get(&in, 1);
	zero = get(&in, 1);
	if (get_u64(&in) != tag || len > JOURNAL_PAYLOAD_MAX || zero != 0 ||
	    type < JOURNAL_OPEN || type > JOURNAL_END)
		return 0;
	total = journal_record_bytes(len);
	if (n < total || crc32c(p + FRAME_LEN, total - FRAME_LEN) != crc)
		return 0;
	*ret_type = (enum journal_type)type;
	*ret_payload = (struct str){ (const char *)in.p, len };
	return total;
}
