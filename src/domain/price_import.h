/* SPDX-License-Identifier: MIT */
/*
 * A price list against the models that are here: first a plan, which is
 * shown, then new versions for those models only whose price it changes.
 */
#ifndef TG_DOMAIN_PRICE_IMPORT_H
#define TG_DOMAIN_PRICE_IMPORT_H

#include "domain/price_feed.h"
#include "store/audit.h"
#include "store/model.h"

enum price_import_state {
	PRICE_IMPORT_NEW,       /* it has no price yet */
	PRICE_IMPORT_CHANGED,   /* it has another one */
	PRICE_IMPORT_UNCHANGED, /* it has that one */
	PRICE_IMPORT_ABSENT,    /* the list does not have the model */
	PRICE_IMPORT_AMBIGUOUS, /* more than one entry could be meant */
	PRICE_IMPORT_UNUSABLE,  /* its entry can't be used as it is */
	PRICE_IMPORT__N
};
extern const char *const price_import_states[PRICE_IMPORT__N];

struct price_import_options {
	uint64_t model_id;    /* only this model; 0: all */
	struct str entry;     /* the model's entry, by name; p == NULL: found by
				 its name at the provider */
	uint64_t provider_id; /* only models that are served there; 0: all */
	struct str list_provider; /* only entries of that litellm_provider;
				     p == NULL: all */
	int64_t from_ms;          /* when the new prices begin; 0: now */
	struct str source;        /* for the versions' notes */
};

struct price_import_model {
	struct model model;
	struct str upstream_name; /* p == NULL: it is served nowhere */
	enum price_import_state state;
	struct str why;                 /* of the last two states */
	struct price_feed_entry *entry; /* NULL: none */
	struct price old; /* in force when the new one begins; if it has one */
	struct price new;
	bool is_threshold_off; /* the model has no threshold, or another one,
				  than the entry's long-context prices */
};

struct price_import {
	struct price_import_model *models; /* by id, without archived ones */
	size_t n;
	size_t n_versions; /* states new and changed */
};

/**
 * Compare; marks the entries it uses. Changes nothing.
 * Memory: in a.
 */
enum err price_import_plan(struct db *db, struct price_feed *feed,
    const struct price_import_options *opt, struct arena *a,
    struct price_import *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * Write the plan's versions, each with its line in the audit log, all or none;
 * sets their price_version_id and bumps the catalogue.
 * @a  scratch
 * Errors: ERR_CONFLICT a model has a version from that very instant.
 */
enum err price_import_apply(struct db *db, const struct audit *who,
    struct price_import *plan, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;

/** Whether two versions charge the same. */
bool price_is_same(const struct price *a, const struct price *b);

#endif
