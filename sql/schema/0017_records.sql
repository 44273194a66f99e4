-- SPDX-License-Identifier: MIT
-- What: a provider's credential can be seen to change.

-- Counts how often another credential was set; the credential itself is shown
-- nowhere, so nothing else tells one from the next.
ALTER TABLE providers
	ADD COLUMN api_key_version INT UNSIGNED NOT NULL DEFAULT 0
		AFTER seal_key_id;
UPDATE providers SET api_key_version = 1 WHERE api_key IS NOT NULL;
