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
#include "ext/crypto.h"
#include "store/user.h"

struct db;
struct db_pool;
struct hostmap;

/* NIST SP 800-63B-4 (2025), 3.1.1.2: at least 15 characters where the
 * password is the only factor; the upper bound is ours. */
#define USER_PASSWORD_CHARS_MIN 15
#define USER_PASSWORD_BYTES_MAX 1024

/* Attempts per window. An account's limit stops guessing, an address's stops
 * one password being tried on many accounts. */
#define USER_TRIES_ACCOUNT_MINUTE 10
#define USER_TRIES_ACCOUNT_HOUR   60
#define USER_TRIES_ADDRESS_MINUTE 30
#define USER_TRIES_ADDRESS_HOUR   300

/* What signing in needs, once per process; threads share it. */
struct sign_in {
	struct db_pool *db;
	struct hostmap *map;
	const struct crypto_key *pepper;
	struct crypto_hasher *hasher;
};

struct sign_in_attempt {
	struct str email;
	struct secret password;
	struct str device; /* value of the device cookie; may be empty */
	struct str client_addr;
	struct str user_agent; /* may be empty */
	struct str request_id;
	uint64_t session_max_s; /* session.max_s */
	int64_t now_ms;
};

#define USER_DEVICE_TEXT_BYTES (2 * SESSION_TEXT_CHARS + 1)

struct sign_in_result {
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

extern const struct resource user_resource; /* rows: struct user */

/** Whether a new password may be used. Errors: ERR_BAD_PARAM "password". */
enum err user_password_check(struct str password,
    struct error *e) ATTR_MUST_CHECK;

#endif
