-- SPDX-License-Identifier: MIT
-- What: models whose server runs on the host itself, providers that belong to
-- one model, and what a model samples with unless a request says otherwise.

ALTER TABLE models
	ADD COLUMN default_temperature DECIMAL(9,6) NULL AFTER tokenizer,
	ADD COLUMN default_top_p DECIMAL(9,6) NULL AFTER default_temperature,
	ADD CONSTRAINT model_temperature
		CHECK (default_temperature BETWEEN 0 AND 2),
	ADD CONSTRAINT model_top_p CHECK (default_top_p BETWEEN 0 AND 1);

-- model_path: `tollgate model serve` runs a model server for this folder, which
-- lies below models.directory, and listens where the provider's base_url says.
ALTER TABLE deployments
	ADD COLUMN model_path VARCHAR(512) NULL AFTER api_url,
	ADD COLUMN preload TINYINT(1) NOT NULL DEFAULT 0 AFTER model_path;

-- model_id: made together with this model, archived with it.
ALTER TABLE providers
	ADD COLUMN model_id INT UNSIGNED NULL AFTER is_enabled,
	ADD KEY provider_model (model_id),
	ADD CONSTRAINT provider_model FOREIGN KEY (model_id)
		REFERENCES models (model_id);
