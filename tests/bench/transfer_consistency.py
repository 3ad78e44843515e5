#!/usr/bin/env python3
"""Is every transfer right? IXFR from each of the last serials, from 0, from the future and from beyond its reach, by TCP and UDP, also after restarts with changes
while the server is down; then many transfers at once while the list changes all the time.

    python3 tests/bench/transfer_consistency.py [--entries 2000] [--versions 1000] [--restarts 4] [--transfers 10000] [--clients 4] [--seed 1]

A whole zone gives the content of its serial, and so does a difference, applied to the content that the client has: whoever asks, whenever, whatever was asked,
one serial must have one content, and the export that of its own. A difference may remove only what is there, and add only what isn't. Every other
start comes after a crash (SIGKILL). Prints how often each was sent; ends with 1 at the first that isn't right."""

import argparse
import collections
import contextlib
import pathlib
import random
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import PATIENCE, ZONE, Blowback, encode_name, query, wait_until  # noqa: E402

AXFR, IXFR, SOA, TXT, A = 252, 251, 6, 16, 1
HALF = 2**31


class Wrong(Exception):
    pass


def ixfr_query(serial):
    soa = b"\0\0" + struct.pack("!5I", serial % 2**32, 1, 1, 1, 1)
    wire = query(ZONE, IXFR)
    return wire[:8] + struct.pack("!H", 1) + wire[10:] + b"\xc0\x0c" + struct.pack("!HHIH", SOA, 1, 0, len(soa)) + soa


def name_at(wire, at):
    """The name in wire format without compression, and where it ends."""
    labels, end = [], None
    while (length := wire[at]) != 0:
        if length >= 0xC0:
            end = end or at + 2
            at = (length & 63) << 8 | wire[at + 1]
            continue
        labels.append(wire[at:at + length + 1])
        at += length + 1
    return b"".join(labels) + b"\0", end or at + 1


def records_in(wire):
    """(owner, type, TTL, RDATA) of the answer section. An SOA has its serial as RDATA, since its names are compressed."""
    if wire[3] & 15:
        raise Wrong(f"RCODE {wire[3] & 15}")
    at = 12
    for _ in range(struct.unpack("!H", wire[4:6])[0]):
        at = name_at(wire, at)[1] + 4
    for _ in range(struct.unpack("!H", wire[6:8])[0]):
        owner, at = name_at(wire, at)
        kind, _, ttl, length = struct.unpack("!HHIH", wire[at:at + 10])
        rdata = wire[at + 10:at + 10 + length]
        at += 10 + length
        yield owner, kind, ttl, struct.unpack("!I", rdata[-20:-16])[0] if kind == SOA else bytes(rdata)


def by_tcp(port, wire):
    """All records of a transfer: to the SOA that ends it (RFC 5936 §2.2, RFC 1995 §4)."""
    with socket.create_connection(("127.0.0.1", port), timeout=30 * PATIENCE) as s:
        s.sendall(struct.pack("!H", len(wire)) + wire)
        stream = s.makefile("rb")
        records, soas, own = [], 0, None
        while True:
            head = stream.read(2)
            if len(head) < 2:
                raise Wrong(f"the connection was closed after {len(records)} records")
            for record in records_in(stream.read(struct.unpack("!H", head)[0])):
                own = record[3] if own is None else own
                soas += record[1] == SOA and record[3] == own
                records.append(record)
            if len(records) == 1 and is_alone(wire, own):
                return records
            is_difference = len(records) > 1 and records[1][1] == SOA
            if soas == (3 if is_difference else 2):
                return records


def is_alone(wire, serial):
    """Whether the SOA alone answers this query: an IXFR from that serial, or from a later one (RFC 1995 §2)."""
    if struct.unpack("!H", wire[8:10])[0] == 0:
        return False
    theirs = struct.unpack("!I", wire[-20:-16])[0]
    return (serial - theirs) % 2**32 == 0 or (theirs - serial) % 2**32 < HALF


def by_udp(port, wire):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5 * PATIENCE)
        s.connect(("127.0.0.1", port))
        s.send(wire)
        return list(records_in(s.recv(65535)))


