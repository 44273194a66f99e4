/* SPDX-License-Identifier: MIT */
/* Parts of request parsing that have files of their own. */
#ifndef TG_HTTP_REQUEST_PRIV_H
#define TG_HTTP_REQUEST_PRIV_H

#include "http/request.h"

/** request_target.c: target, raw_path, path, query from REQUEST_URI. */
enum err request_parse_target(struct request *rq, const struct request_env *env,
    struct error *e) ATTR_MUST_CHECK;

/** request_client.c: client_ip, client_addr, is_tls. Never fails: what
 * cannot be told stays unknown. */
void request_find_client(struct request *rq, const struct request_env *env);

#endif
