/* SPDX-License-Identifier: MIT */
#include "admin/reconcile.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/money.h"
#include "domain/host.h"
#include "domain/reconcile.h"
#include "journal/reader.h"
#include "store/reconcile_last.h"

#define TEXT_BYTES  MIB(1)    /* 1,200 differences, 100 faults at most */
#define ARENA_BYTES MIB(1024) /* customers, offsets and differences */

static const char *const check_names[RECONCILE__N] = {
	[RECONCILE_HOURLY] = "usage_hourly",
	[RECONCILE_DAILY] = "usage_daily",
	[RECONCILE_MONTHLY] = "usage_monthly",
	[RECONCILE_CALLERS] = "usage_callers",
	[RECONCILE_OVERALL] = "usage_totals",
	[RECONCILE_ALL] = "usage_sums",
	[RECONCILE_RANKS] = "usage_ranks",
	[RECONCILE_REFUSED] = "usage_refusals",
	[RECONCILE_LEDGER] = "ledger_transfers",
	[RECONCILE_BALANCE] = "ledger_accounts",
	[RECONCILE_BUDGET] = "budget_periods",
	[RECONCILE_ORPHAN] = "orphans",
};

static void
json_diff(struct json_out *j, const struct reconcile_diff *d)
{
	json_out_object(j);
	json_out_member_str(j, "check", str_from(check_names[d->check]));
	json_out_member_u64(j, "customer_id", d->customer_id);
	json_out_member_u64(j, "api_key_id", d->api_key_id);
	json_out_member_u64(j, "model_id", d->model_id);
	if (d->budget_id)
		json_out_member_u64(j, "budget_id", d->budget_id);
	if (d->time_ms != 0)
		json_out_member_time(j, "time", d->time_ms);
	json_out_member_u64(j, "rows_requests", d->rows_requests);
	json_out_member_u64(j, "sums_requests", d->sums_requests);
	json_out_member_u64(j, "rows_tokens", d->rows_tok);
	json_out_member_u64(j, "sums_tokens", d->sums_tok);
	json_out_key(j, "rows_usd");
	json_out_usd(j, d->rows_pusd);
	json_out_key(j, "sums_usd");
	json_out_usd(j, d->sums_pusd);
	json_out_object_end(j);
}

static void
json_fault(struct json_out *j, const struct reconcile_request *x)
{
	char series[JOURNAL_SERIES_TEXT_BYTES];
	char id[UUID7_TEXT_BYTES];

	journal_series_format(&x->series, series);
	uuid7_format(&x->request_id, id);
	json_out_object(j);
	json_out_member_str(j, "fault",
	    str_from(reconcile_fault_names[x->fault]));
	json_out_member_str(j, "series", str_from(series));
	json_out_member_u64(j, "file", journal_pos_file(x->pos));
	json_out_member_u64(j, "offset", journal_pos_offset(x->pos));
	json_out_member_str(j, "request_id", str_from(id));
	json_out_member_u64(j, "rows", x->n_rows);
	json_out_object_end(j);
}

static void
json_lists(struct json_out *j, const struct reconcile *r)
{
	json_out_key(j, "differences");
	json_out_array(j);
	for (size_t i = 0; i < r->books.n_diffs; i++)
		json_diff(j, &r->books.diffs[i]);
	json_out_array_end(j);
	json_out_key(j, "faults");
	json_out_array(j);
	for (size_t i = 0; i < r->n_listed; i++)
		json_fault(j, &r->faults[i]);
	json_out_array_end(j);
	json_out_key(j, "unchecked");
	json_out_array(j);
	for (size_t i = 0; i < r->n_unchecked && i < RECONCILE_LISTED_MAX;
	     i++) {
		char series[JOURNAL_SERIES_TEXT_BYTES];

		journal_series_format(&r->unchecked[i].id, series);
		json_out_object(j);
		json_out_member_str(j, "series", str_from(series));
		json_out_member_str(j, "host", r->unchecked[i].host);
		json_out_object_end(j);
	}
	json_out_array_end(j);
}

