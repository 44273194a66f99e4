/* SPDX-License-Identifier: MIT */
#include "admin/model_table.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define INTERVAL_MS 300 /* well within the promised half second */
#define ARENA_BYTES MIB(16)
#define STOP_WAIT_S 1
#define SLICE_MS    50 /* how soon the thread notices that it should end */

struct model_table {
	const struct db_options *options;
	pthread_t thread;
	pthread_mutex_t mutex;
	struct model_rows *latest; /* under the mutex */
	int fd;
	atomic_bool is_stopping;
};

void
model_rows_free(struct model_rows *r)
{
	if (!r)
		return;
	arena_fini(&r->arena);
	free(r);
}

static enum err
read_rows(struct db *db, struct model_rows **ret, struct error *e)
{
	struct model_rows *r = calloc(1, sizeof(*r));
	enum err err;

	if (!r)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	arena_init(&r->arena, ARENA_BYTES);
	err = store_deployment_served(db, &r->arena, &r->rows, &r->n, e);
	if (err)
		model_rows_free(r);
	else
		*ret = r;
	return err;
}

static void
hand_over(struct model_table *t, struct model_rows *r)
{
	const uint64_t one = 1;
	struct model_rows *old;

	(void)pthread_mutex_lock(&t->mutex); /* cannot fail */
	old = t->latest;
	t->latest = r;
	(void)pthread_mutex_unlock(&t->mutex);
	model_rows_free(old);
	(void)!write(t->fd, &one, sizeof(one)); /* full: it is readable */
}

static void
pause_between(const struct model_table *t)
{
	const struct timespec slice = { 0, SLICE_MS * 1000000L };

	for (int ms = 0; ms < INTERVAL_MS && !atomic_load(&t->is_stopping);
	     ms += SLICE_MS)
		(void)nanosleep(&slice, NULL); /* shorter is fine */
}

/* One line when the database goes and one when it is back. */
static void
note(enum err err, bool *was_down, const struct error *e)
{
	if (err && !*was_down)
		log_error("models_database_down", e);
	if (!err && *was_down)
		log_event(LOG_LEVEL_INFO, "models_database_back",
		    "the list of local models is read again");
	*was_down = err != OK;
}

static void *
table_main(void *arg)
{
	struct model_table *t = arg;
	struct db *db = db_new(t->options);
	bool was_down = false;

	while (!atomic_load(&t->is_stopping)) {
		struct model_rows *rows = NULL;
		struct error e;
		enum err err = db ? read_rows(db, &rows, &e)
				  : error_set(&e, ERR_NO_MEMORY, "no memory");

		if (!err)
			hand_over(t, rows);
		note(err, &was_down, &e);
		pause_between(t);
	}
	db_free(db);
	db_thread_fini();
	return NULL;
}

enum err
model_table_start(const struct db_options *db, struct model_table **ret,
    struct error *e)
{
	struct model_table *t = calloc(1, sizeof(*t));
	sigset_t all, old;
	int rc;

	if (!t)
		return error_set(e, ERR_NO_MEMORY, "no memory");
	t->options = db;
	t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->fd < 0) {
		free(t);
		return error_errno(e, ERR_IO, "eventfd");
	}
	(void)pthread_mutex_init(&t->mutex, NULL); /* default type */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&t->thread, NULL, table_main, t);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		(void)close(t->fd);
		free(t);
		return error_set(e, ERR_NO_MEMORY, "pthread_create: error %d",
		    rc);
	}
	*ret = t;
	return OK;
}

int
model_table_fd(const struct model_table *t)
{
	return t->fd;
}

struct model_rows *
model_table_take(struct model_table *t)
{
	struct model_rows *r;
	uint64_t n;

	(void)!read(t->fd, &n, sizeof(n)); /* nothing there: nothing new */
	(void)pthread_mutex_lock(&t->mutex);
	r = t->latest;
	t->latest = NULL;
	(void)pthread_mutex_unlock(&t->mutex);
	return r;
}

bool
model_table_stop(struct model_table *t)
{
	struct timespec until;

	atomic_store(&t->is_stopping, true);
	(void)clock_gettime(CLOCK_REALTIME, &until); /* cannot fail */
	until.tv_sec += STOP_WAIT_S;
	if (pthread_timedjoin_np(t->thread, NULL, &until) != 0)
		return false;
	model_rows_free(t->latest);
	(void)pthread_mutex_destroy(&t->mutex);
	(void)close(t->fd);
	free(t);
	return true;
}
