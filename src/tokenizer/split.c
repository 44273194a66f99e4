/* SPDX-License-Identifier: MIT */
#include "tokenizer/split.h"

#include <stdbool.h>

#include <unictype.h>

/* What the expressions ask of a character. */
enum {
	UPPER = 1,     /* Lu Lt */
	LOWER = 2,     /* Ll */
	CASELESS = 4,  /* Lm Lo */
	MARK = 8,      /* M */
	NUMBER = 16,   /* N */
	SPACE = 32,    /* White_Space */
	LINE_END = 64, /* \r \n; SPACE, too */
	LETTER = UPPER | LOWER | CASELESS,
};

#define SP  SPACE
#define EOL (SPACE | LINE_END)
#define NU  NUMBER
#define UP  UPPER
#define LO  LOWER
static const unsigned char ascii_classes[128] = {
	['\t'] = SP,
	['\n'] = EOL,
	['\v'] = SP,
	['\f'] = SP,
	['\r'] = EOL,
	[' '] = SP,
	['0'] = NU,
	NU,
	NU,
	NU,
	NU,
	NU,
	NU,
	NU,
	NU,
	NU,
	['A'] = UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	UP,
	['a'] = LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
	LO,
};

/* A place in the text. */
struct at {
	const unsigned char *p, *end;
};

static unsigned
class_of(ucs4_t c)
{
	uint32_t category = uc_general_category(c).bitmask;

	if (category & (UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Lt))
		return UPPER;
	if (category & UC_CATEGORY_MASK_Ll)
		return LOWER;
	if (category & UC_CATEGORY_MASK_L)
		return CASELESS;
	if (category & UC_CATEGORY_MASK_M)
		return MARK;
	if (category & UC_CATEGORY_MASK_N)
		return NUMBER;
	return uc_is_property_white_space(c) ? SPACE : 0;
}

static ucs4_t
decode(const unsigned char *p, size_t n)
{
	switch (n) {
	case 2:
		return (p[0] & 0x1fU) << 6 | (p[1] & 0x3fU);
	case 3:
		return (p[0] & 0x0fU) << 12 | (p[1] & 0x3fU) << 6 |
		       (p[2] & 0x3fU);
	default:
		return (p[0] & 0x07U) << 18 | (p[1] & 0x3fU) << 12 |
		       (p[2] & 0x3fU) << 6 | (p[3] & 0x3fU);
	}
}

/* The class of the character at `at`, and its length; 0 at the end. */
static inline unsigned
look(struct at at, size_t *ret_n)
{
	if (at.p == at.end) {
		*ret_n = 0;
		return 0;
	}
	*ret_n = 1;
	if (*at.p < 0x80)
		return ascii_classes[*at.p];
	*ret_n = str_utf8_sequence((const char *)at.p, (size_t)(at.end - at.p));
	if (*ret_n)
		return class_of(decode(at.p, *ret_n));
	*ret_n = 1;
	return 0;
}

static inline struct at
step(struct at at, size_t n)
{
	at.p += n;
	return at;
}

/* Past all characters of these classes, max of them at most. */
static inline struct at
run(struct at at, unsigned classes, size_t max)
{
	size_t n;

	while (max-- > 0 && (look(at, &n) & classes))
		at = step(at, n);
	return at;
}

/* [^\s\p{L}\p{N}]: marks are among them. */
static inline bool
is_symbol(struct at at, size_t *ret_n)
{
	unsigned class = look(at, ret_n);

	return *ret_n > 0 && !(class & (SPACE | LETTER | NUMBER));
}

static inline struct at
run_of_symbols(struct at at)
{
	size_t n;

	while (is_symbol(at, &n))
		at = step(at, n);
	return at;
}

static inline bool
is_byte(struct at at, unsigned char c)
{
	return at.p < at.end && *at.p == c;
}

/*
 * 's 't 're 've 'm 'll 'd. Without case also 'ſ (U+017F), which Unicode folds
 * to s.
 */
static struct at
contraction(struct at at, bool has_case)
{
	static const char letters[][3] = { "s", "t", "re", "ve", "m", "ll",
		"d" };
	unsigned fold = has_case ? 0 : 0x20;
	struct at in = step(at, 1);

	if (!is_byte(at, '\''))
		return at;
	for (size_t i = 0; i < ARRAY_LEN(letters); i++) {
		size_t n = strlen(letters[i]), k = 0;

		while (k < n && in.p + k < in.end &&
		       (in.p[k] | fold) == (unsigned char)letters[i][k])
			k++;
		if (k == n)
			return step(in, n);
	}
	if (!has_case && in.end - in.p >= 2 && in.p[0] == 0xc5 &&
	    in.p[1] == 0xbf)
		return step(in, 2);
	return at;
}

/*
 * White space, of which `at` has some: \s+(?!\S)|\s+, so that a word's space
 * stays with it.
 */
static struct at
white_space(struct at at)
{
	struct at end = at, last = at;
	size_t n;

	while (look(end, &n) & SPACE) {
		last = end;
		end = step(end, n);
	}
	return end.p == end.end || last.p == at.p ? end : last;
}

/* Behind the last line end of the white space at `at`: \s*[\r\n]. */
static struct at
last_line_end(struct at at)
{
	struct at end = at;
	size_t n;

	for (unsigned class; (class = look(at, &n)) & SPACE;) {
		at = step(at, n);
		if (class & LINE_END)
			end = at;
	}
	return end;
}

