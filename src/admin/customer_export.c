/* SPDX-License-Identifier: MIT */
/* tollgate customer export */
#include "domain/customer_export.h"

#include <stdio.h>

#include "admin/lookup.h"

const struct admin_option admin_customer_export_options[] = {
	ADMIN_OPTIONS_END,
};

/* Page by page to standard output, with --json or without. */
static enum err
print_all(struct customer_export *x, struct db *db, struct arena *a,
    struct error *e)
{
	struct str lines = { NULL, 1 };
	enum err err = OK;

	while (!err && lines.n) {
		arena_reset(a);
		err = customer_export_next(x, db, a, &lines, e);
		if (!err && lines.n &&
		    fwrite(lines.p, 1, lines.n, stdout) != lines.n)
			err = error_errno(e, ERR_IO, "standard output");
	}
	if (!err && fflush(stdout) != 0)
		err = error_errno(e, ERR_IO, "standard output");
	return err;
}

enum err
admin_customer_export(struct admin *ad, struct error *e)
{
	struct customer_export x;
	struct customer c;
	struct manager m;
	struct arena a;
	enum err err = lookup_customer(ad, admin_arg(ad, 0), &c, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = customer_export_begin(&x, &m, c.customer_id,
		    admin_arena(ad), e);
	if (err)
		return err;
	arena_init(&a, CUSTOMER_EXPORT_ARENA);
	err = print_all(&x, m.db, &a, e);
	arena_fini(&a);
	admin_raw(ad, S(""));
	return err;
}
