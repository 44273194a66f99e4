/* SPDX-License-Identifier: MIT */
/*
 * API keys: their text, who holds one, and the changes that must be felt at
 * once. Authentication answers from a cache of this process; an entry carries
 * the generations of the host's map that were read before its query, so that
 * a revoke whose answer went out is never outlived on this host.
 *
 * Every refusal is ERR_UNAUTHORIZED with errors.def's own text: only the log
 * learns why.
 */
#ifndef TG_DOMAIN_KEY_H
#define TG_DOMAIN_KEY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "domain/principal.h"
#include "ext/crypto.h"

struct db;
struct db_pool;
struct hostmap;

/* tg_<10 public><_><32 secret><6 checksum>; tga_… is one longer. */
#define KEY_SECRET_CHARS   32
#define KEY_CHECKSUM_CHARS 6
#define KEY_TEXT_BYTES     (4 + KEY_PUBLIC_ID_BYTES + 1 + 32 + 6 + 1)

enum key_kind {
	KEY_CUSTOMER, /* tg_ */
	KEY_OPERATOR, /* tga_ */
};

/** Draw a new key of 190 random bits; text is NUL-terminated. */
void key_text_generate(enum key_kind kind, char ret[KEY_TEXT_BYTES]);
/** The same with a public id of base62; p == NULL: it is drawn, too. */
void key_text_generate_as(enum key_kind kind, struct str public_id,
    char ret[KEY_TEXT_BYTES]);
/** A public id that is always the same for what: whoever makes a key twice by
 * it meets the first one. */
void key_public_id_of(const struct crypto_key *pepper, struct str what,
    char ret[KEY_PUBLIC_ID_BYTES]);
/**
 * Shape and checksum only. Returns false for anything that no key can be.
 * @ret_public_id  view into text; or NULL
 */
bool key_text_parse(struct str text, enum key_kind *ret_kind,
    struct str *ret_public_id) ATTR_MUST_CHECK;
/** What is stored and looked up instead of the key. */
void key_text_digest(const struct crypto_key *pepper, struct str text,
    uint8_t ret[KEY_DIGEST_BYTES]);

/* The keys known to this process; shared by its threads. */
struct key_cache;

struct key_cache_params {
	struct db_pool *db;
	struct hostmap *map;
	const struct crypto_key *pepper; /* auth.pepper */
	uint64_t cache_s;                /* auth.cache_s */
	uint64_t stale_max_s;            /* auth.stale_max_s */
	uint64_t n_keys;                 /* auth.cache_keys */
};

/* Memory: malloc; key_cache_free() when no thread uses it any more. */
enum err key_cache_new(const struct key_cache_params *params,
    struct key_cache **ret, struct error *e) ATTR_MUST_CHECK;
void key_cache_free(struct key_cache *c);

/* Asked before the database is, when a key is not known here. */
struct key_guard {
	bool (*may_ask)(void *ctx);
	void *ctx;
};

/**
 * Who holds the key in text: the value of Authorization's Bearer or of
 * X-API-Key.
 * @guard  NULL: the database may always be asked
 *
 * Errors: ERR_RATE_LIMITED the guard said no; ERR_UNAUTHORIZED not a key,
 *         unknown, inactive, expired, revoked, or of a closed customer; ERR_DB_DOWN it is not known here and the
 *         database can't be asked (never 401 then); ERR_NO_MEMORY;
 *         ERR_OVERLOADED.
 * Memory: *ret is the caller's; its model_ids are copied into a. Nothing is
 *         allocated otherwise when the key is known.
 * Waits:  not at all when known; else for the database, or for another
 *         thread that already asks for the same key.
 */
