#!/usr/bin/env python3
"""Postfix with our milter, configured as in docs/manual.md: a bounce, callouts, a refused client; and mail passes without us."""

import pathlib
import smtplib
import tempfile
import time
import unittest

from smtp_listener import bounce, crlf, free_port
from harness import PATIENCE, TRAP_DOMAIN, wait_until
from milter import Watched
from mta import enter_namespaces, wait_for_greeting
from mta_postfix import Postfix

TRAP = f"a@{TRAP_DOMAIN}"
REFUSED_AT_DATA = "192.0.2.41"


class PostfixIsWatched(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="blowback-test-")))
        cls.postfix = Postfix(PACKAGE, f"""smtpd_milters = inet:127.0.0.1:{cls.port}
milter_default_action = accept
relay_domains = {TRAP_DOMAIN}, example.com
relay_recipient_maps =
relay_transport = discard
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_relay_restrictions = reject_unauth_destination
smtpd_data_restrictions = check_client_access inline:{{ {REFUSED_AT_DATA}=REJECT }}
""", folder / "postfix.log")
        cls.addClassCleanup(cls.postfix.stop)
        wait_for_greeting(cls.postfix)

    def client(self, address):
        """A session of `client`, after EHLO."""
        client = smtplib.SMTP("127.0.0.1", 25, timeout=60 * PATIENCE)
        self.addCleanup(client.close)
        client.ehlo("relay.example.net")
        self.assert_reply(220, client.docmd(f"XCLIENT ADDR={address} NAME=[UNAVAILABLE]"))
        client.ehlo("mx.sender.example")
        return client

    def assert_reply(self, code, reply):
        self.assertEqual(reply[0], code, f"{reply}\n{self.postfix.log()[-3000:]}")

    def ask_for_the_trap(self, client):
        self.assert_reply(250, client.docmd("MAIL FROM:<>"))
        self.assert_reply(250, client.docmd(f"RCPT TO:<{TRAP}>"))

    def assert_incidents(self, b, count):
        wait_until(lambda: b.rows("SELECT count(*) FROM evidence") == [(count,)], 20,
                   lambda: f"{count} incidents:\n{b.ingest.log()}\n{self.postfix.log()[-3000:]}")

    def test_mail_that_names_a_trap_is_seen_and_no_mail_is_delayed(self):
        with Watched(port=self.port, policy={"list_at": 1e6}) as b:
            b.open_milter()
            client = self.client("192.0.2.31")
            client.sendmail("", ["someone@example.com", TRAP], crlf(bounce(1)))
            # The same session continues with a callout, then with mail for other recipients.
            self.ask_for_the_trap(client)
            self.assert_reply(250, client.docmd("RSET"))
            client.sendmail("someone@example.org", ["someone@example.com"], b"Subject: private\r\n\r\nHello.\r\n")
            client.quit()
            client = self.client("192.0.2.32")
            self.ask_for_the_trap(client)
            client.close()  # closes the connection
            client = self.client("192.0.2.33")
            self.assert_reply(250, client.docmd("MAIL FROM:<>"))
            self.assert_reply(554, client.docmd("RCPT TO:<nobody@elsewhere.example>"))
            client.quit()
            self.assert_incidents(b, 3)
            self.assertEqual(sorted(b.kinds_of("192.0.2.31")), ["callout", "dsn"])
            self.assertEqual(b.kinds_of("192.0.2.32"), ["callout"])
            # The parts that Postfix passed make up the message that was sent, except for a field that Postfix removes (message_drop_headers).
            self.assertEqual(b.rows("SELECT helo, message_id, size FROM evidence WHERE message_id != ''"),
                             [("mx.sender.example", "1@bounce.example", len(crlf(bounce(1).replace(b"Return-Path: <>\n", b""))))])
            # Without us mail passes at once.
            b.ingest.kill()
            client = self.client("192.0.2.34")
            began = time.monotonic()
            client.sendmail("", [TRAP], crlf(bounce(2)))
            client.quit()
            self.assertLess(time.monotonic() - began, 5 * PATIENCE)
            # When we are back, mail is seen again.
            b.open_milter()
            client = self.client("192.0.2.35")
            client.sendmail("", [TRAP], crlf(bounce(3)))
            client.quit()
            self.assert_incidents(b, 4)
            self.assertEqual(b.kinds_of("192.0.2.35"), ["dsn"])

    def test_a_client_that_is_refused_at_data_looks_like_a_callout_unless_callouts_are_off(self):
        for callouts, expected in ((True, ["callout"]), (False, [])):
            with self.subTest(callouts=callouts), Watched(port=self.port, policy={"list_at": 1e6}, milter={"callouts": callouts}) as b:
                b.open_milter()
                client = self.client(REFUSED_AT_DATA)
                self.ask_for_the_trap(client)
                self.assert_reply(554, client.docmd("DATA"))
                client.quit()
                client = self.client("192.0.2.42")
                client.sendmail("", [TRAP], crlf(bounce(1)))
                client.quit()
                self.assert_incidents(b, 1 + len(expected))
                self.assertEqual(b.kinds_of(REFUSED_AT_DATA), expected)
                self.assertEqual(b.kinds_of("192.0.2.42"), ["dsn"])

    def test_a_listed_client_that_is_refused_at_data_is_no_callout(self):
        with Watched(port=self.port, policy={"list_at": 1e6}) as b:
            b.open_milter()
            self.assertEqual(b.cli("list", REFUSED_AT_DATA, "--reason", "test").returncode, 0)
            for leave in ("quit", "rset"):
                client = self.client(REFUSED_AT_DATA)
                self.ask_for_the_trap(client)
                self.assert_reply(554, client.docmd("DATA"))
                client.docmd(leave)
            client = self.client("192.0.2.43")
            self.ask_for_the_trap(client)
            self.assert_reply(554, client.docmd("RCPT TO:<nobody@elsewhere.example>"))
            client.quit()
            client = self.client("192.0.2.44")
            client.sendmail("", [TRAP], crlf(bounce(1)))
            self.ask_for_the_trap(client)
            client.quit()
            self.assert_incidents(b, 2)
            self.assertEqual(sorted(b.kinds_of("192.0.2.44")), ["callout", "dsn"])


if __name__ == "__main__":
    [PACKAGE] = enter_namespaces("postfix")
    unittest.main(verbosity=2)
