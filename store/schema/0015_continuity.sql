-- +goose Up
-- The ways out of this node. manual is an administrator's word: '', 'up' or 'down'.
CREATE TABLE uplink (
	id         BYTES PRIMARY KEY,
	body       BYTES  NOT NULL,
	manual     TEXT   NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL
);

-- What stands in the office and is watched.
CREATE TABLE equipment (
	id         BYTES PRIMARY KEY,
	body       BYTES  NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE continuity_setting (
	name TEXT  PRIMARY KEY,
	body BYTES NOT NULL
);

-- The reach that a channel account needs, where an administrator says other than its kind.
CREATE TABLE channel_need (
	channel   BYTES PRIMARY KEY,
	workspace BYTES NOT NULL,
	reach     TEXT  NOT NULL
);

-- What was measured: sums over the seconds of a step in which there was a probe.
-- Telemetry, and no part of the journal.
CREATE TABLE link_figure (
	uplink  BYTES  NOT NULL,
	step    BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	seconds BIGINT NOT NULL,
	rtt     BIGINT NOT NULL,
	jitter  BIGINT NOT NULL,
	loss    BIGINT NOT NULL,
	mos     BIGINT NOT NULL,
	worst   BIGINT NOT NULL,
	PRIMARY KEY (uplink, step, at)
);

-- The ledger of outages: every change of a link, of the reach and of a channel.
CREATE TABLE outage_mark (
	origin    BYTES  NOT NULL,
	seq       BIGINT NOT NULL,
	id        BYTES  NOT NULL,
	workspace BYTES  NOT NULL,
	scope     TEXT   NOT NULL,
	subject   BYTES  NOT NULL,
	name      TEXT   NOT NULL DEFAULT '',
	state     TEXT   NOT NULL,
	down      BOOLEAN NOT NULL,
	via       TEXT   NOT NULL DEFAULT '',
	code      TEXT   NOT NULL DEFAULT '',
	reason    TEXT   NOT NULL DEFAULT '',
	stamp     BYTES  NOT NULL,
	lsn       BIGINT NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (origin, seq)
);
CREATE INDEX outage_mark_subject ON outage_mark (workspace, scope, subject, stamp);
CREATE INDEX outage_mark_id ON outage_mark (workspace, id);
CREATE INDEX outage_mark_down ON outage_mark (workspace, stamp) WHERE down;

-- Messages that somebody sent by another channel than they were written for.
CREATE TABLE outage_detour (
	origin    BYTES  NOT NULL,
	seq       BIGINT NOT NULL,
	workspace BYTES  NOT NULL,
	message   BYTES  NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (origin, seq)
);
CREATE INDEX outage_detour_at ON outage_detour (workspace, at);
