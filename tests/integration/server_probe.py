#!/usr/bin/env python3
"""Some thousand questions to blowback-server, octet by octet: well-formed, odd, malformed, over UDP and TCP.

Every check is a row of a table or a generated case, has a name of its own and is counted; the run fails where fewer than
LEAST were made. Every reply is taken apart by harness.parse_strictly first. What is listed where is told by an oracle in
this file that knows nothing of the server. Where the RFCs leave a choice, each choice passes, and the row says so."""

import functools
import ipaddress
import random
import socket
import struct
import sys
import unittest
from contextlib import contextmanager

from harness import (PATIENCE, TRAP_DOMAIN, BadWire, ZONE, Blowback, encode_name, has_ipv6, make_dsn, parse_strictly, query,
                     receive_tcp, wait_until)

LEAST = 313
A, NS, CNAME, SOA, NULL, PTR, MX, TXT, AAAA, OPT, IXFR, AXFR, ANY = 1, 2, 5, 6, 10, 12, 15, 16, 28, 41, 251, 252, 255
IN, CH, HS = 1, 3, 4
NSID, ECS, EXPIRE, COOKIE, KEEPALIVE, PADDING, EDE = 3, 8, 9, 10, 11, 12, 15
RD, CD, AD, Z, RA, TC, AA, QR = 0x0100, 0x0010, 0x0020, 0x0040, 0x0080, 0x0200, 0x0400, 0x8000
TTL, NEGATIVE_TTL = 300, 60
CODES = (2, 3, 4, 5, 6, 7, 9)
APEX = encode_name(ZONE)

# ── what is listed ───────────────────────────────────────────────────────────────────────────────────────────────────

BY_OPERATOR = [
    "192.0.2.10", "192.0.2.255", "198.51.100.0/24", "203.0.113.64/26", "45.67.16.0/20", "77.0.0.0/9", "2.0.0.1",
    "2001:db8:aa::/48", "2001:db8:c0::/43", "2001:db8:2::25/128", "2a0f:abcd:4001:82a::/64", "2001:db8:e0:8000::/49",
]
EXEMPT = ["198.51.100.128/25", "203.0.113.100", "45.67.20.0/24", "45.67.31.255", "2001:db8:aa:7::/64", "77.64.0.0/10"]
BY_MAIL = ["192.0.2.77", "2001:db8:1::25"]  # the second is listed by its /64
BOTH = "192.0.2.78"


class Oracle:
    """What a name below the apex is, from the table above and RFC 5782 and 8020 alone."""

    def __init__(self):
        self.listed = [(ipaddress.ip_network(text), {9}) for text in [*BY_OPERATOR, BOTH]]
        self.listed += [(ipaddress.ip_network(text), {2}) for text in ("192.0.2.77", "2001:db8:1::/64", BOTH)]
        self.exempt = [ipaddress.ip_network(text) for text in EXEMPT]
        self.points = {ipaddress.ip_address(f"127.0.0.{code}"): {code} for code in CODES}
        self.points |= {ipaddress.ip_address(f"::ffff:7f00:{code:x}"): {code} for code in CODES}

    @staticmethod
    def octets(labels):
        """The IPv4 network that decimal labels name, or None."""
        plain = (label.isdigit() and len(label) <= 3 and b"%d" % int(label) == label and int(label) < 256 for label in labels)
        if len(labels) > 4 or not all(plain):
            return None
        values = [int(label) for label in reversed(labels)]
        return ipaddress.ip_network((bytes(values + [0] * (4 - len(values))), 8 * len(values)))

    @staticmethod
    def nibbles(labels):
        """The IPv6 network that hexadecimal labels name, or None."""
        if len(labels) > 32 or not all(len(label) == 1 and label in b"0123456789abcdefABCDEF" for label in labels):
            return None
        digits = b"".join(reversed(labels)).decode().ljust(32, "0")
        return ipaddress.ip_network((bytes.fromhex(digits), 4 * len(labels)))

    def codes(self, address):
        if address in self.points:
            return self.points[address]
        if any(address.version == e.version and address in e for e in self.exempt):
            return set()
        covering = (codes for network, codes in self.listed if address.version == network.version and address in network)
        return set().union(*covering)

    @functools.lru_cache(None)
    def anything_within(self, network):
        if any(point.version == network.version and point in network for point in self.points):
            return True
        for listed, _ in self.listed:
            if listed.version == network.version and listed.overlaps(network):
                left = [listed if listed.subnet_of(network) else network]
                for exempt in self.exempt:
                    if exempt.version == network.version:
                        left = [part for piece in left for part in self.without(piece, exempt)]
                if left:
                    return True
        return False

    @staticmethod
    def without(piece, hole):
        if piece.subnet_of(hole):
            return []
        return list(piece.address_exclude(hole)) if hole.subnet_of(piece) else [piece]

    @functools.lru_cache(None)
    def is_wildcard(self, network):
        """Whether it is one wildcard (RFC 4592): a listing covers it, nothing else is said of a part of it, and no name of the other family
        can be in the way."""
        alike = lambda other: other.version == network.version
        if network.version == 4:
            apt = network.prefixlen in (8, 16, 24) and max(network[0].packed) > 9 and ipaddress.ip_address("127.0.0.1") not in network
        else:
            apt = network.prefixlen in range(20, 128, 4) and not network.overlaps(ipaddress.ip_network("::ffff:0:0/96"))
        return (apt and any(alike(listed) and network.subnet_of(listed) for listed, _ in self.listed)
                and not any(alike(listed) and listed != network and listed.subnet_of(network) for listed, _ in self.listed)
                and not any(alike(exempt) and exempt.overlaps(network) for exempt in self.exempt))

    def wildcard(self, labels):
        """The network of the wildcard that answers for the name, which has more labels."""
        for parse in (self.octets, self.nibbles):
            for count in range(1, len(labels)):
                network = parse(labels[-count:])
                if network is None:
                    break
                if self.is_wildcard(network):
                    below_itself = labels[-count - 1] == b"*" and len(labels) > count + 1
                    return None if below_itself else network
        return None

    def subject(self, ip):
        """What the TXT of a listed address is about."""
        return self.wildcard(labels_of(ip)) or ip

    def says(self, labels):
        """("listed", codes in order), "nodata", "nxdomain", or "either" for names the DNSBL's documents leave open."""
        v4, v6 = self.octets(labels), self.nibbles(labels)
        for network, count in ((v4, 4), (v6, 32)):
            if network is not None and len(labels) == count and (codes := self.codes(network[0])):
                return "listed", [code for code in (2, 5, 6, 3, 7, 4, 9) if code in codes]
        if (wildcard := self.wildcard(labels)) is not None:
            codes = self.codes(wildcard[0])
            return "listed", [code for code in (2, 5, 6, 3, 7, 4, 9) if code in codes]
        if any(network is not None and self.anything_within(network) for network in (v4, v6)):
            return "nodata"
        # RFC 5782 doesn't say whether a listed IPv4 address is listed by its mapped form, too.
        if v6 is not None and v6.subnet_of(ipaddress.ip_network("::ffff:0:0/96")):
            mapped = ipaddress.ip_network((v6.network_address.packed[12:], v6.prefixlen - 96))
            if self.anything_within(mapped):
                return "either"
        return "nxdomain"


ORACLE = Oracle()


def labels_of(ip):
    """Reversed octets or nibbles of an address; mapped ones stay nibbles."""
    address = ipaddress.ip_address(ip)
    parts = str(address).split(".") if address.version == 4 else address.packed.hex()
    return [part.encode() for part in reversed(parts)]


def wire_name(labels, apex=APEX):
    return b"".join(bytes([len(label)]) + label for label in labels) + apex


def shown(labels):
    return ".".join(repr(label)[2:-1] for label in labels) or "the apex"


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def option(code, octets=b""):
    return struct.pack("!2H", code, len(octets)) + octets


def opt(size=1232, version=0, flags=0, options=b"", owner=b"\0", extended=0):
    return owner + struct.pack("!HHBBHH", OPT, size, extended, version, flags, len(options)) + options


def question(name, qtype=A, qclass=IN):
    return (encode_name(name) if isinstance(name, str) else name) + struct.pack("!2H", qtype, qclass)


def message(*questions, answer=(), authority=(), additional=(), flags=0, counts=None, ident=0, tail=b""):
    """`counts` are written as they stand, true or not."""
    sections = (questions, answer, authority, additional)
    header = struct.pack("!6H", ident, flags, *(counts or map(len, sections)))
    return header + b"".join(b"".join(section) for section in sections) + tail


def address_record(name=APEX):
    return name + struct.pack("!HHIH", A, IN, 0, 4) + bytes(4)


def soa_record(serial=1):
    return APEX + struct.pack("!HHIH", SOA, IN, 0, 22) + b"\0\0" + struct.pack("!5I", serial, 0, 0, 0, 0)


def with_ident(wire, ident):
    return struct.pack("!H", ident) + wire[2:]


def framed(wire):
    return struct.pack("!H", len(wire)) + wire


LISTED_NAME = wire_name(labels_of("192.0.2.10"))
GOOD = message(question(LISTED_NAME))

# ── expectations ─────────────────────────────────────────────────────────────────────────────────────────────────────
# Each takes a Message and raises AssertionError.


def need(condition, what):
    if not condition:
        raise AssertionError(what)


def rcode(*wanted):
    def expectation(m):
        need(m.rcode in wanted, f"{m.rcode}, not {' or '.join(wanted)}")
    return expectation


def apex_soa(record, apex):
    # Its case may be the question's, which it can point to.
    need(record.type == SOA and record.owner.lower() == apex.lower(), "the SOA in a negative answer is the apex's")
    need(record.ttl == min(TTL, NEGATIVE_TTL), f"a negative TTL of {record.ttl} (RFC 2308 §3)")


