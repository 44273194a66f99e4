/* SPDX-License-Identifier: MIT */
/*
 * Settings: a file in .env syntax, and the environment over it. Read once
 * into an immutable snapshot; SIGHUP makes a new one. The table is
 * config.def; an unknown TOLLGATE_ name or a bad value is an error.
 */
#ifndef TG_BASE_CONF_H
#define TG_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum conf_id {
#define CONFIG(id, ...) CONF_##id,
#include "base/config.def"
#undef CONFIG
	CONF__MAX
};

enum conf_kind {
	CONF_KIND_U64,
	CONF_KIND_BOOL,
	CONF_KIND_TEXT,
	CONF_KIND_PATH,
	CONF_KIND_LIST,
	CONF_KIND_ENUM,
};

/* One row of config.def. */
struct conf_row {
	const char *name;
	enum conf_kind kind;
	const char *unit; /* of an ENUM: its choices, a|b|c */
	uint64_t min, max;
	const char *default_text;
	bool is_reloadable, is_secret;
	const char *doc;
};

/* Choices of the ENUM rows, in the order of config.def. */
enum conf_log_target {
	CONF_LOG_STDERR,
	CONF_LOG_SYSLOG
};
enum conf_cookie_secure {
	CONF_COOKIE_AUTO,
	CONF_COOKIE_ON,
	CONF_COOKIE_OFF
};
enum conf_on_failure {
	CONF_FAILURE_LOCAL,
	CONF_FAILURE_OPEN,
	CONF_FAILURE_CLOSED
};

struct conf;

/** The table, CONF__MAX rows. */
const struct conf_row *conf_rows(void);

#define CONF_ENV_NAME_BYTES 64
/** The variable that sets row: "limits.on_failure" is
 * TOLLGATE_LIMITS_ON_FAILURE. */
void conf_env_name(const struct conf_row *row, char ret[CONF_ENV_NAME_BYTES]);

/**
 * Read file (NULL: the path in TOLLGATE_CONFIG, else
 * /etc/tollgate/tollgate.conf, which may be absent), then the environment.
 * Errors: ERR_CONFIG, with the file's line and what is wrong with it in
 * internal; ERR_IO when a file that was named can't be read.
 * Memory: *ret with malloc; conf_free().
 */
enum err conf_load(const char *file, struct conf **ret,
    struct error *e) ATTR_MUST_CHECK;
/** Defaults only, for tests; then conf_set(). */
enum err conf_defaults(struct conf **ret, struct error *e) ATTR_MUST_CHECK;
/** Set one value by its name or variable: for tests and --set options. */
enum err conf_set(struct conf *c, struct str name, struct str value,
    struct error *e) ATTR_MUST_CHECK;
/**
 * After a reload: give c the values of old in every row that only a restart
 * may change, and log the names of those that differed.
 */
enum err conf_keep_fixed(struct conf *c, const struct conf *old,
    struct error *e) ATTR_MUST_CHECK;
void conf_free(struct conf *c);

uint64_t conf_u64(const struct conf *c, enum conf_id id);
bool conf_bool(const struct conf *c, enum conf_id id);
/** Index of the choice in the row's a|b|c. */
unsigned conf_enum(const struct conf *c, enum conf_id id);
/** Text, path or list; NUL-terminated; lives as long as c. */
const char *conf_text(const struct conf *c, enum conf_id id);
/** Whether anything but the default was given. */
bool conf_is_set(const struct conf *c, enum conf_id id);
/** journal.dir, or its default below state.dir. */
const char *conf_journal_dir(const struct conf *c);

/** The whole table with values (secrets as ***), as text for people. */
void conf_print(const struct conf *c, struct buf *b);

#endif
