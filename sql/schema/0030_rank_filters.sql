-- SPDX-License-Identifier: MIT
-- The numbers that customers are ranked by, of each model, provider and status
-- together, too, not only of each alone: 0 and 'all' are all of them, and each
-- subset has its rows. What reached no provider is in no row of one. The rows of
-- all three are usage_totals in fewer columns; each other subset is summed up of
-- the smallest that has it, in the order of the key. Workers that run meanwhile
-- find no table of that name and wait, so that nothing is added in between.
DROP TABLE IF EXISTS usage_ranks;
DROP TABLE IF EXISTS usage_ranks_new;
CREATE TABLE usage_ranks_new (
	model_id                       INT UNSIGNED NOT NULL,
	provider_id                    INT UNSIGNED NOT NULL,
	request_status                 ENUM('all','ok','upstream_error','timeout','client_closed',
	                                    'interrupted') NOT NULL,
	period                         ENUM('hour','day','month','pentad') NOT NULL,
	start                          DATETIME NOT NULL,
	customer_id                    INT UNSIGNED NOT NULL,
	requests                       BIGINT UNSIGNED NOT NULL,
	failed_requests                BIGINT UNSIGNED NOT NULL,
	cost_in_usd                    DECIMAL(26,12) NOT NULL,
	token_in_count                 BIGINT UNSIGNED NOT NULL,
	token_in_cached_context_count  BIGINT UNSIGNED NOT NULL,
	token_in_cache_write_count     BIGINT UNSIGNED NOT NULL,
	token_in_audio_count           BIGINT UNSIGNED NOT NULL,
	token_out_count                BIGINT UNSIGNED NOT NULL,
	token_out_reasoning_count      BIGINT UNSIGNED NOT NULL,
	token_out_audio_count          BIGINT UNSIGNED NOT NULL,
	token_out_image_count          BIGINT UNSIGNED NOT NULL,
	created_at                     DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at                     DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (model_id, provider_id, request_status, period, start, customer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO usage_ranks_new (model_id, provider_id, request_status, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT model_id, provider_id, request_status, period, start, customer_id,
	requests,
	IF(request_status IN ('ok', 'client_closed'), 0, requests),
	cost_in_usd,
	token_in_count + long_context_token_in_count,
	token_in_cached_context_count + long_context_token_in_cached_context_count,
	token_in_cache_write_count + long_context_token_in_cache_write_count,
	token_in_audio_count + long_context_token_in_audio_count,
	token_out_count + long_context_token_out_count,
	token_out_reasoning_count + long_context_token_out_reasoning_count,
	token_out_audio_count + long_context_token_out_audio_count,
	token_out_image_count + long_context_token_out_image_count
FROM usage_totals
WHERE customer_id <> 0 AND provider_id <> 0
ORDER BY model_id, provider_id, request_status, period, start, customer_id;

INSERT INTO usage_ranks_new (model_id, provider_id, request_status, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT model_id, 0, request_status, period, start, customer_id,
	SUM(requests),
	SUM(IF(request_status IN ('ok', 'client_closed'), 0, requests)),
	SUM(cost_in_usd),
	SUM(token_in_count + long_context_token_in_count),
	SUM(token_in_cached_context_count + long_context_token_in_cached_context_count),
	SUM(token_in_cache_write_count + long_context_token_in_cache_write_count),
	SUM(token_in_audio_count + long_context_token_in_audio_count),
	SUM(token_out_count + long_context_token_out_count),
	SUM(token_out_reasoning_count + long_context_token_out_reasoning_count),
	SUM(token_out_audio_count + long_context_token_out_audio_count),
	SUM(token_out_image_count + long_context_token_out_image_count)
FROM usage_totals
WHERE customer_id <> 0
GROUP BY model_id, request_status, period, start, customer_id
ORDER BY model_id, request_status, period, start, customer_id;

INSERT INTO usage_ranks_new (model_id, provider_id, request_status, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT model_id, 0, 'all', period, start, customer_id,
	SUM(requests), SUM(failed_requests), SUM(cost_in_usd), SUM(token_in_count),
	SUM(token_in_cached_context_count), SUM(token_in_cache_write_count),
	SUM(token_in_audio_count), SUM(token_out_count), SUM(token_out_reasoning_count),
	SUM(token_out_audio_count), SUM(token_out_image_count)
FROM usage_ranks_new
WHERE model_id <> 0 AND provider_id = 0 AND request_status <> 'all'
GROUP BY model_id, period, start, customer_id
ORDER BY model_id, period, start, customer_id;

INSERT INTO usage_ranks_new (model_id, provider_id, request_status, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 0, 0, request_status, period, start, customer_id,
	SUM(requests), SUM(failed_requests), SUM(cost_in_usd), SUM(token_in_count),
	SUM(token_in_cached_context_count), SUM(token_in_cache_write_count),
	SUM(token_in_audio_count), SUM(token_out_count), SUM(token_out_reasoning_count),
	SUM(token_out_audio_count), SUM(token_out_image_count)
FROM usage_ranks_new
WHERE model_id <> 0 AND provider_id = 0 AND request_status <> 'all'
GROUP BY request_status, period, start, customer_id
ORDER BY request_status, period, start, customer_id;

INSERT INTO usage_ranks_new (model_id, provider_id, request_status, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 0, 0, 'all', period, start, customer_id,
	SUM(requests), SUM(failed_requests), SUM(cost_in_usd), SUM(token_in_count),
	SUM(token_in_cached_context_count), SUM(token_in_cache_write_count),
	SUM(token_in_audio_count), SUM(token_out_count), SUM(token_out_reasoning_count),
	SUM(token_out_audio_count), SUM(token_out_image_count)
FROM usage_ranks_new
WHERE model_id = 0 AND provider_id = 0 AND request_status <> 'all'
GROUP BY period, start, customer_id
ORDER BY period, start, customer_id;

INSERT INTO usage_ranks_new (model_id, provider_id, request_status, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT model_id, provider_id, 'all', period, start, customer_id,
	SUM(requests), SUM(failed_requests), SUM(cost_in_usd), SUM(token_in_count),
	SUM(token_in_cached_context_count), SUM(token_in_cache_write_count),
	SUM(token_in_audio_count), SUM(token_out_count), SUM(token_out_reasoning_count),
	SUM(token_out_audio_count), SUM(token_out_image_count)
FROM usage_ranks_new
WHERE model_id <> 0 AND provider_id <> 0 AND request_status <> 'all'
GROUP BY model_id, provider_id, period, start, customer_id
ORDER BY model_id, provider_id, period, start, customer_id;

INSERT INTO usage_ranks_new (model_id, provider_id, request_status, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 0, provider_id, request_status, period, start, customer_id,
	SUM(requests), SUM(failed_requests), SUM(cost_in_usd), SUM(token_in_count),
	SUM(token_in_cached_context_count), SUM(token_in_cache_write_count),
	SUM(token_in_audio_count), SUM(token_out_count), SUM(token_out_reasoning_count),
	SUM(token_out_audio_count), SUM(token_out_image_count)
FROM usage_ranks_new
WHERE model_id <> 0 AND provider_id <> 0 AND request_status <> 'all'
GROUP BY provider_id, request_status, period, start, customer_id
ORDER BY provider_id, request_status, period, start, customer_id;

INSERT INTO usage_ranks_new (model_id, provider_id, request_status, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 0, provider_id, 'all', period, start, customer_id,
	SUM(requests), SUM(failed_requests), SUM(cost_in_usd), SUM(token_in_count),
	SUM(token_in_cached_context_count), SUM(token_in_cache_write_count),
	SUM(token_in_audio_count), SUM(token_out_count), SUM(token_out_reasoning_count),
	SUM(token_out_audio_count), SUM(token_out_image_count)
FROM usage_ranks_new
WHERE model_id = 0 AND provider_id <> 0 AND request_status <> 'all'
GROUP BY provider_id, period, start, customer_id
ORDER BY provider_id, period, start, customer_id;

RENAME TABLE usage_ranks_new TO usage_ranks;
