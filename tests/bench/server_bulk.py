#!/usr/bin/env python3
"""What a change of a million entries does to the time of answers under a steady load: p99.9 while all is quiet, and meanwhile.

    python3 tests/bench/server_bulk.py [--prepared] [--entries 1000000] [--changes 1000000] [--rate R] [--seconds 10] [--no-pin]

One worker on core 0, the load (dns_load) on core 1. Without --prepared `blowback import` runs during the load. With two cores it
must share one with the load, at niceness 19, so that its own work is in the figures, too. With --prepared it runs while the server
is stopped by SIGSTOP; then load and server begin at one instant, and what is seen is the server's following alone."""

import argparse
import contextlib
import json
import math
import os
import random
import signal
import subprocess
import time

from server_measures import (BIN, Asker, import_command, import_list, memory, print_conditions, random_addresses, serial,
                             start_and_time, told)
from harness import Blowback, owner_name, wait_until

NAMES = 200_000  # asked for, round and round: 30 % listed from the start, 10 % of those that come, the others not listed
SERVERS_CORE, LOADS_CORE = 0, 1
LONGEST = 600  # seconds for the server to catch up


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, help="questions a second; default: half of what is measured at most")
    parser.add_argument("--seconds", type=float, default=10, help="of quiet")
    parser.add_argument("--prepared", action="store_true", help="import while the server is stopped")
    parser.add_argument("--no-pin", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    if said.entries < 1 or said.changes < 1 or not 0 < said.seconds <= 600:
        parser.error("one entry and change at least, 600 seconds of quiet at most")
    if os.cpu_count() < 2 and not said.no_pin:
        parser.error("one core only: the load would take it from the server; --no-pin measures that")
    return said


def load_program():
    # Benchmarks stand in the build tree's tests/, programs in its bin/.
    path = BIN.parent / "tests" / "dns_load"
    if not path.exists():
        raise SystemExit("dns_load isn't there; build it: cmake --build --preset release --target dns_load")
    return str(path)


class Bench:
    def __init__(self, said, b, names):
        self.said, self.b, self.names = said, b, names

    def pinned(self, core):
        return None if self.said.no_pin else lambda: os.sched_setaffinity(0, {core})

    def load(self, rate, seconds, *more):
        """Starts dns_load. It sleeps between questions where something else needs its core."""
        spin = "1" if self.said.prepared and not self.said.no_pin else "0"
        sockets = max(4, math.ceil(rate / 50_000))  # an id must not come again too soon
        return subprocess.Popen([load_program(), "--server", f"127.0.0.1:{self.b.port}", "--names", str(self.names), "--rate", f"{rate:.0f}",
                                 "--seconds", str(seconds), "--spin", spin, "--json", "1", "--sockets", str(sockets),
                                 *map(str, more)],
                                stdout=subprocess.PIPE, text=True, preexec_fn=self.pinned(LOADS_CORE))

    @staticmethod
    def said_by(load, seconds):
        try:
            text, _ = load.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            load.kill()
            raise SystemExit(f"dns_load still runs after {seconds:g} s") from None
        if load.returncode != 0:
            raise SystemExit(f"dns_load ended with {load.returncode}")
        return json.loads(text)

    @contextlib.contextmanager
    def stopped(self):
        """The server with all its threads stopped. dns_load wakes it; so does the end, whatever happened."""
        try:
            self.b.server.freeze()
            yield self.b.server.pid
        finally:
            self.b.server.thaw()

    def quiet(self, rate):
        if not self.said.prepared:
            return self.said_by(self.load(rate, self.said.seconds, "--warm-up", 0.5), self.said.seconds + 10)
        with self.stopped() as pid:
            # Long enough that the follower's next look is due, as it is in the other run.
            time.sleep(1)
            return self.said_by(self.load(rate, self.said.seconds, "--wake", pid), self.said.seconds + 10)

    def bulk(self, rate, changes, last_serial):
        until = ("--until-serial", last_serial, "--zone", self.b.zone_name)
        if self.said.prepared:
            with self.stopped() as pid:
                print(f"import of {len(changes):,} addresses while the server is stopped: {import_list(self.b, changes):.1f} s", flush=True)
                return self.said_by(self.load(rate, LONGEST, "--wake", pid, *until), LONGEST + 10)
        path = self.b.dir / "changes.txt"
        path.write_text("\n".join(changes) + "\n")
        load = self.load(rate, LONGEST, *until)
        pin = self.pinned(LOADS_CORE)

        def nicely():
            os.nice(19)
            if pin is not None:
                pin()

        try:
            began = time.monotonic()
            done = subprocess.run(import_command(self.b, path), capture_output=True, text=True, timeout=LONGEST, preexec_fn=nicely)
            if done.returncode != 0:
                raise SystemExit(f"the import ended with {done.returncode}: {done.stderr[-2000:]}")
            print(f"import of {len(changes):,} addresses under load: {time.monotonic() - began:.1f} s", flush=True)
            return self.said_by(load, LONGEST + 10)
        finally:
            load.kill()


def show(what, found):
    def figure(value):
        return "lost" if value is None else f"{value:.1f}"

    print(f"{what:>16} {found['seconds']:>8.2f} {found['answered']:>10,} {found['lost']:>8,} {figure(found['p50_us']):>9} {figure(found['p99_us']):>9} "
          f"{figure(found['p999_us']):>9} {found['max_us']:>10.1f} {figure(found['sent_late_p999_us']):>12} {found['busy'] * 100:>7.0f} %")
    if found["wrong"] or found["too_late"]:
        print(f"{'':>16} {found['wrong']:,} wrong replies, {found['too_late']:,} after more than a second")


def main():
    said = arguments()
    print_conditions(entries=f"{said.entries:,}", changes=f"{said.changes:,}", seed=said.seed, workers=1,
                     pinned="nothing" if said.no_pin else f"server to core {SERVERS_CORE}, load to core {LOADS_CORE}",
                     **{"import": "while the server is stopped" if said.prepared else "during the load"})
    if not said.prepared:
        print("the import's own work is in the figures: it shares " + ("the cores" if said.no_pin else "the load's core"))
    drawn = random_addresses(said.entries + said.changes + NAMES, said.seed)
    entries, changes, others = drawn[:said.entries], drawn[said.entries:said.entries + said.changes], drawn[said.entries + said.changes:]
    dice = random.Random(said.seed)
    with Blowback(server={"workers": 1}) as b, Asker(b) as asker:
        names = b.dir / "names.txt"
        asked = dice.choices(entries, k=NAMES * 3 // 10) + dice.choices(changes, k=NAMES // 10) + others[:NAMES * 6 // 10]
        dice.shuffle(asked)
        names.write_text("".join(owner_name(ip) + "\n" for ip in asked))
        bench = Bench(said, b, names)
        print(f"\nimport of {len(entries):,} addresses: {import_list(b, entries):.1f} s")
        start_and_time(b, asker, entries[0], preexec=bench.pinned(SERVERS_CORE))
        if serial(b) != len(entries):
            raise SystemExit(f"the zone's serial is {serial(b)} after {len(entries)} changes; without knowing it the end can't be seen")
        rate = said.rate
        if rate is None:
            most = bench.said_by(bench.load(0, 3, "--warm-up", 0.5), 20)
            print(f"at most {most['qps']:,.0f} answers a second with 100 questions under way")
            rate = most["qps"] / 2
        print(f"load: {rate:,.0f} questions a second; memory before: {told(memory(b.server.pid))}\n", flush=True)

        quiet = bench.quiet(rate)
        bulk = bench.bulk(rate, changes, len(entries) + len(changes))
        print(f"\n{'µs from due':>16} {'seconds':>8} {'answered':>10} {'lost':>8} {'p50':>9} {'p99':>9} {'p99.9':>9} {'max':>10} "
              f"{'sent late':>12} {'load used':>9}")
        show("quiet", quiet)
        show("the change", bulk)
        print("lost questions count as slower than all; sent late: p99.9 of what dns_load itself was behind\n")
        if bulk["caught_up_s"] is None:
            print(f"the server did NOT catch up within {LONGEST} s")
        else:
            print(f"caught up after {bulk['caught_up_s']:.2f} s {'of following' if said.prepared else 'from the start of the import'}, "
                  f"{bulk['serials']} serials seen; memory after: {told(memory(b.server.pid))}")
        if quiet["p999_us"] and bulk["p999_us"]:
            print(f"p99.9 during the change: {bulk['p999_us'] / quiet['p999_us']:.2f} times that of quiet")
        else:
            print("p99.9 is among the lost: no ratio")


if __name__ == "__main__":
    main()
