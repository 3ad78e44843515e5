#!/usr/bin/env python3
"""A signed list: Knot DNS or BIND transfers the zone from our server, signs it, and serves it on (docs/dnssec.md). Unbound, BIND, Knot Resolver and PowerDNS Recursor,
whose only trust anchor is the zone's key, validate every kind of answer; with the anchor of another key they answer SERVFAIL. What Debian's packages aren't there
for is left out."""

import contextlib
import pathlib
import socket
import subprocess
import tempfile
import unittest

from harness import PATIENCE, ZONE, Blowback, Daemon, free_port, owner_name, parse_strictly, query, wait_until
from name_servers import Secondary, Signer, executable
from resolvers import RESOLVERS, arguments_of, program_of
from server_transfer import dig_axfr, exported, records_of

LISTINGS = ["192.0.2.10", "192.0.2.12", "198.51.100.0/24", "203.0.113.64/30", "45.67.16.0/20", "2001:db8:1::/64", "2001:db8:2::25/128"]
EXEMPTIONS = ["45.67.20.0/24"]

A, TXT, AAAA, SOA = 1, 16, 28, 6


def below_apex(ip):
    return owner_name(ip).removesuffix("." + ZONE)


# (name below the apex, type, RCODE, RDATA of the answer or None): each kind of answer that has a proof of its own.
ADDRESS = bytes([127, 0, 0, 9])
LISTED = [
    *((name, A, "NOERROR", ADDRESS) for name in ("10.2.0.192", "12.2.0.192", "64.113.0.203", "9.0.0.127", below_apex("2001:db8:2::25"))),
    # By a wildcard: the proof is also that there is nothing closer (RFC 4035 §3.1.3.3).
    *((name, A, "NOERROR", ADDRESS) for name in ("77.100.51.198", "1.2.31.67.45", "5.16.67.45", below_apex("2001:db8:1::25"))),
    ("10.2.0.192", TXT, "NOERROR", b""), ("77.100.51.198", TXT, "NOERROR", b""),
]
DENIED = [
    # Unlisted, next to listed ones, between them, in an exemption, before the first name and after the last.
    *((name, rtype, "NXDOMAIN", None) for rtype in (A, TXT)
      for name in ("11.2.0.192", "10.3.0.192", "193", "1.10.2.0.192", "9.20.67.45", "-", "zzz", below_apex("2001:db8:2::24"))),
    # No data: at a listed name, by a wildcard, at empty non-terminals, at the apex.
    *((name, AAAA, "NOERROR", None) for name in ("10.2.0.192", "77.100.51.198", "5.16.67.45")),
    *((name, A, "NOERROR", None) for name in ("192", "2.0.192", "16.67.45", "67.45", "8.b.d.0.1.0.0.2", "")),
]


class Validator:
    """A resolver with a trust anchor; a context manager. It may take a while until it answers."""

    def __init__(self, kind, folder, upstream, anchor):
        self.kind = kind
        self.port = free_port()
        # A short name: PowerDNS has a socket there, whose path is limited to 107 octets.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="v", dir=folder))
        self.daemon = Daemon(arguments_of(kind, self.folder, self.port, upstream, anchor), self.folder / "log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.stop()

    def ask(self, name, rtype, timeout=10):
        """Its reply. It sets AD if it has validated it, since we do (RFC 6840 §5.7)."""
        wire = query(f"{name}.{ZONE}" if name else ZONE, rtype, flags=0x0120, edns=(1232, 0, False, b""))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout * PATIENCE)
            s.connect(("127.0.0.1", self.port))
            s.send(wire)
            return parse_strictly(s.recv(65535))

    def answers(self):
        if not self.daemon.running():
            raise AssertionError(f"{self.kind} ended:\n{self.daemon.log()[-4000:]}")
        try:
            self.ask("", SOA, timeout=0.5)
            return True
        except OSError:
            return False

    def shows(self, name, rcode):
        """Whether it says so of the name's A now, and has validated it."""
        reply = self.ask(name, A)
        return reply.rcode == rcode and reply.bit("AD")


