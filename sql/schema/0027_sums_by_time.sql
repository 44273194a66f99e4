-- SPDX-License-Identifier: MIT
-- Everybody's sums by customer lie together by their time, as those of callers
-- do, so that a thousand customers are read in one piece. A customer's own are
-- few, and found by the index.
ALTER TABLE usage_sums
	DROP PRIMARY KEY,
	DROP KEY sums_time,
	ADD PRIMARY KEY (period, start, customer_id),
	ADD KEY sums_customer (customer_id, period, start);
