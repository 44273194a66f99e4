-- SPDX-License-Identifier: MIT
-- Who: customers, their people and projects, and what signs them in.

-- Named limits. NULL says nothing, so that the next level decides.
CREATE TABLE rate_limit_tiers (
	tier_id               INT UNSIGNED NOT NULL AUTO_INCREMENT,
	name                  VARCHAR(64) NOT NULL,
	rate_limit_per_minute INT UNSIGNED NULL,
	rate_limit_per_hour   INT UNSIGNED NULL,
	created_at            DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at            DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (tier_id),
	UNIQUE KEY tier_name (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- E-mail addresses are ASCII and compared without regard to case.
CREATE TABLE customers (
	customer_id           INT UNSIGNED NOT NULL AUTO_INCREMENT,
	name                  VARCHAR(200) NOT NULL,
	email                 VARCHAR(254) CHARACTER SET ascii
		COLLATE ascii_general_ci NOT NULL,
	company               VARCHAR(200) NULL,
	rate_limit_per_minute INT UNSIGNED NULL,
	rate_limit_per_hour   INT UNSIGNED NULL,
	markup                DECIMAL(9,6) NOT NULL DEFAULT 1,
	is_active             TINYINT(1) NOT NULL DEFAULT 1,
	archived_at           DATETIME(6) NULL,
	created_at            DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at            DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (customer_id),
	UNIQUE KEY customer_email (email),
	CONSTRAINT customer_markup CHECK (markup >= 0)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE projects (
	project_id  INT UNSIGNED NOT NULL AUTO_INCREMENT,
	customer_id INT UNSIGNED NOT NULL,
	name        VARCHAR(200) NOT NULL,
	archived_at DATETIME(6) NULL,
	created_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (project_id),
	UNIQUE KEY project_name (customer_id, name),
	CONSTRAINT project_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- customer_id is NULL for operators only.
CREATE TABLE users (
	user_id             INT UNSIGNED NOT NULL AUTO_INCREMENT,
	customer_id         INT UNSIGNED NULL,
	name                VARCHAR(200) NOT NULL,
	email               VARCHAR(254) CHARACTER SET ascii
		COLLATE ascii_general_ci NOT NULL,
	role                ENUM('owner','member','viewer','operator')
		NOT NULL,
	password_hash       VARCHAR(128) CHARACTER SET ascii
		COLLATE ascii_bin NULL,
	rate_limit_tier     INT UNSIGNED NULL,
	is_active           TINYINT(1) NOT NULL DEFAULT 1,
	sign_in_failures    INT UNSIGNED NOT NULL DEFAULT 0,
	sign_in_failed_at   DATETIME(6) NULL,
	last_sign_in_at     DATETIME(6) NULL,
	archived_at         DATETIME(6) NULL,
	created_at          DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at          DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (user_id),
	UNIQUE KEY user_email (email),
	KEY user_customer (customer_id, role),
	KEY user_tier (rate_limit_tier),
	CONSTRAINT user_customer_role
		CHECK ((customer_id IS NULL) = (role = 'operator')),
	CONSTRAINT user_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id),
	CONSTRAINT user_tier FOREIGN KEY (rate_limit_tier)
		REFERENCES rate_limit_tiers (tier_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Signed-in browsers; the digest is keyed, so a dump signs nobody in.
CREATE TABLE sessions (
	session_id     BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	session_digest BINARY(32) NOT NULL,
	user_id        INT UNSIGNED NOT NULL,
	last_seen_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	expires_at     DATETIME(6) NOT NULL,
	client_address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NULL,
	user_agent     VARCHAR(255) NULL,
	created_at     DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at     DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (session_id),
	UNIQUE KEY session_digest (session_digest),
	KEY session_user (user_id),
	KEY session_expiry (expires_at),
	CONSTRAINT session_user FOREIGN KEY (user_id)
		REFERENCES users (user_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Append only. Ids without foreign keys on purpose for actor and object: of
-- what kind they are stands beside them.
CREATE TABLE audit_log (
	audit_id       BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	actor          ENUM('system','command','user','api_key',
		'operator_key','anonymous') NOT NULL,
	actor_id       INT UNSIGNED NULL,
	customer_id    INT UNSIGNED NULL,
	action         VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin
		NOT NULL,
	object         VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
	object_id      BIGINT UNSIGNED NULL,
	is_success     TINYINT(1) NOT NULL,
	client_address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NULL,
	request_id     VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
	detail         VARCHAR(2000) NULL,
	created_at     DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at     DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (audit_id),
	KEY audit_customer (customer_id),
	CONSTRAINT audit_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