def negative(wanted, apex=APEX):
    def expectation(m):
        rcode(wanted)(m)
        need(m.bit("AA"), "without AA")
        need(not m.answers and len(m.authority) == 1 and not m.additional, "records other than one SOA")
        apex_soa(m.authority[0], apex)
    return expectation


NODATA = negative("NOERROR")
NXDOMAIN = negative("NXDOMAIN")


def answered(*rdata, rtype=A, ttl=TTL):
    """These records at the QNAME, in this order, and nothing else."""
    def expectation(m):
        rcode("NOERROR")(m)
        need(m.bit("AA"), "without AA")
        need([r.rdata for r in m.answers] == list(rdata), f"RDATA {[r.rdata for r in m.answers]}, not {list(rdata)}")
        for record in m.answers:
            need((record.type, record.rclass, record.ttl) == (rtype, IN, ttl), f"type, class, TTL: {record}")
            need(record.owner == m.question[:-4], "an owner other than the QNAME, letter by letter")
        need(not m.authority and not m.additional, "records beside the answer")
    return expectation


def listed(*codes):
    return answered(*(bytes([127, 0, 0, code]) for code in codes))


def text_for(ip):
    text = f"Backscatter from {ip}, see https://bl.example.org/{ip}".encode()
    return answered(bytes([len(text)]) + text, rtype=TXT)


def apex_answer(rtype):
    def expectation(m):
        rcode("NOERROR")(m)
        need(m.bit("AA"), "without AA")
        need([r.type for r in m.answers] == [rtype] and m.answers[0].owner == m.question[:-4], f"{m.answers}")
    return expectation


def bare(*wanted):
    """An RCODE and no record, not authoritative."""
    def expectation(m):
        rcode(*wanted)(m)
        need(not m.answers and not m.authority and not m.additional, "records in a refusal")
        need(not m.bit("AA"), "AA in a refusal")
    return expectation


REFUSED = bare("REFUSED")
FORMERR = bare("FORMERR")
NOTIMP = bare("NOTIMP")
LISTED = listed(9)


def any_of(*expectations):
    def expectation(m):
        complaints = []
        for each in expectations:
            try:
                return each(m)
            except AssertionError as error:
                complaints.append(str(error))
        raise AssertionError("; ".join(complaints))
    return expectation


def proper(m):
    """Any reply that is well formed and no admission of trouble."""
    need(m.rcode != "SERVFAIL", "SERVFAIL")


def by_oracle(labels, qtype=A):
    found = ORACLE.says(labels)
    if found == "nodata":
        return NODATA
    if found == "nxdomain":
        return NXDOMAIN
    if found == "either":
        return any_of(NODATA, NXDOMAIN, LISTED)
    return listed(*found[1]) if qtype == A else NODATA


def has_options(m, **wanted):
    """nsid=b"…" or nsid=None for absent."""
    numbers = {"nsid": NSID, "ecs": ECS, "expire": EXPIRE, "cookie": COOKIE, "keepalive": KEEPALIVE, "padding": PADDING}
    for name, value in wanted.items():
        found = dict(m.options).get(numbers[name])
        need(found == value, f"option {name} is {found}, not {value}")


# ── the probe ────────────────────────────────────────────────────────────────────────────────────────────────────────

made = 0  # checks


class Probe(unittest.TestCase):
    """One server for all; a class per group."""

    b = None

    @classmethod
    def setUpClass(cls):
        if Probe.b is None:
            Probe.b = cls.started()
        cls.udp = cls.connected(socket.AF_INET, "127.0.0.1", cls.b.port)
        cls.idents = iter(random.Random(cls.__name__).sample(range(1, 65535), 20000))

    @staticmethod
    def started():
        b = Blowback(server={"nsid": "here"}).__enter__()
        unittest.addModuleCleanup(Probe.stopped, b)
        for cidr in [*BY_OPERATOR, BOTH]:
            done = b.cli("list", cidr, "--wide", "--reason", "test")
            assert done.returncode == 0, done.stderr
        for cidr in EXEMPT:
            assert b.cli("exempt", cidr, "--wide", "--reason", "test").returncode == 0
        for number, ip in enumerate([*BY_MAIL, BOTH]):
            for trap in range(3):
                b.deliver(make_dsn(ip, f"t{trap}@{TRAP_DOMAIN}", 10 * number + trap))
        assert b.start_ingest(once=True).process.returncode == 0
        b.start_server()
        for ip in ("192.0.2.10", *BY_MAIL, BOTH):
            b.wait_listed(ip, 10)
        return b

    @staticmethod
    def stopped(b):
        still_running = b.server.running()
        b.__exit__(None if still_running else AssertionError, None, None)
        assert still_running, "the server ended on the way"
        print(f"{made} checks were made")
        # Whoever names tests on the command line wants those, not all.
        assert made >= LEAST or any(not argument.startswith("-") for argument in sys.argv[1:]), f"fewer than {LEAST}"

    @classmethod
    def tearDownClass(cls):
        cls.udp.close()

    @staticmethod
    def connected(family, host, port):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.settimeout(5 * PATIENCE)
        s.connect((host, port))
        return s

    @contextmanager
    def check(self, name):
        global made
        made += 1
        with self.subTest(name):
            yield

    def ident(self):
        return next(self.idents)

    def replied(self, wire, reply, tcp=False):
        """The reply taken apart, and what holds for any reply to that query."""
        m = parse_strictly(reply)
        asked = struct.unpack("!6H", wire[:12])
        need(m.ident == asked[0], "another ID")
        need(m.bit("QR"), "QR isn't set")
        need(m.opcode == asked[1] >> 11 & 15, "another opcode")
        need(not m.bit("RA"), "RA, from a server that doesn't recurse")
        need(not m.bit("Z"), "the Z bit is set")
        need(not m.bit("AD"), "AD, without DNSSEC")
        need(not (m.bit("TC") and tcp), "TC over TCP")
        if m.rcode not in ("FORMERR", "NOTIMP"):
            need(m.bit("RD") == bool(asked[1] & RD), "RD isn't copied")
            need(m.bit("CD") == bool(asked[1] & CD), "CD isn't copied")
            need(m.question is not None, "the question isn't given back")
        if m.question is not None:
            need(wire[12:].startswith(m.question), "another question")
        if m.opt is not None:
            need(asked[5] > 0, "an OPT to whoever sent none")
            need(m.opt.ttl >> 16 & 255 == 0, "an EDNS version other than 0")
            need(m.opt.ttl & 0x7FFF == 0, "EDNS flags other than DO")
            need(m.opt.rclass >= 512, "a UDP payload size of less than 512")
        return m

    def exchange(self, wire):
        """One datagram, and the one that comes back."""
        self.udp.send(wire)
        return self.udp.recv(65535)

    def probe(self, name, wire, *expectations, limit=None):
        """One check over UDP. `limit`: the reply's greatest size, where it isn't the usual one."""
        with self.check(name):
            wire = with_ident(wire, self.ident())
            m = self.replied(wire, self.exchange(wire))
            need(m.size <= (limit or (1232 if wire[10:12] != b"\0\0" else 512)), f"{m.size} octets")
            for expectation in expectations:
                expectation(m)

    def probe_name(self, labels, *expectations, qtype=A):
        """One check on a name below the apex, without EDNS."""
        self.probe(f"{shown(labels)} type {qtype}", message(question(wire_name(labels), qtype)),
                   *(expectations or [by_oracle(labels, qtype)]), limit=512)

    def silence(self, name, wire):
        """No reply: what comes back first is the reply to the next query of the same client, which the same worker reads."""
        with self.check(name):
            next_query = with_ident(GOOD, self.ident())
            self.udp.send(wire)
            m = self.replied(next_query, self.exchange(next_query))
            LISTED(m)

    def over_tcp(self, *wires):
        """Replies to the queries on one connection, in the order of the queries; None for those without."""
        answers = {}
        with self.b.connect_tcp(timeout=10 * PATIENCE) as s:
            s.sendall(b"".join(map(framed, wires)))
            while len(answers) < len(wires) and (answer := receive_tcp(s)) is not None:
                need(answer[:2] not in answers, "two replies to a query")
                answers[answer[:2]] = answer
        return [answers.get(wire[:2]) for wire in wires]

    def probe_tcp(self, name, wire, *expectations):
        with self.check(name):
            wire = with_ident(wire, self.ident())
            reply = self.over_tcp(wire)[0]
            need(reply is not None, "closed without a reply")
            m = self.replied(wire, reply, tcp=True)
            for expectation in expectations:
                expectation(m)


