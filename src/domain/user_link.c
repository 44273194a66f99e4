/* SPDX-License-Identifier: MIT */
#include "domain/user_link.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/json_out.h"
#include "domain/notice.h"
#include "domain/tries.h"
#include "store/audit.h"
#include "store/db_pool.h"
#include "store/notice.h"

#define WAIT_MS      2000
#define SEALED_BYTES (SESSION_TEXT_CHARS + CRYPTO_SEAL_OVERHEAD)

bool
user_link_is_mailed(const struct conf *c)
{
	return conf_text(c, CONF_MAIL_SENDMAIL)[0] &&
	       conf_text(c, CONF_PUBLIC_URL)[0];
}

void
user_link_maker_init(struct user_link_maker *m, const struct conf *c,
    const struct crypto_key *pepper, const struct crypto_key *seal)
{
	*m = (struct user_link_maker){
		.pepper = pepper,
		.seal = seal,
		.valid_s = {
			[USER_LINK_INVITATION] =
			    conf_u64(c, CONF_INVITATION_VALID_S),
			[USER_LINK_RESET] = conf_u64(c, CONF_RESET_VALID_S),
		},
		.is_mailed = user_link_is_mailed(c),
	};
}

enum user_link_kind
user_link_kind_for(const struct user *u)
{
	return u->password_hash.p ? USER_LINK_RESET : USER_LINK_INVITATION;
}

struct str
user_link_url(const struct conf *c, struct str token, struct arena *a)
{
	return arena_printf(a, "%s/login/password/%" PRI_STR,
	    conf_text(c, CONF_PUBLIC_URL), STR_ARG(token));
}

/* ---- making one ---- */

struct place {
	char text[16 + 2 * UUID7_BYTES + 1];
};

static struct place
place_of(const uint8_t *uid)
{
	struct place p = { "notices.link:" };

	hex_encode(uid, UUID7_BYTES, p.text + strlen(p.text));
	return p;
}

static void
digest_of(const struct crypto_key *pepper, struct str token,
    uint8_t ret[USER_LINK_DIGEST_BYTES])
{
	session_digest_for(pepper, "link:", token, ret);
}

static enum err
add_notice(struct db *db, const struct user_link_maker *m, uint64_t user_id,
    enum user_link_kind kind, int64_t now_ms, struct str token, struct error *e)
{
	enum notice_kind notice = kind == USER_LINK_RESET ? NOTICE_RESET
							  : NOTICE_INVITATION;
	struct uuid7 uid = uuid7_new(now_ms);
	struct place place = place_of(uid.b);
	char cause[2 * UUID7_BYTES + 1], json[128];
	uint8_t sealed[SEALED_BYTES];
	struct json_out j;
	struct buf b;

	if (!m->seal)
		return error_set(e, ERR_CONFIG, "seal.key is not set");
	crypto_seal(m->seal, str_from(place.text),
	    (struct secret){ (const uint8_t *)token.p, token.n }, sealed);
	hex_encode(uid.b, sizeof(uid.b), cause);
	buf_init_fixed(&b, json, sizeof(json));
	json_out_init(&j, &b);
	json_out_object(&j);
	json_out_member_time(&j, "good_until",
	    now_ms + (int64_t)m->valid_s[kind] * 1000);
	json_out_object_end(&j);
	struct notice_row row = {
		.user_id = user_id,
		.kind = str_from(notice_info(notice)->kind),
		.cause = str_from(cause),
		.payload = buf_str(&b),
		.link = str_make((const char *)sealed, sizeof(sealed)),
	};
	memcpy(row.uid, uid.b, sizeof(row.uid));
	return store_notice_insert(db, &row, e);
}

enum err
user_link_make(struct db *db, const struct user_link_maker *m, uint64_t user_id,
    enum user_link_kind kind, int64_t now_ms,
    char ret_token[SESSION_TEXT_BYTES], struct error *e)
{
	uint8_t digest[USER_LINK_DIGEST_BYTES];
	struct str token;
	enum err err;

	session_id_new(ret_token);
	token = str_from(ret_token);
	digest_of(m->pepper, token, digest);
	err = store_user_link_insert(db, user_id, kind, digest,
	    m->valid_s[kind], e);
	if (!err && m->is_mailed)
		err = add_notice(db, m, user_id, kind, now_ms, token, e);
	return err;
}

enum err
user_link_open(const struct crypto_key *seal, const uint8_t *uid,
    struct str sealed, struct arena *a, struct str *ret_token, struct error *e)
{
	struct place place = place_of(uid);
	uint8_t *plain = arena_alloc(a, SESSION_TEXT_CHARS);

	if (!plain)
		return error_arena(e, a);
	if (!seal)
		return error_set(e, ERR_CONFIG, "seal.key is not set");
	if (sealed.n != SEALED_BYTES)
		return error_set(e, ERR_CORRUPT, "sealed link");
	*ret_token = str_make((const char *)plain, SESSION_TEXT_CHARS);
	return crypto_open(seal, str_from(place.text), sealed, plain, e);
}

/* ---- asking for one ---- */

struct sending {
	const struct user_link_maker *m;
	const struct user_link_ask *ask;
	struct user user; /* user_id 0: nobody's address */
};

/* Whoever asks learns nothing, so the log says whether it was anybody's. */
static enum err
send_txn(struct db *db, void *arg, struct error *e)
{
	const struct sending *s = arg;
	char token[SESSION_TEXT_BYTES];
	const struct audit row = {
		.actor = AUDIT_ANONYMOUS,
		.customer_id = s->user.customer_id,
		.action = S("user.reset"),
		.object = s->user.user_id ? S("user") : str_make(NULL, 0),
		.object_id = s->user.user_id,
		.is_success = s->user.user_id != 0,
		.client_address = s->ask->client_addr,
		.request_id = s->ask->request_id,
	};
	enum err err = user_link_make(db, s->m, s->user.user_id,
	    USER_LINK_RESET, s->ask->now_ms, token, e);

	secret_wipe(token, sizeof(token));
	return err ? err : store_audit_insert(db, &row, e);
}

