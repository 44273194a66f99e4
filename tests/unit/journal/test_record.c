/* SPDX-License-Identifier: MIT */
#include "support/cmocka_tg.h"

#include "journal/record.h"
#include "unit/journal/rig.h"

static struct str
text_of(char *p, size_t n, char c)
{
	memset(p, c, n);
	return str_make(p, n);
}

static void
open__all_members__come_back(void **state)
{
	uint8_t p[JOURNAL_PAYLOAD_MAX];
	struct journal_open in = rig_open(77), out;
	size_t n;

	(void)state;
	in.project_id = 12;
	in.agent_id = 18;
	in.connector_id = UINT64_MAX;
	in.hold_pusd = -1;
	in.n_budgets = 3;
	in.budget_id[0] = 41;
	in.budget_id[2] = UINT32_MAX;
	in.is_long = true;
	in.provider_price = (struct journal_rate){ -1, INT64_MAX, INT64_MIN };
	n = journal_encode_open(&in, p);

	assert_true(journal_decode_open(str_make((char *)p, n), &out));
	assert_memory_equal(&out.request_id, &in.request_id, 16);
	assert_int_equal(out.start_ms, in.start_ms);
	assert_int_equal(out.customer_id, 11);
	assert_int_equal(out.project_id, 12);
	assert_int_equal(out.user_id, 13);
	assert_int_equal(out.api_key_id, 14);
	assert_int_equal(out.model_id, 15);
	assert_int_equal(out.provider_id, 16);
	assert_int_equal(out.deployment_id, 17);
	assert_int_equal(out.agent_id, 18);
	assert_true(out.connector_id == UINT64_MAX);
	assert_int_equal(out.price_version_id, 20);
	assert_int_equal(out.markup_ppm, 1000000);
	assert_int_equal(out.prompt_tok, 77);
	assert_int_equal(out.hold_pusd, -1);
	assert_int_equal(out.n_budgets, 3);
	assert_int_equal(out.budget_id[0], 41);
	assert_int_equal(out.budget_id[1], 0);
	assert_true(out.budget_id[2] == UINT32_MAX);
	assert_true(out.is_stream);
	assert_true(out.is_long);
	assert_memory_equal(&out.price, &in.price, sizeof(in.price));
	assert_memory_equal(&out.provider_price, &in.provider_price,
	    sizeof(in.provider_price));
	assert_str_is(out.model_requested, "gpt2-mini");
	assert_str_is(out.provider_used, "local");
}

static void
settle__all_members__come_back(void **state)
{
	uint8_t p[JOURNAL_PAYLOAD_MAX];
	struct journal_settle in = rig_settle(5), out;
	size_t n;

	(void)state;
	in.tok[TOK_LONG][TOK_OUT_IMAGE] = UINT64_MAX;
	in.status = USAGE_CLIENT_CLOSED;
	in.source = USAGE_FROM_ESTIMATE;
	in.flags = JOURNAL_FLAG_OVER_LIMIT;
	in.is_unpriced = true;
	in.hold_pusd = 99;
	in.provider_id = 1;
	in.deployment_id = 2;
	in.price_version_id = 3;
	in.provider_used = S("p");
	in.error_code = S("client_closed");
	in.refuse_reason = S("rate_limit_exceeded");
	n = journal_encode_settle(&in, p);

	assert_true(journal_decode_settle(str_make((char *)p, n), &out));
	assert_memory_equal(&out.request_id, &in.request_id, 16);
	assert_memory_equal(out.tok, in.tok, sizeof(in.tok));
	assert_int_equal(out.latency_ms, 120);
	assert_int_equal(out.ttft_ms, -1);
	assert_int_equal(out.cost_pusd, 1234567);
	assert_int_equal(out.provider_cost_pusd, 7654);
	assert_int_equal(out.status, USAGE_CLIENT_CLOSED);
	assert_int_equal(out.source, USAGE_FROM_ESTIMATE);
	assert_int_equal(out.attempts, 1);
	assert_int_equal(out.flags, JOURNAL_FLAG_OVER_LIMIT);
	assert_true(out.is_unpriced);
	assert_int_equal(out.hold_pusd, 99);
	assert_int_equal(out.provider_id, 1);
	assert_int_equal(out.deployment_id, 2);
	assert_int_equal(out.price_version_id, 3);
	assert_str_is(out.provider_used, "p");
	assert_str_is(out.error_code, "client_closed");
	assert_str_is(out.refuse_reason, "rate_limit_exceeded");
}

static void
settle__largest__fits_the_payload(void **state)
{
	uint8_t p[JOURNAL_PAYLOAD_MAX];
	struct journal_settle in = rig_settle(1);
	char text[300];

	(void)state;
	memset(in.tok, 1, sizeof(in.tok));
	in.provider_used = in.error_code = in.refuse_reason = text_of(text,
	    sizeof(text), 'x');

	assert_true(journal_encode_settle(&in, p) <= JOURNAL_PAYLOAD_MAX);
}

static void
open__largest__fits_the_payload(void **state)
{
	uint8_t p[JOURNAL_PAYLOAD_MAX];
	struct journal_open in = rig_open(1);
	char text[300];

	(void)state;
	in.model_requested = in.provider_used = text_of(text, sizeof(text),
	    'x');
	in.n_budgets = JOURNAL_BUDGETS_MAX;

	assert_int_equal(journal_encode_open(&in, p), JOURNAL_PAYLOAD_MAX);
}

