#!/usr/bin/env python3
"""How fast secondaries follow: NSD, Knot DNS, BIND and PowerDNS transfer a large zone, which then changes all the time.

    python3 tests/bench/secondaries.py [--entries 1000000] [--seconds 60] [--changes 5] [--tick 0.1] [--kinds nsd,knot,bind,pdns] [--signed]
                                       [--apart] [--plain] [--primary ours|bind]

Each tick is one commit of some changes: addresses mostly, and now and then a network, an exemption, a delisting, or a listing that soon ends by the clock (no
ingest runs); with --plain addresses alone, which are listed and delisted in turn. For each secondary it prints how long the first transfer took, the time from
a commit to the secondary's SOA with its serial (median, p99, longest), its processor time per update and its memory; then whether its whole zone, transferred and
sorted, equals the primary's and the export. --apart measures them one after another, so that they don't share the processor.

--primary bind is the control experiment: BIND serves the exported zone, and gets each commit as one dynamic update (RFC 2136); it implies --plain.
A secondary whose program isn't installed is left out."""

import argparse
import base64
import contextlib
import hashlib
import os
import pathlib
import random
import re
import select
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import ZONE, Blowback, encode_name, owner_name, query  # noqa: E402
from name_servers import KINDS, SECONDARIES, NameServer, Secondary, executable, named_config  # noqa: E402


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
        serial = serial_in(reply)
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


def serial_in(reply):
    """Of the answer to a query for the SOA."""
    # Its RDATA ends with five numbers. Another record may follow only in the authority section, which the servers here leave out or fill with NS.
    at = reply.index(b"\x00\x06\x00\x01", len(query(ZONE, "SOA")))
    length = struct.unpack("!H", reply[at + 8:at + 10])[0]
    return struct.unpack("!I", reply[at + 10 + length - 20:at + 10 + length - 16])[0]


def zone_hash(port):
    """Of the whole zone as dig prints it, sorted, and the number of its records."""
    axfr = subprocess.Popen(["dig", "@127.0.0.1", "-p", str(port), ZONE, "AXFR", "+noall", "+answer", "+onesoa", "+time=900", "+tries=1"], stdout=subprocess.PIPE)
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


def random_address(rng):
    return f"{rng.randrange(11, 60)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"


class Ours:
    """blowback-server. `change` commits, and returns the serial that has the change."""

    def __init__(self, b, plain):
        self.b = b
        self.plain = plain
        self.port = b.port
        self.added = []

    def start(self, secondaries):
        self.b.sections["transfer"]["notify"] = [f"127.0.0.1:{each.port}" for each in secondaries]
        self.b.write_config()
        self.b.start_server()

    def serial(self):
        with contextlib.closing(sqlite3.connect(f"file:{self.b.database}?mode=ro", uri=True)) as db:
            return db.execute("SELECT max(serial) FROM listing_change").fetchone()[0]

    def change(self, rng, step, changes):
        address = random_address(rng)
        inside = f"{address.rsplit('.', 1)[0]}.{rng.randrange(64) * 4}/30"
        if self.plain and step % 2:
            done = self.b.cli("delist", self.added.pop(), "--reason", "bench")
        elif not self.plain and step % 20 == 5:
            done = self.b.cli("list", address, "--for", f"{rng.randrange(3, 20)}s", "--reason", "bench")
        elif not self.plain and step % 20 == 10:
            done = self.b.cli("exempt", inside, "--reason", "bench")
        elif not self.plain and step % 20 == 15:
            done = self.b.cli("delist", inside, "--reason", "bench")
        elif not self.plain and step % 20 == 19:
            done = self.b.cli("list", f"{address.rsplit('.', 1)[0]}.0/{rng.choice((24, 25, 26))}", "--wide", "--reason", "bench")
        else:
            self.added += [address] + [random_address(rng) for _ in range(changes - 1)]
            done = self.b.cli("import", "-", "--reason", "bench", stdin="".join(line + "\n" for line in self.added[-changes:]).encode())
        # 1: there was nothing to delist.
        assert done.returncode in (0, 1), done.stderr
        return self.serial()

    def stop(self):
        self.b.server.stop()


class Bind(NameServer):
    """BIND as the primary of the exported zone, with dynamic updates."""

    def __init__(self, b):
        folder = b.dir / "primary"
        folder.mkdir(exist_ok=True)
        self.prepare("bind", folder)
        self.file = self.folder / "primary.zone"
        self.added = []
        done = b.cli("export", "--format", "zone", "--to", self.file, seconds=600)
        assert done.returncode == 0, done.stderr

    def start(self, secondaries):
        notified = " ".join(f"127.0.0.1 port {each.port};" for each in secondaries)
        # BIND waits 5 s before it notifies, unless it is told otherwise.
        allowed = f"allow-update {{ 127.0.0.1; }}; allow-transfer {{ 127.0.0.1; }}; notify explicit; notify-delay 0; also-notify {{ {notified} }};"
        text = named_config(self.folder, self.file, self.port).replace("notify no;", "notify-rate 1000;")
        text = text.replace(f'file "{self.file}";', f'file "{self.file}"; {allowed}')
        self.config.write_text(text)
        self.arguments = [executable("named"), *KINDS["bind"][2], str(self.config)]
        self.__enter__()
        self.ready()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", self.port))

    def serial(self):
        # A busy server loses datagrams.
        for _ in range(30):
            self.socket.send(query(ZONE, "SOA"))
            if select.select([self.socket], [], [], 2)[0]:
                return serial_in(self.socket.recv(4096))
        raise AssertionError("BIND doesn't answer")

    def change(self, rng, step, changes):
        if step % 2:
            # Class ANY, type ANY: all records of the name (RFC 2136 §2.5.3).
            records = [encode_name(owner_name(self.added.pop())) + struct.pack("!HHIH", 255, 255, 0, 0)]
        else:
            records = []
            for _ in range(changes):
                address = random_address(rng)
                self.added.append(address)
                text = f"Backscatter from {address}, see https://bl.example.org/{address}".encode()
                for rtype, rdata in ((1, bytes([127, 0, 0, 9])), (16, bytes([len(text)]) + text)):
                    records.append(encode_name(owner_name(address)) + struct.pack("!HHIH", rtype, 1, 300, len(rdata)) + rdata)
        self.socket.send(struct.pack("!6H", step & 65535, 5 << 11, 1, 0, len(records), 0) + query(ZONE, "SOA")[12:] + b"".join(records))
        reply = self.socket.recv(4096)
        assert reply[3] & 15 == 0, reply
        return self.serial()

    def stop(self):
        self.socket.close()
        self.__exit__()


