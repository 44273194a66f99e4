-- SPDX-License-Identifier: MIT
-- Keys. api_key_secret holds a keyed digest, never the key.

-- Customers' keys. all_models also allows models that come later; otherwise
-- api_key_models lists what the key may use.
CREATE TABLE api_keys (
	api_key_id            INT UNSIGNED NOT NULL AUTO_INCREMENT,
	customer_id           INT UNSIGNED NOT NULL,
	user_id               INT UNSIGNED NOT NULL,
	project_id            INT UNSIGNED NULL,
	public_id             CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	api_key_secret        BINARY(32) NOT NULL,
	pepper_id             SMALLINT UNSIGNED NOT NULL,
	name                  VARCHAR(200) NOT NULL,
	scopes                SET('infer','usage:read','usage:write','keys:read',
		'keys:write','manage') NOT NULL,
	all_models            TINYINT(1) NOT NULL,
	rate_limit_tier       INT UNSIGNED NULL,
	rate_limit_per_minute INT UNSIGNED NULL,
	rate_limit_per_hour   INT UNSIGNED NULL,
	is_active             TINYINT(1) NOT NULL DEFAULT 1,
	expires_at            DATETIME(6) NULL,
	revoked_at            DATETIME(6) NULL,
	created_at            DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at            DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (api_key_id),
	UNIQUE KEY key_public_id (public_id),
	UNIQUE KEY key_secret (api_key_secret),
	KEY key_customer (customer_id),
	KEY key_user (user_id),
	KEY key_project (project_id),
	KEY key_tier (rate_limit_tier),
	CONSTRAINT key_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id),
	CONSTRAINT key_user FOREIGN KEY (user_id)
		REFERENCES users (user_id),
	CONSTRAINT key_project FOREIGN KEY (project_id)
		REFERENCES projects (project_id),
	CONSTRAINT key_tier FOREIGN KEY (rate_limit_tier)
		REFERENCES rate_limit_tiers (tier_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE api_key_models (
	api_key_id INT UNSIGNED NOT NULL,
	model_id   INT UNSIGNED NOT NULL,
	created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (api_key_id, model_id),
	KEY key_model (model_id),
	CONSTRAINT key_model_key FOREIGN KEY (api_key_id)
		REFERENCES api_keys (api_key_id),
	CONSTRAINT key_model_model FOREIGN KEY (model_id)
		REFERENCES models (model_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Last use, apart from the key: the flusher writes here several times a second
-- and must neither lock nor touch the rows that people change.
CREATE TABLE api_key_uses (
	api_key_id   INT UNSIGNED NOT NULL,
	last_used_at DATETIME(6) NOT NULL,
	created_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (api_key_id),
	CONSTRAINT key_use_key FOREIGN KEY (api_key_id)
		REFERENCES api_keys (api_key_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Keys that run the service: apart from api_keys, so that no look-up of a
-- customer's key can return one and usage cannot be booked on one.
CREATE TABLE operator_keys (
	operator_key_id INT UNSIGNED NOT NULL AUTO_INCREMENT,
	public_id       CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	api_key_secret  BINARY(32) NOT NULL,
	pepper_id       SMALLINT UNSIGNED NOT NULL,
	name            VARCHAR(200) NOT NULL,
	is_active       TINYINT(1) NOT NULL DEFAULT 1,
	expires_at      DATETIME(6) NULL,
	revoked_at      DATETIME(6) NULL,
	last_used_at    DATETIME(6) NULL,
	created_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (operator_key_id),
	UNIQUE KEY operator_key_public_id (public_id),
	UNIQUE KEY operator_key_secret (api_key_secret)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Slots 0..1023: keys by id; 1024: the catalogue. What was cached before a
-- slot's number changed is out of date.
CREATE TABLE key_generations (
	slot       SMALLINT UNSIGNED NOT NULL,
	generation BIGINT UNSIGNED NOT NULL,
	created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (slot),
	CONSTRAINT generation_slot CHECK (slot <= 1024)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
