/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands of `tollgate` share: their options, what they use,
 * and their output, which is text for people or, with --json, one JSON
 * document. A subcommand is a row in commands.def, an array of options and a
 * function, in a file of its group's name.
 */
#ifndef TG_ADMIN_ADMIN_H
#define TG_ADMIN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "store/audit.h"

struct crypto_keys;
struct db;
struct db_options;
struct hostmap;
struct key_ops;

#define ADMIN_ARGS_MAX    4
#define ADMIN_OPTIONS_MAX 40

struct admin_option {
	const char *name;  /* "email", given as --email; NULL ends the list */
	const char *value; /* what stands for its value in the help; NULL: a
			      flag without one */
	const char *doc;
	bool is_required;
};
#define ADMIN_OPTIONS_END \
 {                        \
  NULL, NULL, NULL, false \
 }

struct price;
struct admin; /* one run of one subcommand */

/* Returns OK, or the error that is printed; exit code 1 then. ERR_BAD_PARAM
 * made by admin_usage() gives exit code 2. */
typedef enum err admin_fn(struct admin *ad, struct error *e);

struct admin_command {
	const char *name;    /* "customer add" */
	const char *args;    /* "ID|EMAIL"; a word in brackets is optional */
	const char *summary; /* one line */
	const char *example;
	admin_fn *fn;
	const struct admin_option *options;
};

#define COMMAND(id, ...) \
 admin_fn admin_##id;    \
 extern const struct admin_option admin_##id##_options[];
#include "admin/commands.def"
#undef COMMAND

/* All subcommands in the order of commands.def. */
extern const struct admin_command admin_commands[];
extern const size_t n_admin_commands;

/*
 * What was asked for.
 */
struct arena *admin_arena(struct admin *ad);
const struct conf *admin_conf(const struct admin *ad);
bool admin_is_json(const struct admin *ad);
/** The n-th argument behind the command's name; p == NULL: not given. */
struct str admin_arg(const struct admin *ad, size_t n);
bool admin_has(const struct admin *ad, const char *option);
/** An option's value; p == NULL when it was not given. A value of "-" for an
 * option whose value is called SECRET has been read from standard input. */
struct str admin_opt(const struct admin *ad, const char *option);
/** Leaves *ret when the option was not given. */
enum err admin_opt_u64(const struct admin *ad, const char *option, uint64_t min,
    uint64_t max, uint64_t *ret, struct error *e) ATTR_MUST_CHECK;
/** The same for int64_t with -1 for nothing; "none" gives -1. */
enum err admin_opt_count(const struct admin *ad, const char *option,
    int64_t *ret, struct error *e) ATTR_MUST_CHECK;
enum err admin_opt_time(const struct admin *ad, const char *option,
    int64_t *ret_ms, struct error *e) ATTR_MUST_CHECK;
/** One of a table of names; its place. */
enum err admin_opt_enum(const struct admin *ad, const char *option,
    const char *const *names, size_t n, unsigned *ret,
    struct error *e) ATTR_MUST_CHECK;
/** The command was called wrongly: exit code 2. */
enum err admin_usage(struct error *e, const char *fmt, ...) ATTR_PRINTF(2, 3);

/*
 * What it uses; opened at the first call, closed at the end.
 */
void admin_db_options(const struct admin *ad, struct db_options *ret);
enum err admin_db(struct admin *ad, struct db **ret,
    struct error *e) ATTR_MUST_CHECK;
/** The secrets of the configuration. */
enum err admin_keys(struct admin *ad, const struct crypto_keys **ret,
    struct error *e) ATTR_MUST_CHECK;
/** The map of this host; NULL when no worker has run here. */
struct hostmap *admin_map(struct admin *ad);
enum err admin_key_ops(struct admin *ad, struct key_ops *ret,
    struct error *e) ATTR_MUST_CHECK;
/** After a change to the catalogue: workers of this host look at once. */
void admin_catalogue_changed(struct admin *ad);
/** Write to the audit log that this account did something. */
enum err admin_audit(struct admin *ad, const char *action, const char *object,
    uint64_t object_id, uint64_t customer_id, struct error *e) ATTR_MUST_CHECK;

