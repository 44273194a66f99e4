/* SPDX-License-Identifier: MIT */
/*
 * Attempts that are counted before any work is done for them, on this host:
 * at passwords, at codes, at links by e-mail. A limit on each account slows
 * guessing down, one on each address trying one guess on many accounts.
 */
#ifndef TG_DOMAIN_TRIES_H
#define TG_DOMAIN_TRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "domain/limit.h"

struct hostmap;

#define TRIES_LIMITS_MAX 4

/* One limit, and how often it was tried in this window. */
struct tries_limit {
	uint64_t id;              /* tries_id() */
	enum limit_window window; /* LIMIT_MINUTE or LIMIT_HOUR */
	uint32_t max;
	uint64_t index; /* of the window; set by tries_count() */
};

struct tries {
	struct hostmap *map;
	struct tries_limit limits[TRIES_LIMITS_MAX];
	size_t n;
};

/* With ERR_RATE_LIMITED. */
struct tries_wait {
	uint64_t s; /* until the next may come */
	size_t by;  /* which limit refused */
	/* The first refusal by that limit in its window on this host, which is
	 * told in the audit log; the others are too many. False if the host's
	 * table has no room for it. */
	bool is_first;
};

/* What the audit log says of it. */
#define TRIES_AUDIT_DETAIL "{\"refused\":\"too many attempts\"}"

/** What is counted: text without regard to case, for a purpose. */
uint64_t tries_id(const char *purpose, struct str text);
/**
 * Count one attempt at each limit, or at none.
 * @ret_wait  set with ERR_RATE_LIMITED
 * Errors: ERR_RATE_LIMITED.
 */
enum err tries_count(struct tries *t, int64_t now_ms,
    struct tries_wait *ret_wait, struct error *e) ATTR_MUST_CHECK;
/** It was none that should count. */
void tries_give_back(const struct tries *t);

#endif
