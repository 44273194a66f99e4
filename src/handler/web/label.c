/* SPDX-License-Identifier: MIT */
/* Pages of projects, agents and connectors. */
#include "domain/label.h"

#include "handler/web/budget_fields.h"
#include "handler/web/manage.h"
#include "handler/web/web.h"

/* clang-format off */
#define NAME_FIELD \
	{ .name = "name", .label = "Name", .control = FORM_TEXT, .flags = FORM_NEEDED }
/* clang-format on */

static const struct form_field project_fields[] = { NAME_FIELD, BUDGET_FIELDS };
static const struct form_field label_fields[] = { NAME_FIELD };

static const struct web_thing project = {
	.resource = &label_resources[LABEL_PROJECT],
	.path = "projects",
	.list_path = "members",
	.list_name = "Members and projects",
	.new_title = "New project",
	.intro = "Keys can belong to a project; its usage and its budget are "
		 "those of all its keys.",
	.fields = project_fields,
	.n_fields = ARRAY_LEN(project_fields),
	.made = "project_made",
	.saved = "project_saved",
	.ended = "project_ended",
	.end_verb = "archive",
	.end_name = "Archive this project",
	.end_text = "Its keys are refused from then on. Its usage stays. This "
		    "can't be undone.",
};

static const struct web_thing agent = {
	.resource = &label_resources[LABEL_AGENT],
	.path = "agents",
	.list_path = "members",
	.list_name = "Members and projects",
	.new_title = "New agent",
	.intro = "Requests name an agent by the header x-tollgate-agent-id; "
		 "usage can be told apart by it.",
	.fields = label_fields,
	.n_fields = ARRAY_LEN(label_fields),
	.made = "agent_made",
	.saved = "agent_saved",
	.ended = "agent_ended",
	.end_verb = "archive",
	.end_name = "Archive this agent",
	.end_text = "Requests that name it are refused from then on. Its usage "
		    "stays. This can't be undone.",
};

static const struct web_thing connector = {
	.resource = &label_resources[LABEL_CONNECTOR],
	.path = "connectors",
	.list_path = "members",
	.list_name = "Members and projects",
	.new_title = "New connector",
	.intro = "Requests name a connector by the header "
		 "x-tollgate-connector-id; usage can be told apart by it.",
	.fields = label_fields,
	.n_fields = ARRAY_LEN(label_fields),
	.made = "connector_made",
	.saved = "connector_saved",
	.ended = "connector_ended",
	.end_verb = "archive",
	.end_name = "Archive this connector",
	.end_text = "Requests that name it are refused from then on. Its usage "
		    "stays. This can't be undone.",
};

WEB_THING_HANDLERS(project, &project)
WEB_THING_HANDLERS(agent, &agent)
WEB_THING_HANDLERS(connector, &connector)
