-- Who is accused, by whom, and fed by whom; and what was swept up too early can come back.

-- Earlier incidents don't say with which reverse-path they came, so they count no more (reverse_path 2: unknown).
ALTER TABLE incident RENAME COLUMN proved TO claims_trap;
ALTER TABLE incident ADD COLUMN witness TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN reverse_path INTEGER NOT NULL DEFAULT 2 CHECK (reverse_path BETWEEN 0 AND 2);
ALTER TABLE incident ADD COLUMN relayed INTEGER NOT NULL DEFAULT 0 CHECK (relayed BETWEEN 0 AND 5);
ALTER TABLE incident ADD COLUMN doubtful_boundary INTEGER NOT NULL DEFAULT 0 CHECK (doubtful_boundary IN (0, 1));
ALTER TABLE incident ADD COLUMN origin TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN mailbox TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN mailbox_exists INTEGER NOT NULL DEFAULT 0 CHECK (mailbox_exists IN (0, 1));
-- Their witness and credit are set when they are moved to the tables of format 5: rewriting millions of rows takes minutes.

-- What each witness (dimension 1), campaign (2), kind (3), origin (4) and mailbox (5) has standing against a sender. Sums of
-- the former format counted invented recipients as traps and set reverse-paths as bounces: they begin anew. What is listed
-- keeps its end.
DROP TABLE standing_part;
CREATE TABLE standing_part (
  sender    BLOB    NOT NULL REFERENCES standing (sender),
  dimension INTEGER NOT NULL CHECK (dimension BETWEEN 1 AND 5),
  key       TEXT    NOT NULL,
  amount    REAL    NOT NULL,
  at        INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  incidents INTEGER NOT NULL,
  PRIMARY KEY (sender, dimension, key)
) STRICT, WITHOUT ROWID;
-- Such listings can't be reckoned from the record any more; undoing a decision on one goes by this.
CREATE TABLE kept_listing (
  first      BLOB    NOT NULL PRIMARY KEY CHECK (length(first) = 16),
  codes      INTEGER NOT NULL,
  listed_at  INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO kept_listing SELECT first, codes, listed_at, expires_at FROM listing
  WHERE source = 0 AND expires_at IS NOT NULL;
UPDATE standing SET score = 0;

-- Listings and exemptions that ended by the clock, by the end they had: a clock that was wrong ended them too early.
CREATE INDEX listing_change_swept ON listing_change (expires_at) WHERE action IN (3, 5) AND expires_at IS NOT NULL;

-- Incidents of each feed that don't count against their client, and those for want of a reverse-path.
ALTER TABLE feed_position ADD COLUMN uncounted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE feed_position ADD COLUMN unknown_reverse_path INTEGER NOT NULL DEFAULT 0;
