/* SPDX-License-Identifier: MIT */
#include "domain/usage_event.h"

#include <string.h>

#include "base/clock.h"
#include "domain/usage_text.h"

struct usage_event
usage_event_init(void)
{
	return (struct usage_event){ .time_to_first_token_ms = -1 };
}

enum event_kind {
	EVENT_ID,
	EVENT_NUMBER, /* int64_t below 0: unknown */
	EVENT_TIME,
	EVENT_STATUS,
	EVENT_SOURCE,
};

struct event_member {
	const char *name;
	enum event_kind kind;
	size_t off;
};

#define AT(m) offsetof(struct usage_event, m)
static const struct event_member event_members[] = {
	{ "user_id", EVENT_ID, AT(user_id) },
	{ "api_key_id", EVENT_ID, AT(api_key_id) },
	{ "project_id", EVENT_ID, AT(project_id) },
	{ "agent_id", EVENT_ID, AT(agent_id) },
	{ "connector_id", EVENT_ID, AT(connector_id) },
	{ "model_id", EVENT_ID, AT(model_id) },
	{ "request_timestamp", EVENT_TIME, AT(time_ms) },
	{ "request_status", EVENT_STATUS, AT(status) },
	{ "usage_source", EVENT_SOURCE, AT(usage_source) },
	{ "latency_ms", EVENT_NUMBER, AT(latency_ms) },
	{ "time_to_first_token_ms", EVENT_NUMBER, AT(time_to_first_token_ms) },
};
#undef AT

#define N_TOKEN_NAMES (TOK_CONTEXT__MAX * TOK_CLASS__MAX)
#define N_NAMES       (ARRAY_LEN(event_members) + N_TOKEN_NAMES)

static enum err
check_names(const struct json *body, struct error *e)
{
	const char *names[N_NAMES];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(event_members); i++)
		names[n++] = event_members[i].name;
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			names[n++] = usage_token_names[x][i];
	return json_only(body, names, n, e);
}

static enum err
read_time(const struct json *body, const char *name, int64_t now_ms, void *to,
    struct error *e)
{
	struct str text;
	int64_t ms;
	enum err err = json_get_str(body, name, 1, 40, &text, e);

	if (err)
		return err;
	if (!clock_parse(text, &ms) || ms > now_ms + USAGE_ADD_AHEAD_MS ||
	    ms < now_ms - USAGE_ADD_AGE_MS)
		return error_public(e, ERR_BAD_PARAM, name,
		    "%s must be a time such as 2026-01-31T00:00:00Z, of the "
		    "last 366 days.",
		    name);
	memcpy(to, &ms, sizeof(ms));
	return OK;
}

static enum err
read_name(const struct json *body, const char *name, const char *const *names,
    unsigned n, void *to, struct error *e)
{
	struct str text;
	enum err err = json_get_str(body, name, 1, 40, &text, e);

	for (unsigned i = 0; i < n && !err; i++)
		if (str_eq(text, str_from(names[i]))) {
			memcpy(to, &i, sizeof(i));
			return OK;
		}
	return err ? err
		   : error_public(e, ERR_BAD_PARAM, name,
			 "'%s' has a value that is not one of its choices.",
			 name);
}

static enum err
read_member(const struct json *body, const struct event_member *m,
    int64_t now_ms, char *to, struct error *e)
{
	uint64_t v = 0;
	enum err err = OK;

	switch (m->kind) {
	case EVENT_ID:
		err = json_get_u64(body, m->name, 1, UINT32_MAX, &v, e);
		break;
	case EVENT_NUMBER:
		err = json_get_u64(body, m->name, 0, UINT32_MAX, &v, e);
		break;
	case EVENT_TIME:
		return read_time(body, m->name, now_ms, to, e);
	case EVENT_STATUS:
		return read_name(body, m->name, usage_status_names,
		    USAGE_STATUS__MAX, to, e);
	case EVENT_SOURCE:
		return read_name(body, m->name, usage_source_names,
		    USAGE_FROM__MAX, to, e);
	}
	if (!err)
		memcpy(to, &v, sizeof(v));
	return err;
}

enum err
usage_event_read(const struct json *body, int64_t now_ms,
    struct usage_event *ret, struct error *e)
{
	enum err err = check_names(body, e);

	*ret = usage_event_init();
	for (size_t i = 0; i < ARRAY_LEN(event_members) && !err; i++) {
		const struct event_member *m = &event_members[i];

		if (json_has(body, m->name))
			err = read_member(body, m, now_ms, (char *)ret + m->off,
			    e);
	}
	for (int x = 0; x < TOK_CONTEXT__MAX; x++)
		for (int i = 0; i < TOK_CLASS__MAX; i++)
			if (!err && json_has(body, usage_token_names[x][i]))
				err = json_get_u64(body,
				    usage_token_names[x][i], 0, UINT32_MAX,
				    &ret->tok[x][i], e);
	if (!err && !ret->model_id)
		err = error_public(e, ERR_BAD_PARAM, "model_id",
		    "'model_id' is needed.");
	return err;
}
