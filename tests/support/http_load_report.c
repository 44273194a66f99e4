/* SPDX-License-Identifier: MIT */
/* The load tool's summary. */
#include "http_load.h"

#include <inttypes.h>

static void
print_hist(const char *name, const struct hist *h)
{
	(void)printf(",\"%s\":{\"n\":%" PRIu64 ",\"mean\":%" PRIu64
		     ",\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64
		     ",\"max\":%" PRIu64 "}",
	    name, h->n, h->n ? h->sum / h->n : 0, hist_at(h, 500),
	    hist_at(h, 900), hist_at(h, 990), h->max);
}

static void
print_statuses(const struct load *l)
{
	const char *sep = "";

	(void)printf(",\"statuses\":{");
	for (unsigned i = 0; i < LOAD_STATUS_N; i++) {
		if (!l->statuses[i])
			continue;
		(void)printf("%s\"%u\":%" PRIu64, sep, i, l->statuses[i]);
		sep = ",";
	}
	(void)printf("}");
}

static void
print_errors(const struct load *l)
{
	(void)printf(",\"errors\":{\"connect\":%" PRIu64 ",\"closed\":%" PRIu64
		     ",\"timeout\":%" PRIu64 ",\"parse\":%" PRIu64 "}",
	    l->errors[LOAD_E_CONNECT], l->errors[LOAD_E_CLOSED],
	    l->errors[LOAD_E_TIMEOUT], l->errors[LOAD_E_PARSE]);
}

void
load_report(const struct load *l)
{
	int64_t until_ns = l->end_ns && !l->opt.stream ? l->end_ns : l->last_ns;
	int64_t span_us = (until_ns - l->measure_ns) / 1000;
	uint64_t per_1000s =
	    span_us > 0 ? l->completed * 1000000000u / (uint64_t)span_us : 0;

	(void)printf("{\"mode\":\"%s\",\"clients\":%" PRIu64
		     ",\"seconds\":%" PRId64 ".%03d,\"n\":%" PRIu64
		     ",\"completed\":%" PRIu64 ",\"failed\":%" PRIu64
		     ",\"aborted\":%" PRIu64 ",\"rps\":%" PRIu64 ".%03d"
		     ",\"started\":%" PRIu64 ",\"connects\":%" PRIu64
		     ",\"retried\":%" PRIu64,
	    l->opt.stream ? "stream" : "closed", l->opt.clients,
	    span_us > 0 ? span_us / 1000000 : 0,
	    span_us > 0 ? (int)(span_us / 1000 % 1000) : 0,
	    l->completed + l->failed, l->completed, l->failed, l->aborted,
	    per_1000s / 1000, (int)(per_1000s % 1000), l->started, l->connects,
	    l->retried);
	print_statuses(l);
	print_errors(l);
	print_hist("latency_us", &l->latency_us);
	print_hist("ttfb_us", &l->ttfb_us);
	(void)printf(",\"events\":%" PRIu64 ",\"content_events\":%" PRIu64
		     ",\"done\":%" PRIu64 ",\"stalled\":%" PRIu64,
	    l->events, l->content_events, l->done, l->stalled);
	print_hist("first_event_us", &l->first_event_us);
	print_hist("max_gap_us", &l->gap_us);
	(void)printf("}\n");
}
