/* SPDX-License-Identifier: MIT */
/*
 * What this host tells the others by the database: digests of its secrets,
 * what its journals still hold, which workers run. A key or credential that
 * one host made and another can't read fails at the other one only, which
 * nobody understands.
 */
#ifndef TG_DOMAIN_HOST_H
#define TG_DOMAIN_HOST_H

#include "base/err.h"
#include "store/host.h"

struct crypto_key;
struct db;

/* A row is forgotten by doctor when nobody has renewed it for so long. */
#define HOST_GONE_MS INT64_C(86400000)

#define HOST_NAME_BYTES 256
void host_name(char ret[HOST_NAME_BYTES]);
/** What this host's row says of its secrets. @name  filled in here */
void host_fill(const struct crypto_key *pepper, const struct crypto_key *seal,
    char name[HOST_NAME_BYTES], struct host *ret);
/** Write this host's row. @journal_dir  of its workers */
enum err host_tell(struct db *db, const struct crypto_key *pepper,
    const struct crypto_key *seal, const char *journal_dir,
    struct error *e) ATTR_MUST_CHECK;

/* How often a worker tells that it runs, and after what silence it is taken
 * for gone. */
#define WORKER_TELL_MS   60000
#define WORKER_SILENT_MS 150000

/** Write this process's row, and forget those that are long gone.
 * @series  its journal's, 16 bytes */
enum err worker_tell(struct db *db, const uint8_t *series,
    int64_t started_at_ms, struct error *e) ATTR_MUST_CHECK;

#endif
