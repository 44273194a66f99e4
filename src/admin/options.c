/* SPDX-License-Identifier: MIT */
/* Words of the command line: which command, its arguments and options. What
 * is not known is refused; nothing is guessed from a prefix. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin_priv.h"
#include "base/clock.h"

#define STDIN_SECRET_BYTES 4096
#define COUNT_MAX          INT64_C(1000000000)

static const char usage_mark[] = "usage";

enum err
admin_usage(struct error *e, const char *fmt, ...)
{
	char words[sizeof(e->internal)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap); /* cut */
	va_end(ap);
	(void)error_set(e, ERR_BAD_PARAM, "%s", words);
	(void)snprintf(e->param, sizeof(e->param), "%s", usage_mark);
	return ERR_BAD_PARAM;
}

bool
admin_is_usage(const struct error *e)
{
	return e->code == ERR_BAD_PARAM && strcmp(e->param, usage_mark) == 0;
}

/* Take the option's value: behind '=' or the next word. */
struct words {
	char **p;
	size_t n, at;
};

static enum err
take_value(struct words *w, struct str name, struct str inline_value,
    struct str *ret, struct error *e)
{
	if (inline_value.p) {
		*ret = inline_value;
		return OK;
	}
	if (w->at == w->n)
		return admin_usage(e, "--%" PRI_STR " needs a value",
		    STR_ARG(name));
	*ret = str_from(w->p[w->at++]);
	return OK;
}

static enum err
take_global(struct admin *ad, struct words *w, struct str name,
    struct str inline_value, bool *ret_taken, struct error *e)
{
	struct str value;
	enum err err;

	*ret_taken = true;
	if (str_eq(name, S("json")) && !inline_value.p) {
		ad->is_json = true;
		return OK;
	}
	if (str_eq(name, S("help")) && !inline_value.p) {
		ad->is_help = true;
		return OK;
	}
	if (str_eq(name, S("config"))) {
		err = take_value(w, name, inline_value, &value, e);
		if (!err)
			ad->config_file = value.p; /* a word's end: has NUL */
		return err;
	}
	if (str_eq(name, S("set"))) {
		err = take_value(w, name, inline_value, &value, e);
		if (!err && ad->n_sets == ARRAY_LEN(ad->sets))
			return admin_usage(e, "too many --set");
		if (!err)
			ad->sets[ad->n_sets++] = value;
		return err;
	}
	*ret_taken = false;
	return OK;
}

static size_t
option_index(const struct admin_command *c, struct str name)
{
	size_t i = 0;

	while (
	    c->options[i].name && !str_eq(name, str_from(c->options[i].name)))
		i++;
	return i;
}

static enum err
take_option(struct admin *ad, struct words *w, struct str name,
    struct str inline_value, struct error *e)
{
	const struct admin_command *c = ad->command;
	size_t i = c ? option_index(c, name) : 0;

	if (!c || !c->options[i].name)
		return admin_usage(e, "unknown option --%" PRI_STR,
		    STR_ARG(name));
	ASSERT(i < ADMIN_OPTIONS_MAX);
	if (ad->values[i].p)
		return admin_usage(e, "--%" PRI_STR " is given twice",
		    STR_ARG(name));
	if (c->options[i].value)
		return take_value(w, name, inline_value, &ad->values[i], e);
	if (inline_value.p)
		return admin_usage(e, "--%" PRI_STR " takes no value",
		    STR_ARG(name));
	ad->values[i] = S("");
	return OK;
}

static enum err
take_dashed(struct admin *ad, struct words *w, struct str word, struct error *e)
{
	struct str name = str_skip(word, 2), value = { NULL, 0 };
	size_t eq = str_find(name, '=');
	bool is_taken;
	enum err err;

	if (eq < name.n) {
		value = str_skip(name, eq + 1);
		name.n = eq;
	}
	err = take_global(ad, w, name, value, &is_taken, e);
	if (err || is_taken)
		return err;
	return take_option(ad, w, name, value, e);
}

/* The command whose name is the first words, the longer name first. */
static size_t
command_find(struct admin *ad, const char *first, const char *second)
{
	char both[64];

	(void)snprintf(both, sizeof(both), "%s %s", first,
	    second ? second : "");
	for (size_t i = 0; i < n_admin_commands; i++) {
		if (second && strcmp(admin_commands[i].name, both) == 0) {
			ad->command = &admin_commands[i];
			return 2;
		}
	}
	for (size_t i = 0; i < n_admin_commands; i++) {
		if (strcmp(admin_commands[i].name, first) == 0) {
			ad->command = &admin_commands[i];
			return 1;
		}
	}
	return 0;
}

static bool
is_dashed(const char *word)
{
	return word[0] == '-' && word[1] == '-';
}

