/* SPDX-License-Identifier: MIT */
/*
 * A text as a QR code (ISO/IEC 18004) for phones' cameras. By libqrencode; the
 * only module that knows it.
 */
#ifndef TG_EXT_QR_H
#define TG_EXT_QR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/**
 * Its dark modules as the data of an SVG path, a unit each, without margin.
 * @text      1 to 1,000 bytes without NUL
 * @ret_size  modules a side
 * Errors: ERR_BAD_PARAM too long; ERR_NO_MEMORY. Memory: in a.
 */
enum err qr_path(struct str text, struct arena *a, struct str *ret,
    unsigned *ret_size, struct error *e) ATTR_MUST_CHECK;

#endif
