/* SPDX-License-Identifier: MIT */
/*
 * What this host tells the others by the database: digests of its secrets.
 * A key or credential that one host made and another can't read fails at the
 * other one only, which nobody understands.
 */
#ifndef TG_DOMAIN_HOST_H
#define TG_DOMAIN_HOST_H

#include "base/err.h"
#include "store/host.h"

struct crypto_key;
struct db;

/* A row is forgotten by doctor when nobody has renewed it for so long. */
#define HOST_GONE_MS 86400000

/** What this host's row says. @name  of HOST_NAME_BYTES, filled in here */
#define HOST_NAME_BYTES 256
void host_fill(const struct crypto_key *pepper, const struct crypto_key *seal,
    char name[HOST_NAME_BYTES], struct host *ret);
/** Write this host's row. */
enum err host_tell(struct db *db, const struct crypto_key *pepper,
    const struct crypto_key *seal, struct error *e) ATTR_MUST_CHECK;

#endif
