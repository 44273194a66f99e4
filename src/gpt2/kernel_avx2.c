/* SPDX-License-Identifier: MIT */
/* For x86-64 with AVX2 and FMA (Haswell, Zen and later). */
#if defined(__x86_64__)
# if defined(__clang__)
#  pragma clang attribute push(__attribute__((target("avx2,fma"))), \
      apply_to = function)
# else
#  pragma GCC target("avx2,fma")
# endif

# define KERNEL_LANES 8
# define KERNEL_NAME  kernel_avx2
# define KERNEL_TITLE "avx2"
# define KERNEL_IS_AVX2
# include "gpt2/kernel_body.h"

# if defined(__clang__)
#  pragma clang attribute pop
# endif
#else
/* Not a file without anything, which C doesn't allow. */
typedef int kernel_avx2_is_for_x86_64;
#endif
