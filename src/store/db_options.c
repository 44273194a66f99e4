/* SPDX-License-Identifier: MIT */
#include "base/conf.h"
#include "store/db.h"

void
db_options_of(const struct conf *c, struct db_options *ret)
{
	*ret = (struct db_options){
		.socket = conf_text(c, CONF_DB_SOCKET),
		.host = conf_text(c, CONF_DB_HOST),
		.port = (unsigned)conf_u64(c, CONF_DB_PORT),
		.user = conf_text(c, CONF_DB_USER),
		.password = conf_text(c, CONF_DB_PASSWORD),
		.name = conf_text(c, CONF_DB_NAME),
		.tls_ca = conf_text(c, CONF_DB_TLS_CA),
		.connect_timeout_s = (unsigned)conf_u64(c, CONF_DB_CONNECT_S),
		.query_timeout_s = (unsigned)conf_u64(c, CONF_DB_QUERY_S),
	};
}
