#!/usr/bin/env python3
"""What dig gets: RFC 5782's points, empty non-terminals at every depth, the apex, negative answers, EDNS, and refusals."""

import ipaddress
import os
import signal
import unittest

from harness import ZONE, Blowback, has_ipv6, owner_name, wait_until

CODES = (2, 3, 4, 5, 6, 7, 9)


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.b = Blowback(server={"nsid": "here"}).__enter__()
        b = cls.b
        assert b.cli("list", "192.0.2.10", "--reason", "test").returncode == 0
        assert b.cli("list", "198.51.100.0/24", "--reason", "test").returncode == 0
        assert b.cli("exempt", "198.51.100.128/25", "--reason", "test").returncode == 0
        b.list_sender("2001:db8:1::25")
        assert b.start_ingest(once=True).process.returncode == 0
        b.start_server()
        b.wait_listed("192.0.2.10")
        b.wait_listed("2001:db8:1::25")

    @classmethod
    def tearDownClass(cls):
        cls.b.__exit__(None, None, None)

    def ask(self, name, rtype="A", *options):
        name = f"{name}.{ZONE}" if name else ZONE
        reply = self.b.dig(name, rtype, *options)
        self.assertIsNotNone(reply.rcode, f"no answer for {name} {rtype}")
        return reply

    def assert_negative(self, reply, rcode):
        self.assertEqual(reply.rcode, rcode, reply.text)
        self.assertIn("aa", reply.flags)
        self.assertEqual(reply.answers, [], reply.text)
        self.assertEqual([r.type for r in reply.authority], ["SOA"], reply.text)
        self.assertEqual(reply.authority[0].ttl, 60, "min(SOA TTL, minimum)")

    # ── RFC 5782 §5 ──

    def test_each_test_point_is_listed_with_its_code(self):
        for code in CODES:
            for ip in (f"127.0.0.{code}", f"::ffff:7f00:{code:x}"):
                name = owner_name(ip) if "." in ip else mapped_name(ip)
                reply = self.b.dig(name, "A")
                self.assertEqual(reply.rdata("A"), [f"127.0.0.{code}"], ip)
                self.assertEqual(len(self.b.dig(name, "TXT").rdata("TXT")), 1, ip)

    def test_the_loopback_address_is_never_listed_and_is_nxdomain(self):
        for name in (owner_name("127.0.0.1"), mapped_name("::ffff:7f00:1")):
            for rtype in ("A", "TXT", "AAAA"):
                self.assert_negative(self.b.dig(name, rtype), "NXDOMAIN")
            self.assert_negative(self.b.dig("x." + name, "A"), "NXDOMAIN")

    def test_the_apex_has_soa_and_ns_and_no_address(self):
        self.assertEqual(len(self.ask("", "SOA").rdata("SOA")), 1)
        self.assertEqual(self.ask("", "NS").rdata("NS"), ["ns1.example.org."])
        for rtype in ("A", "AAAA", "TXT", "MX"):
            self.assert_negative(self.ask("", rtype), "NOERROR")

    def test_a_name_server_in_the_zone_has_the_addresses_that_stand_behind_its_name(self):
        with Blowback(zone={"nameservers": [f"ns1.{ZONE} 192.0.2.53 2001:db8::53", f"ns2.{ZONE}"]}) as b:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            b.start_server()
            self.assertEqual(b.dig(f"ns1.{ZONE}").rdata("A"), ["192.0.2.53"])
            self.assertEqual(b.dig(f"NS1.{ZONE}", "AAAA").rdata("AAAA"), ["2001:db8::53"])
            self.assert_negative(b.dig(f"ns1.{ZONE}", "TXT"), "NOERROR")
            self.assert_negative(b.dig(f"x.ns1.{ZONE}"), "NXDOMAIN")
            self.assert_negative(b.dig(f"ns2.{ZONE}"), "NXDOMAIN")
            self.assertIn(f"nameserver-without-address name=ns2.{ZONE}", b.server.log())
            self.assertNotIn(f"name=ns1.{ZONE}", b.server.log())

    def test_another_host_in_the_zone_has_its_addresses(self):
        with Blowback(zone={"hosts": ["www 192.0.2.80 2001:db8::80"]}) as b:
            self.assertEqual(b.cli("list", "192.0.2.80", "--reason", "test").returncode, 0)
            b.start_server()
            self.assertEqual(b.dig(f"www.{ZONE}").rdata("A"), ["192.0.2.80"])
            self.assertEqual(b.dig(f"WWW.{ZONE}", "AAAA").rdata("AAAA"), ["2001:db8::80"])
            self.assert_negative(b.dig(f"www.{ZONE}", "TXT"), "NOERROR")
            self.assert_negative(b.dig(f"x.www.{ZONE}"), "NXDOMAIN")
            self.assertEqual(b.dig_ip("192.0.2.80").rdata("A"), ["127.0.0.9"])
            # Taken up and given up by a reload.
            b.sections["zone"]["hosts"] = ["page 192.0.2.81"]
            b.write_config()
            os.kill(b.server.pid, signal.SIGHUP)
            wait_until(lambda: b.dig(f"page.{ZONE}").rdata("A") == ["192.0.2.81"], 5, "the new host")
            self.assert_negative(b.dig(f"www.{ZONE}"), "NXDOMAIN")

    # ── listings ──

    def test_a_listed_address_has_its_codes_in_order_and_one_txt(self):
        self.assertEqual(self.ask("10.2.0.192").rdata("A"), ["127.0.0.9"])
        self.assertEqual(self.ask("10.2.0.192", "TXT").rdata("TXT"),
                         ['"Backscatter from 192.0.2.10, see https://bl.example.org/192.0.2.10"'])
        for rtype in ("AAAA", "MX", "SOA", "NS", "CNAME", "TYPE65280"):
            self.assert_negative(self.ask("10.2.0.192", rtype), "NOERROR")

    def test_a_listed_network_covers_its_addresses_but_not_its_exempt_part(self):
        self.assertEqual(self.ask("1.100.51.198").rdata("A"), ["127.0.0.9"])
        self.assertEqual(self.ask("127.100.51.198").rdata("A"), ["127.0.0.9"])
        self.assert_negative(self.ask("128.100.51.198"), "NXDOMAIN")
        self.assert_negative(self.ask("255.100.51.198"), "NXDOMAIN")

    def test_an_ipv6_sender_is_listed_by_its_64(self):
        for ip in ("2001:db8:1::25", "2001:db8:1:0:ffff::1"):
            self.assertEqual(self.b.dig_ip(ip).rdata("A"), ["127.0.0.2"], ip)
        self.assert_negative(self.b.dig_ip("2001:db8:1:1::25"), "NXDOMAIN")

    # ── RFC 8020, RFC 9156 ──

    def test_empty_non_terminals_exist_at_every_octet(self):
        for ip in ("192.0.2.10", "198.51.100.7", "127.0.0.2"):
            labels = ip.split(".")
            for depth in range(1, 4):
                name = ".".join(reversed(labels[:depth]))
                for rtype in ("A", "NS", "TXT"):
                    self.assert_negative(self.ask(name, rtype), "NOERROR")
        for name in ("193", "1.192", "3.0.192", "11.2.0.192"):
            self.assert_negative(self.ask(name), "NXDOMAIN")

    def test_empty_non_terminals_exist_at_every_nibble(self):
        for ip in ("2001:db8:1::25", "::ffff:7f00:2"):
            nibbles = ipaddress.ip_address(ip).exploded.replace(":", "")
            for depth in range(1, 32):
                name = ".".join(reversed(nibbles[:depth]))
                if depth <= 4 and nibbles[:depth].isdigit() and ip.startswith("::"):
                    continue  # 0, 0.0, … are octets of IPv4 as well; either family makes the name exist
                self.assert_negative(self.ask(name, "NS"), "NOERROR")
        self.assert_negative(self.ask("2.0.0.2.8.b.d.0.1.0.0.2"), "NXDOMAIN")

    def test_case_is_kept_and_ignored(self):
        reply = self.b.dig("10.2.0.192.bL.eXaMpLe.OrG", "A")
        self.assertEqual(reply.rdata("A"), ["127.0.0.9"])
        self.assertEqual(reply.answers[0].name, "10.2.0.192.bL.eXaMpLe.OrG.")

    def test_names_that_are_no_address_are_nxdomain(self):
        for name in ("foo", "256.2.0.192", "010.2.0.192", "1.10.2.0.192", "g.1.0.0.2", "x.10.2.0.192", "_dmarc"):
            self.assert_negative(self.ask(name), "NXDOMAIN")

    # ── other questions ──

    def test_other_zones_and_transfers_are_refused_with_the_reason(self):
        reply = self.b.dig("example.com", "A")
        self.assertEqual((reply.rcode, reply.ede), ("REFUSED", 20))
        self.assertNotIn("aa", reply.flags)
        for options in ((), ("+tcp",)):
            self.assertEqual(self.b.dig(ZONE, "IXFR=1", "+noall", "+comments", *options).rcode, "REFUSED")

    def test_any_gets_one_rrset(self):
        for name in (ZONE, f"10.2.0.192.{ZONE}"):
            reply = self.b.dig(name, "ANY", "+notcp")
            self.assertEqual(reply.rcode, "NOERROR")
            self.assertEqual(len({r.type for r in reply.answers}), 1, reply.text)

    # ── ISC's EDNS compliance list ──

    def test_edns_by_the_compliance_list(self):
        soa = lambda *options: self.b.dig(ZONE, "SOA", "+nocookie", "+norec", *options)
        plain = soa("+noedns")
        self.assertEqual((plain.rcode, plain.edns), ("NOERROR", None))
        self.assertEqual(len(plain.rdata("SOA")), 1)
        with self.subTest("edns0"):
            reply = soa("+edns=0")
            self.assertEqual(reply.rcode, "NOERROR")
            self.assertIn("version: 0", reply.edns)
        with self.subTest("edns1"):
            reply = soa("+edns=1", "+noednsneg")
            self.assertEqual(reply.rcode, "BADVERS")
            self.assertIn("version: 0", reply.edns)
            self.assertEqual(reply.rdata(), [])
        with self.subTest("unknown option"):
            reply = soa("+edns=0", "+ednsopt=100")
            self.assertEqual(len(reply.rdata("SOA")), 1)
            self.assertNotIn("OPT=100", reply.text)
        with self.subTest("unknown flag"):
            reply = soa("+edns=0", "+ednsflags=0x40")
            self.assertEqual(len(reply.rdata("SOA")), 1)
            self.assertNotIn("MBZ", reply.text)
        with self.subTest("DO"):
            reply = soa("+dnssec")
            self.assertIn("flags: do", reply.edns)
        with self.subTest("NSID"):
            self.assertIn("here", soa("+nsid").text)
            self.assertNotIn("NSID", soa("+edns=0").text)
        with self.subTest("over TCP"):
            self.assertEqual(len(soa("+edns=0", "+tcp").rdata("SOA")), 1)
        with self.subTest("small buffer"):
            self.assertEqual(soa("+edns=0", "+bufsize=512").rcode, "NOERROR")
            self.assertEqual(soa("+edns=0", "+bufsize=100").rcode, "NOERROR")
        with self.subTest("opcode"):
            self.assertEqual(soa("+opcode=15", "+noedns", "+header-only").rcode, "NOTIMP")
        with self.subTest("type"):
            self.assertEqual(self.b.dig(ZONE, "TYPE666", "+nocookie").rcode, "NOERROR")

    @unittest.skipUnless(has_ipv6(), "no ::1 here")
    def test_the_same_over_ipv6(self):
        for options in ((), ("+tcp",)):
            self.assertEqual(self.b.dig_ip("192.0.2.10", "A", *options, v6=True).rdata("A"), ["127.0.0.9"])


def mapped_name(ip):
    """The nibbles of an IPv4-mapped address, which the harness would write as octets."""
    nibbles = ipaddress.IPv6Address(ip).exploded.replace(":", "")
    return ".".join(reversed(nibbles)) + "." + ZONE


if __name__ == "__main__":
    unittest.main(verbosity=2)
