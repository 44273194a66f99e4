/* SPDX-License-Identifier: MIT */
/* For any machine: vectors of four, which all of them have. */
#define KERNEL_LANES 4
#define KERNEL_NAME  kernel_any
#define KERNEL_TITLE "any"
#include "gpt2/kernel_body.h"
