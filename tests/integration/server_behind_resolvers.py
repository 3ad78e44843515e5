#!/usr/bin/env python3
"""Behind real resolvers that minimise the QNAME (RFC 9156): every lookup is right, whatever was asked and cached before.

A list server that says NXDOMAIN to an empty non-terminal makes every listing below it vanish here, silently. Unbound, BIND,
Knot Resolver and PowerDNS Recursor, each as strict as it can be set, on loopback and without a network: everything outside
of the zone goes to the same server, which refuses it. Between resolver and server stands a relay that notes what is asked,
so that a test can tell whether the resolver did minimise. A resolver that isn't installed is skipped by name."""

import functools
import ipaddress
import pathlib
import random
import socket
import tempfile
import threading
import unittest

from harness import PATIENCE, ZONE, Blowback, Daemon, _Ports, make_dsn, parse_strictly, query, wait_until
from resolvers import arguments_of, program_of

LISTINGS = ["192.0.2.10", "192.0.2.12", "198.51.100.0/24", "203.0.113.64/26", "45.67.16.0/20", "77.0.0.0/9", "2001:db8:1::/64",
            "2001:db8:aa::/48", "2001:db8:c0::/43", "2001:db8:2::25/128"]
EXEMPTIONS = ["198.51.100.128/25", "45.67.20.0/24", "2001:db8:aa:7::/64"]
BOTH = "192.0.2.78"  # by mail and by the operator: two codes

LISTED = {ip: [9] for ip in ("192.0.2.10", "192.0.2.12", "198.51.100.77", "198.51.100.0", "203.0.113.64", "203.0.113.127",
                             "45.67.16.0", "45.67.31.255", "45.67.21.9", "77.0.0.0", "77.99.1.2", "2001:db8:1::25",
                             "2001:db8:1::ffff:1", "2001:db8:aa::1", "2001:db8:aa:ffff::", "2001:db8:c0::", "2001:db8:df:ffff::1",
                             "2001:db8:2::25")}
LISTED |= {BOTH: [2, 9], "127.0.0.2": [2], "127.0.0.5": [5], "127.0.0.9": [9], "::ffff:7f00:2": [2], "::ffff:7f00:9": [9]}
# Those whose network is a wildcard (RFC 4592): undivided, and cut between labels. The others are named by themselves.
IN_WILDCARDS = {"45.67.16.0", "45.67.31.255", "45.67.21.9", "77.0.0.0", "77.99.1.2", "2001:db8:1::25", "2001:db8:1::ffff:1", "2001:db8:aa::1",
                "2001:db8:aa:ffff::", "2001:db8:c0::", "2001:db8:df:ffff::1"}
UNLISTED = ["192.0.2.11", "192.0.2.9", "192.0.3.10", "193.0.2.10", "192.1.2.10", "198.51.101.77", "198.51.100.128",
            "198.51.100.200", "203.0.113.63", "203.0.113.128", "45.67.15.1", "45.67.32.1", "45.67.20.0", "45.67.20.99",
            "77.128.0.1", "76.1.1.1", "8.8.8.8", "2001:db8:1:1::25", "2001:db8:aa:7::1", "2001:db8:ab::", "2001:db8:e0::",
            "2001:db8:2::24", "2001:db9::1", "2a00::1", "127.0.0.1", "127.0.0.8", "::ffff:7f00:1"]
# Names that exist and have no record of their own.
NON_TERMINALS = ["192", "0.192", "2.0.192", "100.51.198", "198", "16.67.45", "77", "5.77", "0.0.127", "127", "8.b.d.0.1.0.0.2",
                 "1.0.0.0.8.b.d.0.1.0.0.2", "2", "d.0.0.8.b.d.0.1.0.0.2"]
MISSING = ["193", "1.192", "3.0.192", "x.10.2.0.192", "5.11.2.0.192", "foo", "256.2.0.192", "010.2.0.192", "20.67.45",
           "101.51.198", "128.77", "7.0.0.0.a.a.0.0.8.b.d.0.1.0.0.2", "9.b.d.0.1.0.0.2", "x.2.0.0.127"]


def name_of(ip):
    address = ipaddress.ip_address(ip)
    parts = str(address).split(".") if address.version == 4 else address.packed.hex()
    return ".".join(reversed(parts))


