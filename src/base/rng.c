/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <errno.h>
#include <sys/random.h>

#include "base/err.h"

void
rng_bytes(void *p, size_t n)
{
	unsigned char *to = p;

	while (n) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		ASSERT(got > 0);
		to += got;
		n -= (size_t)got;
	}
}

uint32_t
rng_below(uint32_t bound)
{
	/* Values below `floor` would favour small results: draw again. */
	uint32_t floor = (uint32_t)(0 - bound) % bound;
	uint32_t v;

	do {
		rng_bytes(&v, sizeof(v));
	} while (v < floor);
	return v % bound;
}
