/* SPDX-License-Identifier: MIT */
/* A journal folder of its own for each test, and records to put there. */
#ifndef TG_TESTS_JOURNAL_FIXTURE_H
#define TG_TESTS_JOURNAL_FIXTURE_H

#include "journal/reader.h"
#include "journal/writer.h"

struct fixture {
	char dir[128];
	struct journal_options opt;
	struct journal *j;
	struct error e;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/** Open, with ids that follow from n. */
struct journal_open fixture_open(uint64_t n);
struct journal_settle fixture_settle(uint64_t n);
struct uuid7 fixture_id(uint64_t n);

/** Begin the fixture's series with its options. */
void fixture_begin(struct fixture *f);
/** As if the process had been killed: descriptors closed, nothing written. */
void fixture_crash(struct fixture *f);
/** n requests, opened and settled, numbered from first on. */
void fixture_requests(struct fixture *f, uint64_t first, uint64_t n);

/** Count the records of a series by type, reading to its end. */
struct counts {
	unsigned n[JOURNAL_END + 1];
	uint64_t last_settle; /* its number */
	struct journal_damage damage;
	journal_pos end;
};
struct counts fixture_count(const struct fixture *f,
    const struct journal_series *s, bool is_final);
/** Path of a file of the fixture's series. */
void fixture_path(const struct fixture *f, const struct journal_series *s,
    uint32_t file_no, char ret[JOURNAL_PATH_BYTES]);

#endif
