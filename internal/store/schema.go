package store

// migrations lead from one version of the schema to the next: the first makes
// version 1 of an empty database. What is here is never changed once it was
// released; what is to change comes as a further one.
//
// Both engines understand all of it but two words: SQLite reads BYTEA as BLOB,
// and PostgreSQL goes without WITHOUT ROWID. Times are in microseconds since
// 1970, in UTC; 0 is none.
func migrations() []string {
	return []string{`
CREATE TABLE leases ( -- one row per account; whoever it names may write the rest
	account TEXT NOT NULL PRIMARY KEY,
	node    TEXT NOT NULL,
	fence   BIGINT NOT NULL, -- grows with each change of owner
	until   BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE messages (
	account TEXT NOT NULL,
	seq     BIGINT NOT NULL,
	id      TEXT,              -- the channel's; NULL if it has none
	state   BIGINT NOT NULL,   -- 0 heard, 1 concluded, 2 done
	heard   BIGINT NOT NULL,
	body    BYTEA,             -- JSON of bot.Message; NULL when done
	reply   BYTEA,             -- JSON of storedReply; NULL when done
	said    BIGINT NOT NULL,   -- parts of the reply that are out
	ended   BIGINT NOT NULL,   -- when it was concluded
	outcome TEXT NOT NULL,
	took    BIGINT NOT NULL,   -- microseconds
	PRIMARY KEY (account, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX messages_id ON messages (account, id);
CREATE INDEX messages_open ON messages (account, state) WHERE state < 2;
CREATE INDEX messages_ended ON messages (account, ended) WHERE ended > 0;

CREATE TABLE chats (
	account TEXT NOT NULL,
	chat    TEXT NOT NULL,     -- bot.Conversation.Key
	login   TEXT NOT NULL,
	name    TEXT NOT NULL,
	last    BIGINT NOT NULL,
	first   BIGINT NOT NULL,   -- turns before this one are forgotten
	PRIMARY KEY (account, chat)
) WITHOUT ROWID;
CREATE INDEX chats_last ON chats (account, last);
CREATE INDEX chats_name ON chats (account, name, last) WHERE login <> '';

CREATE TABLE turns (
	account  TEXT NOT NULL,
	chat     TEXT NOT NULL,
	seq      BIGINT NOT NULL,  -- of the message
	asked    TEXT NOT NULL,
	answered TEXT NOT NULL,
	PRIMARY KEY (account, chat, seq)
);

CREATE TABLE incidents (
	account  TEXT NOT NULL,
	ref      TEXT NOT NULL,
	entry    TEXT NOT NULL,
	provider TEXT NOT NULL,
	status   BIGINT NOT NULL,
	at       BIGINT NOT NULL,
	took     BIGINT NOT NULL,  -- microseconds
	rescued  BIGINT NOT NULL,  -- 0 or 1
	chat     TEXT NOT NULL,
	in_group BIGINT NOT NULL,  -- 0 or 1
	attempts BYTEA,            -- JSON of []bot.Attempt
	PRIMARY KEY (account, ref)
);
CREATE INDEX incidents_at ON incidents (account, at);

CREATE TABLE settings (
	account TEXT NOT NULL,
	scope   TEXT NOT NULL,
	name    TEXT NOT NULL,
	value   TEXT NOT NULL,
	PRIMARY KEY (account, scope, name)
) WITHOUT ROWID;

CREATE TABLE spent (
	account TEXT NOT NULL,
	day     TEXT NOT NULL,
	name    TEXT NOT NULL,
	times   BIGINT NOT NULL,
	last    BIGINT NOT NULL,
	PRIMARY KEY (account, day, name)
) WITHOUT ROWID;

CREATE TABLE audits (
	account TEXT NOT NULL,
	seq     BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	who     TEXT NOT NULL,
	place   TEXT NOT NULL,
	command TEXT NOT NULL,
	result  TEXT NOT NULL,
	PRIMARY KEY (account, seq)
) WITHOUT ROWID;
CREATE INDEX audits_at ON audits (account, at);

CREATE TABLE logins ( -- credentials, by name
	account TEXT NOT NULL,
	name    TEXT NOT NULL,
	value   BYTEA NOT NULL,    -- see seal
	changed BIGINT NOT NULL,
	PRIMARY KEY (account, name)
);
`, `
ALTER TABLE turns ADD COLUMN picture TEXT NOT NULL DEFAULT ''; -- bot.Medium.Ref of a picture
`, `
-- What changes with every message is in no index that does without it: each one is
-- another page to write, several times for a message.
ALTER TABLE chats ADD COLUMN seen BIGINT NOT NULL DEFAULT 0; -- the day of last
UPDATE chats SET seen = last / 86400000000;
DROP INDEX chats_last;
DROP INDEX chats_name;
DROP INDEX messages_open;
CREATE INDEX chats_seen ON chats (account, seen);
CREATE INDEX chats_name ON chats (account, name, seen) WHERE login <> '';
CREATE INDEX messages_open ON messages (account, heard) WHERE body IS NOT NULL;
`}
}
