/* SPDX-License-Identifier: MIT */
/*
 * One small question to a provider, to see whether it answers: for the command
 * and the operators' page. Nobody is charged for it but the operator, by the
 * provider. Nothing that the provider says but its words and its error's code
 * is shown: its messages may repeat a credential.
 */
#ifndef TG_DOMAIN_PROVIDER_TEST_H
#define TG_DOMAIN_PROVIDER_TEST_H

#include "store/deployment.h"
#include "store/model.h"
#include "store/price.h"
#include "store/provider.h"

struct audit;
struct conf;
struct crypto_key;
struct httpc_pool;

#define PROVIDER_TEST_MS          30000 /* the longest that it may take */
#define PROVIDER_TEST_OUT_TOK     16    /* the most that is asked for */
#define PROVIDER_TEST_WORDS_BYTES 200

/* What is asked, and where. */
struct provider_test_ask {
	const struct provider *provider;
	const struct model *model;
	const struct deployment *deployment; /* of the model, there */
	const struct price *price;           /* in force; NULL: none */
};

struct provider_test {
	enum err why; /* no answer came: why; OK: one came */
	bool is_good; /* it is one of the wire format, with status 200 */
	int status;   /* 0: none was read */
	int64_t first_byte_us, total_us; /* 0: none came */
	struct str words;      /* how the answer begins; "" of embeddings */
	struct str error_code; /* of the provider, plain; "" */
	bool has_usage;
	uint64_t in_tok, out_tok;
	bool has_cost;
	int64_t cost_pusd; /* by the price, without a markup */
};

/**
 * Ask. Holds no connection to the database.
 * Errors: ERR_UNSUPPORTED_PARAM, ERR_BAD_PARAM the address is another
 *         operation's; ERR_CONFIG, ERR_CORRUPT the credential can't be opened;
 *         ERR_NO_MEMORY. That the provider does not answer is a result.
 * Memory: texts in a; the credential is wiped.
 */
enum err provider_test_run(const struct provider_test_ask *ask,
    const struct crypto_key *seal, const struct conf *conf,
    struct httpc_pool *http, struct arena *a, struct provider_test *ret,
    struct error *e) ATTR_MUST_CHECK;
/** Write what was asked into the audit log. @who  actor, address, request.
 * @a  scratch */
enum err provider_test_audit(struct db *db, const struct audit *who,
    const struct provider_test_ask *ask, const struct provider_test *t,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;

#endif
