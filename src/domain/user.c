/* SPDX-License-Identifier: MIT */
#include "domain/user.h"

#include "store/db_pool.h"

#define WAIT_MS 2000

enum err
user_password_confirm(const struct sign_in *s, struct arena *a,
    uint64_t user_id, struct secret password, int64_t now_ms,
    struct tries_wait *ret_wait, struct error *e)
{
	struct tries tries = { .map = s->map, .n = 2 };
	struct user u = { .user_id = 0 };
	bool is_right = false;
	uint64_t account;
	struct db *db;
	enum err err = db_pool_take(s->db, WAIT_MS, &db, e);

	if (err)
		return err;
	err = store_user_by_id(db, 0, user_id, a, &u, e);
	db_pool_give(s->db, db);
	if (err)
		return err;
	account = tries_id("confirm account:", u.email);
	tries.limits[0] = (struct tries_limit){ account, LIMIT_MINUTE,
		USER_TRIES_ACCOUNT_MINUTE, 0 };
	tries.limits[1] = (struct tries_limit){ account, LIMIT_HOUR,
		USER_TRIES_ACCOUNT_HOUR, 0 };
	err = tries_count(&tries, now_ms, ret_wait, e);
	if (!err && u.password_hash.n == 0) /* the web server says who it is */
		return error_public(e, ERR_BAD_PARAM, "current_password",
		    "You have no password yet. Set one by a link: ask for it "
		    "under \"Forgot your password?\", or ask an owner.");
	if (!err)
		err = crypto_password_verify(s->hasher, u.password_hash,
		    password, &is_right, NULL, e);
	if (err)
		return err;
	if (!is_right)
		return error_public(e, ERR_BAD_PARAM, "current_password",
		    "That is not your password.");
	tries_give_back(&tries);
	return OK;
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
user_password_check(struct str password, struct str email, struct error *e)
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
	if (email.n && str_eq_nocase(password, email))
		return error_public(e, ERR_BAD_PARAM, "password",
		    "The password must not be the e-mail address.");
	return OK;
}
