#!/usr/bin/env python3
"""Removal on request, with the real ingest: a listed host writes to delist@ and is removed, and nobody else is; whatever kills ingest, a
request is executed once; repeated removals wait.

Clients have addresses by the PROXY protocol, as behind a load balancer."""

import sqlite3
import time
import unittest

from fairness_clock import DAY, Clock
from harness import TRAP_DOMAIN, wait_until
from smtp_listener import ListeningBlowback, bounce, stuffed

DELIST = "delist@bl.example.org"


class Removing(ListeningBlowback):
    """A list with one feed, behind a proxy."""

    def __init__(self, **removal):
        super().__init__(feed={"proxy_protocol": True})
        self.sections["removal"] = {"mail": DELIST, **removal}
        self.write_config()
        self.numbers = 0

    def host(self, address):
        client = self.client()
        client.send(f"PROXY TCP4 {address} 127.0.0.1 4000 25\r\n".encode())
        return client.begin()

    def send(self, address, sender, recipient, message):
        with self.host(address) as client:
            client.expect(250, f"MAIL FROM:<{sender}>")
            reply = client.say(f"RCPT TO:<{recipient}>")
            if not reply.startswith("250"):
                return reply
            client.expect(354, "DATA")
            client.send(stuffed(message) + b".\r\n")
            return client.reply()

    def ask(self, address, sender="admin@corp.example", header=b"Subject: delist\n"):
        return self.send(address, sender, DELIST, header + b"\nplease\n")

    def get_listed(self, address, env=None):
        """By bounces to three traps."""
        for trap in ("a", "b", "c"):
            self.numbers += 1
            reply = self.send(address, "", f"{trap}@{TRAP_DOMAIN}", bounce(self.numbers, trap=f"{trap}@{TRAP_DOMAIN}", client=address))
            if reply != "250 2.0.0 Ok":
                raise AssertionError(reply)
        if not self.is_listed(address, env):
            raise AssertionError(f"{address} isn't listed")

    def is_listed(self, address, env=None):
        return self.cli("check", address, env=env).returncode == 0

    def audit(self):
        return [(row["who"], row["action"], row["subject"], row["reason"]) for row in self.cli_json("log")]


