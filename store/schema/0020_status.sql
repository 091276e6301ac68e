-- +goose Up
-- What went wrong, as customers are told: the latest word on what each incident is
-- called and concerns. body is NULL once it is removed.
CREATE TABLE incident (
	workspace  BYTES  NOT NULL,
	id         BYTES  NOT NULL,
	body       BYTES,
	started_at BIGINT NOT NULL,
	stamp      BYTES  NOT NULL,
	PRIMARY KEY (workspace, id)
);
CREATE INDEX incident_started ON incident (workspace, started_at);

-- What was said of each, and how far it had got then. These only become more.
CREATE TABLE incident_update (
	workspace BYTES  NOT NULL,
	incident  BYTES  NOT NULL,
	id        BYTES  NOT NULL,
	state     TEXT   NOT NULL,
	body      BYTES  NOT NULL,
	at        BIGINT NOT NULL,
	stamp     BYTES  NOT NULL,
	PRIMARY KEY (workspace, incident, id)
);

-- Lines that are shown on screens; body is NULL once one is lowered.
CREATE TABLE banner (
	workspace  BYTES  NOT NULL,
	id         BYTES  NOT NULL,
	body       BYTES,
	changed_at BIGINT NOT NULL,
	stamp      BYTES  NOT NULL,
	PRIMARY KEY (workspace, id)
);

-- Which workspaces show themselves to the world, under which address.
CREATE TABLE status_page (
	workspace BYTES   PRIMARY KEY,
	slug      TEXT,
	open      BOOLEAN NOT NULL,
	body      BYTES   NOT NULL
);
CREATE UNIQUE INDEX status_page_slug ON status_page (slug);
