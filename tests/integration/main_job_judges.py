#!/usr/bin/env python3
"""However many threads judge, the database is the same, byte for byte in an ordered dump of all its tables.

The mail is the project's samples and, where it stands beside the project, the corpus of main_job_corpus.py, each message as our own
relay would have stored it: by various clients, for various traps; and reports of twenty senders, which get them listed."""

import os
import pathlib
import re
import sqlite3
import time
import unittest

from harness import ROOT, TRAP_DOMAIN, Blowback, dump, make_dsn

CORPUS = pathlib.Path(os.environ.get("BLOWBACK_CORPUS") or ROOT.parent / "shared" / "corpus") / "dev"
JUDGES = (1, 2, 5)
REPORTS = 300
CHUNK = 500  # deliveries per chunk


def deliveries():
    files = sorted((ROOT / "tests" / "data" / "mail").glob("*.eml")) + sorted(p for p in CORPUS.rglob("*") if p.is_file())
    for n, file in enumerate(files):
        trap = f"{'abcdefghi'[n % 9]}@{TRAP_DOMAIN}"
        # Every fiftieth has no client, and is quarantined if it is backscatter.
        client = f"mx.sender.example (mx.sender.example [198.51.100.{n % 200 + 1}])" if n % 50 else "mx.sender.example"
        yield (f"Return-Path: <>\nDelivered-To: {trap}\nReceived: from {client}\n\tby mx.{TRAP_DOMAIN} (Postfix) with ESMTP id {n:X};"
               " Tue, 24 Nov 2026 10:00:00 +0000\n").encode() + file.read_bytes()
    for n in range(REPORTS):
        yield make_dsn(f"192.0.2.{n % 20 + 1}", f"{'abcdefghi'[n % 9]}@{TRAP_DOMAIN}", n)


def whole_dump(b, began, ended):
    """All tables, without what differs between runs: the folder, inodes, and times such as those of quarantined deliveries."""
    with sqlite3.connect(f"file:{b.database}?mode=ro", uri=True) as connection:
        tables = [name for name, in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    connection.close()
    text = re.sub(r"\d+ (\d+ \d{6}\.trap\.mx)", r"INODE \1", dump(b.database, tables).replace(str(b.dir), "DIR"))
    text = re.sub(r"'(upkeep_awake|upkeep_waits)'\|\d+", r"'\1'|now", text)  # seconds since boot
    return re.sub(r"(?<=\|)\d+(?=\||$)", lambda number: "now" if began <= int(number[0]) <= ended else number[0], text, flags=re.M)


class AnyNumberOfJudges(unittest.TestCase):
    def test_the_database_is_the_same(self):
        messages = list(deliveries())
        self.assertGreater(len(messages), CHUNK)
        now = int(time.time())
        dumps = {}
        for judges in JUDGES:
            with Blowback() as b:
                b.sections["ingest"] = {"judges": judges}
                b.write_config()
                for n, message in enumerate(messages):
                    file = b.maildir / "new" / f"{n:06d}.trap.mx"
                    file.write_bytes(message)
                    os.utime(file, (now - 86400 + n, now - 86400 + n))
                began = int(time.time())
                done = b.start_ingest(once=True)
                took = time.time() - began
                self.assertEqual(done.process.returncode, 0, done.log()[-2000:])
                counts = b.feed_counts()
                print(f"{judges} judges: {counts} in {took:.1f} s", flush=True)
                dumps[judges] = whole_dump(b, began, int(time.time()))
        self.assertEqual(counts["deliveries"], len(messages))
        for what in ("incidents", "quarantined", "not_backscatter"):
            self.assertGreater(counts[what], 3, what)
        self.assertEqual(dumps[1].count("\nlisting ("), 1)
        self.assertIn("\n  ", dumps[1].split("\nlisting (")[1].split("\nlisting_change")[0], "somebody is listed")
        for judges in JUDGES[1:]:
            if dumps[judges] != dumps[1]:
                differing = [pair for pair in zip(dumps[1].splitlines(), dumps[judges].splitlines()) if pair[0] != pair[1]]
                self.fail(f"with {judges} judges, for example: {differing[:1]}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
