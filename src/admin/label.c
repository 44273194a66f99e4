/* SPDX-License-Identifier: MIT */
/* tollgate project, agent, connector: add, list, show, set, archive */
#include "domain/label.h"

#include "admin/lookup.h"
#include "base/clock.h"

static enum err
add(struct admin *ad, enum label_kind kind, struct error *e)
{
	const struct resource *r = &label_resources[kind];
	struct label_row row = { .l.name = admin_opt(ad, "name") };
	struct customer c;
	struct manager m;
	enum err err = lookup_customer(ad, admin_opt(ad, "customer"), &c, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (err)
		return err;
	row.l.customer_id = c.customer_id;
	err = resource_create(r, &m, admin_arena(ad), &row, e);
	if (!err)
		admin_record(ad, r->record, &row);
	return err;
}

struct label_list {
	enum label_kind kind;
	struct label_filter filter;
};

/* filter: a struct label_list. */
static enum err
list_page(struct admin *ad, struct db *db, const void *filter,
    struct admin_page *p, struct error *e)
{
	const struct label_list *l = filter;
	struct label *labels = NULL;
	struct label_row *rows = NULL;
	enum err err = store_label_page(db, l->kind, 0, &l->filter, p->after,
	    p->limit, admin_arena(ad), &labels, &p->n, e);

	if (!err)
		err = label_rows(db, l->kind, 0, labels, p->n, clock_now_ms(),
		    admin_arena(ad), &rows, e);
	for (size_t i = 0; i < p->n && !err; i++) {
		admin_record(ad, label_resources[l->kind].record, &rows[i]);
		admin_page_end(p, rows[i].l.label_id);
	}
	return err;
}

static enum err
list(struct admin *ad, enum label_kind kind, struct error *e)
{
	struct label_list l = { kind,
		{ .name = admin_opt(ad, "name"),
		    .with_archived = admin_has(ad, "archived") } };
	struct customer c = { 0 };
	enum err err = admin_has(ad, "customer")
			   ? lookup_customer(ad, admin_opt(ad, "customer"), &c,
				 e)
			   : OK;

	l.filter.customer_id = c.customer_id;
	return err ? err : admin_list_all(ad, list_page, &l, e);
}

static enum err
read_id(struct admin *ad, uint64_t *ret, struct error *e)
{
	if (!str_to_u64(admin_arg(ad, 0), 1, UINT32_MAX, ret))
		return admin_usage(e, "ID must be a number");
	return OK;
}

static enum err
show(struct admin *ad, enum label_kind kind, struct error *e)
{
	struct label_row row;
	uint64_t id;
	enum err err = read_id(ad, &id, e);

	return err ? err : admin_show(ad, &label_resources[kind], id, &row, e);
}

static enum err
rename_to(const struct resource *r, struct arena *a, void *row, void *arg,
    struct error *e)
{
	struct label_row *l = row;

	(void)r;
	(void)a;
	(void)e;
	l->l.name = *(const struct str *)arg;
	return OK;
}

static enum err
set(struct admin *ad, enum label_kind kind, struct error *e)
{
	const struct resource *r = &label_resources[kind];
	struct str name = admin_opt(ad, "name");
	struct manager m;
	struct label_row row;
	uint64_t id;
	enum err err = read_id(ad, &id, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_change(r, &m, id, rename_to, &name,
		    admin_arena(ad), &row, e);
	if (!err)
		admin_record(ad, r->record, &row);
	return err;
}

static enum err
archive(struct admin *ad, enum label_kind kind, struct error *e)
{
	const struct resource *r = &label_resources[kind];
	struct manager m;
	struct label_row row;
	uint64_t id;
	enum err err = read_id(ad, &id, e);

	if (!err)
		err = admin_manager(ad, &m, e);
	if (!err)
		err = resource_archive(r, &m, id, admin_arena(ad), &row, e);
	if (!err)
		admin_record(ad, r->record, &row);
	return err;
}

#define LABEL_COMMANDS(noun, kind)                                             \
 const struct admin_option admin_##noun##_add_options[] = {                    \
	 { "customer", "ID|EMAIL", "Whose it is.", true },                     \
	 { "name", "NAME", "Its name.", true }, ADMIN_OPTIONS_END              \
 };                                                                            \
 const struct admin_option admin_##noun##_list_options[] = {                   \
	 { "customer", "ID|EMAIL", "Whose (everybody's).", false },            \
	 { "name", "NAME", "Only the one of that name.", false },              \
	 { "archived", NULL, "Archived ones, too.", false }, ADMIN_OPTIONS_END \
 };                                                                            \
 const struct admin_option admin_##noun##_show_options[] = {                   \
	 ADMIN_OPTIONS_END                                                     \
 };                                                                            \
 const struct admin_option admin_##noun##_set_options[] = {                    \
	 { "name", "NAME", "Its new name.", true }, ADMIN_OPTIONS_END          \
 };                                                                            \
 const struct admin_option admin_##noun##_archive_options[] = {                \
	 ADMIN_OPTIONS_END                                                     \
 };                                                                            \
 enum err admin_##noun##_add(struct admin *ad, struct error *e)                \
 {                                                                             \
  return add(ad, kind, e);                                                     \
 }                                                                             \
 enum err admin_##noun##_list(struct admin *ad, struct error *e)               \
 {                                                                             \
  return list(ad, kind, e);                                                    \
 }                                                                             \
 enum err admin_##noun##_show(struct admin *ad, struct error *e)               \
 {                                                                             \
  return show(ad, kind, e);                                                    \
 }                                                                             \
 enum err admin_##noun##_set(struct admin *ad, struct error *e)                \
 {                                                                             \
  return set(ad, kind, e);                                                     \
 }                                                                             \
 enum err admin_##noun##_archive(struct admin *ad, struct error *e)            \
 {                                                                             \
  return archive(ad, kind, e);                                                 \
 }

LABEL_COMMANDS(project, LABEL_PROJECT)
LABEL_COMMANDS(agent, LABEL_AGENT)
LABEL_COMMANDS(connector, LABEL_CONNECTOR)
