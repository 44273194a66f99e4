/* SPDX-License-Identifier: MIT */
/* A notice as what is sent: a webhook's body, an e-mail. */
#ifndef TG_DOMAIN_NOTICE_TEXT_H
#define TG_DOMAIN_NOTICE_TEXT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/uuid7.h"

struct notice_row;

#define NOTICE_UID_BYTES 41 /* "ntc_", the UUID and a NUL */
/** What a receiver knows a notice by, however often it comes. */
void notice_uid(const uint8_t uid[UUID7_BYTES], char ret[NOTICE_UID_BYTES]);

/** {"type":…,"timestamp":…,"data":…}, the same bytes at each try.
 * Memory: in a. */
enum err notice_json(const struct notice_row *n, struct arena *a,
    struct str *ret, struct error *e) ATTR_MUST_CHECK;

/**
 * A whole message (RFC 5322, lines ending in LF as sendmail takes them): the
 * headers hold nothing of the payload, which stands in the body as UTF-8 in
 * base64, so no text can become a header or a line of its own.
 * @link       stands in the body by itself; p == NULL: none
 * @from, @to  plain addresses, as email_is_valid() has them
 * Memory: in a.
 */
enum err notice_mail(const struct notice_row *n, struct str from,
    const char *const to[], size_t n_to, struct str link, int64_t now_ms,
    struct arena *a, struct str *ret, struct error *e) ATTR_MUST_CHECK;

#endif
