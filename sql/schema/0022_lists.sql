-- SPDX-License-Identifier: MIT
-- Lists of the audit log and of notices come in the order of time, so that a
-- page begins at any time, and reads no more than it looks at.

-- By whom it concerns, by the thing, by what was done; or all.
ALTER TABLE audit_log
	DROP KEY audit_customer,
	DROP KEY audit_object,
	ADD KEY audit_customer (customer_id, created_at),
	ADD KEY audit_object (object, object_id, created_at),
	ADD KEY audit_action (action, created_at),
	ADD KEY audit_time (created_at);
ALTER TABLE notices
	DROP KEY notice_of_customer,
	ADD KEY notice_of_customer (customer_id, created_at);