class Relay(threading.Thread):
    """Hands datagrams on to the server and notes their QNAMEs below the apex, each in small letters (resolvers mix case).
    "" is the apex; names outside of the zone aren't noted."""

    def __init__(self, server_port):
        super().__init__(daemon=True)
        self.asked = []
        self.denies_non_terminals = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.settimeout(2 * PATIENCE)
        self.server.connect(("127.0.0.1", server_port))
        self.start()

    def run(self):
        while True:
            wire, client = self.socket.recvfrom(65535)
            if not wire:
                return
            self.note(wire)
            try:
                self.server.send(wire)
                while (reply := self.server.recv(65535))[:2] != wire[:2]:
                    pass  # late, to a query given up
            except OSError:
                continue
            if self.denies_non_terminals and reply[3] & 15 == 0 and reply[6:8] == b"\0\0":
                reply = reply[:3] + bytes([reply[3] | 3]) + reply[4:]
            self.socket.sendto(reply, client)

    def note(self, wire):
        at, labels = 12, []
        while at < len(wire) and wire[at]:
            labels.append(wire[at + 1:at + 1 + wire[at]].decode("latin-1").lower())
            at += 1 + wire[at]
        name = ".".join(labels)
        if name == ZONE or name.endswith("." + ZONE):
            self.asked.append(name.removesuffix(ZONE).rstrip("."))

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))
        self.join()
        self.socket.close()
        self.server.close()


