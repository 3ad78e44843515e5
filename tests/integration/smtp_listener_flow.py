#!/usr/bin/env python3
"""The SMTP and LMTP listener as its clients see it: deliveries by swaks, sender callouts, XCLIENT and XFORWARD of trusted relays.

A bounce and a sender callout are in the DNS answers within a second, and `why` shows them."""

import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import time
import unittest

from smtp_listener import Client, ListeningBlowback, bounce
from harness import PATIENCE, TRAP_DOMAIN, wait_until

QUICK = {"policy": {"list_at": 0.2, "delist_below": 0.1, "distinct_traps": 1}}


class SmtpListener(unittest.TestCase):
    def test_a_bounce_by_swaks_is_in_the_answers_within_a_second(self):
        if shutil.which("swaks") is None:
            self.skipTest("swaks isn't installed")
        with ListeningBlowback(**QUICK) as b:
            b.start_listening()
            b.start_server()
            mail = b.dir / "bounce.eml"
            mail.write_bytes(bounce(1))
            done = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(b.smtp_port), "--from", "<>", "--to", f"a@{TRAP_DOMAIN}",
                                   "--ehlo", "mail.example.com", "--data", f"@{mail}", "--xclient-addr", "192.0.2.7"],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("250 2.0.0 Ok", done.stdout)
            b.wait_listed("192.0.2.7", seconds=1)
            self.assertIn("192.0.2.7", b.cli("why", "192.0.2.7").stdout)

    def test_a_sender_callout_is_in_the_answers_within_a_second(self):
        with ListeningBlowback(**QUICK) as b:
            b.start_listening()
            b.start_server()
            with b.client() as client:
                client.begin("192.0.2.8", "checker.example.com")
                client.expect(250, "MAIL FROM:<>")
                client.expect(250, f"RCPT TO:<a@{TRAP_DOMAIN}>")
                client.expect(221, "QUIT")
            b.wait_listed("192.0.2.8", seconds=1)
            self.assertEqual(b.dig_ip("192.0.2.8").rdata("A"), ["127.0.0.4"])
            why = b.cli("why", "192.0.2.8").stdout
            self.assertIn("callout", why)

    def test_250_comes_after_the_commit(self):
        with ListeningBlowback(**QUICK) as b:
            b.start_listening()
            for n in range(20):
                with b.client() as client:
                    client.begin("192.0.2.9")
                    self.assertEqual(client.deliver(bounce(n)), "250 2.0.0 Ok")
                    self.assertIn(f"{n}@bounce.example", " ".join(b.stored_ids()))

    def test_the_certificate_is_self_signed_unless_the_operator_sets_one(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with ListeningBlowback(**QUICK) as b:
            key, certificate = b.dir / "key.pem", b.dir / "cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                            "/CN=operators.example", "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
            for settings in ({}, {"certificate": str(certificate), "key": str(key)}):
                b.feeds[0].update(settings)
                b.write_config()
                b.start_listening()
                with b.client() as client:
                    client.begin()
                    client.expect(220, "STARTTLS")
                    client.socket = context.wrap_socket(client.socket)
                    shown = client.socket.getpeercert(binary_form=True)
                    client.expect(250, "EHLO again")
                    client.expect(250, "XFORWARD ADDR=192.0.2.10 HELO=x")
                    self.assertTrue(client.deliver(bounce(len(settings))).startswith("250"))
                self.assertEqual(b"operators.example" in shown, bool(settings))
                b.ingest.stop()
            b.feeds[0]["key"] = str(b.dir / "none.pem")
            b.write_config()
            b.start_ingest()
            wait_until(lambda: "none.pem can't be used" in b.ingest.log(), 10, "the log names the missing key")

    def test_the_proxy_header_names_the_client(self):
        with ListeningBlowback(feed={"proxy_protocol": True}, **QUICK) as b:
            b.start_listening()
            for n, header in enumerate((b"PROXY TCP4 192.0.2.11 127.0.0.1 4000 25\r\n",
                                        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x0b\x7f\0\0\1\x0f\xa0\0\x19")):
                with b.client() as client:
                    client.send(header)
                    client.begin()
                    self.assertTrue(client.say("XCLIENT ADDR=192.0.2.12").startswith("550"))
                    self.assertTrue(client.deliver(bounce(n)).startswith("250"))
            with b.client() as client:
                client.send(b"EHLO no-header\r\n")
                self.assertEqual(client.until_closed(), [])
            with b.client(source="127.0.0.2") as client:  # not a trusted relay
                client.send(b"PROXY TCP4 192.0.2.11 127.0.0.1 4000 25\r\n")
                self.assertEqual(client.until_closed(), [])
            self.assertEqual(b.kinds_of("192.0.2.11"), ["dsn", "dsn"])

    def test_lmtp_answers_for_each_recipient(self):
        with ListeningBlowback(type="lmtp", **QUICK) as b:
            b.start_listening()
            with b.client() as client:
                client.expect(220)
                client.expect(250, "LHLO relay")
                client.expect(250, "XFORWARD ADDR=192.0.2.13 HELO=mail.example.com")
                client.expect(250, "MAIL FROM:<>")
                client.expect(250, f"RCPT TO:<a@{TRAP_DOMAIN}>")
                client.expect(550, "RCPT TO:<nobody@example.org>")
                client.expect(250, f"RCPT TO:<b@{TRAP_DOMAIN}>")
                client.expect(354, "DATA")
                client.send(bounce(5).replace(b"\n", b"\r\n") + b"\r\n.\r\n")
                client.expect(250)
                client.expect(250)
            self.assertEqual(len(b.stored_ids()), 1)  # one message is one witness

    def test_lmtp_over_a_unix_socket_survives_a_killed_predecessor(self):
        with ListeningBlowback(type="lmtp", **QUICK) as b:
            path = b.dir / "lmtp.sock"
            b.feeds[0]["listen"] = [f"unix:{path}"]
            b.write_config()
            for n in range(2):
                b.start_ingest()

                def connected():
                    s = socket.socket(socket.AF_UNIX)
                    try:
                        s.connect(str(path))
                        return s
                    except OSError:
                        s.close()
                        return None

                client = Client.__new__(Client)
                client.socket, client.buffer = wait_until(connected, 10, lambda: b.ingest.log()), b""
                client.socket.settimeout(20 * PATIENCE)
                client.expect(220)
                client.expect(250, "LHLO relay")
                client.expect(250, "XFORWARD ADDR=192.0.2.14")
                self.assertTrue(client.deliver(bounce(n)).startswith("250"))
                client.socket.close()
                b.ingest.kill()
            self.assertEqual(len(b.stored_ids()), 2)

    def test_with_hide_traps_a_client_cannot_tell_traps_from_other_addresses(self):
        with ListeningBlowback(feed={"hide_traps": True}, **QUICK) as b:
            b.start_listening()
            with b.client() as client:
                client.begin("192.0.2.15")
                answers = {client.deliver(bounce(n, recipient), recipient) for n, recipient in
                           enumerate((f"a@{TRAP_DOMAIN}", "someone@example.org"))}
            self.assertEqual(answers, {"250 2.0.0 Ok"})
            self.assertEqual(len(b.stored_ids()), 1)
            self.assertEqual(b.feed_counts("mx")["not_a_trap"], 1)

    def test_clients_get_421_when_ingest_stops(self):
        with ListeningBlowback(**QUICK) as b:
            b.start_listening()
            with b.client() as client:
                client.begin()
                began = time.monotonic()
                b.ingest.stop()
                self.assertTrue(client.reply().startswith("421 4.3.2"))
                self.assertLess(time.monotonic() - began, 5 * PATIENCE)
            self.assertEqual(b.ingest.process.returncode, 0)

    def test_a_port_in_use_is_logged_and_tried_again(self):
        with ListeningBlowback(**QUICK) as b, socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", b.smtp_port))
            other.listen()
            b.start_ingest()
            wait_until(lambda: "another program listens there" in b.ingest.log(), 10, "the log says that the port is in use")
            other.close()
            wait_until(lambda: "feed-back" in b.ingest.log(), 10, "it listens")

    def test_a_client_gets_no_250_while_the_database_is_locked(self):
        with ListeningBlowback(**QUICK) as b:
            b.start_listening()
            with b.client() as client:
                client.begin("192.0.2.16")
                self.assertTrue(client.deliver(bounce(1)).startswith("250"))
                lock = sqlite3.connect(b.database, isolation_level=None)
                lock.execute("BEGIN IMMEDIATE")
                client.expect(250, "MAIL FROM:<>")
                client.expect(250, f"RCPT TO:<a@{TRAP_DOMAIN}>")
                client.expect(354, "DATA")
                client.send(bounce(2).replace(b"\n", b"\r\n") + b"\r\n.\r\n")
                # Other clients are served meanwhile.
                with b.client() as other:
                    other.begin()
                    other.expect(250, "NOOP")
                client.socket.settimeout(0.5)
                with self.assertRaises(TimeoutError):
                    client.socket.recv(1)
                lock.execute("ROLLBACK")
                lock.close()
                client.socket.settimeout(30 * PATIENCE)
                client.expect(250)
            self.assertEqual(len(b.stored_ids()), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
