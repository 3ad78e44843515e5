#!/usr/bin/env python3
"""How fast is AXFR, beside BIND, NSD and Knot DNS that serve the same exported zone, and what does it cost those who query?

    python3 tests/bench/transfer_speed.py [--entries 1000000] [--rounds 5] [--seconds 8] [--kinds nsd,knot,bind] [--rate R]

axfr_sink, which reads all octets and counts records, transfers the zone from one server after the other, in rounds. Then dns_load queries our server (one
worker) at half of its maximum, by turns without a transfer and with one after the other, and the server's anonymous memory is read meanwhile.
A server whose program isn't installed is left out."""

import argparse
import contextlib
import json
import pathlib
import random
import statistics
import subprocess
import threading
import time

from server_measures import BIN, memory, print_conditions
from harness import ZONE, Blowback, owner_name
from name_servers import KINDS, NameServer

MIB = 1024  # KiB


def tool(name):
    path = BIN.parent / "tests" / name
    if not path.exists():
        raise SystemExit(f"{name} doesn't exist; build it: cmake --build --preset release --target {name}")
    return str(path)


def sink(port, seconds=0):
    return subprocess.Popen(["nice", "-n", "19", tool("axfr_sink"), "--server", f"127.0.0.1:{port}", "--zone", ZONE, "--seconds", str(seconds)], stdout=subprocess.PIPE, text=True)


def transfers_of(process):
    text, _ = process.communicate(timeout=600)
    if process.returncode != 0:
        raise SystemExit(f"axfr_sink ended with {process.returncode}")
    return [json.loads(line) for line in text.splitlines()]


def rate_of(transfer):
    return transfer["records"] / transfer["seconds"]


def load(port, names, rate, seconds):
    done = subprocess.run([tool("dns_load"), "--server", f"127.0.0.1:{port}", "--names", str(names), "--rate", f"{rate:.0f}", "--seconds", str(seconds),
                           "--json", "1", "--sockets", "8"], capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def in_microseconds(measured, key):
    """A quantile that falls on a lost query is a second."""
    return measured[key] or 1e6


@contextlib.contextmanager
def largest(pid):
    """The largest anonymous memory in KiB meanwhile, in a list."""
    found = [memory(pid)[1]]
    over = threading.Event()

    def look():
        while not over.wait(0.05):
            found.append(max(found.pop(), memory(pid)[1]))

    thread = threading.Thread(target=look)
    thread.start()
    yield found
    over.set()
    thread.join()


def processor_time(pid):
    """Seconds that the process has used, and the processes that it has started: NSD's."""
    seconds = sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return seconds + sum(processor_time(int(child)) for child in children)


def compare(servers, rounds):
    """Records per second of each server, one transfer per round. The processor time doesn't depend on what else the machine does."""
    rates = {name: [] for name in servers}
    costs = {name: 0.0 for name in servers}
    for name, (port, _) in servers.items():
        [done] = transfers_of(sink(port))  # which warms the caches, and doesn't count
        print(f"{name}: {done['records']:,} records in {done['messages']:,} messages, {done['octets'] / done['messages']:,.0f} octets each", flush=True)
    for _ in range(rounds):
        for name, (port, pid) in servers.items():
            before = processor_time(pid)
            [done] = transfers_of(sink(port))
            costs[name] += (processor_time(pid) - before) / done["records"] / rounds
            rates[name].append(rate_of(done))
    for name, each in rates.items():
        print(f"{name}: {statistics.median(each) / 1e6:.2f} M records/s (median of {rounds}; {min(each) / 1e6:.2f} to {max(each) / 1e6:.2f}); "
              f"{costs[name] * 1e9:.0f} ns of processor time per record", flush=True)
    for name in rates:
        if name != "blowback":
            print(f"blowback / {name}: {statistics.median(ours / theirs for ours, theirs in zip(rates['blowback'], rates[name])):.2f} (median of the rounds' ratios)", flush=True)


def beside_queries(b, names, rate, seconds, rounds):
    if rate is None:
        rate = statistics.median(load(b.port, names, 0, 3)["qps"] for _ in range(3)) / 2
    quiet, busy, rates = [], [], []
    before = memory(b.server.pid)[1]
    most = before
    for _ in range(rounds):
        quiet.append(load(b.port, names, rate, seconds))
        client = sink(b.port, seconds + 1)
        with largest(b.server.pid) as found:
            busy.append(load(b.port, names, rate, seconds))
        most = max(most, found[0])
        rates += [rate_of(done) for done in transfers_of(client)]
    for name, each in (("quiet", quiet), ("beside AXFR", busy)):
        p50, p99, p999, late = (statistics.median(in_microseconds(one, key) for one in each) for key in ("p50_us", "p99_us", "p999_us", "sent_late_p999_us"))
        print(f"{name}: {rate:,.0f} queries/s, p50 {p50:,.0f} µs, p99 {p99:,.0f} µs, p99.9 {p999:,.0f} µs (medians of {rounds}), lost {sum(one['lost'] for one in each)}; "
              f"the load's own delay p99.9 {late:,.0f} µs")
    ratios = [in_microseconds(two, "p999_us") / in_microseconds(one, "p999_us") for one, two in zip(quiet, busy)]
    print(f"p99.9 beside AXFR / quiet: {statistics.median(ratios):.2f} (median of the rounds' ratios: {', '.join(f'{ratio:.2f}' for ratio in ratios)}); "
          f"{len(rates)} transfers meanwhile, {statistics.median(rates) / 1e6:.2f} M records/s")
    print(f"anonymous memory: {before / MIB:.1f} MiB before, at most {most / MIB:.1f} MiB during transfers", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rate", type=float, help="queries a second; default: half of the measured maximum")
    parser.add_argument("--kinds", default=",".join(KINDS))
    options = parser.parse_args()
    print_conditions(entries=options.entries, rounds=options.rounds)
    rng = random.Random(15)
    with contextlib.ExitStack() as stack:
        b = stack.enter_context(Blowback(server={"workers": 1}, transfer={"allow": ["127.0.0.1"]}))
        addresses = [f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in sorted({rng.randrange(11 << 24, 60 << 24) for _ in range(options.entries)})]
        done = b.cli("import", "-", "--reason", "bench", stdin="\n".join(addresses).encode(), seconds=3600)
        assert done.returncode == 0, done.stderr
        b.start_server()
        names = b.dir / "names"
        names.write_text("\n".join(owner_name(address if rng.random() < 0.3 else f"{rng.randrange(11, 60)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}")
                                   for address in rng.sample(addresses, min(len(addresses), 100_000))))
        zone = b.dir / "exported.zone"
        done = b.cli("export", "--format", "zone", "--to", zone, seconds=600)
        assert done.returncode == 0, done.stderr
        kinds = [kind for kind in options.kinds.split(",") if kind and NameServer.installed(kind)]
        with contextlib.ExitStack() as peers:
            # One at a time while they load: BIND's takes minutes on a busy machine.
            servers = {"blowback": (b.port, b.server.pid)}
            for kind in kinds:
                peer = peers.enter_context(NameServer(kind, b.dir, zone, transfers=True))
                peer.ready()
                servers[kind] = (peer.port, peer.daemon.pid)
            compare(servers, options.rounds)
        beside_queries(b, names, options.rate, options.seconds, options.rounds)


if __name__ == "__main__":
    main()
