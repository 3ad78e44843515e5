#!/usr/bin/env python3
"""A clock that is wrong for a while ends no listing and no exemption for good, and lists nobody for longer than allowed: daemons
that run through a jump, programs that start under a wrong clock, mail recorded and decisions made under it.

libfaketime changes the clock, by an offset from a file; the time since boot stays as it is."""

import datetime
import os
import pathlib
import signal
import sys
import time
import unittest

from harness import BIN, PATIENCE, TRAP_DOMAIN, Blowback, free_port, make_dsn, wait_until
from watching_metrics import problems, samples

LIBRARY = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
DAY = 86400
MAX_LISTING = 28 * DAY


def until(year, month, day):
    return int(datetime.datetime(year, month, day, tzinfo=datetime.timezone.utc).timestamp() - time.time())


ERRORS = {"+40 days": 40 * DAY, "-1 day": -DAY, "2038": until(2038, 1, 20), "2106": until(2106, 2, 8)}
AHEAD = {name: error for name, error in ERRORS.items() if error > 0}

CODES = {"automatic": "192.0.2.1", "operator, 14 days": "198.51.100.1", "import": "198.51.100.20", "for good": "198.51.100.3",
         "exempt": "198.51.100.130", "not exempt": "198.51.100.200"}


class Clock:
    """The clock of the programs with the environment `env`."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.set(0)
        self.env = os.environ | {"LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                                 "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}

    def set(self, error):
        self.error = error
        new = self.file.with_suffix(".new")
        new.write_text(f"{error:+d}\n")
        new.rename(self.file)


class Listed(unittest.TestCase):
    """A list with a listing of each kind and an exemption."""

    def setUp(self):
        # In the folder's file system nobody else writes; the filter of system calls would refuse what libfaketime does.
        self.b = self.enterContext(Blowback(server={"sandbox": False, "status_socket": None}))
        self.b.sections["server"]["status_socket"] = str(self.b.dir / "status.sock")
        self.b.write_config()
        self.clock = Clock(self.b.dir)

    def fill(self):
        b = self.b
        b.list_sender("192.0.2.1")
        self.once()
        self.tool("list", "198.51.100.1", "--for", "14d", "--reason", "a fortnight")
        self.tool("import", "-", "--for", "20d", "--reason", "a partner's list", stdin=b"198.51.100.20\n198.51.100.21\n")
        self.tool("list", "198.51.100.3", "--reason", "for good")
        self.tool("list", "198.51.100.128/25", "--reason", "a network")
        self.tool("exempt", "198.51.100.130", "--for", "3d", "--reason", "a mistake")

    def once(self):
        """blowback-ingest --once, with the clock as it is set."""
        ended = self.b.start_ingest(once=True, env=self.clock.env)
        self.assertEqual(ended.process.returncode, 0, ended.log())

    def tool(self, *arguments, stdin=b""):
        done = self.b.cli(*arguments, stdin=stdin, env=self.clock.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def list_now(self):
        """What the operator sees: listings, and whether each address is listed, with the right clock."""
        listings = self.b.cli_json("listings")
        checked = {name: self.b.cli("check", address).returncode for name, address in CODES.items()}
        return listings, checked

    def answers(self):
        return {name: sorted(self.b.dig_ip(address).rdata("A")) for name, address in CODES.items()}

    def doctor(self):
        return {row["check"]: row for row in self.b.cli_json("doctor")}

    def ends(self):
        """{prefix: seconds from now until an automatic listing ends}"""
        now = time.time()
        return {row["prefix"]: datetime.datetime.fromisoformat(row["expires_at"].replace("Z", "+00:00")).timestamp() - now
                for row in self.b.cli_json("listings") if row["source"] == "automatic"}


class DaemonsThatRunThrough(Listed):
    """The jump is shorter than the daemons had run before, since they trust the clock that has lasted longer."""

    def step(self, error, metrics):
        """Sets the clock wrong, has ingest sweep, and returns what the server answers meanwhile."""
        b = self.b
        config_read = b.ingest.log().count("config-read")
        self.clock.set(error)
        for where in metrics.values():
            wait_until(lambda where=where: samples(where)["blowback_clock_in_doubt"] == 1, 5, "the daemon doubts the clock")
            self.assertAlmostEqual(samples(where)["blowback_clock_ahead_seconds"], error, delta=5)
            self.assertEqual(problems(where), (503, ["clock-in-doubt"]))
        # With a new config ingest sweeps at once; and a delivery is taken before the sweep of that round, so the one after is behind it.
        b.ingest.process.send_signal(signal.SIGHUP)
        wait_until(lambda: b.ingest.log().count("config-read") > config_read, 5, "ingest reads its config")
        for _ in range(2):
            before = b.feed_counts()["not_a_trap"]
            b.deliver(make_dsn("192.0.2.99", "somebody@elsewhere.example", before + 1))
            wait_until(lambda before=before: b.feed_counts()["not_a_trap"] > before, 5, "the delivery is read")
        return self.answers()

    def test_list_and_answers_stay_as_they_are(self):
        b = self.b
        metrics = {"server": free_port(), "ingest": free_port()}
        b.sections["metrics"] = {name: f"127.0.0.1:{port}" for name, port in metrics.items()}
        b.write_config()
        self.fill()
        b.start_server(env=self.clock.env)
        b.start_ingest(env=self.clock.env)
        started = time.monotonic()
        before, answers_before = self.list_now(), self.answers()
        self.assertEqual(before[1], {"automatic": 0, "operator, 14 days": 0, "import": 0, "for good": 0, "exempt": 1, "not exempt": 0})
        self.assertEqual({name for name, codes in answers_before.items() if not codes}, {"exempt"})
        wait_until(lambda: time.monotonic() - started > 15 * PATIENCE, 60, "the daemons have run for longer than a jump lasts")
        for name, error in ERRORS.items():
            with self.subTest(name):
                stepped = time.monotonic()
                self.assertEqual(self.step(error, metrics), answers_before)
                self.assertLess(time.monotonic() - stepped, stepped - started, "the jump lasted longer than the daemons had run")
                self.assertEqual(self.doctor()["clock"]["state"], "problem")
                self.clock.set(0)
                for where in metrics.values():
                    wait_until(lambda where=where: samples(where)["blowback_clock_in_doubt"] == 0, 5, "the daemon trusts the clock")
                    self.assertEqual(problems(where), (200, []))
                self.assertNotIn("clock", self.doctor())
                self.assertEqual(self.list_now(), before)
                self.assertEqual(self.answers(), answers_before)
        for log in (b.server.log(), b.ingest.log()):
            self.assertEqual(log.count("clock-in-doubt"), len(ERRORS))
            self.assertEqual(log.count("clock-trusted"), len(ERRORS))
        self.assertNotIn(" expired ", b.ingest.log())
        self.assertEqual(samples(metrics["ingest"])["blowback_ingest_expired_total"], 0)


class ProgramsThatStart(Listed):
    """They can't know that the clock is wrong. What they remove is restored later."""

    def test_what_one_run_removed_the_next_one_restores(self):
        self.fill()
        before = self.list_now()
        for name, error in ERRORS.items():
            with self.subTest(name):
                self.clock.set(error)
                self.once()
                if error > 0:
                    self.assertNotEqual(self.list_now(), before)
                self.clock.set(0)
                self.once()
                self.assertEqual(self.list_now(), before)
        self.assertEqual(self.b.cli("db", "check").returncode, 0)

    def test_a_server_that_started_under_a_wrong_clock_answers_as_before_once_it_is_right(self):
        self.fill()
        b = self.b
        before = {"automatic": ["127.0.0.2"], "operator, 14 days": ["127.0.0.9"], "import": ["127.0.0.9"], "for good": ["127.0.0.9"],
                  "exempt": [], "not exempt": ["127.0.0.9"]}
        for name, error in ERRORS.items():
            with self.subTest(name):
                self.clock.set(error)
                b.start_server(env=self.clock.env)
                if error > 0:
                    self.assertEqual(self.answers(), {**{key: [] for key in before}, "for good": ["127.0.0.9"],
                                                      "exempt": ["127.0.0.9"], "not exempt": ["127.0.0.9"]})
                self.clock.set(0)
                wait_until(lambda: self.answers() == before, 20, lambda: f"answers are as before: {self.answers()}")
                b.server.stop()

    def test_a_daemon_that_started_with_a_wrong_clock_restores_what_it_removed(self):
        self.fill()
        before = self.list_now()
        self.clock.set(40 * DAY)
        daemon = self.b.start_ingest(env=self.clock.env)
        wait_until(lambda: " expired " in daemon.log(), 10, "ingest removed them")
        self.assertNotEqual(self.list_now(), before)
        self.clock.set(0)
        wait_until(lambda: self.list_now() == before, 60, lambda: f"the list is as before; {daemon.log()}")


