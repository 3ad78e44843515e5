#!/usr/bin/env python3
"""How long it takes until a commit is in the answers, how long a start takes, and how much memory they need.

    python3 tests/bench/server_follow.py [--entries 1000000 | --ips FILE] [--commits 1000] [--starts 3] [--seed 1]

Each commit is one run of `blowback list`. SQLite's data_version shows it; the loop reads it together with the answer, so
that the start of the tool isn't counted. FILE has one address per line. The programs: see BLOWBACK_BIN in the harness."""

import argparse
import contextlib
import gc
import os
import random
import sqlite3
import statistics
import subprocess
import time

from server_measures import (Asker, import_list, memory, print_conditions, program, question, random_addresses, start_and_time,
                             as_text)
from harness import Blowback

# A commit that isn't in the answers by then is a fault, not a measurement.
LONGEST = 30.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--ips")
    parser.add_argument("--commits", type=int, default=1_000)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.entries < 1 or not 1 <= options.commits <= 100_000 or not 1 <= options.starts <= 100:
        parser.error("one entry, commit and start at least")
    return options


def read_ips(path):
    with open(path) as file:
        return [entry for line in file if (entry := line.partition("#")[0].strip())]


class Commit:
    """The times of one commit: `since` is the last check that didn't show it, `started` the start of the tool, `answered` the answer; `rounds` counts the queries."""

    def __init__(self, b, database, asker, ip):
        def version():
            return database.execute("PRAGMA data_version").fetchone()[0]

        wire = question(ip)
        if asker.listed(wire):
            raise SystemExit(f"{ip} is listed before its commit")
        before = version()
        self.rounds = 0
        self.started = self.since = time.monotonic()
        seen = False
        with subprocess.Popen([program("blowback"), "--config", str(b.config), "list", ip, "--reason", "benchmark"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as tool:
            while True:
                if not seen:
                    looked = time.monotonic()
                    seen = version() != before
                    # The commit came after the last check that didn't show it. So the time is never too short, and at most one round too long.
                    if not seen:
                        self.since = looked
                self.rounds += 1
                if asker.listed(wire):
                    break
                if time.monotonic() - self.started > LONGEST:
                    tool.kill()
                    raise SystemExit(f"{ip} isn't in the answers {LONGEST} s after `blowback list`: {tool.stderr.read(2000)}")
            self.answered = time.monotonic()
        # A commit that wasn't seen came after the last check and was answered within that round.
        if tool.returncode != 0:
            raise SystemExit(f"`blowback list {ip}` ended with {tool.returncode}")


def main():
    options = arguments()
    dice = random.Random(options.seed)
    if options.ips:
        entries = read_ips(options.ips)
        taken = set(entries)
        # From a documentation network, which no list of addresses contains; a /64 is one sender.
        fresh = [f"2001:db8:{n >> 16:x}:{n & 0xffff:x}::25" for n in dice.sample(range(1 << 32), options.commits)]
        fresh = [ip for ip in fresh if ip not in taken]
    else:
        drawn = random_addresses(options.entries + options.commits, options.seed)
        entries, fresh = drawn[:options.entries], drawn[options.entries:]
    single = [entry for entry in entries if "/" not in entry]
    if not single:
        raise SystemExit("the entries contain no single address, so the start can't be measured")
    print_conditions(entries=f"{len(entries):,}", commits=f"{len(fresh):,}", starts=options.starts, seed=options.seed, workers=2)

    with Blowback() as b, Asker(b) as asker:
        if b.cli("db", "migrate").returncode != 0:
            raise SystemExit("the database can't be created")
        b.start_server()
        print(f"\nempty list: {as_text(memory(b.server.pid))}")
        b.server.stop()
        took = import_list(b, entries)
        # Measure how the server follows, not how the disk writes the import.
        os.sync()
        print(f"import of {len(entries):,} addresses: {took:.1f} s, database {b.database.stat().st_size / 2**20:.0f} MiB")

        # Any address works, since the whole list is published at once. The file is in the page cache, as it was just written.
        for n in range(options.starts):
            took = start_and_time(b, asker, dice.choice(single))
            print(f"start {n + 1}: {took:.3f} s from exec to the first right answer", flush=True)
            if n + 1 < options.starts:
                b.server.stop()
        loaded = memory(b.server.pid)
        print(f"with the list: {as_text(loaded)}, {loaded[1] * 1024 / len(entries):.1f} octets of anonymous memory per entry in total")

        # Exclude millions of addresses from garbage collection, which would stop the queries for a second.
        gc.collect()
        gc.freeze()
        commits = []
        with contextlib.closing(sqlite3.connect(f"file:{b.database}?mode=ro", uri=True, timeout=10, isolation_level=None)) as database:
            for ip in fresh:
                # The server checks at intervals, and answers right after a check. Without this pause each commit would meet the same point of the interval.
                time.sleep(dice.uniform(0, 0.1))
                commits.append(Commit(b, database, asker, ip))
        waits = sorted(c.answered - c.since for c in commits)
        whole = sorted(c.answered - c.started for c in commits)
        slowest = sorted(range(len(commits)), key=lambda n: commits[n].since - commits[n].answered)[:5]
        a_round = sum(whole) / sum(c.rounds for c in commits)
        print(f"\n{len(commits):,} commits, queried every {a_round * 1e3:.2f} ms on average; milliseconds until the right answer:")
        for what, times in (("from the commit", waits), ("from the start of `blowback list`", whole)):
            print(f"  {what}: median {statistics.median(times) * 1e3:.1f}, p99 {times[int(len(times) * 0.99)] * 1e3:.1f}, "
                  f"worst {times[-1] * 1e3:.1f}")
        print("  slowest: " + ", ".join(f"commit {n + 1} {(commits[n].answered - commits[n].since) * 1e3:.1f}" for n in slowest)
              + f"; queries without an answer in time: {asker.unanswered}")
        print(f"after {len(commits):,} commits: {as_text(memory(b.server.pid))}")


if __name__ == "__main__":
    main()
