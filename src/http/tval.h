/* SPDX-License-Identifier: MIT */
/*
 * What a template is rendered with: a small tree of texts, flags, lists and
 * objects, built in an arena. There are no numbers: how a number reads is
 * the view's decision, not the engine's. A builder given NULL does nothing,
 * so a full arena needs one check at the end (its sticky error).
 */
#ifndef TG_HTTP_TVAL_H
#define TG_HTTP_TVAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

enum tval_kind {
	TVAL_NULL,
	TVAL_BOOL,
	TVAL_TEXT,
	TVAL_LIST,
	TVAL_OBJECT
};

/* A member of an object (with a key) or an item of a list. */
struct tval_item {
	struct str key;
	struct tval *value;
	struct tval_item *next;
};

struct tval {
	enum tval_kind kind;
	bool flag;       /* BOOL */
	struct str text; /* TEXT */
	struct arena *a; /* LIST, OBJECT: where children are made */
	struct tval_item *first, *last;
};

/** Empty containers in a; NULL when it is full. */
struct tval *tval_object(struct arena *a);
struct tval *tval_list(struct arena *a);

/*
 * Add a member to an object. key is a literal or lives as long as the
 * object; so does the text, which is not copied. The first of two members
 * of one name wins.
 */
void tval_set(struct tval *object, const char *key, struct tval *value);
void tval_set_text(struct tval *object, const char *key, struct str text);
/** As tval_set_text(), of formatted text in the object's arena. */
void tval_set_textf(struct tval *object, const char *key, const char *fmt, ...)
    ATTR_PRINTF(3, 4);
void tval_set_bool(struct tval *object, const char *key, bool flag);
struct tval *tval_set_object(struct tval *object, const char *key);
struct tval *tval_set_list(struct tval *object, const char *key);

/* Append to a list. */
void tval_push(struct tval *list, struct tval *value);
void tval_push_text(struct tval *list, struct str text);
struct tval *tval_push_object(struct tval *list);
struct tval *tval_push_list(struct tval *list);

/** Member of an object, or NULL (also for what is no object). */
const struct tval *tval_get(const struct tval *object, struct str key);
/** Whether a section is shown: not null, false, "" or an empty list. */
bool tval_is_true(const struct tval *v);

#endif
