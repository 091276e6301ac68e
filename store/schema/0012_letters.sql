-- +goose Up
-- What a letter says: mail that is no message of a conversation. Kept as long as
-- what was said to its provider.
CREATE TABLE letter (
	message     BYTES PRIMARY KEY,
	workspace   BYTES  NOT NULL,
	purpose     TEXT   NOT NULL,
	recipient   TEXT   NOT NULL DEFAULT '', -- name
	subject     TEXT   NOT NULL,
	text        TEXT   NOT NULL,
	html        TEXT   NOT NULL DEFAULT '',
	unsubscribe TEXT   NOT NULL DEFAULT '',
	created_at  BIGINT NOT NULL
);
CREATE INDEX letter_age ON letter (created_at);

-- Addresses that do not want mail of one sort; the latest word counts.
CREATE TABLE mute (
	workspace BYTES   NOT NULL,
	scheme    TEXT    NOT NULL,
	value     TEXT    NOT NULL,
	topic     TEXT    NOT NULL,
	muted     BOOLEAN NOT NULL,
	via       TEXT    NOT NULL DEFAULT '',
	at        BIGINT  NOT NULL,
	stamp     BYTES   NOT NULL,
	PRIMARY KEY (workspace, scheme, value, topic)
);

-- When an operator was last sent a digest, in unix milliseconds.
CREATE TABLE digest (
	workspace BYTES  NOT NULL,
	operator  BYTES  NOT NULL,
	sent_at   BIGINT NOT NULL,
	PRIMARY KEY (workspace, operator)
);
