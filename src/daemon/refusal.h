/* SPDX-License-Identifier: MIT */
/*
 * The one place that turns an error into an answer: the API's object, a page
 * for browsers, an event inside a stream.
 */
#ifndef TG_DAEMON_REFUSAL_H
#define TG_DAEMON_REFUSAL_H

#include "daemon/turn.h"

/**
 * Make t->rs say what t->e holds. A buffered response is thrown away first,
 * but for its x-… headers. Nothing is written for a client that has left.
 * Never fails; needs no memory but t's own, except for pages.
 */
void refusal_render(struct turn *t);

#endif
