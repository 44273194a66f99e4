/* SPDX-License-Identifier: MIT */
/*
 * Forms for what the API manages: a form that is sent is the body of an API
 * request in other clothes. So a page can do what the API can, refuses what
 * it refuses, in the same words, and knows no rule of its own.
 */
#ifndef TG_HANDLER_WEB_FORM_H
#define TG_HANDLER_WEB_FORM_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "ext/json.h"
#include "http/form.h"
#include "http/tmpl.h"
#include "http/tval.h"

#define FORM_FIELD_MAX 64

enum form_control {
	FORM_TEXT,   /* one line <-> string */
	FORM_EMAIL,  /* the same */
	FORM_SECRET, /* the same, not shown while it is typed nor afterwards */
	FORM_NUMBER, /* <-> number */
	FORM_LINES,  /* a line each <-> array of strings */
	FORM_COMMAS, /* "50, 80" <-> array of numbers */
	FORM_CHECK,  /* a box <-> true or false */
	FORM_SELECT, /* one of the options <-> string or number */
	FORM_CHECKS, /* a box for each option <-> array of strings or numbers */
	FORM_TIME,   /* UTC, by minutes <-> time */
	FORM_AREA,   /* lines as they are <-> string */
	FORM_HIDDEN, /* goes along unseen <-> string or number */
	FORM_FILE,   /* a file of text, never shown again <-> string */
};

enum form_flag {
	FORM_NEEDED = 1 << 0,  /* the browser asks for it */
	FORM_NULL = 1 << 1,    /* when empty it is null; else it is left out */
	FORM_NUMBERS = 1 << 2, /* values of options are numbers in JSON */
	FORM_NEW = 1 << 3,     /* only where a thing is made */
	FORM_EDIT = 1 << 4,    /* only where it is changed */
	FORM_GROUP = 1 << 5,   /* the first of an object's members: when it is
				  empty, the whole object is null */
	FORM_SMALL = 1 << 6,   /* three of them beside each other */
	FORM_FOLD = 1 << 7,    /* its legend's fields are folded away while
				  none of them says anything */
	FORM_ASIDE = 1 << 8,   /* for the page itself, no member of the body */
};

struct form_option {
	struct str value; /* as in JSON, without quotes */
	struct str text;
};

struct form_field {
	const char *name; /* of the member: "name"; of an object's member:
			     "budget/amount_usd" */
	const char *label;
	const char *hint; /* NULL: none */
	enum form_control control;
	unsigned flags;
	/* SELECT, CHECKS: "value|text" each, up to a NULL; or NULL when the
	 * page finds them out. */
	const char *const *options;
	const char *legend; /* begins a group of fields; NULL: goes on */
};

/* A form that is shown, or was sent. */
struct web_form {
	const struct form_field *fields;
	size_t n_fields;
	bool is_new; /* a thing is to be made */
	/* Of each field; lines and boxes have a line for each value. */
	struct str text[FORM_FIELD_MAX];
	struct form_option *options[FORM_FIELD_MAX];
	size_t n_options[FORM_FIELD_MAX];
	bool is_left_out[FORM_FIELD_MAX];
	struct str etag; /* of the row that is shown; of a new one "", or what
			    tells its form from others */
};

/** An empty form; options of the fields' own tables are set. */
enum err web_form_init(struct web_form *f, const struct form_field *fields,
    size_t n_fields, bool is_new, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** Options that the page found out, for one field. They live as f does. */
void web_form_set_options(struct web_form *f, const char *name,
    struct form_option *options, size_t n);
/** A field that this form does without, though it is in the table. */
void web_form_leave_out(struct web_form *f, const char *name);
/** Say something in a field. text lives as f does. */
void web_form_set_text(struct web_form *f, const char *name, struct str text);
/** Show what a row says, as its JSON; what it has and no option offers becomes
 * an option. Memory: in a. */
enum err web_form_fill(struct web_form *f, struct str row_json, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/**
 * Read what was sent. `csrf` and `etag` are taken; what a form that is shown
 * without script leaves out (boxes) is empty.
 * Errors: ERR_BAD_PARAM for names that it does not have, naming them.
 */
enum err web_form_read(struct web_form *f, struct str body, struct arena *a,
    struct error *e) ATTR_MUST_CHECK;
/** The same of a form that may hold a file; see form_init_body(). */
enum err web_form_read_pairs(struct web_form *f, struct form *pairs,
    struct arena *a, struct error *e) ATTR_MUST_CHECK;
/**
 * The body for the API: of a new thing all that says something; else what
 * differs from `shown`.
 * @more  members to begin with, such as "\"customer_id\":7"; or ""
 * Errors: ERR_BAD_PARAM for what is no number or no time, naming it.
 * Memory: in a.
 */
enum err web_form_body(const struct web_form *f, const struct web_form *shown,
    struct str more, struct arena *a, struct str *ret,
    struct error *e) ATTR_MUST_CHECK;
/** What was sent in a field; "" without one of that name. */
struct str web_form_sent(const struct web_form *f, const char *name);
/** Whether what was refused is something to say above or beside the form. */
bool web_form_says(enum err err);
/** What a page says of a refused form. Memory: in a. */
struct str web_form_message(struct arena *a, const struct error *refused);
/**
 * Fill o with what FORM_KEYS lists.
 * @refused  what is wrong with it; NULL: nothing. Its param is a field's name
 *           or it stands above the form.
 */
void web_form_view(struct tval *o, const struct web_form *f,
    const struct error *refused);

/* clang-format off */
#define FORM_KEYS(path) \
	{ path, TVAL_OBJECT }, { path ".etag", TVAL_TEXT }, { path ".message", TVAL_TEXT }, \
	{ path ".ends_fold", TVAL_BOOL }, \
	{ path ".fields", TVAL_LIST }, { path ".fields.legend", TVAL_TEXT }, \
	{ path ".fields.closes", TVAL_BOOL }, { path ".fields.folds", TVAL_BOOL }, \
	{ path ".fields.is_open", TVAL_BOOL }, { path ".fields.is_small", TVAL_BOOL }, \
	{ path ".fields.id", TVAL_TEXT }, { path ".fields.name", TVAL_TEXT }, \
	{ path ".fields.label", TVAL_TEXT }, { path ".fields.hint", TVAL_TEXT }, \
	{ path ".fields.message", TVAL_TEXT }, { path ".fields.type", TVAL_TEXT }, \
	{ path ".fields.value", TVAL_TEXT }, { path ".fields.described_by", TVAL_TEXT }, \
	{ path ".fields.is_needed", TVAL_BOOL }, { path ".fields.is_optional", TVAL_BOOL }, \
	{ path ".fields.is_input", TVAL_BOOL }, \
	{ path ".fields.is_area", TVAL_BOOL }, { path ".fields.is_check", TVAL_BOOL }, \
	{ path ".fields.is_lines", TVAL_BOOL }, { path ".fields.is_hidden", TVAL_BOOL }, \
	{ path ".fields.autocomplete", TVAL_TEXT }, \
	{ path ".fields.is_select", TVAL_BOOL }, { path ".fields.is_checks", TVAL_BOOL }, \
	{ path ".fields.is_on", TVAL_BOOL }, { path ".fields.is_file", TVAL_BOOL }, { path ".fields.options", TVAL_LIST }, \
	{ path ".fields.options.id", TVAL_TEXT }, { path ".fields.options.name", TVAL_TEXT }, \
	{ path ".fields.options.value", TVAL_TEXT }, { path ".fields.options.text", TVAL_TEXT }, \
	{ path ".fields.options.is_on", TVAL_BOOL }
/* clang-format on */

#endif
