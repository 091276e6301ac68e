-- +goose Up
-- A "stamp" is a clock and an origin, 24 bytes that compare as a last-writer-wins order.
CREATE TABLE customer (
	id             BYTES PRIMARY KEY,
	workspace      BYTES  NOT NULL,
	name           TEXT   NOT NULL DEFAULT '',
	name_stamp     BYTES,
	language       TEXT   NOT NULL DEFAULT '',
	language_stamp BYTES,
	company        TEXT   NOT NULL DEFAULT '',
	company_stamp  BYTES,
	about          TEXT   NOT NULL DEFAULT '',
	about_stamp    BYTES,
	created_at     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX customer_list ON customer (workspace, created_at);

CREATE TABLE address (
	workspace BYTES NOT NULL,
	scheme    TEXT  NOT NULL,
	value     TEXT  NOT NULL,
	customer  BYTES NOT NULL,
	name      TEXT  NOT NULL DEFAULT '',
	verified  BOOLEAN NOT NULL DEFAULT FALSE,
	failing   TEXT  NOT NULL DEFAULT '',
	failing_stamp BYTES,
	stamp     BYTES NOT NULL,
	-- two nodes may have given one address to two customers; the smallest stamp has it
	PRIMARY KEY (workspace, scheme, value, customer)
);
CREATE INDEX address_customer ON address (customer);

CREATE TABLE conversation (
	id              BYTES PRIMARY KEY,
	workspace       BYTES  NOT NULL,
	number          BIGINT NOT NULL DEFAULT 0,
	customer        BYTES,
	channel         BYTES,
	opened_at       BIGINT NOT NULL DEFAULT 0,
	page            TEXT   NOT NULL DEFAULT '',
	subject         TEXT   NOT NULL DEFAULT '',
	subject_stamp   BYTES,
	status          TEXT   NOT NULL DEFAULT 'open',
	status_clock    BIGINT NOT NULL DEFAULT 0,
	status_stamp    BYTES,
	snooze_until    BIGINT NOT NULL DEFAULT 0,
	operator        BYTES,
	team            BYTES,
	assigned_stamp  BYTES,
	priority        BIGINT NOT NULL DEFAULT 1,
	priority_stamp  BYTES,
	first_in_at     BIGINT NOT NULL DEFAULT 0,
	last_in_clock   BIGINT NOT NULL DEFAULT 0,
	first_reply_at  BIGINT NOT NULL DEFAULT 0,
	last_out_clock  BIGINT NOT NULL DEFAULT 0,
	last_clock      BIGINT NOT NULL DEFAULT 0,
	preview         TEXT   NOT NULL DEFAULT '',
	preview_dir     TEXT   NOT NULL DEFAULT '',
	-- derived from the columns above: what a person sees
	state           TEXT   NOT NULL DEFAULT 'open'
);
CREATE INDEX conversation_state ON conversation (workspace, state, last_clock);
CREATE INDEX conversation_operator ON conversation (workspace, operator, state, last_clock);
CREATE INDEX conversation_team ON conversation (workspace, team, state, last_clock) WHERE team IS NOT NULL;
CREATE INDEX conversation_all ON conversation (workspace, last_clock);
CREATE INDEX conversation_customer ON conversation (customer, last_clock);
CREATE INDEX conversation_number ON conversation (workspace, number);
CREATE INDEX conversation_snoozed ON conversation (snooze_until) WHERE state = 'snoozed';

CREATE TABLE message (
	lsn          SERIALKEY,
	id           BYTES  NOT NULL,
	workspace    BYTES  NOT NULL,
	conversation BYTES  NOT NULL,
	clock        BIGINT NOT NULL,
	at           BIGINT NOT NULL,
	direction    TEXT   NOT NULL,
	customer     BYTES,
	channel      BYTES,
	author       BYTES,
	address      TEXT   NOT NULL DEFAULT '',
	address_name TEXT   NOT NULL DEFAULT '',
	subject      TEXT   NOT NULL DEFAULT '',
	text         TEXT   NOT NULL DEFAULT '',
	rest         TEXT   NOT NULL DEFAULT '',
	html         TEXT   NOT NULL DEFAULT '',
	external_id  TEXT,
	-- what is rarely there, as JSON: to, cc, bcc, attachments, marks, language, sent_at, remote, thread, mentions, automatic
	extra        BYTES,
	raw          TEXT   NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX message_id ON message (id);
CREATE INDEX message_conversation ON message (conversation, clock);
CREATE INDEX message_external ON message (workspace, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE tag (
	mark         BYTES PRIMARY KEY,
	workspace    BYTES NOT NULL,
	conversation BYTES NOT NULL,
	tag          TEXT  NOT NULL DEFAULT '',
	removed      BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX tag_conversation ON tag (conversation);
CREATE INDEX tag_name ON tag (workspace, tag);

CREATE TABLE read_mark (
	operator     BYTES  NOT NULL,
	conversation BYTES  NOT NULL,
	upto         BIGINT NOT NULL,
	stamp        BYTES  NOT NULL,
	PRIMARY KEY (operator, conversation)
);

CREATE TABLE draft (
	operator     BYTES  NOT NULL,
	conversation BYTES  NOT NULL,
	workspace    BYTES  NOT NULL,
	text         TEXT   NOT NULL,
	note         BOOLEAN NOT NULL DEFAULT FALSE,
	at           BIGINT NOT NULL,
	stamp        BYTES  NOT NULL,
	PRIMARY KEY (operator, conversation)
);

-- What came in and did not become a message.
CREATE TABLE arrival (
	id          BYTES PRIMARY KEY,
	lsn         BIGINT NOT NULL,
	workspace   BYTES  NOT NULL,
	channel     BYTES,
	at          BIGINT NOT NULL,
	reason      TEXT   NOT NULL,
	detail      TEXT   NOT NULL DEFAULT '',
	sender      TEXT   NOT NULL DEFAULT '',
	subject     TEXT   NOT NULL DEFAULT '',
	message     BYTES,
	raw         TEXT   NOT NULL DEFAULT '',
	raw_type    TEXT   NOT NULL DEFAULT '',
	external_id TEXT   NOT NULL DEFAULT '',
	replayed    BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX arrival_list ON arrival (workspace, lsn);

CREATE TABLE outbox (
	message      BYTES PRIMARY KEY,
	workspace    BYTES  NOT NULL,
	conversation BYTES  NOT NULL,
	customer     BYTES,
	channel      BYTES,
	scheme       TEXT   NOT NULL DEFAULT '',
	address      TEXT   NOT NULL DEFAULT '',
	lsn          BIGINT NOT NULL DEFAULT 0,
	state        TEXT   NOT NULL,
	stamp        BYTES  NOT NULL,
	attempts     BIGINT NOT NULL DEFAULT 0,
	due_at       BIGINT NOT NULL DEFAULT 0,
	expires_at   BIGINT NOT NULL DEFAULT 0,
	code         TEXT   NOT NULL DEFAULT '',
	reason       TEXT   NOT NULL DEFAULT '',
	external_id  TEXT   NOT NULL DEFAULT '',
	doubled      BOOLEAN NOT NULL DEFAULT FALSE,
	sent_lsn     BIGINT NOT NULL DEFAULT 0,
	changed_at   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX outbox_due ON outbox (channel, due_at, lsn) WHERE state IN ('queued', 'retry_wait');
CREATE INDEX outbox_conversation ON outbox (conversation, lsn);
CREATE INDEX outbox_state ON outbox (workspace, state, lsn);
CREATE INDEX outbox_external ON outbox (workspace, external_id) WHERE external_id <> '';

-- A row says: this attempt may be happening at the provider. It is on disk before the attempt begins.
CREATE TABLE lease (
	message BYTES PRIMARY KEY,
	channel BYTES  NOT NULL,
	attempt BIGINT NOT NULL,
	at      BIGINT NOT NULL
);

CREATE TABLE exchange (
	id        BYTES PRIMARY KEY,
	workspace BYTES  NOT NULL,
	message   BYTES  NOT NULL,
	at        BIGINT NOT NULL,
	outcome   TEXT   NOT NULL,
	took      BIGINT NOT NULL DEFAULT 0,
	lines     BYTES  NOT NULL
);
CREATE INDEX exchange_message ON exchange (message, at);
