-- Decisions that reach far are carried out in slices, each a transaction. This says which aren't done yet, and how far they are.

-- `stage` is a step of the decision's action; (first, length, last) the key in that step's order up to which all is done.
-- The counts are what it did until now.
CREATE TABLE unfinished (
  audit_id INTEGER PRIMARY KEY REFERENCES audit (id),
  stage    INTEGER NOT NULL,
  first    BLOB    NOT NULL CHECK (length(first) = 16),
  length   INTEGER NOT NULL,
  last     INTEGER NOT NULL,
  listed   INTEGER NOT NULL,
  ended    INTEGER NOT NULL,
  moved    INTEGER NOT NULL,
  reckoned INTEGER NOT NULL
) STRICT;
