-- SPDX-License-Identifier: MIT
-- What: providers, models and their prices. Everything here that customers or
-- usage refer to is archived, never deleted.

-- A provider's key is sealed with a key that the database does not hold, and
-- bound to its row.
CREATE TABLE providers (
	provider_id     INT UNSIGNED NOT NULL AUTO_INCREMENT,
	name            VARCHAR(64) NOT NULL,
	kind            ENUM('openai','anthropic','huggingface','local')
		NOT NULL,
	base_url        VARCHAR(1024) NOT NULL,
	api_key         VARBINARY(1024) NULL,
	seal_key_id     SMALLINT UNSIGNED NULL,
	on_client_close ENUM('cancel','drain') NOT NULL DEFAULT 'cancel',
	drain_s         SMALLINT UNSIGNED NOT NULL DEFAULT 0,
	is_enabled      TINYINT(1) NOT NULL DEFAULT 1,
	archived_at     DATETIME(6) NULL,
	created_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at      DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (provider_id),
	UNIQUE KEY provider_name (name),
	CONSTRAINT provider_sealed
		CHECK ((api_key IS NULL) = (seal_key_id IS NULL))
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What customers name in a request. NULL: not known, or the configured value.
CREATE TABLE models (
	model_id                   INT UNSIGNED NOT NULL AUTO_INCREMENT,
	name                       VARCHAR(128) NOT NULL,
	description                VARCHAR(2000) NOT NULL,
	is_enabled                 TINYINT(1) NOT NULL DEFAULT 1,
	context_length             INT UNSIGNED NULL,
	default_max_output_tok     INT UNSIGNED NULL,
	max_output_tok             INT UNSIGNED NULL,
	long_context_threshold_tok INT UNSIGNED NULL,
	tokenizer                  VARCHAR(64) NULL,
	connect_ms                 INT UNSIGNED NULL,
	first_byte_ms              INT UNSIGNED NULL,
	idle_ms                    INT UNSIGNED NULL,
	archived_at                DATETIME(6) NULL,
	created_at                 DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at                 DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (model_id),
	UNIQUE KEY model_name (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which provider serves a model, under which name. The lowest ordinal is tried
-- first; equal ordinals share by weight. api_url is called exactly as given.
CREATE TABLE deployments (
	deployment_id INT UNSIGNED NOT NULL AUTO_INCREMENT,
	model_id      INT UNSIGNED NOT NULL,
	provider_id   INT UNSIGNED NOT NULL,
	upstream_name VARCHAR(190) NOT NULL,
	ordinal       SMALLINT UNSIGNED NOT NULL DEFAULT 0,
	weight        SMALLINT UNSIGNED NOT NULL DEFAULT 1,
	api_url       VARCHAR(1024) NULL,
	is_enabled    TINYINT(1) NOT NULL DEFAULT 1,
	archived_at   DATETIME(6) NULL,
	created_at    DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at    DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (deployment_id),
	KEY deployment_model (model_id),
	KEY deployment_provider (provider_id),
	CONSTRAINT deployment_weight CHECK (weight BETWEEN 1 AND 1000),
	CONSTRAINT deployment_model FOREIGN KEY (model_id)
		REFERENCES models (model_id),
	CONSTRAINT deployment_provider FOREIGN KEY (provider_id)
		REFERENCES providers (provider_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- USD per token of each class, per request, and again for requests beyond the
-- long-context threshold. Append only: usage rows refer to their version.
CREATE TABLE price_versions (
	price_version_id                         INT UNSIGNED NOT NULL AUTO_INCREMENT,
	model_id                                 INT UNSIGNED NOT NULL,
	effective_from                           DATETIME(6) NOT NULL,
	token_in_usd                             DECIMAL(20,12) NOT NULL,
	token_in_cached_context_usd              DECIMAL(20,12) NOT NULL,
	token_in_cache_write_usd                 DECIMAL(20,12) NOT NULL,
	token_in_audio_usd                       DECIMAL(20,12) NOT NULL,
	token_out_usd                            DECIMAL(20,12) NOT NULL,
	token_out_reasoning_usd                  DECIMAL(20,12) NOT NULL,
	token_out_audio_usd                      DECIMAL(20,12) NOT NULL,
	token_out_image_usd                      DECIMAL(20,12) NOT NULL,
	long_context_token_in_usd                DECIMAL(20,12) NOT NULL,
	long_context_token_in_cached_context_usd DECIMAL(20,12) NOT NULL,
	long_context_token_in_cache_write_usd    DECIMAL(20,12) NOT NULL,
	long_context_token_in_audio_usd          DECIMAL(20,12) NOT NULL,
	long_context_token_out_usd               DECIMAL(20,12) NOT NULL,
	long_context_token_out_reasoning_usd     DECIMAL(20,12) NOT NULL,
	long_context_token_out_audio_usd         DECIMAL(20,12) NOT NULL,
	long_context_token_out_image_usd         DECIMAL(20,12) NOT NULL,
	request_usd                              DECIMAL(20,12) NOT NULL,
	note                                     VARCHAR(255) NULL,
	created_at                               DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at                               DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (price_version_id),
	UNIQUE KEY price_start (model_id, effective_from),
	CONSTRAINT price_not_negative CHECK (
			LEAST(token_in_usd, token_in_cached_context_usd,
			token_in_cache_write_usd,
			token_in_audio_usd,
			token_out_usd,
			token_out_reasoning_usd,
			token_out_audio_usd,
			token_out_image_usd,
			long_context_token_in_usd,
			long_context_token_in_cached_context_usd,
			long_context_token_in_cache_write_usd,
			long_context_token_in_audio_usd,
			long_context_token_out_usd,
			long_context_token_out_reasoning_usd,
			long_context_token_out_audio_usd,
			long_context_token_out_image_usd,
			request_usd) >= 0),
	CONSTRAINT price_model FOREIGN KEY (model_id)
		REFERENCES models (model_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Programs of a customer that usage can be booked on.
CREATE TABLE agents (
	agent_id    INT UNSIGNED NOT NULL AUTO_INCREMENT,
	customer_id INT UNSIGNED NOT NULL,
	name        VARCHAR(200) NOT NULL,
	archived_at DATETIME(6) NULL,
	created_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at  DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (agent_id),
	UNIQUE KEY agent_name (customer_id, name),
	CONSTRAINT agent_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Their connections to other systems, likewise.
CREATE TABLE connectors (
	connector_id INT UNSIGNED NOT NULL AUTO_INCREMENT,
	customer_id  INT UNSIGNED NOT NULL,
	name         VARCHAR(200) NOT NULL,
	archived_at  DATETIME(6) NULL,
	created_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
	updated_at   DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
		ON UPDATE CURRENT_TIMESTAMP(6),
	PRIMARY KEY (connector_id),
	UNIQUE KEY connector_name (customer_id, name),
	CONSTRAINT connector_customer FOREIGN KEY (customer_id)
		REFERENCES customers (customer_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
