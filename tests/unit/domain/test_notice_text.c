/* SPDX-License-Identifier: MIT */
/* A notice as it is sent, and when it is tried again. */
#include "support/cmocka_tg.h"

#include "domain/notice.h"
#include "domain/notice_deliver.h"
#include "domain/notice_text.h"
#include "store/notice.h"

/* 2026-11-22T10:30:00Z, a Sunday. */
#define AT_MS INT64_C(1795343400000)

static struct arena a;
static struct error e;

static struct notice_row
row(const char *kind, const char *payload)
{
	return (struct notice_row){ .uid = { 1, 2, 3 },
		.customer_id = 7,
		.kind = str_from(kind),
		.payload = str_from(payload),
		.created_at_ms = AT_MS };
}

static void
notice_json__any__has_the_conventions_members(void **state)
{
	struct notice_row n = row("budget.reached", "{\"percent\":80}");
	struct str text;

	(void)state;
	assert_ok(notice_json(&n, &a, &text, &e));
	assert_str_is(text,
	    "{\"type\":\"budget.reached\",\"timestamp\":"
	    "\"2026-11-22T10:30:00Z\",\"customer_id\":7,\"data\":"
	    "{\"percent\":80}}");
}

static void
notice_mail__any__is_headers_and_base64(void **state)
{
	static const char *const to[] = { "a@example.com", "b@example.com" };
	struct notice_row n = row("notice.test", "{}");
	struct str text;

	(void)state;
	assert_ok(notice_mail(&n, S("t@example.com"), to, 2,
	    S("https://ai.example.com/login/password/x"), AT_MS, &a, &text,
	    &e));
	/* The body by coreutils' base64. */
	assert_str_is(text,
	    "From: t@example.com\n"
	    "To: a@example.com,\n b@example.com\n"
	    "Subject: This is a test\n"
	    "Date: Sun, 22 Nov 2026 10:30:00 +0000\n"
	    "Message-ID: <ntc_01020300-0000-0000-0000-000000000000@example.com>\n"
	    "Auto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: base64\n"
	    "\n"
	    "U29tZWJvZHkgYXNrZWQgZm9yIHRoaXMgbWVzc2FnZSwgdG8gc2VlIHdoZXRoZXIgbm90aWNlcyBh\n"
	    "cnJpdmUuCgpodHRwczovL2FpLmV4YW1wbGUuY29tL2xvZ2luL3Bhc3N3b3JkL3gKCm5vdGljZWRf\n"
	    "YXQ6IDIwMjYtMTEtMjJUMTA6MzA6MDBaCg==\n");
}

static void
notice_mail__largest_payload__fits(void **state)
{
	static const char *const to[] = { "a@example.com" };
	static char payload[NOTICE_PAYLOAD_BYTES + 1];
	struct notice_row n;
	struct str text;

	(void)state;
	memset(payload, 'x', NOTICE_PAYLOAD_BYTES);
	memcpy(payload, "{\"a\":\"", 6);
	memcpy(payload + NOTICE_PAYLOAD_BYTES - 2, "\"}", 3);
	n = row("of.a.later.version", payload);
	assert_ok(notice_mail(&n, S("t@example.com"), to, 1,
	    (struct str){ NULL, 0 }, AT_MS, &a, &text, &e));
	assert_in_range(text.n, 5000, 8000);
}

static void
notice_kind__each__is_found_by_its_name(void **state)
{
	enum notice_kind k;

	(void)state;
	for (unsigned i = 0; i < NOTICE__N; i++) {
		const struct notice_info *info = notice_info(
		    (enum notice_kind)i);

		assert_ok(notice_kind_find(str_from(info->kind), &k, &e));
		assert_int_equal(k, i);
		/* Of a header, which is not encoded. */
		for (const char *p = info->subject; *p; p++)
			assert_in_range(*p, ' ', '~');
	}
	assert_int_equal(notice_kind_find(S("odd"), &k, &e), ERR_NOT_FOUND);
}

static void
notice_backoff__each_try__is_between_half_and_all_of_twice_as_long(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 100; n++) {
		uint64_t all = n < 12 ? UINT64_C(30) << (n - 1) : 21600;

		if (all > 21600)
			all = 21600;
		for (int i = 0; i < 100; i++)
			assert_in_range(notice_backoff_s(n, 30, 21600),
			    all - all / 2, all);
	}
	assert_int_equal(notice_backoff_s(1, 1, 1), 1);
}

static int
setup(void **state)
{
	(void)state;
	arena_init(&a, MIB(1));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_fini(&a);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notice_json__any__has_the_conventions_members),
		cmocka_unit_test(notice_mail__any__is_headers_and_base64),
		cmocka_unit_test(notice_mail__largest_payload__fits),
		cmocka_unit_test(notice_kind__each__is_found_by_its_name),
		cmocka_unit_test(
		    notice_backoff__each_try__is_between_half_and_all_of_twice_as_long),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
