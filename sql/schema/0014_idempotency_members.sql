-- SPDX-License-Identifier: MIT
-- Idempotency-Key on inference; members that a model allows.

-- Whether the key's inference heeds the header: a claim costs statements, and
-- answers are kept, so nobody gets it unasked.
ALTER TABLE api_keys
	ADD COLUMN idempotency TINYINT(1) NOT NULL DEFAULT 0;

-- A claim stands here from before its request is forwarded. status is 0 while
-- it runs, and expires_at then its deadline, from which on it counts as not
-- there. answer is sealed for inference, and NULL of one that is not kept.
-- request_id is the first request's: by it a worker that is late finds that
-- the claim is not its own any more, and the flusher the claims of a worker
-- that was killed. Answers from before have none.
ALTER TABLE idempotency_keys
	ADD COLUMN customer_id INT UNSIGNED NULL,
	ADD COLUMN request_id BINARY(16) NOT NULL DEFAULT '',
	ADD COLUMN cost_in_usd DECIMAL(20,12) NULL,
	MODIFY answer MEDIUMBLOB NULL,
	ADD KEY idempotency_request (request_id),
	ADD KEY idempotency_customer (customer_id),
	ADD CONSTRAINT idempotency_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id);

-- Names with commas between them, of those members of a request that are
-- refused unless a model allows them (src/upstream/providers.def).
ALTER TABLE models
	ADD COLUMN allowed_members VARCHAR(1000) CHARACTER SET ascii
		COLLATE ascii_bin NOT NULL DEFAULT '';
