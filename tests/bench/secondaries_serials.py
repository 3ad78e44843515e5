#!/usr/bin/env python3
"""How long do secondaries take to follow when the SOA's serial passes 2^32 (RFC 1982), when the primary restarts after changes, and when a backup is restored?

    python3 tests/bench/secondaries_serials.py [--entries 100000] [--kinds nsd,knot,bind,pdns]

Prints, for each secondary, the seconds from the command's end (for a restart and a restore: from the server's start) until it answers with the primary's serial.
Ends with 1 if one doesn't follow within two minutes, or if its zone isn't the primary's at the end."""

import argparse
import contextlib
import sqlite3
import sys
import time

from secondaries import SECONDARIES, Secondary, zone_hash
from server_measures import import_list, print_conditions, random_addresses, serial
from harness import Blowback, parse_strictly, query, ZONE, wait_until
import socket
import struct

PATIENCE = 120


def serial_at(port):
    """None: no answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, contextlib.suppress(OSError):
        s.settimeout(0.2)
        s.connect(("127.0.0.1", port))
        s.send(query(ZONE, "SOA"))
        answers = parse_strictly(s.recv(65535)).answers
        return struct.unpack("!I", answers[0].rdata[-20:-16])[0] if answers else None
    return None


def follow(what, b, secondaries, began):
    """Prints how long each takes."""
    took = {}
    while len(took) < len(secondaries):
        if time.monotonic() - began > PATIENCE:
            sys.exit(f"{what}: {set(secondaries) - set(took)} don't follow: {[(kind, serial_at(each.port)) for kind, each in secondaries.items()]}, {serial_at(b.port)}")
        present = serial_at(b.port)
        for kind, each in secondaries.items():
            if kind not in took and present is not None and serial_at(each.port) == present:
                took[kind] = time.monotonic() - began
        time.sleep(0.01)
    whole = sum("incremental=0" in line for line in b.server.log().splitlines() if " transferred " in line)
    print(f"{what}, serial {serial_at(b.port)}: " + ", ".join(f"{kind} {seconds:.2f} s" for kind, seconds in took.items()) + f"; {whole} whole zones so far", flush=True)


def changed(b, *arguments):
    done = b.cli(*arguments, "--reason", "bench")
    if done.returncode != 0:
        sys.exit(f"{arguments}: {done.stderr}")
    return time.monotonic()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--kinds", default=",".join(SECONDARIES))
    options = parser.parse_args()
    print_conditions(entries=options.entries)
    kinds = [kind for kind in options.kinds.split(",") if Secondary.installed(kind)]
    with contextlib.ExitStack() as stack:
        b = stack.enter_context(Blowback(transfer={"allow": ["127.0.0.1"]}))
        import_list(b, random_addresses(options.entries, 15))
        with contextlib.closing(sqlite3.connect(b.database)) as db, db:
            # As a restored backup: an entry that changes nothing, shortly before the serial begins again.
            db.execute("INSERT INTO listing_change (serial, at, action, first, length, source, codes) VALUES (?, ?, 5, zeroblob(16), 128, 1, 0)", (2**32 - 3, int(time.time())))
        secondaries = {kind: Secondary(kind, b.dir, b.port) for kind in kinds}
        b.sections["transfer"]["notify"] = [f"127.0.0.1:{each.port}" for each in secondaries.values()]
        b.write_config()
        b.start_server()
        began = time.monotonic()
        for each in secondaries.values():
            stack.enter_context(each)
        follow("first transfer", b, secondaries, began)
        for step in range(6):
            began = changed(b, "list", f"203.0.113.{step}")
            wait_until(lambda: serial(b) == (2**32 - 2 + step) % 2**32, 10, "the serial goes on", pause=0.002)
            follow(f"change {step + 1}", b, secondaries, began)
        if b.cli("db", "backup", b.dir / "backup").returncode != 0:
            sys.exit("the backup failed")
        for end in ("stop", "kill"):
            getattr(b.server, end)()
            changed(b, "delist", f"203.0.113.{0 if end == 'stop' else 1}")
            b.start_server()
            follow(f"a change before a restart ({end})", b, secondaries, time.monotonic())
        b.server.stop()
        done = b.cli("db", "restore", b.dir / "backup")
        if done.returncode != 0:
            sys.exit(done.stderr)
        b.start_server()
        follow("a restored backup", b, secondaries, time.monotonic())
        ours = zone_hash(b.port)
        for kind, each in secondaries.items():
            if zone_hash(each.port) != ours:
                sys.exit(f"{kind} has another zone")
        print(f"all zones are equal: {ours[1]:,} records")


if __name__ == "__main__":
    main()
