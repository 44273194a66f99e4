/* SPDX-License-Identifier: MIT */
/* /api/projects, /api/agents, /api/connectors. */
#include "domain/label.h"

#include "handler/api/api.h"
#include "handler/api/resource.h"

static const struct param_spec params[] = { LIST_PARAMS,
	FILTER_ID("customer_id"), FILTER_TEXT("name", LABEL_NAME_BYTES),
	FILTER_BOOL("archived") };

static enum err
page(enum label_kind kind, const struct manager *m, const struct param_value *v,
    uint64_t after, uint64_t limit, struct arena *a, void **ret_rows,
    size_t *ret_n, struct error *e)
{
	const struct label_filter f = { v[0].u64, v[1].text, v[2].u64 != 0 };
	struct label_row *rows = NULL;
	struct label *labels = NULL;
	enum err err = store_label_page(m->db, kind, m->tenant, &f, after,
	    limit, a, &labels, ret_n, e);

	if (!err)
		err = label_rows(m->db, kind, m->tenant, labels, *ret_n,
		    m->now_ms, a, &rows, e);
	*ret_rows = rows;
	return err;
}

static enum err
create(struct app *app, const struct request *rq, struct response *rs,
    enum label_kind kind, struct error *e)
{
	struct label_row row = { .l = { 0 } };

	return resource_post(app, rq, rs, &label_resources[kind], &row, e);
}

/* The same five for each of the three tables. */
#define LABEL_HANDLERS(noun, kind)                                        \
 static enum err page_##noun(const struct manager *m,                     \
     const struct param_value *v, uint64_t after, uint64_t limit,         \
     struct arena *a, void **ret_rows, size_t *ret_n, struct error *e)    \
 {                                                                        \
  return page(kind, m, v, after, limit, a, ret_rows, ret_n, e);           \
 }                                                                        \
 enum err api_##noun##_list(struct app *app, const struct request *rq,    \
     struct response *rs, struct error *e)                                \
 {                                                                        \
  static const struct listing l = { .params = params,                     \
	  .n_params = ARRAY_LEN(params),                                  \
	  .page = page_##noun,                                            \
	  .id_off = offsetof(struct label_row, l.label_id) };             \
  return resource_list(app, rq, rs, label_resources[kind].record, &l, e); \
 }                                                                        \
 enum err api_##noun##_show(struct app *app, const struct request *rq,    \
     struct response *rs, struct error *e)                                \
 {                                                                        \
  return resource_show(app, rq, rs, &label_resources[kind], e);           \
 }                                                                        \
 enum err api_##noun##_create(struct app *app, const struct request *rq,  \
     struct response *rs, struct error *e)                                \
 {                                                                        \
  return create(app, rq, rs, kind, e);                                    \
 }                                                                        \
 enum err api_##noun##_change(struct app *app, const struct request *rq,  \
     struct response *rs, struct error *e)                                \
 {                                                                        \
  return resource_patch(app, rq, rs, &label_resources[kind], e);          \
 }                                                                        \
 enum err api_##noun##_archive(struct app *app, const struct request *rq, \
     struct response *rs, struct error *e)                                \
 {                                                                        \
  return resource_delete(app, rq, rs, &label_resources[kind], e);         \
 }

LABEL_HANDLERS(project, LABEL_PROJECT)
LABEL_HANDLERS(agent, LABEL_AGENT)
LABEL_HANDLERS(connector, LABEL_CONNECTOR)
