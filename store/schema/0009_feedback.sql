-- +goose Up
-- When a workspace answers, or one of its teams: the owner is the workspace itself or the team.
CREATE TABLE hours (
	workspace BYTES NOT NULL,
	owner     BYTES NOT NULL,
	body      BYTES NOT NULL,
	PRIMARY KEY (workspace, owner)
);

-- What customers think, one row for each conversation and kind; asked_at and the
-- score may come in any order.
CREATE TABLE rating (
	workspace    BYTES  NOT NULL,
	conversation BYTES  NOT NULL,
	kind         TEXT   NOT NULL,
	asked_at     BIGINT NOT NULL DEFAULT 0,
	score        BIGINT NOT NULL DEFAULT -1,
	comment      TEXT   NOT NULL DEFAULT '',
	via          TEXT   NOT NULL DEFAULT '',
	rated_at     BIGINT NOT NULL DEFAULT 0,
	stamp        BYTES,
	PRIMARY KEY (workspace, conversation, kind)
);
CREATE INDEX rating_list ON rating (workspace, rated_at);

-- What a workspace asks its customers, and when.
CREATE TABLE survey (
	workspace BYTES PRIMARY KEY,
	body      BYTES NOT NULL
);
