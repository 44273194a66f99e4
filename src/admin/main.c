/* SPDX-License-Identifier: MIT */
/* tollgate: the operator's command line. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "admin/admin_priv.h"
#include "base/log.h"

#define ARENA_MAX_BYTES   MIB(256)
#define SECRETS_MAX_BYTES KIB(64)

static int
failed(const struct admin *ad, const struct error *e)
{
	const struct err_info *info = err_info(e->code);

	if (admin_is_usage(e)) {
		(void)fprintf(stderr,
		    "tollgate: %s (see `tollgate%s%s --help`)\n", e->internal,
		    ad->command ? " " : "",
		    ad->command ? ad->command->name : "");
		return ADMIN_USAGE;
	}
	(void)fprintf(stderr, "tollgate: %s [%s]\n",
	    e->internal[0]      ? e->internal
	    : e->public_text[0] ? e->public_text
				: info->public_text,
	    info->name);
	return ADMIN_FAILED;
}

static enum err
load_conf(struct admin *ad, struct error *e)
{
	enum err err = conf_load(ad->config_file, &ad->conf, e);

	for (size_t i = 0; i < ad->n_sets && !err; i++) {
		size_t eq = str_find(ad->sets[i], '=');

		if (eq == ad->sets[i].n)
			return admin_usage(e, "--set needs NAME=VALUE");
		err = conf_set(ad->conf, str_make(ad->sets[i].p, eq),
		    str_skip(ad->sets[i], eq + 1), e);
	}
	return err;
}

static enum err
run(struct admin *ad, struct error *e)
{
	enum err err = load_conf(ad, e);

	if (!err)
		err = crypto_init(e);
	if (!err)
		err = db_library_init(e);
	if (err)
		return err;
	err = ad->command->fn(ad, e);
	return err ? err : admin_print(ad, e);
}

static bool
is_group(const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < n_admin_commands; i++)
		if (strncmp(admin_commands[i].name, word, n) == 0 &&
		    admin_commands[i].name[n] == ' ')
			return true;
	return false;
}

/* No command was named: help if that was wanted, else what is wrong. */
static int
without_command(const struct admin *ad, const char *word)
{
	const char *group = word && is_group(word) ? word : NULL;

	if (ad->is_help || !word || strcmp(word, "help") == 0) {
		admin_help_all(group);
		return ad->is_help || word ? ADMIN_OK : ADMIN_USAGE;
	}
	if (group)
		(void)fprintf(stderr,
		    "tollgate: %s needs a command (see `tollgate %s --help`)\n",
		    group, group);
	else
		(void)fprintf(stderr,
		    "tollgate: unknown command %s (see `tollgate --help`)\n",
		    word);
	return ADMIN_USAGE;
}

int
main(int argc, char **argv)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	struct admin ad = { 0 };
	struct error e;
	enum err err;
	int code = ADMIN_OK;

	error_clear(&e);
	/* A failed write is enough. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	/* If it is ignored, nobody learns how a child ended. */
	(void)sigaction(SIGCHLD, &normal, NULL);
	log_init(false, LOG_LEVEL_WARN, "tollgate");
	arena_init(&ad.arena, ARENA_MAX_BYTES);
	arena_init(&ad.secrets, SECRETS_MAX_BYTES);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)puts(PACKAGE_STRING);
		return ADMIN_OK;
	}
	err = admin_parse(&ad, argc, argv, &e);
	if (!err && !ad.command)
		code = without_command(&ad, ad.first_word);
	else if (!err && ad.is_help)
		admin_help(ad.command);
	else if (!err)
		err = run(&ad, &e);
	if (err)
		code = failed(&ad, &e);
	else if (ad.has_failed)
		code = ADMIN_FAILED;
	admin_context_fini(&ad);
	db_library_fini();
	return code;
}
