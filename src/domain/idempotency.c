/* SPDX-License-Identifier: MIT */
#include "domain/idempotency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/app.h"
#include "ext/crypto.h"
#include "store/db_pool.h"

#define DB_WAIT_MS  2000
#define PURGE_ROWS  1000 /* of one statement: its locks are short */
#define PURGE_TIMES 100  /* of one call */

/* ---- sealing ---- */

/* What a sealed answer is bound to: moved to another claim, request or
 * customer it does not open. */
struct place {
	char text[24 + 2 * IDEMPOTENCY_DIGEST_BYTES + UUID7_BYTES];
};

static struct place
place_of(const struct idempotency *i)
{
	struct place p = { "idempotency_keys.answer" };
	char *to = p.text + 24;

	memcpy(to, i->claim, sizeof(i->claim));
	memcpy(to + sizeof(i->claim), i->body, sizeof(i->body));
	memcpy(to + sizeof(i->claim) + sizeof(i->body), i->request_id.b,
	    UUID7_BYTES);
	return p;
}

/* In memory of its own: an arena without room would take the answer along.
 * *ret NULL: there is none. */
static size_t
seal(const struct app *app, const struct idempotency *i, uint8_t **ret)
{
	struct place place = place_of(i);
	size_t n = i->answer.n + CRYPTO_SEAL_OVERHEAD;

	*ret = NULL;
	if (i->answer.n > IDEMPOTENCY_ANSWER_MAX)
		return 0;
	*ret = malloc(n);
	if (!*ret)
		return 0;
	crypto_seal(app->shared->seal, str_make(place.text, sizeof(place.text)),
	    (struct secret){ (const uint8_t *)i->answer.p, i->answer.n }, *ret);
	return n;
}

static enum err
unseal(const struct app *app, struct arena *a, struct idempotency *i,
    struct error *e)
{
	struct place place = place_of(i);
	uint8_t *plain;
	enum err err;

	if (!i->answer.p || i->answer.n < CRYPTO_SEAL_OVERHEAD)
		return error_set(e, ERR_IDEMPOTENCY_GONE, "not kept");
	plain = arena_alloc(a, i->answer.n - CRYPTO_SEAL_OVERHEAD + 1);
	if (!plain)
		return error_arena(e, a);
	err = crypto_open(app->shared->seal,
	    str_make(place.text, sizeof(place.text)), i->answer, plain, e);
	/* The sealing key is another one by now. */
	if (err == ERR_CORRUPT)
		return error_set(e, ERR_IDEMPOTENCY_GONE, "sealed otherwise");
	i->answer = str_make((const char *)plain,
	    i->answer.n - CRYPTO_SEAL_OVERHEAD);
	return err;
}

/* ---- asking ---- */

/* What can't be known must not be done. The log keeps the reason. */
static enum err
unknown(struct error *e)
{
	char why[sizeof(e->internal)];

	(void)snprintf(why, sizeof(why), "%s", e->internal);
	(void)error_public(e, ERR_DB_DOWN, "idempotency-key",
	    "The Idempotency-Key cannot be looked up at the moment. Nothing "
	    "was done: try again.");
	(void)snprintf(e->internal, sizeof(e->internal),
	    "idempotency-key: %.200s", why);
	return ERR_DB_DOWN;
}

static enum err
judge(const struct app *app, const struct idempotency *now, struct arena *a,
    struct idempotency *then, struct error *e)
{
	if (memcmp(then->body, now->body, sizeof(now->body)) != 0)
		return error_public(e, ERR_IDEMPOTENCY_KEY, "idempotency-key",
		    "That Idempotency-Key was used with another request.");
	if (then->status == 0)
		return error_public(e, ERR_IDEMPOTENCY_BUSY, "idempotency-key",
		    "A request with that Idempotency-Key is still running.");
	return unseal(app, a, then, e);
}

static enum err
find(struct app *app, const struct idempotency *now, struct arena *a,
    struct idempotency *ret, struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &db, e);

	if (err)
		return unknown(e);
	err = store_idempotency_find(db, now->claim, now->customer_id, a, ret,
	    e);
	db_pool_give(app->shared->db, db);
	return err && err != ERR_NOT_FOUND ? unknown(e) : err;
}

enum err
idempotency_find(struct app *app, const struct idempotency *now,
    struct arena *a, struct idempotency *ret, struct error *e)
{
	struct idempotency then = { 0 };
	enum err err = find(app, now, a, &then, e);

	if (!err)
		err = judge(app, now, a, &then, e);
	if (!err)
		*ret = then;
	return err;
}

/* ---- taking, keeping, releasing ---- */

enum err
idempotency_take(struct app *app, const struct idempotency *now,
    struct arena *a, struct error *e)
{
	struct idempotency then;
	struct db *db;
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &db, e);

	if (err)
		return unknown(e);
	err = store_idempotency_insert(db, now,
	    conf_u64(app->conf, CONF_IDEMPOTENCY_S), e);
	db_pool_give(app->shared->db, db);
	if (!err)
		return OK;
	if (err != ERR_CONFLICT) {
		/* It may be there all the same. */
		if (err == ERR_DB_UNCERTAIN)
			idempotency_release(app, now);
		return unknown(e);
	}
	/* Another one was faster. Even if it is done already, this one can't
	 * turn into its replay any more. */
	err = idempotency_find(app, now, a, &then, e);
	if (err && err != ERR_NOT_FOUND)
		return err;
	return error_set(e, ERR_IDEMPOTENCY_BUSY, "another one was faster");
}

static enum err
keep(struct app *app, const struct idempotency *now, struct error *e)
{
	struct idempotency row = *now;
	bool is_ours = false;
	uint8_t *sealed;
	struct db *db;
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &db, e);

	if (err)
		return err;
	row.answer.n = seal(app, now, &sealed);
	row.answer.p = (const char *)sealed;
	err = store_idempotency_keep(db, &row, &is_ours, e);
	db_pool_give(app->shared->db, db);
	free(sealed);
	return !err && !is_ours ? error_set(e, ERR_IDEMPOTENCY_BUSY,
				      "answered after its deadline")
				: err;
}

void
idempotency_keep(struct app *app, const struct idempotency *now)
{
	struct error e;

	if (keep(app, now, &e))
		log_error("idempotency_answer_not_kept", &e);
}

void
idempotency_release(struct app *app, const struct idempotency *now)
{
	struct error e;
	struct db *db;
	enum err err = db_pool_take(app->shared->db, DB_WAIT_MS, &db, &e);

	if (!err) {
		err = store_idempotency_release(db, now->customer_id,
		    &now->request_id, &e);
		db_pool_give(app->shared->db, db);
	}
	if (err)
		log_error("idempotency_claim_not_released", &e);
}

enum err
idempotency_purge(struct db *db, struct error *e)
{
	uint64_t n = PURGE_ROWS;
	enum err err = OK;

	for (int i = 0; i < PURGE_TIMES && n == PURGE_ROWS && !err; i++)
		err = store_idempotency_purge(db, PURGE_ROWS, &n, e);
	return err;
}
