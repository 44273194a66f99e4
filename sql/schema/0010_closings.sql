-- SPDX-License-Identifier: MIT
-- What: the sums that stay of usage whose rows were pruned (`tollgate usage
-- prune`).

-- One row a month and dimension, in whose keys 0 is "none"; costs are those in
-- force, adjustments included. started_requests sent a first token. Rows of
-- usage that come late for a month are added when it is pruned again.
CREATE TABLE usage_closings (
	month                                      DATE NOT NULL,
	customer_id                                INT UNSIGNED NOT NULL,
	project_id                                 INT UNSIGNED NOT NULL,
	user_id                                    INT UNSIGNED NOT NULL,
	api_key_id                                 INT UNSIGNED NOT NULL,
	model_id                                   INT UNSIGNED NOT NULL,
	provider_id                                INT UNSIGNED NOT NULL,
	agent_id                                   INT UNSIGNED NOT NULL,
	connector_id                               INT UNSIGNED NOT NULL,
	request_status                             ENUM('ok','upstream_error','timeout','client_closed',
		'interrupted') NOT NULL,
	requests                                   BIGINT UNSIGNED NOT NULL,
	unpriced_requests                          BIGINT UNSIGNED NOT NULL,
	estimated_requests                         BIGINT UNSIGNED NOT NULL,
	started_requests                           BIGINT UNSIGNED NOT NULL,
	token_in_count                             BIGINT UNSIGNED NOT NULL,
	token_in_cached_context_count              BIGINT UNSIGNED NOT NULL,
	token_in_cache_write_count                 BIGINT UNSIGNED NOT NULL,
	token_in_audio_count                       BIGINT UNSIGNED NOT NULL,
	token_out_count                            BIGINT UNSIGNED NOT NULL,
	token_out_reasoning_count                  BIGINT UNSIGNED NOT NULL,
	token_out_audio_count                      BIGINT UNSIGNED NOT NULL,
	token_out_image_count                      BIGINT UNSIGNED NOT NULL,
	long_context_token_in_count                BIGINT UNSIGNED NOT NULL,
	long_context_token_in_cached_context_count BIGINT UNSIGNED NOT NULL,
	long_context_token_in_cache_write_count    BIGINT UNSIGNED NOT NULL,
	long_context_token_in_audio_count          BIGINT UNSIGNED NOT NULL,
	long_context_token_out_count               BIGINT UNSIGNED NOT NULL,
	long_context_token_out_reasoning_count     BIGINT UNSIGNED NOT NULL,
	long_context_token_out_audio_count         BIGINT UNSIGNED NOT NULL,
	long_context_token_out_image_count         BIGINT UNSIGNED NOT NULL,
	cost_in_usd                                DECIMAL(20,12) NOT NULL,
	provider_cost_in_usd                       DECIMAL(20,12) NOT NULL,
	latency_ms                                 BIGINT UNSIGNED NOT NULL,
	time_to_first_token_ms                     BIGINT UNSIGNED NOT NULL,
	created_at                                 DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at                                 DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (customer_id, month, project_id, user_id, api_key_id, model_id,
			provider_id, agent_id, connector_id, request_status),
	KEY closing_month (month),
	CONSTRAINT closing_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