/*
 * 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */
static struct at
next_gpt2(struct at at)
{
	struct at end = contraction(at, true), word = at;
	unsigned class;
	size_t n;

	if (end.p > at.p)
		return end;
	if (is_byte(at, ' '))
		word = step(at, 1);
	class = look(word, &n);
	if (class & LETTER)
		return run(word, LETTER, SIZE_MAX);
	if (class & NUMBER)
		return run(word, NUMBER, SIZE_MAX);
	if (n > 0 && !(class & SPACE))
		return run_of_symbols(word);
	return white_space(at);
}

/* ' ?[^\s\p{L}\p{N}]+[tail]*', or `at`. */
static struct at
symbols(struct at at, bool has_slash)
{
	struct at end = is_byte(at, ' ') ? step(at, 1) : at;
	size_t n;

	if (!is_symbol(end, &n))
		return at;
	end = run_of_symbols(end);
	while (is_byte(end, '\r') || is_byte(end, '\n') ||
	       (has_slash && is_byte(end, '/')))
		end = step(end, 1);
	return end;
}

/* Past [^\r\n\p{L}\p{N}] if it is there. */
static inline struct at
prefix(struct at at)
{
	size_t n;
	unsigned class = look(at, &n);

	return class & (LINE_END | LETTER | NUMBER) ? at : step(at, n);
}

/*
 * '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
 * | ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]|\s+(?!\S)|\s
 */
static struct at
next_cl100k(struct at at)
{
	struct at end = contraction(at, false), word;

	if (end.p > at.p)
		return end;
	word = prefix(at);
	end = run(word, LETTER, SIZE_MAX);
	if (end.p > word.p)
		return end;
	end = run(at, NUMBER, 3);
	if (end.p > at.p)
		return end;
	end = symbols(at, false);
	if (end.p > at.p)
		return end;
	end = run(at, SPACE, SIZE_MAX);
	if (end.p == end.end)
		return end;
	end = last_line_end(at);
	if (end.p > at.p)
		return end;
	return white_space(at);
}

/*
 * [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+, or `at`. The
 * first part takes all it can, and gives back what the second needs.
 */
static struct at
capitalised(struct at at)
{
	struct at end = at, given_back = at;
	unsigned class;
	size_t n;

	while ((class = look(end, &n)) & (UPPER | CASELESS | MARK)) {
		end = step(end, n);
		if (class & (CASELESS | MARK))
			given_back = end;
	}
	if (class & LOWER)
		return run(end, LOWER | CASELESS | MARK, SIZE_MAX);
	return given_back;
}

/* [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*, or `at`. */
static struct at
capitals(struct at at)
{
	struct at end = run(at, UPPER | CASELESS | MARK, SIZE_MAX);

	return end.p > at.p ? run(end, LOWER | CASELESS | MARK, SIZE_MAX) : at;
}

/* One of the two with an optional prefix, which is taken if that can be; `at`
 * when there is none. */
static struct at
prefixed(struct at at, struct at (*word)(struct at))
{
	struct at behind = prefix(at), end = word(behind);

	if (end.p > behind.p)
		return end;
	end = word(at);
	return end.p > at.p ? end : at;
}

/*
 * [^\r\n\p{L}\p{N}]?CAPITALISED CONTRACTION?|[^\r\n\p{L}\p{N}]?CAPITALS
 * CONTRACTION?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 */
static struct at
next_o200k(struct at at)
{
	struct at end = prefixed(at, capitalised);

	if (end.p == at.p)
		end = prefixed(at, capitals);
	if (end.p > at.p)
		return contraction(end, false);
	end = run(at, NUMBER, 3);
	if (end.p > at.p)
		return end;
	end = symbols(at, true);
	if (end.p > at.p)
		return end;
	end = last_line_end(at);
	return end.p > at.p ? end : white_space(at);
}

size_t
split_next(enum split_rule rule, struct str text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	struct at at = { p, p + text.n };

	if (rule == SPLIT_CL100K)
		at = next_cl100k(at);
	else if (rule == SPLIT_O200K)
		at = next_o200k(at);
	else
		at = next_gpt2(at);
	return (size_t)(at.p - p);
}

/*
 * Whether a piece ends between two characters, for certain. White space stands
 * only at the front of a piece, or makes one, but for the line ends behind
 * symbols; a word ends before a symbol, unless that begins a contraction. What
 * ends there looks the same when the text does.
 */
static bool
may_cut(unsigned before, unsigned after, unsigned char c)
{
	if (before & SPACE)
		return false;
	if (after & SPACE)
		return (before & (LETTER | NUMBER)) || !(after & LINE_END);
	return (before & (LETTER | NUMBER)) &&
	       !(after & (LETTER | NUMBER | MARK)) && c != '\'';
}

size_t
split_cut(struct str text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	bool is_after_whole = false;
	unsigned after = 0;

	for (size_t at = text.n; at > 0;) {
		size_t from = at - 1, n;
		bool is_whole;
		unsigned before;

		while (from > 0 && at - from < 4 && (p[from] & 0xc0) == 0x80)
			from--;
		before = look((struct at){ p + from, p + at }, &n);
		/* The text may end within a character. */
		is_whole = n == at - from && (p[from] < 0x80 || n > 1);
		if (is_whole && is_after_whole && may_cut(before, after, p[at]))
			return at;
		is_after_whole = is_whole;
		after = before;
		at = from;
	}
	return 0;
}
