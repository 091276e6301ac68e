-- +goose Up
-- For whom sheets are made: sealed, since a passphrase may be in it.
CREATE TABLE paper_settings (
	workspace BYTES PRIMARY KEY,
	sealed    BYTES NOT NULL
);

-- Sheets that lie encrypted in the data folder.
CREATE TABLE paper_sheet (
	workspace BYTES  NOT NULL,
	id        BYTES  NOT NULL,
	made_at   BIGINT NOT NULL,
	night     TEXT   NOT NULL,
	customers BIGINT NOT NULL,
	row_count BIGINT NOT NULL,
	PRIMARY KEY (workspace, id)
);

-- The blank rows on them, by their printed ids.
CREATE TABLE paper_row (
	workspace    BYTES  NOT NULL,
	code         TEXT   NOT NULL,
	sheet        BYTES  NOT NULL,
	conversation BYTES  NOT NULL,
	made_at      BIGINT NOT NULL,
	PRIMARY KEY (workspace, code)
);
