/* SPDX-License-Identifier: MIT */
/* Projects, agents and connectors, as they are managed. */
#ifndef TG_DOMAIN_LABEL_H
#define TG_DOMAIN_LABEL_H

#include "domain/budget.h"
#include "domain/resource.h"
#include "store/label.h"

/* As they are managed. */
struct label_row {
	struct label l;
	struct budget_member budget; /* of projects only */
};

/* By enum label_kind; rows are struct label_row. */
extern const struct resource label_resources[LABEL__N];

/** Rows of a list. Memory: in a. */
enum err label_rows(struct db *db, enum label_kind kind, uint64_t tenant,
    const struct label *labels, size_t n, int64_t now_ms, struct arena *a,
    struct label_row **ret, struct error *e) ATTR_MUST_CHECK;

#endif
