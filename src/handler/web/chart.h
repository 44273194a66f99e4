/* SPDX-License-Identifier: MIT */
/*
 * The geometry of a bar chart, series stacked, for partial/chart.html: pixels
 * down, per cent across, so that the drawing fits any width while its text
 * keeps its size. What it shows stands in a table beside it, always.
 *
 * A page with charts includes partial/patterns.html once: what tells series
 * apart besides their colours.
 */
#ifndef TG_HANDLER_WEB_CHART_H
#define TG_HANDLER_WEB_CHART_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/tval.h"

/* Series with a pattern of their own, and the one of all others. */
#define CHART_SERIES_OWN 8
#define CHART_SERIES_MAX (CHART_SERIES_OWN + 1)

enum chart_unit {
	CHART_COUNT,
	CHART_USD, /* values are pico-USD */
	CHART_MS,
};

struct chart_series {
	struct str name;
	const char *fill; /* of patterns.html: "series-1" …, "series-other",
			     "series-failed" */
};

struct chart_bar {
	struct str label; /* what a pointer on the bar shows */
	struct str tick;  /* what stands below it; n == 0: nothing */
};

struct chart {
	const char *id; /* unique on the page; a literal */
	struct str title;
	struct str desc;
	enum chart_unit unit;
	const struct chart_series *series; /* the lowest first */
	size_t n_series;
	const struct chart_bar *bars;
	size_t n_bars;
	const uint64_t *values; /* n_bars times n_series; sums fit */
};

/** Largest step 1, 2 or 5 times a power of ten that divides an axis up to
 * max into 5 parts at most; at least 1. */
uint64_t chart_step(uint64_t max);

/** Fill o with what CHART_KEYS lists. */
void chart_build(struct tval *o, const struct chart *c);

#define CHART_KEYS(path)                                                       \
 { path, TVAL_OBJECT }, { path ".id", TVAL_TEXT },                             \
     { path ".title", TVAL_TEXT }, { path ".desc", TVAL_TEXT },                \
     { path ".height", TVAL_TEXT }, { path ".base_y", TVAL_TEXT },             \
     { path ".lines", TVAL_LIST }, { path ".lines.y", TVAL_TEXT },             \
     { path ".lines.text_y", TVAL_TEXT }, { path ".lines.text", TVAL_TEXT },   \
     { path ".bars", TVAL_LIST }, { path ".bars.label", TVAL_TEXT },           \
     { path ".bars.slot_x", TVAL_TEXT },                                       \
     { path ".bars.slot_width", TVAL_TEXT }, { path ".bars.x", TVAL_TEXT },    \
     { path ".bars.width", TVAL_TEXT }, { path ".bars.parts", TVAL_LIST },     \
     { path ".bars.has_parts", TVAL_BOOL },                                    \
     { path ".bars.parts.y", TVAL_TEXT },                                      \
     { path ".bars.parts.height", TVAL_TEXT },                                 \
     { path ".bars.parts.fill", TVAL_TEXT }, { path ".ticks", TVAL_LIST },     \
     { path ".ticks.x", TVAL_TEXT }, { path ".ticks.y", TVAL_TEXT },           \
     { path ".ticks.text", TVAL_TEXT }, { path ".ticks.anchor", TVAL_TEXT },   \
     { path ".ticks.is_minor", TVAL_BOOL }, { path ".has_legend", TVAL_BOOL }, \
     { path ".legend", TVAL_LIST }, { path ".legend.name", TVAL_TEXT },        \
 {                                                                             \
  path ".legend.fill", TVAL_TEXT                                               \
 }

#endif