class Signed:
    """The tests; a class beneath it says which signer."""

    KIND = None
    NSEC3 = False
    WITHOUT = ()  # resolvers that can't

    @classmethod
    def setUpClass(cls):
        if not Signer.installed(cls.KIND):
            raise unittest.SkipTest(f"{cls.KIND} isn't installed")
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        # A resolver synthesises denials from NSEC records that it has (RFC 8198): so long it doesn't see a new listing.
        cls.b = cls.stack.enter_context(Blowback(transfer={"allow": ["127.0.0.1"]}, zone={"ttl": "1s", "negative_ttl": "1s"}))
        done = cls.b.cli("import", "-", "--wide", "--reason", "test", stdin="\n".join(LISTINGS).encode())
        assert done.returncode == 0, done.stderr
        for cidr in EXEMPTIONS:
            assert cls.b.cli("exempt", cidr, "--reason", "test").returncode == 0
        cls.signer = Signer(cls.KIND, cls.b.dir, cls.b.port, nsec3=cls.NSEC3)
        cls.public = Secondary("nsd", cls.b.dir, cls.signer.port) if Secondary.installed("nsd") else None
        if cls.public:
            cls.signer.notifies(cls.public.port)
        cls.b.sections["transfer"]["notify"] = [f"127.0.0.1:{cls.signer.port}"]
        cls.b.write_config()
        cls.b.start_server()
        cls.stack.enter_context(cls.signer)
        wait_until(lambda: cls.signer.ds() and cls.fault() is None, 60, lambda: f"{cls.KIND} has signed: {cls.fault()}\n{cls.signer.daemon.log()}", pause=0.1)
        cls.anchor = cls.signer.ds()
        if cls.public:
            cls.stack.enter_context(cls.public).ready()
        tag, algorithm, digest, octets = cls.anchor.split()
        other = f"{tag} {algorithm} {digest} {octets[::-1]}"
        kinds = [kind for kind in RESOLVERS if program_of(kind) and kind not in cls.WITHOUT]
        cls.validators = [cls.stack.enter_context(Validator(kind, cls.b.dir, cls.signer.port, cls.anchor)) for kind in kinds]
        cls.distrustful = [cls.stack.enter_context(Validator(kind, cls.b.dir, cls.signer.port, other)) for kind in kinds]
        for each in cls.validators + cls.distrustful:
            wait_until(each.answers, 20, lambda each=each: f"{each.kind} answers:\n{each.daemon.log()[-4000:]}", pause=0.05)

    @classmethod
    def fault(cls):
        """None if each RRset of the signer's zone is signed and the chain of denial has no gap."""
        file = cls.b.dir / "signed.zone"
        file.write_text(dig_axfr(cls.signer.port).stdout)
        done = subprocess.run([executable("dnssec-verify"), "-z", "-o", ZONE, str(file)], capture_output=True, text=True)
        return None if done.returncode == 0 else done.stdout + done.stderr

    def expect(self, validator, name, rtype, rcode, rdata):
        reply = validator.ask(name, rtype)
        about = f"{validator.kind}: {name} {rtype}: {reply}\n{validator.daemon.log()[-2000:]}"
        self.assertEqual(reply.rcode, rcode, about)
        self.assertTrue(reply.bit("AD"), about)
        found = [record.rdata for record in reply.answers if record.type == rtype]
        if rdata is None:
            self.assertEqual(found, [], about)
        elif rtype == TXT:
            self.assertIn(b"Backscatter from ", found[0], about)
        else:
            self.assertEqual(found, [rdata], about)

    def test_resolvers_validate_each_kind_of_answer(self):
        for validator in self.validators:
            for name, rtype, rcode, rdata in LISTED + DENIED:
                with self.subTest(resolver=validator.kind, name=name, type=rtype):
                    self.expect(validator, name, rtype, rcode, rdata)

    def test_resolvers_believe_nothing_that_another_key_signed(self):
        for validator in self.distrustful:
            for name, rtype, _, _ in (LISTED[0], LISTED[4], DENIED[0], ("2.0.192", A, "NOERROR", None)):
                with self.subTest(resolver=validator.kind, name=name, type=rtype):
                    self.assertEqual(validator.ask(name, rtype).rcode, "SERVFAIL")

    def test_changes_become_visible_signed(self):
        changes = {"192.0.2.200": "200.2.0.192", "2001:db8:5::/64": below_apex("2001:db8:5::7"), "45.68.0.0/16": "1.2.68.45"}
        for validator in self.validators:
            for name in changes.values():
                self.assertTrue(validator.shows(name, "NXDOMAIN"), f"{validator.kind}: {name}")
        for command, rcode in (["import", "-", "--wide"], "NOERROR"), (["delist", *changes], "NXDOMAIN"):
            done = self.b.cli(*command, "--reason", "test", stdin="\n".join(changes).encode())
            self.assertEqual(done.returncode, 0, done.stderr)
            for validator in self.validators:
                for name in changes.values():
                    wait_until(lambda: validator.shows(name, rcode), 30, f"{validator.kind} answers {rcode} for {name}")

    def test_the_signed_zone_is_ours_and_complete(self):
        # Whatever the other tests changed. Its serial is the signer's own.
        def without_dnssec(records):
            return [record[:4] + (" ".join(record[4].split()[:2]) if record[3] == "SOA" else record[4],) for record in records
                    if record[3] not in ("RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY", "TYPE65534")]

        expected = without_dnssec(exported(self.b))
        wait_until(lambda: without_dnssec(records_of(dig_axfr(self.signer.port).stdout)) == expected, 20, "the signer has our zone")
        self.assertIsNone(self.fault())
        if self.public:
            wait_until(lambda: records_of(dig_axfr(self.public.port).stdout) == records_of(dig_axfr(self.signer.port).stdout), 20, "the public secondary has the signed zone")


class SignedByKnot(Signed, unittest.TestCase):
    KIND = "knot"


class SignedByBind(Signed, unittest.TestCase):
    KIND = "bind"


class SignedByKnotWithNsec3(Signed, unittest.TestCase):
    KIND = "knot"
    NSEC3 = True
    # 4.8 takes the proof for IPv6 addresses in an unlisted network for invalid, whoever signed it; the three others accept it.
    WITHOUT = ("powerdns-recursor",)


if __name__ == "__main__":
    unittest.main(verbosity=2)