def family(pid):
    """A process and its descendants (NSD has some)."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def processor_seconds(pid):
    """Of a process, its living descendants, and those that ended and were waited for."""
    ticks = 0
    for each in family(pid):
        with contextlib.suppress(OSError):
            ticks += sum(map(int, pathlib.Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """MiB: the sum of what each process has, shared pages by their share."""
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError, AttributeError):
            total += int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{each}/smaps_rollup").read_text(), re.M)[1])
    return total // 1024


def measure(b, kinds, key, asked, rng):
    """Starts a primary and these secondaries, and changes the zone for the time asked for."""
    with contextlib.ExitStack() as stack:
        primary = Bind(b) if asked.primary == "bind" else Ours(b, asked.plain)
        secondaries = {kind: Secondary(kind, b.dir, primary.port, key) for kind in kinds}
        primary.start(secondaries.values())
        stack.callback(primary.stop)
        ports = {"primary": primary.port, **{kind: each.port for kind, each in secondaries.items()}}
        with Serials(ports) as serials:
            began = time.monotonic()
            for each in secondaries.values():
                stack.enter_context(each)
            while not all(serials.serial(kind) and serials.serial(kind) == serials.serial("primary") for kind in kinds):
                time.sleep(0.05)
                assert time.monotonic() - began < 900, {kind: serials.serial(kind) for kind in kinds}
            for kind in kinds:
                print(f"{kind}: first transfer after {serials.seen[kind][0][1] - began:.1f} s")
            spent = {kind: processor_seconds(each.daemon.process.pid) for kind, each in secondaries.items()}
            commits = []  # (serial, time)
            first = primary.serial()
            start = time.monotonic()
            step = 0
            while time.monotonic() < start + asked.seconds:
                commits.append((primary.change(rng, step, asked.changes), time.monotonic()))
                step += 1
                time.sleep(max(0.0, start + step * asked.tick - time.monotonic()))
            taken = time.monotonic() - start
            print(f"{commits[-1][0] - first} serials in {step} commits, {step / taken:.1f} commits a second; load {os.getloadavg()[0]:.1f}")
            # What still ends by the clock is over by then.
            settled = time.monotonic() + (0 if asked.plain else 25)
            until = settled + 120
            while time.monotonic() < settled or not all(commits[-1][0] <= serials.serial(kind) == serials.serial("primary") for kind in kinds) and time.monotonic() < until:
                time.sleep(0.05)
            for name in ports:
                waits = []
                seen = iter(serials.seen[name])
                serial, at = next(seen)
                for committed, when in commits:
                    while serial < committed:
                        serial, at = next(seen, (1 << 62, float("inf")))
                    waits.append(max(0.0, at - when))
                cost = ""
                if name in secondaries:
                    pid = secondaries[name].daemon.process.pid
                    updates = len([at for _, at in serials.seen[name] if at > start])
                    cost = f"; {updates} updates, {(processor_seconds(pid) - spent[name]) / updates * 1000:.0f} ms of processor time each, {memory(pid)} MiB"
                print(f"{name}: commit to answer: median {share(waits, 0.5) * 1000:.0f} ms, p99 {share(waits, 0.99) * 1000:.0f} ms, "
                      f"longest {max(waits) * 1000:.0f} ms{cost}", flush=True)
        if asked.primary == "ours":
            ours, records = export_hash(b)
            print(f"export: {records:,} records, {ours}")
        else:
            ours, records = zone_hash(primary.port)
        for name, port in ports.items():
            theirs, records = zone_hash(port)
            print(f"{name}: {records:,} records, {theirs}, {'equal' if theirs == ours else 'DIFFERENT'}", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--changes", type=int, default=5)
    options.add_argument("--tick", type=float, default=0.1)
    options.add_argument("--kinds", default=",".join(SECONDARIES))
    options.add_argument("--signed", action="store_true")
    options.add_argument("--apart", action="store_true")
    options.add_argument("--plain", action="store_true")
    options.add_argument("--primary", choices=("ours", "bind"), default="ours")
    asked = options.parse_args()
    if asked.primary == "bind" and asked.signed:
        options.error("the control experiment has no keys")
    asked.plain |= asked.primary == "bind"
    rng = random.Random(15)
    kinds = [kind for kind in asked.kinds.split(",") if Secondary.installed(kind)]

    with Blowback(transfer={"allow": ["127.0.0.1"]}) as b:
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
        print(f"{len(lines):,} listings, primary: {asked.primary}, load {os.getloadavg()[0]:.1f}")
        for together in [[kind] for kind in kinds] if asked.apart else [kinds]:
            measure(b, together, key, asked, rng)


if __name__ == "__main__":
    main()
