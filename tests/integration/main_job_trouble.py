#!/usr/bin/env python3
"""A full disk, a database that may not be written, a wrong config, a port in use: the error says what to do, the exit code
is 3 (2 for the config), and nothing stored is lost."""

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import unittest

import harness
from harness import TRAP_DOMAIN, Blowback, dump, make_dsn, program, wait_until

TABLES = ("incident", "standing", "standing_part", "listing", "listing_change", "feed_position")
PROGRAMS = ("blowback-ingest", "blowback-server", "blowback")


def arguments_of(name):
    return {"blowback-ingest": ["--once"], "blowback-server": [], "blowback": ["stats"]}[name]


def deliver_many(b, count, first=0):
    for n in range(first, first + count):
        b.deliver(make_dsn(f"198.51.100.{n % 200 + 1}", f"{'abcdefgh'[n % 8]}@{TRAP_DOMAIN}", n), f"{n:06d}.trap.mx", mtime=1_790_000_000)


class FullDisk(unittest.TestCase):
    MAIL = 3000

    def expected(self, b):
        """What the same mail gives where there is room."""
        with Blowback() as calm:
            shutil.copytree(b.maildir, calm.maildir, dirs_exist_ok=True)
            self.assertEqual(calm.start_ingest(once=True).process.returncode, 0)
            return dump(calm.database, TABLES[:4])

    def test_a_file_that_may_not_grow(self):
        with Blowback() as b:
            deliver_many(b, self.MAIL)
            expected = self.expected(b)

            def limited():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))

            done = b.start_ingest(once=True, preexec=limited)
            self.assertEqual(done.process.returncode, 3, done.log())
            self.assertRegex(done.log(), r"database-trouble.*(room|space|disk)")
            self.assertEqual(len([line for line in done.log().splitlines() if " error " in line]), 1, done.log())
            self.assertEqual(b.cli("db", "check").returncode, 0)

            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertTrue(dump(b.database, TABLES[:4]) == expected, "after the disk had room again the database isn't the expected one")

    def test_a_file_system_without_room(self):
        probe = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"],
                               capture_output=True, check=False)
        if probe.returncode != 0:
            self.skipTest("no mount namespace to be had here: " + probe.stderr.decode().strip())
        with Blowback() as b:
            deliver_many(b, self.MAIL)
            expected = self.expected(b)
            small = b.dir / "small"
            small.mkdir()
            b.sections["database"] = str(small / "blowback.db")
            b.write_config()
            ingest = f"'{program('blowback-ingest')}' --config '{b.config}' --once"
            script = f"""
                mount -t tmpfs -o size=1m tmpfs '{small}'
                {ingest} 2>'{b.dir}/full.log'; echo "full $?"
                '{program('blowback')}' --config '{b.config}' db check >&2; echo "check $?"
                mount -o remount,size=64m '{small}'
                {ingest} 2>'{b.dir}/room.log'; echo "room $?"
                '{program('blowback')}' --config '{b.config}' db backup '{b.dir}/copy.db' >&2; echo "backup $?"
            """
            done = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", script], capture_output=True, text=True,
                                  timeout=120, check=False)
            log = (b.dir / "full.log").read_text()
            self.assertEqual(done.stdout.split("\n")[:-1], ["full 3", "check 0", "room 0", "backup 0"], done.stderr + log)
            self.assertRegex(log, r"database-trouble.*free space")
            self.assertTrue(dump(b.dir / "copy.db", TABLES[:4]) == expected, "after there was room again the database isn't the expected one")


class ReadOnlyDatabase(unittest.TestCase):
    def test_it_is_reported_and_stored_data_stays(self):
        with Blowback() as b:
            b.list_sender("192.0.2.1")
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            before = dump(b.database, TABLES)
            b.list_sender("192.0.2.2")
            # Root may write everything, so the programs run as another user, who needs access to them.
            programs = b.dir / "bin"
            programs.mkdir()
            for name in PROGRAMS:
                shutil.copy(program(name), programs)
            for path in [b.dir, *b.dir.rglob("*")]:
                path.chmod(0o755 if path.is_dir() or path.parent == programs else 0o644)

            def as_nobody():
                if os.getuid() == 0:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)

            if os.getuid() != 0:
                b.database.chmod(0o444)
                b.dir.chmod(0o555)
            try:
                for name, arguments in (("blowback-ingest", ["--once"]), ("blowback", ["list", "203.0.113.1", "--reason", "test"])):
                    done = subprocess.run([programs / name, "--config", b.config, *arguments], capture_output=True, text=True, timeout=60,
                                          preexec_fn=as_nobody, check=False)
                    self.assertEqual(done.returncode, 3, f"{name}: {done.stderr}")
                    self.assertIn(str(b.database), done.stderr)
                    self.assertRegex(done.stderr, r"give this user write permission|the permissions of the folder", name)
            finally:
                b.dir.chmod(0o755)
                b.database.chmod(0o644)
            self.assertEqual(dump(b.database, TABLES), before)
            self.assertEqual(len(list((b.maildir / "new").iterdir())), 3, "mail that wasn't recorded stays in new/")
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(b.cli("check", "192.0.2.2").returncode, 0)


