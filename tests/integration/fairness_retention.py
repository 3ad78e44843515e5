#!/usr/bin/env python3
"""Nothing expires early because of a clock that is wrong when a program starts, however often it is started: texts of incidents, mail in a
Maildir's cur/. Likewise in a database of a former format, and in a new one.

The programs get the clock of libfaketime, which here fakes the monotonic clocks as well."""

import os
import sqlite3
import time
import unittest

from fairness_clock import LIBRARY, skip_without_faketime
from harness import ROOT, TRAP_DOMAIN, Blowback, make_dsn

DAY = 86400
WRONG = os.environ | {"LD_PRELOAD": str(LIBRARY), "FAKETIME": "+3650d", "NO_FAKE_STAT": "1"}
STARTS = 95  # more than the days of retention.evidence and retention.maildir


def rows(database, table):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    connection.close()
    return found


class Started(unittest.TestCase):
    def setUp(self):
        self.b = self.enterContext(Blowback())

    def once(self, env=None):
        ended = self.b.start_ingest(once=True, env=env)
        self.assertEqual(ended.process.returncode, 0, ended.log())

    def mail(self):
        return len(list((self.b.maildir / "cur").iterdir()))

    def former(self, age):
        """A database of format 4, with incidents that were received so many seconds ago."""
        connection = sqlite3.connect(self.b.database)
        for name in sorted((ROOT / "schema" / "migrations").glob("000[1-4]_*.sql")):
            connection.executescript(name.read_text())
        at = int(time.time()) - age
        client = bytes(10) + b"\xff\xff\xc0\x00\x02\x01"
        connection.execute("INSERT INTO standing VALUES (?, 0.5, ?, 0, NULL, NULL, NULL)", (client, at))
        for n in range(5):
            connection.execute(
                "INSERT INTO incident (digest, received_at, client, sender, helo, feed, trap, kind, cause, confidence, claims_trap, "
                "could_have_known, campaign, reporting_mta, product, queue_id, message_id, subject, first_received, size, signals, credit, "
                "witness, reverse_path) VALUES (?, ?, ?, ?, 'h', 'traps', ?, 0, 0, 1.0, 1, 0, ?, 'm', 'p', 'q', 'i', 's', 'r', 10, "
                "'null-reverse-path:1', 0.1, ?, 0)",
                (bytes([n]) * 32, at, client, client, f"a@{TRAP_DOMAIN}", f"c{n}", f"a@{TRAP_DOMAIN}"))
        connection.execute("PRAGMA application_id = 1112297303")
        connection.execute("PRAGMA user_version = 4")
        connection.commit()
        connection.close()

    def test_many_starts_ten_years_ahead_remove_nothing(self):
        b = self.b
        b.list_sender("192.0.2.1")
        self.once()
        # As in a database that was used for more than a day.
        with sqlite3.connect(b.database) as connection:
            connection.execute("UPDATE total SET value = 0 WHERE name = 'upkeep_waits'")
        connection.close()
        for _ in range(STARTS):
            self.once(WRONG)
        self.assertEqual((rows(b.database, "evidence"), rows(b.database, "incident"), self.mail()), (3, 3, 3))

    def test_a_database_of_a_former_format_starts_from_its_newest_record(self):
        self.former(10 * DAY)
        for _ in range(3):
            self.once(WRONG)
        self.assertEqual((rows(self.b.database, "evidence"), rows(self.b.database, "incident")), (5, 5))

    def test_a_migration_by_hand_does_likewise(self):
        self.former(10 * DAY)
        self.assertEqual(self.b.cli("db", "migrate", env=WRONG).returncode, 0)
        self.assertEqual((rows(self.b.database, "evidence"), rows(self.b.database, "incident")), (5, 5))

    def test_in_a_new_database_no_mail_is_removed_on_the_first_day(self):
        b = self.b
        for n in range(3):
            b.deliver(make_dsn("192.0.2.1", f"a@{TRAP_DOMAIN}", n)).rename(b.maildir / "cur" / f"{n}.mx:2,S")
        b.list_sender("192.0.2.2")
        for _ in range(3):
            self.once(WRONG)
        self.assertEqual((rows(b.database, "evidence"), self.mail()), (3, 6))


if __name__ == "__main__":
    skip_without_faketime()
    unittest.main(verbosity=2)