/**
 * The same before it is done, where that takes more than one transaction.
 * @what  of it, a JSON object
 */
enum err admin_audit_ahead(struct admin *ad, const char *action,
    const char *object, uint64_t object_id, struct str what,
    struct error *e) ATTR_MUST_CHECK;

struct manager;
struct record_type;
struct resource;

/** Who changes a resource by command: an operator. */
enum err admin_manager(struct admin *ad, struct manager *ret,
    struct error *e) ATTR_MUST_CHECK;
/** {"account":"ada"}: who ran the command, as the system knows it. */
struct str admin_account(struct admin *ad);
/** The next record: a row with the API's members. */
void admin_record(struct admin *ad, const struct record_type *t,
    const void *row);
/** A model's price as members price_since, price_input, …: USD per token, per
 * request. @p  NULL: it has none */
void price_show(struct admin *ad, const struct price *p);
/** `X show`: the thing of that number, as the API shows it.
 * @row  room for what *r describes. Errors: ERR_NOT_FOUND. */
enum err admin_show(struct admin *ad, const struct resource *r, uint64_t id,
    void *row, struct error *e) ATTR_MUST_CHECK;

/**
 * Print the rows of a list so far and forget them: all that the arena got since
 * the mark. What fails later leaves a list that breaks off, and exit code 1.
 */
enum err admin_list_flush(struct admin *ad, struct arena_mark mark,
    struct error *e) ATTR_MUST_CHECK;

/** A part of a list. */
struct admin_page {
	uint64_t limit; /* most rows */
	uint64_t after; /* behind the row of that id; 0: from the first on */
	size_t n;       /* rows that were found */
	uint64_t next;  /* behind that id it goes on; 0: that was the end */
};
/** Of a page that only ends early at the list's end. */
static inline void
admin_page_end(struct admin_page *p, uint64_t last_id)
{
	p->next = p->n == p->limit ? last_id : 0;
}
/** Print rows as p says, and say in it what they were. */
typedef enum err admin_page_fn(struct admin *ad, struct db *db,
    const void *filter, struct admin_page *p, struct error *e);
/** `X list`: the first `limit` rows that filter leaves, a page at a time. */
enum err admin_list_first(struct admin *ad, admin_page_fn *page,
    const void *filter, uint64_t limit, struct error *e) ATTR_MUST_CHECK;
/** ... and all of them. */
enum err admin_list_all(struct admin *ad, admin_page_fn *page,
    const void *filter, struct error *e) ATTR_MUST_CHECK;

/*
 * Output: records of members, printed at the end if the command succeeds (or
 * calls admin_fail()); of a long list a page at a time. As text one record is a line a member, a list is a
 * table; as JSON an object or an array of them. Names are literals.
 */
/** Start the next record. */
void admin_rec(struct admin *ad);
/** The command prints a list, even if it is empty or has one record. */
void admin_list(struct admin *ad);
void admin_str(struct admin *ad, const char *name, struct str value);
void admin_u64(struct admin *ad, const char *name, uint64_t value);
/** -1 is nothing. */
void admin_count(struct admin *ad, const char *name, int64_t value);
/** A number in decimal notation; NULL is nothing. */
void admin_number(struct admin *ad, const char *name, const char *text);
void admin_bool(struct admin *ad, const char *name, bool value);
/** 0 is nothing. */
void admin_time(struct admin *ad, const char *name, int64_t time_ms);
void admin_usd(struct admin *ad, const char *name, int64_t amount_pusd);
/** A line behind the records, for people only. */
void admin_note(struct admin *ad, const char *fmt, ...) ATTR_PRINTF(2, 3);
/** Bytes as they are, instead of records: for commands with a format of
 * their own. */
void admin_raw(struct admin *ad, struct str bytes);
/** The output stands, but the exit code is 1: something was found. */
void admin_fail(struct admin *ad);

#endif
