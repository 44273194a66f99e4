/* SPDX-License-Identifier: MIT */
/* What the parser, the renderer and the checker of templates share. */
#ifndef TG_HTTP_TMPL_PRIV_H
#define TG_HTTP_TMPL_PRIV_H

#include "base/arena.h"
#include "http/tmpl.h"

enum tmpl_op_kind {
	TMPL_OP_TEXT,
	TMPL_OP_VALUE,    /* {{x}} */
	TMPL_OP_RAW,      /* {{{x}}}, {{&x}} */
	TMPL_OP_SECTION,  /* {{#x}} */
	TMPL_OP_INVERTED, /* {{^x}} */
	TMPL_OP_PARTIAL,  /* {{>x}} */
	TMPL_OP_DYNAMIC,  /* {{>*x}} */
};

/* A dotted name; n_part = 0 is ".", the value that is current. */
struct tmpl_name {
	struct str full;
	struct str *part;
	size_t n_part;
};

struct tmpl_op {
	enum tmpl_op_kind kind;
	bool starts_line; /* TEXT: the source has a line beginning here */
	unsigned line;
	size_t end;        /* SECTION, INVERTED: first operation behind it */
	struct str text;   /* TEXT */
	struct str indent; /* PARTIAL, DYNAMIC alone on their line */
	struct tmpl_name name; /* all but TEXT */
};

struct tmpl {
	struct str name;
	struct str place; /* for messages: the file */
	struct str source;
	struct tmpl_op *ops;
	size_t n_ops, ops_cap;
};

/** Fills t->ops from t->source, all memory in a. Errors as tmpl_set_add(). */
enum err tmpl_parse(struct tmpl *t, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** NULL when there is none. */
const struct tmpl *tmpl_find(const struct tmpl_set *set, struct str name);

#endif
