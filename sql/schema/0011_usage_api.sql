-- SPDX-License-Identifier: MIT
-- Usage by REST: lists by time, and answers that are given again.

-- Lists are cut by time first, so each index holds the time behind what it
-- finds, and the row's number, which decides among rows of the same instant.
-- InnoDB keeps the primary key in every index, so none gets larger; but of
-- partitioned tables MariaDB sorts by it only where an index names it.
-- usage_time is for lists of all customers. Both servers build indexes while
-- rows are read and written; on 10^7 rows that takes minutes.
ALTER TABLE usage_records
	DROP KEY usage_customer,
	DROP KEY usage_user,
	DROP KEY usage_model,
	DROP KEY usage_agent,
	DROP KEY usage_connector,
	DROP KEY usage_key,
	ADD KEY usage_customer (customer_id, request_timestamp, usage_id),
	ADD KEY usage_user (user_id, request_timestamp, usage_id),
	ADD KEY usage_model (model_id, request_timestamp, usage_id),
	ADD KEY usage_agent (agent_id, request_timestamp, usage_id),
	ADD KEY usage_connector (connector_id, request_timestamp, usage_id),
	ADD KEY usage_key (api_key_id, request_timestamp, usage_id),
	ADD KEY usage_time (request_timestamp, usage_id);

-- What a request with an Idempotency-Key was answered. claim is a digest of
-- who asked, for which route, with which key; body one of what was sent. The
-- row is written in the transaction of what the request did.
CREATE TABLE idempotency_keys (
	claim      BINARY(32) NOT NULL,
	body       BINARY(32) NOT NULL,
	status     SMALLINT UNSIGNED NOT NULL,
	answer     MEDIUMBLOB NOT NULL,
	expires_at DATETIME(6) NOT NULL,
	created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (claim),
	KEY idempotency_expiry (expires_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
