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

-- What a customer says of himself and has proved by nothing; no message is placed by it.
ALTER TABLE address ADD COLUMN claimed BOOLEAN NOT NULL DEFAULT FALSE;

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

-- Who is told by mail: of what reached them in no other way, and by a digest, when
-- the next one is due (0: none is).
CREATE TABLE notice_mail (
	workspace BYTES   NOT NULL,
	operator  BYTES   NOT NULL,
	unseen    BOOLEAN NOT NULL DEFAULT FALSE,
	mailed_at BIGINT  NOT NULL DEFAULT 0, -- of what was unseen, last
	digest_at BIGINT  NOT NULL DEFAULT 0,
	PRIMARY KEY (workspace, operator)
);
CREATE INDEX notice_mail_digest ON notice_mail (digest_at) WHERE digest_at > 0;

-- What an operator is mailed of unless it reaches them in another way first.
CREATE TABLE notice_unseen (
	operator     BYTES  NOT NULL,
	lsn          BIGINT NOT NULL,
	workspace    BYTES  NOT NULL,
	kind         TEXT   NOT NULL,
	conversation BYTES,
	number       BIGINT NOT NULL DEFAULT 0,
	at           BIGINT NOT NULL,
	PRIMARY KEY (operator, lsn)
);
CREATE INDEX notice_unseen_at ON notice_unseen (at);
