/* SPDX-License-Identifier: MIT */
#include "domain/host.h"

#include <string.h>
#include <unistd.h>

#include "ext/crypto.h"

_Static_assert(HOST_CHECK_BYTES == CRYPTO_CHECK_BYTES, "column");

void
host_fill(const struct crypto_key *pepper, const struct crypto_key *seal,
    char name[HOST_NAME_BYTES], struct host *ret)
{
	memset(name, 0, HOST_NAME_BYTES);
	if (gethostname(name, HOST_NAME_BYTES - 1) != 0)
		memcpy(name, "unknown", sizeof("unknown"));
	*ret = (struct host){ .host = str_from(name),
		.pepper_id = crypto_key_id(pepper) };
	crypto_key_check(pepper, ret->pepper_check);
	crypto_key_check(seal, ret->seal_check);
}

enum err
host_tell(struct db *db, const struct crypto_key *pepper,
    const struct crypto_key *seal, struct error *e)
{
	char name[HOST_NAME_BYTES];
	struct host h;

	host_fill(pepper, seal, name, &h);
	return store_host_seen(db, &h, e);
}
