-- +goose Up
-- What a workspace says of itself, that an outage's cost is worked out from.
CREATE TABLE assumption (
	workspace BYTES PRIMARY KEY,
	body      BYTES NOT NULL,
	stamp     BYTES NOT NULL
);

-- Customers whom people are to call, list by list.
CREATE TABLE call_list (
	workspace BYTES   NOT NULL,
	id        BYTES   NOT NULL,
	name      TEXT    NOT NULL DEFAULT '',
	run       BYTES,
	made_at   BIGINT  NOT NULL DEFAULT 0,
	withdrawn BOOLEAN NOT NULL DEFAULT FALSE,
	PRIMARY KEY (workspace, id)
);
CREATE TABLE call_item (
	workspace BYTES  NOT NULL,
	list      BYTES  NOT NULL,
	customer  BYTES  NOT NULL,
	operator  BYTES,
	position  BIGINT NOT NULL DEFAULT 0,
	outcome   TEXT   NOT NULL DEFAULT '',
	text      TEXT   NOT NULL DEFAULT '',
	called_at BIGINT NOT NULL DEFAULT 0,
	caller    BYTES,
	stamp     BYTES,
	PRIMARY KEY (workspace, list, customer)
);
