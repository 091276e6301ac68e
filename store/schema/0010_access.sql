-- +goose Up
-- The roles of a workspace that cannot do anything without a second factor.
CREATE TABLE second_factor_rule (
	workspace BYTES NOT NULL,
	role      TEXT  NOT NULL,
	PRIMARY KEY (workspace, role)
);

-- A public key that lets an operator in; record is what the protocol wants remembered, as JSON.
CREATE TABLE passkey (
	id         BYTES PRIMARY KEY,
	operator   BYTES  NOT NULL,
	credential BYTES  NOT NULL UNIQUE,
	name       TEXT   NOT NULL,
	record     BYTES  NOT NULL,
	created_at BIGINT NOT NULL,
	used_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX passkey_operator ON passkey (operator);

-- Challenges that were answered: none is answered twice.
CREATE TABLE spent_challenge (
	hash       BYTES PRIMARY KEY,
	expires_at BIGINT NOT NULL
);
CREATE INDEX spent_challenge_expires ON spent_challenge (expires_at);

-- Who an operator is to a sign-in provider.
CREATE TABLE provider_identity (
	issuer     TEXT   NOT NULL,
	subject    TEXT   NOT NULL,
	operator   BYTES  NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (issuer, subject)
);
CREATE INDEX provider_identity_operator ON provider_identity (operator);