static enum err
read_secret(struct admin *ad, struct str *value, struct error *e)
{
	char *p = arena_array(&ad->secrets, char, STDIN_SECRET_BYTES);
	size_t n = 0;
	ssize_t got = 1;

	if (!p)
		return error_arena(e, &ad->secrets);
	while (n < STDIN_SECRET_BYTES && got > 0) {
		got = read(STDIN_FILENO, p + n, STDIN_SECRET_BYTES - n);
		if (got < 0)
			return error_errno(e, ERR_IO, "standard input");
		n += (size_t)got;
	}
	if (n == STDIN_SECRET_BYTES)
		return admin_usage(e, "standard input is too long");
	while (n && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	*value = str_make(p, n);
	return OK;
}

/* After all words: what is missing, what is too much, what is a secret. */
static enum err
check_complete(struct admin *ad, struct error *e)
{
	const struct admin_command *c = ad->command;
	struct str rest = str_from(c->args), word;
	size_t n_args = 0;

	while (str_split(&rest, ' ', &word) && word.n) {
		if (n_args == ad->n_args && word.p[0] != '[')
			return admin_usage(e, "%s needs %" PRI_STR, c->name,
			    STR_ARG(word));
		if (n_args < ad->n_args)
			n_args++;
	}
	if (n_args < ad->n_args)
		return admin_usage(e, "unexpected word: %" PRI_STR,
		    STR_ARG(ad->args[n_args]));
	for (size_t i = 0; c->options[i].name; i++) {
		const struct admin_option *o = &c->options[i];
		enum err err = OK;

		if (o->is_required && !ad->values[i].p)
			return admin_usage(e, "%s needs --%s", c->name,
			    o->name);
		if (o->value && strcmp(o->value, "SECRET") == 0 &&
		    str_eq(ad->values[i], S("-")))
			err = read_secret(ad, &ad->values[i], e);
		if (err)
			return err;
	}
	return OK;
}

/* Options for every command may stand before its name. */
static enum err
take_leading(struct admin *ad, struct words *w, struct error *e)
{
	enum err err = OK;

	while (w->at < w->n && is_dashed(w->p[w->at]) && !err)
		err = take_dashed(ad, w, str_from(w->p[w->at++]), e);
	if (err || w->at == w->n)
		return err;
	ad->first_word = w->p[w->at];
	w->at += command_find(ad, ad->first_word,
	    w->at + 1 < w->n ? w->p[w->at + 1] : NULL);
	return OK;
}

enum err
admin_parse(struct admin *ad, int argc, char **argv, struct error *e)
{
	struct words w = { .p = argv + 1, .n = (size_t)argc - 1 };
	enum err err = take_leading(ad, &w, e);

	while (w.at < w.n && !err) {
		const char *word = w.p[w.at++];

		if (is_dashed(word))
			err = take_dashed(ad, &w, str_from(word), e);
		else if (!ad->command)
			continue; /* the caller says what is wrong with it */
		else if (ad->n_args == ADMIN_ARGS_MAX)
			err = admin_usage(e, "unexpected word: %s", word);
		else
			ad->args[ad->n_args++] = str_from(word);
	}
	if (err || ad->is_help || !ad->command)
		return err;
	return check_complete(ad, e);
}

struct str
admin_arg(const struct admin *ad, size_t n)
{
	return n < ad->n_args ? ad->args[n] : (struct str){ NULL, 0 };
}

struct str
admin_opt(const struct admin *ad, const char *option)
{
	size_t i = option_index(ad->command, str_from(option));

	ASSERT(ad->command->options[i].name);
	return ad->values[i];
}

bool
admin_has(const struct admin *ad, const char *option)
{
	return admin_opt(ad, option).p != NULL;
}

enum err
admin_opt_u64(const struct admin *ad, const char *option, uint64_t min,
    uint64_t max, uint64_t *ret, struct error *e)
{
	struct str value = admin_opt(ad, option);

	if (!value.p || str_to_u64(value, min, max, ret))
		return OK;
	return admin_usage(e, "--%s must be a whole number from %llu to %llu",
	    option, (unsigned long long)min, (unsigned long long)max);
}

enum err
admin_opt_count(const struct admin *ad, const char *option, int64_t *ret,
    struct error *e)
{
	struct str value = admin_opt(ad, option);

	if (str_eq(value, S("none"))) {
		*ret = -1;
		return OK;
	}
	if (!value.p || str_to_i64(value, 0, COUNT_MAX, ret))
		return OK;
	return admin_usage(e, "--%s must be a whole number up to %lld, or none",
	    option, (long long)COUNT_MAX);
}

enum err
admin_opt_time(const struct admin *ad, const char *option, int64_t *ret_ms,
    struct error *e)
{
	struct str value = admin_opt(ad, option);

	if (!value.p || clock_parse_given(value, ret_ms))
		return OK;
	return admin_usage(e,
	    "--%s must be a time such as 2027-01-31 or 2027-01-31T08:00:00Z",
	    option);
}

enum err
admin_opt_enum(const struct admin *ad, const char *option,
    const char *const *names, size_t n, unsigned *ret, struct error *e)
{
	struct str value = admin_opt(ad, option);
	char list[160] = "";
	size_t used = 0;

	if (!value.p)
		return OK;
	for (unsigned i = 0; i < n; i++) {
		if (str_eq(value, str_from(names[i]))) {
			*ret = i;
			return OK;
		}
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used,
			    sizeof(list) - used, "%s%s", i ? ", " : "",
			    names[i]);
	}
	return admin_usage(e, "--%s must be one of: %s", option, list);
}
