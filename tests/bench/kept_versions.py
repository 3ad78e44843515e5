#!/usr/bin/env python3
"""How much memory do the versions take that are kept for IXFR, and what does a restart cost that derives them from the journal?

    python3 tests/bench/kept_versions.py [--entries 1000000] [--versions 1000] [--changes 4]

Two servers follow one database, one of which keeps no versions. Each commit adds or ends some addresses all over the list. Prints the anonymous memory of
both before and after, then the time from the start to the first answer, with and without versions to be derived."""

import argparse
import random
import time

from server_measures import as_text, import_list, memory, print_conditions, random_addresses, serial
from harness import Blowback, wait_until


def start(b):
    began = time.monotonic()
    b.start_server()
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--versions", type=int, default=1_000)
    parser.add_argument("--changes", type=int, default=4)
    options = parser.parse_args()
    print_conditions(entries=options.entries, versions=options.versions, changes=options.changes)
    rng = random.Random(15)
    with Blowback(transfer={"allow": ["127.0.0.1"], "history": options.versions}) as keeps:
        with Blowback(database=keeps.database, server={"status_socket": ""}, transfer={"allow": ["127.0.0.1"], "history": 0}) as none:
            addresses = random_addresses(options.entries, 15)
            import_list(keeps, addresses)
            for b in (keeps, none):
                start(b)
            before = {b: memory(b.server.pid) for b in (keeps, none)}
            for step in range(options.versions):
                last = serial(keeps)
                if step % 3:
                    text = "".join(f"{rng.randrange(11, 100)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}\n" for _ in range(options.changes))
                    done = keeps.cli("import", "-", "--reason", "bench", stdin=text.encode())
                else:
                    done = keeps.cli("delist", rng.choice(addresses), "--reason", "bench")
                if done.returncode not in (0, 1):
                    raise SystemExit(done.stderr)
                if done.returncode == 0:
                    wait_until(lambda: serial(keeps) != last, 10, "the change is served", pause=0.002)
            wait_until(lambda: serial(none) == serial(keeps), 10, "both serve the same")
            for b, name in ((keeps, f"{options.versions} versions"), (none, "no versions")):
                print(f"{name}: {as_text(before[b])} at the start, {as_text(memory(b.server.pid))} after {options.versions} commits")
            more = memory(keeps.server.pid)[1] - memory(none.server.pid)[1]
            print(f"the versions take {more / 1024:.1f} MiB, {more / options.versions:.1f} KiB each", flush=True)
            for b in (keeps, none):
                b.server.stop()
            for name, b in (("with versions to be derived", keeps), ("without", none)):
                print(f"start {name}: {start(b):.2f} s to the first answer")
            wait_until(lambda: "versions-recalled" in keeps.server.log(), 60, "the versions are derived")
            print(next(line for line in keeps.server.log().splitlines() if "versions-recalled" in line))
            print(f"after the restart: {as_text(memory(keeps.server.pid))}; without: {as_text(memory(none.server.pid))}")


if __name__ == "__main__":
    main()
