/* SPDX-License-Identifier: MIT */
/*
 * What rules and handlers may use. `struct shared` exists once per process;
 * `struct app` once per thread and belongs to it. Nothing else is global.
 */
#ifndef TG_DOMAIN_APP_H
#define TG_DOMAIN_APP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"
#include "domain/budget_book.h"
#include "domain/limit.h"
#include "domain/meter.h"

struct attribution_cache;
struct catalogue;
struct catalogue_holder;
struct crypto_hasher;
struct crypto_key;
struct db_pool;
struct hostmap;
struct httpc_pool;
struct journal;
struct key_cache;
struct principal;
struct tmpl_set;

/*
 * Made before the threads, freed after them. The pointers never change
 * meanwhile; what they point to guards itself.
 */
struct shared {
	struct db_pool *db;
	struct journal *journal;
	struct hostmap *hostmap;
	struct limiter *limiter;
	struct budget_book *budgets;
	struct key_cache *keys;
	struct attribution_cache *attributions;
	struct catalogue_holder *catalogue;
	struct httpc_pool *httpc;        /* connections to providers */
	const struct crypto_key *pepper; /* auth.pepper */
	const struct crypto_key *seal;   /* seal.key */
	struct crypto_hasher *hasher;    /* passwords */
	_Atomic size_t body_bytes; /* request bodies held at this moment */
	/* 0: serving; 1: draining, nothing new is accepted; 2: time is up,
	 * streams are cut and settled at once. */
	_Atomic int shutdown;
};

/* Stages of shared.shutdown. */
enum app_shutdown {
	APP_SERVING,
	APP_DRAINING,
	APP_CUT
};

/*
 * One thread's services, and what the gates found out about the request that
 * it serves now (the second half; cleared by app_request_end()).
 */
struct app {
	struct shared *shared;
	/* Snapshots, held until the request ends. */
	const struct conf *conf;
	const struct catalogue *catalogue;
	const struct tmpl_set *templates;

	const struct principal *who;   /* NULL: nobody is authenticated */
	const struct session *session; /* of a PRINCIPAL_SESSION; or NULL */
	struct meter meter;            /* what this request uses and owes */
	struct limit_take take;        /* what it took from the limits */
	struct budget_hold hold;       /* what it holds in budgets */
};

#endif
