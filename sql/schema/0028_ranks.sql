-- SPDX-License-Identifier: MIT
-- The numbers that a page ranks customers by: of all that each used, and of each
-- model, provider and status alone. A pentad is five days of a month, its last
-- what is left of it. Such rows have a sixth of the columns of usage_sums, and
-- what one of these questions reads lies together. An index that begins with the
-- customer is not needed, so that no foreign key is there either. Workers must
-- not run meanwhile: what they add to usage_totals after it was read would be
-- missing.
DROP TABLE IF EXISTS usage_ranks;
CREATE TABLE usage_ranks (
	dimension                      ENUM('all','model','provider','status') NOT NULL,
	id                             INT UNSIGNED NOT NULL,
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
	PRIMARY KEY (dimension, id, period, start, customer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT INTO usage_ranks (dimension, id, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 'all', 0, period, start, customer_id,
	requests,
	failed_requests,
	cost_in_usd,
	token_in_count + long_context_token_in_count,
	token_in_cached_context_count + long_context_token_in_cached_context_count,
	token_in_cache_write_count + long_context_token_in_cache_write_count,
	token_in_audio_count + long_context_token_in_audio_count,
	token_out_count + long_context_token_out_count,
	token_out_reasoning_count + long_context_token_out_reasoning_count,
	token_out_audio_count + long_context_token_out_audio_count,
	token_out_image_count + long_context_token_out_image_count
FROM usage_sums
WHERE customer_id <> 0;

INSERT INTO usage_ranks (dimension, id, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 'all', 0, 'pentad', t, customer_id,
	SUM(requests),
	SUM(failed_requests),
	SUM(cost_in_usd),
	SUM(token_in_count + long_context_token_in_count),
	SUM(token_in_cached_context_count + long_context_token_in_cached_context_count),
	SUM(token_in_cache_write_count + long_context_token_in_cache_write_count),
	SUM(token_in_audio_count + long_context_token_in_audio_count),
	SUM(token_out_count + long_context_token_out_count),
	SUM(token_out_reasoning_count + long_context_token_out_reasoning_count),
	SUM(token_out_audio_count + long_context_token_out_audio_count),
	SUM(token_out_image_count + long_context_token_out_image_count)
FROM (SELECT *, start - INTERVAL DAYOFMONTH(start) - 1
	- 5 * LEAST((DAYOFMONTH(start) - 1) DIV 5, 5) DAY AS t
	FROM usage_sums WHERE period = 'day') x
WHERE customer_id <> 0
GROUP BY t, customer_id;

INSERT INTO usage_ranks (dimension, id, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 'model', model_id, period, start, customer_id,
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
GROUP BY model_id, period, start, customer_id;

INSERT INTO usage_ranks (dimension, id, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 'model', model_id, 'pentad', t, customer_id,
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
FROM (SELECT *, start - INTERVAL DAYOFMONTH(start) - 1
	- 5 * LEAST((DAYOFMONTH(start) - 1) DIV 5, 5) DAY AS t
	FROM usage_totals WHERE period = 'day') x
WHERE customer_id <> 0
GROUP BY model_id, t, customer_id;

INSERT INTO usage_ranks (dimension, id, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 'provider', provider_id, period, start, customer_id,
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
GROUP BY provider_id, period, start, customer_id;

INSERT INTO usage_ranks (dimension, id, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 'provider', provider_id, 'pentad', t, customer_id,
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
FROM (SELECT *, start - INTERVAL DAYOFMONTH(start) - 1
	- 5 * LEAST((DAYOFMONTH(start) - 1) DIV 5, 5) DAY AS t
	FROM usage_totals WHERE period = 'day') x
WHERE customer_id <> 0
GROUP BY provider_id, t, customer_id;

INSERT INTO usage_ranks (dimension, id, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 'status', request_status + 0, period, start, customer_id,
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
GROUP BY request_status + 0, period, start, customer_id;

INSERT INTO usage_ranks (dimension, id, period, start, customer_id,
	requests, failed_requests, cost_in_usd, token_in_count,
	token_in_cached_context_count, token_in_cache_write_count,
	token_in_audio_count, token_out_count, token_out_reasoning_count,
	token_out_audio_count, token_out_image_count)
SELECT 'status', request_status + 0, 'pentad', t, customer_id,
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
FROM (SELECT *, start - INTERVAL DAYOFMONTH(start) - 1
	- 5 * LEAST((DAYOFMONTH(start) - 1) DIV 5, 5) DAY AS t
	FROM usage_totals WHERE period = 'day') x
WHERE customer_id <> 0
GROUP BY request_status + 0, t, customer_id;