static void
open__long_texts__are_cut_at_a_character(void **state)
{
	uint8_t p[JOURNAL_PAYLOAD_MAX];
	struct journal_open in = rig_open(1), out;
	char text[300];
	size_t n;

	(void)state;
	in.model_requested = text_of(text, sizeof(text), 'x');
	memcpy(text + JOURNAL_MODEL_MAX - 1, "\xc3\xa9", 2);
	in.provider_used = in.model_requested;
	n = journal_encode_open(&in, p);

	assert_true(n <= JOURNAL_PAYLOAD_MAX);
	assert_true(journal_decode_open(str_make((char *)p, n), &out));
	assert_int_equal(out.model_requested.n, JOURNAL_MODEL_MAX - 1);
	assert_int_equal(out.provider_used.n, JOURNAL_PROVIDER_MAX);
}

static void
progress_and_refuse__all_members__come_back(void **state)
{
	uint8_t p[JOURNAL_PAYLOAD_MAX];
	struct journal_progress pi = { rig_id(9), 123, true, false, 0 }, po;
	struct journal_refuse ri = { 5, 6, 7, 8, S("rate_limit_exceeded") }, ro;
	size_t n;

	(void)state;
	n = journal_encode_progress(&pi, p);
	assert_true(journal_decode_progress(str_make((char *)p, n), &po));
	assert_memory_equal(&po.request_id, &pi.request_id, 16);
	assert_int_equal(po.delivered_tok, 123);
	assert_true(po.has_output);
	assert_false(po.is_counted);
	assert_int_equal(n, 25); /* as it was before anything was counted */
	pi.is_counted = true;
	pi.prompt_tok = 456;
	n = journal_encode_progress(&pi, p);
	assert_true(journal_decode_progress(str_make((char *)p, n), &po));
	assert_true(po.has_output && po.is_counted);
	assert_int_equal(po.delivered_tok, 123);
	assert_int_equal(po.prompt_tok, 456);
	assert_false(journal_decode_progress(str_make((char *)p, n - 1), &po));

	n = journal_encode_refuse(&ri, p);
	assert_true(journal_decode_refuse(str_make((char *)p, n), &ro));
	assert_int_equal(ro.time_ms, 5);
	assert_int_equal(ro.customer_id, 6);
	assert_int_equal(ro.api_key_id, 7);
	assert_int_equal(ro.model_id, 8);
	assert_str_is(ro.reason, "rate_limit_exceeded");
}

static void
decode__payload_cut_anywhere__is_refused(void **state)
{
	uint8_t p[JOURNAL_PAYLOAD_MAX];
	struct journal_open o = rig_open(1);
	struct journal_settle s = rig_settle(1);
	size_t n;

	(void)state;
	o.n_budgets = 2;
	n = journal_encode_open(&o, p);
	/* Without budgets it is one of before there were any. */
	for (size_t i = 0; i < n; i++)
		if (i != n - 9)
			assert_false(
			    journal_decode_open(str_make((char *)p, i), &o));
	n = journal_encode_settle(&s, p);
	for (size_t i = 0; i < n; i++)
		if (i != n - 8)
			assert_false(
			    journal_decode_settle(str_make((char *)p, i), &s));
}

static void
settle__unknown_status__is_refused(void **state)
{
	uint8_t p[JOURNAL_PAYLOAD_MAX];
	struct journal_settle s = rig_settle(1);
	size_t n;

	(void)state;
	s.status = USAGE_STATUS__MAX;
	n = journal_encode_settle(&s, p);

	assert_false(journal_decode_settle(str_make((char *)p, n), &s));
}

static void
unframe__any_bit_flipped_or_byte_cut__is_refused(void **state)
{
	uint8_t rec[JOURNAL_RECORD_MAX];
	struct journal_refuse r = { 5, 6, 7, 8, S("quota") };
	enum journal_type type;
	struct str payload;
	size_t n;

	(void)state;
	n = journal_frame(rec, JOURNAL_REFUSE,
	    journal_encode_refuse(&r, rec + JOURNAL_FRAME_BYTES), 99);
	assert_int_equal(journal_unframe(rec, n, 99, &type, &payload), n);
	assert_int_equal(type, JOURNAL_REFUSE);

	for (size_t bit = 0; bit < 8 * n; bit++) {
		rec[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(journal_unframe(rec, n, 99, &type, &payload),
		    0);
		rec[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(journal_unframe(rec, i, 99, &type, &payload),
		    0);
	assert_int_equal(journal_unframe(rec, n, 98, &type, &payload), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open__all_members__come_back),
		cmocka_unit_test(settle__all_members__come_back),
		cmocka_unit_test(settle__largest__fits_the_payload),
		cmocka_unit_test(open__largest__fits_the_payload),
		cmocka_unit_test(open__long_texts__are_cut_at_a_character),
		cmocka_unit_test(progress_and_refuse__all_members__come_back),
		cmocka_unit_test(decode__payload_cut_anywhere__is_refused),
		cmocka_unit_test(settle__unknown_status__is_refused),
		cmocka_unit_test(
		    unframe__any_bit_flipped_or_byte_cut__is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
