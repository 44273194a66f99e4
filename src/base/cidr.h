/* SPDX-License-Identifier: MIT */
/*
 * Network addresses and ranges of them, IPv4 and IPv6. An IPv4 address is
 * kept as its IPv4-mapped IPv6 form (RFC 4291, 2.5.5.2), so that both
 * spellings of one host compare equal.
 */
#ifndef TG_BASE_CIDR_H
#define TG_BASE_CIDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define CIDR_ADDR_BYTES 16
#define CIDR_TEXT_BYTES 46 /* longest text of an IPv6 address and a NUL */
#define CIDR_LIST_MAX   256

struct cidr_addr {
	uint8_t b[CIDR_ADDR_BYTES];
};

struct cidr {
	struct cidr_addr addr;
	unsigned n_bits; /* 0..128 of the mapped form */
};

struct cidr_list {
	const struct cidr *v;
	size_t n;
};

/** Text of one address, without port, brackets or zone. */
bool cidr_addr_parse(struct str s, struct cidr_addr *ret) ATTR_MUST_CHECK;
/** Shortest text; an IPv4-mapped address is written as IPv4. */
void cidr_addr_format(const struct cidr_addr *addr, char ret[CIDR_TEXT_BYTES]);

/** "address" or "address/bits"; bits beyond the prefix must be zero. */
bool cidr_parse(struct str s, struct cidr *ret) ATTR_MUST_CHECK;
bool cidr_contains(const struct cidr *range, const struct cidr_addr *addr);

/**
 * A comma-separated list; spaces around items are fine, empty gives none.
 * Errors: ERR_CONFIG with the item at fault; ERR_NO_MEMORY.
 * Memory: in a.
 */
enum err cidr_list_parse(struct arena *a, struct str s, struct cidr_list *ret,
    struct error *e) ATTR_MUST_CHECK;
bool cidr_list_contains(const struct cidr_list *list,
    const struct cidr_addr *addr);

#endif
