/* SPDX-License-Identifier: MIT */
#include "http/tval.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"

static struct tval *
tval_new(struct arena *a, enum tval_kind kind)
{
	struct tval *v = arena_new(a, struct tval);
	if (!v)
		return NULL;
	v->kind = kind;
	v->a = a;
	return v;
}

static void
append(struct tval *container, struct str key, struct tval *value)
{
	if (!container || !value)
		return;
	struct tval_item *item = arena_new(container->a, struct tval_item);
	if (!item)
		return;
	item->key = key;
	item->value = value;
	if (container->last)
		container->last->next = item;
	else
		container->first = item;
	container->last = item;
}

static struct tval *
text_new(struct arena *a, struct str text)
{
	struct tval *v = tval_new(a, TVAL_TEXT);
	if (v)
		v->text = text;
	return v;
}

struct tval *
tval_object(struct arena *a)
{
	return tval_new(a, TVAL_OBJECT);
}

struct tval *
tval_list(struct arena *a)
{
	return tval_new(a, TVAL_LIST);
}

void
tval_set(struct tval *object, const char *key, struct tval *value)
{
	if (object)
		ASSERT(object->kind == TVAL_OBJECT);
	append(object, str_from(key), value);
}

void
tval_set_text(struct tval *object, const char *key, struct str text)
{
	if (object)
		tval_set(object, key, text_new(object->a, text));
}

void
tval_set_textf(struct tval *object, const char *key, const char *fmt, ...)
{
	if (!object)
		return;
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	ASSERT(n >= 0);
	size_t size = (size_t)n + 1;
	char *p = arena_alloc(object->a, size);
	if (!p)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(p, size, fmt, ap); /* measured above */
	va_end(ap);
	tval_set_text(object, key, str_make(p, size - 1));
}

void
tval_set_bool(struct tval *object, const char *key, bool flag)
{
	if (!object)
		return;
	struct tval *v = tval_new(object->a, TVAL_BOOL);
	if (v)
		v->flag = flag;
	tval_set(object, key, v);
}

struct tval *
tval_set_object(struct tval *object, const char *key)
{
	if (!object)
		return NULL;
	struct tval *v = tval_object(object->a);
	tval_set(object, key, v);
	return v;
}

struct tval *
tval_set_list(struct tval *object, const char *key)
{
	if (!object)
		return NULL;
	struct tval *v = tval_list(object->a);
	tval_set(object, key, v);
	return v;
}

void
tval_push(struct tval *list, struct tval *value)
{
	if (list)
		ASSERT(list->kind == TVAL_LIST);
	append(list, str_make(NULL, 0), value);
}

void
tval_push_text(struct tval *list, struct str text)
{
	if (list)
		tval_push(list, text_new(list->a, text));
}

struct tval *
tval_push_object(struct tval *list)
{
	if (!list)
		return NULL;
	struct tval *v = tval_object(list->a);
	tval_push(list, v);
	return v;
}

struct tval *
tval_push_list(struct tval *list)
{
	if (!list)
		return NULL;
	struct tval *v = tval_list(list->a);
	tval_push(list, v);
	return v;
}

const struct tval *
tval_get(const struct tval *object, struct str key)
{
	if (!object || object->kind != TVAL_OBJECT)
		return NULL;
	for (const struct tval_item *i = object->first; i; i = i->next)
		if (str_eq(i->key, key))
			return i->value;
	return NULL;
}

bool
tval_is_true(const struct tval *v)
{
	if (!v)
		return false;
	switch (v->kind) {
	case TVAL_NULL:
		return false;
	case TVAL_BOOL:
		return v->flag;
	case TVAL_TEXT:
		return v->text.n > 0;
	case TVAL_LIST:
		return v->first != NULL;
	case TVAL_OBJECT:
		return true;
	}
	return false;
}