class Removal(unittest.TestCase):
    def test_a_listed_host_removes_itself_by_mail_and_nobody_else(self):
        with Removing() as b:
            b.start_listening()
            for last in (1, 2, 3):
                b.get_listed(f"192.0.2.{last}")
            before = b.feed_counts("mx")
            self.assertEqual(b.ask("192.0.2.1"), "250 2.0.0 192.0.2.1 will be removed within a minute")
            wait_until(lambda: not b.is_listed("192.0.2.1"), 20, "the host is removed")
            # Neither the header nor the envelope names who is removed.
            self.assertTrue(b.ask("192.0.2.9", header=b"Subject: delist 192.0.2.2\nX-Originating-IP: 192.0.2.2\n"
                                  b"Received: from x ([192.0.2.2]) by y; Mon, 1 Jan 2024 00:00:00 +0000\n").startswith("550 5.7.1 192.0.2.9 "))
            # A bounce or an answer that a stranger provoked is no request.
            self.assertTrue(b.ask("192.0.2.2", sender="").startswith("550 5.7.1 "))
            self.assertTrue(b.ask("192.0.2.2", header=b"Subject: Re: delist\n").startswith("550 5.7.1 "))
            self.assertTrue(b.ask("192.0.2.2", header=b"Subject: delist\nAuto-Submitted: auto-replied\n").startswith("550 5.7.1 "))
            with b.client() as relay:  # a relay that states another's address
                relay.send(b"PROXY TCP4 192.0.2.9 127.0.0.1 4000 25\r\n")
                relay.begin()
                relay.expect(550, "XCLIENT ADDR=192.0.2.2")
                relay.expect(550, "XFORWARD ADDR=192.0.2.2")
            self.assertEqual([b.is_listed(f"192.0.2.{last}") for last in (1, 2, 3)], [False, True, True])
            self.assertEqual(b.audit(), [("removal:mail", "delist", "192.0.2.1", "requested by a message from 192.0.2.1 itself")])
            # Such mail is never counted as trap mail, and nothing of it is stored.
            self.assertEqual(b.feed_counts("mx"), before)
            requests = b.cli_json("removals")
            self.assertEqual([(row["sender"], row["proof"], row["state"], row["entry"]) for row in requests], [("192.0.2.1", "mail", "done", 1)])
            self.assertEqual(b.cli("removals", "--pending").returncode, 1)
            self.assertEqual(b.figures()["removals_done"], 1)
            self.assertIn("requested by a message from 192.0.2.1 itself", b.cli("why", "192.0.2.1").stdout)
            self.assertIn("The sender can have itself removed at once", b.cli("why", "192.0.2.2").stdout)
            self.assertIn("removal:mail", b.cli("history", "192.0.2.1").stdout)
            self.assertIn(" removed ", b.ingest.log())
            # An undo restores it, and what the operator restored stays.
            self.assertEqual(b.cli("undo", "1", "--reason", "still broken").returncode, 0)
            self.assertTrue(b.is_listed("192.0.2.1"))
            self.assertIn("it was listed by the operator", b.ask("192.0.2.1"))
            self.assertEqual(b.cli("db", "check").returncode, 0)

    def test_what_cannot_be_removed_is_answered_so(self):
        with Removing() as b:
            self.assertEqual(b.cli("list", "198.51.100.0/24", "--reason", "by hand").returncode, 0)
            b.start_listening()
            self.assertIn("it was listed by the operator", b.ask("198.51.100.7"))
            self.assertIn("it is not listed", b.ask("203.0.113.1"))
            self.assertIn("special-use", b.ask("127.0.0.1"))
            b.get_listed("192.0.2.1")
            b.sections["removal"]["enabled"] = False
            b.write_config()
            b.ingest.stop()
            b.start_listening()
            self.assertIn("removes nobody", b.ask("192.0.2.1"))
            self.assertTrue(b.is_listed("192.0.2.1"))

    def test_a_request_outlives_kills_and_is_executed_once(self):
        with Removing() as b:
            b.start_listening()
            for last in range(1, 9):
                b.get_listed(f"192.0.2.{last}")
            for last in range(1, 9):
                # At once after the reply: before, in or after the transaction that removes the host.
                self.assertTrue(b.ask(f"192.0.2.{last}").startswith("250 "))
                b.ingest.kill()
                b.start_listening()
            wait_until(lambda: b.cli("removals", "--pending").returncode == 1, 20, "all are executed")
            self.assertEqual(sorted(row[2] for row in b.audit()), [f"192.0.2.{last}" for last in range(1, 9)])
            self.assertEqual(len(b.cli_json("removals")), 8)
            self.assertFalse(any(b.is_listed(f"192.0.2.{last}") for last in range(1, 9)))
            self.assertEqual(b.cli("db", "check").returncode, 0)

    def test_requests_wait_while_ingest_is_down(self):
        with Removing() as b:
            b.start_listening()
            b.get_listed("192.0.2.1")
            b.ingest.stop()
            # As the page files it, in a process of its own.
            with sqlite3.connect(b.database, timeout=20) as connection:
                connection.execute("INSERT INTO removal_request (sender, address, proof, requested_at, due_at) SELECT sender, sender, 0, ?1, ?1 "
                                   "FROM standing", (int(time.time()),))
            connection.close()
            self.assertEqual(b.cli("removals", "--pending").returncode, 0)
            b.start_listening()
            wait_until(lambda: not b.is_listed("192.0.2.1"), 20, "the host is removed")
            self.assertEqual(b.audit()[0][0], "removal:https")

    def test_repeated_removals_wait_longer_each_time(self):
        with Removing() as b:
            clock = Clock(b.dir)

            def at(day):
                if b.ingest:
                    b.ingest.stop()
                clock.set(int(day * DAY))
                b.start_listening(env=clock.env)

            at(0)
            b.get_listed("192.0.2.1")
            self.assertIn("within a minute", b.ask("192.0.2.1"))
            wait_until(lambda: not b.is_listed("192.0.2.1", clock.env), 20, "the host is removed")
            day = 1
            for wait in (1, 2):
                at(day)
                b.get_listed("192.0.2.1", clock.env)
                self.assertIn("if no backscatter comes from it until then", b.ask("192.0.2.1"))
                at(day + wait - 0.1)
                self.assertEqual(b.cli("removals", "--pending", env=clock.env).returncode, 0)
                self.assertTrue(b.is_listed("192.0.2.1", clock.env))
                at(day + wait + 0.1)
                wait_until(lambda: not b.is_listed("192.0.2.1", clock.env), 20, "the host is removed")
                day += wait + 1
            at(day)
            b.get_listed("192.0.2.1", clock.env)
            why = b.cli("why", "192.0.2.1", env=clock.env).stdout
            self.assertIn("waits 4 days after it asks", why)
            self.assertIn("lasts 2 times as long", why)


if __name__ == "__main__":
    unittest.main()
