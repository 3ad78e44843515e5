-- A record that doesn't grow for ever: what scoring looks at is small and kept long, the evidence is large and kept for weeks,
-- totals are maintained and outlive both.

-- Incidents of the former format; moved to the tables below in slices, oldest first, and gone when that is done (convert.cc).
ALTER TABLE incident RENAME TO former_incident;
DROP INDEX incident_of_sender;
DROP INDEX incident_by_time;

-- What scoring looks at, one sender's together. `digest`: the last 64 bits of the delivery's. `number`: in the order of recording,
-- names the evidence. `client` is NULL where it is the sender's own address. `facts`: rows.cc. Keys: include/blowback/accusation.h.
CREATE TABLE incident (
  sender      BLOB    NOT NULL CHECK (length(sender) = 16),
  digest      INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  client      BLOB    CHECK (length(client) = 16),
  facts       INTEGER NOT NULL,
  confidence  REAL    NOT NULL CHECK (confidence BETWEEN 0 AND 1),
  credit      REAL    NOT NULL CHECK (credit >= 0),
  witness     INTEGER NOT NULL,
  campaign    INTEGER NOT NULL,
  origin      INTEGER NOT NULL,
  mailbox     INTEGER,
  PRIMARY KEY (sender, digest)
) STRICT, WITHOUT ROWID;

-- The texts: people's mail. `facts` as above. In the order of recording, so that what expires stands together.
CREATE TABLE evidence (
  number         INTEGER PRIMARY KEY,
  recorded_at    INTEGER NOT NULL,
  received_at    INTEGER NOT NULL,
  client         BLOB    NOT NULL CHECK (length(client) = 16),
  facts          INTEGER NOT NULL,
  feed           TEXT    NOT NULL,
  trap           TEXT    NOT NULL,
  witness        TEXT    NOT NULL,
  campaign       TEXT    NOT NULL,
  origin         TEXT    NOT NULL,
  mailbox        TEXT    NOT NULL,
  helo           TEXT    NOT NULL,
  reporting_mta  TEXT    NOT NULL,
  product        TEXT    NOT NULL,
  queue_id       TEXT    NOT NULL,
  message_id     TEXT    NOT NULL,
  subject        TEXT    NOT NULL,
  first_received TEXT    NOT NULL,
  size           INTEGER NOT NULL CHECK (size >= 0),
  signals        TEXT    NOT NULL
) STRICT;

-- Incidents ever recorded of a sender, and which witnesses and campaigns it was reported by last (recent_parts.h; NULL: not
-- known, ask standing_part).
ALTER TABLE standing ADD COLUMN incidents INTEGER NOT NULL DEFAULT 0;
ALTER TABLE standing ADD COLUMN recent_witnesses BLOB;
ALTER TABLE standing ADD COLUMN recent_campaigns BLOB;

