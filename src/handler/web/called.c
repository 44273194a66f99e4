/* SPDX-License-Identifier: MIT */
#include "handler/web/called.h"

#include "base/buf.h"

#define NAMED_MAX     5 /* of several that are called so */
#define MESSAGE_BYTES 256

const char *
web_called_ways(enum name_kind kind)
{
	switch (kind) {
	case NAME_KEY:
		return "name, tg_… or number";
	case NAME_USER:
	case NAME_CUSTOMER:
		return "name, e-mail or number";
	case NAME_PROJECT:
	case NAME_AGENT:
	case NAME_CONNECTOR:
	case NAME_MODEL:
	case NAME_PROVIDER:
	case NAME__N:
		break;
	}
	return "name or number";
}

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* "tg_0123456789_…" as pages show it, or the id in it. */
static struct str
public_id_of(struct str typed)
{
	if (str_starts(typed, S("tg_")))
		typed = str_skip(typed, 3);
	return str_make(typed.p, str_find(typed, '_'));
}

static struct name_called
read_typed(enum name_kind kind, struct str typed)
{
	struct name_called by = { .name = typed };
	struct str also = kind == NAME_KEY ? public_id_of(typed) : typed;
	struct str number = str_starts(typed, S("#")) ? str_skip(typed, 1)
						      : typed;

	if (!str_to_u64(number, 1, UINT32_MAX, &by.id))
		by.id = 0;
	else if (number.n < typed.n)
		return (struct name_called){ .id = by.id }; /* "#12" */
	/* Columns in ASCII hold nothing else. */
	if (also.n && is_ascii(also))
		by.also = also;
	return by;
}

static struct str
several_text(const struct name *list, size_t n, struct arena *a)
{
	struct buf b;

	buf_init(&b, a, MESSAGE_BYTES);
	buf_add(&b, S("Several are called so:"));
	for (size_t i = 0; i < n && i < NAMED_MAX; i++)
		buf_addf(&b, "%s #%llu", i ? "," : "",
		    (unsigned long long)list[i].id);
	buf_add(&b, n > NAMED_MAX ? S(" and more") : S(""));
	buf_add(&b, S(". Type the number of one."));
	return buf_str(&b);
}

enum err
web_called_find(const struct manager *m, enum name_kind kind,
    uint64_t customer_id, struct str typed, struct arena *a, uint64_t *ret_id,
    struct str *ret_message, struct error *e)
{
	const struct name_called by = read_typed(kind, typed);
	struct name *list;
	size_t n;
	enum err err;

	if (!customer_id && kind != NAME_CUSTOMER) {
		*ret_id = 0;
		*ret_message = S("Choose whose first: a customer.");
		return OK;
	}
	err = store_name_called(m->db, kind, customer_id, &by, NAMED_MAX + 1, a,
	    &list, &n, e);
	if (err)
		return err;
	*ret_id = n == 1 ? list[0].id : 0;
	*ret_message = n == 1 ? S("")
		       : n > 1
			   ? several_text(list, n, a)
			   : arena_printf(a, "There is none of this %s here.",
				 web_called_ways(kind));
	return OK;
}
