/* SPDX-License-Identifier: MIT */
/* Within admin/doctor*.c. */
#ifndef TG_ADMIN_DOCTOR_H
#define TG_ADMIN_DOCTOR_H

#include "admin/admin_priv.h"

enum verdict {
	GOOD,
	WARN,
	BAD
};

/** A line of the report; BAD makes the exit code 1. */
void doctor_finding(struct admin *ad, const char *what, enum verdict verdict,
    const char *fmt, ...) ATTR_PRINTF(4, 5);

/** Returns the most requests that an hour of last week had; 0: none. */
uint64_t doctor_check_db(struct admin *ad);
/** @per_hour  requests; 0: not known */
void doctor_check_journal(struct admin *ad, uint64_t per_hour);
/** What is in the journals and should be in the database by now. */
void doctor_check_backlog(struct admin *ad);
/** What this host's workers share. */
void doctor_check_map(struct admin *ad);

#endif
