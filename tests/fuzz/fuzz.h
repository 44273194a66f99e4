/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target is one file fuzz_NAME.c with this function, which calls the
 * real code and asserts what must always hold. With --enable-fuzz (clang) it
 * becomes a libFuzzer program; else main.c replays corpus/NAME and
 * mutations of it in `make check`.
 */
#ifndef TG_TESTS_FUZZ_H
#define TG_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** One input; it lies in a block of exactly n bytes. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#endif
