/* SPDX-License-Identifier: MIT */
/*
 * From words to a plan.  A model name "sim-a:1:2+b" asks for the words a and
 * b, a with the numbers 1 and 2; the header x-sim takes the same text, with
 * or without "sim-".  Other model names get the default answer.
 */
#include "upstream_sim.h"

#include <string.h>

#define ARGS_MAX    8
#define WORDS_FIXED 16u /* words of the default answer */

struct args {
	uint64_t v[ARGS_MAX];
	bool given[ARGS_MAX];
	struct slice text; /* all behind the first colon */
	size_t n;
	uint64_t value; /* of the word's row */
};

static uint64_t
arg(const struct args *a, size_t i, uint64_t otherwise, uint64_t max)
{
	uint64_t v = a->given[i] ? a->v[i] : otherwise;

	return v < max ? v : max;
}

static void
set_words(struct sim_plan *pl, const struct args *a)
{
	pl->words = arg(a, 0, WORDS_FIXED, SIM_WORDS_MAX);
}

static void
set_echo(struct sim_plan *pl, const struct args *a)
{
	(void)a; /* takes none */
	pl->echo = true;
}

static void
set_over(struct sim_plan *pl, const struct args *a)
{
	pl->words = arg(a, 0, WORDS_FIXED, SIM_WORDS_MAX);
	pl->ignores_limit = true;
}

static void
set_finish(struct sim_plan *pl, const struct args *a)
{
	pl->finish = a->text;
}

static void
set_huge(struct sim_plan *pl, const struct args *a)
{
	pl->huge = arg(a, 0, 1048576, SIM_HUGE_MAX);
}

static void
set_bad(struct sim_plan *pl, const struct args *a)
{
	(void)a; /* takes none */
	pl->bad_utf8 = true;
}

static void
set_pace(struct sim_plan *pl, const struct args *a)
{
	pl->pace_ms = arg(a, 0, 20, SIM_DELAY_MAX);
	pl->words = arg(a, 1, 50, SIM_WORDS_MAX);
}

static void
set_delay(struct sim_plan *pl, const struct args *a)
{
	pl->delay_ms = arg(a, 0, 100, SIM_DELAY_MAX);
}

static void
set_hang(struct sim_plan *pl, const struct args *a)
{
	(void)a; /* takes none */
	pl->hangs = true;
}

static void
set_end(struct sim_plan *pl, const struct args *a)
{
	pl->end = (enum sim_end)a->value;
	pl->end_at = arg(a, 0, 3, SIM_NEVER - 1);
}

static void
set_cut(struct sim_plan *pl, const struct args *a)
{
	pl->cut_at = arg(a, 0, 100, SIM_NEVER - 1);
}

static void
set_drip(struct sim_plan *pl, const struct args *a)
{
	pl->drip = true;
	pl->drip_ms = arg(a, 0, 1000, SIM_DELAY_MAX);
}

static void
set_drops(struct sim_plan *pl, const struct args *a)
{
	(void)a; /* takes none */
	pl->drops = true;
}

static void
set_status(struct sim_plan *pl, const struct args *a)
{
	pl->body = BODY_ERROR;
	pl->status = (unsigned)a->value;
	pl->retry_after_s = arg(a, 0, 2, SIM_DELAY_MAX);
}

static void
set_body(struct sim_plan *pl, const struct args *a)
{
	pl->body = (enum sim_body)a->value;
}

static void
set_headers(struct sim_plan *pl, const struct args *a)
{
	(void)a; /* takes none */
	pl->headers = true;
}

static void
set_gzip(struct sim_plan *pl, const struct args *a)
{
	(void)a; /* takes none */
	pl->gzip = true;
}

static void
set_nolen(struct sim_plan *pl, const struct args *a)
{
	(void)a; /* takes none */
	pl->no_length = true;
}

static void
set_hints(struct sim_plan *pl, const struct args *a)
{
	(void)a; /* takes none */
	pl->early_hints = true;
}

static void
set_split(struct sim_plan *pl, const struct args *a)
{
	(void)a; /* takes none */
	pl->split = true;
}

static void
set_sse(struct sim_plan *pl, const struct args *a)
{
	pl->sse |= (unsigned)a->value;
}

static void
set_usage(struct sim_plan *pl, const struct args *a)
{
	pl->usage = (enum sim_usage)a->value;
}

static void
set_details(struct sim_plan *pl, const struct args *a)
{
	for (size_t i = 0; i < ARGS_MAX; i++)
		pl->details[i] = arg(a, i, 0, INT64_MAX);
	pl->details_n = a->n > 4 ? 6 : 4;
}

struct word {
	struct slice name;
	void (*set)(struct sim_plan *pl, const struct args *a);
	uint64_t value;
	const char *args;
	const char *help;
};

/* clang-format off */
#define SIM_WORD(name, setter, value, args, help) \
	{ { name, sizeof(name) - 1 }, set_##setter, value, args, help },
static const struct word words[] = {
#include "upstream_sim_words.def"
};
#undef SIM_WORD
/* clang-format on */

#define N_WORDS (sizeof(words) / sizeof(words[0]))

/* Up to the separator, which is skipped; all of it when there is none. */
static struct slice
take(struct slice *rest, char sep)
{
	const char *p = memchr(rest->p, sep, rest->n);
	struct slice r = { rest->p, p ? (size_t)(p - rest->p) : rest->n };
	size_t gone = p ? r.n + 1 : r.n;

	rest->p += gone;
	rest->n -= gone;
	return r;
}

static bool
apply(struct sim_plan *pl, struct slice text)
{
	struct slice name = take(&text, ':');
	struct args a = { .text = text };

	if (slice_has_prefix(name, SLICE("sim-"))) {
		name.p += 4;
		name.n -= 4;
	}
	while (text.n && a.n < ARGS_MAX) {
		struct slice v = take(&text, ':');
		a.given[a.n] = slice_u64(v, UINT64_MAX, &a.v[a.n]);
		a.n++;
	}
	for (size_t i = 0; i < N_WORDS; i++) {
		if (slice_eq(words[i].name, name)) {
			a.value = words[i].value;
			words[i].set(pl, &a);
			return true;
		}
	}
	return false;
}

bool
sim_plan_read(struct slice text, struct sim_plan *ret)
{
	*ret = (struct sim_plan){ .words = WORDS_FIXED,
		.end_at = SIM_NEVER,
		.cut_at = SIM_NEVER };

	while (text.n) {
		if (!apply(ret, slice_trim(take(&text, '+'))))
			return false;
	}
	return true;
}

void
sim_words_help(struct sbuf *out)
{
	for (size_t i = 0; i < N_WORDS; i++) {
		sbuf_lit(out, "  sim-");
		sbuf_add(out, words[i].name.p, words[i].name.n);
		sbuf_add(out, words[i].args, strlen(words[i].args));
		sbuf_lit(out, "\n\t");
		sbuf_add(out, words[i].help, strlen(words[i].help));
		sbuf_lit(out, "\n");
	}
}

void
sim_words_models(struct sbuf *out)
{
	for (size_t i = 0; i < N_WORDS; i++) {
		if (i)
			sbuf_lit(out, ",");
		sbuf_lit(out, "{\"id\":\"sim-");
		sbuf_add(out, words[i].name.p, words[i].name.n);
		sbuf_lit(out, "\",\"object\":\"model\",\"created\":1700000000,"
			      "\"owned_by\":\"upstream_sim\"}");
	}
}
