/* SPDX-License-Identifier: MIT */
/*
 * Links by which a user sets a password: an invitation, or a reset. A link is
 * good once and for a while; only a keyed digest of it is stored. Where there
 * is e-mail it goes to the user's address, sealed until it is sent.
 */
#ifndef TG_DOMAIN_USER_LINK_H
#define TG_DOMAIN_USER_LINK_H

#include "base/conf.h"
#include "domain/session.h"
#include "domain/user.h"
#include "store/user_link.h"

/* How often a link may be asked for by e-mail. */
#define USER_LINK_ASKS_ACCOUNT_MINUTE 2
#define USER_LINK_ASKS_ACCOUNT_HOUR   6
#define USER_LINK_ASKS_ADDRESS_MINUTE 10
#define USER_LINK_ASKS_ADDRESS_HOUR   60

/* What making one needs. */
struct user_link_maker {
	const struct crypto_key *pepper;
	const struct crypto_key *seal;
	uint64_t valid_s[USER_LINK__N];
	bool is_mailed; /* it is sent, too */
};

/** Whether there is e-mail, and an address for links in it. */
bool user_link_is_mailed(const struct conf *c) ATTR_MUST_CHECK;
void user_link_maker_init(struct user_link_maker *m, const struct conf *c,
    const struct crypto_key *pepper, const struct crypto_key *seal);

/** An invitation for who has no password yet, else a reset. */
enum user_link_kind user_link_kind_for(const struct user *u);
/**
 * Make one, in the caller's transaction. Of user 0, or one who may not sign
 * in, nothing is written by the same statements.
 * @ret_token  what the link ends in: a secret
 * Errors: the database's; ERR_CONFIG no seal.key.
 */
enum err user_link_make(struct db *db, const struct user_link_maker *m,
    uint64_t user_id, enum user_link_kind kind, int64_t now_ms,
    char ret_token[SESSION_TEXT_BYTES], struct error *e) ATTR_MUST_CHECK;
/** public_url and the path of a link. Memory: in a. */
struct str user_link_url(const struct conf *c, struct str token,
    struct arena *a);

/* Somebody who has forgotten it, or says so. */
struct user_link_ask {
	struct str email;
	struct str client_addr;
	struct str request_id;
	int64_t now_ms;
};
/**
 * Send a link to that address, if it is a user's. What is done, and how often
 * it may be, is the same if it isn't.
 * @ret_wait_s  with ERR_RATE_LIMITED
 * Errors: ERR_RATE_LIMITED; the database's.
 */
enum err user_link_send(const struct sign_in *s,
    const struct user_link_maker *m, const struct user_link_ask *ask,
    struct arena *a, uint64_t *ret_wait_s, struct error *e) ATTR_MUST_CHECK;

/** Errors: ERR_NOT_FOUND it is no link, used, or over. Memory: in a. */
enum err user_link_find(const struct sign_in *s, struct str token,
    struct arena *a, struct user_link *ret, struct error *e) ATTR_MUST_CHECK;
/**
 * Use it: the password is set, and all the user's sessions and links end.
 * @at  password, client_addr, request_id
 * @ret_device  for the browser that had the link: whoever guesses at the
 *              account does not keep it from signing in
 * Errors: ERR_NOT_FOUND; user_password_check()'s; ERR_OVERLOADED.
 */
enum err user_link_use(const struct sign_in *s, struct str token,
    const struct sign_in_attempt *at, struct arena *a,
    char ret_device[USER_DEVICE_TEXT_BYTES], struct error *e) ATTR_MUST_CHECK;

/** The token of a notice: bound to its uid. Memory: in a.
 * Errors: ERR_CORRUPT, ERR_CONFIG, ERR_NO_MEMORY. */
enum err user_link_open(const struct crypto_key *seal, const uint8_t *uid,
    struct str sealed, struct arena *a, struct str *ret_token,
    struct error *e) ATTR_MUST_CHECK;

#endif
