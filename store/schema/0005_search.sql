-- +goose Up
-- Which messages hold a word, by the journal number of the message. Words come folded and
-- stemmed, each behind its workspace's mark; the texts themselves stay in "message".
--sqlite:CREATE VIRTUAL TABLE message_words USING fts5(words, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '@._+-'");
--postgres:CREATE TABLE message_words (lsn BIGINT PRIMARY KEY, words TSVECTOR NOT NULL);
--postgres:CREATE INDEX message_words_words ON message_words USING GIN (words) WITH (gin_pending_list_limit = 4096);

-- Every word of message_words once, in the order in which they were first met, which is
-- roughly from the common to the rare: what an unfinished word may become. It is not
-- filled anew with the others: a word that is no longer anywhere only finds nothing.
CREATE TABLE known_word (
	id   SERIALKEY,
--sqlite:	word TEXT NOT NULL UNIQUE
--postgres:	word TEXT COLLATE "C" NOT NULL UNIQUE
);

-- Which conversation a number in message_words is about, where it is a subject and not a message.
CREATE TABLE subject_words (
	lsn          BIGINT PRIMARY KEY,
	conversation BYTES NOT NULL
);

-- Which customers have a word in a name or an address, now or earlier.
CREATE TABLE name_word (
	workspace BYTES NOT NULL,
--sqlite:	word      TEXT  NOT NULL,
--postgres:	word      TEXT COLLATE "C" NOT NULL,
	customer  BYTES NOT NULL,
	PRIMARY KEY (workspace, word, customer)
--sqlite:) WITHOUT ROWID;
--postgres:);

-- Which of those words have three letters in common; under the gram '' stands every word once.
CREATE TABLE name_gram (
	workspace BYTES NOT NULL,
--sqlite:	gram      TEXT  NOT NULL,
--sqlite:	word      TEXT  NOT NULL,
--postgres:	gram      TEXT COLLATE "C" NOT NULL,
--postgres:	word      TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (workspace, gram, word)
--sqlite:) WITHOUT ROWID;
--postgres:);
