#!/usr/bin/env python3
"""Trap mail in a Maildir leads to DNS answers; listings end by themselves; the operator's decisions take effect within a second."""

import shutil
import time
import unittest

from harness import BIN, ROOT, TRAP_DOMAIN, ZONE, Blowback, make_dsn, program, wait_until

NEWSLETTER = f"""Return-Path: <news@shop.example>
Delivered-To: a@{TRAP_DOMAIN}
Received: from mail.shop.example (mail.shop.example [192.0.2.77])
\tby mx.{TRAP_DOMAIN} (Postfix) with ESMTP id 4F00000077
\tfor <a@{TRAP_DOMAIN}>; Tue, 24 Nov 2026 10:00:00 +0000 (UTC)
From: The Shop <news@shop.example>
To: a@{TRAP_DOMAIN}
Subject: Undeliverable prices this week
List-Unsubscribe: <https://shop.example/leave>
Precedence: bulk
Message-ID: <news-1@shop.example>
Date: Tue, 24 Nov 2026 09:59:00 +0000
Content-Type: text/plain

Our prices are so low that they could not be delivered.
"""


class FromMailToAnswer(unittest.TestCase):
    def test_trap_mail_lists_its_sender_and_nobody_else(self):
        with Blowback() as b:
            b.list_sender("192.0.2.1")
            b.list_sender("2001:db8:5::99")
            for n in range(3):
                b.deliver(NEWSLETTER.replace("news-1", f"news-{n}").encode())
            # One trap alone isn't enough, however often it is hit.
            for n in range(100, 106):
                b.deliver(make_dsn("192.0.2.3", f"only@{TRAP_DOMAIN}", n))
            done = b.start_ingest(once=True)
            self.assertEqual(done.process.returncode, 0, done.log())
            b.start_server()

            a = b.dig_ip("192.0.2.1")
            self.assertEqual((a.rcode, a.rdata("A")), ("NOERROR", ["127.0.0.2"]), a.text)
            self.assertIn("aa", a.flags)
            self.assertEqual(a.answers[0].ttl, 300)
            txt = b.dig_ip("192.0.2.1", "TXT")
            self.assertEqual(txt.rdata("TXT"), ['"Backscatter from 192.0.2.1, see https://bl.example.org/192.0.2.1"'], txt.text)

            # IPv6 senders are listed by their /64.
            for ip in ("2001:db8:5::99", "2001:db8:5::1"):
                self.assertEqual(b.dig_ip(ip).rdata("A"), ["127.0.0.2"], ip)
            self.assertEqual(b.dig_ip("2001:db8:5:1::99").rcode, "NXDOMAIN")

            for ip in ("192.0.2.2", "192.0.2.77", "192.0.2.3", "198.51.100.1"):
                reply = b.dig_ip(ip)
                self.assertEqual((reply.rcode, reply.answers), ("NXDOMAIN", []), reply.text)
                self.assertEqual([r.type for r in reply.authority], ["SOA"], reply.text)

            for v6 in (False, True):
                if v6 and b.port6 is None:
                    continue
                self.assertEqual(b.dig_ip("192.0.2.1", "A", "+tcp", v6=v6).rdata("A"), ["127.0.0.2"])
                self.assertEqual(b.dig_ip("192.0.2.1", "A", v6=v6).rdata("A"), ["127.0.0.2"])

    def test_the_same_mail_read_twice_counts_once(self):
        with Blowback(policy={"list_at": 6.0}) as b:
            messages = [make_dsn("192.0.2.1", f"{trap}@{TRAP_DOMAIN}", n) for n, trap in enumerate(("a", "b", "c"))]
            for _ in range(2):
                for message in messages:
                    b.deliver(message)
                self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(b.cli("check", "192.0.2.1").returncode, 1, "three bounces read twice are not six")
            feed = b.feed_counts()
            self.assertEqual((feed["deliveries"], feed["incidents"], feed["duplicates"]), (6, 3, 3))

    def test_an_automatic_listing_ends_by_itself_also_without_ingest(self):
        # Long enough that a busy machine has ingested and started the server before it is over.
        with Blowback(policy={"max_listing": "15s"}) as b:
            b.list_sender("192.0.2.1")
            began = time.time()
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            b.start_server()
            self.assertEqual(b.dig_ip("192.0.2.1").rcode, "NOERROR")
            self.assertLess(time.time() - began, 15, "too slow a machine for this test")
            b.wait_not_listed("192.0.2.1", seconds=20)
            self.assertEqual(b.dig_ip("192.0.2.1").rcode, "NXDOMAIN")

    def test_recorded_mail_leaves_new(self):
        with Blowback() as b:
            b.list_sender("192.0.2.1")
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(list((b.maildir / "new").iterdir()), [])
            self.assertEqual(len(list((b.maildir / "cur").iterdir())), 3)
        with Blowback() as b:
            b.feeds[0]["after"] = "remove"
            b.write_config()
            b.list_sender("192.0.2.1")
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual([p for d in ("new", "cur") for p in (b.maildir / d).iterdir()], [])


