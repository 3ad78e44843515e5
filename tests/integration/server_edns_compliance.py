#!/usr/bin/env python3
"""ISC's DNS compliance list, asked by the real dig, and RFC 8020: beneath NXDOMAIN there is nothing.

The checks and their names are those of ISC's DNS-Compliance-Testing (ednscomp.isc.org): what a resolver may send to any
authoritative server, and what it expects. RFC 8906 says why each matters."""

import ipaddress
import random
import re
import socket
import struct
import unittest

from harness import PATIENCE, ZONE, Blowback, encode_name, parse_strictly, query

COOKIE = "0102030405060708"


class Expect:
    """What ISC's tool looks for in a reply; `complaints` names what isn't so, by the tool's words."""

    def __init__(self, reply, wanted):
        self.reply = reply
        self.complaints = [word for word in wanted if not getattr(self, word)()]

    def soa(self):
        return [r.type for r in self.reply.answers] == ["SOA"]

    def nosoa(self):
        return not self.reply.answers

    def noerror(self):
        return self.reply.rcode == "NOERROR"

    def notimp(self):
        return self.reply.rcode == "NOTIMP"

    def badvers(self):
        return self.reply.rcode == "BADVERS"

    def opt(self):
        """OPT, version 0."""
        return self.reply.edns is not None and "version: 0," in self.reply.edns

    def noopt(self):
        return self.reply.edns is None

    def aa(self):
        return "aa" in self.reply.flags

    def noaa(self):
        return "aa" not in self.reply.flags

    def rd(self):
        return "rd" in self.reply.flags

    def nord(self):
        return "rd" not in self.reply.flags

    def nora(self):
        return "ra" not in self.reply.flags

    def noad(self):
        return "ad" not in self.reply.flags

    def cd(self):
        return "cd" in self.reply.flags

    def notc(self):
        return "tc" not in self.reply.flags

    def noz(self):
        return "MBZ" not in self.reply.text

    def do(self):
        return re.search(r"flags: ?do\b", self.reply.edns or "") is not None

    def nodo(self):
        return not self.do()

    def noecho(self):
        """An option that the server can't know."""
        return "OPT=100" not in self.reply.text

    def noexpire(self):
        # A primary may say it; then it has a number.
        return "EXPIRE" not in self.reply.text or re.search(r"EXPIRE: \d+", self.reply.text) is not None

    def nosubnet(self):
        # Echoed it may be only with scope 0: the same answer for everybody.
        return "CLIENT-SUBNET" not in self.reply.text or "0.0.0.0/0/0" in self.reply.text

    def cookie(self):
        """None, or ours with the server's part (RFC 7873); an echo of the client's alone is wrong."""
        found = re.search(r"COOKIE: ([0-9a-f]+)", self.reply.text)
        return found is None or found[1].startswith(COOKIE) and 32 <= len(found[1]) <= 80

    def small(self):
        size = re.search(r"MSG SIZE +rcvd: (\d+)", self.reply.text)
        return size is not None and int(size[1]) <= 512


