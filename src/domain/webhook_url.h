/* SPDX-License-Identifier: MIT */
/*
 * Where a webhook may point to. Its address is a customer's word, and the
 * request comes from inside the operator's network; so it goes to public
 * addresses only, by what it says here and by what its name resolves to when
 * a connection is made. What is let through of private networks is the
 * operator's setting webhooks.allowed_networks.
 */
#ifndef TG_DOMAIN_WEBHOOK_URL_H
#define TG_DOMAIN_WEBHOOK_URL_H

#include "base/cidr.h"

#define WEBHOOK_URL_BYTES 1024

struct sockaddr;

/**
 * https://host[:port][/path][?query], the host a name with a dot in it or an
 * address in its usual notation.
 * Errors: ERR_BAD_PARAM "webhook_url".
 */
enum err webhook_url_check(struct str url, const struct cidr_list *allowed,
    struct error *e) ATTR_MUST_CHECK;

/** Whether it is an address of the public Internet, or allowed. */
bool webhook_address_is_ok(const struct cidr_addr *addr,
    const struct cidr_list *allowed);
/** The same of a socket's address, for httpc. @allowed  a struct cidr_list */
bool webhook_peer_is_ok(void *allowed, const struct sockaddr *addr,
    size_t addr_bytes);

#endif
