/* SPDX-License-Identifier: MIT */
#include "domain/tokenizers.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "tokenizer/tokenizer.h"

#define PATH_BYTES 512

/* One state of a file, mapped for as long as somebody uses it. */
struct mapped {
	struct tokenizer *t;
	atomic_uint n_users; /* the folder is one, each set that has it, too */
};

/* What tells one state of a file from another; all zero: it is not there. */
struct stamp {
	uint64_t device, inode, size;
	int64_t changed_s, changed_ns;
};

/* A file that was asked for. */
struct known {
	struct known *next;
	char name[TOKENIZERS_NAME_BYTES + 1];
	struct stamp stamp;
	struct mapped *mapped; /* NULL = not there, damaged or not opened */
	int64_t retry_ms;      /* when it is tried again; 0: it needn't be */
	bool is_wanted;        /* by the newest set */
};

struct tokenizers {
	const char *dir;
	struct known *known;
	int64_t looked_ms; /* monotonic */
};

struct user {
	struct user *next;
	struct mapped *mapped;
};

struct tokenizer_set {
	struct tokenizers *folder; /* until it is made */
	struct user *users;
};

/* ---- files ---- */

static void
mapped_drop(struct mapped *m)
{
	if (!m || atomic_fetch_sub(&m->n_users, 1) > 1)
		return;
	tokenizer_close(m->t);
	free(m);
}

static bool
path_of(const struct tokenizers *f, const char *name, char ret[PATH_BYTES])
{
	int n = snprintf(ret, PATH_BYTES, "%s/%s.tokens", f->dir, name);

	return n > 0 && n < PATH_BYTES;
}

static struct stamp
stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct stamp){ 0 };
	return (struct stamp){
		.device = (uint64_t)st.st_dev,
		.inode = (uint64_t)st.st_ino,
		.size = (uint64_t)st.st_size,
		.changed_s = (int64_t)st.st_mtim.tv_sec,
		.changed_ns = (int64_t)st.st_mtim.tv_nsec,
	};
}

static bool
is_same(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->changed_s == b->changed_s &&
	       a->changed_ns == b->changed_ns;
}

static enum err
map(const char *path, struct mapped **ret, struct error *e)
{
	struct mapped *m = calloc(1, sizeof(*m));
	enum err err = m ? tokenizer_open(path, &m->t, e)
			 : error_set(e, ERR_NO_MEMORY, "no memory");

	if (err) {
		free(m);
		return err;
	}
	atomic_init(&m->n_users, 1);
	*ret = m;
	return OK;
}

/* A file that is damaged stays so until it changes. What else keeps one from
 * being opened (descriptors, memory, a disk) may pass. */
static void
open_known(struct known *k, const char *path)
{
	bool is_told = k->retry_ms != 0;
	struct error e;
	enum err err = map(path, &k->mapped, &e);

	k->retry_ms = err && err != ERR_CONFIG
			  ? clock_mono_ms() + TOKENIZERS_RETRY_MS
			  : 0;
	if (err && err != ERR_NOT_FOUND && !is_told)
		log_error("tokenizer_left_out", &e);
}

/* ---- the folder ---- */

struct tokenizers *
tokenizers_new(const char *dir)
{
	struct tokenizers *f = calloc(1, sizeof(*f));

	if (f)
		f->dir = dir;
	return f;
}

static void
known_free(struct known *k)
{
	mapped_drop(k->mapped);
	free(k);
}

/* Forget those that the newest set doesn't want, or all. */
static void
forget(struct tokenizers *f, bool is_all)
{
	struct known **at = &f->known;

	while (*at) {
		struct known *k = *at;

		if (k->is_wanted && !is_all) {
			at = &k->next;
			continue;
		}
		*at = k->next;
		known_free(k);
	}
}

void
tokenizers_free(struct tokenizers *f)
{
	if (!f)
		return;
	forget(f, true);
	free(f);
}

/* Look at the file; map it anew if it is another than it was. */
static void
look(struct tokenizers *f, struct known *k)
{
	char path[PATH_BYTES];
	struct stamp now;

	if (!path_of(f, k->name, path))
		return;
	/* Before it is opened: a change meanwhile is seen next time. */
	now = stamp_of(path);
	if (is_same(&now, &k->stamp))
		return;
	mapped_drop(k->mapped);
	k->mapped = NULL;
	k->retry_ms = 0;
	k->stamp = now;
	if (now.inode)
		open_known(k, path);
}

/* Whether it is another than it was, or could at last be opened. */
static bool
has_changed(const struct tokenizers *f, struct known *k, int64_t now_ms)
{
	char path[PATH_BYTES];
	struct stamp now;

	if (!path_of(f, k->name, path))
		return false;
	now = stamp_of(path);
	if (!is_same(&now, &k->stamp))
		return true;
	if (!k->retry_ms || now_ms < k->retry_ms)
		return false;
	open_known(k, path);
	return k->mapped != NULL;
}

bool
tokenizers_have_changed(struct tokenizers *f)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms - f->looked_ms < TOKENIZERS_LOOK_MS)
		return false;
	f->looked_ms = now_ms;
	for (struct known *k = f->known; k; k = k->next)
		if (has_changed(f, k, now_ms))
			return true;
	return false;
}

/* ---- sets ---- */

bool
tokenizers_is_name(struct str name)
{
	if (name.n == 0 || name.n > TOKENIZERS_NAME_BYTES || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
			return false;
	}
	return true;
}

static struct known *
find(struct tokenizers *f, struct str name)
{
	struct known *k = f->known;

	while (k && !str_eq(str_from(k->name), name))
		k = k->next;
	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	memcpy(k->name, name.p, name.n);
	k->next = f->known;
	f->known = k;
	return k;
}

struct str
tokenizers_local_name(uint64_t deployment_id, char ret[TOKENIZERS_NAME_BYTES])
{
	(void)snprintf(ret, TOKENIZERS_NAME_BYTES, "local-%llu",
	    (unsigned long long)deployment_id);
	return str_from(ret);
}

struct tokenizer_set *
tokenizer_set_new(struct tokenizers *f)
{
	struct tokenizer_set *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->folder = f;
	forget(f, false);
	for (struct known *k = f->known; k; k = k->next)
		k->is_wanted = false;
	return s;
}

/* The set has it from now on; false: no memory. */
static bool
use(struct tokenizer_set *s, struct mapped *m)
{
	struct user *u = s->users;

	while (u && u->mapped != m)
		u = u->next;
	if (u)
		return true;
	u = calloc(1, sizeof(*u));
	if (!u)
		return false;
	(void)atomic_fetch_add(&m->n_users, 1);
	u->mapped = m;
	u->next = s->users;
	s->users = u;
	return true;
}

const struct tokenizer *
tokenizer_set_get(struct tokenizer_set *s, struct str name)
{
	struct known *k = tokenizers_is_name(name) ? find(s->folder, name)
						   : NULL;

	if (!k)
		return NULL;
	/* Once for each set, so that all its models have the same. */
	if (!k->is_wanted)
		look(s->folder, k);
	k->is_wanted = true;
	return k->mapped && use(s, k->mapped) ? k->mapped->t : NULL;
}

void
tokenizer_set_free(struct tokenizer_set *s)
{
	if (!s)
		return;
	while (s->users) {
		struct user *u = s->users;

		s->users = u->next;
		mapped_drop(u->mapped);
		free(u);
	}
	free(s);
}
