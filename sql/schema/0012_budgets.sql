-- SPDX-License-Identifier: MIT
-- Budgets of keys, projects and customers, and balances that were paid for.

-- postpaid: uses first and owes; prepaid: uses what was credited to it.
ALTER TABLE customers
	ADD COLUMN billing ENUM('postpaid','prepaid')
		CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'postpaid'
		AFTER markup;

-- funds: what a customer paid in, or was given. A credit debits it and credits
-- the receivable, whose balance with its sign turned is what the customer has.
ALTER TABLE ledger_accounts
	MODIFY COLUMN kind ENUM('receivable','revenue','funds') NOT NULL;
ALTER TABLE ledger_transfers
	MODIFY COLUMN kind ENUM('usage','adjustment','credit') NOT NULL;
INSERT INTO ledger_accounts (customer_id, kind)
SELECT customer_id, 'funds' FROM customers ORDER BY customer_id
ON DUPLICATE KEY UPDATE customer_id = VALUES(customer_id);

-- What may be spent in a period: days, weeks from Monday and months of UTC, or
-- in all. A prepaid customer's balance is one, too: in all, of what was
-- credited. scope_id is the customer, project or key. Another period makes
-- another budget, so what was leased of the old one is not taken for the new.
CREATE TABLE budgets (
	budget_id         INT UNSIGNED NOT NULL AUTO_INCREMENT,
	customer_id       INT UNSIGNED NOT NULL,
	scope             ENUM('customer','project','key','balance')
		CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	scope_id          INT UNSIGNED NOT NULL,
	project_id        INT UNSIGNED NULL,
	api_key_id        INT UNSIGNED NULL,
	kind              ENUM('hard','soft')
		CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	period            ENUM('day','week','month','total')
		CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	amount_usd        DECIMAL(20,12) NOT NULL,
	notify_at_percent VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin
		NOT NULL,
	created_at        DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at        DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (budget_id),
	UNIQUE KEY budget_scope (scope, scope_id),
	KEY budget_customer (customer_id),
	KEY budget_project (project_id),
	KEY budget_key (api_key_id),
	CONSTRAINT budget_holder CHECK (scope_id = CASE scope
		WHEN 'key' THEN api_key_id WHEN 'project' THEN project_id
		ELSE customer_id END),
	CONSTRAINT budget_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id),
	CONSTRAINT budget_project FOREIGN KEY (project_id)
		REFERENCES projects (project_id),
	CONSTRAINT budget_key FOREIGN KEY (api_key_id)
		REFERENCES api_keys (api_key_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What was spent: the sum of usage_hourly over scope and period, moved in the
-- transaction that moves those. The row is made by the first that needs it.
-- noticed_percent is the highest percentage that somebody was told of.
CREATE TABLE budget_periods (
	budget_id       INT UNSIGNED NOT NULL,
	period_start    DATE NOT NULL,
	spent_usd       DECIMAL(20,12) NOT NULL DEFAULT 0,
	noticed_percent SMALLINT UNSIGNED NOT NULL DEFAULT 0,
	created_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (budget_id, period_start),
	CONSTRAINT period_budget FOREIGN KEY (budget_id)
		REFERENCES budgets (budget_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a worker process holds of a hard budget for requests that run and those
-- to come, under the id of its journal's series. Usage that the flusher books
-- takes its part away in the same transaction, and the end of the series what
-- is left.
CREATE TABLE budget_leases (
	budget_id    INT UNSIGNED NOT NULL,
	period_start DATE NOT NULL,
	series       BINARY(16) NOT NULL,
	leased_usd   DECIMAL(20,12) NOT NULL,
	created_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (budget_id, period_start, series),
	KEY lease_series (series),
	CONSTRAINT lease_period FOREIGN KEY (budget_id, period_start)
		REFERENCES budget_periods (budget_id, period_start)
		ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
