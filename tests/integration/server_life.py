#!/usr/bin/env python3
"""The server's life: it follows the database, outlives its loss, takes a new config, ends when told, and starts only where it
can serve."""

import os
import shutil
import signal
import sqlite3
import time
import unittest

from harness import Blowback, wait_until


class Life(unittest.TestCase):
    def test_each_decision_is_answered_within_a_second_without_a_pause(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "stays")
            b.start_server()
            worst = 0.0
            for n in range(2, 22):
                ip = f"192.0.2.{n}"
                for arguments, wait in ((("list", ip), b.wait_listed), (("delist", ip), b.wait_not_listed),
                                        (("exempt", ip), b.wait_not_listed)):
                    done = b.cli(*arguments, "--reason", "test")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    began = time.monotonic()
                    wait(ip)
                    worst = max(worst, time.monotonic() - began)
                    self.assertTrue(b.listed("192.0.2.1"), "answers while it follows")
            print(f"\nfrom commit to answer, 60 decisions: worst {worst * 1000:.0f} ms", flush=True)

    def test_a_listing_ends_by_itself_though_nobody_sweeps(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "short", "--for", "2s")
            b.start_server()
            b.wait_listed("192.0.2.1")
            b.wait_not_listed("192.0.2.1", seconds=5)
            reply = b.dig("192.bl.example.org", "A")
            self.assertEqual(reply.rcode, "NXDOMAIN", "nothing is under it any more")

    def test_the_last_good_list_goes_on_when_the_database_is_deleted_damaged_or_locked(self):
        def delete(b):
            for file in b.dir.glob("blowback.db*"):
                file.unlink()

        def damage(b):
            b.database.write_bytes(os.urandom(1 << 16))

        def lock(b):
            connection = sqlite3.connect(b.database, isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")  # the strongest that SQLite gives beside a reader in WAL mode
            self.addCleanup(connection.close)

        for harm in (delete, damage, lock):
            with self.subTest(harm.__name__), Blowback() as b:
                b.cli("list", "192.0.2.1", "--reason", "test")
                b.start_server()
                b.wait_listed("192.0.2.1")
                harm(b)
                end = time.monotonic() + 2
                while time.monotonic() < end:
                    self.assertTrue(b.listed("192.0.2.1"))
                if harm is not lock:
                    self.assertIn("database-lost", b.server.log())
                    self.assertEqual(b.server.log().count("database-lost"), 1)

    def test_a_backup_that_is_copied_over_the_database_waits_until_secondaries_can_follow(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            self.assertEqual(b.cli("db", "backup", b.dir / "copy.db").returncode, 0)
            b.cli("list", "192.0.2.2", "--reason", "test")
            b.start_server()
            b.wait_listed("192.0.2.2")
            for file in b.dir.glob("blowback.db*"):
                file.unlink()
            shutil.copy(b.dir / "copy.db", b.database)
            wait_until(lambda: "list-held" in b.server.log(), 5, b.server.log)
            # Its serial is that of the list that is served, and the list isn't.
            b.cli("list", "192.0.2.3", "--reason", "test")
            self.assertTrue(b.listed("192.0.2.2"))
            self.assertFalse(b.listed("192.0.2.3"))
            b.cli("list", "192.0.2.4", "--reason", "test")
            b.wait_listed("192.0.2.4", seconds=5)
            self.assertTrue(b.listed("192.0.2.3"))
            self.assertFalse(b.listed("192.0.2.2"))
            wait_until(lambda: "list-accepted" in b.server.log(), 5, b.server.log)

    def test_before_there_is_a_database_it_says_not_ready(self):
        with Blowback() as b:
            b.start_server(wait=False)
            reply = wait_until(lambda: (r := b.dig("2.0.0.127.bl.example.org")).rcode and r, 10, "an answer")
            self.assertEqual((reply.rcode, reply.ede), ("SERVFAIL", 14))
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.wait_listed("192.0.2.1", seconds=10)

    def test_sighup_takes_a_new_config_and_keeps_the_old_one_where_it_is_wrong(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server()
            b.wait_listed("192.0.2.1")
            b.sections["zone"]["txt"] = "New words for {ip}"
            b.write_config()
            os.kill(b.server.pid, signal.SIGHUP)
            wait_until(lambda: b.dig_ip("192.0.2.1", "TXT").rdata() == ['"New words for 192.0.2.1"'], 5, "the new TXT")
            b.config.write_text("nonsense = \n")
            os.kill(b.server.pid, signal.SIGHUP)
            wait_until(lambda: "config-kept" in b.server.log(), 5, "the log says that the old config is kept")
            self.assertTrue(b.listed("192.0.2.1"))

    def test_sigterm_ends_it_with_zero(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server()
            os.kill(b.server.pid, signal.SIGTERM)
            self.assertEqual(b.server.wait(5), 0)
            self.assertIn("stopped", b.server.log())

    def test_a_port_in_use_is_refused_also_when_it_is_another_server_of_ours(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server()
            second = b.run("blowback-server")
            self.assertEqual(second.returncode, 3, second.stderr)
            self.assertIn(f"127.0.0.1:{b.port}", second.stderr)
            self.assertIn("server.listen", second.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
