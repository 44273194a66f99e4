/* SPDX-License-Identifier: MIT */
#include "handler/web/chart.h"

#include "handler/web/view.h"

/* Pixels from the top: room for a label, the plot, room for the ticks. */
#define TOP    14
#define PLOT   150
#define BOTTOM 26
#define BASE   (TOP + PLOT)

/* What is not nothing is seen. */
#define BAR_MIN    2
/* Parts of a slot that its bar fills. */
#define FILL_NUM   72
#define FILL_DENOM 100

#define LINES_MAX 5
/* More bars than these are narrow. */
#define NARROW    12
/* Per cent in thousandths. */
#define WHOLE     UINT64_C(100000)

uint64_t
chart_step(uint64_t max)
{
	static const uint64_t factors[] = { 1, 2, 5 };
	uint64_t power = 1;
	for (;;) {
		for (size_t i = 0; i < ARRAY_LEN(factors); i++)
			if (max / (factors[i] * power) < LINES_MAX ||
			    max == LINES_MAX * factors[i] * power)
				return factors[i] * power;
		power *= 10;
	}
}

static uint64_t
sum_of(const struct chart *c, size_t bar)
{
	uint64_t sum = 0;
	for (size_t k = 0; k < c->n_series; k++)
		sum += c->values[bar * c->n_series + k];
	return sum;
}

static uint64_t
largest(const struct chart *c)
{
	uint64_t max = 0;
	for (size_t i = 0; i < c->n_bars; i++)
		if (sum_of(c, i) > max)
			max = sum_of(c, i);
	return max;
}

/* value's share of top in pixels, rounded; never 0 for what is not 0. */
static unsigned
pixels(uint64_t value, uint64_t top)
{
	/* Sums of money reach 1e19: scale down before multiplying. */
	while (top > UINT64_C(1) << 50) {
		top >>= 1;
		value >>= 1;
	}
	uint64_t n = (value * PLOT * 2 / top + 1) / 2;
	return (unsigned)n;
}

static void
set_px(struct tval *o, const char *key, unsigned n)
{
	tval_set_textf(o, key, "%u", n);
}

static void
set_percent(struct tval *o, const char *key, uint64_t thousandths)
{
	tval_set_textf(o, key, "%u.%03u%%", (unsigned)(thousandths / 1000),
	    (unsigned)(thousandths % 1000));
}

/* "1,500k" rather than "1,500,000": exact, as the step is a round number. */
static struct str
short_count_text(struct arena *a, uint64_t value, uint64_t step)
{
	static const struct {
		uint64_t unit;
		const char *suffix;
	} units[] = { { 1000000000, "bn" }, { 1000000, "M" }, { 1000, "k" } };
	for (size_t i = 0; i < ARRAY_LEN(units) && value > 0; i++)
		if (step % units[i].unit == 0)
			return arena_printf(a, "%" PRI_STR "%s",
			    STR_ARG(view_count_text(a, value / units[i].unit)),
			    units[i].suffix);
	return view_count_text(a, value);
}

static struct str
value_text(struct arena *a, enum chart_unit unit, uint64_t value, uint64_t step)
{
	switch (unit) {
	case CHART_COUNT:
		return short_count_text(a, value, step);
	case CHART_USD:
		return view_money_text(a, (int64_t)value);
	case CHART_MS:
		return value == 0 ? S("0")
				  : view_duration_text(a, (int64_t)value);
	}
	return S("");
}

static void
add_line(struct tval *lines, const struct chart *c, uint64_t i, uint64_t step,
    uint64_t top)
{
	struct tval *line = tval_push_object(lines);
	if (!line)
		return;
	unsigned y = BASE - pixels(i * step, top);
	set_px(line, "y", y);
	set_px(line, "text_y", y + 4);
	tval_set_text(line, "text",
	    value_text(line->a, c->unit, i * step, step));
}

