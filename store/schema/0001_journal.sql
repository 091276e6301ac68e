-- +goose Up
CREATE TABLE fact (
	name  TEXT PRIMARY KEY,
	value BYTES NOT NULL
);

CREATE TABLE journal (
	lsn        SERIALKEY,
	origin     BYTES  NOT NULL,
	seq        BIGINT NOT NULL,
	clock      BIGINT NOT NULL,
	at         BIGINT NOT NULL,
	workspace  BYTES,
	subject    BYTES,
	kind       TEXT   NOT NULL,
	actor_kind TEXT   NOT NULL,
	actor      BYTES,
	body       BYTES  NOT NULL
);
CREATE UNIQUE INDEX journal_origin ON journal (origin, seq);
CREATE INDEX journal_subject ON journal (subject, lsn);

-- Commands that were done, by the id their maker gave them.
CREATE TABLE done (
	workspace BYTES  NOT NULL,
	id        BYTES  NOT NULL,
	lsn       BIGINT NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (workspace, id)
);
CREATE INDEX done_at ON done (at);

CREATE TABLE follower (
	name TEXT PRIMARY KEY,
	lsn  BIGINT NOT NULL
);

CREATE TABLE dead_letter (
	follower TEXT   NOT NULL,
	lsn      BIGINT NOT NULL,
	error    TEXT   NOT NULL,
	attempts BIGINT NOT NULL,
	at       BIGINT NOT NULL,
	PRIMARY KEY (follower, lsn)
);

-- The version of each projection that its tables were filled by.
CREATE TABLE projection (
	name    TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	lsn     BIGINT NOT NULL
);