class MailAndDecisions(Listed):
    def bounces(self, ip, first, count):
        """As a mail server on the same machine delivers: files have the time of its clock."""
        for n in range(first, first + count):
            self.b.deliver(make_dsn(ip, f"trap{n % 4}@{('', 'second.')[n % 2]}{TRAP_DOMAIN}", n), mtime=time.time() + self.clock.error)

    def setUp(self):
        super().setUp()
        self.b.sections["traps"]["domains"] = [TRAP_DOMAIN, f"second.{TRAP_DOMAIN}"]
        self.b.write_config()

    def assert_ends_in_time(self):
        for prefix, left in self.ends().items():
            self.assertLessEqual(left, MAX_LISTING + 60, prefix)

    def test_mail_recorded_while_the_clock_is_ahead_lists_nobody_for_longer_and_makes_nobody_immune(self):
        for turn, (name, error) in enumerate(AHEAD.items()):
            with self.subTest(name):
                hosts = {role: f"192.0.2.{10 * turn + n}" for n, role in enumerate(("before", "meanwhile", "once", "another"), 1)}
                self.bounces(hosts["before"], 1000 * turn, 4)
                self.once()
                self.assertIn(hosts["before"], self.ends())
                self.clock.set(error)
                self.bounces(hosts["before"], 1000 * turn + 100, 4)
                self.bounces(hosts["meanwhile"], 1000 * turn + 200, 4)
                self.bounces(hosts["once"], 1000 * turn + 300, 1)
                self.once()
                self.clock.set(0)
                self.once()
                self.assertLessEqual({hosts["before"], hosts["meanwhile"]}, set(self.ends()))
                self.assert_ends_in_time()
                self.bounces(hosts["once"], 1000 * turn + 400, 20)
                self.bounces(hosts["another"], 1000 * turn + 500, 20)
                self.bounces(hosts["meanwhile"], 1000 * turn + 600, 20)
                self.once()
                self.assertLessEqual(set(hosts.values()), set(self.ends()))
                self.assert_ends_in_time()
        self.assertEqual(self.b.cli("db", "check").returncode, 0)

    def test_decisions_under_a_wrong_clock_hold_when_it_is_right_and_can_be_undone(self):
        self.fill()
        before = self.list_now()
        for name, error in ERRORS.items():
            with self.subTest(name):
                self.clock.set(error)
                self.tool("list", "203.0.113.1", "--for", "14d", "--reason", "listed")
                self.tool("exempt", "203.0.113.2", "--for", "14d", "--reason", "exempt")
                self.once()
                self.clock.set(0)
                self.once()
                self.assertEqual(self.b.cli("check", "203.0.113.1").returncode, 0)
                self.assertEqual(self.b.cli("list", "203.0.113.2", "--reason", "not while it is exempt").returncode, 1)
                self.undo_latest("exempt", "203.0.113.2")
                self.undo_latest("list", "203.0.113.1")
                self.assertEqual(self.list_now(), before)

                self.clock.set(error)
                self.tool("delist", "192.0.2.1", "--reason", "delisted")
                self.once()
                self.clock.set(0)
                self.once()
                self.assertNotEqual(self.b.cli("check", "192.0.2.1").returncode, 0)
                self.clock.set(error)
                self.undo_latest("delist", "192.0.2.1")
                self.once()
                self.clock.set(0)
                self.once()
                self.assertEqual(self.list_now(), before)

    def undo_latest(self, action, subject):
        entries = self.b.cli_json("log")
        entry = next(e for e in entries if e["action"] == action and e["subject"] == subject)
        self.tool("undo", str(entry["id"]), "--reason", "a mistake")

    def test_a_delisting_under_a_wrong_clock_makes_nobody_immune(self):
        self.bounces("192.0.2.1", 0, 4)
        self.once()
        self.clock.set(40 * DAY)
        self.tool("delist", "192.0.2.1", "--reason", "repented")
        self.clock.set(0)
        self.once()
        self.assertEqual(self.ends(), {})
        # Mail received in the second of a delisting counts as received before it.
        mended = int(time.time())
        wait_until(lambda: int(time.time()) > mended, 2, "the next second")
        self.bounces("192.0.2.1", 100, 20)
        self.once()
        self.assertIn("192.0.2.1", self.ends())
        self.assert_ends_in_time()

    def test_doctor_reports_times_in_the_future(self):
        self.bounces("192.0.2.1", 0, 4)
        self.once()
        self.assertEqual(self.doctor()["times"]["state"], "ok")
        self.clock.set(40 * DAY)
        self.tool("delist", "192.0.2.1", "--reason", "repented")
        found = self.doctor()["times"]
        self.assertEqual(found["state"], "warning")
        self.assertIn("a decision", found["found"])


def skip_without_faketime():
    """Ends the script as skipped where programs can't be started under another clock."""
    if LIBRARY is None:
        print("skipped: libfaketime isn't installed (Debian's package faketime)")
        sys.exit(77)
    if any(mark in (BIN / "blowback-ingest").read_bytes() for mark in (b"__asan_init", b"__tsan_init")):
        print("skipped: libfaketime can't be loaded before a sanitizer's library")
        sys.exit(77)


if __name__ == "__main__":
    skip_without_faketime()
    unittest.main(verbosity=2)
