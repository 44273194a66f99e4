/* SPDX-License-Identifier: MIT */
/*
 * People who sign in: their passwords, and the sign-in itself. Whether an
 * e-mail is known shows in nothing: message, time and limits are the same.
 *
 * Guessing is slowed down per account and per client address, counted on
 * this host. So that a stranger who keeps guessing cannot shut the owner out,
 * a browser that has signed in before holds a device cookie and is counted
 * by itself. Source: OWASP, "Slow Down Online Guessing Attacks with Device
 * Cookies" (2025).
 */
#ifndef TG_DOMAIN_USER_H
#define TG_DOMAIN_USER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "domain/resource.h"
#include "domain/session.h"
#include "domain/tries.h"
#include "ext/crypto.h"
#include "store/user.h"

struct db;
struct db_pool;
struct hostmap;

/* NIST SP 800-63B-4 (2025), 3.1.1.2: at least 15 characters where the
 * password is the only factor; the upper bound is ours: a thousand characters
 * of any script. */
#define USER_PASSWORD_CHARS_MIN 15
#define USER_PASSWORD_BYTES_MAX 4000

/* Attempts per window. An account's limit stops guessing, an address's stops
 * one password being tried on many accounts. */
#define USER_TRIES_ACCOUNT_MINUTE 10
#define USER_TRIES_ACCOUNT_HOUR   60
#define USER_TRIES_ADDRESS_MINUTE 30
#define USER_TRIES_ADDRESS_HOUR   300
/* Three codes of a million are right at a time (RFC 6238, 5.2): 20 an hour
 * are a chance of one in 16,000. Each try had the right password before. */
#define USER_TRIES_CODE_MINUTE    5
#define USER_TRIES_CODE_HOUR      20
/* From the password to the code. */
#define USER_PENDING_MS           600000

/* What signing in needs, once per process; threads share it. */
struct sign_in {
	struct db_pool *db;
	struct hostmap *map;
	const struct crypto_key *pepper;
	const struct crypto_key *seal; /* of second factors */
	struct crypto_hasher *hasher;
};

struct sign_in_attempt {
	struct str email;
	struct secret password;
	struct str pending; /* for the code: sign_in_result.pending */
	struct str code;    /* as it was typed */
	struct str device;  /* value of the device cookie; may be empty */
	struct str client_addr;
	struct str user_agent; /* may be empty */
	struct str request_id;
	uint64_t session_max_s; /* session.max_s */
	int64_t now_ms;
};

#define USER_DEVICE_TEXT_BYTES (2 * SESSION_TEXT_CHARS + 1)

/** The device cookie of a browser that has shown to be the user's.
 * @email  that of the account */
void user_device_new(const struct crypto_key *pepper, struct str email,
    char ret[USER_DEVICE_TEXT_BYTES]);

/* Id, time and MAC, with dots between and a NUL. */
#define USER_PENDING_TEXT_BYTES (10 + 1 + 19 + 1 + SESSION_TEXT_BYTES)

struct sign_in_result {
	bool needs_code; /* then there is no session yet, but pending */
	char pending[USER_PENDING_TEXT_BYTES];
	char session[SESSION_TEXT_BYTES]; /* the new session's id: a secret */
	char device[USER_DEVICE_TEXT_BYTES];
	uint64_t user_id;
	uint64_t customer_id; /* 0: an operator */
	uint64_t wait_s;      /* with ERR_RATE_LIMITED: until the next try */
};

/**
 * Check e-mail and password; if they are right, begin a session. The outcome
 * is written to the audit log. No database connection is held while the
 * password is hashed.
 *
 * Errors: ERR_UNAUTHORIZED e-mail or password wrong, or the account is
 *         closed: one public text for all; ERR_RATE_LIMITED too many
 *         attempts, wait_s set; ERR_OVERLOADED too many hashes at once;
 *         the database's.
 */
enum err user_sign_in(const struct sign_in *s, const struct sign_in_attempt *at,
    struct arena *a, struct sign_in_result *ret,
    struct error *e) ATTR_MUST_CHECK;

/**
 * The second factor: at->pending says whose, at->code is a code by time or one
 * for recovery; either is good once.
 *
 * Errors: ERR_UNAUTHORIZED pending is none of ours, over, or another password
 *         was set since: begin again; ERR_BAD_PARAM "code" wrong;
 *         ERR_RATE_LIMITED, wait_s set; the database's.
 */
enum err user_sign_in_code(const struct sign_in *s,
    const struct sign_in_attempt *at, struct arena *a,
    struct sign_in_result *ret, struct error *e) ATTR_MUST_CHECK;
/**
 * at->email is who the web server says it is; there is no password. A second
 * factor is asked for all the same.
 * Errors: ERR_FORBIDDEN no user of that address may sign in; the database's.
 */
enum err user_sign_in_remote(const struct sign_in *s,
    const struct sign_in_attempt *at, struct arena *a,
    struct sign_in_result *ret, struct error *e) ATTR_MUST_CHECK;
/** Another session for who is signed in; the caller ended the old ones. */
enum err user_session_renew(const struct sign_in *s, struct db *db,
    const struct sign_in_attempt *at, const struct user *u,
    struct sign_in_result *ret, struct error *e) ATTR_MUST_CHECK;
/**
 * Use up a code of the second factor; each try counts for the account.
 * @ret_wait  set with ERR_RATE_LIMITED
 * Errors: ERR_BAD_PARAM "code" wrong, or used before; ERR_RATE_LIMITED; the
 *         database's.
 */
enum err user_code_take(const struct sign_in *s, struct db *db,
    const struct user *u, struct str code, int64_t now_ms, struct arena *a,
    struct tries_wait *ret_wait, struct error *e) ATTR_MUST_CHECK;
/**
 * Whether who is signed in knows the password: before what an unlocked screen
 * must not be enough for.
 * @ret_wait  set with ERR_RATE_LIMITED
 * Errors: ERR_BAD_PARAM "current_password" it is wrong; ERR_RATE_LIMITED;
 *         ERR_OVERLOADED; the database's.
 */
enum err user_password_confirm(const struct sign_in *s, struct arena *a,
    uint64_t user_id, struct secret password, int64_t now_ms,
    struct tries_wait *ret_wait, struct error *e) ATTR_MUST_CHECK;

extern const struct resource user_resource; /* rows: struct user */

/** Whether a new password may be used. @email  of its user
 * Errors: ERR_BAD_PARAM "password". */
enum err user_password_check(struct str password, struct str email,
    struct error *e) ATTR_MUST_CHECK;

#endif
