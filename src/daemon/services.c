/* SPDX-License-Identifier: MIT */
#include "daemon/services.h"

#include <stdlib.h>

#include "base/conf.h"
#include "base/log.h"
#include "daemon/background.h"
#include "domain/attribution.h"
#include "domain/catalogue.h"
#include "domain/hostmap.h"
#include "domain/key.h"
#include "domain/limit.h"
#include "ext/crypto.h"
#include "ext/httpc.h"
#include "ext/mcache.h"
#include "journal/writer.h"
#include "store/db_pool.h"

/* With one thread a process, hosts run many processes: smaller files. */
#define SINGLE_FILE_SHARE 16

struct services {
	const struct conf *conf;
	struct shared shared;
	struct db_options db;
	struct mcache *mcache;
	struct crypto_key *pepper, *seal;
	struct background *background;
};

enum err
services_global_init(struct error *e)
{
	enum err code = httpc_global_init(e);

	if (code == OK)
		code = crypto_init(e);
	return code ? code : db_library_init(e);
}

static unsigned
pool_size(const struct conf *conf, enum conf_id id)
{
	uint64_t most = conf_u64(conf, CONF_THREADS) + 1;
	uint64_t want = conf_u64(conf, id);

	return (unsigned)(want < most ? want : most);
}

static enum err
read_key(const struct conf *conf, enum conf_id id, enum conf_id number,
    enum conf_id other, struct crypto_key **ret, struct error *e)
{
	const char *name = conf_rows()[id].name;
	enum err code;

	if (conf_text(conf, id)[0] == '\0')
		return error_set(e, ERR_CONFIG,
		    "%s is not set; \"tollgate config --new-secrets\" prints a "
		    "new one, to be kept as long as the database",
		    name);
	code = crypto_key_pair(str_from(conf_text(conf, id)),
	    conf_u64(conf, number), str_from(conf_text(conf, other)), ret, e);
	return code ? error_prefix(e, "%s", name) : OK;
}

static enum err
open_database(struct services *s, struct error *e)
{
	const struct conf *c = s->conf;

	db_options_of(c, &s->db);
	s->shared.db = db_pool_new(&s->db, pool_size(c, CONF_DB_POOL));
	if (!s->shared.db)
		return error_set(e, ERR_NO_MEMORY, "database pool");
	return OK;
}

static enum err
open_journal(struct services *s, struct error *e)
{
	const struct conf *c = s->conf;
	uint64_t threads = conf_u64(c, CONF_THREADS);
	struct journal_options o = {
		.max_bytes = conf_u64(c, CONF_JOURNAL_MAX_BYTES),
		.file_bytes = conf_u64(c, CONF_JOURNAL_FILE_BYTES),
		.sync_ms = (uint32_t)conf_u64(c, CONF_JOURNAL_SYNC_MS),
		.open_max = (uint32_t)threads,
	};
	enum err code = hostmap_open(conf_text(c, CONF_STATE_DIR), true,
	    &s->shared.hostmap, e);

	if (code)
		return error_prefix(e, "state.dir");
	if (threads == 1)
		o.file_bytes /= SINGLE_FILE_SHARE;
	code = journal_check_dir(conf_journal_dir(c), e);
	if (code == OK)
		code = journal_open_series(conf_journal_dir(c), &o,
		    &s->shared.journal, e);
	return code ? error_prefix(e, "journal") : OK;
}

static enum err
open_limiter(struct services *s, struct error *e)
{
	const struct conf *c = s->conf;
	struct mcache_params cache = {
		.servers = conf_text(c, CONF_MEMCACHED_SERVERS),
		.pool = pool_size(c, CONF_MEMCACHED_POOL),
		.timeout_ms = (unsigned)conf_u64(c, CONF_MEMCACHED_MS),
	};
	struct limiter_params params = { .map = s->shared.hostmap };
	enum err code = limit_settings_read(c, &params.settings, e);

	if (code)
		return code;
	code = mcache_new(&cache, &s->mcache, e);
	if (code)
		return error_prefix(e, "memcached");
	params.cache = s->mcache;
	return limiter_new(&params, &s->shared.limiter, e);
}

static enum err
open_budgets(struct services *s, struct error *e)
{
	struct budget_book_params params = { .db = s->shared.db };

	memcpy(params.series, journal_id(s->shared.journal)->b,
	    sizeof(params.series));
	return budget_book_new(&params, &s->shared.budgets, e);
}

