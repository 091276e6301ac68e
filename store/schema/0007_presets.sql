-- +goose Up
-- What is prepared once and used often: canned replies, macros, saved views, custom
-- fields. The latest word on an id counts, a removal included.
CREATE TABLE preset (
	workspace  BYTES  NOT NULL,
	kind       TEXT   NOT NULL,
	id         BYTES  NOT NULL,
	team       BYTES,
	operator   BYTES,
	-- as the entry has it; NULL once it is removed
	body       BYTES,
	changed_at BIGINT NOT NULL,
	stamp      BYTES  NOT NULL,
	PRIMARY KEY (workspace, kind, id)
);
