/* SPDX-License-Identifier: MIT */
/*
 * A gzip file without compression: RFC 1952 around RFC 1951's stored blocks.
 * Any inflater reads it, and no zlib is needed to write it.
 */
#include "upstream_sim.h"

#define STORED_MAX 65535u /* bytes of a stored block */

static uint32_t
crc32_of(struct slice s)
{
	uint32_t crc = 0xffffffffu;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= (unsigned char)s.p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void
add_le(struct sbuf *out, uint32_t v, int n_bytes)
{
	for (int i = 0; i < n_bytes; i++) {
		unsigned char byte = (unsigned char)(v >> 8 * i);
		sbuf_add(out, &byte, 1);
	}
}

void
sim_gzip(struct sbuf *out, struct slice in)
{
	static const unsigned char head[10] = { 31, 139, 8, 0, 0, 0, 0, 0, 0,
		255 };
	size_t at = 0;

	sbuf_add(out, head, sizeof(head));
	do {
		size_t n = in.n - at < STORED_MAX ? in.n - at : STORED_MAX;
		unsigned char is_last = at + n == in.n;
		sbuf_add(out, &is_last, 1);
		add_le(out, (uint32_t)n, 2);
		add_le(out, ~(uint32_t)n, 2);
		sbuf_add(out, in.p + at, n);
		at += n;
	} while (at < in.n);
	add_le(out, crc32_of(in), 4);
	add_le(out, (uint32_t)in.n, 4);
}
