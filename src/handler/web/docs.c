/* SPDX-License-Identifier: MIT */
/*
 * The API reference: the same for everybody, so it is the one page that may
 * be kept by caches. Its values are made when Tollgate is built.
 */
#include "handler/web/docs_data.h"
#include "handler/web/page.h"
#include "handler/web/web.h"

#define CACHED "public, max-age=300"

/* clang-format off */
#define RUNS_KEYS(p) \
	{ p ".runs", TVAL_LIST }, \
	{ p ".runs.text", TVAL_TEXT }, \
	{ p ".runs.is_code", TVAL_BOOL }
#define BLOCK_KEYS(p) \
	{ p, TVAL_LIST }, \
	{ p ".is_list", TVAL_BOOL }, \
	RUNS_KEYS(p), \
	{ p ".items", TVAL_LIST }, \
	RUNS_KEYS(p ".items")
#define ROW_KEYS(p) \
	{ p, TVAL_LIST }, \
	{ p ".name", TVAL_TEXT }, \
	{ p ".place", TVAL_TEXT }, \
	{ p ".type", TVAL_TEXT }, \
	{ p ".object_href", TVAL_TEXT }, \
	{ p ".is_required", TVAL_BOOL }, \
	RUNS_KEYS(p)
#define OPERATION "docs.sections.operations"

static const struct tmpl_key docs_keys[] = {
	{ "yaml_href", TVAL_TEXT },
	{ "docs", TVAL_OBJECT },
	{ "docs.version", TVAL_TEXT },
	BLOCK_KEYS("docs.intro"),
	{ "docs.sections", TVAL_LIST },
	{ "docs.sections.name", TVAL_TEXT },
	{ "docs.sections.id", TVAL_TEXT },
	{ "docs.sections.section_href", TVAL_TEXT },
	{ OPERATION, TVAL_LIST },
	{ OPERATION ".id", TVAL_TEXT },
	{ OPERATION ".operation_href", TVAL_TEXT },
	{ OPERATION ".method", TVAL_TEXT },
	{ OPERATION ".method_class", TVAL_TEXT },
	{ OPERATION ".path", TVAL_TEXT },
	{ OPERATION ".summary", TVAL_TEXT },
	BLOCK_KEYS(OPERATION ".blocks"),
	{ OPERATION ".who", TVAL_LIST },
	RUNS_KEYS(OPERATION ".who"),
	{ OPERATION ".has_parameters", TVAL_BOOL },
	ROW_KEYS(OPERATION ".parameters"),
	{ OPERATION ".has_body", TVAL_BOOL },
	{ OPERATION ".is_body_optional", TVAL_BOOL },
	{ OPERATION ".body_max", TVAL_TEXT },
	ROW_KEYS(OPERATION ".body"),
	{ OPERATION ".answers", TVAL_LIST },
	{ OPERATION ".answers.status", TVAL_TEXT },
	RUNS_KEYS(OPERATION ".answers"),
	{ OPERATION ".answers.types", TVAL_TEXT },
	{ OPERATION ".answers.headers", TVAL_TEXT },
	{ OPERATION ".answers.object", TVAL_TEXT },
	{ OPERATION ".answers.object_href", TVAL_TEXT },
	ROW_KEYS(OPERATION ".answers.rows"),
	{ OPERATION ".errors", TVAL_LIST },
	{ OPERATION ".errors.status", TVAL_TEXT },
	{ OPERATION ".errors.error_href", TVAL_TEXT },
	{ OPERATION ".curl", TVAL_TEXT },
	{ "docs.objects", TVAL_LIST },
	{ "docs.objects.name", TVAL_TEXT },
	{ "docs.objects.id", TVAL_TEXT },
	{ "docs.objects.object_href", TVAL_TEXT },
	BLOCK_KEYS("docs.objects.blocks"),
	{ "docs.objects.type", TVAL_TEXT },
	{ "docs.objects.has_rows", TVAL_BOOL },
	ROW_KEYS("docs.objects.rows"),
	{ "docs.objects.sample", TVAL_TEXT },
	{ "docs.failures", TVAL_LIST },
	{ "docs.failures.id", TVAL_TEXT },
	{ "docs.failures.name", TVAL_TEXT },
	BLOCK_KEYS("docs.failures.blocks"),
};
/* clang-format on */
const struct tmpl_page page_docs = PAGE("docs", docs_keys);

enum err
web_docs_show(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	struct tval *o = web_page_begin(app, rq, &page_docs,
	    S("API reference"));

	tval_set_text(o, "yaml_href",
	    web_href(app, rq->arena, "/docs/openapi.yaml", 0));
	tval_set(o, "docs", docs_values);
	enum err err = web_page_send(app, rq, rs, 200, &page_docs, o, e);
	if (!err)
		response_header(rs, "cache-control", S(CACHED));
	return err;
}

enum err
web_docs_yaml(struct app *app, const struct request *rq, struct response *rs,
    struct error *e)
{
	(void)app;
	(void)rq;
	response_header(rs, "content-type", S("application/yaml"));
	response_header(rs, "cache-control", S(CACHED));
	response_body(rs, docs_yaml);
	return response_check(rs, e);
}
