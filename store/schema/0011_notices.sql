-- +goose Up
-- How an operator wants to be told of things in a workspace, as JSON.
CREATE TABLE notice_setting (
	workspace BYTES NOT NULL,
	operator  BYTES NOT NULL,
	settings  BYTES NOT NULL,
	PRIMARY KEY (workspace, operator)
);

-- The key that push services know this installation by; one row.
CREATE TABLE push_key (
	id     BIGINT PRIMARY KEY,
	public TEXT  NOT NULL,
	sealed BYTES NOT NULL
);

-- A device that takes pushes. Address and keys are sealed; the address's hash finds it.
CREATE TABLE push_subscription (
	id         BYTES PRIMARY KEY,
	operator   BYTES  NOT NULL,
	address    BYTES  NOT NULL UNIQUE,
	sealed     BYTES  NOT NULL,
	agent      TEXT   NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL,
	used_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX push_subscription_operator ON push_subscription (operator);

-- One push to one device, until it is old.
CREATE TABLE push_delivery (
	id           BYTES PRIMARY KEY,
	subscription BYTES  NOT NULL,
	lsn          BIGINT NOT NULL,
	payload      BYTES  NOT NULL,
	state        TEXT   NOT NULL,
	attempts     BIGINT NOT NULL DEFAULT 0,
	due_at       BIGINT NOT NULL,
	created_at   BIGINT NOT NULL,
	UNIQUE (subscription, lsn)
);
CREATE INDEX push_delivery_due ON push_delivery (state, due_at);
