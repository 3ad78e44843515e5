#!/usr/bin/env python3
"""Writes a real list of IPv4 addresses in the formats that the servers of ../shared/bench read, and the queries for it.

    python3 tests/bench/list_data.py IPS.txt DIR      then: DATA=DIR N=<entries> tests/bench/server_beside_peers.sh

The same files that the harness's gen.py creates from random addresses: ips.txt, rbldnsd.ip4set, zone.db, queries.txt (a million, 30 %
listed; of the others half are random addresses and half are neighbours of listed ones, as with real clients), absent.txt."""

import ipaddress
import pathlib
import random
import sys

ZONE = "bl.example.org"
TEST_ENTRY = 127 << 24 | 2


def dotted(address):
    return str(ipaddress.IPv4Address(address))


def reverse(address):
    return ".".join(reversed(dotted(address).split(".")))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    listed = set()
    for line in source.read_text().splitlines():
        text = line.partition("#")[0].split()
        if text:
            listed.add(int(ipaddress.IPv4Address(text[0])))
    listed.discard(TEST_ENTRY)
    addresses = sorted(listed)
    chosen = random.Random(42)

    def public(address):
        return 1 <= address >> 24 < 224 and address >> 24 not in (10, 127)

    def absent():
        while True:
            address = chosen.randrange(1 << 24, 224 << 24)
            if chosen.random() < 0.5:
                address = chosen.choice(addresses) + chosen.randrange(-200, 200)
            if public(address) and address not in listed:
                return address

    head = "300 ns1.example.org. hostmaster.example.org. 1 600 300 86400 60\n"
    with open(out / "ips.txt", "w") as ips, open(out / "rbldnsd.ip4set", "w") as ip4set, open(out / "zone.db", "w") as zone:
        ip4set.write(f"$SOA {head}$NS 300 ns1.example.org.\n$TTL 300\n:127.0.0.2:https://{ZONE}/$\n")
        zone.write(f"$ORIGIN {ZONE}.\n$TTL 300\n@ IN SOA ns1.example.org. hostmaster.example.org. 1 600 300 86400 60\n"
                   "@ IN NS ns1.example.org.\n")
        for address in [TEST_ENTRY] + addresses:
            text = dotted(address)
            ips.write(text + "\n")
            ip4set.write(text + "\n")
            zone.write(f'{reverse(address)} A 127.0.0.2\n TXT "https://{ZONE}/{text}"\n')
    asked = set()
    with open(out / "queries.txt", "w") as queries:
        for _ in range(1_000_000):
            address = chosen.choice(addresses) if chosen.random() < 0.3 else absent()
            asked.add(address)
            queries.write(f"{reverse(address)}.{ZONE} A\n")
    with open(out / "absent.txt", "w") as file:
        left = 1_000
        while left:
            address = absent()
            if address not in asked:
                file.write(dotted(address) + "\n")
                left -= 1
    print(f"{len(addresses)} addresses in {out}")


main()
