#!/usr/bin/env python3
"""One zone, whoever serves it: NSD, Knot DNS and BIND load the exported zone file, and answer every name and type as our server does. The lists are
random, with addresses, networks and exemptions of both families; the names are those of addresses, parts of them, and absurd ones. What Debian's
packages aren't there for is left out.

    zone_beside_peers.py [--rounds N] [--names N] [--seed N]

A round is a list of its own, asked about N names. Every other one is about a second zone of the server, with chosen codes. The defaults are those of the test (4 rounds of 8,000)."""

import argparse
import contextlib
import ipaddress
import random
import socket
import sys
import time
import unittest
from collections import Counter

from harness import PATIENCE, ZONE, BadWire, Blowback, encode_name, parse_strictly, query
from name_servers import KINDS, NameServer

# A second zone of the server, with chosen codes: every other round is about that.
CHOSEN = "chosen.example.net"
# Of the second hundred: RRSIG, NSEC, DNSKEY, HTTPS, and a type that nobody has defined.
TYPES = {"A": 1, "TXT": 16, "AAAA": 28, "NS": 2, "SOA": 6, "CNAME": 5, "MX": 15, "PTR": 12, "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "HTTPS": 65, "ANY": 255,
         "TYPE65280": 65280}
ODD = [b"*", b"x", b"002", b"256", b"0", b"9", b"10", b"a", b"F", b"g", b"00", b"255", b"1000", b"-", b"_dmarc", b"**", b"7" * 63, b"\0", b".", b"1.2", b"\xff", b" ", b"\\"]
AT_ONCE = 32


class Chance(random.Random):
    def one_in(self, count):
        return self.randrange(count) == 0

    def digit(self):
        """Of an octet: of one digit as often as not, so that names of both families meet."""
        return self.randint(0, 3) if self.one_in(2) else self.randint(92, 95) if self.one_in(2) else self.randint(0, 255)

    def address(self):
        if self.one_in(15):
            return ipaddress.ip_address(0x7F000000 | (self.randint(0, 65535) if self.one_in(3) else self.randint(0, 12)))
        if self.one_in(2):
            return ipaddress.ip_address(bytes(self.digit() for _ in range(4)))
        octets = bytearray(self.randint(0, 255) if self.one_in(3) else self.randint(0, 3) << 4 | self.randint(0, 3) for _ in range(16))
        if self.one_in(5):
            octets[:self.randint(1, 12)] = bytes(self.randint(1, 12))
        if octets[:10] == bytes(10):
            octets[8] = 1  # IPv4 in another form isn't accepted as a network
        return ipaddress.ip_address(bytes(octets[:16]).ljust(16, b"\0"))

    def network(self):
        """Not so wide that the zone has a hundred thousand names."""
        address = self.address()
        if address.version == 6:
            length = 4 * self.randint(4, 32) if self.one_in(2) else self.randint(14, 128)
        elif self.one_in(2):
            length = 32
        else:
            shortest = 16 if address.packed[0] < 10 or address.packed[0] == 127 else 8
            length = self.choice(range(shortest, 33, 8)) if self.one_in(2) else self.randint(shortest, 32)
        return ipaddress.ip_network((address, length), strict=False)

    def near(self, network):
        """An address in it, or next to it."""
        number = int(network[0]) + self.randrange(network.num_addresses)
        if self.one_in(6):
            number ^= 1 << self.randrange(network.max_prefixlen)
        return type(network[0])(number)

    def list(self):
        """(listed, exempt): networks, some within others."""
        found = []

        def add():
            if not found or self.one_in(3):
                found.append(self.network())
                return found[-1]
            other = self.choice(found)
            length = max(min(other.prefixlen, 16), min(other.prefixlen + self.randint(-4, 16), other.max_prefixlen))
            found.append(ipaddress.ip_network((self.near(other), length), strict=False))
            return found[-1]

        # `import` refuses test points by themselves.
        def some(count):
            return [network for network in dict.fromkeys(add() for _ in range(count)) if not (network.prefixlen == 32 and network[0].packed[:3] == b"\x7f\0\0")]
        return some(self.randint(5, 40)), some(self.randint(0, 8))

    def name(self, networks):
        """Below the apex, in wire format without the root."""
        address = self.near(self.network() if self.one_in(10) else self.choice(networks))
        if address.version == 4 and not self.one_in(8):
            labels = [str(octet).encode() for octet in reversed(address.packed)]
        else:
            digits = address.packed.hex() if address.version == 6 else "0" * 20 + "ffff" + address.packed.hex()
            labels = [digit.encode() for digit in reversed(digits)]
        if self.one_in(3):
            del labels[:self.randint(0, len(labels))]
        if self.one_in(4):
            labels[:0] = [self.choice(ODD) for _ in range(self.randint(1, 3))]
        if labels and self.one_in(8):
            labels[self.randrange(len(labels))] = self.choice(ODD)
        if labels and self.one_in(12):
            labels.insert(self.randrange(len(labels)), self.choice(ODD))
        if self.one_in(40):
            labels[:0] = [b"1"] * self.randint(20, 90)
        if self.one_in(40):
            labels = [b"x"] * self.randint(0, 1) + [self.choice([b"ns1", b"NS1", b"ns", b"ns2", b"www"])]
        wire = b"".join(bytes([len(label)]) + label for label in labels)
        while len(wire) + len(encode_name(max(ZONE, CHOSEN, key=len))) > 255:
            wire = wire[1 + wire[0]:]
        # 0x20, also of digits' names: only letters change.
        return wire.upper() if self.one_in(8) else wire

    def type(self):
        if self.one_in(2):
            return "A"
        return "TXT" if self.one_in(3) else self.choice(list(TYPES))


