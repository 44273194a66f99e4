/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <string.h>

void
secret_wipe(void *p, size_t n)
{
#ifdef HAVE_EXPLICIT_BZERO
	explicit_bzero(p, n);
#else
	memset(p, 0, n);
	__asm__ __volatile__("" : : "r"(p) : "memory");
#endif
}

bool
secret_eq(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char difference = 0;

	for (size_t i = 0; i < n; i++)
		difference = (unsigned char)(difference | (x[i] ^ y[i]));
	return difference == 0;
}
