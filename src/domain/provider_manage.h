/* SPDX-License-Identifier: MIT */
/* Providers, as they are managed. For operators. */
#ifndef TG_DOMAIN_PROVIDER_MANAGE_H
#define TG_DOMAIN_PROVIDER_MANAGE_H

#include "domain/resource.h"
#include "store/provider.h"

/* A provider with what is given of its credential: never read back. */
struct provider_row {
	struct provider p;
	bool has_api_key;
	struct str api_key; /* to store; empty removes it; p == NULL: stays */
};

/* Rows are struct provider_row; extra is the struct crypto_key that seals. */
extern const struct resource provider_resource;

/** What a provider is unless it is said. */
void provider_row_init(struct provider_row *row);

#endif