class NotADatabase(unittest.TestCase):
    def test_another_file_is_never_overwritten(self):
        with Blowback() as b:
            letter = b"Dear diary,\n" * 1000
            b.database.write_bytes(letter)
            b.list_sender("192.0.2.1")
            for name in ("blowback-ingest", "blowback"):
                done = b.run(name, *arguments_of(name))
                self.assertEqual(done.returncode, 3, f"{name}: {done.stderr}")
                self.assertIn(str(b.database), done.stderr)
            self.assertEqual(b.database.read_bytes(), letter)
            self.assertEqual(len(list((b.maildir / "new").iterdir())), 3)

    def test_a_newer_database_is_refused(self):
        import sqlite3
        with Blowback() as b:
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            with sqlite3.connect(b.database) as connection:
                connection.execute("PRAGMA user_version = 999")
            connection.close()
            for name in PROGRAMS:
                done = b.run(name, *arguments_of(name), seconds=10)
                self.assertEqual(done.returncode, 3, f"{name}: {done.stderr}")
                self.assertRegex(done.stderr, r"newer.*999", name)


class WrongConfig(unittest.TestCase):
    def test_every_program_names_file_line_and_key_and_exits_2(self):
        with Blowback() as b:
            good = b.config.read_text()
            for broken, key in ((good.replace("workers", "wokers"), "wokers"),
                                (good.replace('ttl = "5m"', "ttl = 5"), "ttl"),
                                (good + "\n[policy.weights]\ndsn = -1.0\n", "dsn"),
                                (good.replace("[server]", "[server"), None)):
                b.config.write_text(broken)
                lines = broken.splitlines()
                line = 1 + (lines.index("[server") if key is None else next(n for n, text in enumerate(lines) if re.match(rf"{key}\b", text)))
                for name in PROGRAMS:
                    done = b.run(name, *arguments_of(name), seconds=10)
                    self.assertEqual(done.returncode, 2, f"{name}, {key}: {done.stderr}")
                    self.assertIn(f"{b.config}:{line}", done.stderr, f"{name}, {key}")
                    self.assertIn(key or "TOML", done.stderr, name)
            self.assertFalse(b.database.exists(), "a program with an invalid config changes nothing")

    def test_a_config_that_is_not_there(self):
        with Blowback() as b:
            b.config.unlink()
            for name in PROGRAMS:
                done = b.run(name, *arguments_of(name), seconds=10)
                self.assertEqual(done.returncode, 2, f"{name}: {done.stderr}")
                self.assertIn(str(b.config), done.stderr, name)

    def test_wrong_use_exits_2(self):
        with Blowback() as b:
            for name in PROGRAMS:
                self.assertEqual(b.run(name, "--no-such-option").returncode, 2, name)


class PortInUse(unittest.TestCase):
    def test_it_is_named_and_the_server_exits_3(self):
        with Blowback() as b:
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            b._ports.release()
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as taken:
                    taken.bind(("127.0.0.1", b.port))
                    if kind == socket.SOCK_STREAM:
                        taken.listen()
                    done = b.run("blowback-server", seconds=10)
                    self.assertEqual(done.returncode, 3, done.stderr)
                    self.assertIn(f"127.0.0.1:{b.port}", done.stderr)
                    self.assertRegex(done.stderr, r"in use", done.stderr)