def ask_all(port, messages):
    """The replies to the messages, whose ids are their indexes. Several are under way at a time, since each wait lets another process run first."""
    replies = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", port))
        s.settimeout(2 * PATIENCE)
        for begin in range(0, len(messages), AT_ONCE):
            missing = messages[begin:begin + AT_ONCE]
            for _ in range(10):  # a socket's buffer may overflow
                for message in missing:
                    s.send(message)
                with contextlib.suppress(TimeoutError):
                    for _ in missing:
                        reply = s.recv(65535)
                        replies[reply[:2]] = reply
                missing = [message for message in missing if message[:2] not in replies]
                if not missing:
                    break
            assert not missing, f"no reply to {missing}"
    return [replies[message[:2]] for message in messages]


def record(one):
    rdata = b"".join(one.names) + one.rdata[-20:] if one.type == 6 else one.names[0] if one.type == 2 else one.rdata
    if one.type in (2, 6):
        rdata = rdata.lower()
    return one.owner.lower(), one.type, one.ttl, rdata


def normal(reply):
    """What has to be the same: RCODE, AA, answers and authority, whatever their order."""
    message = parse_strictly(reply)
    sections = [sorted(record(one) for one in section) for section in message.sections[:2]]
    return message.rcode, message.bit("AA"), message.bit("TC"), *sections


def differ(ours, theirs, qtype):
    if ours == theirs:
        return False
    a, b = normal(ours), normal(theirs)
    if qtype != "ANY" or not a[3]:
        return a != b
    # RFC 8482 §4.1: one RRset of those that are there; which one is the server's choice.
    return (a[:3], a[4]) != (b[:3], b[4]) or not set(a[3]) <= set(b[3]) and {one[1] for one in a[3]} & {one[1] for one in b[3]} != set()


def told(reply):
    try:
        return normal(reply)
    except BadWire as wrong:
        return wrong


