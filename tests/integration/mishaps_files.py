#!/usr/bin/env python3
"""Another file is at the database's path, or the database is removed while daemons use it: no record and no mail is lost, and it is reported
once."""

import os
import pathlib
import resource
import shutil
import socket
import sqlite3
import subprocess
import unittest

from harness import Blowback, dump, program, query, receive_tcp, wait_until

TABLES = ("incident", "listing")


def oddities(b):
    """Name, and a function that puts it at the database's path."""
    def elsewhere():
        b.database.symlink_to(b.dir / "unmounted" / "blowback.db")

    def another_programs_database():
        # Created elsewhere: SQLite would have removed the -wal beside the name.
        other = b.dir / "other.db"
        connection = sqlite3.connect(other)
        connection.execute("CREATE TABLE mine (x)")
        connection.close()
        other.rename(b.database)

    return {"empty file": b.database.touch, "directory": b.database.mkdir, "FIFO": lambda: os.mkfifo(b.database),
            "device": lambda: b.database.symlink_to("/dev/null"), "link to nothing": elsewhere,
            "text": lambda: b.database.write_bytes(b"Dear diary,\n" * 1000), "another program's": another_programs_database}


def clear(path):
    for file in path.parent.glob(path.name + "*"):
        if file.is_dir():
            file.rmdir()
        else:
            file.unlink()


def looks(path):
    """The content, to check that it is unchanged."""
    status = path.lstat()
    return status.st_mode, status.st_ino, path.read_bytes() if path.is_file() and status.st_size else b""


