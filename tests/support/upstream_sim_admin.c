/* SPDX-License-Identifier: MIT */
/*
 * What tests ask the simulator about itself: counters, and the last
 * inference request byte for byte.
 */
#include "upstream_sim.h"

void
sim_admin_keep(struct sim_conn *c)
{
	struct sim_thread *th = c->th;

	pthread_mutex_lock(&th->last_lock);
	th->last.n = 0;
	th->last.failed = false;
	sbuf_add(&th->last, c->in.p, c->rq.head_n);
	sbuf_add(&th->last, c->rq.body.p, c->rq.body.n);
	th->last_seq = c->an.seq;
	th->last_body_n = c->rq.body.n;
	pthread_mutex_unlock(&th->last_lock);
}

/* The thread that saw the newest request, locked; NULL: none did. */
static struct sim_thread *
lock_newest(struct sim *sim)
{
	struct sim_thread *best = NULL;

	for (size_t i = 0; i < sim->opt.n_threads; i++) {
		struct sim_thread *th = &sim->threads[i];
		pthread_mutex_lock(&th->last_lock);
		if (th->last_seq && (!best || th->last_seq > best->last_seq)) {
			if (best)
				pthread_mutex_unlock(&best->last_lock);
			best = th;
		} else {
			pthread_mutex_unlock(&th->last_lock);
		}
	}
	return best;
}

static uint64_t
sum_of(struct sim *sim, size_t offset)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sim->opt.n_threads; i++) {
		char *base = (char *)&sim->threads[i].stats;
		_Atomic uint64_t *v = (_Atomic uint64_t *)(void *)(base +
								   offset);
		sum += atomic_load_explicit(v, memory_order_relaxed);
	}
	return sum;
}

#define SUM(field) sum_of(sim, offsetof(struct sim_stats, field))

static void
add_count(struct sbuf *out, struct slice name, uint64_t v)
{
	sbuf_lit(out, ",\"");
	sbuf_add(out, name.p, name.n);
	sbuf_lit(out, "\":");
	sbuf_add_u64(out, v);
}

static uint64_t
open_connections(struct sim *sim)
{
	uint64_t n = 0;

	for (size_t i = 0; i < sim->opt.n_threads; i++)
		n += atomic_load(&sim->threads[i].n_conns);
	return n;
}

static uint64_t
lag_max(struct sim *sim)
{
	uint64_t max = 0;

	for (size_t i = 0; i < sim->opt.n_threads; i++) {
		uint64_t v = atomic_load(
		    &sim->threads[i].stats.timer_lag_max_us);
		max = v > max ? v : max;
	}
	return max;
}

static void
add_requests(struct sim *sim, struct sbuf *out)
{
	static const char *const names[] = { "/v1/chat/completions",
		"/v1/completions", "/v1/embeddings", "/v1/responses",
		"/v1/messages", "/v1/messages/count_tokens", "/generate",
		"/v1/models" };

	sbuf_lit(out, "{\"requests\":{");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t at = offsetof(struct sim_stats, requests) +
			    i * sizeof(_Atomic uint64_t);
		sbuf_lit(out, "\"");
		for (const char *p = names[i]; *p; p++)
			sbuf_add(out, p, 1);
		sbuf_lit(out, "\":");
		sbuf_add_u64(out, sum_of(sim, at));
		sbuf_lit(out, ",");
	}
	sbuf_lit(out, "\"other\":");
	sbuf_add_u64(out, SUM(requests[ROUTE_NONE]));
	sbuf_lit(out, "}");
}

static void
add_stats(struct sim *sim, struct sbuf *out)
{
	struct sim_thread *th = lock_newest(sim);
	uint64_t body_n = th ? th->last_body_n : 0;

	if (th)
		pthread_mutex_unlock(&th->last_lock);
	add_requests(sim, out);
	add_count(out, SLICE("inference_requests"),
	    SUM(requests[ROUTE_CHAT]) + SUM(requests[ROUTE_COMPLETION]) +
		SUM(requests[ROUTE_EMBEDDING]) + SUM(requests[ROUTE_RESPONSE]) +
		SUM(requests[ROUTE_MESSAGE]) + SUM(requests[ROUTE_COUNT]) +
		SUM(requests[ROUTE_GENERATE]));
	add_count(out, SLICE("answers_completed"), SUM(answered));
	add_count(out, SLICE("aborted_connections"), SUM(aborted));
	add_count(out, SLICE("last_abort_after_ms"),
	    (uint64_t)atomic_load(&sim->last_abort_ms));
	add_count(out, SLICE("last_abort_after_events"),
	    atomic_load(&sim->last_abort_events));
	add_count(out, SLICE("bad_requests"), SUM(bad_requests));
	add_count(out, SLICE("events"), SUM(events));
	add_count(out, SLICE("open_connections"), open_connections(sim));
	add_count(out, SLICE("accepted_connections"), SUM(accepted));
	add_count(out, SLICE("refused_connections"),
	    atomic_load(&sim->refused));
	add_count(out, SLICE("timers"), SUM(timers));
	add_count(out, SLICE("timers_late"), SUM(timers_late));
	add_count(out, SLICE("timer_lag_max_us"), lag_max(sim));
	add_count(out, SLICE("last_body_bytes"), body_n);
	sbuf_lit(out, "}\n");
}

static void
add_last(struct sim *sim, struct sbuf *out)
{
	struct sim_thread *th = lock_newest(sim);

	if (!th)
		return;
	sbuf_add(out, th->last.p, th->last.n);
	pthread_mutex_unlock(&th->last_lock);
}

static void
reset(struct sim *sim)
{
	for (size_t i = 0; i < sim->opt.n_threads; i++) {
		struct sim_thread *th = &sim->threads[i];
		for (size_t k = 0; k < ROUTE_N; k++)
			atomic_store(&th->stats.requests[k], 0);
		atomic_store(&th->stats.bad_requests, 0);
		atomic_store(&th->stats.accepted, 0);
		atomic_store(&th->stats.answered, 0);
		atomic_store(&th->stats.aborted, 0);
		atomic_store(&th->stats.events, 0);
		atomic_store(&th->stats.timers, 0);
		atomic_store(&th->stats.timers_late, 0);
		atomic_store(&th->stats.timer_lag_max_us, 0);
		pthread_mutex_lock(&th->last_lock);
		sbuf_fini(&th->last);
		th->last_seq = 0;
		th->last_body_n = 0;
		pthread_mutex_unlock(&th->last_lock);
	}
	atomic_store(&sim->seq, 0);
	atomic_store(&sim->refused, 0);
	atomic_store(&sim->last_abort_ms, 0);
	atomic_store(&sim->last_abort_events, 0);
}

void
sim_admin_body(struct sim *sim, enum sim_route route, struct sbuf *out)
{
	if (route == ROUTE_MODELS) {
		sbuf_lit(out, "{\"object\":\"list\",\"data\":[");
		sim_words_models(out);
		sbuf_lit(out, "]}");
	} else if (route == ROUTE_STATS) {
		add_stats(sim, out);
	} else if (route == ROUTE_LAST) {
		add_last(sim, out);
	} else if (route == ROUTE_RESET) {
		reset(sim);
		sbuf_lit(out, "{\"ok\":true}\n");
	} else {
		sbuf_lit(out, "{\"status\":\"ok\"}\n");
	}
}
