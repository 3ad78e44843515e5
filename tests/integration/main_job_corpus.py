#!/usr/bin/env python3
"""Real mail with labels through `blowback classify`: 99.5 % of the backscatter found, 98 % of the right kind, 95 % of the causes
right, no false positive.

The corpus (../shared/corpus) isn't a part of the project; without it this test is skipped."""

import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

from harness import ROOT, Blowback

CORPUS = pathlib.Path(os.environ.get("BLOWBACK_CORPUS") or ROOT.parent / "shared" / "corpus")
FOUND, RIGHT_KIND, RIGHT_CAUSE = 99.5, 98.0, 95.0


class Corpus(unittest.TestCase):
    def test_backscatter_is_found_without_false_positives(self):
        with Blowback() as b:
            began = time.monotonic()
            done = b.cli("classify", CORPUS / "dev", seconds=120)
            took = time.monotonic() - began
            self.assertEqual(done.returncode, 0, done.stderr[-2000:])
            lines = done.stdout.splitlines()
            messages = sum(1 for path in (CORPUS / "dev").rglob("*") if path.is_file())
            self.assertEqual(len(lines), messages, "one line per message")
            for line in lines:
                self.assertEqual(line.count("\t"), 3, f"path, kind, cause, client_ip: {line!r}")
            found = b.dir / "found.tsv"
            found.write_text(done.stdout)
            score = subprocess.run([sys.executable, CORPUS / "score.py", CORPUS / "labels.tsv", found, "--list"],
                                   capture_output=True, text=True, check=True).stdout
            print(f"\n{messages} messages in {took:.1f} s\n{score}", flush=True)
            found, kind = (float(re.search(rf"{what} \d+/\d+ = ([\d.]+)%", score)[1]) for what in ("found", "right kind"))
            right_cause, with_cause = map(int, re.search(r"cause (\d+)/(\d+)", score).groups())
            self.assertGreaterEqual(found, FOUND, "found, in percent")
            self.assertGreaterEqual(kind, RIGHT_KIND, "right kind, in percent")
            self.assertGreaterEqual(100 * right_cause / with_cause, RIGHT_CAUSE, "right cause, in percent")
            self.assertEqual(re.findall(r"^FALSE.*$", score, re.M), [], "false positives")


if __name__ == "__main__":
    if not (CORPUS / "dev").is_dir():
        print(f"skipped: no corpus at {CORPUS}")
        sys.exit(77)
    unittest.main(verbosity=2)
