-- +goose Up
-- What a workspace says of itself, that an outage's cost is worked out from.
CREATE TABLE assumption (
	workspace BYTES PRIMARY KEY,
	body      BYTES NOT NULL,
	stamp     BYTES NOT NULL
);
