/* SPDX-License-Identifier: MIT */
/*
 * Table audit_log: who changed what. Append only, no secrets, written in the
 * transaction of the change where there is one.
 */
#ifndef TG_STORE_AUDIT_H
#define TG_STORE_AUDIT_H

#include "base/uuid7.h"
#include "store/newest.h"

enum audit_actor {
	AUDIT_SYSTEM,
	AUDIT_COMMAND, /* the command line; detail names the account */
	AUDIT_USER,
	AUDIT_API_KEY,
	AUDIT_OPERATOR_KEY,
	AUDIT_ANONYMOUS, /* a failed sign-in */
	AUDIT__N
};
extern const char *const audit_actor_names[AUDIT__N];

struct audit {
	uint64_t audit_id; /* read only */
	enum audit_actor actor;
	uint64_t actor_id;    /* of user or key; 0: none */
	uint64_t customer_id; /* whom it concerns; 0: none */
	struct str action;    /* such as "key.revoke"; ASCII, <= 64 bytes */
	struct str object;    /* kind of thing, such as "api_key"; or NULL */
	uint64_t object_id;   /* 0: none */
	bool is_success;
	struct str client_address; /* p == NULL: none */
	struct str request_id;     /* text; p == NULL: none */
	struct str detail;         /* JSON text; p == NULL: none */
	int64_t created_at_ms;     /* read only */
};

/**
 * A change as detail: what a holds already, {"account":…} of the command line,
 * goes before it.
 * @changes  a JSON object that is not empty
 * Memory: in arena, or changes itself; p == NULL: it is full.
 */
struct str store_audit_detail(const struct audit *a, struct str changes,
    struct arena *arena);

enum err store_audit_insert(struct db *db, const struct audit *a,
    struct error *e) ATTR_MUST_CHECK;

/* What a list may be narrowed down to; zeros say nothing. */
struct audit_filter {
	uint64_t customer_id;
	struct str actor; /* one of audit_actor_names */
	struct str action;
	struct str object;
	uint64_t object_id;
	int64_t is_success;     /* 0 or 1; -1 says nothing */
	int64_t from_ms, to_ms; /* to: exclusive */
};

/* As many as a page of the API looks at. */
#define AUDIT_SEARCH_MAX 50000

/**
 * Up to limit rows, the newest first by their time. Where an index leads to
 * more than what is asked for, a page ends after look_max rows that it looked
 * at, with what it has found: fewer than limit, even none, are not the end.
 * @tenant     the customer whose rows may be met, without what is the
 *             operator's: hidden members and names of accounts and hosts in detail, and
 *             the addresses of its people, keys and commands; 0: all
 * @before_id  behind that row; 0: from the newest on
 * @look_max   0: as many as there are
 */
enum err store_audit_page(struct db *db, uint64_t tenant,
    const struct audit_filter *f, uint64_t before_id, uint64_t limit,
    uint64_t look_max, struct arena *arena, struct audit **ret, size_t *ret_n,
    struct newest_end *ret_end, struct error *e) ATTR_MUST_CHECK;

#endif