static enum err
open_keys(struct services *s, struct error *e)
{
	const struct conf *c = s->conf;
	struct key_cache_params params = {
		.db = s->shared.db,
		.map = s->shared.hostmap,
		.pepper = s->pepper,
		.cache_s = conf_u64(c, CONF_AUTH_CACHE_S),
		.stale_max_s = conf_u64(c, CONF_AUTH_STALE_MAX_S),
		.n_keys = conf_u64(c, CONF_AUTH_CACHE_KEYS),
	};
	struct attribution_params attributions = {
		.db = s->shared.db,
		.map = s->shared.hostmap,
		.cache_s = params.cache_s,
		.stale_max_s = params.stale_max_s,
	};
	enum err code = key_cache_new(&params, &s->shared.keys, e);

	if (!code)
		code = attribution_cache_new(&attributions,
		    &s->shared.attributions, e);
	if (code)
		return code;
	return crypto_hasher_new((unsigned)conf_u64(c, CONF_PASSWORD_HASHES),
	    &s->shared.hasher, e);
}

static enum err
open_upstream(struct services *s, struct error *e)
{
	struct httpc_pool_conf params = {
		.idle_max = (size_t)conf_u64(s->conf, CONF_UPSTREAM_IDLE_CONNS),
		.ca_file = conf_text(s->conf, CONF_UPSTREAM_CA),
		.user_agent = PACKAGE_NAME "/" PACKAGE_VERSION,
		.has_pump = conf_u64(s->conf, CONF_THREADS) > 1,
	};

	return httpc_pool_new(&params, &s->shared.httpc, e);
}

/* Without a database the worker starts all the same and serves from the
 * moment that the catalogue can be read. */
static enum err
load_catalogue(struct services *s, struct error *e)
{
	s->shared.catalogue = catalogue_holder_new(
	    conf_text(s->conf, CONF_TOKENIZERS_DIR));
	if (!s->shared.catalogue)
		return error_set(e, ERR_NO_MEMORY, "catalogue");
	if (catalogue_refresh(s->shared.catalogue, s->shared.db, s->seal,
		s->shared.hostmap, e) != OK)
		log_error("catalogue_not_loaded", e);
	return OK;
}

static enum err
open_all(struct services *s, struct error *e)
{
	static enum err (*const steps[])(struct services *, struct error *) = {
		open_database,
		open_journal,
		open_limiter,
		open_budgets,
		open_keys,
		open_upstream,
		load_catalogue,
	};
	enum err code = read_key(s->conf, CONF_AUTH_PEPPER, CONF_AUTH_PEPPER_ID,
	    CONF_AUTH_OTHER_PEPPER, &s->pepper, e);

	if (code == OK)
		code = read_key(s->conf, CONF_SEAL_KEY, CONF_SEAL_KEY_ID,
		    CONF_SEAL_OTHER_KEY, &s->seal, e);
	for (size_t i = 0; code == OK && i < ARRAY_LEN(steps); i++)
		code = steps[i](s, e);
	return code;
}

enum err
services_new(const struct conf *conf, struct services **ret, struct error *e)
{
	struct services *s = calloc(1, sizeof(*s));
	enum err code;

	if (!s)
		return error_set(e, ERR_NO_MEMORY, "services");
	s->conf = conf;
	code = open_all(s, e);
	if (code) {
		services_free(s);
		return code;
	}
	s->shared.pepper = s->pepper;
	s->shared.seal = s->seal;
	*ret = s;
	return OK;
}

struct shared *
services_shared(struct services *s)
{
	return &s->shared;
}

enum err
services_start(struct services *s, struct error *e)
{
	struct background_params params = {
		.shared = &s->shared,
		.conf = s->conf,
		.db = &s->db,
		.seal = s->seal,
	};

	return background_start(&params, &s->background, e);
}

void
services_stop(struct services *s)
{
	background_stop(s->background);
	s->background = NULL;
}

void
services_reload(struct services *s, const struct conf *conf)
{
	struct limit_settings limits;
	struct error e;

	if (limit_settings_read(conf, &limits, &e))
		log_error("limits_not_reloaded", &e);
	else
		limiter_set(s->shared.limiter, &limits);
}

void
services_free(struct services *s)
{
	if (!s)
		return;
	services_stop(s);
	journal_close(&s->shared.journal);
	catalogue_holder_free(s->shared.catalogue);
	if (s->shared.httpc)
		httpc_pool_free(s->shared.httpc);
	if (s->shared.hasher)
		crypto_hasher_free(s->shared.hasher);
	attribution_cache_free(s->shared.attributions);
	if (s->shared.keys)
		key_cache_free(s->shared.keys);
	budget_book_free(s->shared.budgets);
	if (s->shared.limiter)
		limiter_free(s->shared.limiter);
	if (s->mcache)
		mcache_free(s->mcache);
	if (s->shared.hostmap)
		hostmap_close(s->shared.hostmap);
	if (s->shared.db)
		db_pool_free(s->shared.db);
	crypto_key_free(s->pepper);
	crypto_key_free(s->seal);
	free(s);
}
