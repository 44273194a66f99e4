/* SPDX-License-Identifier: MIT */
/* Users and their sessions. Nobody has a second factor, and there are no links
 * to set a password. */
#include "fake_store.h"

#include <string.h>

#include "base/clock.h"
#include "store/notice.h"
#include "store/second_factor.h"
#include "store/user_link.h"

/* They take what the store's functions take, and need little of it. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

const char *const user_role_names[USER__N] = { [USER_OWNER] = "owner" };

static void
fill_user(struct user *u)
{
	u->password_hash = fake.password_hash[0] ? str_from(fake.password_hash)
						 : str_make(NULL, 0);
}

enum err
store_user_by_email(struct db *db, struct str email, struct arena *a,
    struct user *ret, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(fake.users); i++)
		if (str_eq_nocase(fake.users[i].email, email)) {
			*ret = fake.users[i];
			fill_user(ret);
			return OK;
		}
	return error_set(e, ERR_NOT_FOUND, "no such user");
}

enum err
store_user_set_password(struct db *db, uint64_t user_id,
    struct str password_hash, struct error *e)
{
	ASSERT(password_hash.n < sizeof(fake.password_hash));
	memset(fake.password_hash, 0, sizeof(fake.password_hash));
	memcpy(fake.password_hash, password_hash.p, password_hash.n);
	fake.n_password_sets++;
	return OK;
}

enum err
store_user_signed_in(struct db *db, uint64_t user_id, struct error *e)
{
	fake.n_signed_in++;
	return OK;
}

enum err
store_user_sign_in_failed(struct db *db, uint64_t user_id, struct error *e)
{
	fake.n_failures++;
	return user_id == 0 ? error_set(e, ERR_NOT_FOUND, "no such user") : OK;
}

enum err
store_user_by_id(struct db *db, uint64_t tenant, uint64_t user_id,
    struct arena *a, struct user *ret, struct error *e)
{
	for (size_t i = 0; i < ARRAY_LEN(fake.users); i++)
		if (fake.users[i].user_id == user_id) {
			*ret = fake.users[i];
			fill_user(ret);
			return OK;
		}
	return error_set(e, ERR_NOT_FOUND, "no such user");
}

/* ---- sessions ---- */

enum err
store_session_insert(struct db *db, const struct session_new *s,
    struct error *e)
{
	ASSERT(fake.n_sessions < ARRAY_LEN(fake.sessions));
	fake.session_created_ms[fake.n_sessions] = clock_now_ms();
	fake.session_seen_ms[fake.n_sessions] = clock_now_ms();
	fake.sessions[fake.n_sessions++] = *s;
	return OK;
}

static bool
is_over(size_t i, uint64_t idle_s)
{
	int64_t now = clock_now_ms();
	return now - fake.session_seen_ms[i] > (int64_t)idle_s * 1000 ||
	       now - fake.session_created_ms[i] >
		   (int64_t)fake.sessions[i].max_s * 1000;
}

enum err
store_session_by_digest(struct db *db,
    const uint8_t digest[SESSION_DIGEST_BYTES], uint64_t idle_s,
    struct arena *a, struct session *ret, struct error *e)
{
	for (size_t i = 0; i < fake.n_sessions; i++) {
		const struct session_new *s = &fake.sessions[i];
		const struct user *u = &fake.users[s->user_id == FAKE_OPERATOR];
		if (memcmp(s->digest, digest, SESSION_DIGEST_BYTES) != 0 ||
		    is_over(i, idle_s))
			continue;
		*ret = (struct session){ .session_id = i + 1,
			.user_id = u->user_id,
			.customer_id = u->customer_id,
			.role = u->role,
			.user_name = u->name,
			.user_email = u->email,
			.time_zone = S("UTC"),
			.created_at_ms = fake.session_created_ms[i],
			.last_seen_at_ms = fake.session_seen_ms[i] };
		return OK;
	}
	return error_set(e, ERR_NOT_FOUND, "no such session");
}

enum err
store_session_touch(struct db *db, uint64_t session_id, struct error *e)
{
	fake.session_seen_ms[session_id - 1] = clock_now_ms();
	fake.n_touches++;
	return OK;
}

enum err
store_session_delete(struct db *db, const uint8_t digest[SESSION_DIGEST_BYTES],
    struct error *e)
{
	for (size_t i = 0; i < fake.n_sessions; i++)
		if (memcmp(fake.sessions[i].digest, digest,
			SESSION_DIGEST_BYTES) == 0)
			memset(fake.sessions[i].digest, 0,
			    SESSION_DIGEST_BYTES);
	return OK;
}

enum err
store_session_delete_expired(struct db *db, struct error *e)
{
	fake.n_sweeps++;
	return OK;
}

/* ---- what nobody has ---- */

static enum err
nobody_has_any(struct error *e)
{
	return error_set(e, ERR_NOT_FOUND, "nobody has any");
}

enum err
store_factor_by_user(struct db *db, uint64_t user_id, struct arena *a,
    struct second_factor *ret, struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_factor_lock(struct db *db, uint64_t user_id, struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_factor_confirm(struct db *db, uint64_t user_id, struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_factor_take_step(struct db *db, uint64_t user_id, uint64_t step,
    struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_factor_put(struct db *db, uint64_t user_id, struct str sealed,
    uint64_t key_id, struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_factor_reseal(struct db *db, uint64_t user_id, struct str sealed,
    uint64_t key_id, struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_recovery_insert(struct db *db, uint64_t user_id,
    const uint8_t digest[RECOVERY_DIGEST_BYTES], struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_recovery_take(struct db *db, uint64_t user_id,
    const uint8_t digest[RECOVERY_DIGEST_BYTES], struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_user_link_insert(struct db *db, uint64_t user_id,
    enum user_link_kind kind, const uint8_t digest[USER_LINK_DIGEST_BYTES],
    uint64_t valid_s, struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_user_link_by_digest(struct db *db,
    const uint8_t digest[USER_LINK_DIGEST_BYTES], struct arena *a,
    struct user_link *ret, struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_user_link_take(struct db *db,
    const uint8_t digest[USER_LINK_DIGEST_BYTES], struct error *e)
{
	return nobody_has_any(e);
}

enum err
store_user_link_delete_expired(struct db *db, struct error *e)
{
	return OK;
}

/* ---- what is noted ---- */

enum err
store_audit_insert(struct db *db, const struct audit *a, struct error *e)
{
	ASSERT(fake.n_audits < ARRAY_LEN(fake.audits));
	fake.audits[fake.n_audits++] = *a;
	return OK;
}

enum err
store_notice_insert(struct db *db, const struct notice_row *n, struct error *e)
{
	return OK;
}