/* From the base up; each ends where the sum so far does, unless that would
 * hide it. */
static void
add_parts(struct tval *parts, const struct chart *c, size_t i, uint64_t top)
{
	uint64_t sum = 0;
	unsigned at = 0;
	for (size_t k = 0; k < c->n_series; k++) {
		uint64_t value = c->values[i * c->n_series + k];
		if (value == 0)
			continue;
		sum += value;
		unsigned end = pixels(sum, top);
		if (end < at + BAR_MIN)
			end = at + BAR_MIN;
		struct tval *o = tval_push_object(parts);
		set_px(o, "y", BASE - end);
		set_px(o, "height", end - at);
		tval_set_text(o, "fill", str_from(c->series[k].fill));
		at = end;
	}
}

static void
add_bar(struct tval *bars, const struct chart *c, size_t i, uint64_t top)
{
	struct tval *o = tval_push_object(bars), *parts;
	uint64_t from = WHOLE * i / c->n_bars;
	uint64_t slot = WHOLE * (i + 1) / c->n_bars - from;
	uint64_t width = slot * FILL_NUM / FILL_DENOM;

	tval_set_text(o, "label", c->bars[i].label);
	set_percent(o, "slot_x", from);
	set_percent(o, "slot_width", slot);
	set_percent(o, "x", from + (slot - width) / 2);
	set_percent(o, "width", width);
	parts = tval_set_list(o, "parts");
	add_parts(parts, c, i, top);
	tval_set_bool(o, "has_parts", parts && parts->first);
}

/* n: how many follow; every second of them only where there is room. */
static void
add_tick(struct tval *ticks, const struct chart *c, size_t i, size_t n)
{
	/* Of many narrow bars the last one's would reach beyond the edge. */
	bool is_end = i + 1 == c->n_bars && c->n_bars > NARROW;
	uint64_t middle = WHOLE * (2 * i + 1) / (2 * c->n_bars);
	struct tval *o = tval_push_object(ticks);
	set_percent(o, "x", is_end ? WHOLE : middle);
	set_px(o, "y", BASE + 18);
	tval_set_text(o, "text", c->bars[i].tick);
	tval_set_text(o, "anchor", is_end ? S("end") : S("middle"));
	tval_set_bool(o, "is_minor", n % 2 == 1);
}

static void
add_legend(struct tval *o, const struct chart *c)
{
	struct tval *list = tval_set_list(o, "legend");
	tval_set_bool(o, "has_legend", c->n_series > 1);
	for (size_t k = 0; k < c->n_series; k++) {
		struct tval *item = tval_push_object(list);
		tval_set_text(item, "name", c->series[k].name);
		tval_set_text(item, "fill", str_from(c->series[k].fill));
	}
}

void
chart_build(struct tval *o, const struct chart *c)
{
	uint64_t max = largest(c);
	uint64_t step = chart_step(max);
	uint64_t n_lines = max / step + (max % step > 0);
	uint64_t top = n_lines > 0 ? n_lines * step : step;
	size_t n_ticks = 0;

	tval_set_text(o, "id", str_from(c->id));
	tval_set_text(o, "title", c->title);
	tval_set_text(o, "desc", c->desc);
	set_px(o, "height", BASE + BOTTOM);
	set_px(o, "base_y", BASE);
	struct tval *lines = tval_set_list(o, "lines");
	for (uint64_t i = 0; i <= n_lines; i++)
		add_line(lines, c, i, step, top);
	struct tval *bars = tval_set_list(o, "bars");
	struct tval *ticks = tval_set_list(o, "ticks");
	for (size_t i = 0; i < c->n_bars; i++) {
		add_bar(bars, c, i, top);
		n_ticks += c->bars[i].tick.n > 0;
	}
	for (size_t i = 0; i < c->n_bars; i++)
		if (c->bars[i].tick.n > 0)
			add_tick(ticks, c, i, --n_ticks);
	add_legend(o, c);
}
