/* SPDX-License-Identifier: MIT */
#include "handler/download.h"

#include "base/clock.h"

void
download_headers(struct response *rs, const char *what, int64_t from_ms,
    int64_t to_ms, const char *ending, struct str type)
{
	char from[CLOCK_TEXT_BYTES], to[CLOCK_TEXT_BYTES], text[96];
	struct buf b;

	clock_format(from_ms, from);
	clock_format(to_ms, to);
	buf_init_fixed(&b, text, sizeof(text));
	buf_addf(&b, "attachment; filename=\"%s-%.10s-%.10s.%s\"", what, from,
	    to, ending);
	response_header(rs, "content-type", type);
	response_header(rs, "content-disposition", buf_str(&b));
	response_header(rs, "cache-control", S("no-store"));
}
