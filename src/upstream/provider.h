/* SPDX-License-Identifier: MIT */
/*
 * Facts of the kinds of providers (providers.def): where their operations
 * are, how their credential is sent, and which members of a request they
 * would charge for in ways that the price list does not know.
 */
#ifndef TG_UPSTREAM_PROVIDER_H
#define TG_UPSTREAM_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/provider_kind.h"
#include "base/str.h"
#include "upstream/body.h"

/* What is asked for, which is also how question and answer are written. */
enum wire_op {
	WIRE_CHAT,
	WIRE_COMPLETION,
	WIRE_EMBEDDING,
	WIRE_RESPONSE, /* OpenAI's /v1/responses */
	WIRE_MESSAGE,  /* Anthropic's /v1/messages */
	WIRE_COUNT,    /* and its /v1/messages/count_tokens */
	WIRE_GENERATE, /* /generate of Hugging Face's text-generation-inference:
			  for our own /generate only */
	WIRE_OP__MAX
};

enum provider_auth {
	PROVIDER_AUTH_BEARER,
	PROVIDER_AUTH_X_API_KEY
};

struct provider_info {
	const char *name;
	unsigned ops; /* bits of enum wire_op: what it can be asked */
	enum provider_auth auth;
	/* Member that limits the output, by operation; NULL = none. */
	const char *limit_member[WIRE_OP__MAX];
};

/** NULL when the kind's wire format is not spoken here. */
const struct provider_info *provider_info(enum provider_kind kind);
/** Sets e: a kind without a row in providers.def. ERR_MODEL_DOWN. */
enum err provider_unsupported(enum provider_kind kind, struct error *e);
/** Kind by its name in the database; false when there is none. */
bool provider_kind_from(struct str name,
    enum provider_kind *ret) ATTR_MUST_CHECK;

/* Where one operation of one provider is. */
struct provider_target {
	const char *url;       /* for httpc_request.url */
	const char *unix_path; /* or NULL */
};

/**
 * Check a base URL when it is configured: http(s)://host[:port][/path] or
 * unix:/path, no credentials, query or fragment. ERR_BAD_PARAM "base_url".
 */
enum err provider_check_url(struct str base_url,
    struct error *e) ATTR_MUST_CHECK;

/**
 * Where to send an operation. Without a path, "/v1/chat/completions" and
 * its like is added; behind a path (".../v1", ".../v1beta/openai") the
 * operation's own part, "/chat/completions"; a URL that already ends in an
 * operation's part is used exactly as given, and serves only that one.
 * WIRE_GENERATE has no "/v1".
 * Errors: ERR_UNSUPPORTED_PARAM ("model") the URL is another operation's;
 *         ERR_BAD_PARAM as provider_check_url().
 * Memory: a.
 */
enum err provider_target(struct arena *a, struct str base_url, enum wire_op op,
    struct provider_target *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * Which operation a URL is by the end of its path; WIRE_OP__MAX when that
 * does not tell.
 */
enum wire_op provider_url_op(struct str url);

/**
 * Check a URL that is called exactly as it is: as provider_check_url(), and
 * it may have a query behind a path. ERR_BAD_PARAM "api_url", with the fault.
 */
enum err provider_check_api_url(struct str api_url,
    struct error *e) ATTR_MUST_CHECK;

/** The kind whose wire format a URL's path tells; PROVIDER__N: it does not. */
enum provider_kind provider_url_kind(struct str url);

/**
 * Which operation a URL serves that is called exactly as it is: what its
 * kind is mostly asked, if its path does not tell. WIRE_OP__MAX: any, for a
 * unix:/path has no path of its own and gets the operation's.
 */
enum wire_op provider_exact_op(enum provider_kind kind, struct str api_url);

/** As provider_target(), for a URL that is called exactly as it is. */
enum err provider_target_exact(struct arena *a, enum provider_kind kind,
    struct str api_url, enum wire_op op, struct provider_target *ret,
    struct error *e) ATTR_MUST_CHECK;

/** Most bytes of a credential. */
#define PROVIDER_KEY_BYTES 984
/**
 * Whether a credential can be sent. ERR_BAD_PARAM "api_key", without a word
 * of it.
 */
enum err provider_check_key(struct str key, struct error *e) ATTR_MUST_CHECK;

/**
 * Header line that carries the credential ("Authorization: Bearer …", or
 * Anthropic's "x-api-key: …").
 * NULL when key is empty. It is a secret: a should be wiped.
 */
enum err provider_auth_line(struct arena *a, enum provider_kind kind,
    struct str key, const char **ret, struct error *e) ATTR_MUST_CHECK;

/**
 * Refuse what the kind cannot be asked, and members that change the price or
 * name objects stored at the provider.
 * @allowed  names that the model allows, separated by commas; may be empty.
 *           Those that no model may allow are refused all the same.
 * Errors: ERR_UNSUPPORTED_PARAM with the member in e->param ("model": this
 *         kind is not asked that); ERR_MODEL_DOWN no such kind.
 */
enum err provider_check_body(enum provider_kind kind, enum wire_op op,
    const struct body *b, struct str allowed, struct error *e) ATTR_MUST_CHECK;

/* Room for the names of all members that a model may allow. */
#define PROVIDER_MEMBERS_BYTES 1000
/**
 * What a model is to allow, sorted and each name once.
 * @list  names with commas between them; empty: nothing
 * Errors: ERR_BAD_PARAM "allowed_members" a name that is in no table, or of
 *         what no model may allow. Memory: a.
 */
enum err provider_members_read(struct arena *a, struct str list,
    struct str *ret, struct error *e) ATTR_MUST_CHECK;

#endif
