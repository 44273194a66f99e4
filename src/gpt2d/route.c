/* SPDX-License-Identifier: MIT */
#include "gpt2d/server_priv.h"

#include <string.h>

static const struct route routes[] = {
	{ ROUTE_HEALTH, "GET", "/healthz" },
	{ ROUTE_CHAT, "POST", "/v1/chat/completions" },
	{ ROUTE_TEXT, "POST", "/v1/completions" },
	{ ROUTE_MODELS, "GET", "/v1/models" },
};

enum err
route_find(const char *method, const char *path, const struct route **ret,
    const char **ret_allow, struct error *e)
{
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		if (strcmp(routes[i].method, wanted) == 0) {
			*ret = &routes[i];
			return OK;
		}
		*ret_allow = routes[i].method;
		return error_set(e, ERR_METHOD, "method");
	}
	return error_set(e, ERR_NOT_FOUND, "path");
}