# Name, dig's options, what is asked, what must be so. Each is sent without RD and AD unless it says otherwise.
PLAIN = "soa noerror aa nora noad notc noz noopt nord"
EDNS = "soa noerror aa nora noad notc opt nodo"
EDNS1 = "nosoa badvers opt noaa"
CHECKS = [
    ("dns", "+noedns +noad +norec", "SOA", PLAIN),
    ("aa", "+noedns +noad +norec +aaflag", "SOA", PLAIN),
    ("ad", "+noedns +ad +norec", "SOA", PLAIN),
    ("cd", "+noedns +noad +norec +cd", "SOA", PLAIN + " cd"),
    ("ra", "+noedns +noad +norec +raflag", "SOA", PLAIN),
    ("rd", "+noedns +noad +rec", "SOA", "soa noerror aa nora noad notc noz noopt rd"),
    ("tc", "+noedns +noad +norec +tcflag", "SOA", PLAIN),
    ("zflag", "+noedns +noad +norec +zflag", "SOA", PLAIN),
    ("opcode", "+noedns +noad +norec +header-only +opcode=15", "SOA", "notimp nosoa noaa noopt"),
    ("opcodeflg", "+noedns +header-only +opcode=15 +tcflag +rec +raflag +cd +ad +aaflag +zflag", "SOA",
     "notimp nosoa noaa nora noad notc noz noopt"),
    ("type666", "+noedns +noad +norec", "TYPE666", "nosoa noerror aa nora noopt"),
    ("tcp", "+noedns +noad +norec +tcp", "SOA", PLAIN),
    ("edns", "+edns=0 +nocookie +noad +norec", "SOA", EDNS),
    ("edns1", "+edns=1 +noednsneg +nocookie +noad +norec", "SOA", EDNS1),
    ("edns@512", "+edns=0 +nocookie +noad +norec +dnssec +ignore +bufsize=512", "DNSKEY", "noerror opt do small"),
    ("ednsopt", "+edns=0 +nocookie +noad +norec +ednsopt=100", "SOA", EDNS + " noecho"),
    ("edns1opt", "+edns=1 +noednsneg +nocookie +noad +norec +ednsopt=100", "SOA", EDNS1 + " noecho"),
    ("do", "+edns=0 +nocookie +noad +norec +dnssec", "SOA", "soa noerror aa opt do"),
    ("docd", "+edns=0 +nocookie +noad +norec +dnssec +cd", "SOA", "soa noerror aa opt do cd"),
    ("edns1do", "+edns=1 +noednsneg +nocookie +noad +norec +dnssec", "SOA", EDNS1),
    ("ednsflags", "+edns=0 +nocookie +noad +norec +ednsflags=0x0080", "SOA", EDNS + " noz"),
    ("optlist", f"+edns=0 +noad +norec +nsid +subnet=0.0.0.0/0 +expire +cookie={COOKIE}", "SOA",
     EDNS + " cookie nosubnet noexpire"),
    ("ednsnsid", "+edns=0 +nocookie +noad +norec +nsid", "SOA", EDNS),
    ("ednscookie", f"+edns=0 +noad +norec +cookie={COOKIE}", "SOA", EDNS + " cookie"),
    ("ednsexpire", "+edns=0 +nocookie +noad +norec +expire", "SOA", EDNS + " noexpire"),
    ("ednssubnet", "+edns=0 +nocookie +noad +norec +subnet=0.0.0.0/0", "SOA", EDNS + " nosubnet"),
    ("edns1nsid", "+edns=1 +noednsneg +nocookie +noad +norec +nsid", "SOA", EDNS1),
    ("edns1cookie", f"+edns=1 +noednsneg +noad +norec +cookie={COOKIE}", "SOA", EDNS1 + " cookie"),
    ("edns1expire", "+edns=1 +noednsneg +nocookie +noad +norec +expire", "SOA", EDNS1),
    ("edns1subnet", "+edns=1 +noednsneg +nocookie +noad +norec +subnet=0.0.0.0/0", "SOA", EDNS1),
    ("ednstcp", "+edns=0 +nocookie +noad +norec +dnssec +bufsize=512 +tcp", "DNSKEY", "noerror opt do notc"),
    ("bind11", f"+edns=0 +cookie={COOKIE} +noad +norec +dnssec", "SOA", "soa noerror aa opt do cookie"),
    ("dig11", f"+edns=0 +cookie={COOKIE} +ad +rec", "SOA", "soa noerror aa opt nodo noad rd cookie"),
]

# The list's part on types: each is asked for at the apex, and SOA and NS alone have an answer.
TYPES = """A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP-PTR SIG KEY PX
GPOS AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK APL DS SSHFP IPSECKEY RRSIG NSEC DNSKEY DHCID NSEC3
NSEC3PARAM TLSA SMIMEA HIP NINFO RKEY TALINK CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB HTTPS SPF NID L32 L64 LP EUI48
EUI64 URI CAA AVC DOA TA DLV TYPE1000""".split()


