-- +goose Up
-- One of very many leaves a part of its channel to one-to-one service.
ALTER TABLE outbox ADD COLUMN bulk BOOLEAN NOT NULL DEFAULT FALSE;
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (channel, bulk, due_at, lsn) WHERE state IN ('queued', 'retry_wait');
-- What a customer waits for, the oldest first.
CREATE INDEX outbox_customer ON outbox (customer, lsn) WHERE state IN ('queued', 'retry_wait');
CREATE INDEX exchange_at ON exchange (at);

-- At most so many messages in so many milliseconds; 0 for no bound.
CREATE TABLE lane_limit (
	channel   BYTES PRIMARY KEY,
	workspace BYTES  NOT NULL,
	count     BIGINT NOT NULL,
	per       BIGINT NOT NULL,
	stamp     BYTES  NOT NULL
);

-- Each time that a message was sent another way: the way left behind and the one taken.
CREATE TABLE leg (
	message      BYTES  NOT NULL,
	stamp        BYTES  NOT NULL,
	workspace    BYTES  NOT NULL,
	conversation BYTES  NOT NULL,
	at           BIGINT NOT NULL,
	from_channel BYTES,
	from_scheme  TEXT   NOT NULL,
	from_address TEXT   NOT NULL,
	accepted     BOOLEAN NOT NULL,
	external_id  TEXT   NOT NULL,
	channel      BYTES,
	scheme       TEXT   NOT NULL,
	address      TEXT   NOT NULL,
	why          TEXT   NOT NULL,
	code         TEXT   NOT NULL,
	reason       TEXT   NOT NULL,
	line         TEXT   NOT NULL,
	files        TEXT   NOT NULL,
	subject      TEXT   NOT NULL,
	thread       TEXT   NOT NULL,
	PRIMARY KEY (message, stamp)
);
CREATE INDEX leg_address ON leg (workspace, channel, address, at);
CREATE INDEX leg_left ON leg (workspace, from_channel, from_address) WHERE accepted;
CREATE INDEX leg_external ON leg (workspace, external_id) WHERE external_id <> '';

CREATE TABLE chain (
	workspace BYTES   NOT NULL,
	sort      TEXT    NOT NULL,
	rule      BYTES   NOT NULL,
	stamp     BYTES   NOT NULL,
	PRIMARY KEY (workspace, sort)
);

CREATE TABLE way_preferred (
	customer  BYTES PRIMARY KEY,
	workspace BYTES NOT NULL,
	schemes   TEXT  NOT NULL,
	stamp     BYTES NOT NULL
);

CREATE TABLE consent (
	workspace BYTES   NOT NULL,
	scheme    TEXT    NOT NULL,
	value     TEXT    NOT NULL,
	purpose   TEXT    NOT NULL,
	given     BOOLEAN NOT NULL,
	proof     TEXT    NOT NULL DEFAULT '',
	via       TEXT    NOT NULL DEFAULT '',
	message   BYTES,
	at        BIGINT  NOT NULL,
	stamp     BYTES   NOT NULL,
	PRIMARY KEY (workspace, scheme, value, purpose)
);

-- Messages whose chain is not at its end: what to look at again, and when.
CREATE TABLE chase (
	message   BYTES PRIMARY KEY,
	workspace BYTES  NOT NULL,
	began_at  BIGINT NOT NULL, -- of the way that it is on
	due_at    BIGINT NOT NULL  -- 0: when something happens
);
CREATE INDEX chase_due ON chase (due_at) WHERE due_at > 0;
