#!/usr/bin/env python3
"""The tool's output can't be written: on a full disk every command reports that and fails; if the reader is gone, it ends silently, with the
status that a shell reports for SIGPIPE."""

import json
import os
import signal
import subprocess
import unittest

from harness import Blowback, make_dsn, program

GONE = 141


class Output(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.b = Blowback().__enter__()
        cls.addClassCleanup(cls.b.__exit__, None, None, None)
        cls.b.list_sender("198.51.100.7")
        assert cls.b.start_ingest(once=True).process.returncode == 0
        cls.message = cls.b.dir / "message.eml"
        cls.message.write_bytes(make_dsn("198.51.100.7", "a@trap.example.net", 1))

    def run_into(self, output, arguments, *, ignores_sigpipe=False):
        def before_exec():
            signal.signal(signal.SIGPIPE, signal.SIG_IGN if ignores_sigpipe else signal.SIG_DFL)

        return subprocess.run([program("blowback"), "--config", self.b.config, *arguments], stdin=subprocess.DEVNULL, stdout=output,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False, restore_signals=False, preexec_fn=before_exec)

    def test_a_full_disk_fails_every_command_that_prints(self):
        commands = [["--help"], ["--version"], ["check", "198.51.100.7"], ["why", "198.51.100.7"], ["evidence", "198.51.100.7"],
                    ["listings"], ["listings", "--format", "json"], ["listings", "--format", "csv"], ["exemptions"], ["log"],
                    ["quarantine"], ["stats"], ["classify", str(self.message)],
                    ["classify", "--format", "json", str(self.message)], ["top"], ["traps"], ["export"],
                    ["export", "--format", "json"], ["export", "--format", "zone"], ["doctor"], ["db", "check"], ["db", "migrate"],
                    ["completion", "bash"], ["list", "203.0.113.9", "--reason", "test"]]
        for arguments in commands:
            with self.subTest(arguments), open("/dev/full", "w", encoding="ascii") as full:
                ran = self.run_into(full, arguments)
                self.assertEqual(ran.returncode, 3, ran.stderr)
                self.assertRegex(ran.stderr, "(?m)^blowback: can't write all of the output: No space left on device; free space")
        # The change was made all the same.
        self.assertEqual(self.b.cli("check", "203.0.113.9").returncode, 0)

    def test_output_that_is_closed_fails(self):
        ran = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', program("blowback"), "--config", self.b.config, "stats"],
                             stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        self.assertEqual(ran.returncode, 3, ran.stderr)
        self.assertIn("can't write all of the output: Bad file descriptor", ran.stderr)

    def test_a_full_disk_beneath_both_outputs_still_fails(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            ran = subprocess.run([program("blowback"), "--config", self.b.config, "stats"], stdout=full, stderr=full, timeout=60, check=False)
        self.assertEqual(ran.returncode, 3)

    def test_a_reader_that_is_gone_ends_the_tool_silently(self):
        for ignores in (False, True):
            for arguments in (["classify", str(self.message)], ["classify", "--format", "json", str(self.message)],
                              ["listings", "--format", "json"], ["stats"], ["export"]):
                with self.subTest(arguments, ignores=ignores):
                    reading, writing = os.pipe()
                    os.close(reading)
                    try:
                        ran = self.run_into(writing, arguments, ignores_sigpipe=ignores)
                    finally:
                        os.close(writing)
                    # A library of `classify` ignores SIGPIPE. To a shell both are 141.
                    self.assertIn(ran.returncode, (GONE,) if ignores else (GONE, -signal.SIGPIPE), ran.stderr)
                    self.assertEqual(ran.stderr, "")

    def test_classify_ends_when_its_reader_has_seen_enough(self):
        lines = self.b.dir / "lines.jsonl"
        line = {"received_at": "2026-11-24T10:00:00Z", "message": self.message.read_text()}
        # More output than a pipe holds.
        lines.write_text((json.dumps(line) + "\n") * 2000)
        ran = subprocess.run(["bash", "-c", '"$0" classify --jsonl --format json "$1" | head -n 1; exit "${PIPESTATUS[0]}"',
                              program("blowback"), lines], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(ran.returncode, GONE, ran.stderr)
        self.assertEqual(ran.stderr, "")
        self.assertEqual(json.loads(ran.stdout)["kind"], "dsn")


if __name__ == "__main__":
    unittest.main()