class TheOperatorsWord(unittest.TestCase):
    """Each change takes effect within a second in a running server."""

    def setUp(self):
        self.b = Blowback().__enter__()
        self.addCleanup(self.b.__exit__, None, None, None)
        self.b.list_sender("192.0.2.1")
        self.assertEqual(self.b.start_ingest(once=True).process.returncode, 0)
        self.b.start_server()
        self.assertTrue(self.b.listed("192.0.2.1"))

    def say(self, *arguments):
        done = self.b.cli(*arguments, "--reason", "test")
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")

    def test_list_and_delist(self):
        self.say("list", "198.51.100.0/24")
        self.b.wait_listed("198.51.100.200")
        self.assertEqual(self.b.dig_ip("198.51.100.200").rdata("A"), ["127.0.0.9"])
        self.say("delist", "198.51.100.0/24")
        self.b.wait_not_listed("198.51.100.200")
        self.say("delist", "192.0.2.1")
        self.b.wait_not_listed("192.0.2.1")

    def test_what_was_delisted_stays_delisted_when_the_old_mail_is_read_again(self):
        self.say("delist", "192.0.2.1")
        self.b.wait_not_listed("192.0.2.1")
        for path in (self.b.maildir / "cur").iterdir():
            path.rename(self.b.maildir / "new" / path.name.split(":")[0])
        self.assertEqual(self.b.start_ingest(once=True).process.returncode, 0)
        self.assertEqual(self.b.cli("check", "192.0.2.1").returncode, 1)

    def test_an_exemption_ends_listings_and_stays_until_it_is_revoked(self):
        self.say("exempt", "192.0.2.0/24")
        self.b.wait_not_listed("192.0.2.1")
        self.b.list_sender("192.0.2.1", traps=("d", "e", "f", "g"))
        self.assertEqual(self.b.start_ingest(once=True).process.returncode, 0)
        self.say("list", "203.0.113.1")  # once the next change has arrived, the one before would have, too
        self.b.wait_listed("203.0.113.1")
        self.assertFalse(self.b.listed("192.0.2.1"))

    def test_an_operators_listing_with_an_end_ends_on_time(self):
        self.say("list", "203.0.113.7", "--for", "3s")
        self.b.wait_listed("203.0.113.7")
        self.b.wait_not_listed("203.0.113.7", seconds=5)

    def test_each_kind_adds_one_address_in_a_fixed_order(self):
        self.say("list", "192.0.2.1")
        wait_until(lambda: self.b.dig_ip("192.0.2.1").rdata("A") == ["127.0.0.2", "127.0.0.9"], 1, "127.0.0.2 and 127.0.0.9, in this order")


class TheExampleConfig(unittest.TestCase):
    """deploy/blowback.toml works as it is; only its folder and ports are replaced by those of the test."""

    def test_all_three_programs_accept_it(self):
        with Blowback() as b:
            text = (ROOT / "deploy" / "blowback.toml").read_text()
            for theirs, ours in (("/var/lib/blowback", str(b.dir)), ("127.0.0.1:5300", f"127.0.0.1:{b.port}"),
                                 ("[::1]:5300", f"[::1]:{b.port6 or b.port}")):
                self.assertIn(theirs, text)
                text = text.replace(theirs, ours)
            if b.port6 is None:
                text = text.replace(f', "[::1]:{b.port}"', "")
            b.config.write_text(text)
            # It has no feed, which ingest reports. With its commented feed enabled ingest works.
            done = b.run("blowback-ingest", "--once")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("[[feed]]", done.stderr)
            before, _, after = text.partition("#[[feed]]\n")
            block, _, rest = after.partition("#\n")
            block = "\n".join(line.removeprefix("#") for line in block.splitlines())
            b.config.write_text(before + "[[feed]]\n" + block.replace("/var/spool/blowback/Maildir", str(b.maildir)) + "\n" + rest)
            b.deliver(make_dsn("192.0.2.1", f"a@{TRAP_DOMAIN}", 1))
            done = b.run("blowback-ingest", "--once")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(b.feed_counts("trap-maildir")["incidents"], 1)
            b.start_server()
            self.assertEqual(b.dig(ZONE, "SOA").rdata("SOA")[0].split()[:2], ["ns1.example.org.", "hostmaster.example.org."])


class HelpAndVersion(unittest.TestCase):
    def test_every_program_prints_its_usage_and_version(self):
        with Blowback() as b:
            for name in ("blowback-ingest", "blowback-server", "blowback"):
                self.assertEqual(b.run(name, "--help").returncode, 0, name)
                done = b.run(name, "--version")
                self.assertEqual(done.returncode, 0, name)
                self.assertRegex(done.stdout, r"\d+\.\d+\.\d+", name)


if __name__ == "__main__":
    if not shutil.which("dig"):
        raise SystemExit("dig isn't installed: apt-get install bind9-dnsutils")
    program("blowback-server")
    print(f"programs of {BIN}")
    unittest.main(verbosity=2)
