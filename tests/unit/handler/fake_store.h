/* SPDX-License-Identifier: MIT */
/*
 * The store's functions that pages use, answered from memory: one customer
 * with a fixed month of usage, users, sessions, and the counters of the
 * host's map. Linked instead of libstore.
 */
#ifndef TG_TESTS_FAKE_STORE_H
#define TG_TESTS_FAKE_STORE_H

#include "store/audit.h"
#include "store/report.h"
#include "store/session.h"
#include "store/user.h"

/* Sunday, 2026-11-22 10:30:00 UTC */
#define FAKE_NOW_MS INT64_C(1795343400000)

#define FAKE_CUSTOMER       7
#define FAKE_OTHER          9 /* a customer, too */
#define FAKE_OWNER          11
#define FAKE_OPERATOR       12
#define FAKE_EMAIL          "ada@example.org"
#define FAKE_OPERATOR_EMAIL "ops@example.org"

struct fake_store {
	bool is_down;     /* every borrowing of a connection fails */
	bool is_empty;    /* the customer has neither usage nor keys */
	const char *name; /* of the customer, its keys and its models */
	size_t n_customers;
	struct user users[2];
	char password_hash[128];
	struct session_new sessions[8];
	size_t n_sessions;
	int64_t session_created_ms[8];
	int64_t session_seen_ms[8];
	struct audit audits[64];
	size_t n_audits;
	size_t n_touches, n_sweeps;
	size_t n_pulses;
	uint64_t n_new_requests; /* that a pulse tells */
	size_t n_failures, n_signed_in, n_password_sets;
};

extern struct fake_store fake;

/** As new; times are told by the test's clock. */
void fake_store_reset(void);

#endif
