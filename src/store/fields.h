/* SPDX-License-Identifier: MIT */
/* Fields of arrays that stand in SQL as one column an element. */
#ifndef TG_STORE_FIELDS_H
#define TG_STORE_FIELDS_H

#include "base/histogram.h"
#include "base/tok_class.h"
#include "store/db.h"

/* clang-format off */
#define DB_FIELDS_TOK_CONTEXT(S, m, T) \
	DB_FIELD(S, m[TOK_IN], T), DB_FIELD(S, m[TOK_IN_CACHED], T), \
	DB_FIELD(S, m[TOK_CACHE_WRITE], T), DB_FIELD(S, m[TOK_IN_AUDIO], T), \
	DB_FIELD(S, m[TOK_OUT], T), DB_FIELD(S, m[TOK_OUT_REASONING], T), \
	DB_FIELD(S, m[TOK_OUT_AUDIO], T), DB_FIELD(S, m[TOK_OUT_IMAGE], T)
/* All classes, normal and then long context: the order of the columns. */
#define DB_FIELDS_TOK(S, m, T) \
	DB_FIELDS_TOK_CONTEXT(S, m[TOK_NORMAL], T), \
	DB_FIELDS_TOK_CONTEXT(S, m[TOK_LONG], T)

#define DB_FIELDS_6(S, m, i, T) \
	DB_FIELD(S, m[i], T), DB_FIELD(S, m[i + 1], T), \
	DB_FIELD(S, m[i + 2], T), DB_FIELD(S, m[i + 3], T), \
	DB_FIELD(S, m[i + 4], T), DB_FIELD(S, m[i + 5], T)
#define DB_FIELDS_HIST(S, m) \
	DB_FIELDS_6(S, m.n, 0, U64), DB_FIELDS_6(S, m.n, 6, U64), \
	DB_FIELDS_6(S, m.n, 12, U64), DB_FIELDS_6(S, m.n, 18, U64), \
	DB_FIELDS_6(S, m.n, 24, U64), DB_FIELDS_6(S, m.n, 30, U64)
/* clang-format on */

_Static_assert(HISTOGRAM_N == 36, "columns h00 to h35");
_Static_assert(TOK_CLASS__MAX == 8, "eight columns a context");

#endif
