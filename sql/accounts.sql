-- SPDX-License-Identifier: MIT
-- Step 1 of setting up the database, as its administrator: the database and
-- two accounts. Replace both passwords first. Then run `tollgate migrate` as
-- tollgate_migrate (step 2), then grants.sql (step 3).
-- With workers on other hosts, write their host pattern for 'localhost' and
-- add REQUIRE SSL.

CREATE DATABASE IF NOT EXISTS tollgate
	CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The workers and the command line.
CREATE USER IF NOT EXISTS 'tollgate'@'localhost'
	IDENTIFIED BY 'change-me-workers';

-- For `tollgate migrate` only: it may change tables.
CREATE USER IF NOT EXISTS 'tollgate_migrate'@'localhost'
	IDENTIFIED BY 'change-me-migrate';

GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES,
	CREATE VIEW, SHOW VIEW
	ON tollgate.* TO 'tollgate_migrate'@'localhost';
