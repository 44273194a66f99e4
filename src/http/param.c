/* SPDX-License-Identifier: MIT */
#include "http/param.h"

#include <inttypes.h>

#include "base/clock.h"
#include "http/form.h"

/* Bytes of an unknown name that a refusal repeats. */
#define NAME_SHOWN 40

static enum err
bad(const struct param_spec *spec, struct error *e, const char *what)
{
	return error_public(e, ERR_BAD_PARAM, spec->name, "%s %s.", spec->name,
	    what);
}

static enum err
read_u64(const struct param_spec *spec, struct str text, uint64_t *ret,
    struct error *e)
{
	if (str_to_u64(text, spec->min, spec->max, ret))
		return OK;
	return error_public(e, ERR_BAD_PARAM, spec->name,
	    "%s must be a whole number from %" PRIu64 " to %" PRIu64 ".",
	    spec->name, spec->min, spec->max);
}

static enum err
read_bool(const struct param_spec *spec, struct str text, uint64_t *ret,
    struct error *e)
{
	bool yes = str_eq(text, S("true")) || str_eq(text, S("on")) ||
		   str_eq(text, S("1"));

	if (!yes && !str_eq(text, S("false")) && !str_eq(text, S("off")) &&
	    !str_eq(text, S("0")))
		return bad(spec, e, "must be true or false");
	*ret = yes;
	return OK;
}

static enum err
check_text(const struct param_spec *spec, struct str text, struct error *e)
{
	if (text.n < spec->min || text.n > spec->max)
		return error_public(e, ERR_BAD_PARAM, spec->name,
		    "%s must have %" PRIu64 " to %" PRIu64 " bytes.",
		    spec->name, spec->min, spec->max);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') ||
		    c == 0x7f)
			return bad(spec, e, "holds a control character");
	}
	return OK;
}

static enum err
check_ascii(const struct param_spec *spec, struct str text, struct error *e)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return bad(spec, e, "may hold visible ASCII only");
	return check_text(spec, text, e);
}

static enum err
read_enum(const struct param_spec *spec, struct str text, uint64_t *ret,
    struct error *e)
{
	struct str rest = str_from(spec->choices);
	struct str choice;

	for (uint64_t i = 0; str_split(&rest, '|', &choice); i++)
		if (str_eq(choice, text)) {
			*ret = i;
			return OK;
		}
	return error_public(e, ERR_BAD_PARAM, spec->name,
	    "%s must be one of %s.", spec->name, spec->choices);
}

static enum err
read_value(const struct param_spec *spec, struct str text,
    struct param_value *ret, struct error *e)
{
	ret->is_set = true;
	ret->text = text;
	switch (spec->type) {
	case PARAM_U64:
		return read_u64(spec, text, &ret->u64, e);
	case PARAM_BOOL:
		return read_bool(spec, text, &ret->u64, e);
	case PARAM_TEXT:
		return check_text(spec, text, e);
	case PARAM_ASCII:
		return check_ascii(spec, text, e);
	case PARAM_TIME:
		if (!clock_parse_given(text, &ret->time_ms))
			return bad(spec, e,
			    "must be a date or time such as "
			    "2026-01-31T00:00:00Z");
		return OK;
	case PARAM_ENUM:
		return read_enum(spec, text, &ret->u64, e);
	}
	return error_set(e, ERR_INTERNAL, "parameter type %u",
	    (unsigned)spec->type);
}

/* Index of a name in the table, or n. */
static size_t
find_spec(const struct param_spec *spec, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(str_from(spec[i].name), name))
			return i;
	return n;
}

static enum err
take_pair(const struct param_spec *spec, size_t n, struct str name,
    struct str value, struct param_value *ret, struct error *e)
{
	size_t i = find_spec(spec, n, name);

	if (i == n)
		return error_public(e, ERR_BAD_PARAM, NULL,
		    "There is no parameter \"%" PRI_STR "\" here.",
		    STR_ARG(str_make(name.p,
			name.n < NAME_SHOWN ? name.n : NAME_SHOWN)));
	if (ret[i].is_set)
		return bad(&spec[i], e, "is given twice");
	if (value.n == 0)
		return OK;
	return read_value(&spec[i], value, &ret[i], e);
}

enum err
param_parse(struct arena *a, const struct param_spec *spec, size_t n,
    struct str text, struct param_value *ret, struct error *e)
{
	struct str name, value;
	struct form f;
	bool more;
	enum err code;

	for (size_t i = 0; i < n; i++)
		ret[i] = (struct param_value){ .is_set = false };
	form_init(&f, a, text);
	for (;;) {
		code = form_next(&f, &more, &name, &value, e);
		if (code)
			return code;
		if (!more)
			break;
		code = take_pair(spec, n, name, value, ret, e);
		if (code)
			return code;
	}
	for (size_t i = 0; i < n; i++)
		if (spec[i].is_required && !ret[i].is_set)
			return bad(&spec[i], e, "is required");
	return OK;
}