static void
write_json(struct buf *b, const struct reconcile *r)
{
	struct json_out j;

	json_out_init(&j, b);
	json_out_object(&j);
	json_out_member_bool(&j, "clean", reconcile_is_clean(r));
	json_out_member_u64(&j, "usage_rows", r->books.usage_rows);
	json_out_member_u64(&j, "usage_tokens", r->books.usage_tok);
	json_out_key(&j, "usage_usd");
	json_out_usd(&j, r->books.usage_pusd);
	json_out_member_u64(&j, "unpriced_rows", r->books.unpriced_requests);
	json_out_member_u64(&j, "closed_requests", r->books.closed_requests);
	json_out_key(&j, "closed_usd");
	json_out_usd(&j, r->books.closed_pusd);
	json_out_member_u64(&j, "adjustments", r->books.adjustments);
	json_out_key(&j, "adjusted_usd");
	json_out_usd(&j, r->books.adjusted_pusd);
	json_out_member_u64(&j, "rejected_records", r->books.rejected);
	json_out_member_bool(&j, "cut", r->books.is_cut);
	json_out_member_u64(&j, "journals_checked", r->n_series);
	json_out_member_u64(&j, "journaled_requests", r->n_journaled);
	json_out_member_u64(&j, "pending_requests", r->n_pending);
	json_out_member_u64(&j, "damaged_places", r->n_damaged);
	json_out_member_u64(&j, "journal_faults", r->n_faults);
	json_out_member_u64(&j, "journals_unchecked", r->n_unchecked);
	json_lists(&j, r);
	json_out_object_end(&j);
	buf_add_char(b, '\n');
}

static void
text_diff(struct buf *b, const struct reconcile_diff *d)
{
	char time[CLOCK_TEXT_BYTES], rows[MONEY_TEXT_BYTES];
	char sums[MONEY_TEXT_BYTES];

	clock_format(d->time_ms, time);
	money_to_text(d->rows_pusd, rows);
	money_to_text(d->sums_pusd, sums);
	buf_addf(b, "DIFFERENCE %s customer %" PRIu64, check_names[d->check],
	    d->customer_id);
	if (d->api_key_id != 0)
		buf_addf(b, " key %" PRIu64, d->api_key_id);
	if (d->model_id != 0)
		buf_addf(b, " model %" PRIu64, d->model_id);
	if (d->budget_id)
		buf_addf(b, " budget %" PRIu64, d->budget_id);
	if (d->time_ms != 0)
		buf_addf(b, " at %s", time);
	buf_addf(b,
	    ": requests %" PRIu64 " against %" PRIu64 ", tokens %" PRIu64
	    " against %" PRIu64 ", USD %s against %s\n",
	    d->rows_requests, d->sums_requests, d->rows_tok, d->sums_tok, rows,
	    sums);
}

static void
text_fault(struct buf *b, const struct reconcile_request *x)
{
	char series[JOURNAL_SERIES_TEXT_BYTES];
	char id[UUID7_TEXT_BYTES];

	journal_series_format(&x->series, series);
	uuid7_format(&x->request_id, id);
	buf_addf(b, "FAULT %s: request %s, series %s file %u offset %u\n",
	    reconcile_fault_names[x->fault], id, series,
	    journal_pos_file(x->pos), journal_pos_offset(x->pos));
}

static void
text_journals(struct buf *b, const struct reconcile *r)
{
	buf_addf(b,
	    "journals of this host: %" PRIu64 " series, %" PRIu64
	    " requests with a row, %" PRIu64 " not flushed yet, %" PRIu64
	    " damaged places, %" PRIu64 " faults\n",
	    r->n_series, r->n_journaled, r->n_pending, r->n_damaged,
	    r->n_faults);
	for (size_t i = 0; i < r->n_listed; i++)
		text_fault(b, &r->faults[i]);
	for (size_t i = 0; i < r->n_unchecked && i < RECONCILE_LISTED_MAX;
	     i++) {
		char series[JOURNAL_SERIES_TEXT_BYTES];

		journal_series_format(&r->unchecked[i].id, series);
		buf_addf(b, "unchecked: series %s of host %" PRI_STR "\n",
		    series, STR_ARG(r->unchecked[i].host));
	}
}

