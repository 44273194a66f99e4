/* SPDX-License-Identifier: MIT */
/* Files that a command is given to read. */
#ifndef TG_ADMIN_FILE_H
#define TG_ADMIN_FILE_H

#include "admin/admin.h"

/**
 * All bytes of a regular file.
 * Errors: ERR_IO; ERR_BAD_PARAM no regular file; ERR_TOO_LARGE.
 * Memory: mapped until the program ends; an empty file is an empty view.
 */
enum err admin_file(struct admin *ad, struct str name, size_t max_bytes,
    struct str *ret, struct error *e) ATTR_MUST_CHECK;

#endif
