#!/usr/bin/env python3
"""kill -9 in the middle of a decision that takes many transactions: what was committed stands, and the same command goes on with it.

Each command is killed again and again while it is unfinished, and then run to its end. List and audit are then what they are
where nobody was killed, and the database is whole."""

import random
import sqlite3
import subprocess
import time
import unittest

from harness import PATIENCE, Blowback, program, wait_until

LINES = 40_000
KILLS = 6  # of each command
SEED = 20261127

# Without times: two runs aren't of the same second.
TABLES = (
    "SELECT hex(first), length, source, codes, expires_at IS NULL, audit_id FROM listing ORDER BY 1, 2, 3",
    "SELECT hex(first), length, audit_id FROM exemption ORDER BY 1, 2",
    "SELECT action, hex(first), length, source, audit_id FROM listing_change ORDER BY serial",
    "SELECT id, action, subject, reason, changes, undoes FROM audit ORDER BY id",
    "SELECT * FROM unfinished")


def ask(database, question):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20) as connection:
        rows = connection.execute(question).fetchall()
    connection.close()
    return rows


def is_unfinished(database):
    return bool(ask(database, "SELECT 1 FROM unfinished"))


class DecisionsKilled(unittest.TestCase):
    def kill_again_and_again(self, b, rng, command):
        """Returns how often it was killed while it was unfinished."""
        for kills in range(KILLS):
            running = subprocess.Popen([program("blowback"), "--config", b.config, *command], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            wait_until(lambda: running.poll() is not None or is_unfinished(b.database), 60, "it has begun, or is done", pause=0.001)
            time.sleep(rng.uniform(0, 0.1))  # the instant is what is drawn
            running.kill()
            running.wait(60 * PATIENCE)
            if not is_unfinished(b.database):
                return kills  # it was through
        return KILLS

    def test_each_goes_on_after_kills_at_any_instant(self):
        rng = random.Random(SEED)
        with Blowback() as calm, Blowback() as killed:
            lines = "".join(f"66.77.{i // 250}.{i % 250}\n" for i in range(LINES))
            for command in (["import", "list.txt", "--reason", "one"],
                            ["import", "list.txt", "--reason", "two"],
                            ["undo", "2", "--reason", "no"],
                            ["delist", "66.77.0.0/16", "--reason", "gone"],
                            ["undo", "4", "--reason", "not gone"],
                            ["exempt", "66.77.0.0/16", "--reason", "ours"],
                            ["undo", "6", "--reason", "not ours"]):
                for b in (calm, killed):
                    (b.dir / "list.txt").write_text(lines)
                    arguments = [str(b.dir / "list.txt") if word == "list.txt" else word for word in command]
                    if b is killed:
                        self.assertEqual(b.cli("db", "migrate").returncode, 0)
                        hits = self.kill_again_and_again(b, rng, arguments)
                        print(f"{' '.join(command[:2])}: killed {hits} times half-way, seed {SEED}", flush=True)
                        self.assertGreater(hits, 0, "no kill hit this decision half-way; this tests nothing")
                    if b is calm or is_unfinished(b.database):
                        done = b.cli(*arguments, seconds=120)
                        self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertFalse(is_unfinished(b.database))
                    checked = b.cli("db", "check", seconds=120)
                    self.assertEqual((checked.returncode, checked.stdout), (0, "ok\n"), checked.stderr)
            for table in TABLES:
                expected, got = ([[str(cell).replace(str(b.dir), "") for cell in row] for row in ask(b.database, table)]
                                 for b in (calm, killed))
                self.assertTrue(got == expected, f"differs from a run without kills: {table}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
