-- +goose Up
CREATE TABLE channel_account (
	id         BYTES PRIMARY KEY,
	workspace  BYTES  NOT NULL,
	kind       TEXT   NOT NULL,
	name       TEXT   NOT NULL,
	-- sealed: holds passwords and tokens
	settings   BYTES  NOT NULL,
	enabled    BOOLEAN NOT NULL DEFAULT TRUE,
	-- a removed account keeps its name for its conversations; its settings are gone
	removed    BOOLEAN NOT NULL DEFAULT FALSE,
	team       BYTES,
	created_at BIGINT NOT NULL,
	changed_at BIGINT NOT NULL
);
CREATE INDEX channel_account_workspace ON channel_account (workspace);

CREATE TABLE channel_state (
	account BYTES NOT NULL,
	name    TEXT  NOT NULL,
	value   BYTES NOT NULL,
	PRIMARY KEY (account, name)
);

CREATE TABLE webhook (
	id         BYTES PRIMARY KEY,
	workspace  BYTES  NOT NULL,
	url        TEXT   NOT NULL,
	secret     BYTES  NOT NULL,
	kinds      BYTES  NOT NULL,
	enabled    BOOLEAN NOT NULL DEFAULT TRUE,
	created_at BIGINT NOT NULL
);
CREATE INDEX webhook_workspace ON webhook (workspace);

CREATE TABLE webhook_delivery (
	id         BYTES PRIMARY KEY,
	webhook    BYTES  NOT NULL,
	workspace  BYTES  NOT NULL,
	lsn        BIGINT NOT NULL,
	kind       TEXT   NOT NULL,
	state      TEXT   NOT NULL,
	attempts   BIGINT NOT NULL DEFAULT 0,
	due_at     BIGINT NOT NULL,
	status     BIGINT NOT NULL DEFAULT 0,
	error      TEXT   NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (due_at) WHERE state = 'due';
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (webhook, lsn);
