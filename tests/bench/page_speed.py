#!/usr/bin/env python3
"""How many pages blowback-web serves per second of processor time, and how long a visitor waits.

    tests/bench/page_speed.py [--senders 2000] [--incidents 6] [--seconds 20] [--rate 500] [--heavy]

Makes a list with ingest, then asks at a fixed rate over 16 kept connections: addresses at random (half of them listed), in four languages. Processor time is that
of blowback-web's threads, so it hardly depends on what else runs here; waiting times do. As a reference /health is asked for in the same way: one small query of the database and
the HTTP around it. --heavy: one sender has 10,000 incidents and is asked for, too."""

import argparse
import http.client
import os
import pathlib
import random
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from harness import WITNESSES, Blowback, make_dsn  # noqa: E402

CONNECTIONS = 16


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(port, targets, rate, seconds):
    """Asks for `targets` in turn; returns the waiting times, from when each request was due."""
    waits, failed = [], []
    lock = threading.Lock()
    start = time.monotonic() + 0.1
    count = int(rate * seconds)

    def visitor(first):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        mine = []
        for n in range(first, count, CONNECTIONS):
            due = start + n / rate
            time.sleep(max(0, due - time.monotonic()))
            connection.request("GET", targets[n % len(targets)])
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failed.append(answer.status)
            mine.append(time.monotonic() - due)
        with lock:
            waits.extend(mine)

    threads = [threading.Thread(target=visitor, args=(n,)) for n in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"{len(failed)} answers weren't 200: {failed[:3]}")
    return sorted(waits), time.monotonic() - start


def measure(b, name, targets, rate, seconds):
    ask(b.web_port, targets, rate, 1)
    before = processor_seconds(b.web.pid)
    waits, lasted = ask(b.web_port, targets, rate, seconds)
    used = processor_seconds(b.web.pid) - before
    print(f"{name:<22} {len(waits) / lasted:8.0f}/s  {1e6 * used / len(waits):7.0f} µs of processor each, so {len(waits) / used:7.0f}/s on one core"
          f"   waits: median {1e3 * statistics.median(waits):6.1f} ms, p99 {1e3 * waits[int(len(waits) * 0.99)]:6.1f} ms")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--senders", type=int, default=2000)
    options.add_argument("--incidents", type=int, default=6)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--rate", type=float, default=500)
    options.add_argument("--heavy", action="store_true")
    chosen = options.parse_args()
    with Blowback() as b:
        for n in range(chosen.senders):
            for m in range(chosen.incidents):
                b.deliver(make_dsn(f"77.{n >> 8}.{n & 255}.9", WITNESSES[m % 8], n * 100 + m, campaign=n * 100 + m))
        for m in range(10_000 if chosen.heavy else 0):
            b.deliver(make_dsn("78.1.1.1", WITNESSES[m % 8], 50_000_000 + m, campaign=m))
        b.start_ingest(once=True, seconds=3600)
        b.start_web(requests=0)
        choice = random.Random(1)
        known = [f"/77.{n >> 8}.{n & 255}.9" for n in range(chosen.senders)]
        unknown = [f"/79.{n >> 8}.{n & 255}.9" for n in range(chosen.senders)]
        pages = [choice.choice(known if n % 2 else unknown) + f"?lang={choice.choice(('en', 'de', 'fr', 'es'))}" for n in range(4000)]
        print(f"{chosen.senders} senders with {chosen.incidents} incidents each; load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        measure(b, "health", ["/health"], chosen.rate, chosen.seconds / 2)
        measure(b, "pages of addresses", pages, chosen.rate, chosen.seconds)
        measure(b, "API", [page.split("?")[0].replace("/", "/api/v1/ip/", 1) for page in pages], chosen.rate, chosen.seconds)
        measure(b, "front page", ["/", "/?lang=de"], chosen.rate, chosen.seconds / 2)
        if chosen.heavy:
            measure(b, "10,000 incidents", ["/78.1.1.1"], 5, chosen.seconds)


if __name__ == "__main__":
    main()
