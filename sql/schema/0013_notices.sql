-- SPDX-License-Identifier: MIT
-- Notices to customers: what happened, once each, and on which ways it was
-- told. A notice is written in the transaction of what it tells of; workers
-- find it afterwards and deliver it (doc/notices.md).

-- Where a customer wants its notices sent; NULL: by e-mail only.
ALTER TABLE customers
	ADD COLUMN webhook_url VARCHAR(1024) CHARACTER SET ascii
		COLLATE ascii_bin NULL AFTER markup;

-- What signs them, sealed and bound to the customer. One without an end, and
-- beside it the one before the last rotation, until its time is up.
CREATE TABLE webhook_secrets (
	webhook_secret_id INT UNSIGNED NOT NULL AUTO_INCREMENT,
	customer_id       INT UNSIGNED NOT NULL,
	secret            VARBINARY(128) NOT NULL,
	seal_key_id       SMALLINT UNSIGNED NOT NULL,
	expires_at        DATETIME(6) NULL,
	created_at        DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at        DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (webhook_secret_id),
	KEY webhook_secret_customer (customer_id),
	CONSTRAINT webhook_secret_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- cause: what of that kind it tells of, such as a key and its expiry. A second
-- notice of the same cause does not go in. uid: by which a receiver knows it.
-- is_routed: its deliveries were made.
CREATE TABLE notices (
	notice_id   BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	uid         BINARY(16) NOT NULL,
	customer_id INT UNSIGNED NOT NULL,
	kind        VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	cause       VARCHAR(160) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	payload     TEXT NOT NULL,
	is_routed   TINYINT(1) NOT NULL DEFAULT 0,
	created_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (notice_id),
	UNIQUE KEY notice_uid (uid),
	UNIQUE KEY notice_cause (customer_id, kind, cause),
	KEY notice_unrouted (is_routed, notice_id),
	CONSTRAINT notice_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A try moves next_attempt_at to when it must be over: nobody else tries
-- meanwhile, and somebody does if it never ends.
CREATE TABLE notice_deliveries (
	notice_id       BIGINT UNSIGNED NOT NULL,
	channel         ENUM('email','webhook') NOT NULL,
	state           ENUM('pending','sent','dead') NOT NULL DEFAULT 'pending',
	attempts        INT UNSIGNED NOT NULL DEFAULT 0,
	next_attempt_at DATETIME(6) NOT NULL,
	sent_at         DATETIME(6) NULL,
	last_error      VARCHAR(250) NULL,
	created_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (notice_id, channel),
	KEY delivery_due (state, next_attempt_at),
	CONSTRAINT delivery_notice FOREIGN KEY (notice_id)
		REFERENCES notices (notice_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
