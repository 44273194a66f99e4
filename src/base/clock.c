/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#include "base/buf.h"

static _Atomic int64_t test_now_ms;

int64_t
clock_now_ms(void)
{
	int64_t frozen = atomic_load_explicit(&test_now_ms,
	    memory_order_relaxed);
	struct timespec ts;

	if (frozen)
		return frozen;
	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_mono_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail */
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void
clock_set_for_test(int64_t now_ms)
{
	atomic_store(&test_now_ms, now_ms);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and
 * back. Years start in March here, so that the leap day comes last; one era
 * is the 146,097 days of 400 years. */
static int64_t
days_from_date(int64_t y, int64_t m, int64_t d)
{
	int64_t era, year_of_era, day_of_year;

	if (m <= 2)
		y--;
	era = floor_div(y, 400);
	year_of_era = y - era * 400;
	day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - 719468;
}

static void
date_from_days(int64_t days, struct clock_parts *ret)
{
	int64_t z = days + 719468;
	int64_t era = floor_div(z, 146097);
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 +
				  day_of_era / 36524 - day_of_era / 146096) /
			      365;
	int64_t day_of_year = day_of_era -
			      (365 * year_of_era + year_of_era / 4 -
				  year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	ret->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	ret->month = (int)(month < 10 ? month + 3 : month - 9);
	ret->year = (int)(year_of_era + era * 400 + (ret->month <= 2 ? 1 : 0));
}

void
clock_split(int64_t time_ms, struct clock_parts *ret)
{
	int64_t days = floor_div(time_ms, DAY_MS);
	int64_t rest = time_ms - days * DAY_MS;

	date_from_days(days, ret);
	ret->hour = (int)(rest / HOUR_MS);
	ret->minute = (int)(rest / 60000 % 60);
	ret->second = (int)(rest / 1000 % 60);
	ret->ms = (int)(rest % 1000);
}

int64_t
clock_join(const struct clock_parts *parts)
{
	return days_from_date(parts->year, parts->month, parts->day) * DAY_MS +
	       parts->hour * HOUR_MS + parts->minute * INT64_C(60000) +
	       parts->second * INT64_C(1000) + parts->ms;
}

/* Years of more than four digits are cut. */
static void
format(int64_t time_ms, bool with_ms, char ret[CLOCK_TEXT_BYTES])
{
	struct clock_parts t;
	struct buf b;

	clock_split(time_ms, &t);
	buf_init_fixed(&b, ret, CLOCK_TEXT_BYTES);
	buf_add_padded(&b, (unsigned)t.year, 4);
	buf_add_char(&b, '-');
	buf_add_padded(&b, (unsigned)t.month, 2);
	buf_add_char(&b, '-');
	buf_add_padded(&b, (unsigned)t.day, 2);
	buf_add_char(&b, 'T');
	buf_add_padded(&b, (unsigned)t.hour, 2);
	buf_add_char(&b, ':');
	buf_add_padded(&b, (unsigned)t.minute, 2);
	buf_add_char(&b, ':');
	buf_add_padded(&b, (unsigned)t.second, 2);
	if (with_ms) {
		buf_add_char(&b, '.');
		buf_add_padded(&b, (unsigned)t.ms, 3);
	}
	buf_add(&b, str_make("Z", 2)); /* and the NUL */
}

void
clock_format(int64_t time_ms, char ret[CLOCK_TEXT_BYTES])
{
	format(time_ms, false, ret);
}

void
clock_format_ms(int64_t time_ms, char ret[CLOCK_TEXT_BYTES])
{
	format(time_ms, true, ret);
}

/* Take n digits off the front of *s, bounded. */
static bool
take_digits(struct str *s, size_t n, uint64_t min, uint64_t max, int *ret)
{
	uint64_t v;

	if (s->n < n || !str_to_u64(str_make(s->p, n), min, max, &v))
		return false;
	*s = str_skip(*s, n);
	*ret = (int)v;
	return true;
}

static bool
take_char(struct str *s, char c)
{
	if (s->n == 0 || *s->p != c)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

static bool
take_fraction(struct str *s, int *ret_ms)
{
	int scale = 100;

	*ret_ms = 0;
	if (!take_char(s, '.'))
		return true;
	if (s->n == 0 || *s->p < '0' || *s->p > '9')
		return false;
	while (s->n && *s->p >= '0' && *s->p <= '9') {
		*ret_ms += (*s->p - '0') * scale;
		scale /= 10;
		*s = str_skip(*s, 1);
	}
	return true;
}

static bool
take_zone(struct str *s, int64_t *ret_offset_ms)
{
	int hours, minutes;
	bool is_west;

	*ret_offset_ms = 0;
	if (s->n == 0 || take_char(s, 'Z'))
		return true;
	is_west = *s->p == '-';
	if (!is_west && *s->p != '+')
		return false;
	*s = str_skip(*s, 1);
	if (!take_digits(s, 2, 0, 23, &hours) || !take_char(s, ':') ||
	    !take_digits(s, 2, 0, 59, &minutes))
		return false;
	*ret_offset_ms = hours * HOUR_MS + minutes * INT64_C(60000);
	if (is_west)
		*ret_offset_ms = -*ret_offset_ms;
	return true;
}

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* 9999-12-31T23:59:59.999Z */
#define YEAR_9999_LAST_MS INT64_C(253402300799999)

bool
clock_parse(struct str s, int64_t *ret_ms)
{
	struct clock_parts t = { 0 };
	int64_t offset_ms = 0, at_ms;

	if (!take_digits(&s, 4, 1970, 9999, &t.year) || !take_char(&s, '-') ||
	    !take_digits(&s, 2, 1, 12, &t.month) || !take_char(&s, '-') ||
	    !take_digits(&s, 2, 1, 31, &t.day) ||
	    t.day > days_in_month(t.year, t.month))
		return false;
	if (s.n) {
		if (!(take_char(&s, 'T') || take_char(&s, ' ')) ||
		    !take_digits(&s, 2, 0, 23, &t.hour) ||
		    !take_char(&s, ':') ||
		    !take_digits(&s, 2, 0, 59, &t.minute) ||
		    !take_char(&s, ':') ||
		    !take_digits(&s, 2, 0, 59, &t.second) ||
		    !take_fraction(&s, &t.ms) || !take_zone(&s, &offset_ms) ||
		    s.n)
			return false;
	}
	at_ms = clock_join(&t) - offset_ms;
	if (at_ms < 0 || at_ms > YEAR_9999_LAST_MS)
		return false; /* by its zone */
	*ret_ms = at_ms;
	return true;
}

bool
clock_parse_given(struct str s, int64_t *ret_ms)
{
	if (!clock_parse(s, ret_ms))
		return false;
	if (*ret_ms == 0)
		*ret_ms = 1;
	return true;
}
