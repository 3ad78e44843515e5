#!/usr/bin/env python3
"""How a change of a million entries affects the time of answers under a steady load: p99.9 before and during the change.

    python3 tests/bench/server_bulk.py [--prepared] [--entries 1000000] [--changes 1000000] [--rate R] [--seconds 10] [--no-pin]

One worker on core 0, the load (dns_load) on core 1. Without --prepared `blowback import` runs during the load. With two cores it
has to share one with the load, at niceness 19, so the figures include its own work. With --prepared it runs while the server
is stopped by SIGSTOP; then load and server start at the same moment, and the figures show only how the server follows."""

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
                             start_and_time, as_text)
from harness import Blowback, owner_name, wait_until

NAMES = 200_000  # queried in a loop: 30 % listed from the start, 10 % listed by the change, the others not listed
SERVERS_CORE, LOADS_CORE = 0, 1
LONGEST = 600  # seconds for the server to catch up


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, help="queries a second; default: half of the measured maximum")
    parser.add_argument("--seconds", type=float, default=10, help="duration of the measurement before the change")
    parser.add_argument("--prepared", action="store_true", help="import while the server is stopped")
    parser.add_argument("--no-pin", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.entries < 1 or options.changes < 1 or not 0 < options.seconds <= 600:
        parser.error("one entry and change at least, 600 seconds of quiet at most")
    if os.cpu_count() < 2 and not options.no_pin:
        parser.error("one core only: the load would take it from the server; --no-pin measures that")
    return options


def load_program():
    # Benchmarks are in the build tree's tests/, programs in its bin/.
    path = BIN.parent / "tests" / "dns_load"
    if not path.exists():
        raise SystemExit("dns_load doesn't exist; build it: cmake --build --preset release --target dns_load")
    return str(path)


class Bench:
    def __init__(self, options, b, names):
        self.options, self.b, self.names = options, b, names

    def pinned(self, core):
        return None if self.options.no_pin else lambda: os.sched_setaffinity(0, {core})

    def load(self, rate, seconds, *more):
        """Starts dns_load. It sleeps between queries if another program needs its core."""
        spin = "1" if self.options.prepared and not self.options.no_pin else "0"
        sockets = max(4, math.ceil(rate / 50_000))  # an id must not be reused too soon
        return subprocess.Popen([load_program(), "--server", f"127.0.0.1:{self.b.port}", "--names", str(self.names), "--rate", f"{rate:.0f}",
                                 "--seconds", str(seconds), "--spin", spin, "--json", "1", "--sockets", str(sockets),
                                 *map(str, more)],
                                stdout=subprocess.PIPE, text=True, preexec_fn=self.pinned(LOADS_CORE))

    @staticmethod
    def output_of(load, seconds):
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
        """The server with all its threads stopped. dns_load resumes it; so does the end of the block, also after an error."""
        try:
            self.b.server.freeze()
            yield self.b.server.pid
        finally:
            self.b.server.thaw()

    def quiet(self, rate):
        if not self.options.prepared:
            return self.output_of(self.load(rate, self.options.seconds, "--warm-up", 0.5), self.options.seconds + 10)
        with self.stopped() as pid:
            # Long enough that the follower's next check is due, as in the other run.
            time.sleep(1)
            return self.output_of(self.load(rate, self.options.seconds, "--wake", pid), self.options.seconds + 10)

    def bulk(self, rate, changes, last_serial):
        until = ("--until-serial", last_serial, "--zone", self.b.zone_name)
        if self.options.prepared:
            with self.stopped() as pid:
                print(f"import of {len(changes):,} addresses while the server is stopped: {import_list(self.b, changes):.1f} s", flush=True)
                return self.output_of(self.load(rate, LONGEST, "--wake", pid, *until), LONGEST + 10)
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
            return self.output_of(load, LONGEST + 10)
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
    options = arguments()
    print_conditions(entries=f"{options.entries:,}", changes=f"{options.changes:,}", seed=options.seed, workers=1,
                     pinned="nothing" if options.no_pin else f"server to core {SERVERS_CORE}, load to core {LOADS_CORE}",
                     **{"import": "while the server is stopped" if options.prepared else "during the load"})
    if not options.prepared:
        print("the figures include the import's own work: it shares " + ("the cores" if options.no_pin else "the load's core"))
    drawn = random_addresses(options.entries + options.changes + NAMES, options.seed)
    entries, changes, others = drawn[:options.entries], drawn[options.entries:options.entries + options.changes], drawn[options.entries + options.changes:]
    dice = random.Random(options.seed)
    with Blowback(server={"workers": 1}) as b, Asker(b) as asker:
        names = b.dir / "names.txt"
        asked = dice.choices(entries, k=NAMES * 3 // 10) + dice.choices(changes, k=NAMES // 10) + others[:NAMES * 6 // 10]
        dice.shuffle(asked)
        names.write_text("".join(owner_name(ip) + "\n" for ip in asked))
        bench = Bench(options, b, names)
        print(f"\nimport of {len(entries):,} addresses: {import_list(b, entries):.1f} s")
        start_and_time(b, asker, entries[0], preexec=bench.pinned(SERVERS_CORE))
        if serial(b) != len(entries):
            raise SystemExit(f"the zone's serial is {serial(b)} after {len(entries)} changes; without it the end can't be detected")
        rate = options.rate
        if rate is None:
            most = bench.output_of(bench.load(0, 3, "--warm-up", 0.5), 20)
            print(f"at most {most['qps']:,.0f} answers a second with 100 outstanding queries")
            rate = most["qps"] / 2
        print(f"load: {rate:,.0f} queries a second; memory before: {as_text(memory(b.server.pid))}\n", flush=True)

        quiet = bench.quiet(rate)
        bulk = bench.bulk(rate, changes, len(entries) + len(changes))
        print(f"\n{'µs from due':>16} {'seconds':>8} {'answered':>10} {'lost':>8} {'p50':>9} {'p99':>9} {'p99.9':>9} {'max':>10} "
              f"{'sent late':>12} {'load used':>9}")
        show("quiet", quiet)
        show("the change", bulk)
        print("lost queries count as slower than all others; sent late: p99.9 of dns_load's own delay\n")
        if bulk["caught_up_s"] is None:
            print(f"the server didn't catch up within {LONGEST} s")
        else:
            print(f"caught up after {bulk['caught_up_s']:.2f} s {'of following' if options.prepared else 'from the start of the import'}, "
                  f"{bulk['serials']} serials seen; memory after: {as_text(memory(b.server.pid))}")
        if quiet["p999_us"] and bulk["p999_us"]:
            print(f"p99.9 during the change: {bulk['p999_us'] / quiet['p999_us']:.2f} times that before")
        else:
            print("p99.9 is among the lost: no ratio")


if __name__ == "__main__":
    main()
