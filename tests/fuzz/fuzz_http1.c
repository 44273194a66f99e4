/* SPDX-License-Identifier: MIT */
/* A provider's answer: read in pieces of any size, it gives the same head
 * and body. The first byte of the input says how to cut. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ext/http1.h"

struct seen {
	enum http1_got got;
	int status;
	bool is_kept;
	uint32_t sum; /* of the body */
	size_t n_body, n_used;
};

static void
take_body(struct http1 *p, struct seen *seen, char *bytes, size_t n)
{
	size_t n_body, n_used;

	seen->got = http1_body(p, bytes, n, &n_body, &n_used);
	ASSERT(n_body <= n_used && n_used <= n);
	ASSERT(n_used == n || seen->got != HTTP1_MORE);
	for (size_t i = 0; i < n_body; i++)
		seen->sum = seen->sum * 31 + (unsigned char)bytes[i];
	seen->n_body += n_body;
	seen->n_used += n_used;
}

static void
feed(const uint8_t *text, size_t n, size_t step, struct seen *seen)
{
	char *bytes = malloc(n + 1);
	size_t at = 0, n_head = 0;
	struct http1 p;

	ASSERT(bytes);
	if (n)
		memcpy(bytes, text, n);
	*seen = (struct seen){ .got = HTTP1_MORE };
	http1_init(&p);
	while (at < n && p.state == HTTP1_HEAD && seen->got == HTTP1_MORE) {
		at += n - at < step ? n - at : step;
		seen->got = http1_head(&p, str_make(bytes, at), &n_head);
	}
	if (seen->got == HTTP1_DONE) {
		ASSERT(p.status >= 200 && p.status < 600 && n_head <= at);
		(void)http1_header(&p, "content-type");
		seen->status = p.status;
		seen->is_kept = p.is_kept;
		seen->n_used = n_head;
		take_body(&p, seen, bytes + n_head, at - n_head);
	}
	while (at < n && seen->got == HTTP1_MORE) {
		size_t take = n - at < step ? n - at : step;

		take_body(&p, seen, bytes + at, take);
		at += take;
	}
	ASSERT((seen->got == HTTP1_BROKEN) == (p.why != NULL));
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct seen whole, cut;

	if (n < 1 || n > 16384)
		return 0;
	feed(p + 1, n - 1, n, &whole);
	feed(p + 1, n - 1, 1 + p[0] % 32, &cut);
	ASSERT(whole.got == cut.got);
	if (whole.got == HTTP1_BROKEN)
		return 0;
	ASSERT(whole.status == cut.status && whole.is_kept == cut.is_kept);
	ASSERT(whole.sum == cut.sum && whole.n_body == cut.n_body);
	ASSERT(whole.n_used == cut.n_used);
	return 0;
}
