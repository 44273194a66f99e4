/* SPDX-License-Identifier: MIT */
/*
 * Pages that make, change and end one kind of thing, by its resource: what
 * the API does with a body, they do with a form. A kind is a table of fields.
 */
#ifndef TG_HANDLER_WEB_MANAGE_H
#define TG_HANDLER_WEB_MANAGE_H

#include "handler/web/form.h"
#include "handler/web/place.h"

struct web_thing {
	const struct resource *resource;
	const char *path;      /* of its pages, below the place: "projects" */
	const char *list_path; /* of the page that lists it: "members" */
	const char *list_name; /* of that page, for the way back */
	const char *new_title; /* "New project" */
	const char *intro;     /* above the form of a new one; NULL: none */
	const struct form_field *fields;
	size_t n_fields;
	/* Words of done.def. */
	const char *made, *saved, *ended;
	/* How its end is put; end_verb NULL: it has none here. */
	const char *end_verb; /* of the path: "archive" */
	const char *end_name; /* "Archive this project" */
	const char *end_text; /* what that means */
	/* Something else to do with it, by a form of its own that asks for the
	 * password; act_verb NULL: nothing. */
	const char *act_verb; /* of the path: "link" */
	const char *act_name; /* "Make a link" */
	const char *act_text; /* what that is for */
	/* Does it, and answers. */
	enum err (*act)(struct app *app, const struct request *rq,
	    struct response *rs, const struct web_place *place,
	    struct manager *m, uint64_t id, struct error *e);
	/* Another page about it; link_verb NULL: none. */
	const char *link_verb; /* of the path: "test" */
	const char *link_name; /* "Test it" */
	/* Asked before a change, without a connection; or NULL. row is as it
	 * was, form as it was sent. */
	enum err (*confirm)(struct app *app, const struct request *rq,
	    struct response *rs, const void *row, const struct web_form *form,
	    struct error *e);
	/* The answer to a new one, instead of the way back to the list; or
	 * NULL. */
	enum err (*show_made)(struct app *app, const struct request *rq,
	    struct response *rs, const struct web_place *place,
	    struct manager *m, const void *row, struct error *e);
	/* Options of SELECT and CHECKS that are not in the fields' table. */
	enum err (*options)(const struct manager *m,
	    const struct web_place *place, struct arena *a, struct web_form *f,
	    struct error *e);
	/* Sets what the resource's functions need as the manager's extra; or
	 * NULL. */
	enum err (*extra)(struct app *app, const struct request *rq,
	    struct manager *m, struct error *e);
	/* Members that no table has, and who reads them into the row; or
	 * NULL. */
	const char *const *others;
	size_t n_others;
	enum err (
	    *read_others)(const struct json *body, void *row, struct error *e);
	/* What a new row is unless the form says otherwise; or NULL. */
	void (*defaults)(void *row);
	bool is_place; /* it is the customer of the place: no id in its path */
	/* What it is called; NULL: the member "name". */
	const char *title_member;
};

/* The five pages of a kind; the id, where there is one, is in the path. */
enum err web_thing_new(struct app *app, const struct request *rq,
    struct response *rs, const struct web_thing *t,
    struct error *e) ATTR_MUST_CHECK;
enum err web_thing_create(struct app *app, const struct request *rq,
    struct response *rs, const struct web_thing *t,
    struct error *e) ATTR_MUST_CHECK;
enum err web_thing_edit(struct app *app, const struct request *rq,
    struct response *rs, const struct web_thing *t,
    struct error *e) ATTR_MUST_CHECK;
enum err web_thing_change(struct app *app, const struct request *rq,
    struct response *rs, const struct web_thing *t,
    struct error *e) ATTR_MUST_CHECK;
enum err web_thing_end(struct app *app, const struct request *rq,
    struct response *rs, const struct web_thing *t,
    struct error *e) ATTR_MUST_CHECK;
/* What else may be done with one, where t->act is. */
enum err web_thing_act(struct app *app, const struct request *rq,
    struct response *rs, const struct web_thing *t,
    struct error *e) ATTR_MUST_CHECK;

/** Defines web_NOUN_new() and so on for a struct web_thing *thing. */
#define WEB_THING_HANDLERS(noun, thing)                                  \
 enum err web_##noun##_new(struct app *app, const struct request *rq,    \
     struct response *rs, struct error *e)                               \
 {                                                                       \
  return web_thing_new(app, rq, rs, (thing), e);                         \
 }                                                                       \
 enum err web_##noun##_create(struct app *app, const struct request *rq, \
     struct response *rs, struct error *e)                               \
 {                                                                       \
  return web_thing_create(app, rq, rs, (thing), e);                      \
 }                                                                       \
 enum err web_##noun##_edit(struct app *app, const struct request *rq,   \
     struct response *rs, struct error *e)                               \
 {                                                                       \
  return web_thing_edit(app, rq, rs, (thing), e);                        \
 }                                                                       \
 enum err web_##noun##_change(struct app *app, const struct request *rq, \
     struct response *rs, struct error *e)                               \
 {                                                                       \
  return web_thing_change(app, rq, rs, (thing), e);                      \
 }                                                                       \
 enum err web_##noun##_end(struct app *app, const struct request *rq,    \
     struct response *rs, struct error *e)                               \
 {                                                                       \
  return web_thing_end(app, rq, rs, (thing), e);                         \
 }

#endif
