-- +goose Up
-- What a desk has agreed to do when something breaks. The latest word counts, a
-- removal included.
CREATE TABLE plan (
	workspace  BYTES  NOT NULL,
	id         BYTES  NOT NULL,
	-- as the entry has it; NULL once it is removed
	body       BYTES,
	changed_at BIGINT NOT NULL,
	stamp      BYTES  NOT NULL,
	PRIMARY KEY (workspace, id)
);

-- Every change of a link, a channel or the reach: what plans are started by.
CREATE TABLE plan_condition (
	workspace BYTES  NOT NULL,
	cause     TEXT   NOT NULL,
	about     BYTES  NOT NULL,
	state     TEXT   NOT NULL,
	at        BIGINT NOT NULL,
	stamp     BYTES  NOT NULL,
	PRIMARY KEY (workspace, cause, stamp)
);

-- One time that a plan was carried out, or rehearsed.
CREATE TABLE plan_run (
	workspace     BYTES  NOT NULL,
	id            BYTES  NOT NULL,
	-- as the entry has it: the plan as it was then, and why it began
	body          BYTES  NOT NULL,
	plan          BYTES  NOT NULL,
	drill         BOOLEAN NOT NULL,
	started_at    BIGINT NOT NULL,
	PRIMARY KEY (workspace, id)
);
CREATE INDEX plan_run_started ON plan_run (workspace, started_at);

-- What became of it: "recovering" and "ended", each once; the earliest word counts.
CREATE TABLE plan_turn (
	workspace BYTES  NOT NULL,
	run       BYTES  NOT NULL,
	turn      TEXT   NOT NULL,
	at        BIGINT NOT NULL,
	actor     BYTES,
	body      BYTES  NOT NULL,
	stamp     BYTES  NOT NULL,
	PRIMARY KEY (workspace, run, turn)
);

-- How far each step of a run is.
CREATE TABLE plan_step (
	workspace BYTES  NOT NULL,
	run       BYTES  NOT NULL,
	recovery  BOOLEAN NOT NULL,
	step      TEXT   NOT NULL,
	state     TEXT   NOT NULL,
	at        BIGINT NOT NULL,
	actor     BYTES,
	body      BYTES  NOT NULL,
	stamp     BYTES  NOT NULL,
	PRIMARY KEY (workspace, run, recovery, step)
);

-- Whom a step told, and when somebody said that they have seen what they were told.
CREATE TABLE plan_call (
	workspace BYTES  NOT NULL,
	run       BYTES  NOT NULL,
	recovery  BOOLEAN NOT NULL,
	step      TEXT   NOT NULL,
	operator  BYTES  NOT NULL,
	asks      BOOLEAN NOT NULL,
	at        BIGINT NOT NULL,
	texts     BYTES  NOT NULL,
	PRIMARY KEY (workspace, run, recovery, step, operator)
);
CREATE INDEX plan_call_operator ON plan_call (workspace, operator);
CREATE TABLE plan_heard (
	workspace BYTES  NOT NULL,
	run       BYTES  NOT NULL,
	operator  BYTES  NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (workspace, run, operator, at)
);

-- What is to be done after a run, by whom and until when.
CREATE TABLE plan_action (
	workspace BYTES NOT NULL,
	run       BYTES NOT NULL,
	id        BYTES NOT NULL,
	body      BYTES NOT NULL,
	stamp     BYTES NOT NULL,
	PRIMARY KEY (workspace, run, id)
);

-- Which process carries plans out now. It is not kept up while there is nothing to do.
CREATE TABLE plan_lease (
	id     BIGINT PRIMARY KEY,
	holder BYTES  NOT NULL,
	until  BIGINT NOT NULL
);
