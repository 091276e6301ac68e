-- +goose Up
-- When an operator works, where that is not simply when their team answers.
CREATE TABLE shift (
	workspace BYTES NOT NULL,
	operator  BYTES NOT NULL,
	body      BYTES NOT NULL,
	PRIMARY KEY (workspace, operator)
);

-- Who has gone away from work meanwhile; until 0: until they say that they are back.
CREATE TABLE away (
	workspace BYTES  NOT NULL,
	operator  BYTES  NOT NULL,
	until     BIGINT NOT NULL,
	PRIMARY KEY (workspace, operator)
);
