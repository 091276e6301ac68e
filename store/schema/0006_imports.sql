-- +goose Up
-- One walk through another desk's records, and how far it has come.
CREATE TABLE import_run (
	id          BYTES PRIMARY KEY,
	workspace   BYTES  NOT NULL,
	source      TEXT   NOT NULL,
	-- where it reads from, for people: an address, or a file's name
	label       TEXT   NOT NULL DEFAULT '',
	-- sealed: holds the other desk's token
	settings    BYTES  NOT NULL,
	dry         BOOLEAN NOT NULL DEFAULT FALSE,
	state       TEXT   NOT NULL,
	-- where the source goes on, in its own words
	place       TEXT   NOT NULL DEFAULT '',
	counts      BYTES,
	done        BIGINT NOT NULL DEFAULT 0,
	total       BIGINT NOT NULL DEFAULT 0,
	unit        TEXT   NOT NULL DEFAULT '',
	code        TEXT   NOT NULL DEFAULT '',
	reason      TEXT   NOT NULL DEFAULT '',
	-- the newest entry when it began: what is younger, it has made itself
	since_lsn   BIGINT NOT NULL DEFAULT 0,
	-- the last entry that is counted: what is younger was made after "place" was noted
	upto_lsn    BIGINT NOT NULL DEFAULT 0,
	-- who walks it now and when they last said so
	runner      BYTES,
	beat_at     BIGINT NOT NULL DEFAULT 0,
	actor_kind  TEXT   NOT NULL,
	actor       BYTES,
	created_at  BIGINT NOT NULL,
	started_at  BIGINT NOT NULL DEFAULT 0,
	finished_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX import_run_list ON import_run (workspace, created_at);
CREATE INDEX import_run_state ON import_run (created_at) WHERE state IN ('queued', 'running');

-- What an import has to say about single records.
CREATE TABLE import_line (
	import    BYTES  NOT NULL,
	n         BIGINT NOT NULL,
	workspace BYTES  NOT NULL,
	outcome   TEXT   NOT NULL,
	what      TEXT   NOT NULL,
	ref       TEXT   NOT NULL,
	code      TEXT   NOT NULL DEFAULT '',
	detail    TEXT   NOT NULL DEFAULT '',
	PRIMARY KEY (import, n)
);
CREATE INDEX import_line_outcome ON import_line (import, outcome, n);
