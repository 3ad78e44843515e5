#!/usr/bin/env python3
"""kill -9 at any time loses nothing and counts nothing twice.

One import of some 3,000 deliveries is killed 50 times (20 with sanitizers) at random instants and then run to its end. What is in the database
afterwards equals, byte for byte in an ordered dump, what one uninterrupted run over a copy of the same mail gives."""

import json
import os
import random
import shutil
import sqlite3
import time
import unittest

from harness import PATIENCE, TRAP_DOMAIN, Blowback, dump, make_dsn, wait_until

TABLES = ("incident", "standing", "standing_part", "listing")
DELIVERIES = 3000
BATCH = 500  # deliveries that blowback-ingest commits together
# The greatest age in seconds, in random order: some listings have ended before the rest of the backlog is read.
SPAN = 45 * 86400
KILLS = 50 if PATIENCE == 1 else 20  # with sanitizers each start takes long
SEED = int(os.environ.get("BLOWBACK_TEST_SEED", "20261124"))


def deliveries(rng):
    """(message, seconds ago): some 250 senders at 9 traps, some campaigns shared, every tenth a duplicate of an earlier one."""
    made = []
    for n in range(DELIVERIES):
        if made and n % 10 == 9:
            made.append((rng.choice(made)[0], rng.randrange(SPAN)))
            continue
        sender = f"198.51.100.{rng.randrange(1, 201)}" if rng.random() < 0.8 else f"2001:db8:{rng.randrange(1, 51):x}::{rng.randrange(1, 999):x}"
        trap = f"{rng.choice('abcdefghi')}@{TRAP_DOMAIN}"
        campaign = f"c{rng.randrange(400)}" if rng.random() < 0.5 else None
        made.append((make_dsn(sender, trap, n, campaign=campaign), rng.randrange(SPAN)))
    return made


def deliveries_in(database):
    if not database.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as connection:
            count = connection.execute("SELECT coalesce(sum(deliveries), 0) FROM feed_position").fetchone()[0]
        connection.close()
        return count
    except sqlite3.OperationalError:
        return 0  # killed before the first migration was committed


class KilledAtAnyInstant(unittest.TestCase):
    def check(self, feed, fill):
        rng = random.Random(SEED)
        now = int(time.time())
        feeds = [{"name": "traps", **feed}]
        with Blowback(feeds=feeds) as calm, Blowback(feeds=feeds) as killed:
            for b in (calm, killed):
                b.feeds = [{**feeds[0], "path": str(b.dir / "traps")}]
                b.write_config()
            fill(calm.dir / "traps", deliveries(rng), now)
            # The same bytes with the same times.
            if (calm.dir / "traps").is_dir():
                shutil.copytree(calm.dir / "traps", killed.dir / "traps", copy_function=shutil.copy2)
            else:
                shutil.copy2(calm.dir / "traps", killed.dir / "traps")

            began = time.monotonic()
            done = calm.start_ingest(once=True)
            self.assertEqual(done.process.returncode, 0, done.log())
            whole = time.monotonic() - began

            # The progress after each kill determines the length of the next run, so that the kills are spread over the whole import: ahead of the
            # schedule, runs are short; a run that is more than a batch behind it is killed once it has committed something.
            # The first runs are short, since the machine may have been busier during the uninterrupted run.
            life = whole / 40
            inside = 0
            done = 0
            stages = set()
            for kill in range(KILLS):
                daemon = killed.start("blowback-ingest", "--once")
                expected = DELIVERIES * kill / KILLS
                if done < expected - BATCH:
                    wait_until(lambda before=done: not daemon.running() or deliveries_in(killed.database) > before, 60,
                               "another batch is committed", pause=0.002)
                end = time.monotonic() + rng.uniform(0, life)
                while time.monotonic() < end and daemon.running():
                    time.sleep(0.0005)
                daemon.kill()
                done = deliveries_in(killed.database)
                if done < DELIVERIES:
                    inside += 1
                    stages.add(done)
                if done > expected:
                    life *= 0.5
                else:
                    life = min(life * 1.15, whole / 10)
            done = killed.start_ingest(once=True)
            self.assertEqual(done.process.returncode, 0, done.log())

            stats = killed.feed_counts()
            print(f"\n{feed['type']}: {DELIVERIES} deliveries, {KILLS} kills, {inside} of them before the import was complete, "
                  f"at {len(stages)} stages of it, "
                  f"uninterrupted run {whole:.2f} s, seed {SEED}, {stats['duplicates']} duplicates seen", flush=True)
            self.assertGreaterEqual(inside, 0.3 * KILLS, "too few kills hit the import; this tests nothing")
            self.assertGreaterEqual(len(stages), 3, "the kills hit the same stage of the import again and again")
            expected = dump(calm.database, TABLES)
            self.assertIn("listing", expected)
            self.assertGreater(expected.count("\n"), 1000)
            got = dump(killed.database, TABLES)
            if got != expected:
                for name, text in (("calm", expected), ("killed", got)):
                    (calm.dir / f"{name}.dump").write_text(text)
                os.system(f"diff {calm.dir}/calm.dump {calm.dir}/killed.dump | head -20")
            self.assertTrue(got == expected, "the killed import differs from the uninterrupted one, see above")
            check = killed.cli("db", "check")
            self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def test_over_a_maildir(self):
        def fill(path, made, now):
            for name in ("tmp", "new", "cur"):
                (path / name).mkdir(parents=True)
            for n, (message, ago) in enumerate(made):
                file = path / "new" / f"{n:06d}.trap.mx"
                file.write_bytes(message)
                os.utime(file, (now - ago, now - ago))

        self.check({"type": "maildir"}, fill)

    def test_over_a_jsonl_file(self):
        def fill(path, made, now):
            with open(path, "w") as out:
                for message, ago in made:
                    text = message.decode()
                    told = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - ago))
                    ip = text.split("[", 1)[1].split("]", 1)[0].removeprefix("IPv6:")
                    trap = text.split("Delivered-To: ", 1)[1].split("\n", 1)[0]
                    out.write(json.dumps({"received_at": told, "client_ip": ip, "helo": "mx.sender.example", "mail_from": "",
                                          "rcpt_to": [trap], "message": text}) + "\n")

        self.check({"type": "jsonl"}, fill)

    def test_over_an_mbox(self):
        def fill(path, made, now):
            with open(path, "wb") as out:
                for message, ago in made:
                    told = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(now - ago))
                    out.write(f"From MAILER-DAEMON {told}\n".encode() + message.replace(b"\nFrom ", b"\n>From ") + b"\n")

        self.check({"type": "mbox", "quoting": "mboxrd"}, fill)


if __name__ == "__main__":
    print(f"patience {PATIENCE:g}")
    unittest.main(verbosity=2)
