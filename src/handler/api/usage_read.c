/* SPDX-License-Identifier: MIT */
#include "handler/api/usage_read.h"

#include "base/clock.h"
#include "domain/principal.h"
#include "handler/download.h"

/* Their places in USAGE_FILTERS. */
enum {
	AT_CUSTOMER,
	AT_KEY,
	AT_USER,
	AT_PROJECT,
	AT_AGENT,
	AT_CONNECTOR,
	AT_MODEL,
	AT_PROVIDER,
	AT_STATUS,
	AT_FROM,
	AT_TO,
	AT_FORMAT,
	AT__N
};
_Static_assert(AT__N == USAGE_N_FILTERS, "a filter has no place");

static enum err
read_times(int64_t now_ms, const struct param_value *v,
    struct usage_filter *ret, struct error *e)
{
	ret->to_ms = v[AT_TO].is_set ? v[AT_TO].time_ms : now_ms + 1;
	ret->from_ms = v[AT_FROM].is_set ? v[AT_FROM].time_ms
					 : ret->to_ms - DAY_MS;
	if (ret->from_ms < ret->to_ms)
		return OK;
	return error_public(e, ERR_BAD_PARAM, "from",
	    "from must be before to.");
}

enum err
usage_filter_read(const struct request *rq, const struct principal *who,
    const struct param_value *v, struct usage_filter *ret, struct error *e)
{
	bool is_operator = principal_is_operator(who);

	*ret = (struct usage_filter){
		.customer_id = v[AT_CUSTOMER].u64,
		.api_key_id = v[AT_KEY].u64,
		.user_id = v[AT_USER].u64,
		.project_id = v[AT_PROJECT].u64,
		.agent_id = v[AT_AGENT].u64,
		.connector_id = v[AT_CONNECTOR].u64,
		.model_id = v[AT_MODEL].u64,
		.provider_id = v[AT_PROVIDER].u64,
		.status = v[AT_STATUS].text,
	};
	if (!is_operator && who->customer_id == 0)
		return error_set(e, ERR_FORBIDDEN, "nobody's credential");
	if (!is_operator && ret->customer_id &&
	    ret->customer_id != who->customer_id)
		return error_public(e, ERR_NOT_FOUND, "customer_id",
		    "There is no such customer.");
	if (!is_operator)
		ret->customer_id = who->customer_id;
	return read_times(rq->start_ms, v, ret, e);
}

enum usage_format
usage_format_read(const struct request *rq, const struct param_value *v)
{
	struct str accept = request_header(rq, "accept"), item, type;

	if (v[AT_FORMAT].is_set)
		return (enum usage_format)v[AT_FORMAT].u64;
	while (str_split(&accept, ',', &item)) {
		if (!str_split(&item, ';', &type))
			continue;
		type = str_trim(type);
		if (str_eq_nocase(type, S("text/csv")))
			return USAGE_CSV;
		if (str_eq_nocase(type, S("application/x-ndjson")))
			return USAGE_NDJSON;
		if (str_eq_nocase(type, S("application/json")))
			return USAGE_JSON;
	}
	return USAGE_JSON;
}

enum usage_reader
usage_reader_of(const struct principal *who)
{
	return principal_is_operator(who) ? USAGE_FOR_OPERATOR
					  : USAGE_FOR_CUSTOMER;
}

void
usage_download(struct response *rs, enum usage_format format, const char *what,
    int64_t from_ms, int64_t to_ms)
{
	bool is_csv = format == USAGE_CSV;

	download_headers(rs, what, from_ms, to_ms, is_csv ? "csv" : "ndjson",
	    is_csv ? DOWNLOAD_CSV : S("application/x-ndjson"));
}
