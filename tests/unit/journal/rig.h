/* SPDX-License-Identifier: MIT */
/* A journal folder of its own for each test, and records to put there. */
#ifndef TG_TESTS_JOURNAL_RIG_H
#define TG_TESTS_JOURNAL_RIG_H

#include "journal/reader.h"
#include "journal/writer.h"

struct rig {
	char dir[128];
	struct journal_options opt;
	struct journal *j;
	struct error e;
};

int rig_setup(void **state);
int rig_teardown(void **state);

/** Open, with ids that follow from n. */
struct journal_open rig_open(uint64_t n);
struct journal_settle rig_settle(uint64_t n);
struct uuid7 rig_id(uint64_t n);

/** Begin the rig's series with its options. */
void rig_begin(struct rig *f);
/** As if the process had been killed: descriptors closed, nothing written. */
void rig_crash(struct rig *f);
/** n requests, opened and settled, numbered from first on. */
void rig_requests(struct rig *f, uint64_t first, uint64_t n);

/** Count the records of a series by type, reading to its end. */
struct counts {
	unsigned n[JOURNAL_END + 1];
	uint64_t last_settle; /* its number */
	struct journal_damage damage;
	journal_pos end;
};
struct counts rig_count(const struct rig *f, const struct journal_series *s,
    bool is_final);
/** Path of a file of the rig's series. */
void rig_path(const struct rig *f, const struct journal_series *s,
    uint32_t file_no, char ret[JOURNAL_PATH_BYTES]);

#endif