class InTheDatabasesPlace(unittest.TestCase):
    def test_at_the_start_everything_refuses_and_changes_nothing(self):
        with Blowback() as b:
            b.list_sender("192.0.2.1")
            for name, put in oddities(b).items():
                with self.subTest(name):
                    put()
                    before = looks(b.database)
                    for arguments in (("blowback-ingest", "--once"), ("blowback", "stats"), ("blowback", "db", "migrate")):
                        ran = b.run(*arguments, seconds=20)
                        self.assertEqual(ran.returncode, 3, f"{arguments}: {ran.stderr}")
                        self.assertIn(str(b.database), ran.stderr)
                        self.assertRegex(ran.stderr, r"; ", "the message says what to do")
                    self.assertEqual(looks(b.database), before)
                    clear(b.database)
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(b.cli("check", "192.0.2.1").returncode, 0, "the mail was kept")

    def test_under_running_daemons_the_server_keeps_its_list_and_ingest_its_mail(self):
        with Blowback() as b:
            b.list_sender("192.0.2.1")
            b.start_ingest()
            wait_until(lambda: b.database.exists() and b.cli("check", "192.0.2.1").returncode == 0, 20, "it is listed")
            b.start_server()
            b.wait_listed("192.0.2.1", seconds=5)
            away = b.dir / "away.db"
            sender = 10
            cases = {"nothing": lambda: None} | oddities(b)
            for count, (name, put) in enumerate(cases.items(), 1):
                with self.subTest(name):
                    b.database.rename(away)
                    put()
                    wait_until(lambda: b.server.log().count("database-lost") == count, 10, b.server.log)
                    wait_until(lambda: b.ingest.log().count("database-trouble") == count, 10, b.ingest.log)
                    sender += 1
                    b.list_sender(f"192.0.2.{sender}")
                    self.assertTrue(b.listed("192.0.2.1"), "the last good list is still served")
                    if not b.database.is_symlink() and b.database.is_dir():
                        b.database.rmdir()
                    away.replace(b.database)
                    b.wait_listed(f"192.0.2.{sender}", seconds=10)
                    wait_until(lambda: b.server.log().count("database-back") == count, 10, b.server.log)
                    wait_until(lambda: b.ingest.log().count("database-back") == count, 10, b.ingest.log)
            self.assertEqual(b.feed_counts()["incidents"], 3 * (1 + len(cases)), "nothing is lost, and nothing counted twice")
            self.assertEqual(b.cli("db", "check").returncode, 0)

    def test_a_file_emptied_in_place_is_reported_by_both(self):
        with Blowback() as b:
            b.list_sender("192.0.2.1")
            b.start_ingest()
            wait_until(lambda: b.database.exists() and b.cli("check", "192.0.2.1").returncode == 0, 20, "it is listed")
            self.assertEqual(b.cli("db", "backup", b.dir / "copy.db").returncode, 0)
            b.start_server()
            b.wait_listed("192.0.2.1", seconds=5)
            os.truncate(b.database, 0)
            wait_until(lambda: "database-trouble" in b.ingest.log(), 10, b.ingest.log)
            wait_until(lambda: "database-lost" in b.server.log(), 10, b.server.log)
            self.assertRegex(b.ingest.log(), r"database-trouble.*empty file.*restore the last backup")
            self.assertTrue(b.listed("192.0.2.1"))
            b.list_sender("192.0.2.2")
            (b.dir / "copy.db").replace(b.database)
            b.wait_listed("192.0.2.2", seconds=10)
            self.assertTrue(b.listed("192.0.2.1"))
            self.assertEqual(b.cli("db", "check").returncode, 0)

    def test_running_daemons_continue_with_a_backup_that_replaces_the_database(self):
        with Blowback(server={"stale_after": "2s"}) as b:
            b.list_sender("192.0.2.1")
            b.start_ingest()
            wait_until(lambda: b.database.exists() and b.cli("check", "192.0.2.1").returncode == 0, 20, "it is listed")
            self.assertEqual(b.cli("db", "backup", b.dir / "copy.db").returncode, 0)
            b.start_server()
            self.assertEqual(b.cli("delist", "192.0.2.1", "--reason", "test").returncode, 0)
            b.wait_not_listed("192.0.2.1", seconds=5)
            (b.dir / "copy.db").replace(b.database)  # the old -wal and -shm stay, as they do when an operator forgets them
            wait_until(lambda: "database-replaced" in b.ingest.log(), 10, b.ingest.log)
            b.wait_listed("192.0.2.1", seconds=10)
            wait_until(lambda: "database-replaced" in b.server.log(), 10, b.server.log)
            b.list_sender("192.0.2.2")
            b.wait_listed("192.0.2.2", seconds=10)
            self.assertEqual(b.cli("db", "check").returncode, 0)
            self.assertEqual(len(dump(b.database, TABLES[:1]).splitlines()), 1 + 6)


