-- SPDX-License-Identifier: MIT
-- What operators look at to see whether everything runs: workers, what hosts
-- have yet to bring to this database, and how the books were found last.

-- A row while a worker process runs; the series is its journal's. One that
-- was killed is forgotten after a day.
CREATE TABLE workers (
	series     BINARY(16) NOT NULL,
	host       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin
		NOT NULL,
	pid        INT UNSIGNED NOT NULL,
	version    VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin
		NOT NULL,
	started_at DATETIME(6) NOT NULL,
	seen_at    DATETIME(6) NOT NULL,
	created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (series),
	KEY worker_seen (seen_at)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- As of seen_at. unflushed: requests that ended and are not here yet; NULL:
-- the host could not read its journals.
ALTER TABLE hosts
	ADD COLUMN unflushed INT UNSIGNED NULL AFTER seal_check,
	ADD COLUMN unflushed_since DATETIME(6) NULL AFTER unflushed,
	ADD COLUMN unreadable INT UNSIGNED NOT NULL DEFAULT 0
		AFTER unflushed_since;

-- The last run of `tollgate reconcile` on each host. pending: requests of its
-- journals that were not flushed yet; unchecked: journals of other hosts.
CREATE TABLE reconcile_results (
	host         VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin
		NOT NULL,
	started_at   DATETIME(6) NOT NULL,
	finished_at  DATETIME(6) NOT NULL,
	is_clean     TINYINT(1) NOT NULL,
	has_journals TINYINT(1) NOT NULL,
	usage_rows   BIGINT UNSIGNED NOT NULL,
	differences  INT UNSIGNED NOT NULL,
	faults       BIGINT UNSIGNED NOT NULL,
	pending      BIGINT UNSIGNED NOT NULL,
	unchecked    INT UNSIGNED NOT NULL,
	created_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (host)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
