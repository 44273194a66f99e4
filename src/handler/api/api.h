/* SPDX-License-Identifier: MIT */
/* The handlers of the API; daemon/routes.def says which path calls which. */
#ifndef TG_HANDLER_API_API_H
#define TG_HANDLER_API_API_H

#include "handler/handler.h"

handler_fn api_chat_create;
handler_fn api_completion_create;
handler_fn api_customer_create;
handler_fn api_embedding_create;
handler_fn api_generate;
handler_fn api_health_live;
handler_fn api_health_ready;
handler_fn api_key_create;
handler_fn api_key_toggle;
handler_fn api_message_count;
handler_fn api_message_create;
handler_fn api_model_archive;
handler_fn api_model_change;
handler_fn api_model_create;
handler_fn api_model_list;
handler_fn api_model_list_all;
handler_fn api_model_show;
handler_fn api_response_create;

#endif
