/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

#define DEFAULT_FILE   "/etc/tollgate/tollgate.conf"
#define FILE_MAX_BYTES KIB(256)
#define ENV_PREFIX     "TOLLGATE_"

#define KIND_U64  CONF_KIND_U64
#define KIND_BOOL CONF_KIND_BOOL
#define KIND_TEXT CONF_KIND_TEXT
#define KIND_PATH CONF_KIND_PATH
#define KIND_LIST CONF_KIND_LIST
#define KIND_ENUM CONF_KIND_ENUM

struct conf_value {
	char *text; /* NULL: the default */
	uint64_t number;
};

struct conf {
	struct conf_value values[CONF__MAX];
	char *journal_dir;
};

static const struct conf_row rows[CONF__MAX] = {
#define CONFIG(id, name_, kind_, unit_, min_, max_, default_, reload, secret, \
    doc_)                                                                     \
 [CONF_##id] = {                                                              \
	 .name = name_,                                                       \
	 .kind = KIND_##kind_,                                                \
	 .unit = unit_,                                                       \
	 .min = min_,                                                         \
	 .max = max_,                                                         \
	 .default_text = default_,                                            \
	 .is_reloadable = reload,                                             \
	 .is_secret = secret,                                                 \
	 .doc = doc_,                                                         \
 },
#include "base/config.def"
#undef CONFIG
};

const struct conf_row *
conf_rows(void)
{
	return rows;
}

void
conf_env_name(const struct conf_row *row, char ret[CONF_ENV_NAME_BYTES])
{
	bool is_own = isupper((unsigned char)row->name[0]) == 0;
	size_t n = 0;

	if (is_own) {
		memcpy(ret, ENV_PREFIX, sizeof(ENV_PREFIX) - 1);
		n = sizeof(ENV_PREFIX) - 1;
	}
	for (const char *p = row->name; *p && n < CONF_ENV_NAME_BYTES - 1; p++)
		ret[n++] = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
	ret[n] = '\0';
}

static bool
row_is_named(const struct conf_row *row, struct str name)
{
	char env[CONF_ENV_NAME_BYTES];

	conf_env_name(row, env);
	return str_eq(name, str_from(env)) || str_eq(name, str_from(row->name));
}

static enum err
parse_number(const struct conf_row *row, struct str value, uint64_t *ret,
    struct error *e)
{
	if (str_to_u64(value, row->min, row->max, ret))
		return OK;
	return error_set(e, ERR_CONFIG,
	    "%s must be a whole number of %s from %llu to %llu", row->name,
	    row->unit, (unsigned long long)row->min,
	    (unsigned long long)row->max);
}

static enum err
parse_bool(const struct conf_row *row, struct str value, uint64_t *ret,
    struct error *e)
{
	*ret = str_eq(value, S("on"));
	if (*ret || str_eq(value, S("off")))
		return OK;
	return error_set(e, ERR_CONFIG, "%s must be on or off", row->name);
}

static enum err
parse_choice(const struct conf_row *row, struct str value, uint64_t *ret,
    struct error *e)
{
	struct str rest = str_from(row->unit), choice;

	for (uint64_t i = 0; str_split(&rest, '|', &choice); i++) {
		if (str_eq(choice, value)) {
			*ret = i;
			return OK;
		}
	}
	return error_set(e, ERR_CONFIG, "%s must be one of %s", row->name,
	    row->unit);
}

static enum err
check_text(const struct conf_row *row, struct str value, struct error *e)
{
	if (value.n != 0 && (value.n < row->min || value.n > row->max))
		return error_set(e, ERR_CONFIG,
		    "%s must have %llu to %llu characters", row->name,
		    (unsigned long long)row->min, (unsigned long long)row->max);
	if (value.n == 0 && row->min > 0 && row->default_text[0])
		return error_set(e, ERR_CONFIG, "%s must not be empty",
		    row->name);
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20)
			return error_set(e, ERR_CONFIG,
			    "%s holds a control character", row->name);
	if (row->kind == CONF_KIND_PATH && value.n && value.p[0] != '/')
		return error_set(e, ERR_CONFIG, "%s must be an absolute path",
		    row->name);
	return OK;
}

