/* SPDX-License-Identifier: MIT */
/*
 * The body that goes upstream: the client's bytes with some top-level
 * members replaced, taken out or added; everything else, spaces included,
 * stays byte for byte.
 */
#ifndef TG_UPSTREAM_SPLICE_H
#define TG_UPSTREAM_SPLICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "upstream/body.h"

#define SPLICE_EDITS_MAX 16
/* Up to this size the result is one copy (one send to the provider); above,
 * pieces of the original and of the new values. */
#define SPLICE_COPY_MAX  KIB(64)

struct splice_edit {
	struct str name;
	struct str value; /* JSON; p == NULL takes the member out */
};

struct splice {
	struct arena *a;
	const struct body *body;
	struct splice_edit edits[SPLICE_EDITS_MAX];
	size_t n_edits;
	enum err sticky;
	struct str failed_name; /* at which member */
};

struct splice_out {
	const struct str *pieces;
	size_t n_pieces;
	size_t n_bytes; /* sum over the pieces */
};

/** body and a must live as long as the result. */
void splice_init(struct splice *s, struct arena *a, const struct body *body);

/*
 * Edits: at most one for each name, the last wins. Names need no escaping.
 * Failures stick until splice_build().
 */
/** Replace or add; value is JSON text, borrowed. */
void splice_set_raw(struct splice *s, struct str name, struct str value);
/** Replace or add a string; it is escaped. */
void splice_set_str(struct splice *s, struct str name, struct str value);
void splice_set_u64(struct splice *s, struct str name, uint64_t value);
void splice_set_bool(struct splice *s, struct str name, bool value);
/** Take the member out, if it is there. */
void splice_remove(struct splice *s, struct str name);
/**
 * Member `inner` of the object `name` set to value (JSON text), the object's
 * other members kept; the object is added when absent or null.
 * ERR_BAD_PARAM sticks when `name` is something else or repeats or escapes a
 * name.
 */
void splice_set_inner(struct splice *s, struct str name, struct str inner,
    struct str value);

/**
 * Errors: what stuck: ERR_BAD_PARAM, ERR_NO_MEMORY/ERR_TOO_LARGE.
 * Memory: in the arena; large pieces are views of the body.
 */
enum err splice_build(struct splice *s, struct splice_out *ret,
    struct error *e) ATTR_MUST_CHECK;

#endif
