-- +goose Up
-- What many customers are told at once. Each stamp is of the columns before it; the
-- latest word on them counts.
CREATE TABLE broadcast (
	id            BYTES PRIMARY KEY,
	workspace     BYTES  NOT NULL,
	created_at    BIGINT NOT NULL,
	body          BYTES, -- as the entry has it
	saved_kind    TEXT   NOT NULL DEFAULT '',
	saved_by      BYTES,
	saved_at      BIGINT NOT NULL DEFAULT 0,
	saved_stamp   BYTES,
	state         TEXT   NOT NULL DEFAULT 'draft',
	state_at      BIGINT NOT NULL DEFAULT 0,
	state_stamp   BYTES,
	asked_kind    TEXT   NOT NULL DEFAULT '',
	asked_by      BYTES,
	asked_at      BIGINT NOT NULL DEFAULT 0,
	asked_count   BIGINT NOT NULL DEFAULT 0,
	asked_stamp   BYTES,
	started_kind  TEXT   NOT NULL DEFAULT '',
	started_by    BYTES,
	started_at    BIGINT NOT NULL DEFAULT 0,
	started_stamp BYTES
);
CREATE INDEX broadcast_list ON broadcast (workspace, created_at);
CREATE INDEX broadcast_running ON broadcast (started_at) WHERE state = 'running';

-- How far this node has brought one: its recipients are frozen from prepared_at on.
CREATE TABLE broadcast_run (
	broadcast   BYTES PRIMARY KEY,
	workspace   BYTES  NOT NULL,
	prepared_at BIGINT NOT NULL
);

CREATE TABLE broadcast_recipient (
	broadcast  BYTES  NOT NULL,
	position   BIGINT NOT NULL, -- from 1, in the order in which they are told
	workspace  BYTES  NOT NULL,
	customer   BYTES  NOT NULL,
	message    BYTES  NOT NULL,
	scheme     TEXT   NOT NULL DEFAULT '',
	address    TEXT   NOT NULL DEFAULT '',
	language   TEXT   NOT NULL DEFAULT '',
	zone       TEXT   NOT NULL DEFAULT '',
	state      TEXT   NOT NULL, -- waiting, sending, told, delivered, unsure, failed, refused, dropped
	reason     TEXT   NOT NULL DEFAULT '',
	detail     TEXT   NOT NULL DEFAULT '',
	not_before BIGINT NOT NULL DEFAULT 0,
	channel    BYTES,
	told_at    BIGINT NOT NULL DEFAULT 0, -- when the outbox got it
	held       BOOLEAN NOT NULL DEFAULT FALSE, -- by a pause
	answer     BYTES, -- the conversation that the customer's answer landed in
	PRIMARY KEY (broadcast, position)
);
CREATE UNIQUE INDEX broadcast_recipient_customer ON broadcast_recipient (broadcast, customer);
CREATE INDEX broadcast_recipient_state ON broadcast_recipient (broadcast, state, scheme, position);
CREATE INDEX broadcast_recipient_address ON broadcast_recipient (workspace, scheme, address, told_at);
CREATE INDEX broadcast_recipient_told ON broadcast_recipient (workspace, told_at) WHERE told_at > 0;

-- Who has been told of an incident.
CREATE TABLE broadcast_told (
	workspace BYTES  NOT NULL,
	incident  TEXT   NOT NULL,
	customer  BYTES  NOT NULL,
	broadcast BYTES  NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (workspace, incident, customer)
);

CREATE TABLE broadcast_setting (
	workspace    BYTES PRIMARY KEY,
	second_above BIGINT NOT NULL
);
