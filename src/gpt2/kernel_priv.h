/* SPDX-License-Identifier: MIT */
/* The builds of kernel_body.c. */
#ifndef TG_GPT2_KERNEL_PRIV_H
#define TG_GPT2_KERNEL_PRIV_H

#include "gpt2/kernel.h"

extern const struct kernel kernel_any;
#if defined(__x86_64__)
# define KERNEL_HAS_AVX2 1
extern const struct kernel kernel_avx2;
#endif

#endif
