/* SPDX-License-Identifier: MIT */
#include "admin/model_wait.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "domain/model_server.h"

#define INTERVAL_MS 100
#define ANSWER_MS   1000
#define SAY_MS      5000

#define HOW_TO_START                                                \
 "start it with `systemctl enable --now tollgate-models`, or with " \
 "`tollgate model serve`"

static void
say(const struct model *m, const char *what, int64_t since_ms)
{
	(void)fprintf(stderr, "tollgate: %" PRI_STR ": %s (%lld s)\n",
	    STR_ARG(m->name), what,
	    (long long)(clock_mono_ms() - since_ms) / 1000);
}

static enum err
not_in_time(const struct model *m, const char *dir, uint64_t wait_s,
    struct error *e)
{
	if (!model_server_is_supervised(dir))
		return error_set(e, ERR_MODEL_DOWN,
		    "model %llu was added, but nothing starts model servers on "
		    "this host: " HOW_TO_START,
		    (unsigned long long)m->model_id);
	return error_set(e, ERR_MODEL_DOWN,
	    "model %llu was added, but its server has not answered within "
	    "%llu s; the log of `tollgate model serve` says more",
	    (unsigned long long)m->model_id, (unsigned long long)wait_s);
}

enum err
model_wait(struct admin *ad, const struct model *m, uint64_t wait_s,
    struct error *e)
{
	const struct timespec pause = { 0, INTERVAL_MS * 1000000L };
	const char *dir = conf_text(admin_conf(ad), CONF_MODELS_SOCKET_DIR);
	struct str socket = arena_printf(admin_arena(ad), "%s/%llu.sock", dir,
	    (unsigned long long)m->model_id);
	char why[MODEL_SERVER_WHY_BYTES];
	int64_t start_ms = clock_mono_ms(), said_ms = start_ms;

	if (!socket.p)
		return error_arena(e, admin_arena(ad));
	say(m,
	    model_server_is_supervised(dir)
		? "waiting for its server"
		: "nothing starts model servers here yet: " HOW_TO_START,
	    start_ms);
	while (!model_server_is_healthy(socket.p, ANSWER_MS)) {
		int64_t now_ms = clock_mono_ms();

		if (model_server_why_read(dir, m->model_id, why))
			return error_set(e, ERR_MODEL_DOWN,
			    "model %llu was added, but its server does not "
			    "run: %.150s",
			    (unsigned long long)m->model_id, why);
		if (now_ms - start_ms >= (int64_t)wait_s * 1000)
			return not_in_time(m, dir, wait_s, e);
		if (now_ms - said_ms >= SAY_MS) {
			say(m, "still waiting for its server", start_ms);
			said_ms = now_ms;
		}
		(void)nanosleep(&pause, NULL); /* shorter is fine */
	}
	say(m, "its server answers", start_ms);
	return OK;
}
