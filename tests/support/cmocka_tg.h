/* SPDX-License-Identifier: MIT */
/*
 * cmocka with what it must be preceded by, for versions 1.1 and 2. Tests
 * include this and never <cmocka.h>.
 */
#ifndef TG_TESTS_CMOCKA_TG_H
#define TG_TESTS_CMOCKA_TG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define assert_ok(expr) assert_int_equal((expr), 0)

/* Compare a struct str with a literal or C string. */
#define assert_str_is(s, cstr)                                              \
 do {                                                                       \
  struct str assert_s_ = (s);                                               \
  assert_int_equal(assert_s_.n, strlen(cstr));                              \
  assert_memory_equal(assert_s_.p ? assert_s_.p : "", (cstr), assert_s_.n); \
 } while (0)

#endif