class Behind:
    """The tests; a class beneath it says which resolver (resolvers.py)."""

    KIND = None

    @classmethod
    def setUpClass(cls):
        if program_of(cls.KIND) is None:
            raise unittest.SkipTest(f"{cls.KIND} isn't installed")
        # Resolvers keep all answers for the whole test.
        cls.b = Blowback(zone={"ttl": "1h", "negative_ttl": "1h"}).__enter__()
        cls.addClassCleanup(cls.b.__exit__, None, None, None)
        done = cls.b.cli("import", "-", "--wide", "--reason", "test", stdin="\n".join([*LISTINGS, BOTH]).encode())
        assert done.returncode == 0, done.stderr
        for cidr in EXEMPTIONS:
            assert cls.b.cli("exempt", cidr, "--reason", "test").returncode == 0
        for number in range(3):
            cls.b.deliver(make_dsn(BOTH, f"t{number}@trap.example.net", number))
        assert cls.b.start_ingest(once=True).process.returncode == 0
        cls.b.start_server()
        cls.b.wait_listed(BOTH, 10)
        cls.relay = Relay(cls.b.port)
        cls.addClassCleanup(cls.relay.stop)

    def setUp(self):
        # A resolver per test, with an empty cache.
        self.relay.denies_non_terminals = False
        ports = _Ports()
        self.port = ports.v4
        ports.release()
        # A short name: PowerDNS has a socket there, whose path is limited to 107 octets.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="r", dir=self.b.dir))
        self.resolver = Daemon(arguments_of(self.KIND, self.folder, self.port, self.relay.port), self.folder / "log")
        self.addCleanup(self.resolver.stop)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.connect(("127.0.0.1", self.port))
        self.asked = 0
        wait_until(self.ready, 20, lambda: f"{self.KIND} answers:\n{self.resolver.log()[-4000:]}", pause=0.1)
        self.relay.asked.clear()

    def ready(self):
        if not self.resolver.running():
            raise AssertionError(f"{self.KIND} ended:\n{self.resolver.log()[-4000:]}")
        try:
            # A name that no test asks for.
            return self.ask("3.0.0.127", timeout=1).rcode == "NOERROR"
        except OSError:
            return False

    def ask(self, name, rtype="A", timeout=10):
        """The resolver's reply, well formed."""
        self.asked += 1
        wire = query(f"{name}.{ZONE}" if name else ZONE, rtype, ident=self.asked, flags=0x0100, edns=(1232, 0, False, b""))
        self.socket.settimeout(timeout * PATIENCE)
        self.socket.send(wire)
        while (reply := self.socket.recv(65535))[:2] != wire[:2]:
            pass
        return parse_strictly(reply)

    def shows(self, message):
        return f"{message}\nlog:\n{self.resolver.log()[-1500:]}"

    def assert_listed(self, ip, after="", below=""):
        reply = self.ask(below + name_of(ip))
        self.assertEqual(reply.rcode, "NOERROR", self.shows(f"{ip} {after}"))
        # Resolvers may turn an RRset round.
        self.assertEqual(sorted(r.rdata for r in reply.answers), [bytes([127, 0, 0, code]) for code in LISTED[ip]],
                         f"{ip} {after}")

    def assert_txt(self, ip, after=""):
        reply = self.ask(name_of(ip), "TXT")
        self.assertEqual((reply.rcode, [r.type for r in reply.answers]), ("NOERROR", [16]), f"{ip} {after}")
        self.assertIn(b"Backscatter from ", reply.answers[0].rdata)

    def assert_negative(self, name, rcode, rtype="A", after=""):
        reply = self.ask(name, rtype)
        self.assertEqual((reply.rcode, reply.answers), (rcode, []), self.shows(f"{name} {rtype} {after}"))

    def everything(self):
        """Every lookup of the tables as (what to call, with what)."""
        for ip in LISTED:
            yield self.assert_listed, (ip,)
            yield self.assert_txt, (ip,)
            yield self.assert_negative, (name_of(ip), "NOERROR", "AAAA")
            if ip in IN_WILDCARDS:
                yield functools.partial(self.assert_listed, below="1."), (ip,)
            else:
                yield self.assert_negative, ("1." + name_of(ip), "NXDOMAIN")
        for ip in UNLISTED:
            for rtype in ("A", "TXT"):
                yield self.assert_negative, (name_of(ip), "NXDOMAIN", rtype)
        for name in NON_TERMINALS:
            for rtype in ("A", "NS", "TXT"):
                yield self.assert_negative, (name, "NOERROR", rtype)
        for name in MISSING:
            yield self.assert_negative, (name, "NXDOMAIN")
        yield self.assert_negative, ("", "NOERROR")

    def test_every_lookup_is_right_in_any_order(self):
        lookups = list(self.everything())
        for seed in range(3):  # the later rounds are answered from the cache, as far as it holds
            random.Random(seed).shuffle(lookups)
            for number, (check, arguments) in enumerate(lookups):
                check(*arguments, after=f"(lookup {number} of order {seed})")

    def test_every_listing_is_found_right_after_an_unlisted_neighbour(self):
        for neighbour in UNLISTED:
            self.assert_negative(name_of(neighbour), "NXDOMAIN")
            for ip in random.Random(neighbour).sample(list(LISTED), 6):
                self.assert_listed(ip, f"after {neighbour}")

    def test_every_listing_is_found_once_all_that_is_missing_is_cached(self):
        for name in [*MISSING, *map(name_of, UNLISTED)]:
            self.assert_negative(name, "NXDOMAIN")
        for name in NON_TERMINALS:
            self.assert_negative(name, "NOERROR")
        for ip in LISTED:
            self.assert_listed(ip, "after all that is missing")

    def test_the_resolver_does_minimise(self):
        for ip in ("192.0.2.10", "2001:db8:1::25"):
            self.relay.asked.clear()
            self.assert_listed(ip)
            # Some put a label of their own before the name that they want to know of.
            asked = [name.removeprefix("_.") for name in self.relay.asked]
            self.assertTrue(any(name and name_of(ip).endswith("." + name) for name in asked), f"asked were {self.relay.asked}")


class StrictlyBehind(Behind):
    """The same for resolvers that take NXDOMAIN for part of a name at its word."""

    def test_a_server_that_denies_empty_non_terminals_would_be_found_out(self):
        # That the tests above have teeth: the relay says NXDOMAIN where the server says NODATA.
        self.relay.denies_non_terminals = True
        for ip in ("192.0.2.10", "2001:db8:1::25"):
            self.assert_negative(name_of(ip), "NXDOMAIN")


class BehindUnbound(StrictlyBehind, unittest.TestCase):
    KIND = "unbound"


class BehindBind(StrictlyBehind, unittest.TestCase):
    KIND = "bind"


class BehindKnotResolver(Behind, unittest.TestCase):
    KIND = "knot-resolver"


class BehindPowerDnsRecursor(Behind, unittest.TestCase):
    KIND = "powerdns-recursor"


if __name__ == "__main__":
    unittest.main(verbosity=2)
