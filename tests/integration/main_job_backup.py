#!/usr/bin/env python3
"""Backups that are made during writes are complete and consistent, and the nightly script keeps the number of copies that is set."""

import os
import pathlib
import subprocess
import unittest

from harness import BIN, PATIENCE, ROOT, Blowback, program, wait_until

SCRIPT = ROOT / "deploy" / "systemd" / "backup"


class Backup(unittest.TestCase):
    def test_backups_made_during_an_import_are_complete_and_consistent(self):
        with Blowback() as b:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            # Lists of 2,000, one commit each, until there are enough backups.
            writer = subprocess.Popen(
                ["sh", "-c", 'n=0; while [ ! -e "$0/enough" ]; do n=$((n + 1)); i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); '
                 'echo "77.$((n % 200)).$((i / 250)).$((i % 250))"; done | "$1" --config "$2" import - --reason "list $n" || exit 1; done',
                 b.dir, program("blowback"), b.config], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            try:
                serials = []
                wait_until(lambda: b.cli_json("log"), 20, "the import has begun")
                for n in range(8):
                    copy = b.dir / f"copy-{n}.db"
                    done = b.cli("db", "backup", copy)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertIsNone(writer.poll(), "the import goes on")
                    before = b.cli_json("log")
                    if n < 7:
                        wait_until(lambda: b.cli_json("log") != before, 20, "the import has committed more")
            finally:
                (b.dir / "enough").touch()
                _, said = writer.communicate(timeout=60 * PATIENCE)
            self.assertEqual(writer.returncode, 0, said)
            for n in range(8):
                with Blowback(database=b.dir / f"copy-{n}.db") as copy:
                    checked = copy.cli("db", "check")
                    self.assertEqual((checked.returncode, checked.stdout), (0, "ok\n"), checked.stderr)
                    figures = copy.figures()
                    # Every import changes 2,000 listings, or none if they were listed already.
                    if not any(entry["unfinished"] for entry in copy.cli_json("log", "--most", "1000")):
                        self.assertEqual(figures["listings_by_operator"] % 2000, 0)
                    serials.append(figures["serial"])
            self.assertEqual(serials, sorted(serials))
            self.assertGreater(serials[-1], serials[0], "the copies are of different moments")

    def test_the_nightly_script_keeps_the_newest_copies_and_removes_no_other_files(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            folder = b.dir / "backups"
            folder.mkdir()
            old = [folder / f"blowback-2026-11-{day:02}T023000Z.db" for day in range(1, 6)]
            foreign = [folder / "blowback-before-the-move.db", folder / "notes.txt"]
            for path in (*old, *foreign, folder / ".blowback-backup.part"):
                path.write_text("x")
            environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "BLOWBACK_CONFIG": str(b.config), "BLOWBACK_BACKUPS": str(folder)}

            def run(keep):
                return subprocess.run([SCRIPT], env={**environment, "BLOWBACK_BACKUPS_KEEP": keep}, capture_output=True, text=True)

            for wrong in ("0", "all", "-1"):
                self.assertEqual(run(wrong).returncode, 2)
            self.assertTrue(all(path.exists() for path in old))
            done = run("3")
            self.assertEqual(done.returncode, 0, done.stderr)
            made = pathlib.Path(done.stdout.removeprefix("backup written to ").strip())
            self.assertEqual(sorted(folder.iterdir()), sorted([*foreign, *old[3:], made]))
            with Blowback(database=made) as copy:
                self.assertEqual(copy.cli("check", "192.0.2.1").returncode, 0)

            # If the copy fails, the older ones stay.
            b.database.write_text("no database any more")
            for path in b.dir.glob("blowback.db-*"):
                path.unlink()
            self.assertNotEqual(run("1").returncode, 0)
            self.assertTrue(made.exists() and old[4].exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
