/* SPDX-License-Identifier: MIT */
/*
 * A message by the host's sendmail command: run without a shell, with the
 * message on its standard input. What stands in the message is the caller's.
 */
#ifndef TG_EXT_SENDMAIL_H
#define TG_EXT_SENDMAIL_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define SENDMAIL_RECIPIENTS_MAX 16

/** Whether there is such a program that may be run.
 * @command  its path, then arguments, with spaces between them and no quoting
 * Errors: ERR_CONFIG with the reason. */
enum err sendmail_check(const char *command, struct error *e) ATTR_MUST_CHECK;

struct sendmail {
	const char *command; /* as above; -f, from, -- and the recipients are
				put behind it */
	const char *from;
	const char *const *recipients; /* 1..SENDMAIL_RECIPIENTS_MAX; none
					  begins with "-" */
	size_t n_recipients;
	struct str message;
	int64_t timeout_ms;             /* then it is killed */
	const atomic_bool *is_stopping; /* kills it too; or NULL */
};

/**
 * Run it and wait for its end.
 * Errors: ERR_CONFIG it can't be run; ERR_IO it failed, with its exit status
 *         and the last words that it wrote; ERR_UPSTREAM_TIMEOUT;
 *         ERR_SHUTTING_DOWN; ERR_NO_MEMORY.
 * Memory: scratch in a.
 */
enum err sendmail_run(const struct sendmail *s, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

#endif
