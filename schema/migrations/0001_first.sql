-- The first format. Addresses are 16 octets in network order, IPv4 in its mapped form, so that a range of addresses is a
-- range of keys; times are seconds since 1970; closed choices are the numbers of their enumerators (include/blowback).

CREATE TABLE audit (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  who     TEXT    NOT NULL CHECK (who <> ''),
  action  TEXT    NOT NULL,
  subject TEXT    NOT NULL,
  reason  TEXT    NOT NULL CHECK (reason <> ''),
  until   INTEGER,
  changes INTEGER NOT NULL DEFAULT 0
) STRICT;

-- One row per delivery and trap. `sender` is the client's first address as it is counted (IPv6: its /64).
CREATE TABLE incident (
  id               INTEGER PRIMARY KEY,
  digest           BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
  received_at      INTEGER NOT NULL,
  client           BLOB    NOT NULL CHECK (length(client) = 16),
  sender           BLOB    NOT NULL CHECK (length(sender) = 16) REFERENCES standing (sender),
  helo             TEXT    NOT NULL,
  feed             TEXT    NOT NULL,
  trap             TEXT    NOT NULL,
  kind             INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 5),
  cause            INTEGER NOT NULL,
  confidence       REAL    NOT NULL CHECK (confidence BETWEEN 0 AND 1),
  proved           INTEGER NOT NULL CHECK (proved IN (0, 1)),
  could_have_known INTEGER NOT NULL CHECK (could_have_known IN (0, 1)),
  campaign         TEXT    NOT NULL CHECK (campaign <> ''),
  reporting_mta    TEXT    NOT NULL,
  product          TEXT    NOT NULL,
  queue_id         TEXT    NOT NULL,
  message_id       TEXT    NOT NULL,
  subject          TEXT    NOT NULL,
  first_received   TEXT    NOT NULL,
  size             INTEGER NOT NULL CHECK (size >= 0),
  signals          TEXT    NOT NULL,
  credit           REAL    NOT NULL CHECK (credit >= 0)
) STRICT;
CREATE INDEX incident_of_sender ON incident (sender, received_at);

-- Sums that fade: as they were `at`, never rewritten but by a new incident.
CREATE TABLE standing (
  sender       BLOB    NOT NULL PRIMARY KEY CHECK (length(sender) = 16),
  score        REAL    NOT NULL,
  at           INTEGER NOT NULL,
  times_listed INTEGER NOT NULL,
  listed_at    INTEGER,
  listed_until INTEGER,
  afresh_since INTEGER
) STRICT, WITHOUT ROWID;

-- What each trap (dimension 1), campaign (2) and kind (3) has standing against a sender.
CREATE TABLE standing_part (
  sender    BLOB    NOT NULL REFERENCES standing (sender),
  dimension INTEGER NOT NULL CHECK (dimension BETWEEN 1 AND 3),
  key       TEXT    NOT NULL,
  amount    REAL    NOT NULL,
  at        INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  incidents INTEGER NOT NULL,
  PRIMARY KEY (sender, dimension, key)
) STRICT, WITHOUT ROWID;

-- What is listed now. Reasons stand in the audit: a million imported lines have one.
CREATE TABLE listing (
  first      BLOB    NOT NULL CHECK (length(first) = 16),
  length     INTEGER NOT NULL CHECK (length BETWEEN 0 AND 128),
  source     INTEGER NOT NULL CHECK (source IN (0, 1)),
  codes      INTEGER NOT NULL CHECK (codes > 0),
  listed_at  INTEGER NOT NULL,
  expires_at INTEGER,
  audit_id   INTEGER REFERENCES audit (id),
  PRIMARY KEY (first, length, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX listing_by_expiry ON listing (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE exemption (
  first      BLOB    NOT NULL CHECK (length(first) = 16),
  length     INTEGER NOT NULL CHECK (length BETWEEN 0 AND 128),
  since      INTEGER NOT NULL,
  expires_at INTEGER,
  audit_id   INTEGER NOT NULL REFERENCES audit (id),
  PRIMARY KEY (first, length)
) STRICT, WITHOUT ROWID;

-- The journal: every change of what is listed, numbered without gaps. The number is the zone's serial.
CREATE TABLE listing_change (
  serial     INTEGER PRIMARY KEY,
  at         INTEGER NOT NULL,
  action     INTEGER NOT NULL CHECK (action BETWEEN 0 AND 5),
  first      BLOB    NOT NULL CHECK (length(first) = 16),
  length     INTEGER NOT NULL CHECK (length BETWEEN 0 AND 128),
  source     INTEGER NOT NULL CHECK (source IN (0, 1)),
  codes      INTEGER NOT NULL,
  expires_at INTEGER,
  audit_id   INTEGER REFERENCES audit (id)
) STRICT;
CREATE INDEX listing_change_of_prefix ON listing_change (first, length);

CREATE TABLE feed_position (
  feed            TEXT    NOT NULL PRIMARY KEY,
  position        TEXT,
  last_delivery   INTEGER,
  deliveries      INTEGER NOT NULL DEFAULT 0,
  incidents       INTEGER NOT NULL DEFAULT 0,
  duplicates      INTEGER NOT NULL DEFAULT 0,
  not_backscatter INTEGER NOT NULL DEFAULT 0,
  not_a_trap      INTEGER NOT NULL DEFAULT 0,
  quarantined     INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
  id     INTEGER PRIMARY KEY,
  digest BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
  feed   TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  place  TEXT    NOT NULL,
  reason TEXT    NOT NULL,
  detail TEXT    NOT NULL,
  bytes  BLOB    NOT NULL
) STRICT;
