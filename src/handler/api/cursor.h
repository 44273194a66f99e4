/* SPDX-License-Identifier: MIT */
/*
 * Cursors of lists: a few numbers that say where the next page begins, as a
 * text that is opaque to clients, so that what it holds may change. A
 * checksum ties it to its list and to the filters that it was made with; it
 * keeps mistakes away, not forgers, who gain nothing: pages are cut by the
 * tenant anyway.
 */
#ifndef TG_HANDLER_API_CURSOR_H
#define TG_HANDLER_API_CURSOR_H

#include "handler/handler.h"
#include "http/param.h"

#define CURSOR_WORDS_MAX  3
#define CURSOR_TEXT_BYTES (2 * (8 * CURSOR_WORDS_MAX + 4) + 1)

/**
 * What cursors of this request are tied to: its route and its filters, the
 * page's size and the cursor itself excluded.
 * @spec, @v  n parameters, LIST_PARAMS first
 */
uint32_t cursor_tie(const struct request *rq, const struct param_spec *spec,
    const struct param_value *v, size_t n);
/** @words  n of 1..CURSOR_WORDS_MAX */
void cursor_write(uint32_t tie, const uint64_t *words, size_t n,
    char ret[CURSOR_TEXT_BYTES]);
/** Errors: ERR_BAD_PARAM it is none of this list with these filters. */
enum err cursor_read(uint32_t tie, struct str text, uint64_t *ret_words,
    size_t n, struct error *e) ATTR_MUST_CHECK;
enum err cursor_refuse(struct error *e) ATTR_MUST_CHECK;

#endif