-- A sender as of the time before which its incidents are no longer kept: where `undo` and `policy simulate` start.
CREATE TABLE standing_at_horizon (
  sender       BLOB    NOT NULL PRIMARY KEY CHECK (length(sender) = 16),
  horizon      INTEGER NOT NULL,
  score        REAL    NOT NULL,
  at           INTEGER NOT NULL,
  times_listed INTEGER NOT NULL,
  listed_at    INTEGER,
  listed_until INTEGER,
  afresh_since INTEGER,
  codes        INTEGER,
  listing_at   INTEGER,
  expires_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE part_at_horizon (
  sender    BLOB    NOT NULL,
  dimension INTEGER NOT NULL CHECK (dimension BETWEEN 1 AND 5),
  key       INTEGER NOT NULL,
  amount    REAL    NOT NULL,
  at        INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  incidents INTEGER NOT NULL,
  PRIMARY KEY (sender, dimension, key)
) STRICT, WITHOUT ROWID;

-- Senders of whom so many were recorded that the oldest go before their time (fold.h).
CREATE TABLE crowded (
  sender BLOB NOT NULL PRIMARY KEY CHECK (length(sender) = 16)
) STRICT, WITHOUT ROWID;

-- Totals over all time, maintained with what they count. Names: totals.h.
CREATE TABLE total (
  name  TEXT    NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE kind_total (
  kind      INTEGER NOT NULL PRIMARY KEY,
  incidents INTEGER NOT NULL
) STRICT;
CREATE TABLE listing_total (
  source   INTEGER NOT NULL,
  codes    INTEGER NOT NULL,
  listings INTEGER NOT NULL,
  PRIMARY KEY (source, codes)
) STRICT, WITHOUT ROWID;
CREATE TABLE trap_total (
  trap      TEXT    NOT NULL PRIMARY KEY,
  incidents INTEGER NOT NULL,
  first_at  INTEGER NOT NULL,
  last_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Sketches of its distinct senders and campaigns: distinct.h. They change ever more seldom, and are large: with a rowid, since a
-- row of a kilobyte without one takes a page of its own.
CREATE TABLE trap_sketch (
  trap      TEXT    NOT NULL PRIMARY KEY,
  senders   BLOB    NOT NULL,
  campaigns BLOB    NOT NULL
) STRICT;

-- Who sent most on a day (since 1970, UTC), of what was recorded by then: by network (dimension 1), sender (2) and campaign (3).
CREATE TABLE top_of_day (
  day       INTEGER NOT NULL,
  dimension INTEGER NOT NULL CHECK (dimension BETWEEN 1 AND 3),
  key       BLOB    NOT NULL,
  incidents INTEGER NOT NULL,
  counted   INTEGER NOT NULL,
  kinds     INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  senders   BLOB    NOT NULL,
  traps     BLOB    NOT NULL,
  campaigns BLOB    NOT NULL,
  PRIMARY KEY (day, dimension, key)
) STRICT, WITHOUT ROWID;

-- How large the database was on a day, in octets, and how many incidents had been recorded by then.
CREATE TABLE size_of_day (
  day       INTEGER NOT NULL PRIMARY KEY,
  octets    INTEGER NOT NULL,
  incidents INTEGER NOT NULL
) STRICT;

-- Where sweeps of tables that have no order by time go on.
CREATE TABLE sweep (
  name     TEXT    NOT NULL PRIMARY KEY,
  began_at INTEGER NOT NULL,
  position BLOB,
  number   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

INSERT INTO total (name, value) SELECT 'senders', count(*) FROM standing;
INSERT INTO total (name, value) SELECT 'quarantine', count(*) FROM quarantine;
INSERT INTO total (name, value) SELECT 'quarantine_octets', coalesce(sum(length(bytes)), 0) FROM quarantine;
INSERT INTO total (name, value) VALUES ('incidents', 0), ('rolled_up', 0), ('traps', 0);
INSERT INTO total (name, value) SELECT 'next_number', coalesce(max(id), 0) + 1 FROM former_incident;
INSERT INTO listing_total (source, codes, listings) SELECT source, codes, count(*) FROM listing GROUP BY source, codes;

CREATE TRIGGER listing_made AFTER INSERT ON listing BEGIN
  INSERT INTO listing_total (source, codes, listings) VALUES (new.source, new.codes, 1)
    ON CONFLICT DO UPDATE SET listings = listings + 1;
END;
CREATE TRIGGER listing_removed AFTER DELETE ON listing BEGIN
  UPDATE listing_total SET listings = listings - 1 WHERE source = old.source AND codes = old.codes;
END;
CREATE TRIGGER listing_moved AFTER UPDATE OF codes ON listing WHEN old.codes <> new.codes BEGIN
  UPDATE listing_total SET listings = listings - 1 WHERE source = old.source AND codes = old.codes;
  INSERT INTO listing_total (source, codes, listings) VALUES (new.source, new.codes, 1)
    ON CONFLICT DO UPDATE SET listings = listings + 1;
END;
CREATE TRIGGER standing_made AFTER INSERT ON standing BEGIN
  UPDATE total SET value = value + 1 WHERE name = 'senders';
END;
CREATE TRIGGER standing_removed AFTER DELETE ON standing BEGIN
  UPDATE total SET value = value - 1 WHERE name = 'senders';
END;
CREATE TRIGGER trap_met AFTER INSERT ON trap_total BEGIN
  UPDATE total SET value = value + 1 WHERE name = 'traps';
END;
CREATE TRIGGER trap_forgotten AFTER DELETE ON trap_total BEGIN
  DELETE FROM trap_sketch WHERE trap = old.trap;
  UPDATE total SET value = value - 1 WHERE name = 'traps';
END;
CREATE TRIGGER quarantine_made AFTER INSERT ON quarantine BEGIN
  UPDATE total SET value = value + 1 WHERE name = 'quarantine';
  UPDATE total SET value = value + length(new.bytes) WHERE name = 'quarantine_octets';
END;
CREATE TRIGGER quarantine_removed AFTER DELETE ON quarantine BEGIN
  UPDATE total SET value = value - 1 WHERE name = 'quarantine';
  UPDATE total SET value = value - length(old.bytes) WHERE name = 'quarantine_octets';
END;
