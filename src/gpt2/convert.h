/* SPDX-License-Identifier: MIT */
/* Numbers of a file in the precision that they are kept in. */
#ifndef TG_GPT2_CONVERT_H
#define TG_GPT2_CONVERT_H

#include <stddef.h>
#include <stdint.h>

#include "gpt2/safetensors.h"

/** Exact. @from  n numbers, any alignment; dtype not SAFETENSORS_OTHER */
void convert_to_f32(enum safetensors_dtype dtype, const void *from, size_t n,
    float *to);
/** The nearest BF16, ties to even; NaN stays NaN. */
uint16_t convert_to_bf16(float x);
/**
 * n numbers (one block) as int8 times a scale: scale = largest / 127, each
 * rounded to the nearest. Not finite ones count as 0. Returns the scale.
 */
float convert_to_int8(const float *from, size_t n, int8_t *to);

#endif
