/* SPDX-License-Identifier: MIT */
/*
 * Browser sessions: a random id of 256 bits in a cookie, only its keyed
 * digest in the database. What a form carries against forgery (its token) is
 * another keyed digest of the same id, so nothing is stored for it.
 */
#ifndef TG_DOMAIN_SESSION_H
#define TG_DOMAIN_SESSION_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "ext/crypto.h"
#include "store/session.h"

struct db_pool;

#define SESSION_ID_BYTES   32
/* Ids and tokens are 64 lower-case hexadecimal digits. */
#define SESSION_TEXT_CHARS 64
#define SESSION_TEXT_BYTES (SESSION_TEXT_CHARS + 1)

/** A new id; ret is NUL-terminated. Wipe it after use. */
void session_id_new(char ret[SESSION_TEXT_BYTES]);
/** Whether an id could be one of ours: saves the database the others. */
bool session_id_is_shaped(struct str id) ATTR_MUST_CHECK;
/** The keyed digest of a text that session_id_new() made, for one purpose of at
 * most 16 bytes: "session:". */
void session_digest_for(const struct crypto_key *pepper, const char *purpose,
    struct str id, uint8_t ret[CRYPTO_DIGEST_BYTES]);
/** What is stored and looked up instead of the id. */
void session_digest(const struct crypto_key *pepper, struct str id,
    uint8_t ret[SESSION_DIGEST_BYTES]);

/**
 * The token of forms of whoever holds the id: a session's, or that of the
 * cookie which the sign-in page sets before there is a session.
 */
void session_form_token(const struct crypto_key *pepper, struct str id,
    char ret[SESSION_TEXT_BYTES]);
/** In time that does not depend on where they differ. */
bool session_form_token_is_right(const struct crypto_key *pepper, struct str id,
    struct str token) ATTR_MUST_CHECK;

/**
 * The live session of an id; counts as a visit, written to the database once
 * a minute at most.
 *
 * @idle_s    it ends after so long without a visit
 * @is_visit  somebody is there: not a script that asks by itself
 * Errors: ERR_UNAUTHORIZED no such session, or it is over; ERR_DB_DOWN and
 *         the database's others.
 * Memory: texts in a.
 */
enum err session_find(struct db_pool *pool, const struct crypto_key *pepper,
    struct str id, uint64_t idle_s, int64_t now_ms, bool is_visit,
    struct arena *a, struct session *ret, struct error *e) ATTR_MUST_CHECK;
/** Sign out: the id is worth nothing from now on. Unknown ids are fine. */
enum err session_end(struct db_pool *pool, const struct crypto_key *pepper,
    struct str id, struct error *e) ATTR_MUST_CHECK;

#endif
