/* SPDX-License-Identifier: MIT */
#include "domain/notice_text.h"

#include <string.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/json_scan.h"
#include "domain/notice.h"
#include "ext/crypto.h"
#include "store/notice.h"

#define MESSAGE_BYTES KIB(64)
#define LINE_BYTES    57 /* of a body's line, 76 in base64 (RFC 2045, 6.8) */

void
notice_uid(const uint8_t uid[UUID7_BYTES], char ret[NOTICE_UID_BYTES])
{
	struct uuid7 id;

	memcpy(id.b, uid, sizeof(id.b));
	memcpy(ret, "ntc_", 4);
	uuid7_format(&id, ret + 4);
}

enum err
notice_json(const struct notice_row *n, struct arena *a, struct str *ret,
    struct error *e)
{
	struct json_out j;
	struct buf b;

	buf_init(&b, a, MESSAGE_BYTES);
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_member_str(&j, "type", n->kind);
	json_out_member_time(&j, "timestamp", n->created_at_ms);
	json_out_member_u64(&j, "customer_id", n->customer_id);
	json_out_key(&j, "data");
	json_out_raw(&j, n->payload);
	json_out_object_end(&j);
	return buf_finish(&b, ret, e);
}

/* ---- e-mail ---- */

/* RFC 5322, 3.3. */
static void
add_date(struct buf *b, int64_t now_ms)
{
	static const char days[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon",
		"Tue", "Wed" }; /* 1970 began on a Thursday */
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct clock_parts t;

	clock_split(now_ms, &t);
	buf_addf(b, "%s, %d %s %04d %02d:%02d:%02d +0000",
	    days[now_ms / DAY_MS % 7], t.day, months[t.month - 1], t.year,
	    t.hour, t.minute, t.second);
}

/* "name: value" for each member of the payload. */
static void
add_members(struct buf *b, struct str payload, struct arena *a)
{
	struct json_member m;
	struct json_walk w;

	json_walk_init(&w, payload);
	while (json_walk_next(&w, &m)) {
		buf_add(b, m.name);
		buf_add(b, S(": "));
		buf_add(b, m.kind == JSON_STRING ? json_unescape(a, m.value)
						 : m.value);
		buf_add(b, S("\n"));
	}
}

static struct str
kind_text(struct str kind, struct str *ret_subject)
{
	enum notice_kind k;
	struct error e;

	*ret_subject = S("A notice");
	if (notice_kind_find(kind, &k, &e)) /* of another version */
		return kind;
	*ret_subject = str_from(notice_info(k)->subject);
	return str_from(notice_info(k)->text);
}

static void
add_base64(struct buf *b, struct str s)
{
	char line[CRYPTO_BASE64_BYTES(LINE_BYTES)];

	for (size_t i = 0; i < s.n; i += LINE_BYTES) {
		size_t n = s.n - i < LINE_BYTES ? s.n - i : LINE_BYTES;

		crypto_base64(s.p + i, n, line);
		buf_add(b, str_from(line));
		buf_add(b, S("\n"));
	}
}

static void
add_headers(struct buf *b, const struct notice_row *n, struct str subject,
    struct str from, const char *const to[], size_t n_to, int64_t now_ms)
{
	char uid[NOTICE_UID_BYTES];

	notice_uid(n->uid, uid);
	buf_addf(b, "From: %" PRI_STR "\nTo: ", STR_ARG(from));
	for (size_t i = 0; i < n_to; i++)
		buf_addf(b, "%s%s", i ? ",\n " : "", to[i]);
	buf_addf(b, "\nSubject: %" PRI_STR "\nDate: ", STR_ARG(subject));
	add_date(b, now_ms);
	buf_addf(b, "\nMessage-ID: <%s%" PRI_STR ">\n", uid,
	    STR_ARG(str_skip(from, str_find(from, '@'))));
	buf_add(b, S("Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
		     "Content-Type: text/plain; charset=utf-8\n"
		     "Content-Transfer-Encoding: base64\n\n"));
}

enum err
notice_mail(const struct notice_row *n, struct str from, const char *const to[],
    size_t n_to, struct str link, int64_t now_ms, struct arena *a,
    struct str *ret, struct error *e)
{
	struct str subject, text = kind_text(n->kind, &subject);
	struct str body = { NULL, 0 };
	char when[CLOCK_TEXT_BYTES];
	struct buf b;
	enum err err;

	clock_format(n->created_at_ms, when);
	buf_init(&b, a, MESSAGE_BYTES);
	buf_addf(&b, "%" PRI_STR "\n\n", STR_ARG(text));
	if (link.p)
		buf_addf(&b, "%" PRI_STR "\n\n", STR_ARG(link));
	add_members(&b, n->payload, a);
	buf_addf(&b, "noticed_at: %s\n", when);
	err = buf_finish(&b, &body, e);
	if (err)
		return err;
	buf_init(&b, a, MESSAGE_BYTES);
	add_headers(&b, n, subject, from, to, n_to, now_ms);
	add_base64(&b, body);
	return buf_finish(&b, ret, e);
}
