/* SPDX-License-Identifier: MIT */
/* Projects, agents and connectors, as they are managed. */
#ifndef TG_DOMAIN_LABEL_H
#define TG_DOMAIN_LABEL_H

#include "domain/resource.h"
#include "store/label.h"

/* By enum label_kind; rows are struct label. */
extern const struct resource label_resources[LABEL__N];

#endif
