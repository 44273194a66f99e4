/* SPDX-License-Identifier: MIT */
#include "daemon/settings.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/limit.h"
#include "handler/web/web.h"
#include "http/tmpl.h"

/* What a request may hold beside its body and its answer. */
#define ARENA_EXTRA_BYTES  MIB(8)
#define SETTINGS_BYTES_MAX KIB(64)

struct settings_holder {
	pthread_mutex_t mutex;
	_Atomic(struct settings *) current;
	char *file; /* NULL: where conf_load() looks */
};

static void
settings_free(struct settings *s)
{
	if (!s)
		return;
	tmpl_set_unref(s->templates);
	conf_free(s->conf);
	arena_fini(&s->arena);
	free(s);
}

/* "/ai" or "": a leading slash and none at the end. */
static enum err
read_base_path(struct settings *s, struct error *e)
{
	struct str path = str_from(conf_text(s->conf, CONF_BASE_PATH));

	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n > 0 && path.p[0] != '/')
		return error_set(e, ERR_CONFIG,
		    "base_path must begin with \"/\"");
	s->env.base_path = path;
	return OK;
}

static enum err
fill(struct settings *s, struct error *e)
{
	struct str trusted = str_from(conf_text(s->conf, CONF_TRUSTED_PROXIES));
	struct limit_settings limits; /* read again by those who keep them */
	enum err code = read_base_path(s, e);

	if (!code)
		code = limit_settings_read(s->conf, &limits, e);
	if (code)
		return code;
	code = cidr_list_parse(&s->arena, trusted, &s->trusted, e);
	if (code)
		return error_prefix(e, "trusted_proxies");
	s->env.trusted_proxies = &s->trusted;
	/* A builder that grows leaves its smaller blocks behind: twice. */
	s->arena_max_bytes =
	    ARENA_EXTRA_BYTES +
	    2 * (size_t)conf_u64(s->conf, CONF_BODY_MAX_BYTES) +
	    2 * (size_t)conf_u64(s->conf, CONF_UPSTREAM_MAX_BYTES);
	code = tmpl_set_load(conf_text(s->conf, CONF_TEMPLATES_DIR),
	    &s->templates, e);
	return code ? code : web_templates_check(s->templates, e);
}

/* @old  what is in force, whose fixed values stay; NULL at the start */
static enum err
settings_load(const char *file, const struct settings *old,
    struct settings **ret, struct error *e)
{
	struct settings *s = calloc(1, sizeof(*s));
	enum err code;

	if (!s)
		return error_set(e, ERR_NO_MEMORY, "settings");
	arena_init(&s->arena, SETTINGS_BYTES_MAX);
	s->n_holders = 1;
	code = conf_load(file, &s->conf, e);
	if (code == OK && old)
		code = conf_keep_fixed(s->conf, old->conf, e);
	if (code == OK)
		code = fill(s, e);
	if (code) {
		settings_free(s);
		return code;
	}
	*ret = s;
	return OK;
}

enum err
settings_holder_new(const char *file, struct settings_holder **ret,
    struct error *e)
{
	struct settings_holder *h = calloc(1, sizeof(*h));
	struct settings *first = NULL;
	enum err code;

	if (!h)
		return error_set(e, ERR_NO_MEMORY, "settings");
	(void)pthread_mutex_init(&h->mutex, NULL); /* default type */
	h->file = file ? strdup(file) : NULL;
	code = settings_load(file, NULL, &first, e);
	if (code) {
		settings_holder_free(h);
		return code;
	}
	atomic_store(&h->current, first);
	*ret = h;
	return OK;
}

static void
drop(struct settings_holder *h, struct settings *s)
{
	bool is_last;

	(void)pthread_mutex_lock(&h->mutex); /* cannot fail */
	is_last = --s->n_holders == 0;
	(void)pthread_mutex_unlock(&h->mutex);
	if (is_last)
		settings_free(s);
}

void
settings_holder_free(struct settings_holder *h)
{
	struct settings *last;

	if (!h)
		return;
	last = atomic_load(&h->current);
	if (last)
		drop(h, last);
	(void)pthread_mutex_destroy(&h->mutex); /* nobody waits */
	free(h->file);
	free(h);
}

enum err
settings_reload(struct settings_holder *h, struct error *e)
{
	struct settings *old = atomic_load(&h->current);
	struct settings *fresh = NULL;
	enum err code = settings_load(h->file, old, &fresh, e);

	if (code)
		return code;
	(void)pthread_mutex_lock(&h->mutex); /* cannot fail */
	atomic_store(&h->current, fresh);
	(void)pthread_mutex_unlock(&h->mutex);
	drop(h, old);
	return OK;
}

void
settings_hold(struct settings_holder *h, const struct settings **held)
{
	struct settings *now;

	if (*held && *held == atomic_load(&h->current))
		return;
	settings_release(h, held);
	(void)pthread_mutex_lock(&h->mutex); /* cannot fail */
	now = atomic_load(&h->current);
	now->n_holders++;
	(void)pthread_mutex_unlock(&h->mutex);
	*held = now;
}

void
settings_release(struct settings_holder *h, const struct settings **held)
{
	/* Only the reference count changes, and that is ours. */
	struct settings *s = (struct settings *)(uintptr_t)*held;

	*held = NULL;
	if (s)
		drop(h, s);
}
