#!/usr/bin/env python3
"""Measures queries, decisions and backups on a database that `growth fill` created, with the real programs of one build.

    tests/bench/growth.py BUILD DATABASE [LINES]

BUILD is a build folder such as build/release, of this tree or of another one, so that two versions can be compared; each needs a
database of its own. LINES (1000000) are imported, undone and delisted while a second writer measures how long it waits for its turn.
This changes the database.
"""
import argparse
import contextlib
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import threading
import time


def ran(command, **more):
    """Seconds, the largest memory in MB, and the exit status of a command."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=more.get("stdout", subprocess.DEVNULL), stderr=subprocess.PIPE)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        print(f"    {command[3:]}: exit {process.returncode}: {error.decode(errors='replace').strip()[:300]}")
    return time.monotonic() - began, usage.ru_maxrss / 1024, process.returncode


class Writer(threading.Thread):
    """Acquires the write lock a hundred times a second, as a feed does, and records how long it waited, and the size of the -wal file."""

    def __init__(self, database):
        super().__init__(daemon=True)
        self.database, self.waits, self.wal, self.ended = database, [], 0, threading.Event()

    def run(self):
        # Our programs try again each millisecond; SQLite's own waiting would miss most turns.
        with contextlib.closing(sqlite3.connect(self.database, timeout=0, isolation_level=None)) as connection:
            while not self.ended.wait(0.01):
                began = time.monotonic()
                while True:
                    try:
                        connection.execute("BEGIN IMMEDIATE")
                        break
                    except sqlite3.OperationalError:
                        time.sleep(0.001)
                connection.execute("UPDATE feed_position SET deliveries = deliveries WHERE feed = 'traps'")
                connection.execute("COMMIT")
                self.waits.append(time.monotonic() - began)
                with contextlib.suppress(FileNotFoundError):
                    self.wal = max(self.wal, os.path.getsize(self.database + "-wal"))

    def result(self):
        self.ended.set()
        self.join()
        waits = sorted(self.waits)
        return waits[-1], waits[min(len(waits) - 1, int(len(waits) * 0.999))], self.wal / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("database")
    parser.add_argument("lines", type=int, nargs="?", default=1_000_000)
    arguments = parser.parse_args()
    database = os.path.abspath(arguments.database)
    with tempfile.TemporaryDirectory(prefix="blowback-growth-", dir=os.path.dirname(database)) as folder:
        folder = pathlib.Path(folder)
        config = folder / "blowback.toml"
        config.write_text(f'database = "{database}"\n[zone]\nname = "bl.example.org"\n')
        tool = [str(arguments.build / "bin" / "blowback"), "--config", str(config)]

        print("size")
        with contextlib.closing(sqlite3.connect(database)) as connection:
            incidents = (connection.execute("SELECT sum(incidents) FROM feed_position").fetchone()[0])
            rows = connection.execute("SELECT name, sum(pgsize), sum(payload) FROM dbstat GROUP BY name ORDER BY 2 DESC").fetchall()
        total = sum(size for _, size, _ in rows)
        print(f"  {incidents} incidents, {total / 1e6:.0f} MB, {total / incidents:.0f} octets each")
        for name, size, _ in rows[:9]:
            print(f"    {name:34} {size / 1e6:10.1f} MB {size / incidents:8.1f} octets an incident")

        (folder / "policy.toml").write_text("[policy]\nlist_at = 2.5\n")
        print("\nquestions                        s          MB")
        for name, command in (("stats", ["stats"]), ("traps", ["traps"]), ("doctor", ["doctor"]), ("top", ["top"]),
                              ("top --since 30d --by sender", ["top", "--since", "30d", "--by", "sender"]),
                              ("listings --format csv", ["listings", "--format", "csv"]),
                              ("policy simulate", ["policy", "simulate", str(folder / "policy.toml"), "--changed"])):
            seconds, memory, _ = ran(tool + command)
            print(f"  {name:28} {seconds:8.2f} {memory:10.0f}")

        lines = folder / "lines"
        with lines.open("w") as out:
            for i in range(arguments.lines):
                out.write(f"{60 + i // 16_777_216}.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n")

        print("\ndecisions and copies             s          MB   longest wait s   p99.9 s   -wal MB")
        def beside(name, command):
            writer = Writer(database)
            writer.start()
            seconds, memory, status = ran(tool + command)
            longest, almost, wal = writer.result()
            print(f"  {name:28} {seconds:8.2f} {memory:10.0f} {longest:16.3f} {almost:9.3f} {wal:9.0f}" + (f"   exit {status}" if status else ""))

        def last_entry():
            with contextlib.closing(sqlite3.connect(database)) as connection:
                return str(connection.execute("SELECT max(id) FROM audit").fetchone()[0])

        beside(f"import of {arguments.lines} lines", ["import", str(lines), "--reason", "growth", "--wide"])
        beside("listings --format csv", ["listings", "--format", "csv"])
        beside("export", ["export", "--format", "rbldnsd"])
        beside("delist of 60.0.0.0/8", ["delist", "60.0.0.0/8", "--reason", "growth", "--wide"])
        beside("undo of the delisting", ["undo", last_entry(), "--reason", "growth"])
        beside("backup", ["db", "backup", str(folder / "backup.db")])
        beside("policy simulate", ["policy", "simulate", str(folder / "policy.toml"), "--changed"])


if __name__ == "__main__":
    main()
