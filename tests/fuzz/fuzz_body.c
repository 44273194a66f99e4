/* SPDX-License-Identifier: MIT */
/* Bodies of inference requests: scanned, read, spliced, scanned again. */
#include "fuzz/bytes.h"
#include "fuzz/fuzz.h"

#include <string.h>

#include "base/arena.h"
#include "ext/json.h"
#include "upstream/openai.h"

/* What our scanner accepts, json-c must accept too, but for what we refuse
 * on purpose afterwards. */
static void
compare_with_json_c(struct arena *a, struct str text)
{
	const struct json *v;
	struct error e = { 0 };

	if (json_parse(a, text, JSON_SCAN_DEPTH_MAX, &v, &e) == OK)
		return;
	ASSERT(e.code == ERR_BAD_JSON || e.code == ERR_TOO_LARGE);
	ASSERT(e.code == ERR_TOO_LARGE || strstr(e.public_text, "twice") ||
	       strstr(e.public_text, "U+0000"));
}

static void
check_members(const struct body *b)
{
	const char *behind = b->inner.p;

	for (size_t i = 0; i < b->n_members; i++) {
		const struct json_member *m = &b->members[i];
		struct json_scan s = { .depth_max = JSON_SCAN_DEPTH_MAX };

		ASSERT(m->name.p > behind);
		ASSERT(m->value.p > m->name.p + m->name.n);
		behind = m->value.p + m->value.n;
		ASSERT(json_scan(&s, m->value) && s.kind == m->kind);
	}
	ASSERT(behind <= b->inner.p + b->inner.n);
}

/* A body that was read can be changed, and then says what it should. */
static void
check_change(struct arena *a, enum wire_op op, const struct body *b,
    const struct openai_request *rq)
{
	struct openai_change change = {
		.kind = PROVIDER_OPENAI,
		.model = S("changed"),
		.limit_tok = 7,
		.force_usage = true,
	};
	struct openai_request again;
	struct splice_out out;
	struct splice s;
	struct body after;
	struct error e;

	splice_init(&s, a, b);
	openai_request_change(&s, op, rq, &change);
	ASSERT(splice_build(&s, &out, &e) == OK);
	ASSERT(out.n_pieces == 1);
	ASSERT(body_scan(a, out.pieces[0], &after, &e) == OK);
	ASSERT(after.n_members >= b->n_members);
	ASSERT(openai_request_read(a, op, &after, &again, &e) == OK);
	ASSERT(op == WIRE_GENERATE || str_eq(again.model, change.model));
	ASSERT(again.is_stream == rq->is_stream);
	ASSERT(!rq->is_stream || again.wants_usage ||
	       (op != WIRE_CHAT && op != WIRE_COMPLETION));
	ASSERT(
	    op == WIRE_EMBEDDING || (again.has_limit && again.limit_tok <= 7));
	ASSERT(again.prompt_tok == rq->prompt_tok && again.n == rq->n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make((const char *)p, n);
	struct json_scan s = { .depth_max = JSON_SCAN_DEPTH_MAX };
	struct error e = { 0 };
	struct arena a;
	struct body b;

	if (n > 60000)
		return 0;
	arena_init(&a, MIB(16));
	if (json_scan(&s, text))
		compare_with_json_c(&a, text);
	if (body_scan(&a, text, &b, &e) == OK) {
		check_members(&b);
		for (unsigned op = 0; op < WIRE_OP__MAX; op++) {
			struct openai_request rq;

			enum err err = provider_check_body(PROVIDER_OPENAI,
			    (enum wire_op)op, &b, S(""), &e);

			ASSERT(err == OK || err == ERR_UNSUPPORTED_PARAM);
			(void)openai_count_prompt((enum wire_op)op, &b,
			    fuzz_bytes());
			if (openai_request_read(&a, (enum wire_op)op, &b, &rq,
				&e) == OK)
				check_change(&a, (enum wire_op)op, &b, &rq);
		}
	} else {
		ASSERT(e.code == ERR_BAD_JSON || e.code == ERR_BAD_PARAM);
	}
	arena_fini(&a);
	return 0;
}