class Contents:
    """What each serial stands for, by all that was ever transferred."""

    def __init__(self):
        self.by_serial = collections.OrderedDict()
        self.lock = threading.Lock()
        self.sent = collections.Counter()

    def learn(self, serial, content, source):
        with self.lock:
            known = self.by_serial.setdefault(serial, content)
            if known is not content and known != content:
                raise Wrong(f"serial {serial} by {source}: {len(content - known)} records too many, {len(known - content)} too few, for example "
                            f"{list(content ^ known)[:3]}")

    def take(self, records, asked_from, source):
        """Checks one transfer; returns its kind."""
        if records[0][1] != SOA or records[-1][1:] != records[0][1:]:
            raise Wrong(f"{source}: begins with {records[0]}, ends with {records[-1]}")
        serial = records[0][3]
        if len(records) == 1:
            if asked_from is None or (asked_from - serial) % 2**32 >= HALF:
                raise Wrong(f"{source}: the SOA {serial} alone")
            kind = "SOA alone"
        elif records[1][1] != SOA:
            content = frozenset(records[1:-1])
            if len(content) != len(records) - 2:
                raise Wrong(f"{source}: {len(records) - 2 - len(content)} records came twice")
            self.learn(serial, content, source)
            kind = "whole zone"
        else:
            self.apply(records, asked_from, source)
            kind = "difference"
        with self.lock:
            self.sent[kind] += 1
        return kind

    def apply(self, records, asked_from, source):
        serial, former = records[0][3], records[1][3]
        if former != asked_from:
            raise Wrong(f"{source}: a difference from {former}")
        with self.lock:
            content = set(self.by_serial[former])
        removes = True
        for record in records[2:-1]:
            if record[1] == SOA:
                if not removes or record[3] != serial:
                    raise Wrong(f"{source}: another SOA, {record}")
                removes = False
            elif removes:
                if record not in content:
                    raise Wrong(f"{source}: removes {record}, which isn't there")
                content.remove(record)
            elif record in content:
                raise Wrong(f"{source}: adds {record}, which is there")
            else:
                content.add(record)
        if removes:
            raise Wrong(f"{source}: a difference without additions' SOA")
        self.learn(serial, frozenset(content), source)

    def serials(self):
        with self.lock:
            return list(self.by_serial)


class List:
    """The list and its changes."""

    def __init__(self, b, rng):
        self.b, self.rng = b, rng
        self.listed = []

    def address(self):
        return f"{self.rng.randrange(11, 16)}.{self.rng.randrange(256)}.{self.rng.randrange(4)}.{self.rng.randrange(256)}"

    def run(self, *arguments, stdin=b""):
        done = self.b.cli(*arguments, "--reason", "bench", stdin=stdin)
        if done.returncode not in (0, 1):  # 1: there was nothing to do
            raise SystemExit(f"{arguments}: {done.stderr}")

    def import_some(self, count):
        lines = [self.address() for _ in range(count)]
        self.listed += lines
        self.run("import", "-", stdin="\n".join(lines).encode())

    def change(self):
        """One commit; what ends by the clock changes the zone some seconds later once more."""
        choice = self.rng.randrange(20)
        if choice < 8:
            self.import_some(self.rng.randrange(1, 6))
        elif choice < 12:
            self.run("list", self.address(), "--for", f"{self.rng.randrange(1, 5)}s")
        elif choice < 14:
            self.run("list", f"{self.address().rsplit('.', 1)[0]}.0/{self.rng.choice((24, 25, 27))}", "--wide", "--for", f"{self.rng.randrange(2, 60)}s")
        elif choice < 16:
            self.run("exempt", f"{self.address().rsplit('.', 1)[0]}.{self.rng.randrange(16) * 16}/28", "--for", f"{self.rng.randrange(1, 20)}s")
        else:
            self.run("delist", self.rng.choice(self.listed))


def soa_serial(b):
    return by_udp(b.port, query(ZONE, "SOA"))[0][3]


def exported(b, contents):
    """Compares the export with the content of its serial, if that was transferred. Returns whether it was."""
    done = b.cli("export", "--format", "zone")
    assert done.returncode == 0, done.stderr
    names, serial, owner = set(), None, None
    origin = ""
    for line in done.stdout.splitlines():
        if line.startswith("$ORIGIN"):
            origin = line.split()[1]
        if not line.strip() or line.startswith((";", "$")):
            continue
        fields = line.split()
        if not line[0].isspace():
            owner = fields.pop(0)
        if "SOA" in fields:
            serial = int(fields[fields.index("SOA") + 3])
        elif "A" in fields and owner not in (None, "@"):
            name = owner if owner.endswith(".") else f"{owner}.{origin}"
            names.add((encode_name(name.rstrip(".")), bytes(int(octet) for octet in fields[fields.index("A") + 1].split("."))))
    with contents.lock:
        known = contents.by_serial.get(serial)
    if known is None:
        return False
    transferred = {(owner, rdata) for owner, kind, _, rdata in known if kind == A}
    if transferred != names:
        raise Wrong(f"the export of serial {serial}: {len(names - transferred)} A records too many, {len(transferred - names)} too few")
    return True


def whole(b, contents):
    """Transfers the whole zone; returns its serial."""
    records = by_tcp(b.port, query(ZONE, AXFR))
    contents.take(records, None, "AXFR")
    return records[0][3]


