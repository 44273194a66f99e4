-- SPDX-License-Identifier: MIT
-- Tenancy: the roles of people, what a key is bound to, its rotation, and
-- what the hosts think of their secrets.

-- What was a member is a developer: keys and what they are sorted by.
ALTER TABLE users
	MODIFY COLUMN role ENUM('operator','owner','billing','developer',
		'viewer','member') NOT NULL;
UPDATE users SET role = 'developer' WHERE role = 'member';
UPDATE role_tiers SET role = 'developer' WHERE role = 'member';
ALTER TABLE users
	MODIFY COLUMN role ENUM('operator','owner','billing','developer',
		'viewer') NOT NULL;

-- allowed_ips: addresses and ranges with commas between them, NULL: from
-- anywhere. previous_…: the secret that a rotation replaced, valid until
-- previous_expires_at.
ALTER TABLE api_keys
	ADD COLUMN allowed_ips TEXT CHARACTER SET ascii COLLATE ascii_bin NULL
		AFTER all_models,
	ADD COLUMN previous_public_id CHAR(10) CHARACTER SET ascii
		COLLATE ascii_bin NULL AFTER revoked_at,
	ADD COLUMN previous_secret BINARY(32) NULL AFTER previous_public_id,
	ADD COLUMN previous_pepper_id SMALLINT UNSIGNED NULL
		AFTER previous_secret,
	ADD COLUMN previous_expires_at DATETIME(6) NULL
		AFTER previous_pepper_id,
	ADD COLUMN expiry_noticed_at DATETIME(6) NULL
		AFTER previous_expires_at,
	ADD UNIQUE KEY key_previous_public_id (previous_public_id),
	ADD UNIQUE KEY key_previous_secret (previous_secret),
	ADD KEY key_expiry (expires_at),
	ADD KEY key_revoked (revoked_at),
	ADD KEY key_name (name),
	ADD KEY key_is_active (is_active, customer_id),
	ADD CONSTRAINT key_previous CHECK (
		(previous_secret IS NULL) = (previous_expires_at IS NULL)
		AND (previous_secret IS NULL) = (previous_pepper_id IS NULL));

ALTER TABLE rate_limit_tiers
	ADD COLUMN archived_at DATETIME(6) NULL;

-- What a key with a thousand models was and became does not fit 2000 bytes.
ALTER TABLE audit_log
	MODIFY COLUMN detail MEDIUMTEXT NULL,
	ADD KEY audit_object (object, object_id);

-- One row a host: digests of its secrets' numbers and values, so that hosts
-- which disagree are found before a key works on one of them only.
CREATE TABLE hosts (
	host         VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin
		NOT NULL,
	pepper_id    SMALLINT UNSIGNED NOT NULL,
	pepper_check BINARY(16) NOT NULL,
	seal_check   BINARY(16) NOT NULL,
	seen_at      DATETIME(6) NOT NULL,
	created_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (host)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
