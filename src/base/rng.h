/* SPDX-License-Identifier: MIT */
/* Random bytes from the kernel, through one seam that tests can replace. */
#ifndef TG_BASE_RNG_H
#define TG_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/** Fills p with n bytes of getrandom(2); aborts if the kernel has none. */
void rng_bytes(void *p, size_t n);
/** The same for ids that are no secrets, n <= 256: each thread draws some in
 * advance. */
void rng_id_bytes(void *p, size_t n);
/** Uniform in 0..bound-1; bound >= 1. */
uint32_t rng_below(uint32_t bound);

#endif
