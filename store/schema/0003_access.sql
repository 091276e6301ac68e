-- +goose Up
CREATE TABLE workspace (
	id         BYTES PRIMARY KEY,
	name       TEXT   NOT NULL,
	language   TEXT   NOT NULL,
	time_zone  TEXT   NOT NULL,
	demo       BOOLEAN NOT NULL DEFAULT FALSE,
	settings   BYTES,
	created_at BIGINT NOT NULL
);

CREATE TABLE operator (
	id          BYTES PRIMARY KEY,
	email       TEXT   NOT NULL UNIQUE,
	name        TEXT   NOT NULL,
	language    TEXT   NOT NULL,
	password    TEXT   NOT NULL DEFAULT '',
	totp        BYTES,
	totp_on     BOOLEAN NOT NULL DEFAULT FALSE,
	totp_last   BIGINT NOT NULL DEFAULT 0,
	recovery    BYTES,
	disabled    BOOLEAN NOT NULL DEFAULT FALSE,
	preferences BYTES,
	created_at  BIGINT NOT NULL
);

CREATE TABLE member (
	workspace BYTES NOT NULL,
	operator  BYTES NOT NULL,
	role      TEXT  NOT NULL,
	-- somebody who has left: kept for the names in old conversations
	former    BOOLEAN NOT NULL DEFAULT FALSE,
	PRIMARY KEY (workspace, operator)
);
CREATE INDEX member_operator ON member (operator);

CREATE TABLE team (
	id        BYTES PRIMARY KEY,
	workspace BYTES NOT NULL,
	name      TEXT  NOT NULL
);
CREATE INDEX team_workspace ON team (workspace);

CREATE TABLE team_member (
	team     BYTES NOT NULL,
	operator BYTES NOT NULL,
	PRIMARY KEY (team, operator)
);

CREATE TABLE session (
	hash       BYTES PRIMARY KEY,
	operator   BYTES  NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	address    TEXT   NOT NULL DEFAULT '',
	agent      TEXT   NOT NULL DEFAULT '',
	-- TRUE until the second factor has been given
	half       BOOLEAN NOT NULL DEFAULT FALSE,
	-- TRUE when it began with a sign-in link: a new password may be set without the old one
	linked     BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX session_operator ON session (operator);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE sign_in_link (
	hash       BYTES PRIMARY KEY,
	operator   BYTES,
	expires_at BIGINT NOT NULL
);

CREATE TABLE token (
	id         BYTES PRIMARY KEY,
	hash       BYTES  NOT NULL UNIQUE,
	workspace  BYTES,
	name       TEXT   NOT NULL,
	role       TEXT   NOT NULL,
	scopes     BYTES,
	created_by BYTES,
	created_at BIGINT NOT NULL,
	used_at    BIGINT NOT NULL DEFAULT 0,
	expires_at BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE attempt (
	name       TEXT PRIMARY KEY,
	failures   BIGINT NOT NULL,
	last_at    BIGINT NOT NULL,
	blocked_to BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX attempt_last ON attempt (last_at);

CREATE TABLE audit (
	id         SERIALKEY,
	workspace  BYTES,
	at         BIGINT NOT NULL,
	actor_kind TEXT   NOT NULL,
	actor      BYTES,
	address    TEXT   NOT NULL DEFAULT '',
	action     TEXT   NOT NULL,
	subject    BYTES,
	detail     BYTES
);
CREATE INDEX audit_list ON audit (workspace, id);
