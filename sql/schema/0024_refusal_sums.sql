-- SPDX-License-Identifier: MIT
-- Sums of usage_refusals, so that a page reads few rows however many keys and
-- models are refused. Workers must not run meanwhile: what they add to
-- usage_refusals after it was read would be missing.

-- customer_id 0: everybody; model_id 0: none, or an unknown one.
CREATE TABLE usage_refusal_totals (
	customer_id INT UNSIGNED NOT NULL,
	period      ENUM('hour','day','month') NOT NULL,
	start       DATETIME NOT NULL,
	model_id    INT UNSIGNED NOT NULL,
	reason      VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	refusals    BIGINT UNSIGNED NOT NULL,
	created_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (customer_id, period, start, model_id, reason),
	KEY refusal_totals_time (period, start)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE usage_refusal_keys (
	customer_id INT UNSIGNED NOT NULL,
	period      ENUM('hour','day','month') NOT NULL,
	start       DATETIME NOT NULL,
	api_key_id  INT UNSIGNED NOT NULL,
	refusals    BIGINT UNSIGNED NOT NULL,
	created_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (customer_id, period, start, api_key_id),
	KEY refusal_keys_time (period, start),
	CONSTRAINT refusal_key_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO usage_refusal_totals (customer_id, period, start, model_id, reason,
	refusals)
SELECT customer_id, 'hour', hour, model_id, reason, SUM(refusals)
FROM usage_refusals GROUP BY customer_id, hour, model_id, reason;
INSERT INTO usage_refusal_totals (customer_id, period, start, model_id, reason,
	refusals)
SELECT customer_id, 'day', DATE(start), model_id, reason, SUM(refusals)
FROM usage_refusal_totals WHERE period = 'hour'
GROUP BY customer_id, DATE(start), model_id, reason;
INSERT INTO usage_refusal_totals (customer_id, period, start, model_id, reason,
	refusals)
SELECT customer_id, 'month', DATE_FORMAT(start, '%Y-%m-01'), model_id, reason,
	SUM(refusals)
FROM usage_refusal_totals WHERE period = 'day'
GROUP BY customer_id, DATE_FORMAT(start, '%Y-%m-01'), model_id, reason;
INSERT INTO usage_refusal_totals (customer_id, period, start, model_id, reason,
	refusals)
SELECT 0, period, start, model_id, reason, SUM(refusals)
FROM usage_refusal_totals GROUP BY period, start, model_id, reason;

INSERT INTO usage_refusal_keys (customer_id, period, start, api_key_id, refusals)
SELECT customer_id, 'hour', hour, api_key_id, SUM(refusals)
FROM usage_refusals GROUP BY customer_id, hour, api_key_id;
INSERT INTO usage_refusal_keys (customer_id, period, start, api_key_id, refusals)
SELECT customer_id, 'day', DATE(start), api_key_id, SUM(refusals)
FROM usage_refusal_keys WHERE period = 'hour'
GROUP BY customer_id, DATE(start), api_key_id;
INSERT INTO usage_refusal_keys (customer_id, period, start, api_key_id, refusals)
SELECT customer_id, 'month', DATE_FORMAT(start, '%Y-%m-01'), api_key_id,
	SUM(refusals)
FROM usage_refusal_keys WHERE period = 'day'
GROUP BY customer_id, DATE_FORMAT(start, '%Y-%m-01'), api_key_id;

-- Everybody's usage by customer is read from the totals, too.
ALTER TABLE usage_totals ADD KEY totals_time (period, start);
