/* SPDX-License-Identifier: MIT */
/* The handlers of the API; daemon/routes.def says which path calls which. */
#ifndef TG_HANDLER_API_API_H
#define TG_HANDLER_API_API_H

#include "handler/handler.h"

handler_fn api_agent_archive;
handler_fn api_agent_change;
handler_fn api_agent_create;
handler_fn api_agent_list;
handler_fn api_agent_show;
handler_fn api_audit_list;
handler_fn api_chat_create;
handler_fn api_completion_create;
handler_fn api_connector_archive;
handler_fn api_connector_change;
handler_fn api_connector_create;
handler_fn api_connector_list;
handler_fn api_connector_show;
handler_fn api_customer_archive;
handler_fn api_customer_change;
handler_fn api_customer_create;
handler_fn api_customer_list;
handler_fn api_customer_show;
handler_fn api_embedding_create;
handler_fn api_generate;
handler_fn api_health_live;
handler_fn api_health_ready;
handler_fn api_key_change;
handler_fn api_key_create;
handler_fn api_key_list;
handler_fn api_key_revoke;
handler_fn api_key_revoke_many;
handler_fn api_key_rotate;
handler_fn api_key_self;
handler_fn api_key_show;
handler_fn api_key_toggle;
handler_fn api_model_archive;
handler_fn api_model_change;
handler_fn api_model_create;
handler_fn api_model_list;
handler_fn api_model_list_all;
handler_fn api_model_show;
handler_fn api_project_archive;
handler_fn api_project_change;
handler_fn api_project_create;
handler_fn api_project_list;
handler_fn api_project_show;
handler_fn api_provider_archive;
handler_fn api_provider_change;
handler_fn api_provider_create;
handler_fn api_provider_list;
handler_fn api_provider_show;
handler_fn api_tier_archive;
handler_fn api_tier_change;
handler_fn api_tier_create;
handler_fn api_tier_list;
handler_fn api_tier_show;
handler_fn api_user_archive;
handler_fn api_user_change;
handler_fn api_user_create;
handler_fn api_user_list;
handler_fn api_user_show;

#endif
