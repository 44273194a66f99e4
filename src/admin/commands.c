/* SPDX-License-Identifier: MIT */
#include "admin/admin.h"

const struct admin_command admin_commands[] = {
#define COMMAND(id, name_, args_, summary_, example_) \
 {                                                    \
	 .name = name_,                               \
	 .args = args_,                               \
	 .summary = summary_,                         \
	 .example = example_,                         \
	 .fn = admin_##id,                            \
	 .options = admin_##id##_options,             \
 },
#include "admin/commands.def"
#undef COMMAND
};

const size_t n_admin_commands = ARRAY_LEN(admin_commands);