class APipe(unittest.TestCase):
    """A message on standard input can't be read twice, so its MTA is asked to keep it on a failure."""

    def test_an_mta_is_asked_to_try_again_when_the_system_fails(self):
        with Blowback(feeds=[{"name": "pipe", "type": "stdin"}]) as b:
            message = make_dsn("203.0.113.99", f"a@{TRAP_DOMAIN}", 1)
            arguments = ["--once", "--client-ip", "192.0.2.1", "--helo", "mx.example", "--sender", "", "--recipient", f"a@{TRAP_DOMAIN}"]
            b.sections["database"] = str(b.dir / "nowhere" / "blowback.db")
            b.write_config()
            done = b.run("blowback-ingest", *arguments, stdin=message)
            self.assertEqual(done.returncode, 75, done.stderr)
            self.assertIn("nowhere", done.stderr)
            (b.dir / "nowhere").mkdir()
            self.assertEqual(b.run("blowback-ingest", *arguments, stdin=message).returncode, 0)
            self.assertEqual(b.feed_counts("pipe")["incidents"], 1)
            # The client of the connection counts, not the one in the trace.
            self.assertEqual([e["client"] for e in b.cli_json("evidence", "192.0.2.1")], ["192.0.2.1"])

    def test_it_ends_with_standard_input_without_the_option_once(self):
        with Blowback(feeds=[{"name": "pipe", "type": "stdin"}]) as b:
            message = make_dsn("203.0.113.99", f"a@{TRAP_DOMAIN}", 1)
            arguments = ["--feed", "pipe", "--client-ip", "192.0.2.1", "--sender", "", "--recipient", f"a@{TRAP_DOMAIN}"]
            self.assertEqual(b.run("blowback-ingest", *arguments, stdin=message).returncode, 0)
            self.assertEqual(b.feed_counts("pipe")["incidents"], 1)
            self.assertEqual(b.run("blowback-ingest", *arguments, stdin=b"").returncode, 0)

    def test_an_unknown_feed_name_is_a_usage_error(self):
        with Blowback() as b:
            done = b.run("blowback-ingest", "--once", "--feed", "nosuch")
            self.assertEqual(done.returncode, 2)
            self.assertIn("nosuch", done.stderr)


class Signals(unittest.TestCase):
    def test_sighup_reads_the_config_again_and_sigterm_ends(self):
        with Blowback() as b:
            daemon = b.start_ingest()
            wait_until(b.database.exists, 10, "ingest has begun")
            b.config.write_text("nonsense")
            daemon.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "config-kept" in daemon.log(), 10, "the broken config is logged and the old one kept")
            later = b.dir / "later"
            for name in ("tmp", "cur", "new"):
                (later / name).mkdir(parents=True)
            b.feeds.append({"name": "later", "type": "maildir", "path": str(later)})
            b.write_config()
            daemon.process.send_signal(signal.SIGHUP)
            for n, trap in enumerate("abc"):
                b.deliver(make_dsn("192.0.2.1", f"{trap}@{TRAP_DOMAIN}", n), maildir=later)
            wait_until(lambda: b.cli("check", "192.0.2.1").returncode == 0, 10, "the feed added to the config is read")
            self.assertEqual(daemon.stop(), 0)
            self.assertIn("stopped", daemon.log().splitlines()[-1])


class Restore(unittest.TestCase):
    def test_a_restored_backup_is_served_after_a_while_and_written(self):
        with Blowback(server={"stale_after": "2s"}) as b:
            b.list_sender("192.0.2.1")
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(b.cli("db", "backup", b.dir / "copy.db").returncode, 0)
            b.start_server()
            self.assertEqual(b.cli("delist", "192.0.2.1", "--reason", "test").returncode, 0)
            b.wait_not_listed("192.0.2.1")
            for extra in ("-wal", "-shm"):
                b.database.with_name(b.database.name + extra).unlink(missing_ok=True)
            os.replace(b.dir / "copy.db", b.database)
            b.wait_listed("192.0.2.1", seconds=10)
            b.list_sender("192.0.2.2")
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            b.wait_listed("192.0.2.2", seconds=10)
            self.assertEqual(b.cli("db", "check").returncode, 0)


class LockedDatabase(unittest.TestCase):
    def test_a_waiting_writer_continues_when_the_lock_is_released(self):
        import sqlite3
        with Blowback() as b:
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            b.start_server()
            holder = sqlite3.connect(b.database, isolation_level=None)
            holder.execute("BEGIN IMMEDIATE")
            b.list_sender("192.0.2.1")
            b.start_ingest()
            # The server only reads, so it answers meanwhile.
            self.assertEqual(b.dig(harness.ZONE, "SOA").rcode, "NOERROR")
            holder.execute("ROLLBACK")
            holder.close()
            b.wait_listed("192.0.2.1", seconds=10)
            wait_until(lambda: not any((b.maildir / "new").iterdir()), 5, "the mail is recorded")


if __name__ == "__main__":
    unittest.main(verbosity=2)
