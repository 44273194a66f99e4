/* SPDX-License-Identifier: MIT */
/* Which kernels this machine runs. */
#include "gpt2/kernel.h"

#include "gpt2/kernel_priv.h"

const struct kernel *
kernel_at(unsigned i)
{
#ifdef KERNEL_HAS_AVX2
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
		if (i == 0)
			return &kernel_avx2;
		i--;
	}
#endif
	return i == 0 ? &kernel_any : NULL;
}

const struct kernel *
kernel_best(void)
{
	return kernel_at(0);
}