enum err key_authenticate(struct key_cache *c, struct str text,
    const struct key_guard *guard, int64_t now_ms, struct arena *a,
    struct principal *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * The same by what store_key_digest() found, for who acts as a key without
 * knowing its secret: its limits, budgets, scopes and models hold, and it
 * counts as used. Whether that person may is the caller's to know.
 * Errors: key_authenticate()'s.
 */
enum err key_by_digest(struct key_cache *c,
    const uint8_t digest[KEY_DIGEST_BYTES], int64_t now_ms, struct arena *a,
    struct principal *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * Look again, at admission: the body may have taken its time to arrive, and a
 * revoke's answer may have gone out meanwhile. Two loads when nothing
 * changed. Principals without a key pass.
 * Errors, memory: as key_authenticate(); *p is made anew if it changed.
 */
enum err key_check_again(struct key_cache *c, struct principal *p,
    int64_t now_ms, struct arena *a, struct error *e) ATTR_MUST_CHECK;

/**
 * Keys of that kind that were used in another minute than the one that was
 * taken last; each is taken once, up to cap. A key may come twice, with two
 * secrets.
 */
size_t key_cache_take_uses(struct key_cache *c, enum key_kind kind,
    struct key_use *ret, size_t cap);
/** What was taken since the last call is written now, or is to be taken
 * again. One thread takes and settles. */
void key_cache_settle_uses(struct key_cache *c, bool is_written);
/**
 * Write the last use of each key that is not written yet, to the minute. What
 * the database doesn't take, the next call tries again.
 * Errors: the database's.
 */
enum err key_uses_write(struct key_cache *c, struct db *db,
    struct error *e) ATTR_MUST_CHECK;

/* Figures for metrics and tests. */
struct key_cache_stats {
	uint64_t n_hits, n_queries, n_stale, n_negative_hits, n_malformed;
};
void key_cache_stats(const struct key_cache *c, struct key_cache_stats *ret);

/* What changes of keys need, which are in domain/key_manage.h. map may be NULL where no worker has run yet. */
struct key_ops {
	struct db *db;
	struct hostmap *map;
	const struct crypto_key *pepper;
	uint64_t pepper_id;
};

/**
 * Whether who may make the key k: a key hands on at most its own scopes,
 * models, addresses, project, rates and life time, to its own user (an
 * owner's: to any) and without a tier. What *k leaves open becomes the
 * key's own. Who is signed in grants its role's scopes, to itself (an owner:
 * to any user), without a tier. Operators may grant anything.
 * @defaults  limits.* of the configuration, behind all that is stated
 * Errors: ERR_FORBIDDEN naming the parameter.
 * Memory: k->model_ids may become who's.
 */
enum err key_grant(const struct principal *who,
    const struct limit_set *defaults, struct key_new *k,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Whether what a key states keeps within what would hold without: who is
 * signed in lowers limits, and operators raise them.
 * @before    what it stated before; NULL: it is made
 * @layers    KEY_LIMITS_OWN is what is asked
 * @defaults  limits.* of the configuration
 * Errors: ERR_FORBIDDEN naming the limit.
 */
enum err key_limits_check(const struct limit_set *before,
    const struct limit_set layers[KEY_LIMITS__N],
    const struct limit_set *defaults, struct error *e) ATTR_MUST_CHECK;
/** The member that a limit of a key is, in answers and refusals. */
const char *key_limit_member(enum limit_metric metric);
/** Fold what the layers state into what holds; defaults come last and may be
 * NULL. */
void key_limits_resolve(const struct limit_set layers[KEY_LIMITS__N],
    const struct limit_set *defaults, struct limit_set *ret);
/** A customer's new key. @ret_public_id  view into ret_text */
void key_draw(const struct key_ops *ops, struct str wanted_public_id,
    char ret_text[KEY_TEXT_BYTES], struct str *ret_public_id,
    uint8_t ret_digest[KEY_DIGEST_BYTES]);
/**
 * Make a customer's key. Of *k, public_id, digest and pepper_id are filled
 * in here; with a wanted_public_id ERR_CONFLICT says that it is there already.
 * @ret_text  the key itself, shown once and kept nowhere; wipe it after use
 * Errors: store_key_insert()'s.
 */
enum err key_create(const struct key_ops *ops, struct key_new *k,
    char ret_text[KEY_TEXT_BYTES], uint64_t *ret_api_key_id,
    struct error *e) ATTR_MUST_CHECK;
/** Make an operator's key. expires_at_ms 0: never. */
enum err key_create_operator(const struct key_ops *ops, struct str name,
    int64_t expires_at_ms, char ret_text[KEY_TEXT_BYTES],
    uint64_t *ret_operator_key_id, struct error *e) ATTR_MUST_CHECK;
#endif