def ask_from_everywhere(b, contents, versions, name):
    """IXFR from the last `versions` serials that are known, and from where there is nothing to be had."""
    serial = whole(b, contents)
    known = [each for each in contents.serials() if each != serial][-versions:]
    kinds = collections.Counter(contents.take(by_tcp(b.port, ixfr_query(each)), each, f"IXFR from {each}") for each in known)
    present = soa_serial(b)
    for each in known[-100:]:
        records = by_udp(b.port, ixfr_query(each))
        # RFC 1995 §2: what doesn't fit is the SOA alone, and then the client asks by TCP.
        if records[0][1] != SOA or (len(records) == 1 and records[0][3] < present):
            raise Wrong(f"IXFR from {each} by UDP: {records[:2]}")
    odd = collections.Counter()
    for theirs in (0, min(contents.serials()) - 1, present - HALF + 1, present - 1_000_000):
        odd[contents.take(by_tcp(b.port, ixfr_query(theirs)), theirs % 2**32, f"IXFR from {theirs}")] += 1
    for theirs in (present + 1000, present + HALF - 1000):
        records = by_tcp(b.port, ixfr_query(theirs))
        if contents.take(records, theirs, f"IXFR from {theirs}") != "SOA alone":
            raise Wrong(f"IXFR from the future, {theirs}: {len(records)} records")
    if set(odd) - {"whole zone"}:
        raise Wrong(f"IXFR from serials that never were: {odd}")
    print(f"{name}: IXFR from {len(known)} earlier serials: " + ", ".join(f"{count} × {kind}" for kind, count in kinds.items()) +
          f"; from 0, from beyond its reach and from the future as it should be; serial {serial}", flush=True)
    return kinds


def churn(b, changes, contents, transfers, clients, seed):
    """Transfers at random, by several clients at once, while the list changes."""
    left = [transfers]
    errors = []
    lock = threading.Lock()
    over = threading.Event()

    def client(number):
        rng = random.Random(seed + number)
        try:
            while not over.is_set():
                with lock:
                    if left[0] == 0:
                        return
                    left[0] -= 1
                if rng.randrange(10) == 0:
                    contents.take(by_tcp(b.port, query(ZONE, AXFR)), None, "AXFR")
                else:
                    known = contents.serials()
                    since = rng.choice(known[-50:] if rng.randrange(2) else known[-1_000:])
                    contents.take(by_tcp(b.port, ixfr_query(since)), since, f"IXFR from {since}")
        except Exception as error:  # noqa: BLE001: whatever it is, it is reported
            errors.append(error)
            over.set()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    commits = 0
    while any(thread.is_alive() for thread in threads):
        changes.change()
        commits += 1
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return commits


def run(options):
    rng = random.Random(options.seed)
    contents = Contents()
    # Some versions come and go unseen, when something ends. On a busy machine the server closes a connection some time after the client.
    with Blowback(transfer={"allow": ["127.0.0.1"], "history": 2 * options.versions, "connections": 100}) as b:
        changes = List(b, rng)
        changes.import_some(options.entries)
        b.start_server()
        began = time.monotonic()
        serial = whole(b, contents)
        exports = 0
        while len(contents.by_serial) < options.versions:
            changes.change()
            with contextlib.suppress(AssertionError):  # a delisting may change nothing
                wait_until(lambda: soa_serial(b) != serial, 0.2 / PATIENCE, "another serial", pause=0.002)
            serial = whole(b, contents)
            if len(contents.by_serial) % 10 == 0:
                exports += exported(b, contents)
        print(f"{len(contents.by_serial)} serials were transferred as whole zones in {time.monotonic() - began:.0f} s; "
              f"{exports} exports had the same content as theirs", flush=True)
        ask_from_everywhere(b, contents, options.versions, "without a restart")
        for restart in range(options.restarts):
            if restart % 2:
                b.server.kill()
            else:
                b.server.stop()
            for _ in range(rng.randrange(1, 8)):
                changes.change()
            b.start_server()
            wait_until(lambda: b.server.log().count("versions-recalled") == restart + 1, 30, b.server.log)
            kinds = ask_from_everywhere(b, contents, options.versions, f"after restart {restart + 1}, {'by SIGKILL' if restart % 2 else 'by SIGTERM'}")
            if kinds["difference"] < sum(kinds.values()) // 2:
                raise Wrong(f"a restart forgets: {dict(kinds)}")
            for _ in range(5):
                changes.change()
                whole(b, contents)
        before = contents.sent.copy()
        began = time.monotonic()
        commits = churn(b, changes, contents, options.transfers, options.clients, options.seed)
        sent = contents.sent - before
        print(f"under churn: {sum(sent.values())} transfers by {options.clients} clients and {commits} commits in {time.monotonic() - began:.0f} s: " +
              ", ".join(f"{count} × {kind}" for kind, count in sent.items()) + "; each was one content of its serial", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--entries", type=int, default=2_000)
    options.add_argument("--versions", type=int, default=1_000)
    options.add_argument("--restarts", type=int, default=4)
    options.add_argument("--transfers", type=int, default=10_000)
    options.add_argument("--clients", type=int, default=4)
    options.add_argument("--seed", type=int, default=1)
    try:
        run(options.parse_args())
    except Wrong as wrong:
        sys.exit(f"INCONSISTENT: {wrong}")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
