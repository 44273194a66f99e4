/* SPDX-License-Identifier: MIT */
/* Rows compared: ETags, and what changed. */
#include "base/hex.h"
#include "domain/record_priv.h"
#include "ext/crypto.h"

_Static_assert(RECORD_ETAG_BYTES == 2 + 32 + 2, "quotes, 16 bytes, a NUL");

void
record_etag(const struct record_type *t, const void *row, struct arena *a,
    char ret[RECORD_ETAG_BYTES])
{
	uint8_t digest[16];
	struct json_out j;
	struct str text;
	struct buf b;

	buf_init(&b, a, RECORD_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	for (size_t i = 0; i < t->n_members; i++)
		if (!(t->members[i].flags & RECORD_LIVE))
			record_write_member(&t->members[i], row, &j);
	json_out_object_end(&j);
	text = buf_str(&b);
	crypto_checksum(text.p, text.n, digest, sizeof(digest));
	ret[0] = '"';
	hex_encode(digest, sizeof(digest), ret + 1);
	memcpy(ret + 33, "\"", 2);
}

enum err
record_match(struct str if_match, const char *etag, struct error *e)
{
	struct str item;

	if (!if_match.p || str_eq(str_trim(if_match), S("*")))
		return OK;
	/* Our tags hold no comma, so cutting at one can hide none of them. */
	while (str_split(&if_match, ',', &item))
		if (str_eq(str_trim(item), str_from(etag)))
			return OK;
	return error_set(e, ERR_PRECONDITION, "If-Match is not %s", etag);
}

struct comparison {
	const struct record_type *t;
	const void *before, *after;
	struct arena *a;
};

bool
record_is_changed(const struct record_member *m, const void *before,
    const void *after, struct arena *a)
{
	if (m->flags & RECORD_LIVE)
		return false;
	if (!before || !after)
		return true;
	return !str_eq(record_member_text(m, before, a),
	    record_member_text(m, after, a));
}

static bool
is_changed(const struct comparison *c, const struct record_member *m)
{
	return record_is_changed(m, c->before, c->after, c->a);
}

/* Those that differ: hidden, RECORD_HIDDEN, or 0 for the others. */
static void
write_side(const struct comparison *c, const void *row, unsigned hidden,
    struct json_out *j)
{
	const struct record_member *m = c->t->members;

	if (!row) {
		json_out_null(j);
		return;
	}
	json_out_object(j);
	for (size_t i = 0; i < c->t->n_members; i++)
		if ((m[i].flags & RECORD_HIDDEN) == hidden &&
		    is_changed(c, &m[i]))
			record_write_member(&m[i], row, j);
	json_out_object_end(j);
}

static void
write_sides(const struct comparison *c, unsigned hidden, struct json_out *j)
{
	json_out_key(j, "before");
	write_side(c, c->before, hidden, j);
	json_out_key(j, "after");
	write_side(c, c->after, hidden, j);
}

static bool
is_any_hidden_changed(const struct comparison *c)
{
	const struct record_member *m = c->t->members;

	for (size_t i = 0; i < c->t->n_members; i++)
		if ((m[i].flags & RECORD_HIDDEN) && is_changed(c, &m[i]))
			return true;
	return false;
}

struct str
record_changes(const struct record_type *t, const void *before,
    const void *after, struct arena *a)
{
	const struct comparison c = { t, before, after, a };
	struct str text = { NULL, 0 };
	struct json_out j;
	struct error e;
	struct buf b;

	buf_init(&b, a, RECORD_TEXT_BYTES_MAX);
	json_out_init(&j, &b);
	json_out_object(&j);
	write_sides(&c, 0, &j);
	if (is_any_hidden_changed(&c)) {
		json_out_key(&j, "operator");
		json_out_object(&j);
		write_sides(&c, RECORD_HIDDEN, &j);
		json_out_object_end(&j);
	}
	json_out_object_end(&j);
	if (buf_finish(&b, &text, &e))
		return (struct str){ NULL, 0 };
	return text;
}

bool
record_is_unchanged(struct str changes)
{
	return str_eq(changes, S("{\"before\":{},\"after\":{}}"));
}
