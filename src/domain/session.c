/* SPDX-License-Identifier: MIT */
#include "domain/session.h"

#include <string.h>

#include "base/hex.h"
#include "base/secret.h"
#include "store/db_pool.h"

#define WAIT_MS        2000
#define TOUCH_AFTER_MS 60000

/* One key serves several purposes; the prefix keeps them apart. */
void
session_digest_for(const struct crypto_key *pepper, const char *purpose,
    struct str id, uint8_t ret[CRYPTO_DIGEST_BYTES])
{
	char text[16 + SESSION_TEXT_CHARS];
	size_t n = strlen(purpose);
	ASSERT(n <= 16);
	memcpy(text, purpose, n);
	size_t n_id = id.n < SESSION_TEXT_CHARS ? id.n : SESSION_TEXT_CHARS;
	if (n_id > 0)
		memcpy(text + n, id.p, n_id);
	crypto_digest(pepper, text, n + n_id, ret);
	secret_wipe(text, sizeof(text));
}

void
session_id_new(char ret[SESSION_TEXT_BYTES])
{
	uint8_t id[SESSION_ID_BYTES];
	crypto_random(id, sizeof(id));
	hex_encode(id, sizeof(id), ret);
	secret_wipe(id, sizeof(id));
}

bool
session_id_is_shaped(struct str id)
{
	uint8_t bytes[SESSION_ID_BYTES];
	bool ok = id.n == SESSION_TEXT_CHARS &&
		  hex_decode(id, bytes, sizeof(bytes));
	secret_wipe(bytes, sizeof(bytes));
	return ok;
}

void
session_digest(const struct crypto_key *pepper, struct str id,
    uint8_t ret[SESSION_DIGEST_BYTES])
{
	session_digest_for(pepper, "session:", id, ret);
}

void
session_form_token(const struct crypto_key *pepper, struct str id,
    char ret[SESSION_TEXT_BYTES])
{
	uint8_t digest[CRYPTO_DIGEST_BYTES];
	session_digest_for(pepper, "form:", id, digest);
	hex_encode(digest, sizeof(digest), ret);
}

bool
session_form_token_is_right(const struct crypto_key *pepper, struct str id,
    struct str token)
{
	char right[SESSION_TEXT_BYTES];
	if (!session_id_is_shaped(id) || token.n != SESSION_TEXT_CHARS)
		return false;
	session_form_token(pepper, id, right);
	return secret_eq(right, token.p, SESSION_TEXT_CHARS);
}

static enum err
find(struct db *db, const uint8_t digest[SESSION_DIGEST_BYTES], uint64_t idle_s,
    int64_t now_ms, bool is_visit, struct arena *a, struct session *ret,
    struct error *e)
{
	enum err err = store_session_by_digest(db, digest, idle_s, a, ret, e);
	if (err == ERR_NOT_FOUND) {
		error_clear(e);
		return error_set(e, ERR_UNAUTHORIZED, "no such session");
	}
	if (err)
		return err;
	if (!is_visit || now_ms - ret->last_seen_at_ms < TOUCH_AFTER_MS)
		return OK;
	return store_session_touch(db, ret->session_id, e);
}

enum err
session_find(struct db_pool *pool, const struct crypto_key *pepper,
    struct str id, uint64_t idle_s, int64_t now_ms, bool is_visit,
    struct arena *a, struct session *ret, struct error *e)
{
	if (!session_id_is_shaped(id))
		return error_set(e, ERR_UNAUTHORIZED, "no session id");
	uint8_t digest[SESSION_DIGEST_BYTES];
	session_digest(pepper, id, digest);
	struct db *db;
	enum err err = db_pool_take(pool, WAIT_MS, &db, e);
	if (err)
		return err;
	err = find(db, digest, idle_s, now_ms, is_visit, a, ret, e);
	db_pool_give(pool, db);
	return err;
}

enum err
session_end(struct db_pool *pool, const struct crypto_key *pepper,
    struct str id, struct error *e)
{
	if (!session_id_is_shaped(id))
		return OK;
	uint8_t digest[SESSION_DIGEST_BYTES];
	session_digest(pepper, id, digest);
	struct db *db;
	enum err err = db_pool_take(pool, WAIT_MS, &db, e);
	if (err)
		return err;
	err = store_session_delete(db, digest, e);
	db_pool_give(pool, db);
	return err;
}
