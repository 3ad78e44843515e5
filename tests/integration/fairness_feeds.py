#!/usr/bin/env python3
"""What strangers can make a feed believe: which client connected, which one made a callout, where a message begins.

A relay that uses its connection again names one client for one message; a client that we sent away, or whom our own recipes refuse,
has called out to nobody; a message that a stranger wrote into another's text accuses nobody."""

import select
import unittest

from smtp_listener import ListeningBlowback, bounce
from harness import TRAP_DOMAIN, Blowback, make_dsn, wait_until
from milter import Watched

TRAP = f"a@{TRAP_DOMAIN}"
QUICK = {"policy": {"list_at": 0.4, "delist_below": 0.1, "distinct_traps": 1}}
PATIENT = {"policy": {"list_at": 1e6}}


class Clients(unittest.TestCase):
    def test_a_relay_that_reuses_its_connection_names_each_client(self):
        with ListeningBlowback(type="lmtp", **PATIENT) as b:
            b.start_listening()
            with b.client() as relay:
                relay.expect(220)
                relay.expect(250, "LHLO relay.example.net")
                relay.expect(250, "XFORWARD NAME=mail.example.com ADDR=192.0.2.10")
                relay.expect(250, "XFORWARD PROTO=ESMTP HELO=mail.example.com")
                self.assertEqual(relay.deliver(bounce(1, client="192.0.2.10")), "250 2.0.0 Ok")
                # Without XFORWARD the trace of the next message names another client.
                self.assertEqual(relay.deliver(bounce(2, client="192.0.2.20")), "250 2.0.0 Ok")
                # A message of its own has no trace with a client.
                own = b"\n".join(line for line in bounce(3).split(b"\n") if not line.startswith((b"Received:", b"\t")))
                self.assertEqual(relay.deliver(own), "250 2.0.0 Ok")
            self.assertEqual(b.kinds_of("192.0.2.10"), ["dsn"])
            self.assertEqual(b.kinds_of("192.0.2.20"), ["dsn"])
            self.assertEqual(len(b.stored_ids()), 2)
            self.assertEqual(b.feed_counts("mx")["quarantined"], 1)

    def test_a_proxy_header_without_an_address_accuses_nobody(self):
        with ListeningBlowback(feed={"proxy_protocol": True}, **PATIENT) as b:
            b.start_listening()
            for header in (b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"):
                with b.client() as client:
                    client.send(header)
                    client.expect(220)
                    self.assertNotIn("XCLIENT", client.say("EHLO stranger"))
                    client.expect(550, "XCLIENT ADDR=192.0.2.30")
                    client.expect(451, "MAIL FROM:<>")
                    client.expect(221, "QUIT")


class Callouts(unittest.TestCase):
    def ask(self, client, address):
        client.begin(address, "checker.example.com")
        client.expect(250, "MAIL FROM:<>")
        client.expect(250, f"RCPT TO:<{TRAP}>")

    def assert_only_the_true_one(self, b, of):
        """Nothing is recorded except for a callout that comes last."""

        def has_called_out():
            with b.client() as client:
                try:
                    self.ask(client, "192.0.2.99")
                    return client.say("QUIT").startswith("221")
                except AssertionError:  # too many connections still
                    return False

        wait_until(has_called_out, 20, "a client calls out")
        wait_until(lambda: b.kinds_of("192.0.2.99") == ["callout"], 10, "the true callout is recorded")
        self.assertEqual(b.cli_json("evidence", of), [])

    def test_a_client_that_times_out_made_no_callout(self):
        with ListeningBlowback(feed={"command_time": "1s"}, **PATIENT) as b:
            b.start_listening()
            for last_words in (b"", b"NOOP\n", b"x" * 5000, b"GET / HTTP/1.1\r\n", b"RCPT TO:<nobody@example.org>\r\nQUIT\r\n", b"DAT"):
                with self.subTest(last_words=last_words[:20]), b.client() as client:
                    self.ask(client, "192.0.2.40")
                    client.send(last_words)
                    if last_words == b"DAT":
                        client.half_close()
                    client.until_closed()
            self.assert_only_the_true_one(b, "192.0.2.40")

    def test_a_client_closed_in_favour_of_another_made_no_callout(self):
        with ListeningBlowback(feed={"connections": 2}, **PATIENT) as b:
            b.start_listening()
            with b.client() as waiting, b.client() as other:
                self.ask(waiting, "192.0.2.41")
                other.begin()

                def is_sent_away():
                    with b.client() as new:
                        select.select([new.socket], [], [], 0.2)
                    return select.select([waiting.socket], [], [], 0)[0] and waiting.reply().startswith("421 4.3.2")

                wait_until(is_sent_away, 20, "the place is given to others", pause=0.2)
            self.assert_only_the_true_one(b, "192.0.2.41")

    def test_a_client_closed_when_ingest_stops_made_no_callout(self):
        with ListeningBlowback(**PATIENT) as b:
            b.start_listening()
            with b.client() as client:
                self.ask(client, "192.0.2.42")
                b.ingest.stop()
                self.assertTrue(client.reply().startswith("421 4.3.2"))
            b.start_listening()
            self.assert_only_the_true_one(b, "192.0.2.42")

    def test_a_client_that_resets_its_connection_made_no_callout(self):
        with ListeningBlowback(**PATIENT) as b:
            b.start_listening()
            with b.client() as client:
                self.ask(client, "192.0.2.43")
                client.reset()
            self.assert_only_the_true_one(b, "192.0.2.43")

    def test_a_callout_does_not_prolong_a_listing(self):
        with ListeningBlowback(**QUICK) as b:
            b.start_listening()
            with b.client() as client:
                client.begin("192.0.2.44")
                self.assertEqual(client.deliver(bounce(1)), "250 2.0.0 Ok")
                client.expect(250, "XFORWARD ADDR=192.0.2.44 HELO=mail.example.com")
                client.expect(250, "MAIL FROM:<>")
                client.expect(250, f"RCPT TO:<{TRAP}>")
                client.expect(221, "QUIT")
            self.assert_only_the_true_one(b, "192.0.2.45")
            self.assertEqual(b.kinds_of("192.0.2.44"), ["dsn"])
            # Nor does it cause a new one while mail servers may still have the old answer.
            self.assertEqual(b.cli("delist", "192.0.2.44", "--reason", "mended").returncode, 0)
            with b.client() as client:
                self.ask(client, "192.0.2.44")
                client.expect(250, "RSET")
                client.expect(250, "XFORWARD ADDR=192.0.2.46 HELO=mail.example.com")
                client.expect(250, "MAIL FROM:<>")
                client.expect(250, f"RCPT TO:<{TRAP}>")
                client.expect(221, "QUIT")
            wait_until(lambda: b.kinds_of("192.0.2.46") == ["callout"], 10, "the callout after it is recorded")
            self.assertEqual(b.kinds_of("192.0.2.44"), ["dsn"])

    def test_a_listed_client_refused_at_data_does_not_prolong_its_listing_through_the_milter(self):
        with Watched(**QUICK) as b:
            b.open_milter()
            with b.mail_server() as m:
                m.begin("192.0.2.50")
                m.deliver(bounce(1), TRAP)
                # Refused at DATA, which a milter doesn't learn: RSET, or QUIT.
                m.envelope([TRAP])
                m.abort()
                m.envelope([TRAP])
                m.quit()
            with b.mail_server() as m:
                m.begin("192.0.2.51")
                m.envelope([TRAP])
                m.quit()
            wait_until(lambda: b.kinds_of("192.0.2.51") == ["callout"], 10, "the other's callout is recorded")
            self.assertEqual(b.kinds_of("192.0.2.50"), ["dsn"])

    def test_a_client_with_a_refused_recipient_made_no_callout_for_the_milter(self):
        with Watched(**PATIENT) as b:
            b.open_milter()
            with b.mail_server() as m:
                m.begin("192.0.2.52")
                m.envelope([TRAP])
                m.macros(b"R", rcpt_mailer="error")
                m.say(b"R", b"<nobody@elsewhere.example>\0")
                m.abort()
            with b.mail_server() as m:
                m.begin("192.0.2.53")
                m.envelope([TRAP])
                m.quit()
            wait_until(lambda: b.kinds_of("192.0.2.53") == ["callout"], 10, "the other's callout is recorded")
            self.assertEqual(b.cli_json("evidence", "192.0.2.52"), [])


class Boundaries(unittest.TestCase):
    """A message to a trap whose text contains bounces of a third party, each after a `From ` line."""

    VICTIM = "192.0.2.66"

    def letter(self):
        bounces = [make_dsn(self.VICTIM, f"{name}@{TRAP_DOMAIN}", n) for n, name in enumerate("abc")]
        text = b"".join(b"\nFrom MAILER-DAEMON Tue Nov 24 10:00:00 2026\n" + bounce for bounce in bounces)
        return b"From: stranger@example.org\nTo: %s\nSubject: Hello\n\nHello.\n%s" % (TRAP.encode(), text)

    def read(self, quoting, message):
        with Blowback(feeds=[], **QUICK) as b:
            mbox = b.dir / "mbox"
            b.feeds = [{"name": "old", "type": "mbox", "path": str(mbox), **({"quoting": quoting} if quoting else {})}]
            b.write_config()
            mbox.write_bytes(b"From stranger@example.org Tue Nov 24 10:00:00 2026\n" + message + b"\n")
            log = b.start_ingest(once=True).log()
            return b.feed_counts("old")["deliveries"], b.cli("check", self.VICTIM).returncode, log, b.cli("doctor").stdout

    def test_a_quoted_text_is_one_message_whatever_it_contains(self):
        letter = self.letter()
        head, _, body = letter.partition(b"\n\n")
        for quoting, message in (("mboxrd", letter.replace(b"\nFrom ", b"\n>From ")),
                                 ("mboxo", letter.replace(b"\nFrom ", b"\n>From ")),
                                 ("content-length", head + b"\nContent-Length: %d\n\n" % len(body) + body)):
            with self.subTest(quoting):
                deliveries, unlisted, log, doctor = self.read(quoting, message)
                self.assertEqual((deliveries, unlisted), (1, 1))
                self.assertNotIn("mbox-unquoted", log)
                self.assertNotIn("quoting old", doctor)

    def test_an_mbox_without_quoting_accuses_nobody_and_is_logged(self):
        deliveries, unlisted, log, doctor = self.read(None, self.letter())
        self.assertEqual((deliveries, unlisted), (4, 1))
        self.assertEqual(log.count("mbox-unquoted"), 1)
        self.assertIn("quoting old", doctor)


if __name__ == "__main__":
    unittest.main(verbosity=2)