class Basics(Probe):
    def test_every_listed_form_has_its_a_records_in_order_and_one_txt(self):
        forms = {"192.0.2.10": [9], "192.0.2.255": [9], "192.0.2.77": [2], BOTH: [2, 9], "198.51.100.0": [9],
                 "198.51.100.127": [9], "203.0.113.64": [9], "203.0.113.99": [9], "203.0.113.127": [9], "45.67.16.0": [9],
                 "45.67.31.254": [9], "45.67.21.0": [9], "77.0.0.0": [9], "77.63.255.255": [9], "2.0.0.1": [9],
                 "2001:db8:1::25": [2], "2001:db8:1::": [2], "2001:db8:1:0:ffff:ffff:ffff:ffff": [2], "2001:db8:aa::": [9],
                 "2001:db8:aa:ffff::1": [9], "2001:db8:aa:6:ffff::": [9], "2001:db8:c0::": [9], "2001:db8:df:ffff::": [9],
                 "2001:db8:2::25": [9], "2a0f:abcd:4001:82a::25": [9], "2001:db8:e0:8000::": [9]}
        for ip, codes in forms.items():
            name = wire_name(labels_of(ip))
            self.assertEqual(ORACLE.says(labels_of(ip)), ("listed", codes), "this file disagrees with itself")
            self.probe(f"{ip} A", message(question(name)), listed(*codes))
            text = text_for(ORACLE.subject(ip))
            self.probe(f"{ip} TXT", message(question(name, TXT)), text)
            # RFC 8482 §4.1 to §4.3: some RRset, all of them, or a made-up HINFO.
            self.probe(f"{ip} ANY", message(question(name, ANY)), any_of(listed(*codes), text, self.every_rrset))
            self.probe(f"{ip} AAAA", message(question(name, AAAA)), NODATA)

    @staticmethod
    def every_rrset(m):
        rcode("NOERROR")(m)
        need(m.answers and all(r.owner == m.question[:-4] for r in m.answers), "ANY without an answer")

    def test_what_is_not_listed_is_nxdomain_for_every_type(self):
        for ip in ("192.0.2.9", "192.0.2.11", "192.0.3.10", "193.0.2.10", "198.51.100.128", "198.51.100.255", "198.51.101.0",
                   "203.0.113.63", "203.0.113.128", "203.0.113.100", "45.67.15.255", "45.67.32.0", "45.67.20.0", "45.67.20.255",
                   "45.67.31.255", "77.64.0.0", "77.128.0.0", "76.255.255.255", "255.255.255.255", "2.0.0.0", "2001:db8:1:1::25",
                   "2001:db8:aa:7::1", "2001:db8:ab::", "2001:db8:a9:ffff::", "2001:db8:bf:ffff::", "2001:db8:e0::",
                   "2001:db8:2::24", "2001:db8:2::26", "2a0f:abcd:4001:82b::", "::", "::1",
                   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"):
            self.assertEqual(ORACLE.says(labels_of(ip)), "nxdomain", f"this file disagrees with itself on {ip}")
            for qtype in (A, TXT, ANY, AAAA):
                self.probe_name(labels_of(ip), NXDOMAIN, qtype=qtype)

    def test_other_types_are_nodata_at_a_listed_name(self):
        for qtype in (NS, CNAME, SOA, NULL, PTR, 13, MX, 17, 24, 25, AAAA, 29, 33, 35, 39, 43, 44, 46, 47, 48, 50, 51, 52, 61, 64,
                      65, 99, 256, 257, 666, 32768, 65280, 65534):
            self.probe(f"type {qtype}", message(question(LISTED_NAME, qtype)), NODATA, limit=512)

    def test_types_that_no_record_has_are_met_with_some_proper_reply(self):
        # 0 and 65535 are reserved, OPT, TKEY and TSIG belong elsewhere, MAILB and MAILA are obsolete: NODATA or a refusal.
        for qtype in (0, OPT, 249, 250, 253, 254, 65535):
            self.probe(f"type {qtype}", message(question(LISTED_NAME, qtype)),
                       any_of(NODATA, bare("FORMERR", "NOTIMP", "REFUSED")))

    def test_every_mix_of_flags_is_answered_and_only_rd_and_cd_come_back(self):
        for bits in range(128):
            flags = sum(flag for position, flag in enumerate((RD, CD, AD, Z, RA, TC, AA)) if bits >> position & 1)
            self.probe(f"flags {flags:#06x}", message(question(LISTED_NAME), flags=flags), LISTED,
                       lambda m: need(not m.bit("TC"), "TC"))

    def test_rcode_bits_in_a_query_are_ignored(self):
        for number in range(1, 16):
            self.probe(f"RCODE {number}", message(question(LISTED_NAME), flags=number), LISTED)

    def test_any_id_comes_back(self):
        for ident in (0, 1, 0x00FF, 0xFF00, 0x7FFF, 0x8000, 0xFFFF):
            with self.check(f"ID {ident}"):
                wire = with_ident(GOOD, ident)
                LISTED(self.replied(wire, self.exchange(wire)))

    def test_case_is_ignored_and_kept(self):
        dice = random.Random(4343)
        for ip in ("192.0.2.10", "2001:db8:aa::abcd:ef", "2001:db8:1::25", "192.0.2.11"):
            labels = labels_of(ip)
            for number in range(4):
                name = bytes(octet ^ 0x20 if chr(octet).isalpha() and dice.random() < 0.5 else octet
                             for octet in wire_name(labels))
                # Length octets are below 64, where no letter is.
                self.probe(f"{ip}, spelling {number}", message(question(name)), by_oracle(labels))
            self.probe(f"{ip} in capitals", message(question(wire_name([label.upper() for label in labels], APEX.upper()))),
                       by_oracle(labels))

    def test_the_apex_has_soa_and_ns_alone(self):
        for rtype in (SOA, NS):
            self.probe(f"apex type {rtype}", message(question(APEX, rtype)), apex_answer(rtype))
        self.probe("apex ANY", message(question(APEX, ANY)), any_of(apex_answer(SOA), apex_answer(NS), self.every_rrset))
        for qtype in (A, AAAA, TXT, MX, CNAME, PTR, 33, 43, 46, 47, 48, 50, 51, 65, 99, 257, 65280):
            self.probe(f"apex type {qtype}", message(question(APEX, qtype)), NODATA)
        self.probe("APEX SOA", message(question(APEX.upper(), SOA)), apex_answer(SOA))

    def test_names_of_other_zones_are_refused(self):
        for name in ("example.com", "org", "example.org", "xbl.example.org", "bl.example.com", "10.2.0.192.in-addr.arpa",
                     "bl.example.org.example.com", "10.2.0.192.bl.example.net", "l.example.org", "com"):
            for qtype in (A, SOA, ANY):
                self.probe(f"{name} type {qtype}", message(question(name, qtype)), REFUSED)
        for qtype in (A, NS, SOA):
            self.probe(f"the root, type {qtype}", message(question(b"\0", qtype)), REFUSED)

    @unittest.skipUnless(has_ipv6(), "no ::1 here")
    def test_the_same_over_ipv6(self):
        with self.connected(socket.AF_INET6, "::1", self.b.port6) as s:
            for ip in ("192.0.2.10", "192.0.2.11", "2001:db8:1::25", "2001:db8:1:1::25", "127.0.0.2", "127.0.0.1"):
                with self.check(f"{ip} by ::1"):
                    wire = message(question(wire_name(labels_of(ip))), ident=self.ident())
                    s.send(wire)
                    by_oracle(labels_of(ip))(self.replied(wire, s.recv(65535)))


class Rfc5782(Probe):
    def test_each_test_point_has_its_code_and_one_txt(self):
        for code in CODES:
            for ip in (f"127.0.0.{code}", f"::ffff:7f00:{code:x}"):
                name = wire_name(labels_of(ip))
                self.probe(f"{ip} A", message(question(name)), listed(code))
                self.probe(f"{ip} TXT", message(question(name, TXT)), self.one_txt)
                self.probe(f"{ip} MX", message(question(name, MX)), NODATA)
                self.probe(f"below {ip}", message(question(wire_name([b"x", *labels_of(ip)]))), NXDOMAIN)

    @staticmethod
    def one_txt(m):
        rcode("NOERROR")(m)
        need([r.type for r in m.answers] == [TXT], "not exactly one TXT")
        need(m.answers[0].rdata[0] == len(m.answers[0].rdata) - 1, "not exactly one string")
        need(all(0x20 <= octet < 0x7F for octet in m.answers[0].rdata[1:]), "not printable ASCII")

    def test_the_loopback_address_is_not_listed_in_either_family(self):
        for ip in ("127.0.0.1", "::ffff:7f00:1"):
            for qtype in (A, TXT, AAAA, ANY, NS, SOA):
                self.probe_name(labels_of(ip), NXDOMAIN, qtype=qtype)
            self.probe_name([b"1", *labels_of(ip)], NXDOMAIN)

    def test_the_rest_of_127_is_not_listed(self):
        for ip in ("127.0.0.0", "127.0.0.8", "127.0.0.10", "127.0.0.20", "127.0.0.255", "127.0.1.2", "127.1.0.2", "126.0.0.2",
                   "128.0.0.2", "127.255.255.254", "::ffff:7f00:0", "::ffff:7f00:8", "::ffff:7f00:a", "::ffff:7f00:102",
                   "::ffff:7f01:2", "::7f00:2", "::fffe:7f00:2", "64:ff9b::7f00:2"):
            self.probe_name(labels_of(ip), NXDOMAIN)


class EmptyNonTerminals(Probe):
    """RFC 8020: a name exists as soon as anything beneath it does; every depth, and the names beside it."""

    NETWORKS = [*BY_OPERATOR, "192.0.2.77", BOTH, "2001:db8:1::/64", "127.0.0.2", "::ffff:7f00:2"]

    @classmethod
    def ends(cls):
        for text in cls.NETWORKS:
            network = ipaddress.ip_network(text)
            yield text, network[0]
            if network.num_addresses > 1:
                yield text, network[-1]

    def test_every_ancestor_of_a_listed_address(self):
        seen = set()
        for text, address in self.ends():
            labels = labels_of(address)
            for depth in range(1, len(labels) + 1):
                part = tuple(labels[-depth:])
                if part not in seen:
                    seen.add(part)
                    self.probe_name(list(part), qtype=A)

    def test_the_siblings_at_every_depth(self):
        seen = set()
        for text, address in self.ends():
            labels = labels_of(address)
            for depth in range(1, len(labels) + 1):
                parent = labels[len(labels) - depth + 1:]
                own = labels[len(labels) - depth]
                if address.version == 4:
                    others = [str(value).encode() for value in (int(own) - 1, int(own) + 1) if 0 <= value <= 255]
                else:
                    others = [f"{(int(own, 16) + step) % 16:x}".encode() for step in (1, 8, 15)]
                for other in others:
                    part = (other, *parent)
                    if part not in seen:
                        seen.add(part)
                        self.probe_name(list(part))

    def test_other_types_at_empty_non_terminals(self):
        for labels in ([b"192"], [b"0", b"192"], [b"2", b"0", b"192"], [b"2"], [b"1", b"0", b"0", b"2"],
                       labels_of("2001:db8:1::")[16:]):
            for qtype in (TXT, AAAA, NS, SOA, CNAME, MX, 43, 48, ANY, 65280):
                has_txt = labels == [b"1", b"0", b"0", b"2"] and qtype in (TXT, ANY)
                self.probe_name(labels, rcode("NOERROR") if has_txt else NODATA, qtype=qtype)

    def test_a_network_exempt_as_a_whole_leaves_no_name(self):
        for labels in ([b"20", b"67", b"45"], [b"64", b"77"], [b"127", b"77"], labels_of("2001:db8:aa:7::")[16:]):
            self.probe_name(labels, NXDOMAIN)
            self.probe_name([b"1", *labels], NXDOMAIN)

    def test_networks_partly_exempt_keep_their_names(self):
        for labels in ([b"100", b"51", b"198"], [b"113", b"0", b"203"], [b"31", b"67", b"45"], [b"21", b"67", b"45"],
                       [b"63", b"77"], [b"77"], labels_of("2001:db8:aa:7::")[17:]):
            self.probe_name(labels, NODATA)

    def test_a_name_that_is_four_octets_and_four_nibbles(self):
        self.probe("the address's record", message(question(wire_name([b"1", b"0", b"0", b"2"]))), LISTED)
        self.probe_name([b"8", b"b", b"d", b"0", b"1", b"0", b"0", b"2"], NODATA)
        self.probe_name([b"0", b"1", b"0", b"0", b"2"], NODATA)
        # 0.0.0.0 isn't listed, but ::ffff:7f00:2 is beneath that name.
        self.probe_name([b"0", b"0", b"0", b"0"], NODATA)

    def test_every_first_octet(self):
        for value in range(256):
            self.probe_name([str(value).encode()])

    def test_every_first_and_second_nibble(self):
        for high in b"0123456789abcdef":
            for low in b"0123456789abcdef":
                self.probe_name([bytes([low]), bytes([high])])

    def test_random_names_of_addresses(self):
        dice = random.Random(8020)
        for _ in range(300):
            network = ipaddress.ip_network(dice.choice(self.NETWORKS))
            labels = labels_of(network[dice.randrange(network.num_addresses)])
            for _ in range(dice.randrange(3)):
                where = dice.randrange(len(labels))
                labels[where] = str(dice.randrange(256)).encode() if network.version == 4 else b"%x" % dice.randrange(16)
            self.probe_name(labels[dice.randrange(len(labels)):], qtype=A)


class NoAddress(Probe):
    """Names that look like an address, nearly."""

    def test_labels_that_are_no_octet(self):
        for label in (b"002", b"010", b"00", b"000", b"0010", b"256", b"257", b"260", b"300", b"999", b"1000", b"4294967306",
                      b"-1", b"+1", b"+10", b"-0", b"0x7f", b"0xa", b"0X0A", b"0b1", b"0o12", b"012", b" 2", b"2 ", b" 10",
                      b"10 ", b"\t10", b"10\n", b"10\0", b"\0" + b"10", b"1e1", b"10.", b".10", b"1.0", b"1_0", b"1,0", b"a",
                      b"f", b"A", b"c0", b"ff", b"\xb2", b"\xd9\xa1", b"\xef\xbc\x91", b"*", b"_", b"@", b"%", b"1/0", b"10/32",
                      b"0-63", b"inf", b"nan", b"one"):
            for at in range(4):
                labels = labels_of("192.0.2.10")
                labels[at] = label
                self.probe_name(labels, NXDOMAIN)

    def test_labels_that_are_no_nibble(self):
        for label in (b"g", b"G", b"x", b"-", b"+", b" ", b"\0", b"00", b"01", b"0a", b"10", b"ff", b"0x", b"/", b":", b"@", b"`",
                      b"\xe0", b"\x10", b"\x11", b"\x41\x41", b"."):
            for at in (0, 13, 31):
                labels = labels_of("2001:db8:1::25")
                labels[at] = label
                self.probe_name(labels)  # below the network's name it is the wildcard's
                labels = labels_of("2001:db8:2::25")
                labels[at] = label
                self.probe_name(labels, NXDOMAIN)

    def test_every_single_octet_as_a_label(self):
        for octet in range(256):
            self.probe_name([bytes([octet])])

    def test_every_single_octet_as_the_last_label_of_an_ipv6_name(self):
        for octet in range(256):
            self.probe_name([bytes([octet]), *labels_of("2001:db8:2::20")[1:]])

    def test_nibbles_in_capitals_are_the_same(self):
        for ip in ("2001:db8:aa::abcd:ef", "2001:DB8:C0:ABCD::", "::FFFF:7F00:2", "::FFFF:7F00:9", "2001:db8:ab::"):
            labels = [label.upper() for label in labels_of(ip)]
            self.probe_name(labels)
            self.probe_name(labels[5:])

    def test_labels_too_many_or_too_few(self):
        for labels in ([b"1", *labels_of("192.0.2.10")], [b"0"] + labels_of("198.51.100.7"), [b"x", *labels_of("192.0.2.10")],
                       [b"*", *labels_of("192.0.2.10")], [b"www", *labels_of("198.51.100.7")], [b"1"] * 5, [b"192"] * 6,
                       [b"0"] * 33, [b"a"] * 33, [b"0", *labels_of("2001:db8:1::25")], [b"f", *labels_of("2001:db8:2::25")],
                       [b"x", *labels_of("2001:db8:2::25")], [b"1", *labels_of("::ffff:7f00:2")], [b"2", *labels_of("127.0.0.2")],
                       [b"1"] * 100, [b"a"] * 119, [*labels_of("192.0.2.10"), b"0"],
                       [b"10", b"2", b"0", b"192", b"bl", b"example", b"org"],
                       [*labels_of("2001:db8:1::25"), *labels_of("2001:db8:1::25")],
                       [*labels_of("192.0.2.10"), *labels_of("192.0.2.10")]):
            self.probe_name(labels)

    def test_absurd_names_below_a_wildcard_are_its_and_beside_it_there_are_none(self):
        below = ([b"002"], [b"256"], [b"x"], [b"*"], [b"\0"], [b"1.2"], [b"7" * 63], [b"5"], [b"x", b"y"], [b"1", b"5"], [b"*", b"5"], [b"x", b"*", b"y"])
        for network in (labels_of("45.67.21.0")[1:], labels_of("77.5.0.0")[2:], labels_of("2001:db8:1::")[16:], labels_of("2001:db8:aa:18::")[17:]):
            self.probe_name(network, NODATA)
            for labels in below:
                self.probe_name([*labels, *network])
                self.assertEqual(ORACLE.says([*labels, *network])[0], "listed", "this file disagrees with itself")
                self.probe_name([*labels, *network], NODATA, qtype=MX)
            for labels in ([b"x", b"*"], [b"*", b"*"], [b"5", b"*"]):  # RFC 4592 §2.2.1: `*` exists, and has no wildcard below it
                self.probe_name([*labels, *network], NXDOMAIN)
        # Divided by an exemption, or not cut between labels: addresses by themselves.
        for network in (labels_of("198.51.100.0")[1:], labels_of("203.0.113.0")[1:], labels_of("45.67.31.0")[1:]):
            self.probe_name(network, NODATA)
            for labels in below:
                self.probe_name([*labels, *network])
                if labels != [b"5"]:
                    self.probe_name([*labels, *network], NXDOMAIN)

    def test_addresses_written_otherwise(self):
        for labels in ([b"192.0.2.10"], [b"10.2.0.192"], [b"10.2", b"0.192"], [b"192", b"0", b"2", b"10"], [b"3221225994"],
                       [b"c000020a"], [b"10-2-0-192"], [b"2001:db8:1::25"], [b"20010db8000100000000000000000025"],
                       [b"0db8", b"2001"], [b"10\\.2", b"0", b"192"], [b"\\049\\048", b"2", b"0", b"192"],
                       [b"xn--10", b"2", b"0", b"192"], [b"localhost"], [b"www"], [b"_dmarc"], [b"ns1"], [b"hostmaster"], [b"*"],
                       [b"test"], [b"in-addr", b"arpa"]):
            self.probe_name(labels, NXDOMAIN)

    def test_long_labels_and_names(self):
        for filler in (b"a", b"0", b"1", b"\0", b"\xff", b"."):
            self.probe_name([filler * 63], NXDOMAIN)
            self.probe_name([filler * 63, *labels_of("192.0.2.10")], NXDOMAIN)
            room = 255 - len(APEX)
            full = [filler * 63] * (room // 64) + ([filler * (room % 64 - 1)] if room % 64 > 1 else [])
            with self.check("255 octets, this file disagrees with itself"):
                self.assertEqual(len(wire_name(full)), 255)
            self.probe_name(full, NXDOMAIN)
        self.probe_name([b"1"] * ((255 - len(APEX)) // 2), NXDOMAIN)


class Edns(Probe):
    def ask(self, name, record, *expectations, qname=LISTED_NAME, qtype=A, limit=None, flags=0):
        self.probe(name, message(question(qname, qtype), additional=[record], flags=flags), self.has_opt, *expectations,
                   limit=limit)

    @staticmethod
    def has_opt(m):
        need(m.opt is not None, "no OPT for a query with one (RFC 6891 §7)")

    @staticmethod
    def flags_are(value):
        return lambda m: need(m.opt.ttl & 0xFFFF == value, f"EDNS flags {m.opt.ttl & 0xFFFF:#06x}")

    @staticmethod
    def no_options(m):
        need(all(code == EDE for code, _ in m.options), f"options that nobody asked for: {m.options}")

    def test_every_payload_size(self):
        for size in (0, 1, 11, 12, 256, 511, 512, 513, 1024, 1220, 1232, 1280, 1400, 1452, 4095, 4096, 8192, 32768, 65535):
            for name, qname, expectation in (("listed", LISTED_NAME, LISTED),
                                             ("unlisted", wire_name(labels_of("192.0.2.11")), NXDOMAIN),
                                             ("an empty non-terminal", wire_name([b"192"]), NODATA)):
                self.ask(f"size {size}, {name}", opt(size), expectation, self.no_options, qname=qname, limit=max(512, size))

    def test_another_version_is_badvers_with_nothing_answered(self):
        for version in (1, 2, 3, 15, 16, 127, 128, 254, 255):
            self.ask(f"version {version}", opt(version=version), bare("BADVERS"))
            self.ask(f"version {version} with DO", opt(version=version, flags=0x8000), bare("BADVERS"))
            self.ask(f"version {version} with an option", opt(version=version, options=option(100)), bare("BADVERS"))
            self.ask(f"version {version}, SOA", opt(version=version), bare("BADVERS"), qname=APEX, qtype=SOA)

    def test_unknown_options_are_ignored_and_not_echoed(self):
        for code in (0, 4, 100, 255, 256, 20292, 26946, 65001, 65534, 65535):
            for octets in (b"", b"\0", b"abcd", bytes(100)):
                self.ask(f"option {code}, {len(octets)} octets", opt(options=option(code, octets)), LISTED, self.no_options)
        self.ask("thirty options", opt(options=b"".join(option(n, b"x" * n) for n in range(100, 130))), LISTED, self.no_options)
        self.ask("the same option twice", opt(options=option(100) * 2), LISTED, self.no_options)

    def test_unknown_flags_are_not_echoed_and_do_is(self):
        for bit in range(15):
            self.ask(f"flag {1 << bit:#06x}", opt(flags=1 << bit), LISTED, self.flags_are(0))
            self.ask(f"flag {1 << bit:#06x} with DO", opt(flags=1 << bit | 0x8000), LISTED, self.flags_are(0x8000))
        self.ask("all flags", opt(flags=0xFFFF), LISTED, self.flags_are(0x8000))
        self.ask("DO, unlisted", opt(flags=0x8000), NXDOMAIN, self.flags_are(0x8000), qname=wire_name(labels_of("192.0.2.11")))
        self.ask("DO, refused", opt(flags=0x8000), rcode("REFUSED"), self.flags_are(0x8000), qname=encode_name("example.com"))
        self.ask("DO with CD and AD", opt(flags=0x8000), LISTED, self.flags_are(0x8000), flags=CD | AD)

    def test_upper_rcode_bits_in_a_query_are_ignored(self):
        for value in (1, 16, 128, 255):
            self.ask(f"extended RCODE {value}", opt(extended=value), LISTED)

    def malformed(self, name, wire):
        """FORMERR; whether an OPT can be in the reply depends on how far the query could be read."""
        self.probe(name, wire, bare("FORMERR"))
        self.probe_tcp(name + ", over TCP", wire, bare("FORMERR"))

    def test_more_than_one_opt_is_formerr(self):
        for name, records in {"two": [opt(), opt()], "two that differ": [opt(512), opt(4096, flags=0x8000)], "three": [opt()] * 3,
                              "one on each side of a record": [opt(), address_record(), opt()],
                              "the second of version 1": [opt(), opt(version=1)]}.items():
            self.malformed(name, message(question(LISTED_NAME), additional=records))

    def test_an_opt_whose_owner_is_not_the_root_is_formerr(self):
        for name, owner in {"the apex": APEX, "the QNAME, compressed": b"\xc0\x0c", "a label": b"\x01x\0",
                            "com": b"\x03com\0"}.items():
            self.malformed(name, message(question(LISTED_NAME), additional=[opt(owner=owner)]))

    def test_an_opt_in_another_section_is_formerr(self):
        for section in ("answer", "authority"):
            self.malformed(f"in {section}", message(question(LISTED_NAME), **{section: [opt()]}))
            self.malformed(f"in {section} and where it belongs", message(question(LISTED_NAME), additional=[opt()],
                                                                         **{section: [opt()]}))

    def test_options_that_are_not_well_formed_are_formerr(self):
        for name, octets in {"half a code": b"\0", "no length": b"\0\x64", "half a length": b"\0\x64\0",
                             "one octet missing": option(100, b"abcd")[:-1], "all octets missing": option(100, b"abcd")[:4],
                             "the greatest length": b"\0\x64\xff\xff", "the second is cut": option(100, b"ab") + b"\0\x65\0\x09x",
                             "one octet too many": option(100, b"ab") + b"\0", "NSID cut": b"\0\x03\0\x01",
                             "three octets too many": option(NSID) + b"\0\0\0"}.items():
            self.malformed(name, message(question(LISTED_NAME), additional=[opt(options=octets)]))

    def test_an_opt_cut_at_any_octet_is_formerr(self):
        record = opt(options=option(100, b"abcd"))
        for length in range(len(record)):
            self.malformed(f"{length} octets of {len(record)}", message(question(LISTED_NAME), additional=[record[:length]]))

    def test_the_opt_is_found_wherever_it_stands(self):
        # Other additional records in a query mean nothing; ignoring them and FORMERR are both in use.
        for name, records in {"behind a record": [address_record(), opt()], "before a record": [opt(), address_record()],
                              "among many": [address_record()] * 5 + [opt()] + [address_record()] * 5,
                              "behind a compressed owner": [address_record(b"\xc0\x0c"), opt()]}.items():
            self.probe(name, message(question(LISTED_NAME), additional=records), any_of(LISTED, FORMERR), self.has_opt)
        self.probe("a record and no OPT", message(question(LISTED_NAME), additional=[address_record()]), any_of(LISTED, FORMERR),
                   lambda m: need(m.opt is None, "an OPT"))

    def test_nsid(self):
        ask = lambda name, options, *more: self.ask(name, opt(options=options), LISTED, *more)
        ask("asked for", option(NSID), lambda m: has_options(m, nsid=b"here"))
        ask("not asked for", b"", lambda m: has_options(m, nsid=None))
        ask("with octets in it, which mean nothing", option(NSID, b"there"), lambda m: has_options(m, nsid=b"here"))
        ask("among others", option(100) + option(NSID) + option(101), lambda m: has_options(m, nsid=b"here"))
        ask("twice", option(NSID) * 2, lambda m: need([o for o in m.options if o[0] == NSID] == [(NSID, b"here")], "not once"))
        for name, qname, wanted in (("NXDOMAIN", wire_name([b"x"]), "NXDOMAIN"),
                                    ("REFUSED", encode_name("example.com"), "REFUSED")):
            self.ask(f"with {name}", opt(options=option(NSID)), rcode(wanted), lambda m: has_options(m, nsid=b"here"),
                     qname=qname)
        self.ask("with another version nothing but the version", opt(version=1, options=option(NSID)), bare("BADVERS"))

    def test_cookies_are_answered_or_ignored_and_never_echoed_alone(self):
        client = b"\1\2\3\4\5\6\7\x08"

        def cookie(m):
            found = dict(m.options).get(COOKIE)
            need(found is None or found.startswith(client) and 16 <= len(found) <= 40, f"cookie {found} (RFC 7873 §4)")
        for name, octets in {"client": client, "client and server": client + bytes(8), "the longest": client + bytes(32)}.items():
            # BADCOOKIE is a server's right; REFUSED isn't, to a name of ours.
            self.ask(name, opt(options=option(COOKIE, octets)), any_of(LISTED, rcode("23")), cookie)
        for length in (0, 1, 7, 9, 15, 41):
            # Who knows cookies says FORMERR (RFC 7873 §5.2.2); who doesn't, ignores them.
            self.ask(f"{length} octets", opt(options=option(COOKIE, bytes(length))), any_of(LISTED, FORMERR))

    def test_padding_is_ignored_or_answered_with_padding(self):
        for length in (0, 1, 128, 400):
            self.ask(f"{length} octets", opt(4096, options=option(PADDING, bytes(length))), LISTED,
                     lambda m: need(not any(dict(m.options).get(PADDING, b"")), "padding that isn't zero"))
        self.ask("2000 octets", opt(4096, options=option(PADDING, bytes(2000))), LISTED)

    def test_client_subnet_is_ignored(self):
        for name, octets in {"0.0.0.0/0": b"\0\1\0\0", "192.0.2.0/24": b"\0\1\x18\0\xc0\0\2",
                             "2001:db8::/32": b"\0\2\x20\0\x20\1\x0d\xb8"}.items():
            # An echo with a scope of 0 says "for everybody", which is true as well (RFC 7871 §7.2.1).
            self.ask(name, opt(options=option(ECS, octets)), LISTED,
                     lambda m: need(dict(m.options).get(ECS) in (None, octets), "another subnet"))
        for name, octets in {"empty": b"", "an unknown family": b"\0\7\0\0", "too long": b"\0\1\x21\0\xc0\0\2\1\1",
                             "with a scope": b"\0\1\x18\x18\xc0\0\2"}.items():
            # FORMERR is for who knows the option (RFC 7871 §7.1.2).
            self.ask(name, opt(options=option(ECS, octets)), any_of(LISTED, FORMERR))

    def test_expire_is_ignored_by_a_primary_or_answered(self):
        self.ask("EXPIRE at the apex", opt(options=option(EXPIRE)), apex_answer(SOA),
                 lambda m: need(len(dict(m.options).get(EXPIRE, bytes(4))) == 4, "length"), qname=APEX, qtype=SOA)

    def test_keepalive_is_answered_over_tcp_alone(self):
        wire = message(question(LISTED_NAME), additional=[opt(options=option(KEEPALIVE))])
        self.probe("over UDP", wire, LISTED, lambda m: has_options(m, keepalive=None))
        # RFC 7828 §3.3.2: a server MAY send one.
        self.probe_tcp("over TCP", wire, LISTED,
                       lambda m: need(len(dict(m.options).get(KEEPALIVE, bytes(2))) == 2, "no timeout in it"))
        self.probe_tcp("over TCP, unasked", message(question(LISTED_NAME), additional=[opt()]), LISTED)
        timeout = message(question(LISTED_NAME), additional=[opt(options=option(KEEPALIVE, b"\0\1"))])
        # A client mustn't send a timeout (§3.2.1); what a server then does is left open.
        self.probe("with a timeout, over UDP", timeout, any_of(LISTED, FORMERR))
        self.probe_tcp("with a timeout, over TCP", timeout, any_of(LISTED, FORMERR))

    def test_errors_to_a_query_with_opt_have_an_opt(self):
        self.ask("REFUSED", opt(), REFUSED, qname=encode_name("example.com"))
        self.ask("REFUSED, CHAOS", opt(), lambda m: None, qname=encode_name("version.bind"), qtype=TXT)
        self.ask("a transfer", opt(), REFUSED, qname=APEX, qtype=AXFR)
        self.ask("NXDOMAIN", opt(), NXDOMAIN, qname=wire_name([b"foo"]))
        self.ask("NODATA", opt(), NODATA, qtype=MX)

    def test_a_query_without_opt_gets_none(self):
        for name, qname, qtype in (("listed", LISTED_NAME, A), ("unlisted", wire_name([b"foo"]), A),
                                   ("refused", encode_name("example.com"), A), ("transfer", APEX, AXFR)):
            self.probe(name, message(question(qname, qtype)), lambda m: need(m.opt is None, "an OPT"), limit=512)


class Malformed(Probe):
    def malformed(self, name, wire, expectation=FORMERR):
        self.probe(name, wire, expectation)
        self.probe_tcp(name + ", over TCP", wire, expectation)

    def test_less_than_a_header_is_met_with_silence(self):
        for length in range(12):
            self.silence(f"{length} octets", GOOD[:length])
            self.silence(f"{length} octets of 0xff", b"\xff" * length)

    def test_responses_are_met_with_silence(self):
        for name, wire in {"a bare header": message(flags=QR), "a query with QR": message(question(LISTED_NAME), flags=QR),
                           "a NOTIFY's response": message(question(APEX, SOA), flags=QR | 4 << 11),
                           "FORMERR": message(flags=QR | 1),
                           "an UPDATE's response": message(question(APEX, SOA), flags=QR | 5 << 11), "all ones": b"\xff" * 12,
                           "all ones, and more of them": b"\xff" * 100,
                           "with an OPT": message(question(LISTED_NAME), additional=[opt()], flags=QR),
                           "an answer of ours": self.exchange(with_ident(GOOD, 77)),
                           "an opcode nobody knows": message(flags=QR | 15 << 11)}.items():
            self.silence(name, wire)

    def test_a_query_has_one_question(self):
        self.malformed("none", message())
        self.malformed("none, with an OPT", message(additional=[opt()]))
        # RFC 7873 §5.4 lets a client that has cookies ask nothing; a server without them knows no such query.
        self.malformed("none, with a cookie", message(additional=[opt(options=option(COOKIE, bytes(8)))]),
                       bare("FORMERR", "NOERROR", "REFUSED"))
        self.malformed("none by the count, one in truth", message(question(LISTED_NAME), counts=(0, 0, 0, 0)))
        # RFC 9619 §4.
        self.malformed("two", message(question(LISTED_NAME), question(LISTED_NAME, TXT)))
        self.malformed("the same twice", message(question(LISTED_NAME), question(LISTED_NAME)))
        self.malformed("two, the second compressed", message(question(LISTED_NAME), question(b"\xc0\x0c", TXT)))
        self.malformed("two and an OPT", message(question(LISTED_NAME), question(LISTED_NAME, TXT), additional=[opt()]))
        for count in (2, 3, 255, 256, 32768, 65535):
            self.malformed(f"{count} by the count, one in truth", message(question(LISTED_NAME), counts=(count, 0, 0, 0)))

    def test_counts_that_lie(self):
        for section in (1, 2, 3):
            for count in (1, 2, 256, 65535):
                counts = [1, 0, 0, 0]
                counts[section] = count
                self.malformed(f"count {section} is {count}, no record", message(question(LISTED_NAME), counts=counts))
        self.malformed("all counts are 65535", message(question(LISTED_NAME), counts=[65535] * 4))
        self.malformed("two additional records, one in truth", message(question(LISTED_NAME), additional=[opt()],
                                                                       counts=(1, 0, 0, 2)))
        # What nobody counted is trailing garbage, see below.
        self.malformed("an OPT that isn't counted", message(question(LISTED_NAME), additional=[opt()], counts=(1, 0, 0, 0)),
                       any_of(LISTED, FORMERR))

    def test_records_in_sections_that_a_query_leaves_empty(self):
        # No RFC says what to do; ignoring and FORMERR are both in use.
        for section in ("answer", "authority"):
            self.malformed(f"a record in {section}", message(question(LISTED_NAME), **{section: [address_record()]}),
                           any_of(LISTED, FORMERR))

    def test_a_qname_that_is_no_name(self):
        tail = struct.pack("!2H", A, IN)
        names = {"a pointer to itself": b"\xc0\x0c", "a label and a pointer to itself": b"\1a\xc0\x0c",
                 "a pointer forward": b"\xc0\x20", "a pointer over the end": b"\xff\xff", "a pointer to the header": b"\xc0\0",
                 "a pointer to its second octet": b"\xc0\x0d", "a pointer to the type": b"\xc0\x0e",
                 "two pointers in a circle": b"\xc0\x0e\xc0\x0c", "half a pointer": b"\xc0",
                 "labels, then a pointer into them": b"\x02bl\xc0\x0c",
                 "our apex, and a pointer where its end is": APEX[:-1] + b"\xc0\x0c",
                 "256 octets": b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 2 + b"\x3f" + b"a" * 63 + b"\0",
                 "257 octets": (b"\x3f" + b"a" * 63) * 4 + b"\0", "128 labels": b"\1a" * 128 + b"\0",
                 "300 labels": b"\1a" * 300 + b"\0",
                 "256 octets in our zone": wire_name([b"a" * 63] * 3 + [b"a" * (255 - 192 - len(APEX))]), "no end": b"\1a" * 10,
                 "a label of 63 octets and less behind": b"\x3fabc"}
        for kind in (0x40, 0x41, 0x7F, 0x80, 0x81, 0xBF):
            names[f"label type {kind:#04x}"] = bytes([kind]) + b"a" * 100 + b"\0"
            names[f"label type {kind:#04x} behind a label"] = b"\2bl" + bytes([kind]) + b"a" * 100 + b"\0"
        for name, octets in names.items():
            if name.startswith("256 octets in"):
                self.assertEqual(len(octets), 256)
            self.malformed(name, message(octets + tail))
        self.malformed("a name of 63-octet labels without end", message(b"\x3f" + b"a" * 63))

    def test_a_query_cut_at_any_octet(self):
        for kind, wire in {"plain": GOOD, "with EDNS": message(question(LISTED_NAME), additional=[opt(options=option(NSID))]),
                           "IPv6": message(question(wire_name(labels_of("2001:db8:1::25"))))}.items():
            for length in range(12, len(wire)):
                self.probe(f"{kind}, {length} octets of {len(wire)}", wire[:length], FORMERR)

    def test_octets_behind_the_message(self):
        # No RFC says what to do; ignoring and FORMERR are both in use.
        for name, tail in {"one": b"\0", "four": b"\xde\xad\xbe\xef", "a question": question(LISTED_NAME),
                           "a record": address_record(), "500": b"x" * 500, "3500": bytes(3500)}.items():
            self.malformed(f"{name} behind a query", message(question(LISTED_NAME), tail=tail), any_of(LISTED, FORMERR))
            self.malformed(f"{name} behind an OPT", message(question(LISTED_NAME), additional=[opt()], tail=tail),
                           any_of(LISTED, FORMERR))

    def test_foreign_opcodes_are_notimp_with_the_opcode(self):
        for number in range(1, 16):
            self.malformed(f"opcode {number}, a header", message(flags=number << 11), NOTIMP)
            self.malformed(f"opcode {number}, a question", message(question(LISTED_NAME), flags=number << 11), NOTIMP)
            # Whether an OPT is in the reply isn't sure: another opcode's message needn't have sections (RFC 6895 §2.2).
            self.malformed(f"opcode {number}, an OPT", message(question(APEX, SOA), additional=[opt()], flags=number << 11),
                           NOTIMP)
            self.malformed(f"opcode {number}, all flags", message(question(APEX, SOA), flags=number << 11 | 0x07FF), NOTIMP)

    def test_large_datagrams(self):
        for size in (1000, 4000, 5000, 20000, 60000):
            # Longer than any query: it may be cut, and then it is malformed. A long option is none the less a good query.
            padded = message(question(LISTED_NAME), additional=[opt(options=option(PADDING, bytes(size)))])
            self.probe(f"padded to {size}", padded, any_of(LISTED, FORMERR) if size > 3500 else LISTED)
            self.probe_tcp(f"padded to {size}, over TCP", padded, LISTED)

    def test_random_octets_get_silence_or_a_proper_reply(self):
        dice = random.Random(1)
        base = bytearray(message(question(LISTED_NAME), additional=[opt(options=option(NSID))]))
        for number in range(400):
            wire = bytearray(base)
            for _ in range(dice.randrange(1, 5)):
                wire[dice.randrange(2, len(wire))] = dice.randrange(256)
            if dice.random() < 0.3:
                wire = wire[:dice.randrange(12, len(wire))]
            with self.check(f"mutation {number}: {wire.hex()}"):
                mutated, next_query = with_ident(bytes(wire), self.ident()), with_ident(GOOD, self.ident())
                self.udp.send(mutated)
                self.udp.send(next_query)
                first = self.udp.recv(65535)
                if first[:2] == mutated[:2]:
                    need(not wire[2] & 0x80, "a reply to a response")
                    m = self.replied(mutated, first)
                    proper(m)
                    first = self.udp.recv(65535)
                else:
                    need(wire[2] & 0x80, "silence to a query")
                LISTED(self.replied(next_query, first))


class Tcp(Probe):
    def connect(self):
        s = self.b.connect_tcp(timeout=10 * PATIENCE)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.addCleanup(s.close)
        return s

    def expect_next(self, s, wire, expectation=LISTED):
        reply = receive_tcp(s)
        need(reply is not None, "closed without a reply")
        expectation(self.replied(wire, reply, tcp=True))

    def query(self, ip="192.0.2.10", qtype=A):
        return message(question(wire_name(labels_of(ip)), qtype), ident=self.ident())

    def test_every_form_over_tcp(self):
        for ip in ("192.0.2.10", BOTH, "198.51.100.1", "198.51.100.200", "192.0.2.11", "2001:db8:1::25", "2001:db8:aa:7::",
                   "127.0.0.2", "127.0.0.1", "::ffff:7f00:2"):
            for qtype in (A, AAAA):
                self.probe_tcp(f"{ip} type {qtype}", message(question(wire_name(labels_of(ip)), qtype)),
                               by_oracle(labels_of(ip), qtype))
        self.probe_tcp("TXT", message(question(LISTED_NAME, TXT)), text_for("192.0.2.10"))
        for rtype in (SOA, NS):
            self.probe_tcp(f"apex type {rtype}", message(question(APEX, rtype)), apex_answer(rtype))
        self.probe_tcp("another zone", message(question("example.com")), REFUSED)
        for size in (0, 512, 65535):
            self.probe_tcp(f"EDNS size {size}, which means nothing here",
                           message(question(LISTED_NAME, TXT), additional=[opt(size)]), text_for("192.0.2.10"))

    @unittest.skipUnless(has_ipv6(), "no ::1 here")
    def test_over_ipv6(self):
        with self.check("a query over TCP by ::1"):
            wire = self.query()
            LISTED(self.replied(wire, self.b.raw_tcp(wire, v6=True, timeout=10 * PATIENCE)[0], tcp=True))

    def test_a_hundred_pipelined_queries_are_each_answered_once(self):
        with self.check("100 of one kind"):
            wires = [self.query() for _ in range(100)]
            for wire, reply in zip(wires, self.over_tcp(*wires), strict=True):
                LISTED(self.replied(wire, reply, tcp=True))
        with self.check("100 of many kinds"):
            ips = ["192.0.2.10", "192.0.2.11", BOTH, "2001:db8:1::25", "127.0.0.1"] * 20
            wires = [self.query(ip) for ip in ips]
            for ip, wire, reply in zip(ips, wires, self.over_tcp(*wires), strict=True):
                by_oracle(labels_of(ip))(self.replied(wire, reply, tcp=True))

    def test_a_query_in_pieces_of_one_octet(self):
        for ip in ("192.0.2.10", "2001:db8:1::25"):
            with self.check(ip):
                s, wire = self.connect(), self.query(ip)
                for octet in framed(wire):
                    s.sendall(bytes([octet]))
                self.expect_next(s, wire, by_oracle(labels_of(ip)))

    def test_a_query_in_two_pieces_cut_anywhere(self):
        s = self.connect()
        for cut in range(1, len(framed(GOOD))):
            with self.check(f"cut behind octet {cut}"):
                wire = self.query()
                s.sendall(framed(wire)[:cut])
                s.sendall(framed(wire)[cut:])
                self.expect_next(s, wire)

    def test_several_queries_in_one_segment_and_half_of_another(self):
        with self.check("two and a half, then the rest"):
            s, wires = self.connect(), [self.query() for _ in range(3)]
            octets = b"".join(map(framed, wires))
            s.sendall(octets[:-20])
            for wire in wires[:2]:
                self.expect_next(s, wire)
            s.sendall(octets[-20:])
            self.expect_next(s, wires[2])

    def test_a_connection_stays_open_after_an_answer(self):
        s = self.connect()
        for number in range(10):
            with self.check(f"query {number}, asked after the answer before"):
                wire = self.query()
                s.sendall(framed(wire))
                self.expect_next(s, wire)

    def test_formerr_notimp_and_refused_leave_the_connection_open(self):
        s = self.connect()
        for name, bad, expectation in (("FORMERR", message(), FORMERR), ("NOTIMP", message(flags=2 << 11), NOTIMP),
                                       ("REFUSED", message(question("example.com")), REFUSED)):
            with self.check(name):
                bad, wire = with_ident(bad, self.ident()), self.query()
                s.sendall(framed(bad) + framed(wire))
                self.expect_next(s, bad, expectation)
                self.expect_next(s, wire)

    def test_messages_that_get_no_reply(self):
        # Reading on and closing are both allowed; neither may hold up others.
        for name, octets in {"length 0": b"\0\0", "length 0, often": b"\0\0" * 50, "one octet": framed(b"x"),
                             "eleven octets": framed(GOOD[:11]), "a response": framed(message(flags=QR))}.items():
            with self.check(name):
                s, wire = self.connect(), self.query()
                s.sendall(octets + framed(wire))
                reply = receive_tcp(s)
                if reply is not None:
                    LISTED(self.replied(wire, reply, tcp=True))
            self.probe_tcp(f"the next client after {name}", GOOD, LISTED)

    def test_a_length_that_lies(self):
        with self.check("too long, then the end: no reply"):
            s = self.connect()
            s.sendall(struct.pack("!H", len(GOOD) + 1) + GOOD)
            s.shutdown(socket.SHUT_WR)
            self.assertIsNone(receive_tcp(s))
        with self.check("the greatest, then the end: no reply"):
            s = self.connect()
            s.sendall(b"\xff\xff" + GOOD)
            s.shutdown(socket.SHUT_WR)
            self.assertIsNone(receive_tcp(s))
        with self.check("one octet too short: FORMERR, or closed"):
            s, wire = self.connect(), self.query()
            s.sendall(struct.pack("!H", len(wire) - 1) + wire)
            reply = receive_tcp(s)
            if reply is not None:
                FORMERR(self.replied(wire[:-1], reply, tcp=True))
        with self.check("half a length, then the end: closed"):
            s = self.connect()
            s.sendall(b"\0")
            s.shutdown(socket.SHUT_WR)
            self.assertIsNone(receive_tcp(s))
        with self.check("one octet too long: the next message's first octet is taken, and the server lives"):
            s, wire = self.connect(), self.query()
            s.sendall(struct.pack("!H", len(wire) + 1) + wire + framed(self.query()))
            reply = receive_tcp(s)
            if reply is not None:
                any_of(LISTED, FORMERR)(self.replied(wire, reply, tcp=True))
        self.probe_tcp("the next client", GOOD, LISTED)

    def test_the_longest_message(self):
        self.probe_tcp("65535 octets of padding and query", self.longest(), LISTED)
        with self.check("65535 octets of nothing"):
            wire = with_ident(message(tail=bytes(65535 - 12)), self.ident())
            FORMERR(self.replied(wire, self.over_tcp(wire)[0], tcp=True))

    @staticmethod
    def longest():
        room = 65535 - len(message(question(LISTED_NAME), additional=[opt(options=option(PADDING))]))
        return message(question(LISTED_NAME), additional=[opt(options=option(PADDING, bytes(room)))])

    def test_what_was_asked_before_a_half_close_is_answered(self):
        for count in (1, 2, 100):
            with self.check(f"{count}"):
                s, wires = self.connect(), [self.query() for _ in range(count)]
                s.sendall(b"".join(map(framed, wires)))
                s.shutdown(socket.SHUT_WR)
                for wire in wires:
                    self.expect_next(s, wire)
                self.assertIsNone(receive_tcp(s), "closed when all is said")

    def test_clients_that_leave_harm_nobody(self):
        for name, octets in {"without a word": b"", "in the middle of a length": b"\0",
                             "in the middle of a query": framed(GOOD)[:20], "without taking the reply": framed(GOOD)}.items():
            for abrupt in (False, True):
                with self.check(f"{name}, {'reset' if abrupt else 'closed'}"):
                    s = self.connect()
                    if abrupt:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.sendall(octets)
                    s.close()
                    wire = self.query()
                    LISTED(self.replied(wire, self.over_tcp(wire)[0], tcp=True))

    def test_fifty_readers_who_do_not_read_hold_up_nobody(self):
        burst = framed(message(question(LISTED_NAME, TXT))) * 200
        stalled = []
        try:
            for _ in range(50):
                s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                stalled.append(s)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.connect(("127.0.0.1", self.b.port))
                s.setblocking(False)
            for s in stalled:
                try:
                    for _ in range(40):
                        s.send(burst)
                except (BlockingIOError, ConnectionError):
                    pass  # the server takes no more, which is its right
            for number in range(20):
                self.probe(f"over UDP, {number}", GOOD, LISTED)
                self.probe_tcp(f"over TCP, {number}", GOOD, LISTED)
        finally:
            for s in stalled:
                s.close()
        with self.check("all is well once they are gone"):
            wait_until(lambda: self.b.listed("192.0.2.10"), 5, "an answer")


class OtherQuestions(Probe):
    def test_chaos_names_get_some_proper_reply(self):
        # What they tell is an operator's choice: a TXT, or a refusal. Silence and SERVFAIL make resolvers try again.
        for name in ("version.bind", "version.server", "id.server", "hostname.bind", "authors.bind", "VERSION.BIND", "bind"):
            for qtype in (TXT, ANY, A):
                wire = message(question(name, qtype, CH))
                self.probe(f"{name} type {qtype}", wire, rcode("REFUSED", "NOERROR", "NOTIMP"))
                self.probe_tcp(f"{name} type {qtype}, over TCP", wire, rcode("REFUSED", "NOERROR", "NOTIMP"))
        self.probe("version.bind with EDNS", message(question("version.bind", TXT, CH), additional=[opt()]),
                   rcode("REFUSED", "NOERROR", "NOTIMP"), Edns.has_opt)

    def test_classes_other_than_in_are_refused(self):
        for qclass in (2, CH, HS, 5, 42, 253, 256, 65280):
            for name, qtype in ((LISTED_NAME, A), (APEX, SOA), (wire_name([b"foo"]), TXT)):
                self.probe(f"class {qclass}, type {qtype}", message(question(name, qtype, qclass)), REFUSED)
        for qclass in (0, 254, 255, 65535):
            # Reserved, NONE and ANY: no zone has them. FORMERR and NOTIMP are in use, too.
            self.probe(f"class {qclass}", message(question(LISTED_NAME, A, qclass)), bare("REFUSED", "FORMERR", "NOTIMP"))

    def test_transfers_are_refused(self):
        soa = [soa_record()]
        queries = {"AXFR": message(question(APEX, AXFR)), "AXFR with an OPT": message(question(APEX, AXFR), additional=[opt()]),
                   "IXFR": message(question(APEX, IXFR), authority=soa),
                   "IXFR of serial 0": message(question(APEX, IXFR), authority=[soa_record(0)]),
                   "IXFR with an OPT": message(question(APEX, IXFR), authority=soa, additional=[opt()]),
                   "IXFR with a compressed SOA": message(question(APEX, IXFR),
                                                         authority=[b"\xc0\x0c" + soa_record()[len(APEX):]]),
                   # RFC 1995 §3 asks for the SOA; who leaves it out is told what everybody is told.
                   "IXFR without SOA": message(question(APEX, IXFR)),
                   "IXFR without SOA, with an OPT": message(question(APEX, IXFR), additional=[opt()]),
                   "AXFR below the apex": message(question(LISTED_NAME, AXFR)),
                   "AXFR of another zone": message(question("example.com", AXFR)),
                   "IXFR of another zone": message(question("example.com", IXFR), authority=soa),
                   "IXFR below the apex": message(question(LISTED_NAME, IXFR)),
                   "AXFR in another class": message(question(APEX, AXFR, CH)), "AXFR of the root": message(question(b"\0", AXFR))}
        for name, wire in queries.items():
            self.probe(f"{name} over UDP", wire, REFUSED)
            self.probe_tcp(f"{name} over TCP", wire, REFUSED)

    def test_notify_and_update_are_notimp(self):
        queries = {"NOTIFY": message(question(APEX, SOA), flags=4 << 11 | AA),
                   "NOTIFY with the SOA": message(question(APEX, SOA), answer=[soa_record()], flags=4 << 11 | AA),
                   "NOTIFY with an OPT": message(question(APEX, SOA), additional=[opt()], flags=4 << 11),
                   "UPDATE": message(question(APEX, SOA), authority=[address_record(LISTED_NAME)], flags=5 << 11),
                   "UPDATE without a change": message(question(APEX, SOA), flags=5 << 11),
                   "UPDATE of another zone": message(question("example.com", SOA), flags=5 << 11),
                   "UPDATE with a prerequisite": message(question(APEX, SOA), flags=5 << 11,
                                                         answer=[address_record(LISTED_NAME)]),
                   "IQUERY": message(answer=[address_record(b"\0")], flags=1 << 11), "STATUS": message(flags=2 << 11),
                   "DSO": message(flags=6 << 11)}
        for name, wire in queries.items():
            self.probe(f"{name} over UDP", wire, NOTIMP)
            self.probe_tcp(f"{name} over TCP", wire, NOTIMP)


class Parser(unittest.TestCase):
    """That the checks above have teeth."""

    def test_what_is_not_well_formed_is_not_accepted(self):
        good = message(question(LISTED_NAME), answer=[b"\xc0\x0c" + address_record(b"")], additional=[opt()], flags=QR)
        self.assertEqual(parse_strictly(good).answers[0].owner, LISTED_NAME)
        at = len(message(question(LISTED_NAME)))  # of the answer
        record = lambda rtype, rdata: APEX + struct.pack("!HHIH", rtype, IN, 0, len(rdata)) + rdata
        for name, wire in {"an octet behind it": good + b"\0", "an octet missing": good[:-1],
                           "a pointer forward": good[:at + 1] + b"\x40" + good[at + 2:],
                           "a pointer into a label": good[:at + 1] + b"\x0d" + good[at + 2:],
                           "a pointer to the header": good[:at + 1] + b"\0" + good[at + 2:],
                           "a count too high": good[:7] + b"\2" + good[8:], "a count too low": good[:7] + b"\0" + good[8:],
                           "an A record of three octets": message(answer=[record(A, b"abc")], flags=QR),
                           "a TXT string over its end": message(answer=[record(TXT, b"\5ab")], flags=QR),
                           "two questions": message(question(APEX), question(APEX), flags=QR),
                           "two OPTs": message(additional=[opt(), opt()], flags=QR),
                           "an OPT in the answer": message(answer=[opt()], flags=QR), "a header cut": good[:11]}.items():
            with self.subTest(name), self.assertRaises(BadWire):
                parse_strictly(wire)


class Truncation(Probe):
    """A zone whose name and text are as long as they may be, with name servers for more than one datagram."""

    LONG_ZONE = ".".join(["a" * 60, "b" * 60, "c" * 60, "zoneof"])
    NAMESERVERS = [f"ns.{letter * 50}.{letter * 3}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    LONG_IP = "2001:db8:1111:2222:3333:4444:5555:6666"

    @classmethod
    def setUpClass(cls):
        cls.b = Blowback(zone={"name": cls.LONG_ZONE, "nameservers": cls.NAMESERVERS, "hostmaster": "hostmaster@example.org",
                               "txt": "{ip} " + "x" * 215}).__enter__()
        cls.addClassCleanup(cls.b.__exit__, None, None, None)
        assert cls.b.cli("list", cls.LONG_IP + "/128", "--reason", "test").returncode == 0
        cls.b.start_server()
        cls.apex = encode_name(cls.LONG_ZONE)
        cls.name = wire_name(labels_of(cls.LONG_IP), cls.apex)
        cls.b.wait_listed(cls.LONG_IP, 10)
        super().setUpClass()

    def txt(self, *additional):
        return message(question(self.name, TXT), additional=additional)

    @staticmethod
    def truncated(m):
        rcode("NOERROR")(m)
        need(m.bit("TC"), f"{m.size} octets without TC")
        # Part of an RRset would be allowed (RFC 2181 §9), but nobody may use it.
        need(not m.answers and not m.authority, "part of an answer beside TC")

    def whole(self, m):
        need(not m.bit("TC"), "TC")
        text = f"{self.LONG_IP} {'x' * 215}".encode()
        answered(bytes([len(text)]) + text, rtype=TXT)(m)

    def whole_size(self, *additional):
        wire = with_ident(self.txt(*additional), self.ident())
        return len(self.over_tcp(wire)[0])

    def test_a_long_txt_over_udp_without_edns_is_truncated(self):
        self.assertGreater(self.whole_size(), 512, "this file's TXT is too short")
        self.probe("without EDNS", self.txt(), self.truncated, limit=512)
        for size in (0, 1, 100, 511, 512):
            self.probe(f"EDNS size {size}, which counts as 512", self.txt(opt(size)), self.truncated, Edns.has_opt, limit=512)

    def test_it_is_whole_where_there_is_room(self):
        for size in (1220, 1232, 1452, 4096, 65535):
            self.probe(f"EDNS size {size}", self.txt(opt(size)), self.whole, Edns.has_opt, limit=size)
        self.probe_tcp("over TCP", self.txt(), self.whole)
        for size in (0, 512, 1232):
            self.probe_tcp(f"over TCP, EDNS size {size}", self.txt(opt(size)), self.whole, Edns.has_opt)

    def test_the_limit_is_met_to_the_octet(self):
        size = self.whole_size(opt())
        for room, expectation in ((size - 2, self.truncated), (size - 1, self.truncated), (size, self.whole),
                                  (size + 1, self.whole)):
            self.probe(f"{room} octets for {size}", self.txt(opt(room)), expectation, limit=room)

    def test_short_answers_at_long_names_fit(self):
        self.probe("A", message(question(self.name)), LISTED, limit=512)
        long_nxdomain = wire_name(labels_of("2001:db8::1"), self.apex)
        for name, wire in {"NXDOMAIN": message(question(long_nxdomain)), "NODATA": message(question(self.name, MX)),
                           "SOA": message(question(self.apex, SOA))}.items():
            self.probe(name, wire, rcode("NXDOMAIN" if name == "NXDOMAIN" else "NOERROR"), limit=512)

    def test_an_ns_rrset_too_long_for_any_datagram(self):
        wire = message(question(self.apex, NS))

        def all_of_them(m):
            need(not m.bit("TC"), "TC")
            need(sorted(r.names[0] for r in m.answers) == sorted(map(encode_name, self.NAMESERVERS)), "not all name servers")
        self.probe_tcp("over TCP", wire, all_of_them)
        self.probe("without EDNS", wire, self.truncated, limit=512)
        for size in (512, 1232, 1400):
            self.probe(f"EDNS size {size}", message(question(self.apex, NS), additional=[opt(size)]), self.truncated, limit=size)
        for size in (4096, 65535):
            # A server may keep to less than the client offers (RFC 9715).
            self.probe(f"EDNS size {size}", message(question(self.apex, NS), additional=[opt(size)]),
                       any_of(all_of_them, self.truncated), limit=size)

    def test_truncated_replies_keep_flags_and_question(self):
        for flags in (0, RD, CD, RD | CD):
            self.probe(f"flags {flags:#06x}", message(question(self.name, TXT), flags=flags), self.truncated,
                       lambda m: need(m.bit("AA"), "without AA"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
