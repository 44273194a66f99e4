/* SPDX-License-Identifier: MIT */
#include "handler/web/find.h"

void
web_find_add(struct tval *o, const char *label, struct str find,
    struct str list_href)
{
	tval_set_text(o, "find_label", str_from(label ? label : ""));
	tval_set_text(o, "find", find);
	tval_set_text(o, "list_href", list_href);
}

bool
web_find_fits(struct str name, struct str find)
{
	for (size_t i = 0; i + find.n <= name.n; i++)
		if (str_eq_nocase(str_make(name.p + i, find.n), find))
			return true;
	return false;
}
