-- SPDX-License-Identifier: MIT
-- What: costs of usage that were set anew after the fact (`tollgate usage
-- rerate`). The rows of usage stay as they were written.

-- Append only: the last ordinal of a row of usage says what it costs now, and
-- change_... how much that is more (or less) than what was valid before.
-- was_unpriced: nothing was. The rest is the row's, so that sums need no join.
CREATE TABLE usage_adjustments (
	usage_id                    BIGINT UNSIGNED NOT NULL,
	ordinal                     SMALLINT UNSIGNED NOT NULL,
	request_timestamp           DATETIME(6) NOT NULL,
	customer_id                 INT UNSIGNED NOT NULL,
	project_id                  INT UNSIGNED NULL,
	user_id                     INT UNSIGNED NOT NULL,
	api_key_id                  INT UNSIGNED NOT NULL,
	model_id                    INT UNSIGNED NOT NULL,
	provider_id                 INT UNSIGNED NULL,
	agent_id                    INT UNSIGNED NULL,
	connector_id                INT UNSIGNED NULL,
	request_status              ENUM('ok','upstream_error','timeout','client_closed',
		'interrupted') NOT NULL,
	cost_in_usd                 DECIMAL(20,12) NOT NULL,
	provider_cost_in_usd        DECIMAL(20,12) NOT NULL,
	change_cost_in_usd          DECIMAL(20,12) NOT NULL,
	change_provider_cost_in_usd DECIMAL(20,12) NOT NULL,
	was_unpriced                TINYINT(1) NOT NULL,
	price_version_id            INT UNSIGNED NOT NULL,
	created_at                  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at                  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (usage_id, ordinal),
	KEY adjustment_customer (customer_id),
	KEY adjustment_price (price_version_id),
	CONSTRAINT adjustment_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id),
	CONSTRAINT adjustment_price FOREIGN KEY (price_version_id)
		REFERENCES price_versions (price_version_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- An adjustment's cause is the customer and the first of its usage_id and
-- ordinal. If usage became cheaper, revenue is debited.
ALTER TABLE ledger_transfers
	MODIFY COLUMN kind ENUM('usage','adjustment') NOT NULL;
