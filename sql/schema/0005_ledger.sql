-- SPDX-License-Identifier: MIT
-- Money: transfers between accounts, balanced by construction.

-- balance_usd = debits less credits, kept in the transaction of each transfer.
-- Two accounts a customer, so that no row is hot for all hosts.
CREATE TABLE ledger_accounts (
	account_id  BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	customer_id INT UNSIGNED NOT NULL,
	kind        ENUM('receivable','revenue') NOT NULL,
	balance_usd DECIMAL(20,12) NOT NULL DEFAULT 0,
	created_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (account_id),
	UNIQUE KEY account_kind (customer_id, kind),
	CONSTRAINT account_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Append only. cause makes a transfer unique: for usage, the journal series, the
-- offset reached and the customer.
CREATE TABLE ledger_transfers (
	transfer_id       BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	debit_account_id  BIGINT UNSIGNED NOT NULL,
	credit_account_id BIGINT UNSIGNED NOT NULL,
	amount_usd        DECIMAL(20,12) NOT NULL,
	kind              ENUM('usage') NOT NULL,
	cause             VARBINARY(64) NOT NULL,
	created_at        DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at        DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (transfer_id),
	UNIQUE KEY transfer_cause (cause),
	KEY transfer_debit (debit_account_id),
	KEY transfer_credit (credit_account_id),
	CONSTRAINT transfer_amount CHECK (amount_usd > 0),
	CONSTRAINT transfer_accounts
		CHECK (debit_account_id <> credit_account_id),
	CONSTRAINT transfer_debit FOREIGN KEY (debit_account_id)
		REFERENCES ledger_accounts (account_id),
	CONSTRAINT transfer_credit FOREIGN KEY (credit_account_id)
		REFERENCES ledger_accounts (account_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
