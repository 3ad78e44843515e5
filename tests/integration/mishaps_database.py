#!/usr/bin/env python3
"""A part of the database's work fails for a while, and mail is still recorded: each trouble is logged once, /ready reports it while it lasts,
and it ends once its cause does, with or without new mail."""

import sqlite3
import time
import unittest

from harness import TRAP_DOMAIN, Blowback, free_port, make_dsn, wait_until
from watching_metrics import problems


class Troubles(unittest.TestCase):
    def setUp(self):
        self.b = self.enterContext(Blowback())
        self.where = free_port()
        self.b.sections["metrics"] = {"ingest": f"127.0.0.1:{self.where}"}
        self.b.write_config()
        self.b.list_sender("192.0.2.1")
        self.assertEqual(self.b.start_ingest(once=True).process.returncode, 0)

    def sql(self, *statements):
        with sqlite3.connect(self.b.database, timeout=30) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    def start(self):
        daemon = self.b.start_ingest()
        wait_until(lambda: "recording" in daemon.log(), 10, daemon.log)
        return daemon

    def count(self, name):
        return self.b.ingest.log().count(name)

    def test_after_a_lock_a_sweep_is_tried_again_without_mail(self):
        self.start()
        wait_until(lambda: problems(self.where) == (200, []), 10, "all is well")
        holder = sqlite3.connect(self.b.database, isolation_level=None, timeout=30)
        holder.execute("UPDATE listing SET expires_at = 1")  # there is something to sweep
        holder.execute("BEGIN IMMEDIATE")
        wait_until(lambda: self.count("database-trouble"), 40, self.b.ingest.log)
        self.assertEqual(problems(self.where), (503, ["database-trouble"]))
        holder.execute("ROLLBACK")
        holder.close()
        wait_until(lambda: self.count("database-back"), 15, self.b.ingest.log)
        wait_until(lambda: problems(self.where) == (200, []), 5, "the trouble is over")
        self.assertEqual((self.count("database-trouble"), self.count("database-back")), (1, 1))

    def test_a_failure_of_upkeep_is_logged_once_while_mail_is_recorded(self):
        b = self.b
        self.sql("UPDATE total SET value = 0 WHERE name = 'upkeep_waits'",
                 f"UPDATE total SET value = {int(time.time())} WHERE name = 'upkeep_time'",
                 "UPDATE evidence SET recorded_at = 1",
                 "CREATE TRIGGER stuck BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'a damaged page'); END")
        self.start()
        wait_until(lambda: self.count("database-trouble"), 10, b.ingest.log)
        for n in range(30):
            before = b.feed_counts()["deliveries"]
            b.deliver(make_dsn("192.0.2.2", f"a@{TRAP_DOMAIN}", 100 + n))
            wait_until(lambda before=before: b.feed_counts()["deliveries"] > before, 10, "mail is recorded")
        self.assertEqual(problems(self.where), (503, ["database-trouble"]))
        self.assertEqual((self.count("database-trouble"), self.count("database-back")), (1, 0), b.ingest.log())
        self.sql("DROP TRIGGER stuck")
        wait_until(lambda: self.count("database-back"), 15, b.ingest.log)
        wait_until(lambda: "retired evidence=3" in b.ingest.log(), 15, b.ingest.log)
        self.assertEqual(problems(self.where), (200, []))
        self.assertEqual((self.count("database-trouble"), self.count("database-back")), (1, 1), b.ingest.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
