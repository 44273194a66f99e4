/* SPDX-License-Identifier: MIT */
/* Forms in parts: the first line is Content-Type, the rest the body. What is
 * read lies within the body, in order, within its bounds, and holds no
 * delimiter. */
#include "fuzz/fuzz.h"

#include "http/multipart.h"

static void
check_part(const struct multipart *m, struct str body, struct str name,
    struct str value)
{
	const char *end = body.p + body.n;

	ASSERT(name.p >= body.p && name.p + name.n <= value.p);
	ASSERT(value.p + value.n + m->n_delimiter <= end);
	ASSERT(memcmp(value.p + value.n, m->delimiter, m->n_delimiter) == 0);
	ASSERT(str_find_str(value, str_make(m->delimiter, m->n_delimiter)) ==
	       value.n);
	ASSERT(str_find(name, '\n') == name.n);
	ASSERT(m->n_parts <= MULTIPART_PART_MAX);
	ASSERT(m->rest.p + m->rest.n == end);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = str_make((const char *)p, n);
	struct str type = str_make(text.p, str_find(text, '\n'));
	struct str body = str_skip(text, type.n + 1);
	struct str name, value;
	struct multipart m;
	struct error e;
	bool more = true;

	if (multipart_init(&m, type, body, &e))
		return 0;
	ASSERT(multipart_is_type(type));
	ASSERT(m.n_delimiter > 4 && m.n_delimiter <= sizeof(m.delimiter));
	while (multipart_next(&m, &more, &name, &value, &e) == OK && more)
		check_part(&m, body, name, value);
	return 0;
}