static enum err
parse_value(const struct conf_row *row, struct str value, uint64_t *ret,
    struct error *e)
{
	*ret = 0;
	switch (row->kind) {
	case CONF_KIND_U64:
		return parse_number(row, value, ret, e);
	case CONF_KIND_BOOL:
		return parse_bool(row, value, ret, e);
	case CONF_KIND_ENUM:
		return parse_choice(row, value, ret, e);
	case CONF_KIND_TEXT:
	case CONF_KIND_PATH:
	case CONF_KIND_LIST:
		return check_text(row, value, e);
	}
	return error_set(e, ERR_INTERNAL, "unknown kind of %s", row->name);
}

static enum err
set_row(struct conf *c, size_t i, struct str value, struct error *e)
{
	uint64_t number;
	char *text;
	enum err rc = parse_value(&rows[i], value, &number, e);

	if (rc)
		return rc;
	text = strndup(value.n ? value.p : "", value.n);
	if (!text)
		return error_set(e, ERR_NO_MEMORY, "configuration");
	free(c->values[i].text);
	c->values[i] = (struct conf_value){ text, number };
	return OK;
}

/* OTEL_* names belong to telemetry; they are accepted and kept for it. */
static bool
is_foreign_name(struct str name)
{
	return str_starts(name, S("OTEL_"));
}

enum err
conf_set(struct conf *c, struct str name, struct str value, struct error *e)
{
	for (size_t i = 0; i < CONF__MAX; i++)
		if (row_is_named(&rows[i], name))
			return set_row(c, i, value, e);
	if (is_foreign_name(name))
		return OK;
	return error_set(e, ERR_CONFIG, "unknown setting %" PRI_STR,
	    STR_ARG(str_make(name.p, name.n < 64 ? name.n : 64)));
}

/* The value of NAME=value: bare up to a " #", or within quotes. Single
 * quotes take everything as it is; in double quotes \" and \\ are known. */
static bool
unquote(struct str s, char *to, struct str *ret)
{
	char quote = s.n ? s.p[0] : '\0';
	size_t n = 0, i;

	if (quote != '"' && quote != '\'') {
		size_t comment = str_find_str(s, S(" #"));

		*ret = str_trim(str_make(s.p, comment));
		return true;
	}
	for (i = 1; i < s.n && s.p[i] != quote; i++) {
		if (quote == '"' && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		to[n++] = s.p[i];
	}
	if (i >= s.n)
		return false;
	s = str_trim(str_skip(s, i + 1));
	*ret = str_make(to, n);
	return s.n == 0 || s.p[0] == '#';
}

static enum err
apply_line(struct conf *c, struct str line, struct error *e)
{
	char *copy;
	struct str value;
	size_t equals;
	enum err rc;

	line = str_trim(line);
	if (line.n && line.p[line.n - 1] == '\r')
		line = str_trim(str_make(line.p, line.n - 1));
	if (line.n == 0 || line.p[0] == '#')
		return OK;
	if (str_starts(line, S("export ")))
		line = str_trim(str_skip(line, 7));
	equals = str_find(line, '=');
	if (equals == line.n)
		return error_set(e, ERR_CONFIG, "expected NAME=value");
	copy = malloc(line.n + 1);
	if (!copy)
		return error_set(e, ERR_NO_MEMORY, "configuration");
	if (unquote(str_trim(str_skip(line, equals + 1)), copy, &value))
		rc = conf_set(c, str_trim(str_make(line.p, equals)), value, e);
	else
		rc = error_set(e, ERR_CONFIG, "quotes are not closed");
	secret_wipe(copy, line.n + 1);
	free(copy);
	return rc;
}

static enum err
apply_text(struct conf *c, const char *file, struct str text, struct error *e)
{
	struct str line;

	for (unsigned n = 1; str_split(&text, '\n', &line); n++)
		if (apply_line(c, line, e))
			return error_prefix(e, "%s line %u", file, n);
	return OK;
}

static enum err
read_all(int fd, const char *file, char *p, size_t cap, size_t *ret_n,
    struct error *e)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, p + n, cap - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(e, ERR_IO, "%s", file);
		n += (size_t)got;
		if (n == cap)
			return error_set(e, ERR_CONFIG,
			    "%s is larger than %zu bytes", file, cap - 1);
	}
	*ret_n = n;
	return OK;
}

