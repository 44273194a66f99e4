/* SPDX-License-Identifier: MIT */
/*
 * Table key_generations: what was cached before a slot's number changed is
 * out of date. Slots 0..1023 are for keys, and for customers with their users;
 * 1024 is for the catalogue (tiers, providers, models, deployments, prices),
 * which all workers hold, so that no tenant may move it. Whoever
 * changes such rows bumps the slot in the same transaction; the functions of
 * store/ that change them do so themselves.
 */
#ifndef TG_STORE_GENERATION_H
#define TG_STORE_GENERATION_H

#include "store/db.h"

#define GENERATION_KEY_SLOTS 1024
#define GENERATION_CATALOGUE 1024 /* the slot after those of the keys */
#define GENERATION__N        1025

/* Slot of an API key or an operator key. Ids are dense, so the remainder
 * spreads them evenly; two kinds of key sharing a slot is harmless. */
static inline unsigned
generation_key_slot(uint64_t key_id)
{
	return (unsigned)(key_id % GENERATION_KEY_SLOTS);
}

/* Slot of what keys are cached with: their customer's settings and limits, and
 * its users. It is a key's as well, which is harmless too. */
static inline unsigned
generation_customer_slot(uint64_t customer_id)
{
	return (unsigned)(customer_id % GENERATION_KEY_SLOTS);
}

/** All generations by slot; a slot never bumped is 0. */
enum err store_generation_read(struct db *db, uint64_t ret[GENERATION__N],
    struct error *e) ATTR_MUST_CHECK;
/** Add 1 to a slot; in the transaction of the change. */
enum err store_generation_bump(struct db *db, unsigned slot,
    struct error *e) ATTR_MUST_CHECK;

#endif
