/* SPDX-License-Identifier: MIT */
#include "domain/user.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "domain/hostmap.h"
#include "store/audit.h"
#include "store/db_pool.h"

#define WAIT_MS          2000
#define EMAIL_BYTES_MAX  254
#define USER_AGENT_BYTES 255

/* One limit on attempts: what is counted, and where it was. */
struct counter {
	enum limit_window window;
	uint64_t id;
	uint64_t index;
	uint32_t max;
	int64_t window_ms;
};

enum {
	N_COUNTERS = 4
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* purpose, then text in lower case; what does not fit is cut off. */
static size_t
join_lower(char *ret, size_t cap, struct str purpose, struct str text)
{
	struct buf b;
	buf_init_fixed(&b, ret, cap);
	buf_add(&b, purpose);
	for (size_t i = 0; i < text.n && b.n < cap; i++)
		buf_add_char(&b, lower(text.p[i]));
	return b.n;
}

static uint64_t
counter_id(const char *purpose, struct str text)
{
	char joined[320];
	uint8_t digest[16];
	uint64_t id;
	size_t n = join_lower(joined, sizeof(joined), str_from(purpose), text);
	crypto_checksum(joined, n, digest, sizeof(digest));
	memcpy(&id, digest, sizeof(id));
	return id;
}

static void
device_mac(const struct crypto_key *pepper, struct str nonce, struct str email,
    char ret[SESSION_TEXT_BYTES])
{
	char purpose[8 + SESSION_TEXT_CHARS], joined[400];
	uint8_t digest[CRYPTO_DIGEST_BYTES];
	struct buf b;
	buf_init_fixed(&b, purpose, sizeof(purpose));
	buf_add(&b, S("device:"));
	buf_add(&b, nonce);
	size_t n = join_lower(joined, sizeof(joined), buf_str(&b), email);
	crypto_digest(pepper, joined, n, digest);
	hex_encode(digest, sizeof(digest), ret);
}

static void
device_new(const struct crypto_key *pepper, struct str email,
    char ret[USER_DEVICE_TEXT_BYTES])
{
	session_id_new(ret);
	device_mac(pepper, str_make(ret, SESSION_TEXT_CHARS), email,
	    ret + SESSION_TEXT_CHARS);
}

static bool
device_is_known(const struct crypto_key *pepper, struct str device,
    struct str email)
{
	char right[SESSION_TEXT_BYTES];
	if (device.n != USER_DEVICE_TEXT_BYTES - 1)
		return false;
	struct str nonce = str_make(device.p, SESSION_TEXT_CHARS);
	if (!session_id_is_shaped(nonce))
		return false;
	device_mac(pepper, nonce, email, right);
	return secret_eq(right, device.p + SESSION_TEXT_CHARS,
	    SESSION_TEXT_CHARS);
}

static void
counters_of(const struct sign_in *s, const struct sign_in_attempt *at,
    struct counter ret[N_COUNTERS])
{
	uint64_t address = counter_id("sign-in address:", at->client_addr);
	uint64_t account = device_is_known(s->pepper, at->device, at->email)
			       ? counter_id("sign-in device:", at->device)
			       : counter_id("sign-in account:", at->email);
	const struct counter all[N_COUNTERS] = {
		{ LIMIT_MINUTE, account, 0, USER_TRIES_ACCOUNT_MINUTE, 60000 },
		{ LIMIT_HOUR, account, 0, USER_TRIES_ACCOUNT_HOUR, HOUR_MS },
		{ LIMIT_MINUTE, address, 0, USER_TRIES_ADDRESS_MINUTE, 60000 },
		{ LIMIT_HOUR, address, 0, USER_TRIES_ADDRESS_HOUR, HOUR_MS },
	};
	memcpy(ret, all, sizeof(all));
	for (size_t i = 0; i < N_COUNTERS; i++)
		ret[i].index = (uint64_t)(at->now_ms / ret[i].window_ms);
}

static void
give_back(const struct sign_in *s, const struct counter *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hostmap_local_sub(s->map, c[i].window, c[i].id, c[i].index, 1);
}

/* Count one attempt everywhere, before any work is done for it. */
static enum err
count_attempt(const struct sign_in *s, const struct sign_in_attempt *at,
    const struct counter c[N_COUNTERS], struct sign_in_result *ret,
    struct error *e)
{
	for (size_t i = 0; i < N_COUNTERS; i++) {
		uint32_t count;
		enum hostmap_count got = hostmap_local_add(s->map, c[i].window,
		    c[i].id, c[i].index, 1, c[i].max, &count);
		if (got == HOSTMAP_COUNTED)
			continue;
		give_back(s, c, i);
		int64_t left = c[i].window_ms - at->now_ms % c[i].window_ms;
		ret->wait_s = (uint64_t)(left + 999) / 1000;
		return error_public(e, ERR_RATE_LIMITED, NULL,
		    "Too many attempts to sign in. Try again in %llu seconds.",
		    (unsigned long long)ret->wait_s);
	}
	return OK;
}

static enum err
load_user(const struct sign_in *s, struct str email, struct arena *a,
    struct user *ret, struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(s->db, WAIT_MS, &db, e);
	if (err)
		return err;
	err = store_user_by_email(db, email, a, ret, e);
	db_pool_give(s->db, db);
	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	*ret = (struct user){ .user_id = 0 };
	return OK;
}

static bool
may_sign_in(const struct user *u)
{
	return u->is_active && u->customer_is_active && u->archived_at_ms == 0;
}

static enum err
audit(struct db *db, const struct sign_in_attempt *at, const struct user *u,
    bool is_success, struct error *e)
{
	const struct audit row = {
		.actor = is_success ? AUDIT_USER : AUDIT_ANONYMOUS,
		.actor_id = is_success ? u->user_id : 0,
		.customer_id = u->customer_id,
		.action = S("session.create"),
		.object = u->user_id ? S("user") : str_make(NULL, 0),
		.object_id = u->user_id,
		.is_success = is_success,
		.client_address = at->client_addr,
		.request_id = at->request_id,
	};
	return store_audit_insert(db, &row, e);
}

/* The same statements whether or not there is such a user. */
static enum err
record_failure(struct db *db, const struct sign_in_attempt *at,
    const struct user *u, struct error *e)
{
	enum err err = store_user_sign_in_failed(db, u->user_id, e);
	if (err == ERR_NOT_FOUND)
		error_clear(e);
	else if (err)
		return err;
	err = audit(db, at, u, false, e);
	if (err)
		return err;
	return error_public(e, ERR_UNAUTHORIZED, NULL,
	    "The e-mail address or the password is not right.");
}

static enum err
begin_session(const struct sign_in *s, struct db *db,
    const struct sign_in_attempt *at, const struct user *u,
    struct sign_in_result *ret, struct error *e)
{
	struct session_new n = { .user_id = u->user_id,
		.max_s = at->session_max_s,
		.client_address = at->client_addr,
		.user_agent = at->user_agent };
	if (n.user_agent.n > USER_AGENT_BYTES)
		n.user_agent.n = USER_AGENT_BYTES;
	if (!str_is_utf8(n.user_agent))
		n.user_agent = S("");
	session_id_new(ret->session);
	session_digest(s->pepper, str_from(ret->session), n.digest);
	enum err err = store_session_insert(db, &n, e);
	if (err)
		return err;
	err = store_user_signed_in(db, u->user_id, e);
	/* Nobody else clears them away; a thousand at most each time. */
	if (!err)
		err = store_session_delete_expired(db, e);
	if (err)
		return err;
	device_new(s->pepper, at->email, ret->device);
	ret->user_id = u->user_id;
	ret->customer_id = u->customer_id;
	return audit(db, at, u, true, e);
}

static enum err
finish(const struct sign_in *s, const struct sign_in_attempt *at,
    const struct user *u, const char *new_hash, bool is_right,
    struct sign_in_result *ret, struct error *e)
{
	struct db *db;
	enum err err = db_pool_take(s->db, WAIT_MS, &db, e);
	if (err)
		return err;
	if (!is_right)
		err = record_failure(db, at, u, e);
	/* Ends the user's other sessions too; once in years. */
	if (!err && new_hash)
		err = store_user_set_password(db, u->user_id,
		    str_from(new_hash), e);
	if (!err)
		err = begin_session(s, db, at, u, ret, e);
	db_pool_give(s->db, db);
	return err;
}

enum err
user_sign_in(const struct sign_in *s, const struct sign_in_attempt *at,
    struct arena *a, struct sign_in_result *ret, struct error *e)
{
	struct counter counters[N_COUNTERS];
	struct user u;
	bool is_right = false, is_stale = false;
	char new_hash[CRYPTO_PASSWORD_BYTES];

