/* SPDX-License-Identifier: MIT */
/* Cookies in and out (RFC 6265). Values are tokens of ours: base64url, hex
 * or decimal; nothing is quoted or encoded. */
#ifndef TG_HTTP_COOKIE_H
#define TG_HTTP_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct request;
struct response;

/**
 * Value of a cookie, by its exact name; {NULL, 0} when it is absent or came
 * twice with different values (two sources disagree: neither is believed).
 */
struct str cookie_get(const struct request *rq, const char *name);

struct cookie {
	const char *name;  /* "__Host-…" demands is_secure and path "/" */
	struct str value;  /* visible ASCII without , ; \ and quotes */
	const char *path;  /* NULL = "/" */
	int64_t max_age_s; /* 0 = until the browser ends; -1 = delete now */
	bool is_secure;
	bool is_strict; /* SameSite=Strict, else Lax */
};

/** Add a Set-Cookie header, always HttpOnly. A value with other characters
 * makes the response's error stick. */
void cookie_set(struct response *rs, const struct cookie *c);

#endif
