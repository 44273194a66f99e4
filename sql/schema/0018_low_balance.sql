-- SPDX-License-Identifier: MIT
-- A mark below which a prepaid customer is told of its balance; what is needed
-- to list notices and to let go of old ones.

-- 0: it is not told.
ALTER TABLE customers
	ADD COLUMN low_balance_usd DECIMAL(20,12) NOT NULL DEFAULT 1
		AFTER billing;

-- is_low, of balances: it is below its mark, and that was told. A balance
-- begins with nothing, which is nothing to tell of.
ALTER TABLE budget_periods
	ADD COLUMN is_low TINYINT(1) NOT NULL DEFAULT 1 AFTER noticed_percent;
UPDATE budget_periods SET is_low = 0
	WHERE budget_id IN (SELECT budget_id FROM budgets
	WHERE scope = 'balance');

-- Notices and periods of budgets are kept for a time, and go by their age; a
-- notice's deliveries go with it.
ALTER TABLE budget_periods
	ADD KEY period_started (period_start);
ALTER TABLE notices
	ADD KEY notice_of_customer (customer_id),
	ADD KEY notice_created (created_at);
ALTER TABLE notice_deliveries
	DROP FOREIGN KEY delivery_notice;
ALTER TABLE notice_deliveries
	ADD CONSTRAINT delivery_of_notice FOREIGN KEY (notice_id)
		REFERENCES notices (notice_id) ON DELETE CASCADE;
