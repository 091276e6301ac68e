-- +goose Up
-- The conversation that this one is shown as, when it was merged; derived from conversation_edge.
ALTER TABLE conversation ADD COLUMN merged BYTES;
ALTER TABLE conversation ADD COLUMN opened_clock BIGINT NOT NULL DEFAULT 0;
-- the subject as filters compare it
ALTER TABLE conversation ADD COLUMN subject_fold TEXT NOT NULL DEFAULT '';
CREATE INDEX conversation_opened ON conversation (workspace, opened_at);
CREATE INDEX conversation_merged ON conversation (merged) WHERE merged IS NOT NULL;

-- Which two conversations were merged, a the smaller id; the latest word on a pair counts.
CREATE TABLE conversation_edge (
	workspace BYTES NOT NULL,
	a         BYTES NOT NULL,
	b         BYTES NOT NULL,
	removed   BOOLEAN NOT NULL DEFAULT FALSE,
	stamp     BYTES NOT NULL,
	PRIMARY KEY (workspace, a, b)
);
CREATE INDEX conversation_edge_b ON conversation_edge (workspace, b);

-- the message that this one passes on to somebody else
ALTER TABLE message ADD COLUMN forwarded BYTES;

-- What became of a message after it was written: moved to another conversation, or
-- withdrawn before it was sent.
CREATE TABLE message_fate (
	message      BYTES PRIMARY KEY,
	workspace    BYTES NOT NULL,
	conversation BYTES,
	stamp        BYTES,
	withdrawn    BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX message_fate_moved ON message_fate (conversation) WHERE conversation IS NOT NULL;

-- Whom a note mentions.
CREATE TABLE mention (
	workspace BYTES  NOT NULL,
	operator  BYTES  NOT NULL,
	message   BYTES  NOT NULL,
	clock     BIGINT NOT NULL,
	PRIMARY KEY (workspace, operator, message)
);

-- The value of a custom field, of a conversation or a customer.
CREATE TABLE field_value (
	workspace BYTES NOT NULL,
	subject   BYTES NOT NULL,
	field     BYTES NOT NULL,
	value     TEXT  NOT NULL,
	stamp     BYTES NOT NULL,
	PRIMARY KEY (workspace, subject, field)
);
