/* SPDX-License-Identifier: MIT */
#include "domain/host.h"

#include <string.h>
#include <unistd.h>

#include "domain/flush_backlog.h"
#include "ext/crypto.h"
#include "store/worker.h"

#define BACKLOG_BYTES MIB(64) /* offsets of all series there were */

_Static_assert(HOST_CHECK_BYTES == CRYPTO_CHECK_BYTES, "column");

void
host_name(char ret[HOST_NAME_BYTES])
{
	memset(ret, 0, HOST_NAME_BYTES);
	if (gethostname(ret, HOST_NAME_BYTES - 1) != 0)
		memcpy(ret, "unknown", sizeof("unknown"));
}

void
host_fill(const struct crypto_key *pepper, const struct crypto_key *seal,
    char name[HOST_NAME_BYTES], struct host *ret)
{
	host_name(name);
	*ret = (struct host){ .host = str_from(name),
		.pepper_id = crypto_key_id(pepper) };
	crypto_key_check(pepper, ret->pepper_check);
	crypto_key_check(seal, ret->seal_check);
}

/* Journals that can't be looked at are said to be so, no reason to be silent
 * about the rest. */
static enum err
fill_backlog(struct db *db, const char *journal_dir, struct host *h,
    struct error *e)
{
	struct flush_backlog b;
	struct arena a;
	enum err err;

	arena_init(&a, BACKLOG_BYTES);
	err = flush_backlog(db, journal_dir, &a, &b, e);
	arena_fini(&a);
	if (err == ERR_IO) {
		error_clear(e);
		h->n_unflushed = -1;
		return OK;
	}
	if (err)
		return err;
	h->n_unflushed = (int64_t)b.n_waiting;
	h->unflushed_since_ms = b.oldest_ms;
	h->n_unreadable = b.n_unreadable;
	return OK;
}

enum err
host_tell(struct db *db, const struct crypto_key *pepper,
    const struct crypto_key *seal, const char *journal_dir, struct error *e)
{
	char name[HOST_NAME_BYTES];
	struct host h;
	enum err err;

	host_fill(pepper, seal, name, &h);
	err = fill_backlog(db, journal_dir, &h, e);
	return err ? err : store_host_seen(db, &h, e);
}

enum err
worker_tell(struct db *db, const uint8_t *series, int64_t started_at_ms,
    struct error *e)
{
	char name[HOST_NAME_BYTES];
	struct worker w = { .pid = (uint64_t)getpid(),
		.version = S(PACKAGE_VERSION),
		.started_at_ms = started_at_ms };
	enum err err;

	host_name(name);
	w.host = str_from(name);
	memcpy(w.series, series, sizeof(w.series));
	err = store_worker_seen(db, &w, e);
	return err ? err : store_worker_forget(db, HOST_GONE_MS / 1000, e);
}
