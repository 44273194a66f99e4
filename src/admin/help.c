/* SPDX-License-Identifier: MIT */
/* Help texts, all made from commands.def and the options' tables. */
#include <stdio.h>
#include <string.h>

#include "admin/admin_priv.h"

#define NAME_COLUMN   18
#define OPTION_COLUMN 28

static const struct admin_option globals[] = {
	{ "config", "FILE",
	    "Configuration (TOLLGATE_CONFIG, or "
	    "/etc/tollgate/tollgate.conf).",
	    false },
	{ "set", "NAME=VALUE", "One setting over the configuration's.", false },
	{ "json", NULL, "Print one JSON document.", false },
	{ "help", NULL, "Print this.", false },
	ADMIN_OPTIONS_END,
};

static bool
is_in_group(const struct admin_command *c, const char *group)
{
	size_t n = strlen(group);

	return strncmp(c->name, group, n) == 0 &&
	       (c->name[n] == ' ' || c->name[n] == '\0');
}

static void
print_options(const struct admin_option *o)
{
	for (; o->name; o++) {
		char head[64];

		(void)snprintf(head, sizeof(head), "--%s%s%s", o->name,
		    o->value ? " " : "", o->value ? o->value : "");
		(void)printf("  %-*s %s%s\n", OPTION_COLUMN, head, o->doc,
		    o->is_required ? " Required." : "");
	}
}

void
admin_help_all(const char *group)
{
	if (!group)
		(void)printf("Runs Tollgate, the gateway for AI APIs.\n\n"
			     "Usage: tollgate COMMAND [OPTIONS]\n\n");
	else
		(void)printf("Usage: tollgate %s COMMAND [OPTIONS]\n\n", group);
	for (size_t i = 0; i < n_admin_commands; i++)
		if (!group || is_in_group(&admin_commands[i], group))
			(void)printf("  %-*s %s\n", NAME_COLUMN,
			    admin_commands[i].name, admin_commands[i].summary);
	(void)printf("\nEvery command takes:\n");
	print_options(globals);
	(void)printf("\n`tollgate COMMAND --help` tells more and gives "
		     "examples. Exit code: 0 done, 1 failed,\n"
		     "2 called wrongly.\n");
}

void
admin_help(const struct admin_command *c)
{
	struct str rest = str_from(c->example), line;

	(void)printf("%s\n\nUsage: tollgate %s%s%s%s\n", c->summary, c->name,
	    c->args[0] ? " " : "", c->args, " [OPTIONS]");
	if (c->options[0].name) {
		(void)printf("\nOptions:\n");
		print_options(c->options);
	}
	(void)printf("\nEvery command takes:\n");
	print_options(globals);
	(void)printf("\nExamples:\n");
	while (str_split(&rest, '\n', &line))
		(void)printf("  %" PRI_STR "\n", STR_ARG(line));
}
