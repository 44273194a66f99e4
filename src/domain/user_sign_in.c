/* SPDX-License-Identifier: MIT */
/* Signing in: by password, by a second factor, by what the web server says. */
#include "domain/user.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "domain/second_factor.h"
#include "store/audit.h"
#include "store/db_pool.h"
#include "store/user_link.h"

#define WAIT_MS          2000
#define USER_AGENT_BYTES 255
#define ADDRESS_LIMITS   2 /* of tries_of() */

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

void
user_device_new(const struct crypto_key *pepper, struct str email,
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

/* A browser that has signed in before is counted by itself. The address comes
 * first: one that is over its limits takes no place of the table for accounts,
 * of which whoever asks can make up as many as there are places. */
static void
tries_of(const struct sign_in *s, const struct sign_in_attempt *at,
    struct tries *ret)
{
	uint64_t address = tries_id("sign-in address:", at->client_addr);
	uint64_t account = device_is_known(s->pepper, at->device, at->email)
			       ? tries_id("sign-in device:", at->device)
			       : tries_id("sign-in account:", at->email);

	*ret = (struct tries){ .map = s->map,
		.n = 4,
		.limits = {
		    /* ADDRESS_LIMITS first */
		    { address, LIMIT_MINUTE, USER_TRIES_ADDRESS_MINUTE, 0 },
		    { address, LIMIT_HOUR, USER_TRIES_ADDRESS_HOUR, 0 },
		    { account, LIMIT_MINUTE, USER_TRIES_ACCOUNT_MINUTE, 0 },
		    { account, LIMIT_HOUR, USER_TRIES_ACCOUNT_HOUR, 0 },
		} };
}

/* A web server may name people in any script; addresses here are ASCII, and
 * the database refuses to compare them with other text. */
static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7f)
			return false;
	return true;
}

static enum err
load_user(const struct sign_in *s, struct str email, struct arena *a,
    struct user *ret, struct error *e)
{
	struct db *db;
	enum err err;

	*ret = (struct user){ .user_id = 0 };
	if (!is_ascii(email))
		return OK;
	err = db_pool_take(s->db, WAIT_MS, &db, e);
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
    bool is_success, struct str detail, struct error *e)
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
		.detail = detail,
	};
	return store_audit_insert(db, &row, e);
}

struct failure {
	const struct sign_in_attempt *at;
	const struct user *u;
};

/* db_txn_fn */
static enum err
write_failure(struct db *db, void *arg, struct error *e)
{
	const struct failure *f = arg;
	enum err err = store_user_sign_in_failed(db, f->u->user_id, e);

	if (err == ERR_NOT_FOUND)
		error_clear(e);
	else if (err)
		return err;
	return audit(db, f->at, f->u, false, str_make(NULL, 0), e);
}

/* The same statements whether or not there is such a user, and one commit: a
 * statement that changes nothing would have none of its own to wait for. */
static enum err
record_failure(struct db *db, const struct sign_in_attempt *at,
    const struct user *u, struct error *e)
{
	struct failure f = { at, u };
	enum err err = db_txn(db, write_failure, &f, e);

	if (err)
		return err;
	return error_public(e, ERR_UNAUTHORIZED, NULL,
	    "The e-mail address or the password is not right.");
}

/* Attempts over a limit are refused before anything is looked at; that they
 * are is told once, or in the log if it can't be. */
static void
record_throttled(struct db *db, const struct sign_in_attempt *at,
    const struct user *u)
{
	struct error e = { 0 };

	if (audit(db, at, u, false, S(TRIES_AUDIT_DETAIL), &e))
		log_error("throttled_sign_in_not_recorded", &e);
}

/* Of an account, whosever it is; of an address nobody is concerned. */
static void
tell_throttled(const struct sign_in *s, const struct sign_in_attempt *at,
    bool is_account, struct arena *a)
{
	struct user u = { .user_id = 0 };
	struct error e = { 0 };
	struct db *db;

	if ((is_account && load_user(s, at->email, a, &u, &e)) ||
	    db_pool_take(s->db, WAIT_MS, &db, &e)) {
		log_error("throttled_sign_in_not_recorded", &e);
		return;
	}
	record_throttled(db, at, &u);
	db_pool_give(s->db, db);
}

