-- SPDX-License-Identifier: MIT
-- What `tollgate migrate` itself needs. This file alone is run again and
-- again, so everything in it must be harmless when it is there already.

CREATE TABLE IF NOT EXISTS leases (
	name       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	holder     BINARY(16) NOT NULL,
	fence      BIGINT UNSIGNED NOT NULL DEFAULT 0,
	expires_at DATETIME(6) NOT NULL,
	created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row a file. statements_done lets a run that broke off half-way (data
-- definition has no transactions) be continued where it stopped.
CREATE TABLE IF NOT EXISTS schema_migrations (
	version         INT UNSIGNED NOT NULL,
	name            VARCHAR(190) NOT NULL,
	checksum        BINARY(32) NOT NULL,
	statements_done INT UNSIGNED NOT NULL DEFAULT 0,
	duration_ms     BIGINT UNSIGNED NOT NULL DEFAULT 0,
	finished_at     DATETIME(6) NULL,
	created_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (version)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