static enum err
apply_file(struct conf *c, const char *file, bool must_exist, struct error *e)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char *p;
	size_t n = 0;
	enum err rc;

	if (fd < 0 && errno == ENOENT && !must_exist)
		return OK;
	if (fd < 0)
		return error_errno(e, ERR_IO, "%s", file);
	p = malloc(FILE_MAX_BYTES + 1);
	rc = p ? read_all(fd, file, p, FILE_MAX_BYTES + 1, &n, e)
	       : error_set(e, ERR_NO_MEMORY, "configuration");
	(void)close(fd); /* only read */
	if (!rc)
		rc = apply_text(c, file, str_make(p, n), e);
	if (p)
		secret_wipe(p, n);
	free(p);
	return rc;
}

/* What tools/quickstart and tools/check tell clients and tests is no setting,
 * and who has it in the environment may still run our programs. */
static const char *const client_variables[] = {
	"TOLLGATE_API_KEY",
	"TOLLGATE_BUILD_DIR",
	"TOLLGATE_CONFIG",
	"TOLLGATE_CUSTOMER_ID",
	"TOLLGATE_DASHBOARD_EMAIL",
	"TOLLGATE_DASHBOARD_PASSWORD",
	"TOLLGATE_MEMCACHED_SOCKET",
	"TOLLGATE_OPERATOR_KEY",
	"TOLLGATE_STACK_DIR",
	"TOLLGATE_TEST_DSN",
	"TOLLGATE_URL",
	"TOLLGATE_WEB",
};

static bool
is_for_clients(struct str name)
{
	size_t n = sizeof(client_variables) / sizeof(client_variables[0]);

	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_from(client_variables[i])))
			return true;
	return false;
}

static enum err
apply_environment(struct conf *c, struct error *e)
{
	for (char **p = environ; *p; p++) {
		struct str entry = str_from(*p);
		size_t equals = str_find(entry, '=');
		struct str name = str_make(entry.p, equals);
		bool is_known = str_starts(name, S(ENV_PREFIX)) ||
				str_eq(name, S("STRIPE_SECRET_KEY"));

		if (!is_known || is_for_clients(name))
			continue;
		if (conf_set(c, name, str_skip(entry, equals + 1), e))
			return error_prefix(e, "environment");
	}
	return OK;
}

static enum err
derive(struct conf *c, struct error *e)
{
	const char *given = conf_text(c, CONF_JOURNAL_DIR);
	char *dir = NULL;

	if (given[0])
		dir = strdup(given);
	else if (asprintf(&dir, "%s/journal", conf_text(c, CONF_STATE_DIR)) < 0)
		dir = NULL;
	if (!dir)
		return error_set(e, ERR_NO_MEMORY, "configuration");
	free(c->journal_dir);
	c->journal_dir = dir;
	return OK;
}

enum err
conf_defaults(struct conf **ret, struct error *e)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (!c)
		return error_set(e, ERR_NO_MEMORY, "configuration");
	for (size_t i = 0; i < CONF__MAX; i++) {
		enum err rc = parse_value(&rows[i],
		    str_from(rows[i].default_text), &c->values[i].number, e);

		if (rc) {
			conf_free(c);
			return rc;
		}
	}
	if (derive(c, e)) {
		conf_free(c);
		return e->code;
	}
	*ret = c;
	return OK;
}

