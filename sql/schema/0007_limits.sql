-- SPDX-License-Identifier: MIT
-- Limits beyond a key's requests a minute and an hour: every scope, window and
-- unit, requests at once, and the tier that a role brings.

-- Each row belongs to a tier, a customer or a key. The numbers of requests a
-- minute and an hour of a key for each model have columns of their own there.
CREATE TABLE rate_limits (
	rate_limit_id   INT UNSIGNED NOT NULL AUTO_INCREMENT,
	rate_limit_tier INT UNSIGNED NULL,
	customer_id     INT UNSIGNED NULL,
	api_key_id      INT UNSIGNED NULL,
	metric          ENUM(
		'key_model.requests.day', 'key.requests.day',
		'customer.requests.day', 'model.requests.day',
		'address.requests.day', 'key_model.tokens.day', 'key.tokens.day',
		'customer.tokens.day', 'model.tokens.day', 'address.tokens.day',
		'key_model.requests.hour', 'key.requests.hour',
		'customer.requests.hour', 'model.requests.hour',
		'address.requests.hour', 'key_model.tokens.hour',
		'key.tokens.hour', 'customer.tokens.hour', 'model.tokens.hour',
		'address.tokens.hour', 'key_model.requests.minute',
		'key.requests.minute', 'customer.requests.minute',
		'model.requests.minute', 'address.requests.minute',
		'key_model.tokens.minute', 'key.tokens.minute',
		'customer.tokens.minute', 'model.tokens.minute',
		'address.tokens.minute', 'key.concurrent', 'sliding'
		) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	amount          BIGINT UNSIGNED NOT NULL,
	created_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (rate_limit_id),
	UNIQUE KEY limit_tier (rate_limit_tier, metric),
	UNIQUE KEY limit_customer (customer_id, metric),
	UNIQUE KEY limit_key (api_key_id, metric),
	CONSTRAINT limit_holder CHECK ((rate_limit_tier IS NOT NULL)
		+ (customer_id IS NOT NULL) + (api_key_id IS NOT NULL) = 1),
	CONSTRAINT limit_column CHECK (metric NOT IN
		('key_model.requests.minute', 'key_model.requests.hour')),
	CONSTRAINT limit_amount CHECK (amount <= 100000000000),
	CONSTRAINT limit_tier FOREIGN KEY (rate_limit_tier)
		REFERENCES rate_limit_tiers (tier_id),
	CONSTRAINT limit_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id),
	CONSTRAINT limit_key FOREIGN KEY (api_key_id)
		REFERENCES api_keys (api_key_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A role by its name: users.role may learn new ones.
CREATE TABLE role_tiers (
	role            VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin
		NOT NULL,
	rate_limit_tier INT UNSIGNED NOT NULL,
	created_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (role),
	KEY role_tier (rate_limit_tier),
	CONSTRAINT role_tier FOREIGN KEY (rate_limit_tier)
		REFERENCES rate_limit_tiers (tier_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- To begin with; one of that name that is there already stays as it is.
INSERT INTO rate_limit_tiers
	(name, rate_limit_per_minute, rate_limit_per_hour)
VALUES ('free', 10, 200), ('standard', 60, 2000), ('premium', 600, 20000)
ON DUPLICATE KEY UPDATE name = VALUES(name);
