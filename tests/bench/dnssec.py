#!/usr/bin/env python3
"""What it costs to have the zone signed: Knot DNS and BIND transfer a large zone from our server, sign it, and follow its changes (docs/dnssec.md).

    python3 tests/bench/dnssec.py [--entries 100000] [--changes 40] [--kinds knot,bind] [--nsec3]

For each it prints the time from its start until random names, listed and not, have signed answers, the processor time for that, memory and what it has on disk; the time from a
commit to the signed answer, for addresses that are listed and delisted one by one; the time from a restart to a signed answer; and the sizes of answers. A thousand of the
listings are IPv6 /64. A signer that isn't installed is left out."""

import argparse
import contextlib
import ipaddress
import os
import pathlib
import random
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import ZONE, Blowback, owner_name, parse_strictly, query, wait_until  # noqa: E402
from name_servers import SIGNERS, Signer  # noqa: E402
from secondaries import memory, processor_seconds, random_address, share  # noqa: E402

RRSIG = 46
SAFE = 1232  # octets that nearly every path carries unfragmented: the default of resolvers


def ask(port, name, rtype="A"):
    """The reply with signatures, or None if none comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.connect(("127.0.0.1", port))
        with contextlib.suppress(OSError):
            s.send(query(name, rtype, edns=(4096, 0, True, b"")))
            return parse_strictly(s.recv(65535))
    return None


def is_signed(port, name):
    """Whether there are signatures at all, and the RCODE."""
    reply = ask(port, name)
    return (reply is not None and any(record.type == RRSIG for record in reply.answers + reply.authority)), reply and reply.rcode


def on_disk(folder):
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def sizes(port, title, names, rtype="A"):
    found = [reply.size for name in names if (reply := ask(port, name, rtype))]
    over = sum(size > SAFE for size in found)
    print(f"  {title}: median {share(found, 0.5)} octets, largest {max(found)}; {over} of {len(found)} over {SAFE}", flush=True)


def measure(b, kind, nsec3, listed, networks, changes, rng):
    folder = b.dir / f"signed-{kind}"
    folder.mkdir()
    signer = Signer(kind, folder, b.port, nsec3=nsec3)
    b.sections["transfer"]["notify"] = [f"127.0.0.1:{signer.port}"]
    b.write_config()
    b.start_server()
    unlisted = [owner_name(random_address(rng)) for _ in range(1000)]
    sample = [owner_name(ip) for ip in rng.sample(listed, 1000)]
    left = set(sample + unlisted)

    def all_signed():
        while left:
            name = next(iter(left))
            if not is_signed(signer.port, name)[0]:
                return False
            left.discard(name)
        return True

    began = time.monotonic()
    with signer:
        wait_until(all_signed, 3000, lambda: signer.daemon.log()[-3000:], pause=0.2)
        print(f"{kind}: signed after {time.monotonic() - began:.1f} s, {processor_seconds(signer.daemon.pid):.1f} s of processor time, {memory(signer.daemon.pid)} MiB, "
              f"{on_disk(folder) >> 20} MiB on disk; load {os.getloadavg()[0]:.1f}", flush=True)
        spent = processor_seconds(signer.daemon.pid)
        waits = []
        for number in range(changes):
            if number % 2 == 0:
                address = random_address(rng)
            done = b.cli("delist" if number % 2 else "list", address, "--reason", "bench")
            committed = time.monotonic()
            # 1: it was listed before.
            assert done.returncode in (0, 1), done.stderr
            wanted = (True, "NXDOMAIN" if number % 2 else "NOERROR")
            wait_until(lambda: is_signed(signer.port, owner_name(address)) == wanted, 300, signer.daemon.log, pause=0.003)
            waits.append(time.monotonic() - committed)
        print(f"  commit to signed answer: median {share(waits, 0.5) * 1000:.0f} ms, p99 {share(waits, 0.99) * 1000:.0f} ms; "
              f"{(processor_seconds(signer.daemon.pid) - spent) / changes * 1000:.0f} ms of processor time each; "
              f"{memory(signer.daemon.pid)} MiB, {on_disk(folder) >> 20} MiB on disk; load {os.getloadavg()[0]:.1f}", flush=True)
        sizes(signer.port, "A of a listed address", sample)
        sizes(signer.port, "TXT of a listed address", sample, "TXT")
        sizes(signer.port, "AAAA of a listed address (no data)", sample, "AAAA")
        sizes(signer.port, "A of an unlisted address", unlisted)
        inside = [owner_name(str(network[rng.randrange(2**64)])) for network in networks]
        sizes(signer.port, "A of an IPv6 address in a listed /64 (a wildcard)", inside)
        sizes(signer.port, "A of an unlisted IPv6 address", [owner_name(str(ipaddress.ip_address(rng.getrandbits(96) | 0x20010DB8 << 96))) for _ in range(1000)])
        sizes(signer.port, "DNSKEY", [ZONE], "DNSKEY")
    began = time.monotonic()
    with signer:
        wait_until(lambda: is_signed(signer.port, sample[0])[0], 600, signer.daemon.log, pause=0.02)
        print(f"  signed answer {time.monotonic() - began:.1f} s after a restart, {processor_seconds(signer.daemon.pid):.1f} s of processor time", flush=True)
    b.server.stop()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--entries", type=int, default=100_000)
    options.add_argument("--changes", type=int, default=40)
    options.add_argument("--kinds", default=",".join(SIGNERS))
    options.add_argument("--nsec3", action="store_true")
    asked = options.parse_args()
    rng = random.Random(15)
    with Blowback(transfer={"allow": ["127.0.0.1"]}) as b:
        networks = [ipaddress.ip_network((0x20010DB8 << 96 | rng.getrandbits(32) << 64, 64)) for _ in range(1000)]
        listed = sorted({random_address(rng) for _ in range(asked.entries)})
        done = b.cli("import", "-", "--reason", "bench", stdin="\n".join([*listed, *map(str, networks)]).encode(), seconds=3600)
        assert done.returncode == 0, done.stderr
        print(f"{len(listed):,} IPv4 addresses, 1,000 IPv6 /64, {'NSEC3' if asked.nsec3 else 'NSEC'}")
        for kind in asked.kinds.split(","):
            if Signer.installed(kind):
                measure(b, kind, asked.nsec3, listed, networks, asked.changes, rng)


if __name__ == "__main__":
    main()
