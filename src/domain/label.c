/* SPDX-License-Identifier: MIT */
#include "domain/label.h"

#include "base/clock.h"
#include "domain/principal.h"
#include "store/generation.h"

/* clang-format off */
static const struct record_member members[] = {
	{ .name = "id", .kind = RECORD_ID, .off = offsetof(struct label_row, l.label_id) },
	{ .name = "customer_id", .kind = RECORD_ID, .off = offsetof(struct label_row, l.customer_id),
	  .flags = RECORD_NEW, .min = 1, .max = UINT32_MAX },
	{ .name = "name", .kind = RECORD_TEXT, .off = offsetof(struct label_row, l.name),
	  .flags = RECORD_NEW | RECORD_NEEDED | RECORD_SET, .min = 1, .max = LABEL_NAME_BYTES },
	{ .name = "created_at", .kind = RECORD_TIME, .off = offsetof(struct label_row, l.created_at_ms) },
	{ .name = "archived_at", .kind = RECORD_TIME, .off = offsetof(struct label_row, l.archived_at_ms) },
	BUDGET_MEMBERS(struct label_row, budget, 0), /* the last two */
};
/* clang-format on */
#define N_MEMBERS (sizeof(members) / sizeof(members[0]))

#define RECORD(noun, n)                                    \
 {                                                         \
  noun, noun, noun, members, (n), sizeof(struct label_row) \
 }
static const struct record_type records[LABEL__N] = {
	[LABEL_PROJECT] = RECORD("project", N_MEMBERS),
	[LABEL_AGENT] = RECORD("agent", N_MEMBERS - 2),
	[LABEL_CONNECTOR] = RECORD("connector", N_MEMBERS - 2),
};

static enum err
lock(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct error *e)
{
	return store_label_lock(db, (enum label_kind)r->variant, tenant, id, e);
}

static enum err
load(const struct resource *r, struct db *db, uint64_t tenant, uint64_t id,
    struct arena *a, void *row, struct error *e)
{
	struct label_row *l = row;
	enum err err = store_label_by_id(db, (enum label_kind)r->variant,
	    tenant, id, a, &l->l, e);

	if (err || r->variant != LABEL_PROJECT)
		return err;
	return budget_member_load(db, BUDGET_PROJECT, id, clock_now_ms(), a,
	    &l->budget, e);
}

enum err
label_rows(struct db *db, enum label_kind kind, uint64_t tenant,
    const struct label *labels, size_t n, int64_t now_ms, struct arena *a,
    struct label_row **ret, struct error *e)
{
	struct label_row *v = arena_array(a, struct label_row, n);
	const struct budget_rows rows = { v, n, sizeof(*v),
		offsetof(struct label_row, l.label_id),
		offsetof(struct label_row, budget) };

	if (!v)
		return error_arena(e, a);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct label_row){ .l = labels[i] };
	*ret = v;
	return kind == LABEL_PROJECT ? budget_members_load(db, BUDGET_PROJECT,
					   tenant, now_ms, &rows, a, e)
				     : OK;
}

/* What bounds others is not theirs to change, nor anybody's whom it bounds. */
static enum err
check_budget(const struct manager *m, const struct label_row *before,
    const struct label_row *l, struct error *e)
{
	const struct principal *who = m->who;

	if (!l->budget.is_given || !who || principal_is_operator(who))
		return OK;
	if (!principal_is_owner(who))
		return error_public(e, ERR_FORBIDDEN, "budget",
		    "Only an owner may set a project's budget.");
	if (before && before->budget.has_terms &&
	    before->budget.terms.kind == BUDGET_HARD &&
	    who->project_id == l->l.label_id &&
	    !budget_is_within(l->budget.has_terms ? &l->budget.terms : NULL,
		before->budget.terms.period, before->budget.terms.amount_pusd))
		return error_public(e, ERR_FORBIDDEN, "budget",
		    "A key cannot grant more than it has.");
	return OK;
}

static enum err
store_budget(const struct manager *m, uint64_t id, const struct label_row *l,
    struct arena *a, struct error *e)
{
	const struct budget_holder h = { .scope = BUDGET_PROJECT,
		.customer_id = l->l.customer_id,
		.project_id = id };
	enum err err;

	if (!l->budget.is_given)
		return OK;
	err = budget_member_store(m->db, &h, &l->budget, m->now_ms, a, e);
	/* Its keys are cached with their customer's generation. */
	return err ? err
		   : store_generation_bump(m->db,
			 generation_customer_slot(l->l.customer_id), e);
}

static enum err
check(const struct resource *r, const struct manager *m, struct arena *a,
    const void *before, void *row, struct error *e)
{
	const struct label_row *l = row;
	enum err err = before
			   ? OK
			   : resource_need_customer(m, a, l->l.customer_id, e);

	(void)r;
	return err ? err : check_budget(m, before, l, e);
}

static enum err
insert(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, uint64_t *ret_id, struct error *e)
{
	struct label_row *l = row;
	enum err err = store_label_insert(m->db, (enum label_kind)r->variant,
	    &l->l, ret_id, e);

	return err ? err : store_budget(m, *ret_id, l, a, e);
}

static enum err
update(const struct resource *r, const struct manager *m, struct arena *a,
    void *row, struct error *e)
{
	struct label_row *l = row;
	enum err err = store_label_update(m->db, (enum label_kind)r->variant,
	    &l->l, e);

	return err ? err : store_budget(m, l->l.label_id, l, a, e);
}

static enum err
archive(const struct resource *r, const struct manager *m, struct arena *a,
    const void *row, struct error *e)
{
	const struct label_row *l = row;

	(void)a;
	return store_label_archive(m->db, (enum label_kind)r->variant, &l->l,
	    e);
}

/* The keys of a project are refused with it. */
#define RESOURCE(kind)                                               \
 {                                                                   \
  .record = &records[kind], .variant = (kind),                       \
  .customer_off = offsetof(struct label_row, l.customer_id),         \
  .archived_off = offsetof(struct label_row, l.archived_at_ms),      \
  .slot = (kind) == LABEL_PROJECT ? RESOURCE_SLOT_CUSTOMER           \
				  : RESOURCE_SLOT_OWN,               \
  .end_verb = "archive", .lock = lock, .load = load, .check = check, \
  .insert = insert, .update = update, .archive = archive             \
 }
const struct resource label_resources[LABEL__N] = {
	[LABEL_PROJECT] = RESOURCE(LABEL_PROJECT),
	[LABEL_AGENT] = RESOURCE(LABEL_AGENT),
	[LABEL_CONNECTOR] = RESOURCE(LABEL_CONNECTOR),
};
