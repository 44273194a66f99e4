/* SPDX-License-Identifier: MIT */
/*
 * What the workers of one host share, in one mapped file: the generations of
 * keys, whether memcached is up, the counters that stand in for it, heart
 * beats of the host's duties, a few totals. Every word is an atomic of its
 * own, so a process killed at any instant leaves nothing locked or half
 * written. Nothing here is the truth of anything: the file may be deleted
 * while no worker runs.
 */
#ifndef TG_DOMAIN_HOSTMAP_H
#define TG_DOMAIN_HOSTMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "domain/principal.h"
#include "store/generation.h"

#define HOSTMAP_FILE "host.map"

struct hostmap;

/**
 * Open <dir>/host.map, making it when it is missing or of another version.
 * @may_create  false for commands: ERR_NOT_FOUND when no worker has run here
 * Errors: ERR_IO; ERR_NOT_FOUND.
 * Memory: malloc and a mapping; hostmap_close().
 */
enum err hostmap_open(const char *dir, bool may_create, struct hostmap **ret,
    struct error *e) ATTR_MUST_CHECK;
void hostmap_close(struct hostmap *m);

/*
 * Generations. A slot's number only grows; what was read before the number
 * changed is out of date. slot < GENERATION__N (store/generation.h).
 */
uint64_t hostmap_slot_read(const struct hostmap *m, unsigned slot);
/** All slots at once, before a query whose slot is not known yet. */
void hostmap_slot_read_all(const struct hostmap *m,
    uint64_t ret[GENERATION__N]);
/** Whoever changed rows of this slot calls it after the commit. */
void hostmap_slot_bump(struct hostmap *m, unsigned slot);
/** The poller: the database's number of a slot; bumps it if it is new. */
void hostmap_slot_seen(struct hostmap *m, unsigned slot, uint64_t generation);

/*
 * Duties that one worker of the host does. The lock goes with the map's file
 * description: it ends with the process, however that dies.
 */
enum hostmap_duty {
	HOSTMAP_POLLER,  /* generations */
	HOSTMAP_FLUSHER, /* journals to the database */
	HOSTMAP__DUTIES
};
/** Whether this process does the duty (now, or already). */
bool hostmap_duty_try(struct hostmap *m, enum hostmap_duty duty);
void hostmap_duty_release(struct hostmap *m, enum hostmap_duty duty);
/** The duty has just done its work. */
void hostmap_duty_beat(struct hostmap *m, enum hostmap_duty duty,
    int64_t now_ms);
/** Time of the last beat, wall clock; 0: never. */
int64_t hostmap_duty_beat_ms(const struct hostmap *m, enum hostmap_duty duty);

/*
 * Memcached as this host sees it.
 */
struct hostmap_cache_state {
	bool is_up;
	int64_t since_ms; /* wall clock of the last switch; 0: never */
	uint64_t word;    /* private */
};
struct hostmap_cache_state hostmap_cache_state(const struct hostmap *m);
/**
 * Switch over, unless somebody did since the caller looked.
 * @seen  what the caller acted on: a call that failed late must not undo a
 *        switch back that happened meanwhile
 * Returns true for the one caller that made the switch.
 */
bool hostmap_cache_switch(struct hostmap *m, struct hostmap_cache_state seen,
    bool is_up, int64_t now_ms);
/** True for one caller per interval_ms on the host: it may probe. */
bool hostmap_cache_probe(struct hostmap *m, int64_t now_ms,
    int64_t interval_ms);

/*
 * Counters of this host, in tables: one a window (enum limit_window), which
 * stand in for memcached's, and those below. A counter's place can be reused
 * two windows later.
 */
enum hostmap_table {
	HOSTMAP_LEASES = LIMIT__WINDOWS, /* requests that run at once */
	HOSTMAP_ADDRESSES,               /* failed keys of client addresses */
	HOSTMAP__TABLES
};
enum hostmap_count {
	HOSTMAP_COUNTED,
	HOSTMAP_OVER, /* by would pass max; nothing was counted */
	HOSTMAP_FULL, /* no room in the table; nothing was counted */
};
/**
 * Add by unless the sum would pass max: exact among all threads and
 * processes of the host.
 * @table      an enum limit_window or hostmap_table
 * @id         64 bits of a digest of what is counted
 * @index      number of the window since the epoch
 * @ret_count  the sum after it, or as it stays
 */
enum hostmap_count hostmap_local_add(struct hostmap *m, unsigned table,
    uint64_t id, uint64_t index, uint32_t by, uint32_t max,
    uint32_t *ret_count);
/** Take by off again, not below 0; a counter that is gone is left alone. */
void hostmap_local_sub(struct hostmap *m, unsigned table, uint64_t id,
    uint64_t index, uint32_t by);
/** What is counted; 0 when there is no such counter. */
uint32_t hostmap_local_get(struct hostmap *m, unsigned table, uint64_t id,
    uint64_t index);

/* Totals since the file was made. */
enum hostmap_total {
	HOSTMAP_REQUESTS,
	HOSTMAP_REFUSALS,
	HOSTMAP_ERRORS,
	HOSTMAP_CACHE_FAILURES,
	HOSTMAP_CACHE_SWITCHES,
	/* Answers whose provider's numbers ... */
	HOSTMAP_USAGE_MISSING,  /* were not there, though all else was */
	HOSTMAP_USAGE_UNUSABLE, /* could not be right */
	HOSTMAP_USAGE_REPEATED, /* stood twice at a stream's end */
	HOSTMAP__TOTALS
};
void hostmap_total_add(struct hostmap *m, enum hostmap_total total, uint64_t n);
uint64_t hostmap_total(const struct hostmap *m, enum hostmap_total total);

#endif
