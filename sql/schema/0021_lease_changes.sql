-- SPDX-License-Identifier: MIT
-- Which changes of its leases a worker has made for certain.

-- change_no: the worker's own number of its last change of this lease; 0: from
-- before there were numbers. By it, it finds out whether a change was made whose
-- COMMIT nobody answered. What the flusher takes from a lease has none.
ALTER TABLE budget_leases
	ADD COLUMN change_no BIGINT UNSIGNED NOT NULL DEFAULT 0
		AFTER leased_usd;
