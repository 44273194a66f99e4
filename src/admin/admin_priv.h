/* SPDX-License-Identifier: MIT */
/* The body of struct admin, for admin's own frame: main, options, output,
 * context. Subcommands use admin.h. */
#ifndef TG_ADMIN_ADMIN_PRIV_H
#define TG_ADMIN_ADMIN_PRIV_H

#include "admin/admin.h"
#include "ext/crypto.h"

/* One member of a record. */
struct admin_member {
	struct admin_member *next;
	const char *name;
	struct str text;
	bool is_quoted; /* a JSON string; else a number, true, null */
};

struct admin_record {
	struct admin_record *next;
	struct admin_member *first, **end;
	size_t n;
};

#define ADMIN_COLUMNS_MAX 32

struct admin_output {
	struct admin_record *first, *last, **end;
	size_t n;
	bool is_list;
	bool is_begun;                   /* rows before these are printed */
	size_t width[ADMIN_COLUMNS_MAX]; /* of a table, once it is begun */
	struct str notes;                /* lines */
	struct str raw;
};

struct admin {
	const struct admin_command *command;
	const char *first_word; /* that is no option; NULL: none */
	struct arena arena;
	struct arena secrets; /* what was read from standard input */
	struct conf *conf;
	bool is_json, is_help, has_failed;
	const char *config_file; /* NULL: the default */
	struct str sets[8];      /* NAME=VALUE of --set */
	size_t n_sets;
	struct str args[ADMIN_ARGS_MAX];
	size_t n_args;
	struct str values[ADMIN_OPTIONS_MAX]; /* by the command's options;
						 p == NULL: not given */
	/* Opened at need. */
	struct db *db;
	struct hostmap *map;
	bool is_map_tried;
	struct crypto_keys keys;
	struct admin_output out;
};

/* Exit codes. */
enum admin_exit {
	ADMIN_OK = 0,
	ADMIN_FAILED = 1,
	ADMIN_USAGE = 2,
};

/** Read the words behind the program's name. Sets ad->command, unless help
 * alone was asked for. */
enum err admin_parse(struct admin *ad, int argc, char **argv,
    struct error *e) ATTR_MUST_CHECK;
/** Whether e was made by admin_usage(). */
bool admin_is_usage(const struct error *e);

/** Help of all commands (group NULL), of a group's, or of one. */
void admin_help_all(const char *group);
void admin_help(const struct admin_command *c);

/** Print the records. Errors: ERR_IO, ERR_NO_MEMORY. */
enum err admin_print(struct admin *ad, struct error *e) ATTR_MUST_CHECK;

void admin_context_fini(struct admin *ad);

#endif
