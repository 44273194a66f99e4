/* SPDX-License-Identifier: MIT */
#include "limit_fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "ext/crypto.h"
#include "support/fixture_dir.h"

struct fixture_memcached server;
struct hostmap *map;
struct limiter *limiter;
struct principal who;
struct limit_client client;
struct error e;
struct limit_settings settings;

static struct fixture_dir dir;
static struct mcache *cache;

static void
settings_reset(void)
{
	settings = (struct limit_settings){
		.on_failure = CONF_FAILURE_LOCAL,
		.failed_keys = 10,
	};
	limit_set_put(&settings.defaults, LIMIT_KEY_MODEL_REQUESTS_MINUTE, 60);
	limit_set_put(&settings.defaults, LIMIT_KEY_MODEL_REQUESTS_HOUR, 0);
}

void
open_all(void)
{
	struct mcache_params cache_params = {
		.servers = server.socket,
		.pool = 4,
		.timeout_ms = 500,
	};
	struct limiter_params params = { .settings = settings };

	assert_ok(hostmap_open(dir.path, true, &map, &e));
	assert_ok(mcache_new(&cache_params, &cache, &e));
	params.cache = cache;
	params.map = map;
	assert_ok(limiter_new(&params, &limiter, &e));
}

void
close_all(void)
{
	limiter_free(limiter);
	mcache_free(cache);
	hostmap_close(map);
}

void
rates_set(int64_t per_minute, int64_t per_hour)
{
	limit_set_put(&who.limits, LIMIT_KEY_MODEL_REQUESTS_MINUTE, per_minute);
	limit_set_put(&who.limits, LIMIT_KEY_MODEL_REQUESTS_HOUR, per_hour);
}

void
only(enum limit_metric metric, int64_t max)
{
	who.limits = (struct limit_set){ 0 };
	rates_set(0, 0);
	limit_set_put(&who.limits, metric, max);
}

enum err
take(uint64_t tok, int64_t now_ms, struct limit_take *t)
{
	struct limit_ask ask = {
		.who = &who,
		.model_id = MODEL,
		.client = client,
		.tok = tok,
		.now_ms = now_ms,
	};

	return limit_take(limiter, &ask, t, &e);
}

int
limit_setup(void **state)
{
	(void)state;
	/* Counters of its own for each test. */
	who = (struct principal){
		.kind = PRINCIPAL_KEY,
		.api_key_id = who.api_key_id + 1,
		.customer_id = who.customer_id + 1,
		.public_id = "K000000001",
	};
	client.is_known = true;
	client.bytes[0]++;
	settings_reset();
	if (server.pid == 0 && !fixture_memcached_start(&server))
		return -1;
	open_all();
	return 0;
}

void
map_remove(void)
{
	char path[200];

	(void)snprintf(path, sizeof(path), "%s/" HOSTMAP_FILE, dir.path);
	(void)unlink(path);
}

int
limit_teardown(void **state)
{
	(void)state;
	close_all();
	map_remove();
	return 0;
}

unsigned
grants_of(unsigned n_requests, int64_t now_ms)
{
	struct limit_take t;
	unsigned n = 0;

	for (unsigned i = 0; i < n_requests; i++)
		if (take(1, now_ms, &t) == OK)
			n++;
	return n;
}

bool
limit_fixture_start(void)
{
	ASSERT(crypto_init(&e) == OK);
	fixture_dir_make(&dir);
	(void)snprintf(server.socket, sizeof(server.socket), "%s/socket",
	    dir.path);
	if (fixture_memcached_start(&server))
		return true;
	fixture_dir_remove(&dir);
	(void)printf("1..0 # SKIP no memcached\n");
	return false;
}

void
limit_fixture_stop(void)
{
	fixture_memcached_kill(&server);
	fixture_dir_remove(&dir);
}
