/* SPDX-License-Identifier: MIT */
/*
 * What the check of a key costs that a worker remembers, for bench/run keys.
 * usage: key_speed DB_SOCKET FOLDER KEY... < PEPPER, in hex
 * The first look at each key asks the database; then they take turns. One
 * line: checks, and of a check's CPU time the least and the median, in ns.
 * A clock's own time is many checks', so they are timed by the thousand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "domain/hostmap.h"
#include "domain/key.h"
#include "ext/crypto.h"
#include "store/db_pool.h"

#define SAMPLES 1000
#define TURN    1000 /* checks of a sample */

static struct arena arena;
static struct error e;

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Of this thread alone: what others do meanwhile isn't in it. */
static int64_t
cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void
must(enum err err)
{
	if (!err)
		return;
	(void)fprintf(stderr, "key_speed: %s\n", e.internal);
	exit(1);
}

static struct crypto_key *
read_pepper(void)
{
	struct crypto_key *pepper = NULL;
	char hex[256];

	if (!fgets(hex, sizeof(hex), stdin))
		exit(2);
	must(crypto_key_from_hex(str_make(hex, strcspn(hex, "\n")), &pepper,
	    &e));
	return pepper;
}

/* One thread's, all keys known to it. Returns its samples, ns a check. */
static void
measure(struct key_cache *c, char **keys, unsigned n_keys, int64_t *samples)
{
	int64_t now_ms = clock_now_ms();
	struct principal who;

	for (unsigned i = 0; i < n_keys; i++)
		must(key_authenticate(c, str_from(keys[i]), NULL, now_ms,
		    &arena, &who, &e));
	for (unsigned s = 0; s < SAMPLES; s++) {
		int64_t from = cpu_ns();

		for (unsigned i = 0; i < TURN; i++) {
			must(key_authenticate(c, str_from(keys[i % n_keys]),
			    NULL, now_ms, &arena, &who, &e));
			arena_reset(&arena);
		}
		samples[s] = (cpu_ns() - from) / TURN;
	}
}

int
main(int argc, char **argv)
{
	static int64_t samples[SAMPLES];
	struct key_cache_params params = {
		.cache_s = 3600,
		.n_keys = 20000,
	};
	struct db_options db = {
		.user = "root",
		.password = "",
		.name = "tollgate",
		.connect_timeout_s = 2,
		.query_timeout_s = 30,
	};
	struct key_cache *c = NULL;
	struct crypto_key *pepper;

	if (argc < 4) {
		(void)fprintf(stderr,
		    "usage: key_speed DB_SOCKET FOLDER KEY... < PEPPER\n");
		return 2;
	}
	must(crypto_init(&e));
	must(db_library_init(&e));
	pepper = read_pepper();
	db.socket = argv[1];
	params.db = db_pool_new(&db, 1);
	params.pepper = pepper;
	must(hostmap_open(argv[2], true, &params.map, &e));
	must(key_cache_new(&params, &c, &e));
	arena_init(&arena, KIB(64));

	measure(c, argv + 3, (unsigned)argc - 3, samples);
	qsort(samples, SAMPLES, sizeof(samples[0]), by_size);
	(void)printf("%d %lld %lld\n", SAMPLES * TURN, (long long)samples[0],
	    (long long)samples[SAMPLES / 2]);

	arena_fini(&arena);
	key_cache_free(c);
	hostmap_close(params.map);
	db_pool_free(params.db);
	crypto_key_free(pepper);
	db_library_fini();
	return 0;
}
