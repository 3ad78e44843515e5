-- Decisions can be undone, traps retired, and the record gone through in the order of time.

-- The entry that this one undoes; an entry is undone once.
ALTER TABLE audit ADD COLUMN undoes INTEGER REFERENCES audit (id);
CREATE UNIQUE INDEX audit_undone ON audit (undoes) WHERE undoes IS NOT NULL;

-- Deliveries for these are left alone from the next batch on; what they reported before counts on.
CREATE TABLE retired_trap (
  trap     TEXT    NOT NULL PRIMARY KEY,
  since    INTEGER NOT NULL,
  audit_id INTEGER NOT NULL REFERENCES audit (id)
) STRICT, WITHOUT ROWID;

-- With the row's id behind it, as every index: incidents in the order of a re-ingest.
CREATE INDEX incident_by_time ON incident (received_at);
