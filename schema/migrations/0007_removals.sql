-- Senders ask for their removal (include/blowback/removal.h): the page and the mail feed file requests, ingest executes them.

-- `address`: the one that control was proved of, one of `sender`. `proof`, `state` and `refused` are enumerators of removal.h.
-- Only listed senders have rows, with at most one that is pending; the others go at the end of retention.removals.
CREATE TABLE removal_request (
  id           INTEGER PRIMARY KEY,
  sender       BLOB    NOT NULL CHECK (length(sender) = 16),
  address      BLOB    NOT NULL CHECK (length(address) = 16),
  proof        INTEGER NOT NULL CHECK (proof BETWEEN 0 AND 2),
  mailed_to    TEXT    NOT NULL DEFAULT '',
  requested_at INTEGER NOT NULL,
  due_at       INTEGER NOT NULL,
  state        INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
  refused      INTEGER,
  decided_at   INTEGER,
  audit_id     INTEGER REFERENCES audit (id),
  CHECK ((state = 0) = (decided_at IS NULL)),
  CHECK ((state = 1) = (audit_id IS NOT NULL)),
  CHECK ((state = 2) = (refused IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX removal_pending ON removal_request (sender) WHERE state = 0;
CREATE INDEX removal_due ON removal_request (due_at) WHERE state = 0;
CREATE INDEX removal_of_sender ON removal_request (sender, id);
CREATE INDEX removal_decided ON removal_request (decided_at) WHERE state > 0;

-- Tokens that were mailed to postmaster@`domain` or a name below it. Only their SHA-256 is kept. They go a week after they were made.
CREATE TABLE removal_token (
  digest     BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
  sender     BLOB    NOT NULL CHECK (length(sender) = 16),
  address    BLOB    NOT NULL CHECK (length(address) = 16),
  mailed_to  TEXT    NOT NULL,
  domain     TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX removal_token_of_sender ON removal_token (sender, created_at);
CREATE INDEX removal_token_of_domain ON removal_token (domain, created_at);
CREATE INDEX removal_token_by_time ON removal_token (created_at);

-- Requests that are pending, and all that were ever done or refused.
INSERT INTO total (name, value) VALUES ('removals_pending', 0), ('removals_done', 0), ('removals_refused', 0);
CREATE TRIGGER removal_requested AFTER INSERT ON removal_request BEGIN
  UPDATE total SET value = value + 1 WHERE name = 'removals_pending';
END;
CREATE TRIGGER removal_decided AFTER UPDATE OF state ON removal_request WHEN old.state = 0 AND new.state > 0 BEGIN
  UPDATE total SET value = value - 1 WHERE name = 'removals_pending';
  UPDATE total SET value = value + 1 WHERE name = iif(new.state = 1, 'removals_done', 'removals_refused');
END;
