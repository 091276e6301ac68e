-- +goose Up
-- The sign-in provider of the whole installation, sealed: one row, or none.
CREATE TABLE sign_in_provider (
	id         BIGINT PRIMARY KEY,
	sealed     BYTES  NOT NULL,
	changed_at BIGINT NOT NULL
);
