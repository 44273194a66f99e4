-- SPDX-License-Identifier: MIT
-- Sums by day and month lie in the order of time, so that a summary of all
-- customers reads what it needs in one piece. A customer's are found by an
-- index, which carries the foreign key, too.
ALTER TABLE usage_daily
	DROP PRIMARY KEY,
	DROP KEY usage_day,
	ADD PRIMARY KEY (day, customer_id, project_id, user_id, api_key_id,
			model_id, provider_id, agent_id, connector_id,
			request_status),
	ADD KEY daily_customer (customer_id, day);
ALTER TABLE usage_monthly
	DROP PRIMARY KEY,
	DROP KEY usage_month,
	ADD PRIMARY KEY (month, customer_id, project_id, user_id, api_key_id,
			model_id, provider_id, agent_id, connector_id,
			request_status),
	ADD KEY monthly_customer (customer_id, month);
