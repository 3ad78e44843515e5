#!/usr/bin/env python3
"""Who may ask, cookies and the rate limit, as clients see them."""

import signal
import socket
import time
import unittest

from harness import ZONE, Blowback, query, wait_until

NAME = f"2.0.0.127.{ZONE}"


def ask_many(port, count, message):
    """Asks as one client, waits for the replies to end: a last query by another class marks the end of the first ones."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(5)
        for i in range(count):
            client.send((i + 1).to_bytes(2, "big") + message[2:])
        client.send(query("example.com", ident=0xFFFF))
        replies = []
        while True:
            reply = client.recv(4096)
            if reply[:2] == b"\xff\xff":
                return replies
            replies.append(reply)


def serve(b):
    assert b.cli("db", "migrate").returncode == 0
    b.start_server()


class Guards(unittest.TestCase):
    def test_only_allowed_clients_are_answered(self):
        with Blowback(server={"allow": ["127.0.0.2", "127.0.0.8/29"]}) as b:
            assert b.cli("db", "migrate").returncode == 0
            b.start_server(wait=False)
            wait_until(lambda: b.dig(NAME, "A", "-b", "127.0.0.2").rcode == "NOERROR", 10, "an allowed client is answered")
            for source, rcode in (("127.0.0.2", "NOERROR"), ("127.0.0.9", "NOERROR"), ("127.0.0.1", "REFUSED"), ("127.0.0.16", "REFUSED")):
                for options in ((), ("+tcp",)):
                    reply = b.dig(NAME, "A", "-b", source, *options)
                    self.assertEqual(reply.rcode, rcode, source)
                    if rcode == "REFUSED":
                        self.assertEqual(reply.ede, 18)
                        self.assertEqual(reply.answers, [])

    def test_a_client_gets_a_cookie_that_is_good_until_the_process_ends(self):
        with Blowback() as b:
            serve(b)
            first = b.dig(NAME, "A", "+cookie=0102030405060708")
            self.assertIn("COOKIE: 0102030405060708", first.text)
            self.assertIn("(good)", first.text)
            cookie = first.text.split("COOKIE: ")[1].split()[0]
            self.assertEqual(len(cookie), 48)
            b.server.process.send_signal(signal.SIGHUP)
            again = b.dig(NAME, "A", f"+cookie={cookie}")
            self.assertIn(f"COOKIE: {cookie} (good)", again.text)

    def test_servers_that_share_a_secret_know_each_others_cookies(self):
        secret = "000102030405060708090a0b0c0d0e0f"
        with Blowback(server={"cookie_secrets": [secret]}) as one, Blowback(server={"cookie_secrets": [secret]}) as other:
            serve(one)
            serve(other)
            cookie = one.dig(NAME, "A", "+cookie=0102030405060708").text.split("COOKIE: ")[1].split()[0]
            self.assertIn(f"COOKIE: {cookie} (good)", other.dig(NAME, "A", f"+cookie={cookie}").text)

    def test_a_flood_from_one_source_is_held_to_its_rate_and_slips(self):
        limit = {"responses": 20, "slip": 2, "exempt": []}
        with Blowback(server={"workers": 1, "rate_limit": limit}) as b:
            serve(b)
            asked = 400
            began = time.monotonic()
            # Not a positive answer: the harness has had some of those already.
            replies = ask_many(b.port, asked, query(f"4.3.2.1.{ZONE}"))
            seconds = time.monotonic() - began
            whole = [r for r in replies if not r[2] & 0x02]
            slipped = [r for r in replies if r[2] & 0x02]
            # A second's worth at once, and what fills up while it lasts.
            self.assertGreaterEqual(len(whole), 20)
            self.assertLessEqual(len(whole), 20 + 20 * (seconds + 1))
            self.assertTrue(slipped)
            self.assertAlmostEqual(len(slipped), (asked - len(whole)) / 2, delta=1)
            for reply in slipped:
                self.assertEqual(reply[6:12], bytes(6), "no sections but the question")
            self.assertEqual(b.dig(NAME, "A", "+tcp").rcode, "NOERROR")

    def test_the_rate_limit_is_off_by_default_and_spares_loopback(self):
        for server in ({"workers": 1}, {"workers": 1, "rate_limit": {"responses": 5}}):
            with Blowback(server=server) as b:
                serve(b)
                replies = ask_many(b.port, 100, query(NAME))
                self.assertEqual(len(replies), 100)
                self.assertFalse([r for r in replies if r[2] & 0x02])


if __name__ == "__main__":
    unittest.main(verbosity=2)