class Compliance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.b = Blowback(server={"nsid": "here"}).__enter__()
        cls.addClassCleanup(cls.b.__exit__, None, None, None)
        assert cls.b.cli("list", "192.0.2.10", "--reason", "test").returncode == 0
        cls.b.start_server()
        cls.b.wait_listed("192.0.2.10", 10)

    def ask(self, options, rtype, name=ZONE):
        return self.b.dig(name, rtype, *options.split(), f"+time={int(2 * PATIENCE)}")

    def test_each_check_of_the_list(self):
        for name, options, rtype, wanted in CHECKS:
            with self.subTest(name):
                reply = self.ask(options, rtype)
                self.assertIsNotNone(reply.rcode, f"timeout: {reply.text}")
                self.assertEqual(Expect(reply, wanted.split()).complaints, [], reply.text)

    def test_each_type_of_the_list(self):
        for rtype in TYPES:
            with self.subTest(rtype):
                reply = self.ask("+noedns +noad +norec", rtype)
                self.assertEqual(reply.rcode, "NOERROR", reply.text)
                if rtype in ("SOA", "NS"):
                    self.assertEqual([r.type for r in reply.answers], [rtype], reply.text)
                else:
                    self.assertEqual(([r.type for r in reply.answers], [r.type for r in reply.authority]), ([], ["SOA"]),
                                     reply.text)

    def test_nsid_comes_only_with_version_0(self):
        self.assertIn("here", self.ask("+edns=0 +nsid", "SOA").text)
        self.assertNotIn("here", self.ask("+edns=0", "SOA").text)

    def test_a_listed_name_passes_the_list_as_the_apex_does(self):
        for name, options, rtype, wanted in CHECKS:
            with self.subTest(name):
                reply = self.ask(options, "A" if rtype == "SOA" else rtype, f"10.2.0.192.{ZONE}")
                words = [word for word in wanted.split() if word != "soa"]
                self.assertEqual(Expect(reply, words).complaints, [], reply.text)
                self.assertEqual(reply.rdata("A"), ["127.0.0.9"] if "soa" in wanted.split() else [], reply.text)

    def test_unknown_classes_get_a_reply(self):
        for qclass in ("CH", "HS", "CLASS666"):
            with self.subTest(qclass):
                self.assertIn(self.ask(f"+norec -c {qclass}", "TXT", "version.bind").rcode, ("REFUSED", "NOERROR", "NOTIMP"))

    def test_a_query_with_tsig_gets_a_reply(self):
        # "dnswkk" of the list. A server without TSIG may refuse the message, or answer it unsigned.
        reply = self.b.dig(ZONE, "SOA", "+noedns", "+norec", "-y", "hmac-sha256:.:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        self.assertIn(reply.rcode, ("NOTAUTH", "FORMERR", "REFUSED", "NOTIMP", "NOERROR"), reply.text)


class NothingBelowNxdomain(unittest.TestCase):
    """RFC 8020, without knowing what is listed: names are compared with the names above them."""

    @classmethod
    def setUpClass(cls):
        cls.b = Blowback().__enter__()
        cls.addClassCleanup(cls.b.__exit__, None, None, None)
        dice = random.Random(8020)
        lines = ["192.0.2.10", "198.51.100.0/24", "45.67.16.0/20", "77.0.0.0/9", "203.0.113.64/26", "2001:db8:aa::/48",
                 "2001:db8:c0::/43", "2001:db8:2::25/128", "2.0.0.1"]
        # Dense enough that random names find some: a few listings each under a few /8s and /32s.
        upto = dice.randrange
        for _ in range(150):
            lines.append(f"{dice.choice((9, 11, 20, 85))}.{upto(16)}.{upto(256)}.{upto(256)}/{dice.randrange(14, 33)}")
            lines.append(f"2a0{upto(4)}:{upto(16):x}:{upto(16):x}:{upto(65536):x}::/{dice.randrange(30, 65)}")
        cls.networks = list(dict.fromkeys(ipaddress.ip_network(line, strict=False) for line in lines))
        done = cls.b.cli("import", "-", "--wide", "--reason", "test", stdin="\n".join(map(str, cls.networks)).encode())
        assert done.returncode == 0, done.stderr
        for exempt in ("198.51.100.128/25", "45.67.20.0/24", "9.0.0.0/13", "11.8.0.0/14", "2001:db8:aa:7::/64", "2a01::/18"):
            assert cls.b.cli("exempt", exempt, "--wide", "--reason", "test").returncode == 0, exempt
        cls.b.start_server()
        cls.b.wait_listed("192.0.2.10", 10)
        cls.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        cls.addClassCleanup(cls.socket.close)
        cls.socket.settimeout(5 * PATIENCE)
        cls.socket.connect(("127.0.0.1", cls.b.port))
        cls.known = {}

    def verdict(self, labels, rtype="A"):
        """("NOERROR" or "NXDOMAIN", records in the answer)."""
        key = (labels, rtype)
        if key not in self.known:
            ident = len(self.known) & 0xFFFF
            name = b"".join(bytes([len(label)]) + label for label in labels) + encode_name(ZONE)
            self.socket.send(query(name, rtype, ident=ident))
            reply = parse_strictly(self.socket.recv(4096))
            self.assertEqual(reply.ident, ident)
            self.assertIn(reply.rcode, ("NOERROR", "NXDOMAIN"), labels)
            self.known[key] = reply.rcode, len(reply.answers)
        return self.known[key]

    def assert_consistent(self, labels):
        """Along one name from the apex down: once NXDOMAIN, always NXDOMAIN."""
        for depth in range(1, len(labels)):
            above, below = tuple(labels[-depth:]), tuple(labels[-depth - 1:])
            if self.verdict(above)[0] == "NXDOMAIN":
                self.assertEqual(self.verdict(below)[0], "NXDOMAIN", f"{below} exists below {above}, which doesn't")

    def names(self, seed, count):
        dice = random.Random(seed)
        octet = lambda: b"%d" % dice.choice((dice.randrange(256), dice.randrange(16), 192, 198, 51, 100, 45, 67, 77, 9, 11, 20,
                                             85, 2, 0))
        nibble = lambda: b"%x" % dice.randrange(16)
        other = lambda: dice.choice((b"x", b"00", b"256", b"*", b"-1", b"1.2", b"\0", b"ff"))
        for _ in range(count):
            kind = dice.randrange(4)
            if kind == 0:
                yield [octet() for _ in range(dice.randrange(1, 6))]
            elif kind == 1:
                tail = dice.choice((b"2a00", b"2a01", b"2a02", b"2a03", b"20010db8", b"2a000", b"0"))
                yield [nibble() for _ in range(dice.randrange(1, 33 - len(tail)))] + [bytes([n]) for n in reversed(tail)]
            elif kind == 2:
                labels = [octet() for _ in range(4)]
                labels[dice.randrange(4)] = other()
                yield [nibble() for _ in range(dice.randrange(3))] + labels
            else:
                yield [dice.choice((octet, nibble, other))() for _ in range(dice.randrange(1, 9))]

    def test_below_a_name_that_does_not_exist_nothing_does(self):
        seen = set()
        for labels in self.names(1, 1500):
            self.assert_consistent(labels)
            seen.add(self.verdict(tuple(labels))[0])
        self.assertEqual(seen, {"NOERROR", "NXDOMAIN"}, "names of one kind prove nothing")

    def test_below_nxdomain_every_random_name_is_nxdomain(self):
        dice = random.Random(2)
        missing = [labels for labels in self.names(3, 600) if self.verdict(tuple(labels))[0] == "NXDOMAIN"]
        self.assertGreater(len(missing), 100)
        for labels in missing:
            for _ in range(3):
                below = [dice.choice((b"0", b"1", b"a", b"f", b"10", b"192", b"x")) for _ in range(dice.randrange(1, 4))]
                self.assertEqual(self.verdict((*below, *labels))[0], "NXDOMAIN", f"{below} below {labels}")

    def test_above_every_listed_address_all_names_exist(self):
        dice = random.Random(4)
        found = 0
        for network in self.networks * 2:
            address = network[dice.randrange(network.num_addresses)]
            parts = str(address).split(".") if address.version == 4 else address.packed.hex()
            labels = [part.encode() for part in reversed(parts)]
            if self.verdict(tuple(labels))[1] == 0:
                continue  # exempt
            found += 1
            for depth in range(1, len(labels)):
                self.assertEqual(self.verdict(tuple(labels[-depth:]))[0], "NOERROR", f"above {labels}")
        self.assertGreater(found, 200)

    def test_every_existing_name_of_an_address_leads_down_to_a_listed_one(self):
        # The other half: an empty non-terminal that has nothing beneath it would be a lie as well. Walking down by trying
        # each child finds a listed address below every name that exists.
        dice = random.Random(5)
        starts = [labels for labels in self.names(6, 1500) if self.verdict(tuple(labels))[0] == "NOERROR"]
        self.assertGreater(len(starts), 50)
        for start in dice.sample(starts, 40):
            self.assertTrue(self.leads_down(tuple(start)), f"{start} exists, and nothing below it")

    def leads_down(self, labels):
        # Every child that exists is followed: "0" may exist as an octet, as a nibble, or as both.
        def found(at, children, depth):
            if self.verdict(at)[1] > 0:
                return True
            return len(at) < depth and any(found((child, *at), children, depth) for child in children
                                           if self.verdict((child, *at))[0] == "NOERROR")
        return found(labels, [b"%d" % n for n in range(256)], 4) or found(labels, [b"%x" % n for n in range(16)], 32)

    def test_the_type_makes_no_difference_to_existence(self):
        for labels in self.names(7, 300):
            self.assertEqual(len({self.verdict(tuple(labels), rtype)[0] for rtype in ("A", "TXT", "NS", "AAAA", "SOA")}), 1,
                             labels)


if __name__ == "__main__":
    unittest.main(verbosity=1)
