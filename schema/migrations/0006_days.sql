-- How many automatic listings began and ended on a day (since 1970, UTC), by what ended them and by their codes: for the public page, which must
-- not count the journal for every visitor. `action`: 0 listed, 2 delisted, 3 expired (ListingChange::Action). Operators' imports aren't counted.
CREATE TABLE change_of_day (
  day     INTEGER NOT NULL,
  action  INTEGER NOT NULL CHECK (action IN (0, 2, 3)),
  codes   INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  PRIMARY KEY (day, action, codes)
) STRICT, WITHOUT ROWID;

INSERT INTO change_of_day (day, action, codes, changes)
  SELECT at / 86400, action, codes, count(*) FROM listing_change WHERE source = 0 AND action IN (0, 2, 3) GROUP BY 1, 2, 3;

CREATE TRIGGER change_counted AFTER INSERT ON listing_change WHEN new.source = 0 AND new.action IN (0, 2, 3) BEGIN
  INSERT INTO change_of_day (day, action, codes, changes) VALUES (new.at / 86400, new.action, new.codes, 1)
    ON CONFLICT DO UPDATE SET changes = changes + 1;
END;
