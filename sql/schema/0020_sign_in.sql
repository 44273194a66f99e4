-- SPDX-License-Identifier: MIT
-- Signing in: links by which somebody sets a password, second factors, and
-- the time zone that pages are read in.

-- A name of the tz database; what is stored stays UTC.
ALTER TABLE users
	ADD COLUMN time_zone VARCHAR(64) CHARACTER SET ascii
		COLLATE ascii_bin NOT NULL DEFAULT 'UTC' AFTER rate_limit_tier;

-- Links that are still good: whoever opens one may set the user's password,
-- which deletes all of the user's. Only a keyed digest is kept.
CREATE TABLE user_links (
	user_link_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	user_id      INT UNSIGNED NOT NULL,
	kind         ENUM('invitation','reset') NOT NULL,
	link_digest  BINARY(32) NOT NULL,
	expires_at   DATETIME(6) NOT NULL,
	created_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (user_link_id),
	UNIQUE KEY link_digest (link_digest),
	KEY link_user (user_id),
	KEY link_expiry (expires_at),
	CONSTRAINT link_user FOREIGN KEY (user_id)
		REFERENCES users (user_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Codes by time (RFC 6238). The secret is sealed and bound to the user; it
-- counts once a first code has confirmed it. used_step: the 30 seconds of the
-- last code that was taken; a code is good once.
CREATE TABLE second_factors (
	user_id      INT UNSIGNED NOT NULL,
	secret       VARBINARY(128) NOT NULL,
	seal_key_id  SMALLINT UNSIGNED NOT NULL,
	used_step    BIGINT UNSIGNED NOT NULL DEFAULT 0,
	is_confirmed TINYINT(1) NOT NULL DEFAULT 0,
	created_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (user_id),
	CONSTRAINT factor_user FOREIGN KEY (user_id)
		REFERENCES users (user_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Codes for whoever has lost the device; a used one is deleted.
CREATE TABLE recovery_codes (
	user_id     INT UNSIGNED NOT NULL,
	code_digest BINARY(32) NOT NULL,
	created_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (user_id, code_digest),
	CONSTRAINT recovery_user FOREIGN KEY (user_id)
		REFERENCES users (user_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A notice to one user goes to that address alone, by e-mail only; operators
-- have no customer. link: sealed and bound to uid, of a link to set a
-- password, so that the database alone opens no account.
ALTER TABLE notices
	MODIFY COLUMN customer_id INT UNSIGNED NULL,
	ADD COLUMN user_id INT UNSIGNED NULL AFTER customer_id,
	ADD COLUMN link VARBINARY(128) NULL AFTER payload,
	ADD CONSTRAINT notice_user FOREIGN KEY (user_id)
		REFERENCES users (user_id);
