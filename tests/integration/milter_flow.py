#!/usr/bin/env python3
"""The milter as a mail server sees it: it accepts everything, and records what was sent to traps.

What happens to its process, to ingest or to the database never reaches the mail server's clients."""

import contextlib
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

from smtp_listener import bounce, crlf
from harness import PATIENCE, TRAP_DOMAIN, program, wait_until
from milter import ACCEPT, CONTINUE, Watched

QUICK = {"policy": {"list_at": 0.2, "delist_below": 0.1, "distinct_traps": 1}}
TRAP = f"a@{TRAP_DOMAIN}"
SET_MACROS = 0x100  # SMFIF_SETSYMLIST: to name the macros that it needs


def runs(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TheMilter(unittest.TestCase):
    def test_a_bounce_to_a_trap_is_in_the_answers_within_a_second(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            b.start_server()
            with b.mail_server() as m:
                self.assertEqual(m.actions & ~SET_MACROS, 0, "it doesn't ask to change anything")
                self.assertEqual(m.begin("192.0.2.7", "mx.sender.example"), CONTINUE)
                self.assertEqual(m.envelope(["someone@example.com", TRAP]), [CONTINUE] * 3)
                self.assertEqual(m.message(bounce(1)), ACCEPT)
            b.wait_listed("192.0.2.7", seconds=1)
            self.assertEqual(b.rows("SELECT helo, trap, message_id, size FROM evidence"),
                             [("mx.sender.example", TRAP, "1@bounce.example", len(crlf(bounce(1))))])

    def test_an_ipv6_client_and_several_messages_of_a_session(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            with b.mail_server() as m:
                m.begin("2001:db8::7")
                for n in range(3):
                    self.assertEqual(m.deliver(bounce(n), TRAP), ACCEPT)
                m.quit()
            self.assertEqual(b.kinds_of("2001:db8::7"), ["dsn"] * 3)

    def test_the_end_of_a_message_comes_after_the_commit(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            with b.mail_server() as m:
                m.begin()
                for n in range(20):
                    self.assertEqual(m.deliver(bounce(n), TRAP), ACCEPT)
                    self.assertEqual(b.rows("SELECT count(*) FROM evidence"), [(n + 1,)])

    def test_a_sender_callout_is_in_the_answers_within_a_second(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            b.start_server()
            with b.mail_server() as m:
                m.begin("192.0.2.8", "checker.example.com")
                m.envelope([TRAP])
                m.abort()
                m.quit()
            b.wait_listed("192.0.2.8", seconds=1)
            self.assertEqual(b.dig_ip("192.0.2.8").rdata("A"), ["127.0.0.4"])
            with b.mail_server() as m:
                m.begin("192.0.2.9", "checker.example.com")
                m.envelope([TRAP])
                m.quit()  # without ending the transaction
            b.wait_listed("192.0.2.9", seconds=1)
            self.assertEqual(b.kinds_of("192.0.2.9"), ["callout"])

    def test_mail_without_a_trap_is_accepted_unread(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            with b.mail_server() as m:
                m.begin("192.0.2.10")
                m.envelope(["someone@example.com"])
                self.assertEqual(m.say(b"T"), ACCEPT, "without a trap the message isn't requested")
                m.abort()
                self.assertEqual(m.envelope([TRAP], login="user"), [ACCEPT], "an authenticated client is no stranger")
                m.abort()
                # Mail from the host itself has no address.
                with b.mail_server() as local:
                    self.assertEqual(local.say(b"C", b"localhost\0U"), ACCEPT)
                # Once the last one is recorded, the others would be, too.
                self.assertEqual(m.deliver(bounce(1), TRAP), ACCEPT)
            self.assertEqual(b.rows("SELECT count(*) FROM evidence"), [(1,)])

    def test_a_relay_is_not_accused_but_its_client(self):
        with Watched(milter={"trusted_relays": ["198.51.100.25"]}, **QUICK) as b:
            b.open_milter()
            with b.mail_server() as m:
                m.begin("198.51.100.25")
                m.envelope([TRAP])
                m.abort()
                self.assertEqual(m.deliver(bounce(1, client="192.0.2.11"), TRAP), ACCEPT)
            self.assertEqual(b.kinds_of("192.0.2.11"), ["dsn"])
            self.assertEqual(b.rows("SELECT count(*) FROM evidence"), [(1,)])

    def test_a_message_that_is_too_large_is_accepted_and_reported(self):
        with Watched(milter={"message_size": 4096}, **QUICK) as b:
            b.open_milter()
            with b.mail_server() as m:
                m.begin()
                self.assertEqual(m.deliver(bounce(1) + b"x" * 300_000, TRAP), ACCEPT)
                self.assertEqual(m.deliver(bounce(2), TRAP), ACCEPT)
            self.assertEqual(b.rows("SELECT reason FROM quarantine"), [("too-large",)])
            self.assertEqual(b.rows("SELECT count(*) FROM evidence"), [(1,)])

    def test_a_unix_socket_and_another_file_at_its_path(self):
        with tempfile.TemporaryDirectory(prefix="blowback-test-") as folder:
            path = os.path.join(folder, "milter.sock")
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
                dead.bind(path)
            with Watched(path=path, **QUICK) as b:
                b.open_milter()
                with b.mail_server() as m:
                    m.begin()
                    self.assertEqual(m.deliver(bounce(1), TRAP), ACCEPT)
                self.assertEqual(b.ingest.stop(), 0)
                self.assertFalse(os.path.exists(path))
                with open(path, "w", encoding="ascii") as precious:
                    precious.write("precious")
                b.start_ingest()
                wait_until(lambda: "feed-unreadable" in b.ingest.log(), 15, "the log says that it can't listen")
                b.ingest.stop()
                with open(path, encoding="ascii") as precious:
                    self.assertEqual(precious.read(), "precious")

    def test_a_hundred_at_once(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            replies = []

            def deliver(n):
                with b.mail_server() as m:
                    m.begin(f"198.51.100.{n + 1}")
                    replies.append(m.deliver(bounce(n), TRAP))
                    m.quit()

            threads = [threading.Thread(target=deliver, args=(n,)) for n in range(100)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60 * PATIENCE)
            self.assertEqual(replies, [ACCEPT] * 100)
            wait_until(lambda: b.rows("SELECT count(DISTINCT client) FROM evidence") == [(100,)], 10, "all are there")


class Trouble(unittest.TestCase):
    def test_its_process_is_started_again(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            with b.mail_server() as m:
                m.begin()
                self.assertEqual(m.deliver(bounce(1), TRAP), ACCEPT)
                first = b.watcher_pid()
                os.kill(first, signal.SIGKILL)
                with self.assertRaises(OSError):
                    m.deliver(bounce(2), TRAP)
            b.wait_listening()
            with b.mail_server() as m:
                m.begin()
                self.assertEqual(m.deliver(bounce(3), TRAP), ACCEPT)
            self.assertNotEqual(b.watcher_pid(), first)
            log = b.ingest.log()
            self.assertIn("feed-unreadable", log)
            self.assertIn("by signal 9", log)
            self.assertIn("feed-back", log)
            self.assertEqual(b.rows("SELECT count(*) FROM evidence"), [(2,)])

    def test_its_process_ends_with_ingest_however_that_ends(self):
        with Watched(**QUICK) as b:
            for end in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
                b.open_milter()
                pid = b.watcher_pid()
                self.assertIsNotNone(pid)
                os.kill(b.ingest.pid, end)
                b.ingest.wait(10)
                wait_until(lambda: not runs(pid), 10, f"the milter's process ends with ingest, by {end}")
            self.assertNotIn("feed-unreadable", b.ingest.log())

    def test_a_reload_applies_new_traps(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            with b.mail_server() as m:
                m.begin()
                m.envelope(["old.user@example.com"])
                self.assertEqual(m.say(b"T"), ACCEPT)
            b.sections["traps"]["addresses"] = ["Old.User@example.com"]
            b.write_config()
            first = b.watcher_pid()
            os.kill(b.ingest.pid, signal.SIGHUP)
            wait_until(lambda: "config-read" in b.ingest.log(), 15, "it reloads")

            def is_a_trap():
                with b.mail_server() as m:
                    m.begin()
                    m.envelope(["old.user@example.com"])
                    return m.say(b"T") == CONTINUE

            wait_until(is_a_trap, 10, "the process uses the new traps")
            with b.mail_server() as m:
                m.begin()
                self.assertEqual(m.deliver(bounce(1), "old.user@example.com"), ACCEPT)
            self.assertEqual(b.rows("SELECT count(*) FROM evidence"), [(1,)])
            self.assertNotIn("feed-unreadable", b.ingest.log())
            self.assertEqual(b.watcher_pid(), first, "it is still the same process")

    def test_a_locked_database_delays_mail_by_ten_seconds_at_most_and_nothing_is_lost(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            with b.mail_server() as m, b.mail_server() as other:
                m.begin()
                self.assertEqual(m.deliver(bounce(0), TRAP), ACCEPT)
                lock = sqlite3.connect(b.database, isolation_level=None, timeout=10)
                lock.execute("BEGIN IMMEDIATE")
                other.begin("192.0.2.20")
                began = time.monotonic()
                self.assertEqual(m.deliver(bounce(1), TRAP), ACCEPT)
                took = time.monotonic() - began
                self.assertGreater(took, 5)
                self.assertLess(took, 11 * PATIENCE)
                # Mail without a trap isn't delayed.
                began = time.monotonic()
                other.envelope(["someone@example.com"])
                self.assertEqual(other.say(b"T"), ACCEPT)
                self.assertLess(time.monotonic() - began, 2 * PATIENCE)
                lock.execute("ROLLBACK")
                lock.close()
            wait_until(lambda: b.rows("SELECT count(*) FROM evidence") == [(2,)], 30, "the message is recorded later")

    def test_a_port_in_use_is_logged_and_tried_again(self):
        with Watched(**QUICK) as b:
            with socket.create_server(("127.0.0.1", b.milter_port)):
                b.start_ingest()
                wait_until(lambda: "feed-unreadable" in b.ingest.log(), 15, "it says so")
                self.assertIn(f"127.0.0.1:{b.milter_port}: Address already in use", b.ingest.log())
            wait_until(lambda: "feed-back" in b.ingest.log(), 15, "it listens once the port is free")
            self.assertEqual(b.ingest.log().count("feed-unreadable"), 1)

    def test_octets_that_are_not_the_milter_protocol_are_harmless(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            first = b.watcher_pid()
            for junk in (b"\xff" * 100, b"\0\0\0\0", b"GET / HTTP/1.0\r\n\r\n", b"\0\0\0\x05Lname", b"\x00\x00\x00\x01E"):
                with b.connect() as s:
                    with contextlib.suppress(OSError):  # it may have closed already
                        s.sendall(junk)
                        s.shutdown(socket.SHUT_WR)
                        while s.recv(4096):
                            pass
            with b.mail_server() as m:  # steps out of order
                for letter in (b"E", b"B", b"N", b"T"):
                    m.send(letter)
                m.socket.close()
            with b.mail_server() as m:
                m.begin()
                self.assertEqual(m.deliver(bounce(1), TRAP), ACCEPT)
            self.assertEqual(b.watcher_pid(), first)

    def test_connections_beyond_the_limit_are_not_watched(self):
        with Watched(milter={"connections": 2}, **QUICK) as b:
            b.open_milter()
            with b.mail_server() as one, b.mail_server() as two, b.mail_server() as three:
                self.assertEqual([one.begin(), two.begin(), three.begin()], [CONTINUE, CONTINUE, ACCEPT])
                one.quit()

                def has_room():
                    with b.mail_server() as four:
                        return four.begin() == CONTINUE

                wait_until(has_room, 10, "a connection ends")

    def test_the_internal_option_is_refused(self):
        done = subprocess.run([program("blowback-ingest"), "--watch-mail-server"], capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("internal to feeds of type milter", done.stderr)


if __name__ == "__main__":
    unittest.main()
