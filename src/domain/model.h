/* SPDX-License-Identifier: MIT */
/*
 * Models as operators make and change them, for API and command line. Each
 * change is one transaction with its generation, then the host's slot.
 */
#ifndef TG_DOMAIN_MODEL_H
#define TG_DOMAIN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/money.h"
#include "domain/record.h"
#include "store/audit.h"
#include "store/deployment.h"
#include "store/model.h"
#include "store/price.h"
#include "store/provider.h"

struct conf;
struct crypto_key;
struct hostmap;

#define MODEL_DESCRIPTION_BYTES   2000
#define MODEL_TOKENIZER_BYTES     64
#define MODEL_UPSTREAM_NAME_BYTES 128
#define MODEL_API_URL_BYTES       1024

/* A whole number among a model's settings. */
struct model_setting {
	const char *name; /* in JSON; as an option with dashes */
	size_t off;       /* of an int64_t in struct model; -1: not set */
	int64_t min, max;
};
extern const struct model_setting model_settings[];
extern const size_t n_model_settings;
int64_t *model_setting_of(struct model *m, const struct model_setting *s);

/* A setting in millionths, written as a decimal number. */
struct model_fraction {
	const char *name;
	size_t off; /* of an int64_t in struct model; -1: not set */
	int64_t max_ppm;
};
extern const struct model_fraction model_fractions[];
extern const size_t n_model_fractions;
int64_t *model_fraction_of(struct model *m, const struct model_fraction *f);
/** Errors: ERR_BAD_PARAM with the setting's name. */
enum err model_fraction_read(const struct model_fraction *f, struct str text,
    int64_t *ret_ppm, struct error *e) ATTR_MUST_CHECK;
void model_fraction_text(int64_t ppm, char ret[MONEY_TEXT_BYTES]);

/** A model with nothing set, enabled. */
void model_init(struct model *m, struct str name);

/* What changes need. */
struct model_ops {
	struct db *db;
	struct hostmap *map; /* NULL where no worker has run yet */
	const struct crypto_key *seal;
	const struct conf *conf;
	const struct audit *who; /* actor, address, request */
	struct str if_match;     /* p == NULL: whatever is there */
};

/* Where a new model is served; one of the three. */
enum model_place {
	MODEL_LOCAL,    /* a model server of ours on this host */
	MODEL_EXTERNAL, /* an address with a credential of its own */
	MODEL_PROVIDER, /* a provider that is there */
};

struct model_new {
	struct model model; /* model_id is filled in */
	enum model_place place;
	struct str upstream_name; /* p == NULL: the model's name */
	/* MODEL_LOCAL */
	struct str model_path;
	bool preload;
	/* MODEL_EXTERNAL; api_url goes with MODEL_PROVIDER, too */
	struct str api_url;
	struct str api_key; /* may be empty; wiped by the caller */
	bool is_kind_given; /* else the address tells the wire format */
	enum provider_kind kind;
	/* MODEL_PROVIDER */
	struct str provider_name;
	/* Prices from now on; NULL: a local model is free, another has none
	 * yet and is not served. */
	const struct price *price;
};

/**
 * Make a model, its deployment and what else it needs.
 * Errors: ERR_BAD_PARAM with the parameter's name; ERR_CONFLICT the name is
 *         taken; ERR_CONFIG; the database's.
 * Memory: a.
 */
enum err model_create(const struct model_ops *ops, struct arena *a,
    struct model_new *n, struct error *e) ATTR_MUST_CHECK;

/* A model and where it is served, as a change finds and leaves them. */
struct model_change {
	struct model model;
	/* The one that is tried first; deployment_id 0: there is none. With
	 * another provider_id it moves there, and is not served here any
	 * more. */
	struct deployment deployment;
};

/** A strong validator of settings and place; prices and the provider's own
 * row have theirs. @d  NULL: it has none */
void model_etag(const struct model *m, const struct deployment *d,
    struct arena *a, char ret[RECORD_ETAG_BYTES]);

typedef enum err model_change_fn(struct model_change *c, void *arg,
    struct error *e);

/**
 * Read a model, change it and write it; nobody else changes it meanwhile.
 * What changes nothing stands in no audit log. A
 * local model's context_length is bounded by its checkpoint's own.
 * @change  may be called again when the transaction is
 * @ret     the model as it is now, in a
 * Errors: ERR_NOT_FOUND, of an archived model too; ERR_PRECONDITION; change's;
 *         ERR_BAD_PARAM with the setting's name.
 */
enum err model_update(const struct model_ops *ops, struct arena *a,
    uint64_t model_id, model_change_fn *change, void *arg,
    struct model_change *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * Take a model out of service for good, with its deployments and the
 * provider that was made with it, whose credential is forgotten.
 * Errors: ERR_NOT_FOUND, of an archived model too; ERR_PRECONDITION.
 */
enum err model_archive(const struct model_ops *ops, struct arena *a,
    uint64_t model_id, struct error *e) ATTR_MUST_CHECK;

#endif