/* The factor that a user has and has confirmed; else *ret_has is false. */
static enum err
needs_code(struct db *db, const struct user *u, struct arena *a, bool *ret_has,
    struct error *e)
{
	struct second_factor f;
	enum err err = store_factor_by_user(db, u->user_id, a, &f, e);

	*ret_has = !err && f.is_confirmed;
	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	return OK;
}

/* What tells a browser that has given the first factor: for whom, until when,
 * and that no other password was set since. */
static void
pending_mac(const struct crypto_key *pepper, const struct user *u,
    int64_t until_ms, char ret[SESSION_TEXT_BYTES])
{
	char text[64 + CRYPTO_PASSWORD_BYTES];
	uint8_t digest[CRYPTO_DIGEST_BYTES];
	struct buf b;

	buf_init_fixed(&b, text, sizeof(text));
	buf_addf(&b, "pending:%llu:%lld:", (unsigned long long)u->user_id,
	    (long long)until_ms);
	buf_add(&b, u->password_hash);
	crypto_digest(pepper, text, b.n, digest);
	hex_encode(digest, sizeof(digest), ret);
}

static void
pending_make(const struct sign_in *s, const struct sign_in_attempt *at,
    const struct user *u, struct sign_in_result *ret)
{
	int64_t until_ms = at->now_ms + USER_PENDING_MS;
	char mac[SESSION_TEXT_BYTES];
	struct buf b;

	pending_mac(s->pepper, u, until_ms, mac);
	buf_init_fixed(&b, ret->pending, sizeof(ret->pending) - 1);
	buf_addf(&b, "%llu.%lld.%s", (unsigned long long)u->user_id,
	    (long long)until_ms, mac);
	ret->pending[b.n] = '\0';
	ret->needs_code = true;
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
	if (!err)
		err = store_user_link_delete_expired(db, e);
	if (err)
		return err;
	user_device_new(s->pepper, u->email, ret->device);
	ret->user_id = u->user_id;
	ret->customer_id = u->customer_id;
	return audit(db, at, u, true, str_make(NULL, 0), e);
}

/* The first factor was right: a session, or the question for the second. */
static enum err
go_on(const struct sign_in *s, struct db *db, const struct sign_in_attempt *at,
    const struct user *u, struct arena *a, struct sign_in_result *ret,
    struct error *e)
{
	bool has_factor = false;
	enum err err = needs_code(db, u, a, &has_factor, e);

	if (err)
		return err;
	if (!has_factor)
		return begin_session(s, db, at, u, ret, e);
	pending_make(s, at, u, ret);
	return OK;
}

static enum err
finish(const struct sign_in *s, const struct sign_in_attempt *at,
    struct user *u, const char *new_hash, bool is_right, struct arena *a,
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
	if (!err && new_hash)
		u->password_hash = str_from(new_hash);
	if (!err)
		err = go_on(s, db, at, u, a, ret, e);
	db_pool_give(s->db, db);
	return err;
}

enum err
user_sign_in(const struct sign_in *s, const struct sign_in_attempt *at,
    struct arena *a, struct sign_in_result *ret, struct error *e)
{
	struct tries tries;
	struct tries_wait wait = { 0 };
	struct user u;
	bool is_right = false, is_stale = false;
	char new_hash[CRYPTO_PASSWORD_BYTES];

	*ret = (struct sign_in_result){ .user_id = 0 };
	tries_of(s, at, &tries);
	enum err err = tries_count(&tries, at->now_ms, &wait, e);
	ret->wait_s = wait.s;
	if (err && wait.is_first)
		tell_throttled(s, at, wait.by >= ADDRESS_LIMITS, a);
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
	    is_right, a, ret, e);
	if (!err)
		tries_give_back(&tries);
	return err;
}

/* ---- the second factor ---- */

/* The user of at->pending, if it is one of ours and still good. */
static enum err
pending_user(const struct sign_in *s, struct db *db,
    const struct sign_in_attempt *at, struct arena *a, struct user *ret,
    struct error *e)
{
	struct str rest = at->pending, id_text, until_text;
	char mac[SESSION_TEXT_BYTES];
	uint64_t id, until_ms;
	enum err err;

