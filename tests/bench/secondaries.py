#!/usr/bin/env python3
"""How fast secondaries follow: NSD, Knot DNS, BIND and PowerDNS transfer a large zone from our server, which then changes all the time.

    python3 tests/bench/secondaries.py [--entries 1000000] [--seconds 600] [--changes 5] [--tick 0.1] [--kinds nsd,knot,bind,pdns] [--signed]

Each tick is one commit of some changes: addresses mostly, and now and then a network, an exemption, a delisting, or a listing that soon ends by the clock (no
ingest runs). For each secondary it prints how long the first transfer took, and the time from a commit to the secondary's SOA with its serial (median, p99,
longest); then whether its whole zone, transferred and sorted, equals the primary's and the export. A secondary whose program isn't installed is left out."""

import argparse
import base64
import contextlib
import hashlib
import pathlib
import random
import select
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import ZONE, Blowback, query  # noqa: E402
from name_servers import SECONDARIES, Secondary  # noqa: E402


def share(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Serials:
    """Asks servers for their SOA all the time, and notes when each serial was seen first."""

    def __init__(self, ports):
        self.seen = {name: [] for name in ports}  # (serial, time), ascending
        self.sockets = {}
        for name, port in ports.items():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.connect(("127.0.0.1", port))
            self.sockets[s] = name
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        wire = query(ZONE, "SOA")
        while not self.ends.is_set():
            for s in self.sockets:
                with contextlib.suppress(OSError):
                    s.send(wire)
            until = time.monotonic() + 0.003
            while (left := until - time.monotonic()) > 0:
                for s in select.select(list(self.sockets), [], [], left)[0]:
                    with contextlib.suppress(OSError):
                        self.note(self.sockets[s], s.recv(4096))

    def note(self, name, reply):
        if len(reply) < 40 or reply[3] & 15 or struct.unpack("!H", reply[6:8])[0] == 0:
            return
        # An SOA's RDATA ends with five numbers; a second record may follow only in the authority section, which the servers here leave out or fill with NS.
        at = reply.index(b"\x00\x06\x00\x01", 12 + len(wire_question()))
        length = struct.unpack("!H", reply[at + 8:at + 10])[0]
        serial = struct.unpack("!I", reply[at + 10 + length - 20:at + 10 + length - 16])[0]
        seen = self.seen[name]
        if not seen or serial != seen[-1][0]:
            seen.append((serial, time.monotonic()))

    def serial(self, name):
        return self.seen[name][-1][0] if self.seen[name] else None

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()


def wire_question():
    return query(ZONE, "SOA")[12:]


def head(b):
    with contextlib.closing(sqlite3.connect(f"file:{b.database}?mode=ro", uri=True)) as db:
        return db.execute("SELECT max(serial) FROM listing_change").fetchone()[0]


def zone_hash(port):
    """Of the whole zone as dig prints it, sorted, and the number of its records."""
    axfr = subprocess.Popen(["dig", "@127.0.0.1", "-p", str(port), ZONE, "AXFR", "+noall", "+answer", "+onesoa", "+time=120", "+tries=1"], stdout=subprocess.PIPE)
    tidy = subprocess.Popen(["sed", r"s/[ \t][ \t]*/ /g; /^;/d; /^$/d"], stdin=axfr.stdout, stdout=subprocess.PIPE)
    ordered = subprocess.run(["sort"], stdin=tidy.stdout, capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, check=True).stdout
    return hashlib.sha256(ordered).hexdigest()[:16], ordered.count(b"\n")


def export_hash(b):
    file = b.dir / "exported.zone"
    done = b.cli("export", "--format", "zone", "--to", file, seconds=600)
    assert done.returncode == 0, done.stderr
    compiled = subprocess.run(["named-compilezone", "-i", "none", "-k", "ignore", "-q", "-o", "-", ZONE, str(file)], capture_output=True, check=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}).stdout
    lines = sorted(b" ".join(line.split()) for line in compiled.splitlines() if line)
    return hashlib.sha256(b"\n".join(lines) + b"\n").hexdigest()[:16], len(lines)