class Round:
    """A list, our server, and its peers with the exported zone."""

    def __init__(self, seed, names, seen):
        self.chance = Chance(seed)
        self.seed = seed
        self.zone = CHOSEN if seed % 2 == 0 else ZONE
        self.codes = [["challenge"], ["operator"], ["dsn"], ["dsn", "operator"]][seed // 2 % 4]
        self.names = names
        self.seen = seen

    def run(self):
        listed, exempt = self.chance.list()
        nameservers = [f"ns1.{ZONE} 192.0.2.53 2001:db8::53", "ns.example.net"]
        hosts = ["www 192.0.2.80 2001:db8::80", "www 192.0.2.81", "x 2001:db8::80"]
        # Without name servers and hosts of its own the chosen zone would have no such names.
        chosen = {"name": CHOSEN, "codes": self.codes, "nameservers": [f"ns1.{CHOSEN} 192.0.2.54", "ns.example.net"], "hosts": ["www 192.0.2.80"]}
        with Blowback(further_zones=[chosen], zone={"nameservers": nameservers, "hosts": hosts, "hostmaster": f"host.master@{ZONE}", "ttl": "5m", "negative_ttl": "2m"}) as b, contextlib.ExitStack() as peers:
            senders = [address for address in (self.chance.near(network) for network in listed) if address.version == 4 and address.packed[0] in range(11, 127)][:6]
            for address in senders:
                b.list_sender(str(address))
            if senders:
                assert b.start_ingest(once=True).process.returncode == 0
            done = b.cli("import", "-", "--wide", "--reason", "test", stdin="\n".join(map(str, listed)).encode())
            assert done.returncode == 0, done.stderr
            if exempt:
                done = b.cli("exempt", "-", "--wide", "--reason", "test", stdin="\n".join(map(str, exempt)).encode())
                assert done.returncode == 0, done.stderr
            zone = b.dir / "zone"
            assert b.cli("export", "--format", "zone", "--zone", self.zone, "--to", zone).returncode == 0
            peers = [peers.enter_context(NameServer(kind, b.dir, zone, self.zone)) for kind in KINDS if NameServer.installed(kind)]
            b.start_server()
            for peer in peers:
                peer.ready()
            self.compare(b, [*listed, *exempt], peers)
            self.seen["names in the zone"] += zone.read_text().count("\tTXT\t")

    def compare(self, b, networks, peers):
        apex = encode_name(self.zone)
        asked = [(self.chance.name(networks), self.chance.type()) for _ in range(self.names)]
        # With EDNS: BIND truncates some replies of more than half of 512 octets.
        messages = [query(name + apex, TYPES[qtype], ident=i, edns=(1232, 0, False, b"")) for i, (name, qtype) in enumerate(asked)]
        ours = ask_all(b.port, messages)
        for reply in ours:
            self.seen[("NOERROR" if reply[6:8] != b"\0\0" else "NODATA") if reply[3] & 15 == 0 else "NXDOMAIN" if reply[3] & 15 == 3 else "other"] += 1
        for peer in peers:
            theirs = ask_all(peer.port, messages)
            for (name, qtype), mine, other in zip(asked, ours, theirs, strict=True):
                if differ(mine, other, qtype):
                    raise AssertionError(f"seed {self.seed}, {name + apex} {qtype}: ours {told(mine)}, {peer.kind} {told(other)}; list {networks}")
            self.seen[f"replies equal to {peer.kind}'s"] += len(asked)


def run(rounds, names, seed):
    seen = Counter()
    began = time.monotonic()
    for i in range(rounds):
        Round(seed + i, names, seen).run()
    print(f"{rounds} lists, {rounds * names} questions, {time.monotonic() - began:.1f} s: " + ", ".join(f"{what} {count}" for what, count in sorted(seen.items())), flush=True)
    return seen


class OneZone(unittest.TestCase):
    ROUNDS = 4
    NAMES = 8000
    SEED = 1

    def test_every_server_of_the_exported_zone_answers_as_ours(self):
        if not any(NameServer.installed(kind) for kind in KINDS):
            self.skipTest(f"none of {', '.join(KINDS)} is installed")
        seen = run(self.ROUNDS, self.NAMES, self.SEED)
        for what in ("NOERROR", "NODATA", "NXDOMAIN"):
            self.assertGreater(seen[what], self.ROUNDS * self.NAMES / 20, f"too few {what}: a poor test")
        self.assertEqual(seen["other"], 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--rounds", type=int, default=OneZone.ROUNDS)
    parser.add_argument("--names", type=int, default=OneZone.NAMES)
    parser.add_argument("--seed", type=int, default=OneZone.SEED)
    options, rest = parser.parse_known_args()
    OneZone.ROUNDS, OneZone.NAMES, OneZone.SEED = options.rounds, options.names, options.seed
    unittest.main(argv=[sys.argv[0], *rest])
