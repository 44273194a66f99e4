/* SPDX-License-Identifier: MIT */
/*
 * Requests through the dispatcher whose n-th allocation fails, for n = 1, 2,
 * 3 … until none does (STYLE's rule for a full arena). Journal, host map,
 * limits and the provider (the simulator) are real; the catalogue is made
 * here, and whoever asks is said by the test instead of the key cache.
 */
#ifndef TG_TESTS_TORTURE_H
#define TG_TESTS_TORTURE_H

#include "support/cmocka_tg.h"

#include "domain/app.h"
#include "domain/principal.h"

#define TORTURE_PRICED_TOK_PUSD 1000

/* One request, and what it should come to in the end. */
struct torture {
	const char *name;
	const char *method;
	const char *uri;
	const char *body; /* "": none */
	/* Called before each round, to change what body points to. */
	void (*prepare)(size_t n);
	int status;       /* without a failure */
	bool is_metered;  /* leaves a settle that costs something */
	const char *last; /* what its stream ends with; NULL: [DONE] */
	/* May a round in which something failed have that status all the
	 * same? Refusals leave out a header that found no memory. */
	bool is_refusal;
};

/** Begin: services, the simulator, six models (see torture.c). */
void torture_start(void);
void torture_stop(void);

/** What the requests work with; db and pepper may be set by the test. */
extern struct shared torture_shared;
/** Who is authenticated; model_ids are copied for each request. */
extern struct principal torture_who;

/** All rounds of one request; fails the test when one was not clean. */
void torture_run(const struct torture *t);

#endif
