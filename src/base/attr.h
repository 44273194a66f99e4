/* SPDX-License-Identifier: MIT */
/*
 * Compiler attributes under our own names, so that a compiler without them
 * needs a change here only.
 */
#ifndef TG_BASE_ATTR_H
#define TG_BASE_ATTR_H

#define ATTR_MUST_CHECK        __attribute__((warn_unused_result))
#define ATTR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ATTR_NORETURN          __attribute__((noreturn))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)

#endif