	if (!str_split(&rest, '.', &id_text) ||
	    !str_split(&rest, '.', &until_text) ||
	    rest.n != SESSION_TEXT_CHARS ||
	    !str_to_u64(id_text, 1, UINT32_MAX, &id) ||
	    !str_to_u64(until_text, 1, INT64_MAX, &until_ms) ||
	    (int64_t)until_ms < at->now_ms)
		return error_set(e, ERR_UNAUTHORIZED, "no first factor");
	err = store_user_by_id(db, 0, id, a, ret, e);
	if (err && err != ERR_NOT_FOUND)
		return err;
	if (!err)
		pending_mac(s->pepper, ret, (int64_t)until_ms, mac);
	if (err || !secret_eq(mac, rest.p, SESSION_TEXT_CHARS) ||
	    !may_sign_in(ret)) {
		error_clear(e);
		return error_set(e, ERR_UNAUTHORIZED, "no first factor");
	}
	return OK;
}

enum err
user_code_take(const struct sign_in *s, struct db *db, const struct user *u,
    struct str code, int64_t now_ms, struct arena *a,
    struct tries_wait *ret_wait, struct error *e)
{
	uint64_t account = tries_id("code account:", u->email);
	struct tries tries = { .map = s->map,
		.n = 2,
		.limits = {
		    { account, LIMIT_MINUTE, USER_TRIES_CODE_MINUTE, 0 },
		    { account, LIMIT_HOUR, USER_TRIES_CODE_HOUR, 0 },
		} };
	enum err err = tries_count(&tries, now_ms, ret_wait, e);

	if (!err)
		err = factor_take(db, s->pepper, s->seal, u->user_id, code,
		    now_ms, a, e);
	if (!err)
		tries_give_back(&tries);
	return err;
}

/* The code is right, or it is one more failure of the account. */
static enum err
check_code(const struct sign_in *s, struct db *db,
    const struct sign_in_attempt *at, const struct user *u, struct arena *a,
    struct sign_in_result *ret, struct error *e)
{
	struct tries_wait wait = { 0 };
	enum err err = user_code_take(s, db, u, at->code, at->now_ms, a, &wait,
	    e);
	struct error why;

	ret->wait_s = wait.s;
	if (wait.is_first)
		record_throttled(db, at, u);
	if (err != ERR_BAD_PARAM)
		return err;
	why = *e;
	err = record_failure(db, at, u, e);
	if (err != ERR_UNAUTHORIZED)
		return err;
	*e = why;
	return ERR_BAD_PARAM;
}

enum err
user_sign_in_code(const struct sign_in *s, const struct sign_in_attempt *at,
    struct arena *a, struct sign_in_result *ret, struct error *e)
{
	struct db *db;
	struct user u;
	enum err err = db_pool_take(s->db, WAIT_MS, &db, e);

	*ret = (struct sign_in_result){ .user_id = 0 };
	if (err)
		return err;
	err = pending_user(s, db, at, a, &u, e);
	if (!err)
		err = check_code(s, db, at, &u, a, ret, e);
	if (!err)
		err = begin_session(s, db, at, &u, ret, e);
	db_pool_give(s->db, db);
	return err;
}

enum err
user_sign_in_remote(const struct sign_in *s, const struct sign_in_attempt *at,
    struct arena *a, struct sign_in_result *ret, struct error *e)
{
	struct db *db;
	struct user u;
	enum err err = load_user(s, at->email, a, &u, e);

	*ret = (struct sign_in_result){ .user_id = 0 };
	if (err)
		return err;
	err = db_pool_take(s->db, WAIT_MS, &db, e);
	if (err)
		return err;
	if (!u.user_id || !may_sign_in(&u)) {
		err = record_failure(db, at, &u, e);
		if (err == ERR_UNAUTHORIZED)
			err = error_public(e, ERR_FORBIDDEN, NULL,
			    "There is no account for who you are here. Ask "
			    "whoever runs this service for one.");
	} else {
		err = go_on(s, db, at, &u, a, ret, e);
	}
	db_pool_give(s->db, db);
	return err;
}

enum err
user_session_renew(const struct sign_in *s, struct db *db,
    const struct sign_in_attempt *at, const struct user *u,
    struct sign_in_result *ret, struct error *e)
{
	*ret = (struct sign_in_result){ .user_id = 0 };
	return begin_session(s, db, at, u, ret, e);
}
