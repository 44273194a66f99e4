-- SPDX-License-Identifier: MIT
-- Step 3 of setting up the database, as its administrator, after the first
-- `tollgate migrate` and again after each later one: what the workers'
-- account may do. Where a row is history, it may add and read, not change.
-- A host that offers one account only works without this file; history is
-- then guarded by the program alone.

-- History: append only.
GRANT SELECT, INSERT ON tollgate.audit_log TO 'tollgate'@'localhost';
GRANT SELECT, INSERT ON tollgate.ledger_transfers TO 'tollgate'@'localhost';
GRANT SELECT, INSERT ON tollgate.price_versions TO 'tollgate'@'localhost';
GRANT SELECT, INSERT ON tollgate.usage_adjustments TO 'tollgate'@'localhost';
GRANT SELECT, INSERT ON tollgate.usage_records TO 'tollgate'@'localhost';
GRANT SELECT, INSERT ON tollgate.usage_rejected TO 'tollgate'@'localhost';

-- Settings and sums: changed, but never deleted.
GRANT SELECT, INSERT, UPDATE ON tollgate.agents TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.api_key_uses TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.api_keys TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.connectors TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.customers TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.deployments TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.hosts TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.journal_offsets TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.key_generations TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.leases TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.ledger_accounts TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.models TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.notice_deliveries TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.operator_keys TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.projects TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.providers TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.rate_limit_tiers TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.reconcile_results TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_callers TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_daily TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_hourly TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_monthly TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_ranks TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_refusal_keys TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_refusal_totals TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_refusals TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_sums TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.usage_totals TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE ON tollgate.users TO 'tollgate'@'localhost';

-- What comes and goes.
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.api_key_models TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.budget_leases TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.budget_periods TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.budgets TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.idempotency_keys TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.notices TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.rate_limits TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.role_tiers TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.recovery_codes TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.second_factors TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.sessions TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.user_links TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.webhook_secrets TO 'tollgate'@'localhost';
GRANT SELECT, INSERT, UPDATE, DELETE ON tollgate.workers TO 'tollgate'@'localhost';

-- To look at.
GRANT SELECT ON tollgate.ps_model_usage TO 'tollgate'@'localhost';
GRANT SELECT ON tollgate.schema_migrations TO 'tollgate'@'localhost';
GRANT SELECT ON tollgate.usage_closings TO 'tollgate'@'localhost';
