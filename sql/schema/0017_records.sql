-- SPDX-License-Identifier: MIT
-- What: a provider's credential can be seen to change; what is archived gives
-- its name free.

-- Counts how often another credential was set; the credential itself is shown
-- nowhere, so nothing else tells one from the next.
ALTER TABLE providers
	ADD COLUMN api_key_version INT UNSIGNED NOT NULL DEFAULT 0
		AFTER seal_key_id;
UPDATE providers SET api_key_version = 1 WHERE api_key IS NOT NULL;

-- Unique among what is not archived: NULLs differ from one another. Names of
-- customers, models and providers stay taken: ledgers, usage and prices show
-- them.
ALTER TABLE users
	ADD COLUMN is_live TINYINT(1)
		GENERATED ALWAYS AS (IF(archived_at IS NULL, 1, NULL)) VIRTUAL,
	DROP KEY user_email,
	ADD UNIQUE KEY user_email (email, is_live);
ALTER TABLE projects
	ADD COLUMN is_live TINYINT(1)
		GENERATED ALWAYS AS (IF(archived_at IS NULL, 1, NULL)) VIRTUAL,
	DROP KEY project_name,
	ADD UNIQUE KEY project_name (customer_id, name, is_live);
ALTER TABLE agents
	ADD COLUMN is_live TINYINT(1)
		GENERATED ALWAYS AS (IF(archived_at IS NULL, 1, NULL)) VIRTUAL,
	DROP KEY agent_name,
	ADD UNIQUE KEY agent_name (customer_id, name, is_live);
ALTER TABLE connectors
	ADD COLUMN is_live TINYINT(1)
		GENERATED ALWAYS AS (IF(archived_at IS NULL, 1, NULL)) VIRTUAL,
	DROP KEY connector_name,
	ADD UNIQUE KEY connector_name (customer_id, name, is_live);
ALTER TABLE rate_limit_tiers
	ADD COLUMN is_live TINYINT(1)
		GENERATED ALWAYS AS (IF(archived_at IS NULL, 1, NULL)) VIRTUAL,
	DROP KEY tier_name,
	ADD UNIQUE KEY tier_name (name, is_live);
