/* SPDX-License-Identifier: MIT */
/* Answers that are saved as files. */
#ifndef TG_HANDLER_DOWNLOAD_H
#define TG_HANDLER_DOWNLOAD_H

#include "http/response.h"

/**
 * Headers of a file, whose name is made of literals and dates only.
 * @what, @ending  literals
 */
void download_headers(struct response *rs, const char *what, int64_t from_ms,
    int64_t to_ms, const char *ending, struct str type);

#define DOWNLOAD_CSV S("text/csv; charset=utf-8; header=present")

#endif