/* Pruned months and costs that were set anew, where there are any. */
static void
text_corrections(struct buf *b, const struct reconcile *r)
{
	char usd[MONEY_TEXT_BYTES];

	if (r->books.closed_requests > 0) {
		money_to_text(r->books.closed_pusd, usd);
		buf_addf(b,
		    "closed months: %" PRIu64 " requests, %s USD, rows "
		    "pruned\n",
		    r->books.closed_requests, usd);
	}
	if (r->books.adjustments > 0) {
		money_to_text(r->books.adjusted_pusd, usd);
		buf_addf(b, "adjustments: %" PRIu64 ", %s USD\n",
		    r->books.adjustments, usd);
	}
}

static void
write_text(struct buf *b, const struct reconcile *r, bool has_journals)
{
	char usd[MONEY_TEXT_BYTES];

	money_to_text(r->books.usage_pusd, usd);
	buf_addf(b,
	    "database: %" PRIu64 " usage rows, %" PRIu64
	    " tokens, %s USD, %" PRIu64 " unpriced, %" PRIu64 " rejected\n",
	    r->books.usage_rows, r->books.usage_tok, usd,
	    r->books.unpriced_requests, r->books.rejected);
	text_corrections(b, r);
	for (size_t i = 0; i < r->books.n_diffs; i++)
		text_diff(b, &r->books.diffs[i]);
	if (r->books.is_cut)
		buf_add(b, S("there are more differences than are listed\n"));
	if (has_journals)
		text_journals(b, r);
	if (r->books.rejected > 0)
		buf_add(b,
		    S("usage_rejected holds records that were set aside: "
		      "look at them\n"));
	buf_addf(b, "%s\n",
	    reconcile_is_clean(r) ? "no difference" : "NOT RECONCILED");
}

/* The page System shows it. An account that may only read still compares. */
static void
keep(struct db *db, const struct reconcile *r, bool has_journals,
    int64_t started_ms)
{
	char name[HOST_NAME_BYTES];
	struct reconcile_last last = {
		.started_at_ms = started_ms,
		.finished_at_ms = clock_now_ms(),
		.is_clean = reconcile_is_clean(r),
		.has_journals = has_journals,
		.usage_rows = r->books.usage_rows,
		.n_differences = r->books.n_diffs,
		.n_faults = r->n_faults,
		.n_pending = r->n_pending,
		.n_unchecked = r->n_unchecked,
	};
	struct error e;

	host_name(name);
	last.host = str_from(name);
	if (store_reconcile_last_set(db, &last, &e))
		(void)fprintf(stderr,
		    "tollgate: the dashboard keeps the result of before: %s\n",
		    e.internal);
}

enum err
admin_reconcile(struct db *db, const char *journal_dir, bool is_json, FILE *out,
    bool *ret_is_clean, struct error *e)
{
	struct reconcile r;
	struct arena a;
	struct buf b;
	struct str text;
	int64_t started_ms = clock_now_ms();
	enum err err;

	arena_init(&a, ARENA_BYTES);
	err = reconcile_run(db, journal_dir, &a, &r, e);
	if (!err) {
		buf_init(&b, &a, TEXT_BYTES);
		if (is_json)
			write_json(&b, &r);
		else
			write_text(&b, &r, journal_dir != NULL);
		err = buf_finish(&b, &text, e);
	}
	if (!err) {
		(void)fwrite(text.p, 1, text.n, out);
		*ret_is_clean = reconcile_is_clean(&r);
		keep(db, &r, journal_dir != NULL, started_ms);
	}
	arena_fini(&a);
	return err;
}