static enum err
find_user(struct db *db, struct str email, struct arena *a, struct user *ret,
    struct error *e)
{
	enum err err = store_user_by_email(db, email, a, ret, e);

	if (err && err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	if (err || !ret->is_active || !ret->customer_is_active ||
	    ret->archived_at_ms)
		*ret = (struct user){ .user_id = 0 };
	return OK;
}

enum err
user_link_send(const struct sign_in *s, const struct user_link_maker *m,
    const struct user_link_ask *ask, struct arena *a, uint64_t *ret_wait_s,
    struct error *e)
{
	uint64_t account = tries_id("link account:", ask->email);
	uint64_t address = tries_id("link address:", ask->client_addr);
	struct tries tries = { .map = s->map,
		.n = 4,
		.limits = {
		    { address, LIMIT_MINUTE, USER_LINK_ASKS_ADDRESS_MINUTE, 0 },
		    { address, LIMIT_HOUR, USER_LINK_ASKS_ADDRESS_HOUR, 0 },
		    { account, LIMIT_MINUTE, USER_LINK_ASKS_ACCOUNT_MINUTE, 0 },
		    { account, LIMIT_HOUR, USER_LINK_ASKS_ACCOUNT_HOUR, 0 },
		} };
	struct sending sending = { .m = m, .ask = ask };
	struct tries_wait wait = { 0 };
	struct db *db;
	enum err err = tries_count(&tries, ask->now_ms, &wait, e);

	*ret_wait_s = wait.s;
	if (!err)
		err = db_pool_take(s->db, WAIT_MS, &db, e);
	if (err)
		return err;
	err = find_user(db, ask->email, a, &sending.user, e);
	if (!err)
		err = db_txn(db, send_txn, &sending, e);
	db_pool_give(s->db, db);
	return err;
}

/* ---- using one ---- */

static enum err
not_good(enum err err, struct error *e)
{
	if (err != ERR_NOT_FOUND)
		return err;
	error_clear(e);
	return error_public(e, err, NULL,
	    "This link was used, or its time is up. Ask for another one.");
}

/* While the pepper rotates it may be by the other one. */
static enum err
find_link(const struct sign_in *s, struct str token, struct arena *a,
    struct user_link *ret, uint8_t ret_digest[USER_LINK_DIGEST_BYTES],
    struct error *e)
{
	const struct crypto_key *other = crypto_key_other(s->pepper);
	struct db *db;
	enum err err;

	if (!session_id_is_shaped(token))
		return not_good(error_set(e, ERR_NOT_FOUND, "no token"), e);
	err = db_pool_take(s->db, WAIT_MS, &db, e);
	if (err)
		return err;
	digest_of(s->pepper, token, ret_digest);
	err = store_user_link_by_digest(db, ret_digest, a, ret, e);
	if (err == ERR_NOT_FOUND && other) {
		error_clear(e);
		digest_of(other, token, ret_digest);
		err = store_user_link_by_digest(db, ret_digest, a, ret, e);
	}
	db_pool_give(s->db, db);
	return not_good(err, e);
}

enum err
user_link_find(const struct sign_in *s, struct str token, struct arena *a,
    struct user_link *ret, struct error *e)
{
	uint8_t digest[USER_LINK_DIGEST_BYTES];

	return find_link(s, token, a, ret, digest, e);
}

struct use {
	const struct sign_in_attempt *at;
	const struct user_link *link;
	uint8_t digest[USER_LINK_DIGEST_BYTES];
	char hash[CRYPTO_PASSWORD_BYTES];
	struct arena *a;
};

static enum err
use_txn(struct db *db, void *arg, struct error *e)
{
	const struct use *u = arg;
	struct user user;
	struct audit row = {
		.actor = AUDIT_USER,
		.actor_id = u->link->user_id,
		.action = u->link->kind == USER_LINK_RESET
			      ? S("user.reset_use")
			      : S("user.invitation_use"),
		.object = S("user"),
		.object_id = u->link->user_id,
		.is_success = true,
		.client_address = u->at->client_addr,
		.request_id = u->at->request_id,
	};
	enum err err = store_user_link_take(db, u->digest, e);

	if (!err)
		err = store_user_by_id(db, 0, u->link->user_id, u->a, &user, e);
	if (!err)
		err = store_user_set_password(db, user.user_id,
		    str_from(u->hash), e);
	if (err)
		return err;
	row.customer_id = user.customer_id;
	return store_audit_insert(db, &row, e);
}

enum err
user_link_use(const struct sign_in *s, struct str token,
    const struct sign_in_attempt *at, struct arena *a,
    char ret_device[USER_DEVICE_TEXT_BYTES], struct error *e)
{
	struct user_link link;
	struct use use = { .at = at, .link = &link, .a = a };
	struct db *db;
	enum err err = find_link(s, token, a, &link, use.digest, e);

	if (!err)
		err = user_password_check(str_make((const char *)at->password.p,
					      at->password.n),
		    link.user_email, e);
	if (!err)
		err = crypto_password_hash(s->hasher, at->password, use.hash,
		    e);
	if (!err)
		err = db_pool_take(s->db, WAIT_MS, &db, e);
	if (err)
		return err;
	err = not_good(db_txn(db, use_txn, &use, e), e);
	db_pool_give(s->db, db);
	if (!err)
		user_device_new(s->pepper, link.user_email, ret_device);
	return err;
}
