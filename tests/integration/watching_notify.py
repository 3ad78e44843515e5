#!/usr/bin/env python3
"""Both daemons under a service manager: what they say to the socket in NOTIFY_SOCKET, in which order, and when they fall silent."""

import os
import signal
import socket
import time
import unittest

from harness import PATIENCE, Blowback, wait_until


class Manager:
    """The socket that a service manager gives to a daemon, and all that came by it."""

    def __init__(self, b, name):
        self.path = str(b.dir / name)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.notes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def environment(self, **more):
        return os.environ | {"NOTIFY_SOCKET": self.path} | more

    def read(self):
        """Takes in what waits; all notes so far."""
        self.socket.setblocking(False)
        try:
            while True:
                self.notes.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return self.notes

    def wait(self, start, seconds=10, after=0):
        """The place of the first note from `after` on that begins so."""
        def found():
            return next((i + 1 for i, note in enumerate(self.read()) if i >= after and note.startswith(start)), 0)
        return wait_until(found, seconds, lambda: f"a note {start}…; there were {self.notes}") - 1


class Notes(unittest.TestCase):
    def test_the_server_is_ready_when_it_has_a_list_and_tells_its_way(self):
        with Blowback() as b, Manager(b, "notify") as manager:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server(env=manager.environment())
            manager.wait("READY=1")
            b.wait_listed("192.0.2.1")
            self.assertIn("STATUS=serving bl.example.org: 1 entries, serial 1", manager.read())
            self.assertNotIn("WATCHDOG=1", manager.read(), "nobody watches")
            seen = len(manager.read())
            began = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            os.kill(b.server.pid, signal.SIGHUP)
            reloading = manager.wait("RELOADING=1\nMONOTONIC_USEC=", after=seen)
            since_boot = int(manager.notes[reloading].partition("USEC=")[2])
            self.assertTrue(began <= since_boot <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
            manager.wait("READY=1", after=reloading)
            # The status follows within a second, and names what is wrong.
            b.cli("list", "192.0.2.2", "--reason", "test")
            manager.wait("STATUS=serving bl.example.org: 2 entries, serial 2")
            self.assertEqual(b.server.stop(), 0)
            self.assertEqual(manager.read()[-1], "STOPPING=1")

    def test_a_server_without_a_list_says_so_and_is_ready_after_ten_seconds(self):
        with Blowback() as b, Manager(b, "notify") as manager:
            began = time.monotonic()
            b.start_server(wait=False, env=manager.environment())
            manager.wait("STATUS=there is no list to serve yet")
            self.assertNotIn("READY=1", manager.read())
            manager.wait("READY=1", seconds=20)
            self.assertGreater(time.monotonic() - began, 9)
        with Blowback() as b, Manager(b, "notify") as manager:
            b.start_server(wait=False, env=manager.environment())
            manager.wait("STATUS=there is no list to serve yet")
            b.cli("list", "192.0.2.1", "--reason", "test")
            manager.wait("READY=1", seconds=5)

    def test_ingest_is_ready_when_its_feeds_were_opened_and_tells_its_way(self):
        with Blowback() as b, Manager(b, "notify") as manager:
            b.start_ingest(env=manager.environment())
            manager.wait("READY=1")
            manager.wait("STATUS=reading 1 feed, journal at serial 0")
            seen = len(manager.read())
            os.kill(b.ingest.pid, signal.SIGHUP)
            manager.wait("READY=1", after=manager.wait("RELOADING=1\nMONOTONIC_USEC=", after=seen))
            b.maildir.rename(b.dir / "hidden")
            manager.wait("STATUS=feed traps: maildir ")
            self.assertEqual(b.ingest.stop(), 0)
            self.assertEqual(manager.read()[-1], "STOPPING=1")

    def test_signs_of_life_come_as_long_as_a_daemon_runs_and_stop_when_it_is_stopped(self):
        for name in ("blowback-server", "blowback-ingest"):
            with self.subTest(name), Blowback() as b, Manager(b, "notify") as manager:
                b.cli("list", "192.0.2.1", "--reason", "test")
                start = b.start_server if name == "blowback-server" else b.start_ingest
                daemon = start(env=manager.environment(WATCHDOG_USEC="3000000"))
                for _ in range(3):
                    manager.wait("WATCHDOG=1", after=len(manager.read()), seconds=5)
                daemon.freeze()
                manager.read()
                silent_from = len(manager.notes)
                time.sleep(1.5)  # longer than signs of life are apart: a third of three seconds
                self.assertEqual(manager.read()[silent_from:], [])
                daemon.thaw()
                manager.wait("WATCHDOG=1", after=silent_from)

    def test_a_manager_that_reads_nothing_stops_nobody(self):
        with Blowback() as b, Manager(b, "notify") as manager:
            b.start_server(env=manager.environment(WATCHDOG_USEC="30000"), wait=False)
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.wait_listed("192.0.2.1", 10)
            began = time.monotonic()
            self.assertEqual(b.server.stop(), 0)
            self.assertLess(time.monotonic() - began, 4 * PATIENCE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