	*ret = (struct sign_in_result){ .user_id = 0 };
	counters_of(s, at, counters);
	enum err err = count_attempt(s, at, counters, ret, e);
	if (err)
		return err;
	err = load_user(s, at->email, a, &u, e);
	if (err)
		return err;
	err = crypto_password_verify(s->hasher, u.password_hash, at->password,
	    &is_right, &is_stale, e);
	if (err)
		return err;
	is_right = is_right && may_sign_in(&u);
	if (is_right && is_stale)
		err = crypto_password_hash(s->hasher, at->password, new_hash,
		    e);
	if (err)
		return err;
	err = finish(s, at, &u, is_right && is_stale ? new_hash : NULL,
	    is_right, ret, e);
	if (!err)
		give_back(s, counters, N_COUNTERS);
	return err;
}

static size_t
count_chars(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

enum err
user_password_check(struct str password, struct error *e)
{
	if (!str_is_utf8(password))
		return error_public(e, ERR_BAD_PARAM, "password",
		    "The password is not valid UTF-8.");
	if (password.n > USER_PASSWORD_BYTES_MAX)
		return error_public(e, ERR_BAD_PARAM, "password",
		    "The password is longer than %d bytes.",
		    USER_PASSWORD_BYTES_MAX);
	if (count_chars(password) < USER_PASSWORD_CHARS_MIN)
		return error_public(e, ERR_BAD_PARAM, "password",
		    "The password needs at least %d characters.",
		    USER_PASSWORD_CHARS_MIN);
	return OK;
}
