/* SPDX-License-Identifier: MIT */
#include "handler/web/view.h"

#include <stdbool.h>

#include "base/clock.h"
#include "base/money.h"

static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* Put a comma between each three digits of n digits at p. */
static void
add_grouped(struct buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			buf_add_char(b, ',');
		buf_add_char(b, p[i]);
	}
}

static struct str
copy(struct arena *a, const struct buf *b)
{
	return arena_strdup(a, buf_str(b));
}

struct str
view_count_text(struct arena *a, uint64_t n)
{
	char digits[24], grouped[32];
	struct buf d, g;
	buf_init_fixed(&d, digits, sizeof(digits));
	buf_add_u64(&d, n);
	buf_init_fixed(&g, grouped, sizeof(grouped));
	add_grouped(&g, digits, d.n);
	return copy(a, &g);
}

/* Two parts of one amount: "$1,234.50" and what follows, often nothing. */
static void
split_money(int64_t amount_pusd, struct buf *cents, struct buf *rest)
{
	char text[MONEY_TEXT_BYTES];
	money_to_decimal(amount_pusd, text);
	struct str s = str_from(text);
	if (s.p[0] == '-') {
		buf_add_char(cents, '-');
		s = str_skip(s, 1);
	}
	buf_add_char(cents, '$');
	size_t point = str_find(s, '.');
	add_grouped(cents, s.p, point);
	buf_add(cents, str_make(s.p + point, 3));
	s = str_skip(s, point + 3);
	while (s.n > 0 && s.p[s.n - 1] == '0')
		s.n--;
	buf_add(rest, s);
}

struct str
view_money_text(struct arena *a, int64_t amount_pusd)
{
	char text[48], tail[16];
	struct buf b, rest;
	buf_init_fixed(&b, text, sizeof(text));
	buf_init_fixed(&rest, tail, sizeof(tail));
	split_money(amount_pusd, &b, &rest);
	buf_add(&b, buf_str(&rest));
	return copy(a, &b);
}

struct str
view_duration_text(struct arena *a, int64_t ms)
{
	if (ms < 0)
		return S("–");
	if (ms == 0)
		return S("<1 ms");
	if (ms < 1000)
		return arena_printf(a, "%d ms", (int)ms);
	if (ms < 10000)
		return arena_printf(a, "%d.%02d s", (int)(ms / 1000),
		    (int)(ms % 1000 / 10));
	if (ms < 60000)
		return arena_printf(a, "%d.%d s", (int)(ms / 1000),
		    (int)(ms % 1000 / 100));
	int64_t s = ms / 1000;
	return arena_printf(a, "%lld min %d s", (long long)(s / 60),
	    (int)(s % 60));
}

struct str
view_short_day_text(struct arena *a, int64_t time_ms)
{
	struct clock_parts p;
	clock_split(time_ms, &p);
	return arena_printf(a, "%d %s", p.day, months[p.month - 1]);
}

struct str
view_day_text(struct arena *a, int64_t time_ms)
{
	struct clock_parts p;
	clock_split(time_ms, &p);
	return arena_printf(a, "%d %s %d", p.day, months[p.month - 1], p.year);
}

struct str
view_month_text(struct arena *a, int64_t time_ms)
{
	struct clock_parts p;
	clock_split(time_ms, &p);
	return arena_printf(a, "%s %d", months[p.month - 1], p.year);
}

struct str
view_time_text(struct arena *a, int64_t time_ms)
{
	struct clock_parts p;
	clock_split(time_ms, &p);
	return arena_printf(a, "%d %s %d, %02d:%02d", p.day,
	    months[p.month - 1], p.year, p.hour, p.minute);
}

void
view_count(struct tval *o, const char *key, uint64_t n)
{
	if (o)
		tval_set_text(o, key, view_count_text(o->a, n));
}

void
view_money(struct tval *o, const char *key, int64_t amount_pusd)
{
	char cents_text[40], rest_text[16], exact[MONEY_TEXT_BYTES];
	struct buf cents, rest;
	struct tval *m = tval_set_object(o, key);
	if (!m)
		return;
	buf_init_fixed(&cents, cents_text, sizeof(cents_text));
	buf_init_fixed(&rest, rest_text, sizeof(rest_text));
	split_money(amount_pusd, &cents, &rest);
	money_to_text(amount_pusd, exact);
	tval_set_text(m, "exact", arena_strdup(m->a, str_from(exact)));
	tval_set_text(m, "cents", copy(m->a, &cents));
	tval_set_text(m, "rest", copy(m->a, &rest));
}

void
view_duration(struct tval *o, const char *key, int64_t ms)
{
	if (o)
		tval_set_text(o, key, view_duration_text(o->a, ms));
}

struct str
view_second_text(struct arena *a, int64_t time_ms)
{
	struct clock_parts p;

	clock_split(time_ms, &p);
	return arena_printf(a, "%d %s %d, %02d:%02d:%02d", p.day,
	    months[p.month - 1], p.year, p.hour, p.minute, p.second);
}

struct str
view_customer_state_text(enum customer_state s)
{
	return s == CUSTOMER_ACTIVE      ? S("Active")
	       : s == CUSTOMER_SUSPENDED ? S("Suspended")
					 : S("Closed");
}

static void
set_time(struct tval *o, const char *key, int64_t time_ms,
    struct str (*text)(struct arena *a, int64_t time_ms))
{
	char iso[CLOCK_TEXT_BYTES];
	struct tval *t = tval_set_object(o, key);

	if (!t)
		return;
	clock_format(time_ms, iso);
	tval_set_bool(t, "is_set", time_ms != 0);
	tval_set_text(t, "iso", arena_strdup(t->a, str_from(iso)));
	tval_set_text(t, "text", text(t->a, time_ms));
}

void
view_time(struct tval *o, const char *key, int64_t time_ms)
{
	set_time(o, key, time_ms, view_time_text);
}

void
view_second(struct tval *o, const char *key, int64_t time_ms)
{
	set_time(o, key, time_ms, view_second_text);
}

static struct tval *
set_day(struct tval *o, const char *key, int64_t time_ms)
{
	char iso[CLOCK_TEXT_BYTES];
	struct tval *t = tval_set_object(o, key);

	if (!t)
		return NULL;
	clock_format(time_ms, iso);
	tval_set_text(t, "iso", arena_strdup(t->a, str_make(iso, 10)));
	tval_set_text(t, "text", view_day_text(t->a, time_ms));
	return t;
}

void
view_day(struct tval *o, const char *key, int64_t time_ms)
{
	(void)set_day(o, key, time_ms);
}

void
view_time_day(struct tval *o, const char *key, int64_t time_ms)
{
	tval_set_bool(set_day(o, key, time_ms), "is_set", false);
}

void
view_time_word(struct tval *o, const char *key, struct str word)
{
	struct tval *t = tval_set_object(o, key);

	tval_set_bool(t, "is_set", false);
	tval_set_text(t, "iso", S(""));
	tval_set_text(t, "text", word);
}