class WhoseFiles(unittest.TestCase):
    """Root may do everything, so permissions are tested as user nobody, with copies of the programs to which it has access."""

    def setUp(self):
        if os.getuid() != 0:
            self.skipTest("only root can make files for others")
        self.b = self.enterContext(Blowback())
        self.folder = self.b.dir / "data"
        self.folder.mkdir()
        os.chown(self.folder, 65534, 65534)
        self.b.dir.chmod(0o755)
        self.b.database = self.folder / "blowback.db"
        self.b.sections["database"] = str(self.b.database)
        for folder in [self.b.maildir, *self.b.maildir.iterdir()]:
            os.chown(folder, 65534, 65534)
        self.b.write_config()
        self.b.config.chmod(0o644)
        self.programs = self.b.dir / "bin"
        self.programs.mkdir()
        for name in ("blowback-ingest", "blowback-server", "blowback"):
            shutil.copy(program(name), self.programs)

    def as_nobody(self, name, *arguments):
        def become():
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

        return subprocess.run([self.programs / name, "--config", self.b.config, *arguments], capture_output=True, text=True, timeout=60,
                              preexec_fn=become, check=False)

    def test_the_daemon_can_write_a_database_that_root_created(self):
        self.assertEqual(self.b.cli("db", "migrate").returncode, 0)
        self.assertEqual(self.b.cli("list", "203.0.113.1", "--reason", "test").returncode, 0)
        self.b.list_sender("192.0.2.1")
        for file in (self.b.maildir / "new").iterdir():
            os.chown(file, 65534, 65534)
        ran = self.as_nobody("blowback-ingest", "--once")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(self.b.cli("db", "backup", self.folder / "copy.db").returncode, 0)
        for file in self.folder.iterdir():
            self.assertEqual((file.stat().st_uid, file.stat().st_mode & 0o007), (65534, 0), file.name)
        self.assertEqual(self.findings()["owner"], "ok")
        self.assertEqual(self.findings()["privacy"], "ok")

    def findings(self):
        return {row["check"]: row["state"] for row in self.b.cli_json("doctor")}

    def test_doctor_reports_files_of_root_and_files_that_all_may_read(self):
        self.assertEqual(self.b.cli("db", "migrate").returncode, 0)
        os.chown(self.b.database, 0, 0)
        self.assertEqual(self.findings()["owner"], "problem")
        self.b.database.chmod(0o644)
        self.assertEqual(self.findings()["privacy"], "warning")

    def test_a_server_with_read_permission_starts_without_a_writer_and_follows_a_later_one(self):
        self.b.list_sender("192.0.2.1")
        self.assertEqual(self.b.start_ingest(once=True).process.returncode, 0)
        self.assertFalse(pathlib.Path(f"{self.b.database}-wal").exists())
        os.chown(self.folder, 0, 65534)
        self.folder.chmod(0o750)
        os.chown(self.b.database, 0, 65534)
        self.b.sections["server"]["user"] = "nobody"
        self.b.sections["server"]["status_socket"] = ""
        self.b.write_config()
        self.b.config.chmod(0o644)
        self.b.start_server()
        self.b.wait_listed("192.0.2.1", seconds=5)
        # Now there is a writer, at first briefly, then permanently.
        self.assertEqual(self.b.cli("list", "203.0.113.1", "--reason", "test").returncode, 0)
        self.b.wait_listed("203.0.113.1", seconds=10)
        self.b.start_ingest()
        self.b.list_sender("192.0.2.2")
        self.b.wait_listed("192.0.2.2", seconds=10)
        self.assertNotIn("database-lost", self.b.server.log())


class Descriptors(unittest.TestCase):
    def test_the_limit_is_raised_to_the_hard_limit(self):
        with Blowback(server={"workers": 1, "tcp_connections": 300}) as b:
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            b.start_server(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 1024)))
            self.assertNotIn("descriptors-short", b.server.log())
            with self.many(b, 280) as connections:
                self.assertEqual(len(connections.answered(b)), 280)

    def test_more_connections_than_possible_are_logged_and_the_list_is_still_followed(self):
        with Blowback(server={"workers": 1, "tcp_connections": 4000}) as b:
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            b.start_server(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)))
            self.assertRegex(b.server.log(), r"descriptors-short wanted=4000 possible=\d+ limit=128")
            with self.many(b, 200):
                b.list_sender("192.0.2.1")
                self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
                b.wait_listed("192.0.2.1", seconds=10)
            self.assertNotIn("database-lost", b.server.log())

    @staticmethod
    def many(b, count):
        class Many:
            def __enter__(self):
                self.sockets = []
                for host in range(count):
                    s = socket.socket()
                    # Each from another address: one client may have a quarter of the connections.
                    s.bind((f"127.0.1.{host % 250 + 1}", 0))
                    s.settimeout(10)
                    s.connect(("127.0.0.1", b.port))
                    self.sockets.append(s)
                return self

            def answered(self, b):
                wire = query(b.zone_name, "SOA")
                for s in self.sockets:
                    s.sendall(len(wire).to_bytes(2, "big") + wire)
                return [s for s in self.sockets if receive_tcp(s)]

            def __exit__(self, *_):
                for s in self.sockets:
                    s.close()

        return Many()


if __name__ == "__main__":
    unittest.main(verbosity=2)