def change(b, rng, step, changes):
    """One commit."""
    address = f"{rng.randrange(11, 60)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
    if step % 20 == 5:
        return b.cli("list", address, "--for", f"{rng.randrange(3, 20)}s", "--reason", "bench")
    if step % 20 == 10:
        return b.cli("exempt", f"{address.rsplit('.', 1)[0]}.{rng.randrange(64) * 4}/30", "--reason", "bench")
    if step % 20 == 15:
        return b.cli("delist", f"{address.rsplit('.', 1)[0]}.{rng.randrange(64) * 4}/30", "--reason", "bench")
    if step % 20 == 19:
        return b.cli("list", f"{address.rsplit('.', 1)[0]}.0/{rng.choice((24, 25, 26))}", "--wide", "--reason", "bench")
    lines = "".join(f"{rng.randrange(11, 60)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}\n" for _ in range(changes))
    return b.cli("import", "-", "--reason", "bench", stdin=lines.encode())


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--changes", type=int, default=5)
    options.add_argument("--tick", type=float, default=0.1)
    options.add_argument("--kinds", default=",".join(SECONDARIES))
    options.add_argument("--signed", action="store_true")
    asked = options.parse_args()
    rng = random.Random(15)
    kinds = [kind for kind in asked.kinds.split(",") if Secondary.installed(kind)]

    with contextlib.ExitStack() as stack:
        b = stack.enter_context(Blowback(transfer={"allow": ["127.0.0.1"]}))
        key = None
        if asked.signed:
            file = b.dir / "xfr.key"
            file.write_text(base64.b64encode(bytes(range(32))).decode())
            file.chmod(0o600)
            b.sections["transfer"]["key"] = [{"name": "xfr.example.org", "secret_file": str(file)}]
            key = ("xfr.example.org", "hmac-sha256", file.read_text())
        lines = sorted({rng.randrange(11 << 24, 60 << 24) for _ in range(asked.entries)})
        text = "".join(f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\n" for n in lines)
        done = b.cli("import", "-", "--reason", "bench", stdin=text.encode(), seconds=3600)
        assert done.returncode == 0, done.stderr
        secondaries = {kind: Secondary(kind, b.dir, b.port, key) for kind in kinds}
        b.sections["transfer"]["notify"] = [f"127.0.0.1:{each.port}" for each in secondaries.values()]
        b.write_config()
        b.start_server()
        ports = {"primary": b.port, **{kind: each.port for kind, each in secondaries.items()}}
        with Serials(ports) as serials:
            began = time.monotonic()
            for each in secondaries.values():
                stack.enter_context(each)
            target = head(b)
            while not all(serials.serial(kind) == target for kind in kinds):
                time.sleep(0.05)
                assert time.monotonic() - began < 900, {kind: serials.serial(kind) for kind in kinds}
            for kind in kinds:
                print(f"{kind}: first transfer of {len(lines):,} listings after {serials.seen[kind][0][1] - began:.1f} s")
            commits = []  # (serial, time)
            start = time.monotonic()
            step = 0
            while time.monotonic() < start + asked.seconds:
                done = change(b, rng, step, asked.changes)
                # 1: there was nothing to delist.
                assert done.returncode in (0, 1), done.stderr
                commits.append((head(b), time.monotonic()))
                step += 1
                time.sleep(max(0.0, start + step * asked.tick - time.monotonic()))
            taken = time.monotonic() - start
            made = commits[-1][0] - target
            print(f"{made} journal entries in {step} commits, {made / taken:.0f} a second")
            # What still ends by the clock is over by then.
            time.sleep(25)
            until = time.monotonic() + 60
            while not all(serials.serial(kind) == serials.serial("primary") for kind in kinds) and time.monotonic() < until:
                time.sleep(0.05)
            for name in ports:
                waits = []
                seen = iter(serials.seen[name])
                serial, at = next(seen)
                for committed, when in commits:
                    while serial < committed:
                        serial, at = next(seen, (1 << 62, float("inf")))
                    waits.append(max(0.0, at - when))
                print(f"{name}: commit to answer: median {share(waits, 0.5) * 1000:.0f} ms, p99 {share(waits, 0.99) * 1000:.0f} ms, longest {max(waits) * 1000:.0f} ms")
        ours, records = export_hash(b)
        print(f"export: {records:,} records, {ours}")
        for name, port in ports.items():
            theirs, records = zone_hash(port)
            print(f"{name}: {records:,} records, {theirs}, {'equal' if theirs == ours else 'DIFFERENT'}")
        print(b.cli("stats", "--format", "json").stdout[-1200:])


if __name__ == "__main__":
    main()
