/* SPDX-License-Identifier: MIT */
/* What a key must be, new or changed. */
#include "domain/key_manage_priv.h"

#include <stdlib.h>

#include "base/cidr.h"
#include "domain/tier.h"
#include "store/label.h"

enum err
key_ips_check(struct str list, struct error *e)
{
	struct cidr range;
	struct str item;
	size_t n = 0;

	if (list.p && list.n == 0)
		return error_public(e, ERR_BAD_PARAM, "allowed_ips",
		    "allowed_ips must name an address, or be null.");
	for (; list.n && str_split(&list, ',', &item); n++)
		if (!cidr_parse(item, &range))
			return error_public(e, ERR_BAD_PARAM, "allowed_ips",
			    "allowed_ips holds what is no address and no "
			    "range such as 192.0.2.0/24 or 2001:db8::/32.");
	if (n > KEY_IPS_MAX)
		return error_public(e, ERR_BAD_PARAM, "allowed_ips",
		    "allowed_ips holds more than %d addresses and ranges.",
		    KEY_IPS_MAX);
	return OK;
}

static int
by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

size_t
key_models_sort(uint64_t *ids, size_t n)
{
	size_t kept = 0;

	qsort(ids, n, sizeof(*ids), by_id);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	return kept;
}

static enum err
check_user(const struct manager *m, struct arena *a, const struct key_row *row,
    struct error *e)
{
	struct user u = { 0 };
	enum err err = store_user_by_id(m->db, row->k.customer_id,
	    row->k.user_id, a, &u, e);

	if (err == ERR_NOT_FOUND || (!err && u.archived_at_ms))
		return error_public(e, ERR_BAD_PARAM, "user_id",
		    "The customer has no such user.");
	return err;
}

static enum err
check_project(const struct manager *m, const struct key_row *row,
    struct error *e)
{
	enum err err = row->k.project_id
			   ? store_label_check(m->db, LABEL_PROJECT,
				 row->k.customer_id, row->k.project_id, e)
			   : OK;

	return err == ERR_NOT_FOUND
		   ? error_public(e, ERR_BAD_PARAM, "project_id",
			 "The customer has no such project.")
		   : err;
}

enum err
key_check_change(const struct manager *m, struct arena *a,
    const struct key_row *before, struct key_row *row, struct error *e)
{
	enum err err = OK;

	if (before->k.revoked_at_ms)
		return error_public(e, ERR_CONFLICT, NULL,
		    "That key is revoked.");
	if (row->k.user_id != before->k.user_id)
		err = check_user(m, a, row, e);
	if (!err && row->k.project_id != before->k.project_id)
		err = check_project(m, row, e);
	if (!err && !str_eq(row->k.tier_name, before->k.tier_name)) {
		row->k.rate_limit_tier = 0;
		err = tier_find(m->db, row->k.tier_name, a,
		    &row->k.rate_limit_tier, e);
	}
	if (!err)
		err = key_ips_check(row->k.allowed_ips, e);
	return err ? err : key_cover_change(m, a, before, row, e);
}

/* Whom it meters to: a user of its customer, or the owner. */
static enum err
find_user(const struct manager *m, struct arena *a, struct key_row *row,
    struct error *e)
{
	enum err err = row->k.user_id
			   ? OK
			   : store_user_owner_id(m->db, row->k.customer_id,
				 &row->k.user_id, e);

	if (err == ERR_NOT_FOUND)
		return error_public(e, ERR_CONFLICT, NULL,
		    "That customer has no active owner; give a user_id.");
	return err ? err : check_user(m, a, row, e);
}

enum err
key_check_new(const struct manager *m, struct arena *a, struct key_row *row,
    struct error *e)
{
	enum err err = key_ips_check(row->k.allowed_ips, e);

	if (!err)
		err = key_cover_new(m, a, row, e);
	if (!err)
		err = find_user(m, a, row, e);
	if (!err)
		err = check_project(m, row, e);
	return err ? err
		   : tier_find(m->db, row->k.tier_name, a,
			 &row->k.rate_limit_tier, e);
}