enum err
conf_load(const char *file, struct conf **ret, struct error *e)
{
	const char *named = file ? file : getenv("TOLLGATE_CONFIG");
	struct conf *c = NULL;
	enum err rc = conf_defaults(&c, e);

	if (!rc)
		rc = apply_file(c, named ? named : DEFAULT_FILE, named != NULL,
		    e);
	if (!rc)
		rc = apply_environment(c, e);
	if (!rc)
		rc = derive(c, e);
	if (rc) {
		conf_free(c);
		return rc;
	}
	*ret = c;
	return OK;
}

enum err
conf_keep_fixed(struct conf *c, const struct conf *old, struct error *e)
{
	for (size_t i = 0; i < CONF__MAX; i++) {
		const char *text = conf_text(old, (enum conf_id)i);
		enum err rc;

		if (rows[i].is_reloadable ||
		    strcmp(text, conf_text(c, (enum conf_id)i)) == 0)
			continue;
		log_event(LOG_LEVEL_WARN, "setting_needs_restart", "%s",
		    rows[i].name);
		rc = set_row(c, i, str_from(text), e);
		if (rc)
			return rc;
	}
	return derive(c, e);
}

void
conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONF__MAX; i++) {
		char *text = c->values[i].text;

		if (text && rows[i].is_secret)
			secret_wipe(text, strlen(text));
		free(text);
	}
	free(c->journal_dir);
	free(c);
}

uint64_t
conf_u64(const struct conf *c, enum conf_id id)
{
	ASSERT(rows[id].kind == CONF_KIND_U64);
	return c->values[id].number;
}

bool
conf_bool(const struct conf *c, enum conf_id id)
{
	ASSERT(rows[id].kind == CONF_KIND_BOOL);
	return c->values[id].number != 0;
}

unsigned
conf_enum(const struct conf *c, enum conf_id id)
{
	ASSERT(rows[id].kind == CONF_KIND_ENUM);
	return (unsigned)c->values[id].number;
}

const char *
conf_text(const struct conf *c, enum conf_id id)
{
	const char *text = c->values[id].text;

	return text ? text : rows[id].default_text;
}

bool
conf_is_set(const struct conf *c, enum conf_id id)
{
	return c->values[id].text != NULL;
}

const char *
conf_journal_dir(const struct conf *c)
{
	return c->journal_dir;
}

static void
print_bounds(const struct conf_row *row, struct buf *b)
{
	if (row->kind == CONF_KIND_U64)
		buf_addf(b, "%s, %llu to %llu", row->unit,
		    (unsigned long long)row->min, (unsigned long long)row->max);
	else if (row->kind == CONF_KIND_ENUM)
		buf_addf(b, "one of %s", row->unit);
	else if (row->kind == CONF_KIND_BOOL)
		buf_add(b, S("on or off"));
	else
		buf_addf(b, "%s%stext of at most %llu characters", row->unit,
		    row->unit[0] ? ": " : "", (unsigned long long)row->max);
	buf_addf(b, "; default %s",
	    row->default_text[0] ? row->default_text : "empty");
	if (!row->is_reloadable)
		buf_add(b, S("; needs a restart"));
}

void
conf_print(const struct conf *c, struct buf *b)
{
	for (size_t i = 0; i < CONF__MAX; i++) {
		const struct conf_row *row = &rows[i];
		const char *text = conf_text(c, (enum conf_id)i);
		char env[CONF_ENV_NAME_BYTES];

		conf_env_name(row, env);
		buf_addf(b, "# %s\n# (", row->doc);
		print_bounds(row, b);
		buf_addf(b, ")\n%s%s=%s\n\n",
		    conf_is_set(c, (enum conf_id)i) ? "" : "#", env,
		    row->is_secret && text[0] ? "***" : text);
	}
}
